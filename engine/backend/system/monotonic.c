/* monotonic.c: see monotonic.h.
 */
#define _GNU_SOURCE
#include "monotonic.h"

#include <time.h>
#include <unistd.h>

static struct timespec monotonic_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now;
}

uint64_t monotonic_ms(void)
{
    const struct timespec now = monotonic_now();
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t monotonic_us(void)
{
    const struct timespec now = monotonic_now();
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t jittered(uint64_t time)
{
    const uint64_t seed = (uint64_t)monotonic_now().tv_nsec ^ (uint64_t)getpid() << 32;
    const uint64_t mixed = seed * UINT64_C(0x9E3779B97F4A7C15);
    return time / 2 + (mixed >> 32) % (time / 2 + 1);
}

void sleep_us(uint64_t us)
{
    const struct timespec time = {.tv_sec = (time_t)(us / 1000000),
                                  .tv_nsec = (long)(us % 1000000) * 1000};
    (void)nanosleep(&time, NULL);
}
