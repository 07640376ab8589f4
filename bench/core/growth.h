/* growth.h: what a verb costs in rings of different sizes and fillings, on the core alone. Knows
 * slotq_core.h, not how figures are shown.
 */
#ifndef SLOTQ_BENCH_GROWTH_H
#define SLOTQ_BENCH_GROWTH_H

#include <stdint.h>

typedef enum growth_verb {
    GROWTH_PUSH,
    GROWTH_RESERVE,
    GROWTH_EXTEND,
    GROWTH_NACK,
    GROWTH_RESERVE_AGAIN,
    GROWTH_RELEASE,
    GROWTH_STATUS,
    GROWTH_PEEK,
    GROWTH_STATS,
    GROWTH_REMOVE,
    GROWTH_KILL,
    GROWTH_ACK,
    GROWTH_VERBS
} growth_verb;

typedef enum growth_fill { GROWTH_EMPTY, GROWTH_HALF, GROWTH_FULL, GROWTH_FILLS } growth_fill;

extern const char *const growth_verb_names[GROWTH_VERBS];
extern const char *const growth_fill_names[GROWTH_FILLS];

/* Median ns of one call with one message, in a ring of so many slots. */
void growth_measure(uint16_t ring_slots, growth_fill fill, double ns[GROWTH_VERBS]);

#endif
