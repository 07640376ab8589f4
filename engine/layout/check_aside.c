/* check_aside.c: checks the section aside: the order of the index, that each slot number occurs
 * once, and the messages there (FORMAT.md, "Aside"). Their words are checked with the groups.
 */
#include "aside_index.h"
#include "bytes.h"
#include "check.h"
#include "fields.h"
#include "memory.h"
#include "ring.h"

enum { ASIDE_SEEN_BYTES = 256 / 8 }; /* a slot number is a byte */

static bool check_aside_entry(const slotq_view *view, uint32_t offset, uint64_t above,
                              uint64_t head_id, uint8_t seen[ASIDE_SEEN_BYTES],
                              slotq_damage *damage)
{
    const uint64_t id = load_u48(view->bytes + offset + AT_aside_id);
    const uint32_t slot = view->bytes[offset + AT_aside_slot];
    if (id <= above) {
        return damage_found(damage, offset + AT_aside_id, "aside.id is not above the one before");
    }
    if (id >= head_id) {
        return damage_found(damage, offset + AT_aside_id,
                            "aside.id is not below the id at header.head");
    }
    if (seen[slot / 8] >> slot % 8 & 1) {
        return damage_found(damage, offset + AT_aside_slot, "an aside slot number is there twice");
    }
    seen[slot / 8] |= (uint8_t)(1u << slot % 8);
    if (!aside_is_unfinished(view, slot, SLOTQ_ALL_GROUPS)) {
        return damage_found(damage, offset, "every group has finished a message aside");
    }
    return check_slot(view, aside_slot_offset(view, slot), damage);
}

bool check_aside(const slotq_view *view, const front_block *front, slotq_damage *damage)
{
    uint8_t seen[ASIDE_SEEN_BYTES];
    memset(seen, 0, sizeof seen);
    const uint32_t slots = view->geometry.ring_slots;
    const uint64_t head_id = front->last_id + 1 - ring_distance(front->head, front->tail, slots);
    uint64_t above = 0;
    for (uint32_t i = 0; i < front->aside_count; i++) {
        const uint32_t offset = aside_entry_offset(view, i);
        if (!check_aside_entry(view, offset, above, head_id, seen, damage)) {
            return false;
        }
        above = load_u48(view->bytes + offset + AT_aside_id);
    }
    return true;
}
