/* check.h: the parts of the whole-image check. Each walks its sections once, allocates nothing, and
 * stops at the first broken rule. Knows what is legal; must not know the verbs.
 */
#ifndef SLOTQ_LAYOUT_CHECK_H
#define SLOTQ_LAYOUT_CHECK_H

#include "front.h"

/* Group blocks against their state words; true = sound. */
bool check_groups(const slotq_view *view, const front_block *front, slotq_damage *damage);

/* Ring slots of unfinished messages. */
bool check_ring(const slotq_view *view, const front_block *front, slotq_damage *damage);

/* Later index and slots. */
bool check_later(const slotq_view *view, slotq_damage *damage);

/* The index of the messages aside and their slots; after check_groups. */
bool check_aside(const slotq_view *view, const front_block *front, slotq_damage *damage);

/* Dead entries and their slots. */
bool check_dead(const slotq_view *view, const front_block *front, slotq_damage *damage);

/* A slot in use: its length and, in a queue with checks, its check. */
bool check_slot(const slotq_view *view, uint32_t offset, slotq_damage *damage);

/* Keys and their chains; after check_later and check_aside. */
bool check_keys(const slotq_view *view, const front_block *front, slotq_damage *damage);

#endif
