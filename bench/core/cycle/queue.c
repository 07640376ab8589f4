/* queue.c: the cycle as a program does it, through slotq.h; the same code for memory and
 * files. Knows the public calls alone.
 */
#include "cycle.h"
#include "../../support/sure.h"
#include "../../support/samples.h"

typedef struct lease {
    uint64_t id;
    uint32_t token;
} lease;

enum { BATCHES = (CYCLE_RING_SLOTS - 1) / CYCLE_BATCH_MOST };

static slotq_batch *batches[BATCHES];
static lease leases[CYCLE_RING_SLOTS];

static void open_batches(void)
{
    for (uint32_t i = 0; i < BATCHES && batches[i] == NULL; i++) {
        batches[i] = slotq_batch_new();
        bench_need(batches[i] != NULL, "slotq_batch_new");
    }
}

/* Look at every message; the last one's id and token. */
static inline lease walk(slotq_batch *batch)
{
    lease last = {0, 0};
    slotq_message message;
    uint32_t seen = 0;
    while (slotq_batch_next(batch, &message)) {
        seen += message.payload_bytes + *(const uint8_t *)message.payload;
        last = (lease){message.id, message.token};
    }
    __asm__ volatile("" : : "r"(seen));
    return last;
}

static inline lease reserve(slotq *queue, uint32_t limit, slotq_batch *batch)
{
    bench_ok(slotq_reserve(queue, 0, limit, CYCLE_LEASE_MS, 0, batch), "slotq_reserve");
    return walk(batch);
}

static void reserve_lap(slotq *queue, uint32_t batch)
{
    if (batch == 1) {
        for (uint32_t i = 0; i < CYCLE_RING_SLOTS - 1; i++) {
            leases[i] = reserve(queue, 1, batches[0]);
        }
        return;
    }
    for (uint32_t i = 0; i < BATCHES; i++) {
        reserve(queue, batch, batches[i]);
    }
}

static void ack_lap(slotq *queue, uint32_t batch)
{
    if (batch == 1) {
        for (uint32_t i = 0; i < CYCLE_RING_SLOTS - 1; i++) {
            bench_ok(slotq_ack(queue, 0, leases[i].id, leases[i].token), "slotq_ack");
        }
        return;
    }
    for (uint32_t i = 0; i < BATCHES; i++) {
        bench_ok(slotq_ack_batch(queue, batches[i]), "slotq_ack_batch");
    }
}

static void queue_laps(slotq *queue, uint32_t batch, cycle_round *round)
{
    const slotq_data *messages = cycle_payloads();
    uint64_t spent_ns[3] = {0, 0, 0};
    for (uint32_t lap = 0; lap < CYCLE_LAPS; lap++) {
        const uint64_t start = clock_ns();
        for (uint32_t done = 0; done < CYCLE_RING_SLOTS - 1; done += batch) {
            bench_ok(slotq_push(queue, messages, batch, NULL), "slotq_push");
        }
        const uint64_t pushed = clock_ns();
        reserve_lap(queue, batch);
        const uint64_t reserved = clock_ns();
        ack_lap(queue, batch);
        spent_ns[0] += pushed - start;
        spent_ns[1] += reserved - pushed;
        spent_ns[2] += clock_ns() - reserved;
    }
    const double messages_count = (double)CYCLE_LAPS * (CYCLE_RING_SLOTS - 1);
    round->push_ns = (double)spent_ns[0] / messages_count;
    round->reserve_ns = (double)spent_ns[1] / messages_count;
    round->ack_ns = (double)spent_ns[2] / messages_count;
}

static void queue_cycles(slotq *queue, uint32_t batch)
{
    const slotq_data *messages = cycle_payloads();
    if (batch == 1) {
        for (uint32_t done = 0; done < CYCLE_MESSAGES; done++) {
            bench_ok(slotq_push(queue, messages, 1, NULL), "slotq_push");
            const lease got = reserve(queue, 1, batches[0]);
            bench_ok(slotq_ack(queue, 0, got.id, got.token), "slotq_ack");
        }
        return;
    }
    for (uint32_t done = 0; done < CYCLE_MESSAGES; done += batch) {
        bench_ok(slotq_push(queue, messages, batch, NULL), "slotq_push");
        reserve(queue, batch, batches[0]);
        bench_ok(slotq_ack_batch(queue, batches[0]), "slotq_ack_batch");
    }
}

void cycle_queue(slotq *queue, uint32_t batch, cycle_round *round)
{
    open_batches();
    queue_laps(queue, batch, round);
    round->cycle_ns = cycle_flow(queue, batch);
}

double cycle_flow(slotq *queue, uint32_t batch)
{
    open_batches();
    const uint64_t start = clock_ns();
    queue_cycles(queue, batch);
    return (double)(clock_ns() - start) / CYCLE_MESSAGES;
}
