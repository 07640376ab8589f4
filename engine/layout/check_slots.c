/* check_slots.c: checks the slots that a verb may still read, in the ring and in the dead
 * section. All other slots may hold any bytes (FORMAT.md, "Undefined bytes").
 */
#include "bytes.h"
#include "check.h"
#include "fields.h"
#include "ring.h"
#include "word.h"

bool check_slot(const slotq_view *view, uint32_t offset, slotq_damage *damage)
{
    slotq_slot slot;
    if (slotq_core_slot(view, offset, &slot)) {
        return true;
    }
    if (slot.payload_bytes > view->geometry.payload_bytes) {
        return damage_found(damage, offset, "a slot's length is above payload_bytes");
    }
    const uint32_t stamp = view->geometry.flags & SLOTQ_FLAG_STAMPS ? STAMP_BYTES : 0;
    return damage_found(damage, offset + LENGTH_BYTES + stamp,
                        "a slot's check is not that of its payload");
}

/* Some group has not finished the message at a ring index of the window. */
static bool is_unfinished(const slotq_view *view, const front_block *front, uint32_t index)
{
    const uint32_t slots = view->geometry.ring_slots;
    for (uint32_t group = 0; group < view->geometry.groups; group++) {
        const uint8_t *block = view->bytes + group_offset(group);
        const uint32_t position = ring_distance(front->head, index, slots);
        const uint32_t head = load_u16(block + AT_group_head);
        const uint32_t written = load_u16(block + AT_group_written);
        if (position < ring_distance(front->head, head, slots)) {
            continue;
        }
        if (position >= ring_distance(front->head, written, slots) ||
            !word_is_done(load_u32(view->bytes + word_offset(view, group, index)))) {
            return true;
        }
    }
    return false;
}

bool check_ring(const slotq_view *view, const front_block *front, slotq_damage *damage)
{
    const uint32_t slots = view->geometry.ring_slots;
    for (uint32_t index = front->head; index != front->tail; index = ring_add(index, 1, slots)) {
        if (is_unfinished(view, front, index) &&
            !check_slot(view, slot_offset(view, index), damage)) {
            return false;
        }
    }
    return true;
}

/* The fields of a dead entry. */
static bool check_dead_entry(const slotq_view *view, const front_block *front, uint32_t offset,
                             slotq_damage *damage)
{
    const uint8_t *entry = view->bytes + offset;
    if (load_u48(entry + AT_dead_id) > front->last_id) {
        return damage_found(damage, offset + AT_dead_id, "dead.id was never issued");
    }
    if (load_u48(entry + AT_dead_died_at_ms) > SLOTQ_NOW_MS_MAX) {
        return damage_found(damage, offset + AT_dead_died_at_ms,
                            "dead.died_at_ms is past 2^47 - 1");
    }
    if (entry[AT_dead_attempts] < 1 || entry[AT_dead_attempts] > WORD_ATTEMPTS_MAX) {
        return damage_found(damage, offset + AT_dead_attempts, "dead.attempts is not 1 to 63");
    }
    if (entry[AT_dead_group] >= view->geometry.groups) {
        return damage_found(damage, offset + AT_dead_group, "dead.group is not below groups");
    }
    if (entry[AT_dead_note_length] > view->geometry.note_bytes) {
        return damage_found(damage, offset + AT_dead_note_length,
                            "dead.note_length is above note_bytes");
    }
    /* a message that died because of damage keeps its damaged slot */
    return entry[AT_dead_reason] == SLOTQ_REASON_DAMAGED ||
           check_slot(view, offset + dead_slot_in_entry(view), damage);
}

bool check_dead(const slotq_view *view, const front_block *front, slotq_damage *damage)
{
    const uint32_t span = front->dead_count + front->dead_holes;
    uint32_t holes = 0;
    for (uint32_t i = 0; i < span; i++) {
        const uint32_t entry = ring_add(front->dead_head, i, view->geometry.dead_slots);
        const uint32_t offset = dead_entry_offset(view, entry);
        const bool is_hole = load_u48(view->bytes + offset + AT_dead_id) == 0;
        if (is_hole && (i == 0 || i == span - 1)) {
            return damage_found(damage, offset + AT_dead_id,
                                "the first or last dead entry is a hole");
        }
        holes += is_hole;
        if (!is_hole && !check_dead_entry(view, front, offset, damage)) {
            return false;
        }
    }
    if (holes != front->dead_holes) {
        return damage_found(damage, AT_shared_dead_holes, "dead_holes is not the number of holes");
    }
    return true;
}
