/* clock.h: the clocks of a worker, and chance. Time limits go by the monotonic clock, which stands
 * still while the machine sleeps; leases by the one that goes on.
 */
#ifndef SLOTQ_WORKER_CLOCK_H
#define SLOTQ_WORKER_CLOCK_H

#include <stdint.h>
#include <sys/random.h>
#include <time.h>

static inline uint64_t clock_ns_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static inline uint64_t clock_run_ns(void)
{
    return clock_ns_of(CLOCK_MONOTONIC);
}

static inline uint64_t clock_run_ms(void)
{
    return clock_run_ns() / 1000000;
}

static inline uint64_t clock_lease_ms(void)
{
    return clock_ns_of(CLOCK_BOOTTIME) / 1000000;
}

/* Since then, clock_lease_ms; the sum of two clocks (slept_ms) may be a millisecond ahead of it. */
static inline uint64_t clock_passed_ms(uint64_t since_ms)
{
    const uint64_t now_ms = clock_lease_ms();
    return now_ms > since_ms ? now_ms - since_ms : 0;
}

/* A time of clock_run_ms, for waits on conditions. */
static inline struct timespec clock_timespec(uint64_t ms)
{
    return (struct timespec){.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
}

static inline uint64_t clock_add(uint64_t ms, uint64_t more_ms)
{
    return more_ms > UINT64_MAX - ms ? UINT64_MAX : ms + more_ms;
}

static inline uint64_t clock_sooner(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

static inline uint32_t clock_chance(void)
{
    uint32_t chance = 0;
    if (getrandom(&chance, sizeof chance, GRND_NONBLOCK) != (ssize_t)sizeof chance) {
        chance = (uint32_t)(clock_run_ns() * UINT64_C(2654435761) >> 16);
    }
    return chance;
}

#endif
