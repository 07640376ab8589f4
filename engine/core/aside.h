/* aside.h: the messages that have left the ring: their index, words and slots, and one way to name
 * a message of the ring or aside (FORMAT.md, "Aside"). Must not know when a message steps aside.
 */
#ifndef SLOTQ_CORE_ASIDE_H
#define SLOTQ_CORE_ASIDE_H

#include "frame.h"

/* A message of the loaded group. */
typedef struct message_place {
    uint64_t id;
    uint32_t index; /* in the ring, or in the aside index */
    uint32_t slot;  /* aside: its slot number */
    bool is_aside;
} message_place;

/* The message at a ring index of [head, tail). */
static inline message_place place_in_ring(const verb_frame *frame, uint32_t index)
{
    return (message_place){.id = frame_id(frame, index), .index = index};
}

/* An entry of the index, below aside_count. False: CORRUPT. */
bool place_aside(verb_frame *frame, uint32_t entry, message_place *place);

/* An id: OK, NOTFOUND, GONE (also if the group has finished it aside), CORRUPT. */
slotq_outcome place_find(verb_frame *frame, uint64_t id, message_place *place);

/* Of the loaded group's word; only aside. */
uint32_t place_aside_word_offset(const verb_frame *frame, const message_place *place);

uint32_t place_word(const verb_frame *frame, const message_place *place);
uint32_t place_slot_offset(const verb_frame *frame, const message_place *place);

/* count messages from the place on get the word; aside, count is 1. */
void place_patch_words(verb_frame *frame, const message_place *place, uint32_t count,
                       uint32_t word);

/* Count a message as READY again. */
void place_made_ready(verb_frame *frame, const message_place *place, uint32_t count);

/* The message's word in the loaded group becomes the DONE word. True: it was the last group, and
 * the message has left the index: at most once in a step. */
bool aside_finish(verb_frame *frame, const message_place *place, uint32_t word);

/* Patch the index without an entry: at most once in a step. */
void aside_remove(verb_frame *frame, uint32_t entry);

/* The lowest slot number that no entry has; there is one, as aside_count is below aside_slots.
 * False: CORRUPT. */
bool aside_free_slot(verb_frame *frame, uint32_t *slot);

/* READY words of the loaded group in the entries before `end`. False: CORRUPT. */
bool aside_ready_before(verb_frame *frame, uint32_t end, uint32_t *ready);

#endif
