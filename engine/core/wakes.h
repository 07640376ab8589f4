/* wakes.h: the callers that a step wakes (FORMAT.md, "Wake"): the word `wake`, and for a store
 * whose callers sleep one by one the groups with messages and the slots that became free.
 */
#ifndef SLOTQ_CORE_WAKES_H
#define SLOTQ_CORE_WAKES_H

#include "frame.h"

enum { WAKES_MANY = UINT16_MAX }; /* messages, where they were not counted */

/* Messages of these groups (a bit each) may go after this step. */
void wakes_deliver(verb_frame *frame, uint32_t groups, uint32_t messages);

static inline uint32_t wakes_own_group(const verb_frame *frame)
{
    return UINT32_C(1) << frame->group_index;
}

static inline uint32_t wakes_all_groups(const slotq_view *view)
{
    return (UINT32_C(1) << view->geometry.groups) - 1;
}

/* The end of the patches of a step. False: another group's block is CORRUPT. */
bool wakes_end(verb_frame *frame);
/* The same for a step that pushes. */
void wakes_end_push(verb_frame *frame);

/* A lease ended in the loaded group, which had as many as max_leased allows: a message may go. */
void wakes_note_limit(verb_frame *frame);

/* The end of a step of a reserve. What its steps made deliverable in its group it leases first; at
 * its end it leaves the rest, at least one, to another caller. */
void wakes_hand_over(verb_frame *frame, slotq_outcome outcome);

/* In a shard whose bell is to be rung: the caller owes consumers that sleep there so many messages
 * of these groups. */
void wakes_owe(verb_frame *frame, uint32_t groups, uint32_t messages);

/* A reserve is about to lease. If these are its first messages, a time of others that comes soon is
 * left to another consumer (SHARDS.md, rule 43). */
void wakes_hand_over_due(verb_frame *frame);

/* Of a reserve of a round: a step that sets the bit "ring the bell". False: it has been made, or is
 * not wanted. */
bool wakes_ask_ring(verb_frame *frame);

/* Mark that a caller waits; the only write of a refusal. */
slotq_outcome wakes_mark_waiting(verb_frame *frame, slotq_outcome outcome);

#endif
