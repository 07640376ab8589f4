/* sweep.h: taking back what is past its deadline, a bounded step at a time. Shared by reserve,
 * reclaim, extend and nack (FORMAT.md, "Sweep").
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

/* The word of a message that is due to die and finds no room among the dead: WAITING for a minute,
 * counted so; the caller takes it from the state that it had. */
uint32_t sweep_wait_for_room(verb_frame *frame, uint32_t word);

enum { SWEEP_STEP_WORDS = 480 };

/* The words of a step that are passed over though past their deadline, a bit each. */
typedef struct sweep_spared {
    uint8_t bits[SWEEP_STEP_WORDS / 8];
} sweep_spared;

/* Sets the bits of count words from index; they lie before the array's end. Called once a step,
 * as to ask for each word costs words times runs. */
typedef void sweep_spares(const verb_frame *frame, uint32_t index, const uint8_t *words,
                          uint32_t count, sweep_spared *spared);

/* The next step; whole: no limit of words, spares (or NULL) says what to pass over. The round
 * or whole sweep is over when *over; ready and dead are added to. MORE or CORRUPT. */
slotq_outcome sweep_step(verb_frame *frame, bool whole, sweep_spares *spares, bool *over,
                         uint32_t *ready_count, uint32_t *dead_count);

#endif
