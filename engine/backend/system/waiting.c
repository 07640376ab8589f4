/* waiting.c: see waiting.h.
 */
#define _GNU_SOURCE
#include "waiting.h"

#include <limits.h>
#include <stddef.h>
#include <time.h>

#ifdef __linux__
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

enum { SLEEP_MS_MAX = 24 * 60 * 60 * 1000 };

uint32_t waiting_look(const uint8_t *word)
{
    return __atomic_load_n((const uint32_t *)(const void *)word, __ATOMIC_ACQUIRE);
}

void waiting_stir(uint8_t *word, uint32_t count, bool shared)
{
    __atomic_fetch_add((uint32_t *)(void *)word, count, __ATOMIC_ACQ_REL);
    waiting_wake(word, shared);
}

static struct timespec span(uint64_t ms)
{
    const uint64_t bounded = ms < SLEEP_MS_MAX ? ms : SLEEP_MS_MAX;
    const struct timespec time = {.tv_sec = (time_t)(bounded / 1000),
                                  .tv_nsec = (long)(bounded % 1000) * 1000000};
    return time;
}

#ifdef __linux__

void waiting_sleep(const uint8_t *word, uint32_t seen, uint64_t sleep_ms, bool shared)
{
    const struct timespec time = span(sleep_ms);
    const int operation = shared ? FUTEX_WAIT : FUTEX_WAIT_PRIVATE;
    /* whatever it answers (woken, changed before, time over, a signal): the caller looks again */
    (void)syscall(SYS_futex, word, operation, seen, &time, NULL, 0);
}

void waiting_wake(const uint8_t *word, bool shared)
{
    (void)syscall(SYS_futex, word, shared ? FUTEX_WAKE : FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL,
                  0);
}

#else

enum { LOOK_EVERY_MS = 5 };

void waiting_sleep(const uint8_t *word, uint32_t seen, uint64_t sleep_ms, bool shared)
{
    (void)shared;
    for (uint64_t slept = 0; slept < sleep_ms && waiting_look(word) == seen;
         slept += LOOK_EVERY_MS) {
        const struct timespec time = span(LOOK_EVERY_MS);
        (void)nanosleep(&time, NULL);
    }
}

void waiting_wake(const uint8_t *word, bool shared)
{
    (void)word;
    (void)shared;
}

#endif
