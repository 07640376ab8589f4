/* clock.h: the command's clock for how long something takes: it never goes back. Knows no time of
 * day and no queue.
 */
#ifndef SLOTQ_TOOLS_CLOCK_CLOCK_H
#define SLOTQ_TOOLS_CLOCK_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Nanoseconds since a fixed moment. */
static inline uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Milliseconds since the same moment. */
static inline uint64_t clock_ms(void)
{
    return clock_ns() / 1000000;
}

#endif
