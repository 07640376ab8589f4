/* aside.c: the index, words and slots of the messages aside; see aside.h.
 */
#include "aside.h"

#include "../layout/aside_index.h"
#include "../layout/assert.h"
#include "../layout/bytes.h"
#include "../layout/fields.h"
#include "../layout/memory.h"
#include "../layout/ring.h"
#include "../layout/word.h"
#include "wakes.h"

bool place_aside(verb_frame *frame, uint32_t entry, message_place *place)
{
    SLOTQ_ASSERT(entry < frame->front.aside_count);
    const uint32_t slot = aside_slot(frame->view, entry);
    if (slot >= frame->view->geometry.aside_slots) {
        frame_corrupt(frame, aside_entry_offset(frame->view, entry) + AT_aside_slot,
                      "aside.slot is not below aside_slots");
        return false;
    }
    *place = (message_place){
        .id = aside_id(frame->view, entry), .index = entry, .slot = slot, .is_aside = true};
    return true;
}

slotq_outcome place_find(verb_frame *frame, uint64_t id, message_place *place)
{
    uint32_t index;
    slotq_outcome outcome;
    if (frame_find(frame, id, &index, &outcome)) {
        *place = (message_place){.id = id, .index = index};
        return SLOTQ_OK;
    }
    if (outcome != SLOTQ_GONE || frame->front.aside_count == 0) {
        return outcome;
    }
    const uint32_t entry = aside_below(frame->view, frame->front.aside_count, id);
    if (entry == frame->front.aside_count || aside_id(frame->view, entry) != id) {
        return SLOTQ_GONE;
    }
    if (!place_aside(frame, entry, place)) {
        return SLOTQ_CORRUPT;
    }
    return word_is_done(place_word(frame, place)) ? SLOTQ_GONE : SLOTQ_OK;
}

uint32_t place_aside_word_offset(const verb_frame *frame, const message_place *place)
{
    SLOTQ_ASSERT(place->is_aside);
    return aside_word_offset(frame->view, frame->group_index, place->slot);
}

uint32_t place_word(const verb_frame *frame, const message_place *place)
{
    return place->is_aside ? load_u32(frame->view->bytes + place_aside_word_offset(frame, place))
                           : frame_word(frame, place->index);
}

uint32_t place_slot_offset(const verb_frame *frame, const message_place *place)
{
    return place->is_aside ? aside_slot_offset(frame->view, place->slot)
                           : slot_offset(frame->view, place->index);
}

void place_patch_words(verb_frame *frame, const message_place *place, uint32_t count, uint32_t word)
{
    if (place->is_aside) {
        step_patch_word(frame->step, place_aside_word_offset(frame, place), word);
    } else {
        step_patch_words(frame->step, frame->view, frame->group_index, place->index, count, word);
    }
}

void place_made_ready(verb_frame *frame, const message_place *place, uint32_t count)
{
    if (!place->is_aside) {
        frame_retry_from(frame, place->index);
    }
    frame->group.ready_behind += count;
    wakes_deliver(frame, wakes_own_group(frame), count);
    frame->group_changed = true;
}

/* ---- leaving ---- */

void aside_remove(verb_frame *frame, uint32_t entry)
{
    SLOTQ_ASSERT(entry < frame->front.aside_count);
    const uint32_t from = aside_entry_offset(frame->view, entry);
    const uint32_t behind = frame->front.aside_count - entry - 1;
    if (behind > 0) {
        uint8_t *bytes = step_scratch(frame->step, behind * ASIDE_ENTRY_BYTES);
        memcpy(bytes, frame->view->bytes + from + ASIDE_ENTRY_BYTES,
               (size_t)behind * ASIDE_ENTRY_BYTES);
        step_patch_scratch(frame->step, from, bytes, behind * ASIDE_ENTRY_BYTES);
        frame->step->needs_journal = true;
    }
    frame->front.aside_count--;
    frame->aside_changed = true;
}

bool aside_finish(verb_frame *frame, const message_place *place, uint32_t word)
{
    SLOTQ_ASSERT(place->is_aside);
    SLOTQ_ASSERT(word_is_done(word));
    const bool leaves = !aside_is_unfinished(frame->view, place->slot, frame->group_index);
    if (leaves) {
        aside_remove(frame, place->index);
    } else {
        step_patch_word(frame->step, place_aside_word_offset(frame, place), word);
    }
    frame->group_changed = true;
    return leaves;
}

/* ---- all of them ---- */

bool aside_free_slot(verb_frame *frame, uint32_t *slot)
{
    uint8_t used[256 / 8];
    memset(used, 0, sizeof used);
    for (uint32_t entry = 0; entry < frame->front.aside_count; entry++) {
        message_place place;
        if (!place_aside(frame, entry, &place)) {
            return false;
        }
        used[place.slot / 8] |= (uint8_t)(1u << place.slot % 8);
    }
    for (*slot = 0; used[*slot / 8] >> *slot % 8 & 1; (*slot)++) {
    }
    SLOTQ_ASSERT(*slot < frame->view->geometry.aside_slots);
    return true;
}

bool aside_ready_before(verb_frame *frame, uint32_t end, uint32_t *ready)
{
    *ready = 0;
    for (uint32_t entry = 0; entry < end; entry++) {
        message_place place;
        if (!place_aside(frame, entry, &place)) {
            return false;
        }
        *ready += word_is_ready(place_word(frame, &place));
    }
    return true;
}
