/* wakes.c: see wakes.h.
 */
#include "wakes.h"

#include "../layout/assert.h"
#include "../layout/bytes.h"
#include "../layout/fields.h"
#include "../layout/ring.h"
#include "later.h"

static uint32_t at_most(uint32_t count, uint32_t most)
{
    return count < most ? count : most;
}

void wakes_deliver(verb_frame *frame, uint32_t groups, uint32_t messages)
{
    slotq_step *step = frame->step;
    frame->deliverable = true;
    step->wake_groups = (uint16_t)(step->wake_groups | groups);
    step->wake_messages = (uint16_t)at_most(step->wake_messages + messages, WAKES_MANY);
}

void wakes_note_limit(verb_frame *frame)
{
    const group_block *group = &frame->group;
    if (group->leased >= frame->old_leased) {
        return;
    }
    const uint32_t most =
        load_u16(frame->view->bytes + group_offset(frame->group_index) + AT_limit_max_leased);
    if (group->leased < most && frame->old_leased >= most &&
        (group->ready_behind > 0 || group->cursor != frame->front.tail)) {
        wakes_deliver(frame, wakes_own_group(frame), 1);
    }
}

/* ---- the word ---- */

static void patch_wake(verb_frame *frame, uint32_t wake)
{
    uint8_t *bytes = step_scratch(frame->step, BYTES_shared_wake);
    store_u32(bytes, wake);
    step_patch_scratch(frame->step, AT_shared_wake, bytes, BYTES_shared_wake);
    frame->front.wake = wake;
}

static void patch_waking(verb_frame *frame, bool makes_room)
{
    uint32_t wake = frame->front.wake;
    if (frame->deliverable && (wake & WAKE_FOR_MESSAGE)) {
        wake = wake - WAKE_FOR_MESSAGE + WAKE_COUNT_ONE;
    }
    if (makes_room && (wake & WAKE_FOR_ROOM)) {
        wake = wake - WAKE_FOR_ROOM + WAKE_COUNT_ONE;
    }
    if (wake != frame->front.wake) {
        patch_wake(frame, wake);
        frame->step->wakes = true;
    }
}

/* The ring was full, and a message is scheduled: it may be due, and wait for room. Not asked of a
 * step that pushes. */
static bool held_scheduled(const verb_frame *frame)
{
    return load_u48(frame->view->bytes + AT_shared_later_due_ms) != DUE_NONE &&
           ring_distance(frame->old_head, frame->front.tail, frame->slots) == frame->slots - 1;
}

/* The step makes room for a push, or a push could now make it. False: CORRUPT. Asked only if a
 * caller waits for room. */
static bool judge_room(verb_frame *frame, bool *makes_room)
{
    *makes_room = frame->front.head != frame->old_head;
    if (*makes_room || !(frame->front.wake & WAKE_FOR_ROOM) || !frame->group_patched ||
        frame->view->geometry.aside_slots == 0) {
        return true;
    }
    if (frame->least_head < frame->slots) { /* all groups are noted as they will be */
        *makes_room = frame_holders_let_go(frame);
        return true;
    }
    return frame_may_step_aside(frame, makes_room);
}

static void note_step(verb_frame *frame)
{
    frame->step->wake_slots =
        (uint16_t)ring_distance(frame->old_head, frame->front.head, frame->slots);
    frame->step->changes_group = frame->group_patched;
}

bool wakes_end(verb_frame *frame)
{
    bool makes_room;
    if (!judge_room(frame, &makes_room)) {
        return false;
    }
    note_step(frame);
    if (frame->front.head != frame->old_head && held_scheduled(frame)) {
        wakes_deliver(frame, wakes_all_groups(frame->view), 1);
    }
    patch_waking(frame, makes_room);
    return true;
}

void wakes_end_push(verb_frame *frame)
{
    note_step(frame);
    patch_waking(frame, frame->front.head != frame->old_head);
}

void wakes_owe(verb_frame *frame, uint32_t groups, uint32_t messages)
{
    slotq_nudge *nudge = &frame->call->nudge;
    nudge->counter = frame->front.wake / WAKE_COUNT_ONE; /* other steps may have moved it */
    if (!(frame->front.wake & WAKE_RING_BELL) || groups == 0) {
        return;
    }
    const uint32_t group =
        groups & (groups - 1) ? SLOTQ_ALL_GROUPS : (uint32_t)__builtin_ctz(groups);
    nudge->group = (uint8_t)(nudge->need == 0 || nudge->group == group ? group : SLOTQ_ALL_GROUPS);
    nudge->need = at_most(nudge->need + messages, WAKES_MANY);
}

void wakes_hand_over_due(verb_frame *frame)
{
    const uint64_t near_ms = frame->call->now_ms + NUDGE_DUE_MS;
    const uint64_t due = frame->group.due;
    const bool is_near = due != DUE_NONE && due * frame->view->geometry.tick_ms < near_ms;
    if (frame->call->reserve.message_count == 0 && (is_near || later_next_ms(frame) < near_ms)) {
        wakes_owe(frame, wakes_own_group(frame), 1);
    }
}

bool wakes_ask_ring(verb_frame *frame)
{
    const bool asks = frame->call->progress.asks_ring;
    if (asks) {
        patch_wake(frame, (frame->front.wake | WAKE_RING_BELL) + WAKE_COUNT_ONE);
        frame->call->progress.asks_ring = false;
    }
    return asks;
}

slotq_outcome wakes_mark_waiting(verb_frame *frame, slotq_outcome outcome)
{
    SLOTQ_ASSERT(frame->step->patch_count == 0);
    const uint32_t wanted = outcome == SLOTQ_FULL ? WAKE_FOR_ROOM : WAKE_FOR_MESSAGE;
    if (!(frame->front.wake & wanted)) {
        patch_wake(frame, frame->front.wake | wanted);
    }
    return outcome;
}

/* ---- one caller after another ---- */

/* Messages that another caller could lease now, or promote; a rate does not count: the one that is
 * woken learns the time. */
static bool leaves_messages(const verb_frame *frame)
{
    const group_block *group = &frame->group;
    const uint32_t most = frame->limit.max_leased;
    if (most != 0 && group->leased >= most) {
        return false;
    }
    return group->ready_behind > 0 || group->cursor != frame->front.tail ||
           later_waits_for_call(frame);
}

void wakes_hand_over(verb_frame *frame, slotq_outcome outcome)
{
    slotq_step *step = frame->step;
    uint32_t *made = &frame->call->progress.made;
    const uint32_t own = UINT32_C(1) << frame->call->reserve.group;
    if (step->wake_groups & own) {
        *made = at_most(*made + step->wake_messages, WAKES_MANY);
        step->wake_groups = (uint16_t)(step->wake_groups & ~own);
    }
    const uint32_t least = outcome == SLOTQ_OK ? 1 : 0;
    const uint32_t left = *made > least ? *made : least;
    if (outcome != SLOTQ_MORE && left > 0 && leaves_messages(frame)) {
        step->wake_groups = (uint16_t)(step->wake_groups | own);
        step->wake_messages = (uint16_t)at_most(step->wake_messages + left, WAKES_MANY);
    }
}

uint32_t slotq_core_room(const slotq_view *view)
{
    slotq_call call;
    verb_frame frame;
    bool may = false;
    frame.view = view;
    frame.call = &call;
    frame.slots = view->geometry.ring_slots;
    frame.group_index = view->geometry.groups; /* none is loaded */
    if (!front_load_ring(view, &frame.front, &call.damage)) {
        return SLOTQ_ROOM_NONE;
    }
    frame.old_head = frame.front.head;
    if (frame_used(&frame) < frame.slots - 1) {
        return SLOTQ_ROOM_FREE;
    }
    if (!frame_may_step_aside(&frame, &may) || !may) {
        return SLOTQ_ROOM_NONE;
    }
    return SLOTQ_ROOM_ASIDE;
}
