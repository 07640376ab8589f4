/* remove.c: finishes a READY or WAITING message by its id, in one group or in all; and purge, which
 * finishes every message of the ring (FORMAT.md, "remove", "purge").
 */
#include "../layout/aside_index.h"
#include "../layout/assert.h"
#include "../layout/fields.h"
#include "../layout/ring.h"
#include "../layout/word.h"
#include "aside.h"
#include "verbs.h"

static bool is_asked(const slotq_call_remove *remove, uint32_t group)
{
    return remove->group == SLOTQ_ALL_GROUPS || remove->group == group;
}

/* The outcome of remove for the loaded group; OK: there is something to finish. */
static slotq_outcome removable(verb_frame *frame, uint64_t id, message_place *place)
{
    const slotq_outcome outcome = place_find(frame, id, place);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    const uint32_t word = place_word(frame, place);
    if (word_is_done(word)) {
        return SLOTQ_GONE;
    }
    return word_state(word) == SLOTQ_STATE_LEASED ? SLOTQ_LEASED : SLOTQ_OK;
}

/* The outcome over all asked groups: LEASED if one leases it, GONE if all have finished it. */
static slotq_outcome judge(verb_frame *frame, const slotq_call_remove *remove)
{
    slotq_outcome answer = SLOTQ_GONE;
    for (uint32_t group = 0; group < frame->view->geometry.groups; group++) {
        message_place place;
        if (!frame_load(frame, group)) {
            return SLOTQ_CORRUPT;
        }
        if (!is_asked(remove, group)) {
            continue;
        }
        const slotq_outcome outcome = removable(frame, remove->id, &place);
        if (outcome == SLOTQ_LEASED || outcome == SLOTQ_NOTFOUND || outcome == SLOTQ_CORRUPT) {
            return outcome;
        }
        answer = outcome == SLOTQ_OK ? SLOTQ_OK : answer;
    }
    return answer;
}

/* Subtract the message from the count of its state, if the group was given it. */
static bool take(verb_frame *frame, const message_place *place)
{
    group_block *group = &frame->group;
    if (!place->is_aside &&
        frame_position(frame, place->index) >= frame_position(frame, group->cursor)) {
        return true;
    }
    const bool waits = word_state(place_word(frame, place)) == SLOTQ_STATE_WAITING;
    return frame_take(frame, waits ? &group->waiting : &group->ready_behind, 1,
                      waits ? AT_group_waiting : AT_group_ready_behind);
}

/* Aside: a group that is not asked has not finished the message in a slot. */
static bool stays_aside(const verb_frame *frame, const slotq_call_remove *remove, uint32_t slot)
{
    return remove->group != SLOTQ_ALL_GROUPS &&
           aside_is_unfinished(frame->view, slot, remove->group);
}

enum { NONE_LEAVES = UINT8_MAX + 1 }; /* no place in the aside index */

/* Finish the message in the loaded group; aside, if no word is left, *leaving is its place. */
static bool remove_in_group(verb_frame *frame, const slotq_call_remove *remove, uint32_t *leaving)
{
    message_place place;
    if (removable(frame, remove->id, &place) != SLOTQ_OK) {
        return true;
    }
    if (!take(frame, &place)) {
        return false;
    }
    if (!place.is_aside) {
        frame->call->progress.other_done = 0;
        frame_finish(frame, place.index, 1, WORD_REMOVED);
    } else if (stays_aside(frame, remove, place.slot)) {
        step_patch_word(frame->step, place_aside_word_offset(frame, &place), WORD_REMOVED);
    } else {
        *leaving = place.index;
    }
    frame->group_changed = true;
    return true;
}

slotq_outcome remove_step(verb_frame *frame)
{
    const slotq_view *view = frame->view;
    slotq_call *call = frame->call;
    const slotq_call_remove *remove = &call->remove;
    if (remove->group >= view->geometry.groups && remove->group != SLOTQ_ALL_GROUPS) {
        return SLOTQ_INVALID;
    }
    uint32_t leaving = NONE_LEAVES;
    const slotq_outcome answer = judge(frame, remove);
    if (answer != SLOTQ_OK) {
        return answer;
    }
    for (uint32_t group = 0; group < view->geometry.groups; group++) {
        if (!frame_load(frame, group)) { /* judge loaded it before */
            return frame_corrupt(frame, call->damage.offset, call->damage.what);
        }
        if (is_asked(remove, group)) {
            if (!remove_in_group(frame, remove, &leaving)) {
                return SLOTQ_CORRUPT;
            }
            if (frame->group_changed) {
                frame_patch_group(frame);
            }
        }
        frame_note_group(frame);
    }
    if (leaving != NONE_LEAVES) {
        aside_remove(frame, leaving);
    }
    frame_take_least_head(frame);
    return frame_commit(frame, SLOTQ_OK);
}

slotq_outcome purge_step(verb_frame *frame)
{
    const slotq_view *view = frame->view;
    slotq_call *call = frame->call;
    for (uint32_t group = 0; group < view->geometry.groups; group++) {
        if (!frame_load(frame, group)) {
            return frame_corrupt(frame, call->damage.offset, call->damage.what);
        }
        group_block *block = &frame->group;
        const uint32_t tail = frame->front.tail;
        block->head = tail;
        block->cursor = tail;
        block->retry_from = tail;
        block->written = tail;
        block->sweep = SWEEP_NONE;
        block->due = DUE_NONE;
        block->due_next = DUE_NONE;
        block->ready_behind = 0;
        block->leased = 0;
        block->waiting = 0;
        frame_patch_group(frame);
        frame_note_group(frame); /* as it will be: the others in the image count messages aside */
    }
    frame->front.head = frame->front.tail;
    frame->aside_changed = frame->front.aside_count > 0;
    frame->front.aside_count = 0;
    return frame_commit(frame, SLOTQ_OK);
}
