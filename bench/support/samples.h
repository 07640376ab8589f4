/* samples.h: the clock of the bench, and many measurements made into a median with its spread.
 * Knows numbers, not what was measured.
 */
#ifndef SLOTQ_BENCH_SAMPLES_H
#define SLOTQ_BENCH_SAMPLES_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

typedef struct samples {
    double *values;
    uint32_t count;
    uint32_t room;
} samples;

/* Ends the program when there is no memory. */
void samples_add(samples *set, double value);
void samples_free(samples *set);

/* The value below which the given share (0 to 1) of the samples lies; sorts them. 0 of none. */
double samples_quantile(samples *set, double share);

static inline double samples_median(samples *set)
{
    return samples_quantile(set, 0.5);
}

/* What one reading of the clock adds to a measured stretch: the least seen, in ns. */
double clock_cost_ns(void);

#endif
