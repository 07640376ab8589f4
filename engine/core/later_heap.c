/* later_heap.c: an 8-ary heap in the later index, ordered by due time and later id; see
 * later_heap.h. An entry that moves is patched once, where it ends; the image is read as it was.
 */
#include "later_heap.h"

#include "../layout/assert.h"
#include "../layout/bytes.h"
#include "../layout/fields.h"
#include "wakes.h"

#ifndef SLOTQ_NO_LATER

enum {
    LATER_FIELDS_FROM = AT_shared_later_due_ms, /* later_due_ms to later_last_id, one patch */
    LATER_FIELDS_BYTES = AT_shared_dead_head - AT_shared_later_due_ms
};

static void heap_load_entry(const verb_frame *frame, uint32_t place, later_entry *entry)
{
    const uint8_t *bytes = frame->view->bytes + later_entry_offset(frame->view, place);
    entry->due_ms = load_u48(bytes + AT_later_due_ms);
    entry->later_id = load_u32(bytes + AT_later_later_id);
    entry->slot = load_u16(bytes + AT_later_slot) ^ place;
}

bool heap_load(verb_frame *frame, later_block *later)
{
    const uint8_t *bytes = frame->view->bytes;
    later_entry root;
    later->due_ms = load_u48(bytes + AT_shared_later_due_ms);
    later->count = load_u16(bytes + AT_shared_later_count);
    later->last_id = load_u32(bytes + AT_shared_later_last_id);
    if (later->count > frame->view->geometry.later_slots) {
        frame_corrupt(frame, AT_shared_later_count, "later_count is above later_slots");
        return false;
    }
    root.due_ms = DUE_NONE;
    if (later->count > 0) {
        heap_load_entry(frame, 0, &root);
    }
    if (later->due_ms != root.due_ms) {
        frame_corrupt(frame, AT_shared_later_due_ms, "later_due_ms is not the heap root's");
        return false;
    }
    return true;
}

bool heap_read(verb_frame *frame, uint32_t place, later_entry *entry)
{
    SLOTQ_ASSERT(place < frame->view->geometry.later_slots);
    const uint32_t offset = later_entry_offset(frame->view, place);
    heap_load_entry(frame, place, entry);
    if (entry->due_ms > SLOTQ_NOW_MS_MAX) {
        frame_corrupt(frame, offset + AT_later_due_ms, "later.due_ms is past 2^47 - 1");
        return false;
    }
    if (entry->later_id == 0) {
        frame_corrupt(frame, offset + AT_later_later_id, "later.later_id is 0");
        return false;
    }
    return true;
}

bool heap_slot_fits(verb_frame *frame, uint32_t place, const later_entry *entry)
{
    if (entry->slot >= frame->view->geometry.later_slots) {
        frame_corrupt(frame, later_entry_offset(frame->view, place) + AT_later_slot,
                      "a later slot number is not below later_slots");
        return false;
    }
    return true;
}

bool heap_free_slot(verb_frame *frame, const later_block *later, uint32_t *slot)
{
    SLOTQ_ASSERT(later->count < frame->view->geometry.later_slots);
    later_entry entry;
    heap_load_entry(frame, later->count, &entry);
    if (entry.later_id != 0) {
        frame_corrupt(frame, later_entry_offset(frame->view, later->count) + AT_later_later_id,
                      "later.later_id of a free entry is not 0");
        return false;
    }
    *slot = entry.slot;
    return heap_slot_fits(frame, later->count, &entry);
}

/* ---- moves ---- */

static bool heap_before(const later_entry *a, const later_entry *b)
{
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->later_id < b->later_id;
}

static void heap_patch_entry(verb_frame *frame, uint32_t place, const later_entry *entry)
{
    uint8_t *bytes = step_scratch(frame->step, LATER_ENTRY_BYTES);
    store_u48(bytes + AT_later_due_ms, entry->due_ms);
    store_u32(bytes + AT_later_later_id, entry->later_id);
    store_u16(bytes + AT_later_slot, (uint16_t)(entry->slot ^ place));
    step_patch_scratch(frame->step, later_entry_offset(frame->view, place), bytes,
                       LATER_ENTRY_BYTES);
}

/* An entry in use is at this place now. */
static void heap_set_entry(verb_frame *frame, later_block *later, uint32_t place,
                           const later_entry *entry)
{
    heap_patch_entry(frame, place, entry);
    if (place == 0) {
        later->due_ms = entry->due_ms;
    }
}

/* From a place that is free, the parents that come after the entry move down. */
static bool heap_rise(verb_frame *frame, later_block *later, uint32_t *place,
                      const later_entry *entry)
{
    while (*place > 0) {
        const uint32_t above = (*place - 1) / HEAP_CHILDREN;
        later_entry parent;
        if (!heap_read(frame, above, &parent)) {
            return false;
        }
        if (!heap_before(entry, &parent)) {
            break;
        }
        heap_set_entry(frame, later, *place, &parent);
        *place = above;
    }
    return true;
}

/* The first child that comes before the entry; `place` itself if none does. */
static bool heap_first_child(verb_frame *frame, const later_block *later, uint32_t place,
                             const later_entry *entry, later_entry *first, uint32_t *at)
{
    uint32_t child = place * HEAP_CHILDREN + 1; /* below 2^19 + 2: no wrap */
    const uint32_t end =
        child + HEAP_CHILDREN < later->count ? child + HEAP_CHILDREN : later->count;
    *at = place;
    *first = *entry;
    for (; child < end; child++) {
        later_entry other;
        if (!heap_read(frame, child, &other)) {
            return false;
        }
        if (heap_before(&other, first)) {
            *first = other;
            *at = child;
        }
    }
    return true;
}

/* From a place that is free, the children that come before the entry move up. */
static bool heap_sink(verb_frame *frame, later_block *later, uint32_t *place,
                      const later_entry *entry)
{
    for (;;) {
        later_entry child;
        uint32_t at;
        if (!heap_first_child(frame, later, *place, entry, &child, &at)) {
            return false;
        }
        if (at == *place) {
            return true;
        }
        heap_set_entry(frame, later, *place, &child);
        *place = at;
    }
}

/* The entry comes to a place that is free, and from there to where it belongs. */
static bool heap_settle(verb_frame *frame, later_block *later, uint32_t place,
                        const later_entry *entry, bool may_sink)
{
    const uint32_t from = place;
    if (!heap_rise(frame, later, &place, entry) ||
        (may_sink && place == from && !heap_sink(frame, later, &place, entry))) {
        return false;
    }
    heap_set_entry(frame, later, place, entry);
    return true;
}

static void heap_patch_fields(verb_frame *frame, const later_block *later)
{
    uint8_t *bytes = step_scratch(frame->step, LATER_FIELDS_BYTES);
    const uint64_t before = load_u48(frame->view->bytes + AT_shared_later_due_ms);
    store_u48(bytes, later->due_ms);
    store_u16(bytes + AT_shared_later_count - LATER_FIELDS_FROM, (uint16_t)later->count);
    store_u32(bytes + AT_shared_later_last_id - LATER_FIELDS_FROM, later->last_id);
    step_patch_scratch(frame->step, LATER_FIELDS_FROM, bytes, LATER_FIELDS_BYTES);
    frame->step->needs_journal = true;
    /* a caller that sleeps until the time that it was told must look earlier */
    if (later->due_ms < before) {
        wakes_deliver(frame, wakes_all_groups(frame->view), 1);
    }
}

bool heap_put(verb_frame *frame, later_block *later, const later_entry *entry)
{
    uint32_t place = later->count;
    later->count++;
    later->last_id = entry->later_id;
    return heap_hasten(frame, later, place, entry);
}

bool heap_hasten(verb_frame *frame, later_block *later, uint32_t place, const later_entry *entry)
{
    if (!heap_settle(frame, later, place, entry, false)) {
        return false;
    }
    heap_patch_fields(frame, later);
    return true;
}

bool heap_take(verb_frame *frame, later_block *later, uint32_t place, const later_entry *entry)
{
    const uint32_t last = --later->count;
    const later_entry hole = {.due_ms = 0, .later_id = 0, .slot = entry->slot};
    if (last == 0) {
        later->due_ms = DUE_NONE;
    }
    later_entry moved;
    if (place < last &&
        (!heap_read(frame, last, &moved) || !heap_settle(frame, later, place, &moved, true))) {
        return false;
    }
    heap_patch_entry(frame, last, &hole);
    heap_patch_fields(frame, later);
    return true;
}

#endif
