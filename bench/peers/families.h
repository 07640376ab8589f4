/* families.h: the kinds of comparison, each a walk over its cases with every contender in turn, so
 * that all meet the same moments of a noisy machine. Knows cases and raw.csv; no contender.
 */
#ifndef SLOTQ_BENCH_FAMILIES_H
#define SLOTQ_BENCH_FAMILIES_H

#include "contender.h"

enum { LIST_MOST = 16, PRESENT_MOST = 64 };

typedef struct number_list {
    uint32_t values[LIST_MOST];
    uint32_t count;
} number_list;

/* What was asked for on the command line. */
typedef struct wishes {
    const char *only; /* names between commas; NULL = all */
    uint32_t rounds;
    uint32_t stretch_ms; /* time that a closed stretch should take */
    number_list batches;
    number_list flights;
    number_list payloads;
    number_list rates_per_s;
    number_list consumers;
    uint32_t seconds; /* of open load */
    number_list lengths;
    number_list leased_percents;
} wishes;

/* present: those that are here, PRESENT_MOST at most. */
typedef void family_run(const wishes *wanted, const contender_row *const *present, uint32_t count);

typedef struct family {
    const char *name;
    const char *about;
    family_run *run;
} family;

/* Ends with a NULL name. */
extern const family families[];

#endif
