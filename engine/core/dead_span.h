/* dead_span.h: where a message goes in the dead section, and how one leaves it (FORMAT.md, "Dead
 * section"). Knows the span and its holes; must not know why a message dies or leaves.
 */
#ifndef SLOTQ_CORE_DEAD_SPAN_H
#define SLOTQ_CORE_DEAD_SPAN_H

#include "frame.h"

/* Entries of the span: the dead messages and the holes between them. */
static inline uint32_t dead_span(const front_block *front)
{
    return front->dead_count + front->dead_holes;
}

/* The offset of an entry of the span, counted from the oldest. */
uint32_t dead_offset_at(const slotq_view *view, const front_block *front, uint32_t position);

/* Find the message `skip` matches after the first with this id that died in group (or
 * SLOTQ_ALL_GROUPS); id 0: any message. False: there is none. */
bool dead_find(const slotq_view *view, const front_block *front, uint64_t id, uint32_t group,
               uint32_t skip, uint32_t *position);

/* The next match at position or behind it. */
bool dead_next(const slotq_view *view, const front_block *front, uint64_t id, uint32_t group,
               uint32_t *position);

/* Count one more message; *offset is where its entry goes. False: the section is full, and does
 * not overwrite: nothing changed. dead_slots is above 0. */
bool dead_place(verb_frame *frame, uint32_t *offset);

/* Take the message at position out of the span. The patch of a hole is added to the step. */
void dead_take_out(verb_frame *frame, uint32_t position);

#endif
