/* packed.c: see packed.h.
 */
#include "packed.h"

#include <string.h>

#include "../../../layout/fields.h"
#include "../../../layout/slot.h"

size_t packed_store_slots(uint8_t *bytes, const slotq_view *view, uint32_t stamp,
                          const slotq_data *messages, uint32_t count, bool cut)
{
    const uint32_t head = view->stride - view->geometry.payload_bytes;
    uint8_t *slot = bytes;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t used = head + messages[i].size;
        const uint32_t end = cut ? used : view->stride;
        slot_store(slot, &view->geometry, stamp, &messages[i]);
        memset(slot + used, 0, end - used); /* nothing of ours goes out with it */
        slot += end;
    }
    return (size_t)(slot - bytes);
}

bool packed_is_cut(const slotq_view *view, uint32_t count, const push_size *size)
{
    const size_t empty = (size_t)count * view->geometry.payload_bytes - size->payload_bytes;
    return count == 1 ? empty > 0 : empty > (size_t)count * SLOT_GAP_BYTES_MAX;
}

bool packed_has_keys(const uint64_t *keys, uint32_t count)
{
    bool has = false;
    for (uint32_t i = 0; keys != NULL && i < count; i++) {
        has = has || keys[i] != 0;
    }
    return has;
}

size_t packed_store_keys(uint8_t *bytes, const uint64_t *keys, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        store_u64(bytes + (size_t)i * KEY_BYTES, keys[i]);
    }
    return (size_t)count * KEY_BYTES;
}

const char *packed_key_mode(slotq_key_mode mode)
{
    static const char *const words[] = {"none", "unique", "once", "resend"};
    return (uint32_t)mode <= SLOTQ_KEY_RESEND ? words[mode] : words[SLOTQ_KEY_NONE];
}
