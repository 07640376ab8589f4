/* room.c: head moves, the step in which the message at the ring's head goes aside, and with
 * overwrite dropping the oldest messages; see room.h.
 */
#include "room.h"

#include "../layout/assert.h"
#include "../layout/bytes.h"
#include "../layout/fields.h"
#include "../layout/memory.h"
#include "../layout/ring.h"
#include "../layout/word.h"
#include "aside.h"
#include "keys.h"

/* Move the heads of the groups, one after another, as far as possible, in bounded steps. */
static slotq_outcome move_heads(verb_frame *frame)
{
    uint32_t *group = &frame->call->progress.run_index;
    for (; *group < frame->view->geometry.groups; (*group)++) {
        frame->call->progress.other_done = 0;
        if (!frame_load(frame, *group)) {
            return SLOTQ_CORRUPT;
        }
        if (frame_move_head(frame)) {
            return frame_commit(frame, SLOTQ_MORE);
        }
    }
    return SLOTQ_OK;
}

/* False: CORRUPT. */
static bool copy_message(verb_frame *frame, uint32_t slot)
{
    const slotq_view *view = frame->view;
    const uint32_t index = frame->old_head;
    step_patch_copy(frame->step, aside_slot_offset(view, slot), slot_offset(view, index),
                    view->stride);
    if (!keys_hand_over(frame, index, key_holder_aside(view, slot), frame_id(frame, index))) {
        return false;
    }
    uint8_t *entry = step_scratch(frame->step, ASIDE_ENTRY_BYTES);
    store_u48(entry + AT_aside_id, frame_id(frame, index));
    entry[AT_aside_slot] = (uint8_t)slot;
    step_patch_scratch(frame->step, aside_entry_offset(view, frame->front.aside_count), entry,
                       ASIDE_ENTRY_BYTES);
    return true;
}

/* The message at the ring's head goes to a slot aside, with its words in all groups. */
static slotq_outcome step_aside(verb_frame *frame)
{
    uint32_t slot;
    if (!aside_free_slot(frame, &slot)) {
        return SLOTQ_CORRUPT;
    }
    frame->call->progress.run_index = 0;
    const slotq_outcome cleared = keys_clear(frame, key_holder_aside(frame->view, slot));
    if (cleared != SLOTQ_OK) {
        return cleared;
    }
    if (!copy_message(frame, slot)) {
        return SLOTQ_CORRUPT;
    }
    for (uint32_t group = 0; group < frame->view->geometry.groups; group++) {
        if (!frame_load(frame, group)) {
            step_begin(frame->step);
            return SLOTQ_CORRUPT;
        }
        const bool holds = frame->group.head == frame->old_head;
        const uint32_t word = holds ? frame_word(frame, frame->old_head) : WORD_ACKED;
        step_patch_word(frame->step, aside_word_offset(frame->view, group, slot), word);
        if (holds) {
            frame->call->progress.other_done = 0;
            frame_leave_head(frame);
            frame_patch_group(frame);
        }
        frame_note_group(frame);
    }
    frame_take_least_head(frame);
    frame->front.aside_count++;
    frame->aside_changed = true;
    return frame_commit(frame, SLOTQ_MORE);
}

slotq_outcome room_make(verb_frame *frame)
{
    const slotq_outcome moved = move_heads(frame);
    if (moved != SLOTQ_OK || frame->front.aside_count == frame->view->geometry.aside_slots) {
        return moved;
    }
    bool may;
    if (!frame_may_step_aside(frame, &may)) {
        return SLOTQ_CORRUPT;
    }
    return may ? step_aside(frame) : SLOTQ_OK;
}

/* ---- overwrite ---- */

/* Mark, one bit per message, the dropped messages that the loaded group has not finished, and
 * subtract them from its counts. */
static bool drop_from_group(verb_frame *frame, uint32_t drop, uint8_t *unfinished)
{
    group_block *group = &frame->group;
    const uint32_t from = ring_distance(frame->old_head, group->head, frame->slots);
    const uint32_t cursor = ring_distance(frame->old_head, group->cursor, frame->slots);
    uint32_t *const counts[] = {&group->ready_behind, &group->leased, &group->waiting};
    static const uint32_t fields[] = {AT_group_ready_behind, AT_group_leased, AT_group_waiting};
    for (uint32_t i = from; i < drop; i++) {
        const uint32_t word = frame_word(frame, ring_add(frame->old_head, i, frame->slots));
        if (word_is_done(word)) {
            continue;
        }
        unfinished[i / 8] |= (uint8_t)(1u << i % 8);
        if (i < cursor &&
            !frame_take(frame, counts[word_state(word)], 1, fields[word_state(word)])) {
            return false;
        }
    }
    return true;
}

static void room_clamp(const verb_frame *frame, uint32_t *index, uint32_t drop)
{
    if (ring_distance(frame->old_head, *index, frame->slots) < drop) {
        *index = ring_add(frame->old_head, drop, frame->slots);
    }
}

static void clamp_group(verb_frame *frame, uint32_t drop)
{
    group_block *group = &frame->group;
    room_clamp(frame, &group->cursor, drop);
    room_clamp(frame, &group->written, drop);
    room_clamp(frame, &group->retry_from, drop);
    if (group->sweep != SWEEP_NONE) {
        room_clamp(frame, &group->sweep, drop);
    }
    room_clamp(frame, &group->head, drop);
    frame_move_head(frame);
}

static slotq_outcome drop_oldest(verb_frame *frame, uint32_t drop)
{
    SLOTQ_ASSERT(drop <= frame_used(frame));
    SLOTQ_ASSERT(drop <= SLOTQ_CALL_MESSAGES_MAX);
    const uint32_t bytes = (drop + 7) / 8;
    uint8_t *unfinished = step_scratch(frame->step, bytes);
    memset(unfinished, 0, bytes);
    for (uint32_t group = 0; group < frame->view->geometry.groups; group++) {
        frame->call->progress.other_done = 0;
        if (!frame_load(frame, group) || !drop_from_group(frame, drop, unfinished)) {
            step_begin(frame->step);
            return SLOTQ_CORRUPT;
        }
        clamp_group(frame, drop);
        frame_patch_group(frame);
        frame_note_group(frame);
    }
    for (uint32_t i = 0; i < drop; i++) {
        frame->front.dropped += unfinished[i / 8] >> i % 8 & 1;
    }
    frame->dead_changed = true;
    frame_take_least_head(frame);
    frame->call->progress.run_index = 0;
    return frame_commit(frame, SLOTQ_MORE);
}

slotq_outcome room_make_or_drop(verb_frame *frame, uint32_t count)
{
    const slotq_outcome made = room_make(frame);
    if (made != SLOTQ_OK || !(frame->view->geometry.flags & SLOTQ_FLAG_OVERWRITE)) {
        return made;
    }
    return drop_oldest(frame, count - (frame->slots - 1 - frame_used(frame)));
}
