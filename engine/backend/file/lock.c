/* lock.c: see lock.h. Every sleep is bounded: a wake-up that was lost with a killed process costs
 * at most one sleep.
 */
#define _GNU_SOURCE
#include "lock.h"

#include <errno.h>
#include <time.h>

#ifdef __linux__
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "../system/monotonic.h"

enum {
    SPINS = 100,
    HUNGRY_US = 2000,       /* of waiting */
    SLEEP_US_MOST = 20000,  /* of a hungry waiter; the others sleep until they are hungry */
    FIRST_PROBE_US = 10000, /* after this owner was first seen */
    NEXT_PROBE_US = 20000,
    FED_BIT = 1, /* on which bit of the futex a waiter sleeps */
    HUNGRY_BIT = 2,
    ANY_BIT = FED_BIT | HUNGRY_BIT
};

typedef struct waiter {
    uint32_t *word;
    uint32_t id;
    uint64_t begun_us;
    uint32_t owner; /* seen last */
    uint64_t probe_us;
    bool slept;
} waiter;

/* ---- the futex ---- */

#ifdef __linux__

/* Sleep while the word is seen. */
static void sleep_on(const uint32_t *word, uint32_t seen, uint32_t bits, uint64_t until_us)
{
    const struct timespec until = {.tv_sec = (time_t)(until_us / 1000000),
                                   .tv_nsec = (long)(until_us % 1000000) * 1000};
    const long answer = syscall(SYS_futex, word, FUTEX_WAIT_BITSET, seen, &until, NULL, bits);
    if (answer != 0 && errno != EAGAIN && errno != EINTR && errno != ETIMEDOUT) {
        sleep_us(1000); /* no futex here: look again now and then */
    }
}

static bool wake_one(const uint32_t *word, uint32_t bits)
{
    return syscall(SYS_futex, word, FUTEX_WAKE_BITSET, 1, NULL, NULL, bits) > 0;
}

#else

static void sleep_on(const uint32_t *word, uint32_t seen, uint32_t bits, uint64_t until_us)
{
    (void)word;
    (void)seen;
    (void)bits;
    (void)until_us;
    sleep_us(1000);
}

static bool wake_one(const uint32_t *word, uint32_t bits)
{
    (void)word;
    (void)bits;
    return false;
}

#endif

/* ---- waiting ---- */

static uint32_t look(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static bool swap(uint32_t *word, uint32_t seen, uint32_t next)
{
    return __atomic_compare_exchange_n(word, &seen, next, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

/* Most sections last a microsecond: sleeping and being woken costs more than a short look. */
static bool spin(const waiter *self)
{
    for (uint32_t i = 0; i < SPINS; i++) {
        if (look(self->word) == 0 && lock_try(self->word, self->id)) {
            return true;
        }
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#endif
    }
    return false;
}

static bool is_hungry(const waiter *self, uint64_t now_us)
{
    return now_us - self->begun_us >= HUNGRY_US;
}

/* Time to ask whether this owner is dead: told by the clock alone, whatever ended a sleep. */
static bool may_probe(waiter *self, uint32_t owner, uint64_t now_us)
{
    if (owner != self->owner) {
        self->owner = owner;
        self->probe_us = now_us + FIRST_PROBE_US;
    }
    if (owner == LOCK_DUE) {
        return true;
    }
    if (owner == 0 || owner == self->id || now_us < self->probe_us) {
        return false;
    }
    self->probe_us = now_us + NEXT_PROBE_US;
    return true;
}

/* From an owner that is no more; again when only the flags changed. */
static bool take_over(const waiter *self, uint32_t owner)
{
    uint32_t seen = look(self->word);
    while ((seen & LOCK_ID_MASK) == owner) {
        if (swap(self->word, seen, self->id | LOCK_WAITERS | (seen & LOCK_HUNGRY))) {
            return true;
        }
        seen = look(self->word);
    }
    return false;
}

/* A free word that is kept for the hungry is theirs alone. */
static bool may_take(uint32_t seen, bool hungry)
{
    return (seen & LOCK_ID_MASK) == 0 && ((seen & LOCK_HUNGRY) == 0 || hungry);
}

/* The flags stay, as others may sleep on. */
static bool take_free(const waiter *self, uint32_t seen)
{
    return swap(self->word, seen, self->id | seen | (self->slept ? LOCK_WAITERS : 0));
}

static void sleep_once(waiter *self, uint32_t seen, bool hungry, uint64_t now_us)
{
    const uint32_t marked = seen | LOCK_WAITERS | (hungry ? LOCK_HUNGRY : 0);
    uint64_t until_us = hungry ? now_us + SLEEP_US_MOST : self->begun_us + HUNGRY_US;
    if (marked != seen && !swap(self->word, seen, marked)) {
        return;
    }
    if (self->probe_us > now_us && self->probe_us < until_us) {
        until_us = self->probe_us;
    }
    sleep_on(self->word, marked, hungry ? HUNGRY_BIT : FED_BIT, until_us);
    self->slept = true;
}

lock_entry lock_wait(uint32_t *word, uint32_t id, const lock_watch *watch)
{
    waiter self = {.word = word, .id = id};
    if (spin(&self)) {
        return LOCK_ENTERED;
    }
    self.begun_us = monotonic_us();
    for (uint64_t now_us = self.begun_us;; now_us = monotonic_us()) {
        const uint32_t seen = look(word);
        const uint32_t owner = seen & LOCK_ID_MASK;
        const bool hungry = is_hungry(&self, now_us);
        if (may_take(seen, hungry)) {
            if (take_free(&self, seen)) {
                return LOCK_ENTERED;
            }
            continue;
        }
        if (may_probe(&self, owner, now_us) &&
            (owner == LOCK_DUE || watch->is_dead(watch->context, owner))) {
            if (take_over(&self, owner)) {
                return LOCK_INHERITED;
            }
            continue;
        }
        if (watch->gives_up(watch->context, (now_us - self.begun_us) / 1000)) {
            (void)wake_one(word, ANY_BIT); /* a wake-up meant for this one may be the only one */
            return LOCK_GIVEN_UP;
        }
        sleep_once(&self, seen, hungry, now_us);
    }
}

/* ---- leaving ---- */

void lock_leave_waited(uint32_t *word)
{
    uint32_t seen = look(word);
    uint32_t next;
    do {
        next = (seen & LOCK_HUNGRY) != 0 ? LOCK_HUNGRY | LOCK_WAITERS : 0;
    } while (
        !__atomic_compare_exchange_n(word, &seen, next, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
    if (next == 0) {
        (void)wake_one(word, ANY_BIT);
        return;
    }
    if (!wake_one(word, HUNGRY_BIT) && swap(word, next, 0)) {
        (void)wake_one(word, ANY_BIT);
    }
}

void lock_leave_due(uint32_t *word)
{
    __atomic_store_n(word, LOCK_DUE | LOCK_WAITERS, __ATOMIC_RELEASE);
    (void)wake_one(word, ANY_BIT);
}
