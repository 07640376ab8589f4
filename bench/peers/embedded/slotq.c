/* slotq.c: slotq with no server between: in memory and in files, as a program has it
 * through slotq.h. Knows the public calls alone.
 */
#include "embedded.h"
#include "../../support/folder.h"
#include "../../support/sure.h"
#include "slotq.h"

#include <stddef.h>
#include <string.h>

/* What a contender is made of. */
typedef struct store {
    embedded_own own;
    bool is_file;
    slotq_options options;
} store;

typedef struct worker {
    const store *kind;
    slotq *queue;
    slotq_batch *batch;
    uint32_t payload_bytes;
    double heap_before_bytes;
    uint32_t taken_count;
    embedded_lease taken[LOAD_BATCH_MOST];
    slotq_data payloads[LOAD_BATCH_MOST];
} worker;

static const char name[] = "slotq";

static void open_queue(worker *self, const slotq_geometry *geometry)
{
    slotq_error error = {.text = ""};
    slotq_outcome outcome;
    if (self->kind->is_file) {
        outcome = slotq_create(embedded_folder(), name, geometry, &self->kind->options, &error);
        if (outcome == SLOTQ_OK) {
            outcome =
                slotq_open(embedded_folder(), name, &self->kind->options, &self->queue, &error);
        }
    } else {
        outcome = slotq_create_memory(geometry, &self->kind->options, &self->queue, &error);
    }
    if (outcome != SLOTQ_OK) {
        fprintf(stderr, "bench: %s\n", error.text);
    }
    bench_ok(outcome, "opening a queue");
}

static void *start(const contender *self, uint32_t messages, uint32_t payload_bytes)
{
    slotq_geometry geometry = SLOTQ_GEOMETRY_DEFAULT;
    worker *made = calloc(1, sizeof *made);
    bench_need(made != NULL, "calloc");
    bench_need(messages < SLOTQ_RING_SLOTS_MAX, "a ring of so many messages");
    geometry.ring_slots = (uint16_t)(messages + 1);
    geometry.payload_bytes = (uint16_t)payload_bytes;
    if (messages + 1 + geometry.aside_slots > SLOTQ_RING_SLOTS_MAX) {
        geometry.aside_slots = (uint8_t)(SLOTQ_RING_SLOTS_MAX - messages - 1); /* both together */
    }
    made->kind = self->own;
    made->payload_bytes = payload_bytes;
    for (uint32_t i = 0; i < LOAD_BATCH_MOST; i++) {
        made->payloads[i] = (slotq_data){embedded_payload(i), payload_bytes};
    }
    if (made->kind->is_file) {
        slotq_remove_queue(embedded_folder(), name, NULL);
    }
    made->heap_before_bytes = embedded_heap_bytes();
    open_queue(made, &geometry);
    made->batch = slotq_batch_new();
    bench_need(made->batch != NULL, "slotq_batch_new");
    return made;
}

static void stop(void *queue)
{
    worker *self = queue;
    slotq_batch_free(self->batch);
    slotq_close(self->queue);
    if (self->kind->is_file) {
        bench_ok(slotq_remove_queue(embedded_folder(), name, NULL), "slotq_remove_queue");
    }
    free(self);
}

static void push(void *queue, uint32_t count)
{
    worker *self = queue;
    bench_ok(slotq_push(self->queue, self->payloads, count, NULL), "slotq_push");
}

static uint32_t take(void *queue, uint32_t most, uint32_t lease_ms, uint32_t wait_ms)
{
    worker *self = queue;
    slotq_message message;
    uint32_t wrong = 0;
    self->taken_count = 0;
    slotq_outcome outcome;
    do { /* AGAIN: so many words were looked at in a call */
        outcome = slotq_reserve(self->queue, 0, most, lease_ms, wait_ms, self->batch);
    } while (outcome == SLOTQ_AGAIN);
    if (outcome == SLOTQ_EMPTY) {
        return 0;
    }
    bench_ok(outcome, "slotq_reserve");
    while (slotq_batch_next(self->batch, &message)) {
        wrong |= embedded_look(message.payload, message.payload_bytes, self->payload_bytes);
        self->taken[self->taken_count++] = (embedded_lease){message.id, message.token};
    }
    bench_need(wrong == 0, "looking at what slotq gave");
    return self->taken_count;
}

static void tell(const void *queue, embedded_lease *leases)
{
    const worker *self = queue;
    memcpy(leases, self->taken, self->taken_count * sizeof *leases);
}

static void finish(void *queue, embedded_lease lease)
{
    worker *self = queue;
    bench_ok(slotq_ack(self->queue, 0, lease.id, (uint32_t)lease.token), "slotq_ack");
}

static void finish_taken(void *queue)
{
    worker *self = queue;
    if (self->taken_count == 1) {
        finish(queue, self->taken[0]);
    } else {
        bench_ok(slotq_ack_batch(self->queue, self->batch), "slotq_ack_batch");
    }
}

static void die(void *queue)
{
    worker *self = queue;
    slotq *other;
    bench_ok(slotq_clone(self->queue, &other, NULL), "slotq_clone");
    slotq_batch_free(self->batch);
    slotq_close(self->queue);
    self->queue = other;
    self->batch = slotq_batch_new();
    bench_need(self->batch != NULL, "slotq_batch_new");
}

/* Without the batch: payloads in it are the worker's. */
static double weigh_bytes(void *queue)
{
    worker *self = queue;
    if (self->kind->is_file) {
        return (double)folder_disk_bytes(embedded_folder());
    }
    slotq_batch_free(self->batch);
    const double bytes = embedded_heap_bytes() - self->heap_before_bytes;
    self->batch = slotq_batch_new();
    bench_need(self->batch != NULL, "slotq_batch_new");
    return bytes;
}

static const embedded_verbs verbs = {
    .start = start,
    .stop = stop,
    .push = push,
    .take = take,
    .tell = tell,
    .finish_taken = finish_taken,
    .finish = finish,
    .die = die,
    .weigh_bytes = weigh_bytes,
};

/* ---- the contenders ---- */

#define CALLED                                                                                     \
    "slotq_push; slotq_reserve; slotq_ack_batch (slotq_ack for one message); a ring for the "      \
    "messages of the run; push times kept; 100 dead slots; ticks of 100 ms"
#define IN_PROCESS                                                                                 \
    .cycle = embedded_cycle, .weigh = embedded_weigh, .grow = embedded_grow,                       \
    .recover = embedded_recover

static const store in_memory = {.own = {&verbs}};
const contender contender_slotq_memory = {
    .settings = "slotq_create_memory; " CALLED,
    IN_PROCESS,
    .own = &in_memory,
};

static const store exclusive = {.own = {&verbs}, .is_file = true, .options = {.exclusive = true}};
const contender contender_slotq_exclusive = {
    .settings = "exclusive; sync=os (survives SIGKILL, not power loss); " CALLED,
    IN_PROCESS,
    .own = &exclusive,
};

static const store shared = {.own = {&verbs}, .is_file = true};
const contender contender_slotq_shared = {
    .settings = "sync=os (survives SIGKILL, not power loss); " CALLED,
    IN_PROCESS,
    .own = &shared,
};

static const store always = {
    .own = {&verbs}, .is_file = true, .options = {.sync = SLOTQ_SYNC_ALWAYS}};
const contender contender_slotq_always = {
    .settings = "sync=always (survives power loss); " CALLED,
    IN_PROCESS,
    .own = &always,
};
