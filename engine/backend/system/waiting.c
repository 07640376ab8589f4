/* waiting.c: see waiting.h.
 */
#define _GNU_SOURCE
#include "waiting.h"

#include <errno.h>
#include <stddef.h>
#include <time.h>

#ifdef __linux__
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

enum { SLEEP_MS_MAX = 24 * 60 * 60 * 1000, LOOK_EVERY_MS = 5 };

uint32_t waiting_look(const uint8_t *word)
{
    return __atomic_load_n((const uint32_t *)(const void *)word, __ATOMIC_ACQUIRE);
}

/* Without the lock, by design: if a verb writes over the word at that moment, that makes it another
 * one, too. A checker of threads should not report it. */
#ifdef __SANITIZE_THREAD__
__attribute__((no_sanitize_thread))
#endif
void waiting_stir(uint8_t *word, uint32_t count, bool shared)
{
    __atomic_fetch_add((uint32_t *)(void *)word, count, __ATOMIC_ACQ_REL);
    (void)waiting_wake(word, WAITING_ANY_KIND, WAITING_ALL, shared);
}

static struct timespec span(uint64_t ms)
{
    const uint64_t bounded = ms < SLEEP_MS_MAX ? ms : SLEEP_MS_MAX;
    const struct timespec time = {.tv_sec = (time_t)(bounded / 1000),
                                  .tv_nsec = (long)(bounded % 1000) * 1000000};
    return time;
}

static void sleep_by_looking(const uint8_t *word, uint32_t seen, uint64_t sleep_ms)
{
    for (uint64_t slept = 0; slept < sleep_ms && waiting_look(word) == seen;
         slept += LOOK_EVERY_MS) {
        const struct timespec time = span(LOOK_EVERY_MS);
        (void)nanosleep(&time, NULL);
    }
}

#ifdef __linux__

/* A futex of a kind takes the moment of its end, by the clock that only goes on. */
static struct timespec moment(uint64_t ms)
{
    struct timespec end = {0, 0};
    const struct timespec from_now = span(ms);
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += from_now.tv_sec;
    end.tv_nsec += from_now.tv_nsec;
    if (end.tv_nsec >= 1000000000) {
        end.tv_nsec -= 1000000000;
        end.tv_sec++;
    }
    return end;
}

void waiting_sleep(const uint8_t *word, uint32_t seen, uint32_t kinds, uint64_t sleep_ms,
                   bool shared)
{
    const struct timespec end = moment(sleep_ms);
    const int operation = shared ? FUTEX_WAIT_BITSET : FUTEX_WAIT_BITSET_PRIVATE;
    /* whatever it answers (woken, changed before, time over, a signal): the caller looks again */
    if (syscall(SYS_futex, word, operation, seen, &end, NULL, kinds) != 0 && errno == ENOSYS) {
        sleep_by_looking(word, seen, sleep_ms);
    }
}

uint32_t waiting_wake(const uint8_t *word, uint32_t kinds, uint32_t most, bool shared)
{
    const int operation = shared ? FUTEX_WAKE_BITSET : FUTEX_WAKE_BITSET_PRIVATE;
    const long woken = syscall(SYS_futex, word, operation, most, NULL, NULL, kinds);
    return woken > 0 ? (uint32_t)woken : 0;
}

#else

void waiting_sleep(const uint8_t *word, uint32_t seen, uint32_t kinds, uint64_t sleep_ms,
                   bool shared)
{
    (void)kinds;
    (void)shared;
    sleep_by_looking(word, seen, sleep_ms);
}

uint32_t waiting_wake(const uint8_t *word, uint32_t kinds, uint32_t most, bool shared)
{
    (void)word;
    (void)kinds;
    (void)most;
    (void)shared;
    return 0;
}

#endif
