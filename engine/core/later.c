/* later.c: the verbs of scheduled messages: schedule, cancel, list; and promotion (FORMAT.md,
 * "Promotion", "schedule").
 */
#include "later.h"

#include "../layout/assert.h"
#include "../layout/bytes.h"
#include "../layout/fields.h"
#include "../layout/memory.h"
#include "../layout/ring.h"
#include "keys.h"
#include "later_heap.h"
#include "limits.h"
#include "room.h"
#include "verbs.h"
#include "wakes.h"

#ifndef SLOTQ_NO_LATER

enum {
    BLOCK_IDS = 65536,       /* later ids of a block */
    BLOCKS_SEEN_BYTES = 256, /* a bit for each of the blocks that a pass looks for */
    BLOCKS_SEEN = BLOCKS_SEEN_BYTES * 8
};

/* The end of a step that changed the heap, unless that found it damaged. */
static slotq_outcome later_commit(verb_frame *frame, bool is_sound, slotq_outcome outcome)
{
    return is_sound ? frame_commit(frame, outcome) : SLOTQ_CORRUPT;
}

/* ---- schedule ---- */

/* The number of blocks from `from` on in which a scheduled message has its id, in a row, up to
 * BLOCKS_SEEN. False: CORRUPT. */
static bool taken_blocks(verb_frame *frame, const later_block *later, uint32_t from,
                         uint32_t *taken)
{
    uint8_t seen[BLOCKS_SEEN_BYTES];
    memset(seen, 0, sizeof seen);
    for (uint32_t place = 0; place < later->count; place++) {
        later_entry entry;
        if (!heap_read(frame, place, &entry)) {
            return false;
        }
        const uint32_t block = (entry.later_id / BLOCK_IDS - from) % BLOCK_IDS;
        if (block < BLOCKS_SEEN) {
            seen[block / 8] |= (uint8_t)(1u << block % 8);
        }
    }
    for (*taken = 0; *taken < BLOCKS_SEEN && (seen[*taken / 8] >> *taken % 8 & 1); (*taken)++) {
    }
    return true;
}

/* The first of count later ids that follow each other, none of which is in use. False: CORRUPT. */
static bool new_later_ids(verb_frame *frame, const later_block *later, uint32_t count,
                          uint32_t *first)
{
    if (later->last_id % BLOCK_IDS + count < BLOCK_IDS) {
        *first = later->last_id + 1;
        return true;
    }
    uint32_t block = later->last_id / BLOCK_IDS + 1;
    uint32_t taken;
    do { /* ends: there are more blocks than entries */
        if (!taken_blocks(frame, later, block, &taken)) {
            return false;
        }
        block += taken;
    } while (taken == BLOCKS_SEEN);
    *first = block * BLOCK_IDS; /* modulo 2^32: block 0 follows the last */
    *first += *first == 0 ? 1 : 0;
    return true;
}

static slotq_outcome schedule_one(verb_frame *frame, later_block *later)
{
    const slotq_view *view = frame->view;
    slotq_call_schedule *schedule = &frame->call->schedule;
    uint32_t *done = &frame->call->progress.message_index;
    later_entry entry = {.due_ms = schedule->due_ms};
    const uint64_t key = schedule->keys == NULL ? 0 : schedule->keys[*done];
    const slotq_outcome forgotten = key == 0 ? SLOTQ_OK : keys_forget(frame, key);
    if (forgotten != SLOTQ_OK) {
        return forgotten;
    }
    uint32_t first = (uint32_t)schedule->first_later_id;
    if ((*done == 0 && !new_later_ids(frame, later, schedule->count, &first)) ||
        !heap_free_slot(frame, later, &entry.slot)) {
        return SLOTQ_CORRUPT;
    }
    schedule->first_later_id = first;
    entry.later_id = first + *done;
    frame->step->messages = schedule->messages;
    frame->step->stamp = (uint32_t)frame_tick(frame);
    step_add(frame->step, SLOTQ_PATCH_SLOTS, later_slot_offset(view, entry.slot), view->stride,
             *done);
    if (key != 0) {
        keys_put_in_later(frame, key, entry.slot, entry.later_id);
    }
    (*done)++;
    return later_commit(frame, heap_put(frame, later, &entry),
                        *done == schedule->count ? SLOTQ_OK : SLOTQ_MORE);
}

slotq_outcome schedule_step(verb_frame *frame)
{
    const slotq_view *view = frame->view;
    slotq_call *call = frame->call;
    slotq_call_schedule *schedule = &call->schedule;
    const uint32_t done = call->progress.message_index;
    later_block later;
    push_size size;
    if (schedule->due_ms > SLOTQ_NOW_MS_MAX) {
        return SLOTQ_INVALID;
    }
    const key_call keys = {schedule->keys, schedule->count, schedule->key_mode};
    if (call->progress.phase == 0) { /* all messages, once */
        const push_limit limit =
            schedule_judge(&view->geometry, schedule->messages, schedule->count, &size);
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
    if (schedule->not_past && schedule->due_ms <= call->now_ms) {
        return SLOTQ_EMPTY;
    }
    if (!heap_load(frame, &later)) {
        return SLOTQ_CORRUPT;
    }
    if (call->progress.phase == 0) {
        call->progress.phase = 1;
        const slotq_outcome judged = keys_judge(frame, &keys, &schedule->taken);
        if (judged != SLOTQ_OK) {
            return judged;
        }
    }
    return schedule->count - done > view->geometry.later_slots - later.count
               ? SLOTQ_FULL
               : schedule_one(frame, &later);
}

/* ---- cancel, kick, list ---- */

/* The place of a later id in the heap. OK, NOTFOUND, CORRUPT. */
static slotq_outcome later_find(verb_frame *frame, later_block *later, uint64_t later_id,
                                uint32_t *place, later_entry *entry)
{
    if (!heap_load(frame, later)) {
        return SLOTQ_CORRUPT;
    }
    for (*place = 0; *place < later->count; (*place)++) {
        if (!heap_read(frame, *place, entry)) {
            return SLOTQ_CORRUPT;
        }
        if (entry->later_id == later_id) {
            return SLOTQ_OK;
        }
    }
    return SLOTQ_NOTFOUND;
}

/* False: CORRUPT. */
static bool take_later_key(verb_frame *frame, uint32_t place, const later_entry *entry)
{
    return !keys_are_used(frame->view) ||
           (heap_slot_fits(frame, place, entry) &&
            keys_take_out(frame, key_holder_later(frame->view, entry->slot)));
}

slotq_outcome cancel_step(verb_frame *frame)
{
    slotq_call *call = frame->call;
    later_block later;
    later_entry entry;
    uint32_t place;
    if (call->cancel.later_id == 0) {
        return SLOTQ_INVALID;
    }
    const slotq_outcome found = later_find(frame, &later, call->cancel.later_id, &place, &entry);
    if (found != SLOTQ_OK) {
        return found;
    }
    return later_commit(
        frame, take_later_key(frame, place, &entry) && heap_take(frame, &later, place, &entry),
        SLOTQ_OK);
}

slotq_outcome later_kick(verb_frame *frame, uint64_t later_id)
{
    const uint64_t now_ms = frame->call->now_ms;
    later_block later;
    later_entry entry;
    uint32_t place;
    const slotq_outcome found = later_find(frame, &later, later_id, &place, &entry);
    if (found != SLOTQ_OK || entry.due_ms <= now_ms) {
        return found;
    }
    entry.due_ms = now_ms;
    return later_commit(frame, heap_hasten(frame, &later, place, &entry), SLOTQ_OK);
}

slotq_outcome later_list_step(verb_frame *frame)
{
    const slotq_view *view = frame->view;
    slotq_call *call = frame->call;
    slotq_call_look *look = &call->look;
    later_block later;
    if (look->capacity < 1 || look->capacity > SLOTQ_CALL_MESSAGES_MAX || look->items == NULL) {
        return SLOTQ_INVALID;
    }
    look->count = 0;
    if (!heap_load(frame, &later)) {
        return SLOTQ_CORRUPT;
    }
    for (uint64_t place = look->from; place < later.count && look->count < look->capacity;
         place++) {
        later_entry entry;
        if (!heap_read(frame, (uint32_t)place, &entry) ||
            !heap_slot_fits(frame, (uint32_t)place, &entry)) {
            return SLOTQ_CORRUPT;
        }
        look->items[look->count++] =
            (slotq_item){.id = entry.later_id,
                         .due_ms = entry.due_ms,
                         .slot_offset = later_slot_offset(view, entry.slot)};
    }
    return look->count > 0 ? SLOTQ_OK : SLOTQ_EMPTY;
}

/* ---- promotion ---- */

static slotq_outcome promote_root(verb_frame *frame)
{
    const slotq_view *view = frame->view;
    const uint32_t tail = frame->front.tail;
    later_block later;
    later_entry root;
    if (!heap_load(frame, &later) || !heap_read(frame, 0, &root) ||
        !heap_slot_fits(frame, 0, &root)) {
        return SLOTQ_CORRUPT;
    }
    step_patch_copy(frame->step, slot_offset(view, tail), later_slot_offset(view, root.slot),
                    view->stride);
    frame_patch_stamp(frame, slot_offset(view, tail));
    if (!keys_hand_over(frame, key_holder_later(view, root.slot), tail, 0) ||
        !heap_take(frame, &later, 0, &root)) {
        return SLOTQ_CORRUPT;
    }
    return frame_commit_push(frame, 1, wakes_all_groups(view), SLOTQ_MORE);
}

/* A scheduled message is due, and may become one of the ring if that has room. */
static bool later_is_due(const verb_frame *frame)
{
    return load_u48(frame->view->bytes + AT_shared_later_due_ms) <= frame->call->now_ms &&
           !(frame->front.paused & SLOTQ_PAUSE_IN) && frame->front.last_id != SLOTQ_ID_MAX;
}

bool later_waits_for_call(const verb_frame *frame)
{
    return later_is_due(frame) && frame_used(frame) < frame->slots - 1;
}

slotq_outcome later_promote(verb_frame *frame)
{
    slotq_progress *progress = &frame->call->progress;
    if (!later_is_due(frame) || progress->promoted == PROMOTIONS_MAX) {
        return SLOTQ_OK;
    }
    if (frame_used(frame) == frame->slots - 1) {
        return room_make_or_drop(frame, 1);
    }
    const slotq_outcome cleared = keys_clear(frame, frame->front.tail);
    if (cleared != SLOTQ_OK) {
        return cleared;
    }
    progress->run_index = 0; /* of the groups whose heads move */
    progress->promoted++;
    return promote_root(frame);
}

uint64_t later_next_ms(const verb_frame *frame)
{
    const uint64_t due_ms = load_u48(frame->view->bytes + AT_shared_later_due_ms);
    const bool comes = due_ms != DUE_NONE && due_ms > frame->call->now_ms &&
                       !(frame->front.paused & SLOTQ_PAUSE_IN);
    return comes ? due_ms : UINT64_MAX;
}

#else

slotq_outcome schedule_step(verb_frame *frame)
{
    (void)frame;
    return SLOTQ_UNSUPPORTED;
}

slotq_outcome cancel_step(verb_frame *frame)
{
    (void)frame;
    return SLOTQ_UNSUPPORTED;
}

slotq_outcome later_list_step(verb_frame *frame)
{
    (void)frame;
    return SLOTQ_UNSUPPORTED;
}

#endif
