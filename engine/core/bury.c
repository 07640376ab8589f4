/* bury.c: copies a message that dies to the dead section; see bury.h.
 */
#include "bury.h"

#include "../layout/assert.h"
#include "../layout/bytes.h"
#include "../layout/fields.h"
#include "../layout/ring.h"

bool bury(verb_frame *frame, const message_place *place, uint32_t attempts, uint8_t reason)
{
    const slotq_view *view = frame->view;
    const uint32_t dead_slots = view->geometry.dead_slots;
    front_block *front = &frame->front;
    SLOTQ_ASSERT(front->dead_count <= dead_slots);
    if (dead_slots == 0) {
        front->dead_dropped++;
    } else {
        if (front->dead_count == dead_slots) {
            if (!(view->geometry.flags & SLOTQ_FLAG_DEAD_OVERWRITE)) {
                return false;
            }
            front->dead_head = ring_add(front->dead_head, 1, dead_slots);
            front->dead_count--;
            front->dead_dropped++;
        }
        const uint32_t entry = ring_add(front->dead_head, front->dead_count, dead_slots);
        const uint32_t offset = dead_entry_offset(view, entry);
        uint8_t *bytes = step_scratch(frame->step, DEAD_ENTRY_BYTES);
        store_u48(bytes + AT_dead_id, place->id);
        store_u48(bytes + AT_dead_died_at_ms, frame->call->now_ms);
        bytes[AT_dead_attempts] = (uint8_t)attempts;
        bytes[AT_dead_group] = (uint8_t)frame->group_index;
        bytes[AT_dead_reason] = reason;
        bytes[AT_dead_reserved_15] = 0;
        step_patch_scratch(frame->step, offset, bytes, DEAD_ENTRY_BYTES);
        step_patch_copy(frame->step, offset + DEAD_ENTRY_BYTES, place_slot_offset(frame, place),
                        view->stride);
        front->dead_count++;
    }
    frame->dead_changed = true;
    frame->group.died++;
    frame->group_changed = true;
    return true;
}
