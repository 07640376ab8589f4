/* embedded.c: see embedded.h.
 */
#include "embedded.h"
#include "../../support/folder.h"
#include "../../support/sure.h"

#include <malloc.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

enum {
    LEASE_MS = 3600000,
    CYCLES_MOST = 15,
    CYCLES_MS = 30,
    GROUP = 8, /* calls between two looks at the clock, which costs as much as a call */
    LAPS_MOST = 400,
    LAPS_LEAST = 5,
    WARM_LAPS = 1,
    GROW_MS = 100,
    GROW_PAYLOAD_BYTES = 32,
    SHORT_LEASE_MS = 5000, /* longer than all are taken, on a busy machine too */
    RECOVER_BATCH = 256,
    PATH_BYTES = 512
};

const uint8_t *embedded_payload(uint32_t i)
{
    static uint8_t payloads[LOAD_BATCH_MOST][LOAD_PAYLOAD_MOST];
    static bool filled;
    if (!filled) {
        for (uint32_t k = 0; k < LOAD_BATCH_MOST; k++) {
            memset(payloads[k], (int)k, LOAD_PAYLOAD_MOST);
            payloads[k][0] = EMBEDDED_MARK;
        }
        filled = true;
    }
    return payloads[i];
}

double embedded_heap_bytes(void)
{
    const struct mallinfo2 heap = mallinfo2();
    return (double)heap.uordblks + (double)heap.hblkhd;
}

/* ---- the folder of files ---- */

static char folder[PATH_BYTES];
static pid_t folder_owner;

static void remove_own_folder(void)
{
    if (folder_owner == getpid()) {
        folder_remove(folder);
    }
}

const char *embedded_folder(void)
{
    if (folder_owner == 0) {
        const int length = snprintf(folder, sizeof folder, "%s/files", contender_folder);
        bench_need(length > 0 && (size_t)length < sizeof folder, "a folder of so long a name");
        folder_make(folder);
        folder_owner = getpid();
        bench_need(atexit(remove_own_folder) == 0, "atexit");
    }
    return folder;
}

/* ---- in the queue's own words ---- */

static const embedded_verbs *verbs_of(const contender *self)
{
    return ((const embedded_own *)self->own)->verbs;
}

static void push_all(const embedded_verbs *verbs, void *queue, uint32_t messages)
{
    for (uint32_t done = 0; done < messages;) {
        const uint32_t left = messages - done;
        const uint32_t count = left < LOAD_BATCH_MOST ? left : LOAD_BATCH_MOST;
        verbs->push(queue, count);
        done += count;
    }
}

/* leases: of each, or NULL. */
static void take_all(const embedded_verbs *verbs, void *queue, uint32_t messages, uint32_t lease_ms,
                     embedded_lease *leases)
{
    for (uint32_t done = 0; done < messages;) {
        const uint32_t left = messages - done;
        const uint32_t count = left < LOAD_BATCH_MOST ? left : LOAD_BATCH_MOST;
        bench_need(verbs->take(queue, count, lease_ms, 0) == count, "taking what is there");
        if (leases != NULL) {
            verbs->tell(queue, leases + done);
        }
        done += count;
    }
}

static inline void take_and_finish(const embedded_verbs *verbs, void *queue, uint32_t count)
{
    bench_need(verbs->take(queue, count, LEASE_MS, 0) == count, "taking what is there");
    verbs->finish_taken(queue);
}

static void finish_all(const embedded_verbs *verbs, void *queue, uint32_t messages)
{
    for (uint32_t done = 0; done < messages;) {
        const uint32_t left = messages - done;
        const uint32_t count = left < LOAD_BATCH_MOST ? left : LOAD_BATCH_MOST;
        take_and_finish(verbs, queue, count);
        done += count;
    }
}

/* ---- closed load ---- */

static void cycle_lap(const embedded_verbs *verbs, void *queue, const load *how, cycle_times *sum)
{
    const uint64_t start_ns = clock_ns();
    for (uint32_t done = 0; done < how->messages; done += how->batch) {
        verbs->push(queue, how->batch);
    }
    const uint64_t pushed_ns = clock_ns();
    for (uint32_t done = 0; done < how->messages; done += how->batch) {
        take_and_finish(verbs, queue, how->batch);
    }
    const uint64_t taken_ns = clock_ns();
    for (uint32_t done = 0; done < how->messages; done += how->batch) {
        verbs->push(queue, how->batch);
        take_and_finish(verbs, queue, how->batch);
    }
    const uint64_t end_ns = clock_ns();
    sum->push_ns += (double)(pushed_ns - start_ns) / how->messages;
    sum->take_ns += (double)(taken_ns - pushed_ns) / how->messages;
    sum->cycle_ns += (double)(end_ns - taken_ns) / how->messages;
}

/* As many messages as a queue can hold may take less than a time slice: then several laps stand for
 * one long stretch, by their mean: a slow contender has one lap with all that disturbed it. */
void embedded_cycle(const contender *self, const load *how, cycle_times *times)
{
    const embedded_verbs *verbs = verbs_of(self);
    cycle_times sum = {0, 0, 0};
    uint32_t laps = 0;
    void *queue = verbs->start(self, how->messages, how->payload_bytes);
    push_all(verbs, queue, how->messages); /* new pages come before the clock runs */
    finish_all(verbs, queue, how->messages);
    const uint64_t start_ns = clock_ns();
    do {
        cycle_lap(verbs, queue, how, &sum);
        laps++;
    } while (laps < CYCLES_MOST && clock_ns() - start_ns < CYCLES_MS * UINT64_C(1000000));
    bench_need(verbs->take(queue, 1, LEASE_MS, 0) == 0, "finishing all");
    *times = (cycle_times){sum.push_ns / laps, sum.take_ns / laps, sum.cycle_ns / laps};
    verbs->stop(queue);
}

/* ---- memory ---- */

void embedded_weigh(const contender *self, uint32_t messages, uint32_t payload_bytes, weight *bytes)
{
    const embedded_verbs *verbs = verbs_of(self);
    void *queue = verbs->start(self, messages, payload_bytes);
    push_all(verbs, queue, messages);
    bytes->ready_bytes = verbs->weigh_bytes(queue) / messages;
    take_all(verbs, queue, messages, LEASE_MS, NULL);
    bytes->leased_bytes = verbs->weigh_bytes(queue) / messages;
    /* An allocator of a sanitizer tells nothing. */
    bench_need(bytes->ready_bytes > 0 && bytes->leased_bytes > 0, "weighing");
    verbs->stop(queue);
}

/* ---- growth ---- */

/* The leases that are held, oldest first, in a ring. */
typedef struct field {
    const embedded_verbs *verbs;
    void *queue;
    embedded_lease *leases;
    uint32_t room;
    uint32_t first;
    uint32_t held;
    double clock_cost_ns;
    samples push_ns;
    samples take_ns;
    samples finish_ns;
} field;

static void field_open(field *own, const contender *self, uint32_t length, uint32_t percent)
{
    const uint32_t waiting = length > GROUP ? length - GROUP : 0;
    *own = (field){.verbs = verbs_of(self), .room = waiting + GROUP};
    own->held = (uint32_t)((uint64_t)waiting * percent / 100);
    own->clock_cost_ns = clock_cost_ns();
    own->leases = malloc(own->room * sizeof *own->leases);
    bench_need(own->leases != NULL, "malloc");
    own->queue = own->verbs->start(self, waiting + GROUP, GROW_PAYLOAD_BYTES);
    push_all(own->verbs, own->queue, waiting);
    take_all(own->verbs, own->queue, own->held, LEASE_MS, own->leases);
}

static void field_close(field *own)
{
    own->verbs->stop(own->queue);
    free(own->leases);
    samples_free(&own->push_ns);
    samples_free(&own->take_ns);
    samples_free(&own->finish_ns);
}

/* The oldest leases are finished, so that the queue moves on and keeps its length. */
static void field_lap(field *own, bool counts)
{
    const embedded_verbs *verbs = own->verbs;
    const uint64_t start_ns = clock_ns();
    for (uint32_t i = 0; i < GROUP; i++) {
        verbs->push(own->queue, 1);
    }
    const uint64_t pushed_ns = clock_ns();
    for (uint32_t i = 0; i < GROUP; i++) {
        bench_need(verbs->take(own->queue, 1, LEASE_MS, 0) == 1, "taking one of many");
        verbs->tell(own->queue, &own->leases[(own->first + own->held++) % own->room]);
    }
    const uint64_t taken_ns = clock_ns();
    for (uint32_t i = 0; i < GROUP; i++) {
        verbs->finish(own->queue, own->leases[own->first]);
        own->first = (own->first + 1) % own->room;
        own->held--;
    }
    const uint64_t end_ns = clock_ns();
    if (counts) {
        const double cost_ns = own->clock_cost_ns;
        samples_add(&own->push_ns, ((double)(pushed_ns - start_ns) - cost_ns) / GROUP);
        samples_add(&own->take_ns, ((double)(taken_ns - pushed_ns) - cost_ns) / GROUP);
        samples_add(&own->finish_ns, ((double)(end_ns - taken_ns) - cost_ns) / GROUP);
    }
}

void embedded_grow(const contender *self, uint32_t length, uint32_t leased_percent,
                   growth_times *times)
{
    field own;
    field_open(&own, self, length, leased_percent);
    for (uint32_t lap = 0; lap < WARM_LAPS; lap++) {
        field_lap(&own, false);
    }
    const uint64_t start_ns = clock_ns();
    for (uint32_t lap = 0; lap < LAPS_MOST; lap++) {
        if (lap >= LAPS_LEAST && clock_ns() - start_ns > GROW_MS * UINT64_C(1000000)) {
            break; /* each call waits for the disk */
        }
        field_lap(&own, true);
    }
    *times = (growth_times){.push_ns = samples_median(&own.push_ns),
                            .take_ns = samples_median(&own.take_ns),
                            .finish_ns = samples_median(&own.finish_ns),
                            .server_p999_us = -1,
                            .server_most_us = -1};
    field_close(&own);
}

/* ---- recovery ---- */

static void sleep_until(uint64_t then_ns)
{
    const struct timespec then = {.tv_sec = (time_t)(then_ns / 1000000000),
                                  .tv_nsec = (long)(then_ns % 1000000000)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &then, NULL) != 0) {
    }
}

void embedded_recover(const contender *self, uint32_t messages, recovery_times *times)
{
    const embedded_verbs *verbs = verbs_of(self);
    void *queue = verbs->start(self, messages, GROW_PAYLOAD_BYTES);
    uint32_t again = 0;
    push_all(verbs, queue, messages);
    take_all(verbs, queue, messages, SHORT_LEASE_MS, NULL);
    const uint64_t ended_ns = clock_ns() + SHORT_LEASE_MS * UINT64_C(1000000);
    verbs->die(queue);
    sleep_until(ended_ns);
    while (again < messages) {
        const uint32_t got = verbs->take(queue, RECOVER_BATCH, LEASE_MS, 4 * EMBEDDED_TICK_MS);
        const double since_ms = (double)(clock_ns() - ended_ns) / 1e6;
        bench_need(got > 0, "taking what a dead worker had");
        times->first_ms = again == 0 ? since_ms : times->first_ms;
        times->all_ms = since_ms;
        again += got;
        verbs->finish_taken(queue);
    }
    times->server_most_us = -1;
    verbs->stop(queue);
}
