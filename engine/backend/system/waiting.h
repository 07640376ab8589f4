/* waiting.h: sleeping until a 32-bit word changes, and waking sleepers of one kind, some or all: a
 * futex, and where there is none a slow look. Knows no queue.
 */
#ifndef SLOTQ_BACKEND_SYSTEM_WAITING_H
#define SLOTQ_BACKEND_SYSTEM_WAITING_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#define WAITING_ANY_KIND UINT32_MAX

enum { WAITING_ALL = INT_MAX }; /* sleepers */

/* The word as it is now, to be handed to waiting_sleep. Aligned to 4. */
uint32_t waiting_look(const uint8_t *word);

/* Sleep while the word is seen, at most sleep_ms; may return early. kinds: a bit each, not 0.
 * shared: other processes map it too. true: the time is over, as far as is known nothing else. */
bool waiting_sleep(const uint8_t *word, uint32_t seen, uint32_t kinds, uint64_t sleep_ms,
                   bool shared);

/* A word to sleep on, as it was seen. */
typedef struct waiting_word {
    const uint8_t *at;
    uint32_t seen;
    bool shared;
} waiting_word;

enum {
    WAITING_AT_ONCE = 128, /* words that a system sleeps on at once, if it can sleep on several */
    WAITING_PART_MS = 50   /* a sleep on some of them: news of the others is seen after it */
};

/* Sleep while all words are as they were seen, at most sleep_ms; may return early. A wake-up of any
 * of them ends it, of any kind, and counts it as a sleeper; another wake-up at that moment may
 * count it too. More words than can be slept on at once are slept on in parts, the first of which
 * begins at `from`. */
void waiting_sleep_any(const waiting_word *words, uint32_t count, uint32_t from, uint64_t sleep_ms);

/* Add a count to the word, so that no sleep on what was seen begins, and wake everybody. Safe in a
 * signal handler. */
void waiting_stir(uint8_t *word, uint32_t count, bool shared);

/* Wake up to `most` callers that sleep on the word and have one of the kinds, those that have slept
 * longest first. Returns how many it were. A sleeper that looks sees only a changed word. */
uint32_t waiting_wake(const uint8_t *word, uint32_t kinds, uint32_t most, bool shared);

#endif
