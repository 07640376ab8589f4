/* bury.c: copies a message that dies to the dead section; see bury.h.
 */
#include "bury.h"

#include "../layout/assert.h"
#include "../layout/bytes.h"
#include "../layout/fields.h"
#include "../layout/memory.h"
#include "dead_span.h"

bool bury_noted(verb_frame *frame, const message_place *place, const bury_death *death)
{
    const slotq_view *view = frame->view;
    if (view->geometry.dead_slots == 0) {
        frame->front.dead_dropped++;
        frame->dead_changed = true;
    } else {
        uint32_t offset;
        if (!dead_place(frame, &offset)) {
            return false;
        }
        const uint32_t room = view->geometry.note_bytes;
        const uint32_t note_bytes = death->note_bytes < room ? death->note_bytes : room;
        uint8_t *bytes = step_scratch(frame->step, DEAD_ENTRY_BYTES + note_bytes);
        store_u48(bytes + AT_dead_id, place->id);
        store_u48(bytes + AT_dead_died_at_ms, frame->call->now_ms);
        bytes[AT_dead_attempts] = (uint8_t)death->attempts;
        bytes[AT_dead_group] = (uint8_t)frame->group_index;
        bytes[AT_dead_reason] = death->reason;
        bytes[AT_dead_note_length] = (uint8_t)note_bytes;
        if (note_bytes > 0) {
            memcpy(bytes + DEAD_ENTRY_BYTES, death->note, note_bytes);
        }
        step_patch_scratch(frame->step, offset, bytes, DEAD_ENTRY_BYTES + note_bytes);
        step_patch_copy(frame->step, offset + dead_slot_in_entry(view),
                        place_slot_offset(frame, place), view->stride);
    }
    frame->group.died++;
    frame->group_changed = true;
    return true;
}

bool bury(verb_frame *frame, const message_place *place, uint32_t attempts, uint8_t reason)
{
    const bury_death death = {.attempts = attempts, .reason = reason};
    return bury_noted(frame, place, &death);
}
