/* dead.c: the verbs of the dead section: redrive, purge, list (FORMAT.md, "Dead section").
 */
#include "../layout/assert.h"
#include "../layout/bytes.h"
#include "../layout/fields.h"
#include "../layout/ring.h"
#include "../layout/word.h"
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

static void patch_stamp(verb_frame *frame, uint32_t slot)
{
    if (frame->view->geometry.flags & SLOTQ_FLAG_STAMPS) {
        uint8_t *bytes = step_scratch(frame->step, STAMP_BYTES);
        store_u32(bytes, (uint32_t)frame_tick(frame));
        step_patch_scratch(frame->step, slot + LENGTH_BYTES, bytes, STAMP_BYTES);
    }
}

static void take_oldest(verb_frame *frame)
{
    const uint32_t slots = frame->view->geometry.dead_slots;
    frame->front.dead_head = ring_add(frame->front.dead_head, 1, slots);
    frame->front.dead_count--;
    frame->dead_changed = true;
}

/* A damaged message becomes the newest: those behind it can be redriven, and a record of this step
 * that is replayed finds its source untouched. In a full section the entry is there already. */
static slotq_outcome keep_damaged(verb_frame *frame)
{
    const slotq_view *view = frame->view;
    front_block *front = &frame->front;
    const uint32_t slots = view->geometry.dead_slots;
    const uint32_t newest = ring_add(front->dead_head, front->dead_count, slots);
    if (newest != front->dead_head) {
        step_patch_copy(frame->step, dead_entry_offset(view, newest),
                        dead_entry_offset(view, front->dead_head), DEAD_ENTRY_BYTES + view->stride);
    }
    front->dead_head = ring_add(front->dead_head, 1, slots);
    frame->dead_changed = true;
    frame->call->dead.damaged++;
    return frame_commit(frame, SLOTQ_MORE);
}

/* Push the oldest dead message again, unless it is damaged. */
static slotq_outcome redrive_one(verb_frame *frame)
{
    const slotq_view *view = frame->view;
    front_block *front = &frame->front;
    slotq_call_dead *dead = &frame->call->dead;
    const uint32_t entry = dead_entry_offset(view, front->dead_head);
    const uint32_t died_in = view->bytes[entry + AT_dead_group];
    if (died_in >= view->geometry.groups) {
        return frame_corrupt(frame, entry + AT_dead_group, "dead.group is not below groups");
    }
    slotq_slot content;
    if (!slotq_core_slot(view, entry + DEAD_ENTRY_BYTES, &content)) {
        return keep_damaged(frame);
    }
    const uint32_t slot = slot_offset(view, front->tail);
    step_patch_copy(frame->step, slot, entry + DEAD_ENTRY_BYTES, view->stride);
    patch_stamp(frame, slot);
    if (view->geometry.flags & SLOTQ_FLAG_KEYS) {
        step_patch_no_keys(frame->step, view, front->tail, 1);
    }
    if (!skip_other_groups(frame, died_in)) {
        return SLOTQ_CORRUPT;
    }
    take_oldest(frame);
    dead->first_id = dead->count == 0 ? front->last_id + 1 : dead->first_id;
    dead->count++;
    return frame_commit_push(frame, 1, SLOTQ_MORE);
}

slotq_outcome redrive_step(const slotq_view *view, slotq_call *call, slotq_step *step)
{
    slotq_call_dead *dead = &call->dead;
    verb_frame frame;
    if (!frame_begin(&frame, view, call, step)) {
        return SLOTQ_CORRUPT;
    }
    if (dead->limit < 1 || dead->limit > SLOTQ_CALL_MESSAGES_MAX) {
        return SLOTQ_INVALID;
    }
    if (call->progress.phase == 0) {
        call->progress.phase = 1;
        dead->count = 0;
        dead->damaged = 0;
        dead->first_id = 0;
        const uint32_t there = frame.front.dead_count;
        call->progress.message_index = dead->limit < there ? dead->limit : there;
    }
    if (frame.front.paused & SLOTQ_PAUSE_IN) {
        return SLOTQ_PAUSED;
    }
    const uint32_t to_look_at = call->progress.message_index;
    if (dead->count + dead->damaged >= to_look_at || frame.front.dead_count == 0) {
        return SLOTQ_OK;
    }
    const uint32_t used = ring_distance(frame.front.head, frame.front.tail, frame.slots);
    if (frame.front.last_id == SLOTQ_ID_MAX) {
        return SLOTQ_FULL;
    }
    if (used == frame.slots - 1) {
        const slotq_outcome made = room_make(&frame);
        return made == SLOTQ_OK ? SLOTQ_FULL : made;
    }
    call->progress.run_index = 0;
    return redrive_one(&frame);
}

slotq_outcome dead_purge_step(const slotq_view *view, slotq_call *call, slotq_step *step)
{
    verb_frame frame;
    if (!frame_begin(&frame, view, call, step)) {
        return SLOTQ_CORRUPT;
    }
    call->dead.count = frame.front.dead_count;
    if (frame.front.dead_count > 0) {
        frame.front.dead_head = 0;
        frame.front.dead_count = 0;
        frame.dead_changed = true;
    }
    return frame_commit(&frame, SLOTQ_OK);
}

slotq_outcome dead_list_step(const slotq_view *view, slotq_call *call, slotq_step *step)
{
    slotq_call_look *look = &call->look;
    verb_frame frame;
    if (!frame_begin(&frame, view, call, step)) {
        return SLOTQ_CORRUPT;
    }
    if (look->capacity < 1 || look->capacity > SLOTQ_CALL_MESSAGES_MAX || look->items == NULL) {
        return SLOTQ_INVALID;
    }
    look->count = 0;
    for (uint64_t i = look->from; i < frame.front.dead_count && look->count < look->capacity; i++) {
        const uint32_t entry =
            ring_add(frame.front.dead_head, (uint32_t)i, view->geometry.dead_slots);
        const uint32_t offset = dead_entry_offset(view, entry);
        const uint8_t *bytes = view->bytes + offset;
        slotq_item *item = &look->items[look->count++];
        item->id = load_u48(bytes + AT_dead_id);
        item->died_at_ms = load_u48(bytes + AT_dead_died_at_ms);
        item->attempts = bytes[AT_dead_attempts];
        item->group = bytes[AT_dead_group];
        item->reason = bytes[AT_dead_reason];
        item->state = SLOTQ_STATE_DONE;
        item->word = WORD_DEAD;
        item->slot_offset = offset + DEAD_ENTRY_BYTES;
    }
    return look->count > 0 ? SLOTQ_OK : SLOTQ_EMPTY;
}
