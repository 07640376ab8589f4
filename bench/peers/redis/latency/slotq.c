/* slotq.c: open load through the library as a program uses it: slotq_push of what is
 * due, slotq_next which waits, the acks of the batch before on the same way.
 */
#include "../../../core/cycle/cycle.h"
#include "latency.h"
#include "../../../support/sure.h"
#include "slotq_redis.h"

enum { URL_BYTES = 160 };

#define QUEUE "bench:latency"

static void name_url(char url[URL_BYTES], const char *socket_path)
{
    snprintf(url, URL_BYTES, "unix://%s", socket_path);
}

static void make_queue(const char *socket_path)
{
    char url[URL_BYTES];
    slotq_geometry geometry = cycle_geometry;
    geometry.ring_slots = SLOTQ_RING_SLOTS_MAX;
    geometry.payload_bytes = LATENCY_PAYLOAD_BYTES;
    name_url(url, socket_path);
    (void)slotq_remove_queue(url, QUEUE, NULL); /* it need not be there */
    bench_ok(slotq_create(url, QUEUE, &geometry, NULL, NULL), "slotq_create");
}

static void *open_queue(const char *socket_path)
{
    char url[URL_BYTES];
    slotq *queue = NULL;
    name_url(url, socket_path);
    bench_ok(slotq_open(url, QUEUE, NULL, &queue, NULL), "slotq_open");
    return queue;
}

static void end_queue(const char *socket_path)
{
    char url[URL_BYTES];
    slotq_stats stats;
    slotq *queue = open_queue(socket_path);
    bench_ok(slotq_get_stats(queue, 0, &stats), "slotq_get_stats");
    bench_need(stats.unfinished == 0 && stats.acked == (uint32_t)stats.last_id, "acking all");
    slotq_close(queue);
    name_url(url, socket_path);
    bench_ok(slotq_remove_queue(url, QUEUE, NULL), "slotq_remove_queue");
}

static void push_due(void *own, const latency_load *due)
{
    slotq_data messages[LATENCY_BATCH_MOST];
    for (uint32_t i = 0; i < due->count; i++) {
        messages[i] = (slotq_data){due->payloads[i], LATENCY_PAYLOAD_BYTES};
    }
    bench_ok(slotq_push_wait(own, messages, due->count, LATENCY_LEASE_MS, NULL), "slotq_push_wait");
}

static void consume(void *own, latency_tray *tray)
{
    slotq *queue = own;
    slotq_settled settled;
    slotq_message message;
    slotq_batch *batch = slotq_batch_new();
    bench_need(batch != NULL, "slotq_batch_new");
    while (!latency_is_over(tray)) {
        const slotq_outcome outcome = slotq_next(queue, 0, LATENCY_BATCH_MOST, LATENCY_LEASE_MS,
                                                 LATENCY_WAIT_MS, batch, &settled);
        bench_ok(settled.outcome, "acking");
        if (outcome != SLOTQ_EMPTY) {
            bench_ok(outcome, "slotq_next");
        }
        while (slotq_batch_next(batch, &message)) {
            latency_take(tray, message.payload, message.payload_bytes);
        }
    }
    bench_ok(slotq_ack_batch(queue, batch), "slotq_ack_batch");
    slotq_batch_free(batch);
    slotq_close(queue);
}

const latency_peer latency_slotq = {make_queue, end_queue, open_queue, push_due, consume};
