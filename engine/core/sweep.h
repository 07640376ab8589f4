/* sweep.h: ends leases and delays whose deadline has passed, in bounded steps. Shared by reserve,
 * reclaim, extend, nack and release (FORMAT.md, "Sweep").
 */
#ifndef SLOTQ_CORE_SWEEP_H
#define SLOTQ_CORE_SWEEP_H

#include "frame.h"

/* A deadline has passed, or was set before the clock went back. */
static inline bool sweep_is_passed(uint64_t deadline, uint64_t tick)
{
    return deadline <= tick || deadline > tick + HALF_RANGE_TICKS + TOKEN_NEAR_TICKS;
}

/* A sweep runs, or a deadline may have passed. */
static inline bool sweep_is_due(const group_block *group, uint64_t tick)
{
    return group->sweep != SWEEP_NONE ||
           (group->due != DUE_NONE && sweep_is_passed(group->due, tick));
}

static inline bool sweep_is_wanted(const verb_frame *frame)
{
    return sweep_is_due(&frame->group, frame_tick(frame));
}

/* The oldest deadline is so far behind that 24 bits become ambiguous: a whole sweep comes first. */
bool sweep_is_far(const verb_frame *frame);

/* Begin a whole sweep from head, or a round of the running or a new sweep. */
void sweep_begin_whole(verb_frame *frame);
void sweep_begin_round(verb_frame *frame);

/* The word of a message that must die while the dead section is full: WAITING for a minute, and
 * counted as that. The caller subtracts it from the count of its old state. */
uint32_t sweep_wait_for_room(verb_frame *frame, uint32_t word);

enum { SWEEP_STEP_WORDS = 480 };

/* The words of a step that are skipped although their deadline has passed, one bit each. */
typedef struct sweep_spared {
    uint8_t bits[SWEEP_STEP_WORDS / 8];
} sweep_spared;

/* Which words a whole sweep spares, although their deadline has passed. */
typedef struct sweep_sparing {
    /* Set the bits of count words from index on, all before the end of the array. Called once per
     * step: a call per word would cost words times runs. */
    void (*in_ring)(const verb_frame *frame, uint32_t index, const uint8_t *words, uint32_t count,
                    sweep_spared *spared);
    bool (*aside)(const verb_frame *frame, uint64_t id, uint32_t word);
} sweep_sparing;

/* The next step. whole: no limit of words; sparing (or NULL) names the words to skip. Sets *over
 * when the round or whole sweep has ended; adds to the counts of ready and dead. MORE or CORRUPT.
 */
slotq_outcome sweep_step(verb_frame *frame, bool whole, const sweep_sparing *sparing, bool *over,
                         uint32_t *ready_count, uint32_t *dead_count);

#endif
