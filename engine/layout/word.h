/* word.h: the 32-bit state word: bits 0-1 state, 2-7 attempts, 8-31 deadline or why. Knows the
 * bits; must not know the rules that change them (FORMAT.md, "State word").
 */
#ifndef SLOTQ_LAYOUT_WORD_H
#define SLOTQ_LAYOUT_WORD_H

#include <stdbool.h>
#include <stdint.h>

#include "../slotq_types.h"

enum {
    WORD_ATTEMPTS_MAX = 63,
    WORD_ACKED = SLOTQ_STATE_DONE,
    WORD_DEAD = SLOTQ_STATE_DONE | SLOTQ_WHY_DEAD << 8,
    WORD_REMOVED = SLOTQ_STATE_DONE | SLOTQ_WHY_REMOVED << 8,
    WORD_OTHER_GROUP = SLOTQ_STATE_DONE | SLOTQ_WHY_OTHER_GROUP << 8
};
#define WORD_BITS_MASK UINT32_C(0xFFFFFF)

static inline slotq_state word_state(uint32_t word)
{
    return (slotq_state)(word & 3);
}

static inline uint32_t word_attempts(uint32_t word)
{
    return word >> 2 & WORD_ATTEMPTS_MAX;
}

/* Low 24 bits of a deadline tick, or why a message is DONE. */
static inline uint32_t word_bits(uint32_t word)
{
    return word >> 8;
}

static inline uint32_t word_make(slotq_state state, uint32_t attempts, uint64_t deadline_tick)
{
    return (uint32_t)state | attempts << 2 | ((uint32_t)deadline_tick & WORD_BITS_MASK) << 8;
}

static inline bool word_is_done(uint32_t word)
{
    return word_state(word) == SLOTQ_STATE_DONE;
}

static inline bool word_is_ready(uint32_t word)
{
    return word_state(word) == SLOTQ_STATE_READY;
}

/* LEASED or WAITING: the bits are a live deadline. */
static inline bool word_has_deadline(uint32_t word)
{
    return word_state(word) == SLOTQ_STATE_LEASED || word_state(word) == SLOTQ_STATE_WAITING;
}

/* The full tick of a live deadline, given a lower bound of all of them. */
static inline uint64_t word_deadline(uint32_t word, uint64_t due)
{
    return due + ((word_bits(word) - (uint32_t)due) & WORD_BITS_MASK);
}

/* The same attempts and bits in another state. */
static inline uint32_t word_with_state(uint32_t word, slotq_state state)
{
    return (word & ~UINT32_C(3)) | (uint32_t)state;
}

#endif
