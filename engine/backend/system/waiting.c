/* waiting.c: see waiting.h.
 */
#define _GNU_SOURCE
#include "waiting.h"

#include <errno.h>
#include <stddef.h>
#include <time.h>

#include "monotonic.h"

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

static bool sleep_by_looking(const uint8_t *word, uint32_t seen, uint64_t sleep_ms)
{
    bool over = true;
    for (uint64_t slept = 0; over && slept < sleep_ms && waiting_look(word) == seen;
         slept += LOOK_EVERY_MS) {
        const struct timespec time = span(LOOK_EVERY_MS);
        over = nanosleep(&time, NULL) == 0;
    }
    return over && waiting_look(word) == seen;
}

static bool is_any_changed(const waiting_word *words, uint32_t count)
{
    uint32_t at = 0;
    while (at < count && waiting_look(words[at].at) == words[at].seen) {
        at++;
    }
    return at < count;
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

bool waiting_sleep(const uint8_t *word, uint32_t seen, uint32_t kinds, uint64_t sleep_ms,
                   bool shared)
{
    const struct timespec end = moment(sleep_ms);
    const int operation = shared ? FUTEX_WAIT_BITSET : FUTEX_WAIT_BITSET_PRIVATE;
    /* whatever it answers (woken, changed before, time over, a signal): the caller looks again */
    if (syscall(SYS_futex, word, operation, seen, &end, NULL, kinds) == 0) {
        return false;
    }
    if (errno == ENOSYS) {
        return sleep_by_looking(word, seen, sleep_ms);
    }
    return errno == ETIMEDOUT;
}

uint32_t waiting_wake(const uint8_t *word, uint32_t kinds, uint32_t most, bool shared)
{
    const int operation = shared ? FUTEX_WAKE_BITSET : FUTEX_WAKE_BITSET_PRIVATE;
    const long woken = syscall(SYS_futex, word, operation, most, NULL, NULL, kinds);
    return woken > 0 ? (uint32_t)woken : 0;
}

#else

bool waiting_sleep(const uint8_t *word, uint32_t seen, uint32_t kinds, uint64_t sleep_ms,
                   bool shared)
{
    (void)kinds;
    (void)shared;
    return sleep_by_looking(word, seen, sleep_ms);
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

#if defined(__linux__) && defined(SYS_futex_waitv)

/* As the kernel has them on every machine. */
typedef struct waitv_word {
    uint64_t seen;
    uint64_t at;
    uint32_t flags;
    uint32_t reserved;
} waitv_word;

typedef struct waitv_moment {
    int64_t seconds;
    int64_t nanoseconds;
} waitv_moment;

enum { WAITV_32_BITS = 2, WAITV_PRIVATE = 128 };

static bool lacks_waitv; /* atomic: older than Linux 5.16, or a sandbox that does not know it */

/* Up to WAITING_AT_ONCE words. false: the system cannot. *over: the time, and nothing else. */
static bool sleep_at_once(const waiting_word *words, uint32_t count, uint32_t from, uint32_t part,
                          uint64_t sleep_ms, bool *over)
{
    waitv_word slept_on[WAITING_AT_ONCE];
    const struct timespec end = moment(sleep_ms);
    const waitv_moment until = {end.tv_sec, end.tv_nsec};
    if (__atomic_load_n(&lacks_waitv, __ATOMIC_RELAXED)) {
        return false;
    }
    for (uint32_t i = 0; i < part; i++) {
        const waiting_word *word = &words[(from + i) % count];
        slept_on[i] = (waitv_word){word->seen, (uintptr_t)word->at,
                                   WAITV_32_BITS | (word->shared ? 0 : WAITV_PRIVATE), 0};
    }
    const long woken = syscall(SYS_futex_waitv, slept_on, part, 0, &until, CLOCK_MONOTONIC);
    *over = woken < 0 && errno == ETIMEDOUT;
    if (woken < 0 && (errno == ENOSYS || errno == EPERM)) {
        __atomic_store_n(&lacks_waitv, true, __ATOMIC_RELAXED);
        return false;
    }
    return true;
}

#else

static bool sleep_at_once(const waiting_word *words, uint32_t count, uint32_t from, uint32_t part,
                          uint64_t sleep_ms, bool *over)
{
    (void)words;
    (void)count;
    (void)from;
    (void)part;
    (void)sleep_ms;
    (void)over;
    return false;
}

#endif

void waiting_sleep_any(const waiting_word *words, uint32_t count, uint32_t from, uint64_t sleep_ms)
{
    const uint64_t begun_ms = monotonic_ms();
    uint64_t left_ms = sleep_ms;
    bool over = true;
    while (count > 0 && over && left_ms > 0 && !is_any_changed(words, count)) {
        const uint32_t part = count < WAITING_AT_ONCE ? count : WAITING_AT_ONCE;
        const uint64_t part_ms = left_ms < WAITING_PART_MS ? left_ms : WAITING_PART_MS;
        if (sleep_at_once(words, count, from, part, part < count ? part_ms : left_ms, &over)) {
            from += part;
        } else {
            const waiting_word *word = &words[from++ % count];
            over = waiting_sleep(word->at, word->seen, WAITING_ANY_KIND, part_ms, word->shared);
        }
        const uint64_t slept_ms = monotonic_ms() - begun_ms;
        left_ms = slept_ms < sleep_ms ? sleep_ms - slept_ms : 0;
    }
}
