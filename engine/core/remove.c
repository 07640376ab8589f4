/* remove.c: finishes a READY or WAITING message by its id, in one group or in all; and purge, which
 * finishes every message of the ring (FORMAT.md, "remove", "purge").
 */
#include "../layout/assert.h"
#include "../layout/fields.h"
#include "../layout/ring.h"
#include "../layout/word.h"
#include "verbs.h"

static bool is_asked(const slotq_call_remove *remove, uint32_t group)
{
    return remove->group == SLOTQ_ALL_GROUPS || remove->group == group;
}

/* The outcome of remove for the loaded group; OK: there is something to finish. */
static slotq_outcome removable(const verb_frame *frame, uint64_t id, uint32_t *index)
{
    slotq_outcome outcome;
    if (!frame_find(frame, id, index, &outcome)) {
        return outcome;
    }
    const uint32_t word = frame_word(frame, *index);
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
        uint32_t index;
        if (!frame_load(frame, group)) {
            return SLOTQ_CORRUPT;
        }
        if (!is_asked(remove, group)) {
            continue;
        }
        const slotq_outcome outcome = removable(frame, remove->id, &index);
        if (outcome == SLOTQ_LEASED || outcome == SLOTQ_NOTFOUND) {
            return outcome;
        }
        answer = outcome == SLOTQ_OK ? SLOTQ_OK : answer;
    }
    return answer;
}

static bool remove_in_group(verb_frame *frame, uint64_t id)
{
    group_block *group = &frame->group;
    uint32_t index;
    if (removable(frame, id, &index) != SLOTQ_OK) {
        return true;
    }
    if (frame_position(frame, index) < frame_position(frame, group->cursor)) {
        const bool waits = word_state(frame_word(frame, index)) == SLOTQ_STATE_WAITING;
        uint32_t *count = waits ? &group->waiting : &group->ready_behind;
        if (!frame_take(frame, count, 1, waits ? AT_group_waiting : AT_group_ready_behind)) {
            return false;
        }
    }
    frame->call->progress.other_done = 0;
    frame_finish(frame, index, 1, WORD_REMOVED);
    return true;
}

slotq_outcome remove_step(const slotq_view *view, slotq_call *call, slotq_step *step)
{
    const slotq_call_remove *remove = &call->remove;
    verb_frame frame;
    if (!frame_begin(&frame, view, call, step)) {
        return SLOTQ_CORRUPT;
    }
    if (remove->group >= view->geometry.groups && remove->group != SLOTQ_ALL_GROUPS) {
        return SLOTQ_INVALID;
    }
    const slotq_outcome answer = judge(&frame, remove);
    if (answer != SLOTQ_OK) {
        return answer;
    }
    for (uint32_t group = 0; group < view->geometry.groups; group++) {
        if (!frame_load(&frame, group)) {
            return frame_corrupt(&frame, call->damage.offset, call->damage.what);
        }
        if (is_asked(remove, group)) {
            if (!remove_in_group(&frame, remove->id)) {
                return SLOTQ_CORRUPT;
            }
            if (frame.group_changed) {
                frame_patch_group(&frame);
            }
        }
        frame_note_head(&frame);
    }
    frame_take_least_head(&frame);
    return frame_commit(&frame, SLOTQ_OK);
}

slotq_outcome purge_step(const slotq_view *view, slotq_call *call, slotq_step *step)
{
    verb_frame frame;
    if (!frame_begin(&frame, view, call, step)) {
        return SLOTQ_CORRUPT;
    }
    for (uint32_t group = 0; group < view->geometry.groups; group++) {
        if (!frame_load(&frame, group)) {
            return frame_corrupt(&frame, call->damage.offset, call->damage.what);
        }
        group_block *block = &frame.group;
        const uint32_t tail = frame.front.tail;
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
        frame_patch_group(&frame);
    }
    frame.front.head = frame.front.tail;
    return frame_commit(&frame, SLOTQ_OK);
}
