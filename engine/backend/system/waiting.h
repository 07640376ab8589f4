/* waiting.h: sleeping until a 32-bit word changes, and waking all sleepers: a futex, and where
 * there is none a slow look. Knows no queue.
 */
#ifndef SLOTQ_BACKEND_SYSTEM_WAITING_H
#define SLOTQ_BACKEND_SYSTEM_WAITING_H

#include <stdbool.h>
#include <stdint.h>

/* The word as it is now, to be handed to waiting_sleep. Aligned to 4. */
uint32_t waiting_look(const uint8_t *word);

/* Sleep while the word is seen, at most sleep_ms; may return early. shared: other processes
 * map it too. */
void waiting_sleep(const uint8_t *word, uint32_t seen, uint64_t sleep_ms, bool shared);

/* Add a count to the word, so that no sleep on what was seen begins, and wake everybody. Safe in a
 * signal handler. */
void waiting_stir(uint8_t *word, uint32_t count, bool shared);

/* Wake all callers that sleep on the word. */
void waiting_wake(const uint8_t *word, bool shared);

#endif
