/* sure.h: a bench that did not do its work must not print a figure: it ends by saying what
 * failed. Knows outcomes, not what was called.
 */
#ifndef SLOTQ_BENCH_SURE_H
#define SLOTQ_BENCH_SURE_H

#include "slotq_types.h"

#include <stdio.h>
#include <stdlib.h>

static inline void bench_need(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "bench: %s failed\n", what);
        exit(1);
    }
}

static inline void bench_ok(slotq_outcome outcome, const char *what)
{
    if (outcome != SLOTQ_OK) {
        fprintf(stderr, "bench: %s returned outcome %u\n", what, (unsigned)outcome);
        exit(1);
    }
}

#endif
