/* dead_span.c: see dead_span.h. Walks are bounded by dead_slots, and read one id per entry.
 */
#include "dead_span.h"

#include "../layout/assert.h"
#include "../layout/bytes.h"
#include "../layout/fields.h"
#include "../layout/ring.h"

uint32_t dead_offset_at(const slotq_view *view, const front_block *front, uint32_t position)
{
    const uint32_t slots = view->geometry.dead_slots;
    SLOTQ_ASSERT(position < slots);
    return dead_entry_offset(view, ring_add(front->dead_head, position, slots));
}

static uint64_t id_at(const slotq_view *view, const front_block *front, uint32_t position)
{
    return load_u48(view->bytes + dead_offset_at(view, front, position) + AT_dead_id);
}

bool dead_next(const slotq_view *view, const front_block *front, uint64_t id, uint32_t group,
               uint32_t *position)
{
    for (; *position < dead_span(front); (*position)++) {
        const uint8_t *entry = view->bytes + dead_offset_at(view, front, *position);
        const uint64_t here = load_u48(entry + AT_dead_id);
        const bool is_of_group = group == SLOTQ_ALL_GROUPS || entry[AT_dead_group] == group;
        if (id == 0 ? here != 0 : here == id && is_of_group) {
            return true;
        }
    }
    return false;
}

bool dead_find(const slotq_view *view, const front_block *front, uint64_t id, uint32_t group,
               uint32_t skip, uint32_t *position)
{
    *position = 0;
    while (dead_next(view, front, id, group, position)) {
        if (skip-- == 0) {
            return true;
        }
        (*position)++;
    }
    return false;
}

/* The hole nearest the end of the span that this step has not filled yet. False: there is none,
 * though dead_holes counts it. */
static bool fill_hole(verb_frame *frame, uint32_t *offset)
{
    const front_block *front = &frame->front;
    while (frame->dead_unfilled > 0) {
        frame->dead_unfilled--;
        if (id_at(frame->view, front, frame->dead_unfilled) == 0) {
            *offset = dead_offset_at(frame->view, front, frame->dead_unfilled);
            return true;
        }
    }
    return false;
}

bool dead_place(verb_frame *frame, uint32_t *offset)
{
    front_block *front = &frame->front;
    const uint32_t slots = frame->view->geometry.dead_slots;
    SLOTQ_ASSERT(dead_span(front) <= slots);
    if (dead_span(front) < slots) {
        *offset = dead_offset_at(frame->view, front, dead_span(front));
    } else if (front->dead_holes > 0 && fill_hole(frame, offset)) {
        front->dead_holes--;
    } else if (frame->view->geometry.flags & SLOTQ_FLAG_DEAD_OVERWRITE) {
        *offset = dead_offset_at(frame->view, front, 0);
        front->dead_head = ring_add(front->dead_head, 1, slots);
        front->dead_count--;
        front->dead_dropped++;
    } else {
        return false;
    }
    front->dead_count++;
    frame->dead_changed = true;
    return true;
}

void dead_take_out(verb_frame *frame, uint32_t position)
{
    const slotq_view *view = frame->view;
    front_block *front = &frame->front;
    const uint32_t slots = view->geometry.dead_slots;
    const uint32_t last = dead_span(front) - 1;
    SLOTQ_ASSERT(front->dead_count > 0);
    SLOTQ_ASSERT(position <= last);
    frame->dead_changed = true;
    front->dead_count--;
    if (position == 0) {
        front->dead_head = ring_add(front->dead_head, 1, slots);
        while (front->dead_holes > 0 && id_at(view, front, 0) == 0) {
            front->dead_head = ring_add(front->dead_head, 1, slots);
            front->dead_holes--;
        }
    } else if (position == last) {
        /* the first entry of a sound span is a message: the walk ends there in any case */
        while (front->dead_holes > 0 && --position > 0 && id_at(view, front, position) == 0) {
            front->dead_holes--;
        }
    } else {
        const uint32_t at = dead_offset_at(view, front, position) + AT_dead_id;
        uint8_t *id = step_scratch(frame->step, BYTES_dead_id);
        store_u48(id, 0);
        step_patch_scratch(frame->step, at, id, BYTES_dead_id);
        front->dead_holes++;
    }
}
