/* pace.h: open load. Message i is due at start + i / rate, whatever became of those before it, and
 * carries that time, so that a late sender or a queue that stalls shows in the latency. Knows the
 * clock; no queue.
 */
#ifndef SLOTQ_BENCH_PACE_H
#define SLOTQ_BENCH_PACE_H

#include <stdint.h>

enum { PACE_STAMP_BYTES = 8 };

typedef struct pace {
    uint64_t start_ns; /* CLOCK_MONOTONIC */
    double rate_per_s;
    uint64_t sent; /* messages given out so far */
    uint64_t total;
} pace;

/* The first message is due in 10 ms. */
pace pace_begin(double rate_per_s, uint64_t total);

/* Sleeps until at least one message is due; how many are, up to most: they are sent together. 0:
 * all were sent. They count as sent. */
uint32_t pace_next(pace *self, uint32_t most);

/* When message i was due: its stamp. */
uint64_t pace_due_ns(const pace *self, uint64_t i);

/* The stamp as the first 8 bytes of a payload, little-endian; and the time since it, in ns. */
void pace_stamp(uint8_t *payload, uint64_t due_ns);
double pace_age_ns(const uint8_t *payload);

#endif
