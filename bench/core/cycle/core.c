/* core.c: the cycle on slotq_core.h alone: no clock, no lock, no batch. Knows nothing of
 * slotq.h's queues.
 */
#include "cycle.h"
#include "../../support/sure.h"
#include "../../support/samples.h"
#include "slotq_core.h"

#include <stdlib.h>
#include <string.h>

#define NOW_MS UINT64_C(1700000000000)

typedef struct core_queue {
    uint8_t *bytes;
    slotq_view view;
    slotq_step step;
    uint32_t run_count;
    slotq_run runs[2 * CYCLE_RING_SLOTS];
} core_queue;

static core_queue *core_open(void)
{
    core_queue *queue = calloc(1, sizeof *queue);
    const uint32_t size = slotq_core_image_bytes(&cycle_geometry, NULL);
    slotq_damage damage;
    bench_need(queue != NULL, "calloc");
    queue->bytes = calloc(1, size);
    bench_need(queue->bytes != NULL, "calloc");
    bench_ok(slotq_core_create(queue->bytes, size, &cycle_geometry), "slotq_core_create");
    bench_ok(slotq_core_open(&queue->view, queue->bytes, size, &damage), "slotq_core_open");
    return queue;
}

static inline void core_push(core_queue *queue, const slotq_data *messages, uint32_t batch)
{
    slotq_call call;
    slotq_core_begin(&call, SLOTQ_PUSH, NOW_MS);
    call.push = (slotq_call_push){.messages = messages, .count = batch};
    bench_ok(slotq_core_run(queue->bytes, &queue->view, &call, &queue->step), "push");
}

/* Adds to the queue's list of runs. */
static inline void core_reserve(core_queue *queue, uint32_t batch)
{
    slotq_call call;
    slotq_core_begin(&call, SLOTQ_RESERVE, NOW_MS);
    call.reserve = (slotq_call_reserve){
        .lease_ms = CYCLE_LEASE_MS,
        .limit = batch,
        .runs = queue->runs + queue->run_count,
        .run_capacity = batch,
    };
    bench_ok(slotq_core_run(queue->bytes, &queue->view, &call, &queue->step), "reserve");
    uint32_t seen = 0;
    for (uint32_t i = 0; i < call.reserve.run_count; i++) {
        const slotq_run *run = &call.reserve.runs[i];
        for (uint32_t k = 0; k < run->count; k++) {
            slotq_slot slot;
            const uint32_t offset = slotq_core_slot_offset(&queue->view, run->id + k);
            bench_need(slotq_core_slot(&queue->view, offset, &slot), "slot");
            seen += slot.payload_bytes + slot.payload[0];
        }
    }
    __asm__ volatile("" : : "r"(seen));
    queue->run_count += call.reserve.run_count;
}

static inline void core_ack(core_queue *queue, const slotq_run *runs, uint32_t run_count)
{
    slotq_call call;
    slotq_core_begin(&call, SLOTQ_ACK, NOW_MS);
    call.settle = (slotq_call_settle){.runs = runs, .run_count = run_count};
    bench_ok(slotq_core_run(queue->bytes, &queue->view, &call, &queue->step), "ack");
}

static void core_laps(core_queue *queue, uint32_t batch, cycle_round *round)
{
    const slotq_data *messages = cycle_payloads();
    const uint32_t capacity = CYCLE_RING_SLOTS - 1;
    uint64_t spent_ns[3] = {0, 0, 0};
    for (uint32_t lap = 0; lap < CYCLE_LAPS; lap++) {
        const uint64_t start = clock_ns();
        for (uint32_t done = 0; done < capacity; done += batch) {
            core_push(queue, messages, batch);
        }
        const uint64_t pushed = clock_ns();
        queue->run_count = 0;
        for (uint32_t done = 0; done < capacity; done += batch) {
            core_reserve(queue, batch);
        }
        const uint64_t reserved = clock_ns();
        for (uint32_t i = 0; i < queue->run_count; i++) {
            core_ack(queue, &queue->runs[i], 1);
        }
        spent_ns[0] += pushed - start;
        spent_ns[1] += reserved - pushed;
        spent_ns[2] += clock_ns() - reserved;
    }
    const double messages_count = (double)CYCLE_LAPS * capacity;
    round->push_ns = (double)spent_ns[0] / messages_count;
    round->reserve_ns = (double)spent_ns[1] / messages_count;
    round->ack_ns = (double)spent_ns[2] / messages_count;
}

void cycle_core(uint32_t batch, cycle_round *round)
{
    static core_queue *queue;
    const slotq_data *messages = cycle_payloads();
    if (queue == NULL) {
        queue = core_open();
    }
    core_laps(queue, batch, round);
    const uint64_t start = clock_ns();
    for (uint32_t done = 0; done < CYCLE_MESSAGES; done += batch) {
        queue->run_count = 0;
        core_push(queue, messages, batch);
        core_reserve(queue, batch);
        core_ack(queue, queue->runs, queue->run_count);
    }
    round->cycle_ns = (double)(clock_ns() - start) / CYCLE_MESSAGES;
}
