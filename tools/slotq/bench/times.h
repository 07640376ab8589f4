/* times.h: how long something took, again and again: any number of times in little room, to
 * be asked for quantiles. Pure: no clock.
 */
#ifndef SLOTQ_TOOLS_BENCH_TIMES_H
#define SLOTQ_TOOLS_BENCH_TIMES_H

#include <stdint.h>

enum {
    BENCH_TIMES_PARTS = 128, /* cells to a doubling: a time is kept to within 1/128 of itself */
    BENCH_TIMES_CELLS = (64 - 7 + 1) * BENCH_TIMES_PARTS
};

/* Zero before the first. */
typedef struct bench_times {
    uint64_t count;
    uint32_t cells[BENCH_TIMES_CELLS];
} bench_times;

void bench_times_add(bench_times *times, uint64_t ns);

/* The time that the given share (0 to 1) of them does not exceed; < 0 where fewer than ten lie
 * beyond it, so that it would tell of chance. */
double bench_times_quantile(const bench_times *times, double share);

#endif
