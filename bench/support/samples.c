/* samples.c: growing lists of measurements, sorted when asked for. Knows numbers alone.
 */
#include "samples.h"
#include "sure.h"

#include <stdlib.h>

void samples_add(samples *set, double value)
{
    if (set->count == set->room) {
        set->room = set->room == 0 ? 64 : set->room * 2;
        set->values = realloc(set->values, set->room * sizeof *set->values);
        bench_need(set->values != NULL, "realloc");
    }
    set->values[set->count++] = value;
}

void samples_free(samples *set)
{
    free(set->values);
    *set = (samples){0};
}

static int by_value(const void *left, const void *right)
{
    const double a = *(const double *)left;
    const double b = *(const double *)right;
    return (a > b) - (a < b);
}

double samples_quantile(samples *set, double share)
{
    if (set->count == 0) {
        return 0;
    }
    qsort(set->values, set->count, sizeof *set->values, by_value);
    return set->values[(uint32_t)(share * (set->count - 1) + 0.5)];
}

double clock_cost_ns(void)
{
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < 10000; i++) {
        const uint64_t start = clock_ns();
        const uint64_t spent = clock_ns() - start;
        least = spent < least ? spent : least;
    }
    return (double)least;
}
