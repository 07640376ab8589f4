/* slot.c: packing and unpacking of slots (FORMAT.md, "Slot").
 */
#include "slot.h"

#include "assert.h"
#include "bytes.h"
#include "checksum.h"
#include "fields.h"
#include "memory.h"

enum { STAMP_AHEAD_MAX = 1 << 28 }; /* max ticks that a stamp may be ahead of now */

void slot_store(uint8_t *slot, const slotq_geometry *geometry, uint32_t stamp,
                const slotq_data *message)
{
    SLOTQ_ASSERT(message->size <= geometry->payload_bytes);
    store_u16(slot, (uint16_t)message->size);
    slot += LENGTH_BYTES;
    if (geometry->flags & SLOTQ_FLAG_STAMPS) {
        store_u32(slot, stamp);
        slot += STAMP_BYTES;
    }
    if (geometry->flags & SLOTQ_FLAG_CHECKS) {
        const uint8_t *payload = message->size > 0 ? message->bytes : slot;
        store_u32(slot, checksum_xxh32(payload, message->size));
        slot += CHECK_BYTES;
    }
    if (message->size > 0) { /* bytes may be NULL then, which memcpy forbids */
        memcpy(slot, message->bytes, message->size);
    }
}

bool slotq_core_slot_read(const slotq_geometry *geometry, const uint8_t *bytes, slotq_slot *slot)
{
    slot->payload_bytes = load_u16(bytes);
    slot->stamp = 0;
    slot->check = 0;
    bytes += LENGTH_BYTES;
    if (geometry->flags & SLOTQ_FLAG_STAMPS) {
        slot->stamp = load_u32(bytes);
        bytes += STAMP_BYTES;
    }
    if (geometry->flags & SLOTQ_FLAG_CHECKS) {
        slot->check = load_u32(bytes);
        bytes += CHECK_BYTES;
    }
    slot->payload = bytes;
    if (slot->payload_bytes > geometry->payload_bytes) {
        return false;
    }
    return !(geometry->flags & SLOTQ_FLAG_CHECKS) ||
           slot->check == checksum_xxh32(slot->payload, slot->payload_bytes);
}

bool slotq_core_slot(const slotq_view *view, uint32_t slot_offset, slotq_slot *slot)
{
    SLOTQ_ASSERT(slot_offset >= view->ring_offset);
    SLOTQ_ASSERT(slot_offset <= view->image_bytes - view->stride);
    return slotq_core_slot_read(&view->geometry, view->bytes + slot_offset, slot);
}

uint64_t slotq_core_stamp_ms(const slotq_geometry *geometry, uint32_t stamp, uint64_t now_ms)
{
    const uint64_t now_tick = now_ms / geometry->tick_ms;
    const uint32_t ahead = stamp - (uint32_t)now_tick;
    if (ahead < STAMP_AHEAD_MAX) { /* the clock went back since the push */
        return (now_tick + ahead) * geometry->tick_ms;
    }
    const uint32_t age = (uint32_t)now_tick - stamp;
    return age <= now_tick ? (now_tick - age) * geometry->tick_ms : 0;
}
