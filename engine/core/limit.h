/* limit.h: what limits a group: messages leased at a time, and a rate (FORMAT.md, "Limits"). Must
 * not know which messages go.
 */
#ifndef SLOTQ_CORE_LIMIT_H
#define SLOTQ_CORE_LIMIT_H

#include "frame.h"

/* Load the limits of the loaded group into the frame. False: CORRUPT. */
bool limit_load(verb_frame *frame);

/* How many of the wanted messages the limits let go now. */
uint32_t limit_room(const verb_frame *frame, uint32_t wanted);

/* count of them are leased in this step. */
void limit_take(verb_frame *frame, uint32_t count);

/* The limits let none go. The time from which they may, if nothing is settled before; and whether
 * the rate's clock had to be set back first, which is a change that the step must commit. */
uint64_t limit_next_ms(const verb_frame *frame);
bool limit_set_back(verb_frame *frame);

#endif
