/* plain.c: push with room; reserve of new messages while no message is given back, due or removed;
 * ack at the head of a queue with one group. No caller waits for the result, and no era is crossed.
 * See plain.h.
 */
#include "plain.h"

#include "../layout/front.h"
#include "../layout/memory.h"
#include "../layout/word.h"
#include "frame.h"
#include "limits.h"
#include "sweep.h"

#ifndef SLOTQ_NO_PLAIN

/* Inlined, so that fields which a verb does not use are never loaded. */
#define PLAIN __attribute__((flatten))

/* A caller waits for messages, here or at the bell. */
enum { WAKES_MESSAGES = WAKE_FOR_MESSAGE | WAKE_RING_BELL };

/* The front is sound, and a step on it would write only what its verb writes: no caller waits for
 * what the verb makes (bits of wake). */
static inline bool plain_front(const slotq_view *view, uint32_t makes, front_block *front,
                               slotq_damage *damage)
{
    return front_load_ring(view, front, damage) && front->era == front->stored_era &&
           !(front->wake & makes);
}

/* A scheduled message is due: it goes first. */
static inline bool may_promote(const slotq_view *view, uint64_t now_ms)
{
    return load_u48(view->bytes + AT_shared_later_due_ms) <= now_ms;
}

/* A reserve may let a message step aside, which makes room for a caller that waits for it, and may
 * leave messages for one that sleeps at the bell. */
static inline uint32_t room_mark(const slotq_view *view)
{
    return view->geometry.aside_slots > 0 ? WAKE_FOR_ROOM | WAKE_RING_BELL : WAKE_RING_BELL;
}

/* As held_scheduled of wakes.c: an ack at head also helps callers that wait for messages. */
static inline uint32_t ack_marks(const slotq_view *view)
{
    const uint32_t slots = view->geometry.ring_slots;
    const uint32_t used = ring_distance(load_u16(view->bytes + AT_header_head),
                                        load_u16(view->bytes + AT_header_tail), slots);
    return used == slots - 1 && load_u48(view->bytes + AT_shared_later_due_ms) != DUE_NONE
               ? WAKE_FOR_ROOM | WAKES_MESSAGES
               : WAKE_FOR_ROOM;
}

static inline void patch_group(slotq_step *step, uint32_t group, const group_block *block)
{
    uint8_t *bytes = step_scratch(step, GROUP_STATE_BYTES);
    codec_store_group(bytes, block);
    step_patch_scratch(step, group_offset(group), bytes, GROUP_STATE_BYTES);
    step->needs_journal = true;
    step->changes_group = true;
}

PLAIN static bool plain_push(const slotq_view *view, slotq_call *call, slotq_step *step)
{
    slotq_call_push *push = &call->push;
    const uint32_t slots = view->geometry.ring_slots;
    const uint32_t count = push->count;
    front_block front;
    if (!plain_front(view, WAKES_MESSAGES, &front, &call->damage)) {
        return false;
    }
    const uint32_t used = ring_distance(front.head, front.tail, slots);
    const uint64_t last_id = front.last_id + count;
    push_size size;
    if (push->keys != NULL ||
        push_judge(&view->geometry, push->messages, count, &size) != PUSH_FITS ||
        count > slots - 1 - used || id_era(last_id) != front.era ||
        (front.paused & (SLOTQ_PAUSE_IN | SLOTQ_PAUSE_CLOSED)) ||
        (view->geometry.flags & SLOTQ_FLAG_KEYS) || may_promote(view, call->now_ms)) {
        return false;
    }
    step_begin(step);
    step->messages = push->messages;
    step->pushes = true;
    if (view->geometry.flags & SLOTQ_FLAG_STAMPS) {
        step->stamp = (uint32_t)(call->now_ms / view->geometry.tick_ms);
    }
    step_patch_slots(step, view, front.tail, 0, count);
    uint8_t *header = step_scratch(step, HEADER_BYTES);
    const uint64_t tail = ring_add(front.tail, count, slots);
    store_u64(header, id_low(last_id) | (uint64_t)front.head << 32 | tail << 48);
    step_patch_scratch(step, 0, header, HEADER_BYTES);
    push->first_id = front.last_id + 1;
    push->used = used + count;
    push->sleepers = false;
    step->wake_groups = (uint16_t)((1u << view->geometry.groups) - 1);
    step->wake_messages = (uint16_t)count;
    return true;
}

/* sweep_is_due without its division: a deadline has passed when its tick has begun. */
static inline bool may_be_due(const group_block *group, uint64_t now_ms, uint64_t tick_ms)
{
    return group->sweep != SWEEP_NONE ||
           (group->due != DUE_NONE && (group->due * tick_ms <= now_ms ||
                                       group->due * tick_ms - now_ms > HALF_RANGE_TICKS * tick_ms));
}

/* max_leased, rate_burst and rate_interval, all at once. */
static inline bool has_limits(const slotq_view *view, uint32_t group)
{
    return load_u64(view->bytes + group_offset(group) + AT_limit_max_leased) != 0;
}

PLAIN static bool plain_reserve(const slotq_view *view, slotq_call *call, slotq_step *step)
{
    slotq_call_reserve *reserve = &call->reserve;
    const uint32_t slots = view->geometry.ring_slots;
    const uint64_t tick_ms = view->geometry.tick_ms;
    front_block front;
    group_block group;
    if (call->progress.looks || call->progress.asks_ring ||
        reserve->group >= view->geometry.groups || reserve->limit < 1 ||
        reserve->limit > SLOTQ_CALL_MESSAGES_MAX || reserve->run_capacity < 1 ||
        reserve->runs == NULL || !frame_duration_fits(view, reserve->lease_ms) ||
        !plain_front(view, room_mark(view), &front, &call->damage) ||
        (front.paused & SLOTQ_PAUSE_OUT) ||
        !front_load_group(view, &front, reserve->group, &group, &call->damage)) {
        return false;
    }
    if (group.ready_behind != 0 || group.written != group.cursor || group.cursor == front.tail ||
        may_be_due(&group, call->now_ms, tick_ms) || has_limits(view, reserve->group) ||
        may_promote(view, call->now_ms)) {
        return false;
    }
    const uint32_t fresh = ring_distance(group.cursor, front.tail, slots);
    const uint32_t count = reserve->limit < fresh ? reserve->limit : fresh;
    const uint64_t deadline = (call->now_ms + reserve->lease_ms + tick_ms - 1) / tick_ms;
    const uint32_t word = word_make(SLOTQ_STATE_LEASED, 1, deadline);
    slotq_run *run = &reserve->runs[0];
    step_begin(step);
    step_patch_words(step, view, reserve->group, group.cursor, count, word);
    run->id = front.last_id + 1 - fresh;
    run->token = word;
    run->count = count;
    reserve->run_count = 1;
    reserve->message_count = count;
    group.cursor = ring_add(group.cursor, count, slots);
    group.written = group.cursor;
    group.retry_from = group.cursor;
    group.leased += count;
    group.due = deadline < group.due ? deadline : group.due;
    patch_group(step, reserve->group, &group);
    if (count < fresh) { /* for another caller */
        step->wake_groups = (uint16_t)(1u << reserve->group);
        step->wake_messages = 1;
    }
    return true;
}

/* As wakes_note_limit: of count leases that end. */
static inline bool limit_frees(const slotq_view *view, const group_block *group, uint32_t count,
                               uint32_t tail)
{
    const uint32_t most = load_u16(view->bytes + group_offset(0) + AT_limit_max_leased);
    return group->leased >= most && group->leased - count < most &&
           (group->ready_behind > 0 || group->cursor != tail);
}

/* The whole run is at the group's head, and the word after it is not DONE. */
static inline bool is_run_at_head(const slotq_view *view, const front_block *front,
                                  const group_block *group, const slotq_run *run)
{
    const uint32_t slots = view->geometry.ring_slots;
    const uint32_t count = run->count;
    const uint64_t head_id = front->last_id + 1 - ring_distance(group->head, front->tail, slots);
    if (run->id != head_id || word_state(run->token) != SLOTQ_STATE_LEASED || count < 1 ||
        count > ring_distance(group->head, group->cursor, slots) || count > slots - group->head ||
        count > group->leased) {
        return false;
    }
    const uint8_t *words = view->bytes + word_offset(view, 0, group->head);
    for (uint32_t i = 0; i < count; i++) {
        if (load_u32(words + i * WORD_BYTES) != run->token) {
            return false;
        }
    }
    const uint32_t next = ring_add(group->head, count, slots);
    return next == group->written ||
           !word_is_done(load_u32(view->bytes + word_offset(view, 0, next)));
}

PLAIN static bool plain_ack(const slotq_view *view, slotq_call *call, slotq_step *step)
{
    slotq_call_settle *settle = &call->settle;
    const uint32_t slots = view->geometry.ring_slots;
    const slotq_run *run = settle->runs;
    const uint32_t marks = ack_marks(view);
    front_block front;
    group_block group;
    if (view->geometry.groups != 1 || settle->group != 0 || settle->run_count != 1 || run == NULL ||
        run->count > SLOTQ_CALL_MESSAGES_MAX || !plain_front(view, marks, &front, &call->damage) ||
        !front_load_group(view, &front, 0, &group, &call->damage) ||
        ((front.wake & WAKES_MESSAGES) && has_limits(view, 0)) ||
        !is_run_at_head(view, &front, &group, run)) {
        return false;
    }
    const uint32_t head = ring_add(group.head, run->count, slots);
    if (ring_distance(group.head, group.retry_from, slots) < run->count) {
        group.retry_from = head;
    }
    if (group.sweep != SWEEP_NONE && ring_distance(group.head, group.sweep, slots) < run->count) {
        group.sweep = head;
    }
    group.head = head;
    step_begin(step);
    if (limit_frees(view, &group, run->count, front.tail) || marks != WAKE_FOR_ROOM) {
        step->wake_groups = 1;
        step->wake_messages = 1;
    }
    group.leased -= run->count;
    group.acked += run->count;
    patch_group(step, 0, &group);
    step->wake_slots = (uint16_t)run->count;
    uint8_t *bytes = step_scratch(step, BYTES_header_head);
    store_u16(bytes, (uint16_t)head);
    step_patch_scratch(step, AT_header_head, bytes, BYTES_header_head);
    settle->ok_count = run->count;
    settle->dead_count = 0;
    if (settle->outcomes != NULL) {
        memset(settle->outcomes, SLOTQ_OK, run->count);
    }
    return true;
}

bool plain_step(const slotq_view *view, slotq_call *call, slotq_step *step)
{
    switch (call->verb) {
    case SLOTQ_PUSH:
        return plain_push(view, call, step);
    case SLOTQ_RESERVE:
        return plain_reserve(view, call, step);
    case SLOTQ_ACK:
        return plain_ack(view, call, step);
    default:
        return false;
    }
}

#endif
