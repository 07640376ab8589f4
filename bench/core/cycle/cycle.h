/* cycle.h: one measured round of push, reserve, ack on each thing that can do it, and of the
 * yardstick beside it. Knows the public headers, not how figures are shown.
 *
 * All use 32-byte payloads in a ring of 4097 slots. A round gives, in ns per message, each verb
 * on a queue that fills up and empties again, and the full cycle on a queue that is empty but
 * for the batch. Consumers look at every message: its size and its first byte.
 */
#ifndef SLOTQ_BENCH_CORE_CYCLE_CYCLE_H
#define SLOTQ_BENCH_CORE_CYCLE_CYCLE_H

#include "slotq.h"

#include <stdint.h>

enum {
    CYCLE_PAYLOAD_BYTES = 32,
    CYCLE_RING_SLOTS = 4097,
    CYCLE_BATCH_MOST = 256,
    CYCLE_MESSAGES = 1 << 12, /* in the full cycles of a round: shorter than a time slice */
    CYCLE_LAPS = 1,           /* fillings of the ring in a round */
    CYCLE_LEASE_MS = 30000
};

typedef struct cycle_round {
    double push_ns;
    double reserve_ns;
    double ack_ns;
    double cycle_ns;
} cycle_round;

extern const slotq_geometry cycle_geometry;

/* The length of every payload, hidden from the compiler: known only at run time. */
uint32_t cycle_payload_bytes(void);

/* Payloads to push: CYCLE_BATCH_MOST of them. */
const slotq_data *cycle_payloads(void);

/* The yardstick: a memcpy call a slot in and a memcpy call a slot out, nothing else. Only
 * cycle_ns is set. */
void cycle_yardstick(uint32_t batch, cycle_round *round);

/* The core alone, on separate bytes. */
void cycle_core(uint32_t batch, cycle_round *round);

/* A queue behind slotq.h, which must be empty; it is left so. */
void cycle_queue(slotq *queue, uint32_t batch, cycle_round *round);

/* The full cycle of it alone, in ns per message. Other consumers may hold messages of the queue. */
double cycle_flow(slotq *queue, uint32_t batch);

#endif
