/* push.c: push, and with overwrite dropping the oldest messages (FORMAT.md, "push").
 */
#include "../layout/assert.h"
#include "../layout/fields.h"
#include "../layout/memory.h"
#include "../layout/ring.h"
#include "../layout/word.h"
#include "limits.h"
#include "room.h"
#include "verbs.h"

enum push_phase { PUSH_BEGIN, PUSH_ROOM };

static uint32_t ring_used(const verb_frame *frame)
{
    return ring_distance(frame->front.head, frame->front.tail, frame->slots);
}

static slotq_outcome push_messages(verb_frame *frame, slotq_call_push *push)
{
    slotq_step *step = frame->step;
    step->messages = push->messages;
    step->stamp = (uint32_t)frame_tick(frame);
    step_patch_slots(step, frame->view, frame->front.tail, 0, push->count);
    if (frame->view->geometry.flags & SLOTQ_FLAG_KEYS) {
        step_patch_no_keys(step, frame->view, frame->front.tail, push->count);
    }
    push->first_id = frame->front.last_id + 1;
    return frame_commit_push(frame, push->count, SLOTQ_OK);
}

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

static void clamp(const verb_frame *frame, uint32_t *index, uint32_t drop)
{
    if (ring_distance(frame->old_head, *index, frame->slots) < drop) {
        *index = ring_add(frame->old_head, drop, frame->slots);
    }
}

static void clamp_group(verb_frame *frame, uint32_t drop)
{
    group_block *group = &frame->group;
    clamp(frame, &group->cursor, drop);
    clamp(frame, &group->written, drop);
    clamp(frame, &group->retry_from, drop);
    if (group->sweep != SWEEP_NONE) {
        clamp(frame, &group->sweep, drop);
    }
    clamp(frame, &group->head, drop);
    frame_move_head(frame);
}

static slotq_outcome push_drop(verb_frame *frame, uint32_t drop)
{
    SLOTQ_ASSERT(drop <= ring_used(frame));
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
    frame->call->progress.phase = PUSH_BEGIN;
    return frame_commit(frame, SLOTQ_MORE);
}

slotq_outcome push_step(const slotq_view *view, slotq_call *call, slotq_step *step)
{
    slotq_call_push *push = &call->push;
    verb_frame frame;
    if (!frame_begin(&frame, view, call, step)) {
        return SLOTQ_CORRUPT;
    }
    push_size size;
    const push_limit limit = push_judge(&view->geometry, push->messages, push->count, &size);
    if (limit != PUSH_FITS) {
        return push_limit_outcome(limit);
    }
    if (frame.front.paused & SLOTQ_PAUSE_IN) {
        return SLOTQ_PAUSED;
    }
    if (frame.front.last_id + push->count > SLOTQ_ID_MAX) { /* no room can be made for ids */
        return find_holder(&frame, &push->holder) ? SLOTQ_FULL : SLOTQ_CORRUPT;
    }
    const uint32_t room = frame.slots - 1 - ring_used(&frame);
    if (push->count <= room) {
        return push_messages(&frame, push);
    }
    call->progress.phase = PUSH_ROOM;
    const slotq_outcome moved = room_make(&frame);
    if (moved != SLOTQ_OK) {
        return moved;
    }
    if (view->geometry.flags & SLOTQ_FLAG_OVERWRITE) {
        return push_drop(&frame, push->count - room);
    }
    if (!find_holder(&frame, &push->holder)) {
        return SLOTQ_CORRUPT;
    }
    return push->may_wait ? frame_mark_waiting(&frame, SLOTQ_FULL) : SLOTQ_FULL;
}
