/* dead.c: the verbs of the dead section: redrive, remove, purge, list (FORMAT.md, "Dead section").
 */
#include "../layout/assert.h"
#include "../layout/bytes.h"
#include "../layout/fields.h"
#include "../layout/ring.h"
#include "../layout/word.h"
#include "dead_span.h"
#include "keys.h"
#include "room.h"
#include "verbs.h"

/* Finish the new message in the groups in which the old one did not die. */
static bool skip_other_groups(verb_frame *frame, uint32_t died_in)
{
    for (uint32_t group = 0; group < frame->view->geometry.groups; group++) {
        if (!frame_load(frame, group)) {
            step_begin(frame->step);
            return false;
        }
        if (group != died_in) {
            frame->call->progress.other_done = 0;
            frame_finish(frame, frame->front.tail, 1, WORD_OTHER_GROUP);
            frame_patch_group(frame);
        }
        frame_note_group(frame);
    }
    frame_take_least_head(frame);
    return true;
}

/* A damaged message becomes the newest: those behind it can be redriven, and a record of this step
 * that is replayed finds its source untouched. In a full span the entry is there already. */
static slotq_outcome keep_damaged(verb_frame *frame)
{
    const slotq_view *view = frame->view;
    const uint32_t slots = view->geometry.dead_slots;
    const uint32_t oldest = dead_offset_at(view, &frame->front, 0);
    const uint32_t newest =
        dead_entry_offset(view, ring_add(frame->front.dead_head, dead_span(&frame->front), slots));
    if (newest != oldest) {
        step_patch_copy(frame->step, newest, oldest, dead_entry_bytes(view));
    }
    dead_take_out(frame, 0);
    frame->front.dead_count++;
    frame->call->dead.damaged++;
    return frame_commit(frame, SLOTQ_MORE);
}

/* Push the dead message at a position of the span again. */
static slotq_outcome redrive_one(verb_frame *frame, uint32_t position, uint32_t died_in)
{
    const slotq_view *view = frame->view;
    front_block *front = &frame->front;
    slotq_call_dead *dead = &frame->call->dead;
    const uint32_t entry = dead_offset_at(view, front, position);
    const uint32_t slot = slot_offset(view, front->tail);
    step_patch_copy(frame->step, slot, entry + dead_slot_in_entry(view), view->stride);
    frame_patch_stamp(frame, slot);
    if (!skip_other_groups(frame, died_in)) {
        return SLOTQ_CORRUPT;
    }
    dead_take_out(frame, position);
    dead->first_id = dead->count == 0 ? front->last_id + 1 : dead->first_id;
    dead->count++;
    return frame_commit_push(frame, 1, UINT32_C(1) << died_in, SLOTQ_MORE);
}

static bool id_fits(const slotq_view *view, const slotq_call_dead *dead)
{
    return dead->group < view->geometry.groups || dead->group == SLOTQ_ALL_GROUPS;
}

/* The place of the next message to look at: the oldest, or the next one with the id. */
static bool find_next(const verb_frame *frame, uint32_t *position)
{
    const slotq_call_dead *dead = &frame->call->dead;
    if (dead->count + dead->damaged >= frame->call->progress.message_index) {
        return false;
    }
    *position = 0;
    if (dead->id == 0) {
        return frame->front.dead_count > 0;
    }
    return dead_find(frame->view, &frame->front, dead->id, dead->group, dead->damaged, position);
}

/* The messages are redriven one per step; damaged ones with the id are passed without one. */
static slotq_outcome redrive_next(verb_frame *frame)
{
    const slotq_view *view = frame->view;
    const front_block *front = &frame->front;
    slotq_call_dead *dead = &frame->call->dead;
    uint32_t position;
    while (find_next(frame, &position)) {
        if (front->last_id == SLOTQ_ID_MAX) {
            return SLOTQ_FULL;
        }
        if (frame_used(frame) == frame->slots - 1) {
            const slotq_outcome made = room_make(frame);
            return made == SLOTQ_OK ? SLOTQ_FULL : made;
        }
        frame->call->progress.run_index = 0;
        const uint32_t entry = dead_offset_at(view, front, position);
        const uint32_t died_in = view->bytes[entry + AT_dead_group];
        slotq_slot content;
        if (died_in >= view->geometry.groups) {
            return frame_corrupt(frame, entry + AT_dead_group, "dead.group is not below groups");
        }
        if (slotq_core_slot(view, entry + dead_slot_in_entry(view), &content)) {
            const slotq_outcome cleared = keys_clear(frame, front->tail);
            return cleared == SLOTQ_OK ? redrive_one(frame, position, died_in) : cleared;
        }
        if (dead->id == 0) {
            return keep_damaged(frame);
        }
        dead->damaged++;
    }
    return dead->id != 0 && dead->count + dead->damaged == 0 ? SLOTQ_NOTFOUND : SLOTQ_OK;
}

slotq_outcome redrive_step(verb_frame *frame)
{
    const slotq_view *view = frame->view;
    slotq_call *call = frame->call;
    slotq_call_dead *dead = &call->dead;
    if (dead->limit < 1 || dead->limit > SLOTQ_CALL_MESSAGES_MAX ||
        (dead->id != 0 && !id_fits(view, dead))) {
        return SLOTQ_INVALID;
    }
    if (call->progress.phase == 0) {
        call->progress.phase = 1;
        dead->count = 0;
        dead->damaged = 0;
        dead->first_id = 0;
        const uint32_t there = frame->front.dead_count;
        call->progress.message_index = dead->limit < there ? dead->limit : there;
    }
    return frame->front.paused & SLOTQ_PAUSE_IN ? SLOTQ_PAUSED : redrive_next(frame);
}

slotq_outcome dead_remove_step(verb_frame *frame)
{
    const slotq_view *view = frame->view;
    slotq_call *call = frame->call;
    slotq_call_dead *dead = &call->dead;
    uint32_t position;
    if (dead->id == 0 || !id_fits(view, dead)) {
        return SLOTQ_INVALID;
    }
    if (call->progress.phase == 0) {
        call->progress.phase = 1;
        dead->count = 0;
    }
    if (frame->front.dead_count == 0 ||
        !dead_find(view, &frame->front, dead->id, dead->group, 0, &position)) {
        return dead->count > 0 ? SLOTQ_OK : SLOTQ_NOTFOUND;
    }
    dead_take_out(frame, position);
    dead->count++;
    return frame_commit(frame, SLOTQ_MORE);
}

slotq_outcome dead_purge_step(verb_frame *frame)
{
    slotq_call *call = frame->call;
    call->dead.count = frame->front.dead_count;
    if (dead_span(&frame->front) > 0) {
        frame->front.dead_head = 0;
        frame->front.dead_count = 0;
        frame->front.dead_holes = 0;
        frame->dead_changed = true;
    }
    return frame_commit(frame, SLOTQ_OK);
}

static void fill_item(const slotq_view *view, uint32_t offset, slotq_item *item)
{
    const uint8_t *bytes = view->bytes + offset;
    const uint8_t note_bytes = bytes[AT_dead_note_length];
    item->id = load_u48(bytes + AT_dead_id);
    item->due_ms = 0;
    item->died_at_ms = load_u48(bytes + AT_dead_died_at_ms);
    item->attempts = bytes[AT_dead_attempts];
    item->group = bytes[AT_dead_group];
    item->reason = bytes[AT_dead_reason];
    item->note_bytes =
        note_bytes < view->geometry.note_bytes ? note_bytes : view->geometry.note_bytes;
    item->state = SLOTQ_STATE_DONE;
    item->word = WORD_DEAD;
    item->slot_offset = offset + dead_slot_in_entry(view);
}

slotq_outcome dead_list_step(verb_frame *frame)
{
    const slotq_view *view = frame->view;
    slotq_call *call = frame->call;
    slotq_call_look *look = &call->look;
    if (look->capacity < 1 || look->capacity > SLOTQ_CALL_MESSAGES_MAX || look->items == NULL ||
        (look->id != 0 && look->group >= view->geometry.groups &&
         look->group != SLOTQ_ALL_GROUPS)) {
        return SLOTQ_INVALID;
    }
    look->count = 0;
    const front_block *front = &frame->front;
    /* messages to be passed: without holes the place of the first one is known */
    const bool is_known = look->id == 0 && front->dead_holes == 0;
    uint64_t passed = is_known ? look->from : 0;
    uint32_t position = passed < dead_span(front) ? (uint32_t)passed : dead_span(front);
    while (look->count < look->capacity &&
           dead_next(view, front, look->id, look->group, &position)) {
        if (passed++ >= look->from) {
            fill_item(view, dead_offset_at(view, front, position), &look->items[look->count++]);
        }
        position++;
    }
    return look->count > 0 ? SLOTQ_OK : SLOTQ_EMPTY;
}
