/* comparisons.h: what bench_redis compares with what: rows of its first table. Knows subjects and
 * runs; not how they are measured.
 */
#ifndef SLOTQ_BENCH_REDIS_COMPARISONS_H
#define SLOTQ_BENCH_REDIS_COMPARISONS_H

#include "cycle.h"

/* What the ratio is, and on which side of the target it is to be. */
typedef enum comparison_kind {
    SPEED,      /* theirs / ours, at least the target */
    COST,       /* ours / theirs, at most the target */
    SERVER_COST /* the same of the server's CPU */
} comparison_kind;

typedef struct comparison {
    const char *name;
    const char *about;
    cycle_task ours;
    cycle_task theirs;
    const char *beside;
    double target; /* 0: none */
    comparison_kind kind;
} comparison;

enum { COMPARISONS_MOST = 64 };
extern const comparison comparisons[];
extern const uint32_t comparison_count;

#endif
