/* check_later.c: checks the later section: the order of the heap, that each slot number occurs
 * once, and the slots of scheduled messages (FORMAT.md, "Later").
 */
#include "bytes.h"
#include "check.h"
#include "fields.h"
#include "memory.h"

enum {
    SEEN_BYTES = 512, /* slot numbers checked per pass, so that the scratch does not grow with R */
    SEEN_BITS = SEEN_BYTES * 8
};

/* The slot number of an entry; stored XOR its index, so that zeros are a fresh section. */
static uint32_t later_slot(const slotq_view *view, uint32_t index)
{
    return load_u16(view->bytes + later_entry_offset(view, index) + AT_later_slot) ^ index;
}

/* a comes before b in the heap's order, or is equal. */
static bool in_order(const uint8_t *a, const uint8_t *b)
{
    const uint64_t due_a = load_u48(a + AT_later_due_ms);
    const uint64_t due_b = load_u48(b + AT_later_due_ms);
    return due_a != due_b ? due_a < due_b
                          : load_u32(a + AT_later_later_id) <= load_u32(b + AT_later_later_id);
}

/* An entry of the heap. */
static bool check_heap_entry(const slotq_view *view, uint32_t index, slotq_damage *damage)
{
    const uint32_t offset = later_entry_offset(view, index);
    const uint8_t *entry = view->bytes + offset;
    if (load_u48(entry + AT_later_due_ms) > SLOTQ_NOW_MS_MAX) {
        return damage_found(damage, offset + AT_later_due_ms, "later.due_ms is past 2^47 - 1");
    }
    if (load_u32(entry + AT_later_later_id) == 0) {
        return damage_found(damage, offset + AT_later_later_id, "later.later_id is 0");
    }
    if (index > 0 &&
        !in_order(view->bytes + later_entry_offset(view, (index - 1) / HEAP_CHILDREN), entry)) {
        return damage_found(damage, offset + AT_later_due_ms,
                            "a later entry is due before its parent");
    }
    return true;
}

/* An entry behind the heap: it holds a free slot number and nothing else. */
static bool check_free_entry(const slotq_view *view, uint32_t index, slotq_damage *damage)
{
    const uint32_t offset = later_entry_offset(view, index);
    if (load_u48(view->bytes + offset + AT_later_due_ms) != 0) {
        return damage_found(damage, offset + AT_later_due_ms,
                            "later.due_ms of a free entry is not 0");
    }
    if (load_u32(view->bytes + offset + AT_later_later_id) != 0) {
        return damage_found(damage, offset + AT_later_later_id,
                            "later.later_id of a free entry is not 0");
    }
    return true;
}

/* Slot numbers from `from` to from + SEEN_BITS - 1: none occurs twice. All are below later_slots,
 * so each occurs once if none occurs twice. */
static bool check_slots_once(const slotq_view *view, uint32_t from, slotq_damage *damage)
{
    uint8_t seen[SEEN_BYTES];
    memset(seen, 0, sizeof seen);
    for (uint32_t i = 0; i < view->geometry.later_slots; i++) {
        const uint32_t number = later_slot(view, i) - from; /* below from: a very large number */
        if (number >= SEEN_BITS) {
            continue;
        }
        const uint8_t bit = (uint8_t)(1u << number % 8);
        if (seen[number / 8] & bit) {
            return damage_found(damage, later_entry_offset(view, i) + AT_later_slot,
                                "a later slot number is there twice");
        }
        seen[number / 8] |= bit;
    }
    return true;
}

static bool check_index(const slotq_view *view, uint32_t count, slotq_damage *damage)
{
    const uint32_t slots = view->geometry.later_slots;
    for (uint32_t i = 0; i < slots; i++) {
        if (i < count ? !check_heap_entry(view, i, damage) : !check_free_entry(view, i, damage)) {
            return false;
        }
        const uint32_t slot = later_slot(view, i);
        if (slot >= slots) {
            return damage_found(damage, later_entry_offset(view, i) + AT_later_slot,
                                "a later slot number is not below later_slots");
        }
        if (i < count && !check_slot(view, later_slot_offset(view, slot), damage)) {
            return false;
        }
    }
    for (uint32_t from = 0; from < slots; from += SEEN_BITS) {
        if (!check_slots_once(view, from, damage)) {
            return false;
        }
    }
    return true;
}

bool check_later(const slotq_view *view, slotq_damage *damage)
{
    const uint32_t count = load_u16(view->bytes + AT_shared_later_count);
    if (count > view->geometry.later_slots) {
        return damage_found(damage, AT_shared_later_count, "later_count is above later_slots");
    }
    const uint64_t due_ms =
        count > 0 ? load_u48(view->bytes + later_entry_offset(view, 0) + AT_later_due_ms)
                  : DUE_NONE;
    if (load_u48(view->bytes + AT_shared_later_due_ms) != due_ms) {
        return damage_found(damage, AT_shared_later_due_ms,
                            count > 0 ? "later_due_ms is not the heap root's"
                                      : "later_due_ms is set, but nothing is scheduled");
    }
    return check_index(view, count, damage);
}
