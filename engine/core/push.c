/* push.c: pushes messages (FORMAT.md, "push").
 */
#include "../layout/fields.h"
#include "keys.h"
#include "later.h"
#include "limits.h"
#include "room.h"
#include "verbs.h"
#include "wakes.h"

static key_call keys_of(const slotq_call_push *push)
{
    return (key_call){push->keys, push->count, push->key_mode};
}

/* Judge the keys before room is made. */
static slotq_outcome push_judge_keys(verb_frame *frame, slotq_call_push *push)
{
    uint32_t *phase = &frame->call->progress.phase;
    const key_call keys = keys_of(push);
    if (*phase > 0 || push->keys == NULL) {
        return SLOTQ_OK;
    }
    *phase = 1;
    const slotq_outcome outcome = keys_judge(frame, &keys, &push->taken);
    if (outcome == SLOTQ_FULL) {
        push->holder = (slotq_holder){.id = 0};
    }
    return outcome;
}

static slotq_outcome push_messages(verb_frame *frame, slotq_call_push *push)
{
    slotq_step *step = frame->step;
    const key_call keys = keys_of(push);
    const slotq_outcome way = keys_make_way(frame, &keys, &frame->call->progress.message_index);
    if (way != SLOTQ_OK) {
        return way;
    }
    step->messages = push->messages;
    step->stamp = (uint32_t)frame_tick(frame);
    step_patch_slots(step, frame->view, frame->front.tail, 0, push->count);
    keys_put_in_ring(frame, &keys);
    push->first_id = frame->front.last_id + 1;
    push->used = frame_used(frame) + push->count;
    push->sleepers = false;
    return frame_commit_push(frame, push->count, wakes_all_groups(frame->view), SLOTQ_OK);
}

slotq_outcome push_step(verb_frame *frame)
{
    const slotq_view *view = frame->view;
    slotq_call *call = frame->call;
    slotq_call_push *push = &call->push;
    push_size size;
    const key_call keys = keys_of(push);
    if (call->progress.phase == 0) { /* with keys, once */
        const push_limit limit = push_judge(&view->geometry, push->messages, push->count, &size);
        if (limit != PUSH_FITS) {
            return push_limit_outcome(limit);
        }
        if (!keys_fit(frame, &keys)) {
            return SLOTQ_INVALID;
        }
    }
    const slotq_outcome open = frame_takes_new(frame);
    if (open != SLOTQ_OK) {
        return open;
    }
    const slotq_outcome promoted = later_promote(frame);
    if (promoted != SLOTQ_OK) {
        return promoted;
    }
    if (frame->front.last_id + push->count > SLOTQ_ID_MAX) { /* no room can be made for ids */
        return find_holder(frame, &push->holder) ? SLOTQ_FULL : SLOTQ_CORRUPT;
    }
    const slotq_outcome judged = push_judge_keys(frame, push);
    if (judged != SLOTQ_OK) {
        return judged;
    }
    if (push->count <= frame->slots - 1 - frame_used(frame)) {
        return push_messages(frame, push);
    }
    const slotq_outcome made = room_make_or_drop(frame, push->count);
    if (made != SLOTQ_OK) {
        return made;
    }
    if (!find_holder(frame, &push->holder)) {
        return SLOTQ_CORRUPT;
    }
    return push->may_wait ? wakes_mark_waiting(frame, SLOTQ_FULL) : SLOTQ_FULL;
}
