/* kick.c: ends the delay of a WAITING message, or makes a scheduled one due, before its time
 * (FORMAT.md, "kick").
 */
#include "../layout/fields.h"
#include "../layout/word.h"
#include "aside.h"
#include "later.h"
#include "verbs.h"

/* The message's word becomes READY, if the group was given it and it waits. */
static slotq_outcome end_delay(verb_frame *frame, const message_place *place)
{
    const uint32_t word = place_word(frame, place);
    const uint32_t max_attempts = frame->view->geometry.max_attempts;
    const uint32_t ready = word_with_state(word, SLOTQ_STATE_READY);
    const bool delivered = place->is_aside || frame_position(frame, place->index) <
                                                  frame_position(frame, frame->group.cursor);
    if (word_is_done(word)) {
        return SLOTQ_GONE;
    }
    if (word_is_ready(word) || !delivered) {
        return SLOTQ_OK;
    }
    if (word_state(word) == SLOTQ_STATE_LEASED) {
        return SLOTQ_LEASED;
    }
    if (max_attempts > 0 && word_attempts(word) >= max_attempts) {
        return SLOTQ_DEADFULL;
    }
    if (!frame_take(frame, &frame->group.waiting, 1, AT_group_waiting)) {
        return SLOTQ_CORRUPT;
    }
    place_patch_words(frame, place, 1, ready);
    place_made_ready(frame, place, 1);
    return frame_commit(frame, SLOTQ_OK);
}

slotq_outcome kick_step(verb_frame *frame)
{
    const slotq_view *view = frame->view;
    slotq_call *call = frame->call;
    const slotq_call_kick *kick = &call->kick;
    message_place place;
    if (kick->is_later) {
        return kick->id == 0 ? SLOTQ_INVALID : later_kick(frame, kick->id);
    }
    if (kick->group >= view->geometry.groups) {
        return SLOTQ_INVALID;
    }
    if (!frame_load(frame, kick->group)) {
        return SLOTQ_CORRUPT;
    }
    const slotq_outcome found = place_find(frame, kick->id, &place);
    return found == SLOTQ_OK ? end_delay(frame, &place) : found;
}
