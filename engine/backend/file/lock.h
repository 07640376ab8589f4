/* lock.h: the lock of all processes that work on a queue file: one 32-bit word in the journal's
 * mapping, and a futex on it. Knows the word; not what it protects, nor how a dead owner is told.
 *
 *   bit 31     waiters sleep on the word
 *   bit 30     kept for the hungry: waiters that have slept for 2 ms
 *   bits 0-29  id of the owner; 0: free; LOCK_DUE: free, but replay the journal first
 *
 * INTERNALS.md, "The lock", has the rules and why they hold.
 */
#ifndef SLOTQ_BACKEND_FILE_LOCK_H
#define SLOTQ_BACKEND_FILE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#define LOCK_WAITERS (UINT32_C(1) << 31)
#define LOCK_HUNGRY (UINT32_C(1) << 30)
#define LOCK_ID_MASK (LOCK_HUNGRY - 1)
#define LOCK_DUE LOCK_ID_MASK

/* What a waiter asks. */
typedef struct lock_watch {
    /* It is proved that no thread of this owner runs any more. */
    bool (*is_dead)(const void *context, uint32_t owner);
    /* Stop waiting, after so long. */
    bool (*gives_up)(const void *context, uint64_t waited_ms);
    const void *context;
} lock_watch;

typedef enum lock_entry {
    LOCK_ENTERED,   /* the bytes are whole */
    LOCK_INHERITED, /* the owner died or could not recover: replay the journal first */
    LOCK_GIVEN_UP   /* not had */
} lock_entry;

/* For a lock that is not free. Knows no thread: all threads of an image share its id. */
lock_entry lock_wait(uint32_t *word, uint32_t id, const lock_watch *watch);

/* Free a word that has flags. */
void lock_leave_waited(uint32_t *word);

/* Leave it as due: the next to come, here or elsewhere, recovers before anything else. */
void lock_leave_due(uint32_t *word);

static inline bool lock_try(uint32_t *word, uint32_t id)
{
    uint32_t seen = 0;
    return __atomic_compare_exchange_n(word, &seen, id, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline void lock_leave(uint32_t *word, uint32_t id)
{
    uint32_t seen = id;
    if (!__atomic_compare_exchange_n(word, &seen, 0, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
        lock_leave_waited(word);
    }
}

#endif
