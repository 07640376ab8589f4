/* held.c: see held.h.
 */
#include "held.h"
#include "../support/sure.h"
#include "cycle/cycle.h"

enum { SLOTS = 1001, LEASE_MS = 24 * 3600 * 1000 };

static void hold(slotq *queue, uint32_t count)
{
    slotq_batch *batch = slotq_batch_new();
    bench_need(batch != NULL, "slotq_batch_new");
    for (uint32_t i = 0; i < count; i++) {
        bench_ok(slotq_push(queue, cycle_payloads(), 1, NULL), "slotq_push");
    }
    bench_ok(slotq_reserve(queue, 0, count, LEASE_MS, 0, batch), "slotq_reserve");
    slotq_batch_free(batch);
}

slotq *held_open(uint8_t aside_slots, uint32_t held)
{
    slotq *queue;
    slotq_stats stats;
    slotq_geometry geometry = cycle_geometry;
    geometry.ring_slots = SLOTS;
    geometry.aside_slots = aside_slots;
    bench_ok(slotq_create_memory(&geometry, NULL, &queue, NULL), "slotq_create_memory");
    if (held > 0) {
        hold(queue, held);
    }
    cycle_flow(queue, 1); /* more than a ring */
    bench_ok(slotq_get_stats(queue, 0, &stats), "slotq_get_stats");
    bench_need(stats.aside == held && stats.leased == held, "all that is held lies aside");
    return queue;
}
