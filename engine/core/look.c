/* look.c: the verbs that only read: status, peek, stats; and the holder of a full ring (FORMAT.md).
 */
#include "../layout/aside_index.h"
#include "../layout/assert.h"
#include "../layout/bytes.h"
#include "../layout/fields.h"
#include "../layout/ring.h"
#include "../layout/word.h"
#include "aside.h"
#include "limit.h"
#include "verbs.h"

/* Push time in a slot, 0 without stamps. */
static uint64_t pushed_ms(const verb_frame *frame, uint32_t slot)
{
    const slotq_view *view = frame->view;
    if (!(view->geometry.flags & SLOTQ_FLAG_STAMPS)) {
        return 0;
    }
    const uint32_t stamp = load_u32(view->bytes + slot + LENGTH_BYTES);
    return slotq_core_stamp_ms(&view->geometry, stamp, frame->call->now_ms);
}

/* Max messages that are delivered before this unfinished one. False: CORRUPT. */
static bool position_of(verb_frame *frame, const message_place *place, uint32_t word,
                        uint32_t *position)
{
    const group_block *group = &frame->group;
    if (place->is_aside) {
        return aside_ready_before(frame, place->index, position);
    }
    const uint32_t at = frame_position(frame, place->index);
    const uint32_t cursor = frame_position(frame, group->cursor);
    if (at >= cursor) {
        *position = group->ready_behind + at - cursor;
        return true;
    }
    uint32_t aside;
    if (!aside_ready_before(frame, frame->front.aside_count, &aside)) {
        return false;
    }
    const uint32_t itself = word_is_ready(word) ? 1 : 0;
    if (group->ready_behind < aside + itself) {
        frame_corrupt(frame, group_offset(frame->group_index) + AT_group_ready_behind,
                      "group.ready_behind is below the READY words");
        return false;
    }
    const uint32_t others = group->ready_behind - aside - itself;
    const uint32_t from = frame_position(frame, group->retry_from);
    const uint32_t between = at > from ? at - from : 0;
    *position = aside + (others < between ? others : between);
    return true;
}

slotq_outcome status_step(verb_frame *frame)
{
    const slotq_view *view = frame->view;
    slotq_call *call = frame->call;
    slotq_status *status = &call->status.status;
    message_place place;
    if (call->status.group >= view->geometry.groups) {
        return SLOTQ_INVALID;
    }
    if (!frame_load(frame, call->status.group)) {
        return SLOTQ_CORRUPT;
    }
    const slotq_outcome outcome = place_find(frame, call->status.id, &place);
    if (outcome != SLOTQ_OK) {
        return outcome == SLOTQ_GONE ? SLOTQ_FINISHED : outcome;
    }
    const uint32_t word = place_word(frame, &place);
    status->state = word_state(word);
    status->why = SLOTQ_WHY_ACKED;
    status->attempts = (uint8_t)word_attempts(word);
    status->deadline_ms = 0;
    status->position = 0;
    status->pushed_ms = pushed_ms(frame, place_slot_offset(frame, &place));
    status->reason = 0;
    status->is_dead = false;
    status->died_at_ms = 0;
    if (word_is_done(word)) {
        status->why = (slotq_why)word_bits(word);
    } else if (status->state != SLOTQ_STATE_LEASED &&
               !position_of(frame, &place, word, &status->position)) {
        return SLOTQ_CORRUPT;
    }
    if (word_has_deadline(word)) {
        status->deadline_ms = word_deadline(word, frame->group.due) * view->geometry.tick_ms;
    }
    return SLOTQ_OK;
}

static void add_item(verb_frame *frame, const message_place *place, uint32_t word)
{
    slotq_call_look *look = &frame->call->look;
    slotq_item *item = &look->items[look->count++];
    item->word = word;
    item->id = place->id;
    item->died_at_ms = 0;
    item->due_ms = 0;
    item->slot_offset = place_slot_offset(frame, place);
    item->group = look->group;
    item->reason = 0;
    item->attempts = (uint8_t)word_attempts(word);
    item->note_bytes = 0;
    item->state = word_state(word);
}

/* The messages aside that the group has not finished. False: CORRUPT. */
static bool peek_aside(verb_frame *frame)
{
    slotq_call_look *look = &frame->call->look;
    for (uint32_t entry = aside_below(frame->view, frame->front.aside_count, look->from);
         entry < frame->front.aside_count && look->count < look->capacity; entry++) {
        message_place place;
        if (!place_aside(frame, entry, &place)) {
            return false;
        }
        const uint32_t word = place_word(frame, &place);
        if (!word_is_done(word)) {
            add_item(frame, &place, word);
        }
    }
    return true;
}

slotq_outcome peek_step(verb_frame *frame)
{
    const slotq_view *view = frame->view;
    slotq_call *call = frame->call;
    slotq_call_look *look = &call->look;
    slotq_outcome outcome;
    if (look->group >= view->geometry.groups || look->capacity < 1 ||
        look->capacity > SLOTQ_CALL_MESSAGES_MAX || look->items == NULL) {
        return SLOTQ_INVALID;
    }
    if (!frame_load(frame, look->group)) {
        return SLOTQ_CORRUPT;
    }
    look->count = 0;
    uint32_t index = frame->group.head;
    if (look->from != 0 && !frame_find(frame, look->from, &index, &outcome) &&
        outcome == SLOTQ_NOTFOUND) {
        return SLOTQ_EMPTY;
    }
    if (!peek_aside(frame)) {
        return SLOTQ_CORRUPT;
    }
    for (; index != frame->front.tail && look->count < look->capacity;
         index = ring_add(index, 1, frame->slots)) {
        const message_place place = place_in_ring(frame, index);
        add_item(frame, &place, frame_word(frame, index));
    }
    return look->count > 0 ? SLOTQ_OK : SLOTQ_EMPTY;
}

/* A message that waits only because the dead section has no room for it. */
static bool is_kept_from_dying(const verb_frame *frame, uint32_t word)
{
    const slotq_geometry *geometry = &frame->view->geometry;
    return word_state(word) == SLOTQ_STATE_WAITING && geometry->max_attempts > 0 &&
           word_attempts(word) >= geometry->max_attempts && geometry->dead_slots > 0 &&
           frame->front.dead_count == geometry->dead_slots &&
           !(geometry->flags & SLOTQ_FLAG_DEAD_OVERWRITE);
}

bool find_holder(verb_frame *frame, slotq_holder *holder)
{
    const group_block *group = &frame->group;
    uint32_t behind = 0;
    for (uint32_t i = 0; i < frame->view->geometry.groups; i++) {
        uint32_t head;
        if (!front_load_head(frame->view, &frame->front, i, &head, &frame->call->damage)) {
            return false;
        }
        if (head == frame->front.head) {
            behind = i;
            break;
        }
    }
    if (!frame_load(frame, behind)) {
        return false;
    }
    holder->group = (uint8_t)behind;
    holder->held = frame_used(frame);
    holder->unfinished = group->ready_behind + group->leased + group->waiting +
                         ring_distance(group->cursor, frame->front.tail, frame->slots);
    holder->id = holder->held > 0 ? frame_id(frame, frame->front.head) : 0;
    const uint32_t word = holder->held > 0 ? frame_word(frame, group->head) : 0;
    holder->state = word_state(word);
    holder->dead_full = is_kept_from_dying(frame, word);
    return frame_may_step_aside(frame, &holder->steps_aside);
}

/* The group's oldest message that it has not finished. False: CORRUPT. */
static bool oldest_of(verb_frame *frame, uint64_t *oldest_ms)
{
    const group_block *group = &frame->group;
    for (uint32_t entry = 0; entry < frame->front.aside_count; entry++) {
        message_place place;
        if (!place_aside(frame, entry, &place)) {
            return false;
        }
        if (!word_is_done(place_word(frame, &place))) {
            *oldest_ms = pushed_ms(frame, place_slot_offset(frame, &place));
            return true;
        }
    }
    *oldest_ms = group->head == frame->front.tail
                     ? 0
                     : pushed_ms(frame, slot_offset(frame->view, group->head));
    return true;
}

static void fill_stats(const verb_frame *frame, uint32_t group_index, slotq_stats *stats)
{
    const slotq_geometry *geometry = &frame->view->geometry;
    const group_block *group = &frame->group;
    const front_block *front = &frame->front;
    stats->last_id = front->last_id;
    stats->capacity = frame->slots - 1;
    stats->used = frame_used(frame);
    stats->group = group_index;
    stats->undelivered = ring_distance(group->cursor, front->tail, frame->slots);
    stats->ready = group->ready_behind + stats->undelivered;
    stats->leased = group->leased;
    stats->waiting = group->waiting;
    stats->unfinished = stats->ready + stats->leased + stats->waiting;
    stats->acked = group->acked;
    stats->redelivered = group->redelivered;
    stats->died = group->died;
    stats->next_due_ms = group->due == DUE_NONE ? 0 : group->due * geometry->tick_ms;
    stats->aside = front->aside_count;
    stats->aside_capacity = geometry->aside_slots;
    const uint64_t later_due_ms = load_u48(frame->view->bytes + AT_shared_later_due_ms);
    stats->later = load_u16(frame->view->bytes + AT_shared_later_count);
    stats->later_capacity = geometry->later_slots;
    stats->later_due_ms = later_due_ms == DUE_NONE ? 0 : later_due_ms;
    stats->dead = front->dead_count;
    stats->dead_capacity = geometry->dead_slots;
    stats->dropped = front->dropped;
    stats->dead_dropped = front->dead_dropped;
    stats->paused = (uint8_t)front->paused;
    stats->limits.max_leased = (uint16_t)frame->limit.max_leased;
    stats->limits.rate_burst = (uint16_t)frame->limit.rate_burst;
    stats->limits.rate_interval_us = front_interval_us(frame->limit.rate_interval);
}

slotq_outcome stats_step(verb_frame *frame)
{
    const slotq_view *view = frame->view;
    slotq_call *call = frame->call;
    slotq_stats *stats = &call->stats.stats;
    if (call->stats.group >= view->geometry.groups) {
        return SLOTQ_INVALID;
    }
    if (!frame_load(frame, call->stats.group) || !limit_load(frame)) {
        return SLOTQ_CORRUPT;
    }
    if (!oldest_of(frame, &stats->oldest_ms)) {
        return SLOTQ_CORRUPT;
    }
    fill_stats(frame, call->stats.group, stats);
    limit_set_back(frame); /* as the next reserve would; nothing is committed */
    stats->limited_until_ms = limit_room(frame, 1) > 0 ? 0 : limit_next_ms(frame);
    return find_holder(frame, &stats->holder) ? SLOTQ_OK : SLOTQ_CORRUPT;
}

/* The slot of a message aside; the first slot of the ring if there is none. */
static uint32_t slot_offset_aside(const slotq_view *view, uint64_t id)
{
    const uint32_t stored = view->bytes[AT_shared_aside_count];
    const uint32_t slots = view->geometry.aside_slots;
    const uint32_t count = stored < slots ? stored : slots;
    const uint32_t entry = aside_below(view, count, id);
    if (entry < count && aside_id(view, entry) == id && aside_slot(view, entry) < slots) {
        return aside_slot_offset(view, aside_slot(view, entry));
    }
    return view->ring_offset;
}

uint32_t slotq_core_slot_offset(const slotq_view *view, uint64_t id)
{
    const uint32_t slots = view->geometry.ring_slots;
    const uint32_t head = load_u16(view->bytes + AT_header_head);
    const uint32_t tail = load_u16(view->bytes + AT_header_tail);
    const uint32_t back = load_u32(view->bytes + AT_header_last_id) - (uint32_t)id + 1;
    if (head >= slots || tail >= slots || back > ring_distance(head, tail, slots)) {
        return slot_offset_aside(view, id);
    }
    return slot_offset(view, ring_back(tail, back, slots));
}
