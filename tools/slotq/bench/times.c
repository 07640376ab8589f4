/* times.c: times in cells that grow with them (times.h).
 */
#include "times.h"

enum { PARTS_BITS = 7 };

/* Times below 2 * PARTS have a cell each; those of every doubling above share PARTS cells. */
static uint32_t cell_of(uint64_t ns)
{
    uint32_t doublings = 0;
    while (ns >> doublings >= 2 * BENCH_TIMES_PARTS) {
        doublings++;
    }
    return doublings * BENCH_TIMES_PARTS + (uint32_t)(ns >> doublings);
}

/* The middle of a cell. */
static double time_of(uint32_t cell)
{
    if (cell < 2 * BENCH_TIMES_PARTS) {
        return cell;
    }
    const uint32_t doublings = (cell >> PARTS_BITS) - 1;
    const uint64_t first = (uint64_t)(cell - doublings * BENCH_TIMES_PARTS) << doublings;
    return (double)first + (double)((UINT64_C(1) << doublings) - 1) / 2;
}

void bench_times_add(bench_times *times, uint64_t ns)
{
    times->cells[cell_of(ns)]++;
    times->count++;
}

double bench_times_quantile(const bench_times *times, double share)
{
    enum { BEYOND_LEAST = 10 };
    const double below = share * (double)times->count;
    if ((double)times->count - below < BEYOND_LEAST) {
        return -1;
    }
    uint64_t seen = 0;
    uint32_t cell = 0;
    while (cell + 1 < BENCH_TIMES_CELLS && (double)(seen + times->cells[cell]) < below) {
        seen += times->cells[cell];
        cell++;
    }
    while (cell + 1 < BENCH_TIMES_CELLS && times->cells[cell] == 0) { /* share 0 */
        cell++;
    }
    return time_of(cell);
}
