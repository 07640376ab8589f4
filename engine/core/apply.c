/* apply.c: writes patches into the bytes of an image; the only file of the core that writes there.
 */
#include "../layout/assert.h"
#include "../layout/bytes.h"
#include "../layout/fields.h"
#include "../layout/memory.h"
#include "../layout/slot.h"

static void apply_slots(uint8_t *bytes, const slotq_view *view, const slotq_step *step,
                        const slotq_patch *patch)
{
    const slotq_data *message = step->messages + patch->source;
    uint8_t *slot = bytes + patch->offset;
    const uint8_t *end = slot + patch->length;
    for (; slot < end; slot += view->stride, message++) {
        slot_store(slot, &view->geometry, step->stamp, message);
    }
}

/* The compiler knows the sizes of these patches: no call of memcpy; not where size counts. */
static inline void apply_bytes(uint8_t *to, const uint8_t *from, uint32_t length)
{
#ifdef __OPTIMIZE_SIZE__
    memcpy(to, from, length);
#else
    if (length == GROUP_STATE_BYTES) {
        memcpy(to, from, 8); /* as codec_store_group stored them: see there */
        memcpy(to + 8, from + 8, 8);
        memcpy(to + 16, from + 16, 8);
        memcpy(to + 24, from + 24, 8);
        memcpy(to + 32, from + 32, 8);
    } else if (length == HEADER_BYTES) {
        memcpy(to, from, HEADER_BYTES);
    } else if (length == BYTES_header_head) {
        memcpy(to, from, BYTES_header_head);
    } else {
        memcpy(to, from, length);
    }
#endif
}

#ifndef SLOTQ_NO_KEYS
/* Each key's entry, and then its bucket, which names the last of several. */
static void apply_keys(uint8_t *keys, const uint8_t *from)
{
    const uint32_t slots = load_u16(from + AT_keys_slots);
    const uint32_t buckets = load_u16(from + AT_keys_buckets);
    const uint8_t *item = from + KEYS_HEAD_BYTES;
    const uint8_t *end = item + load_u16(from + AT_keys_count) * KEYS_ITEM_BYTES;
    for (; item < end; item += KEYS_ITEM_BYTES) {
        const uint32_t holder = load_u16(item);
        const uint64_t key = load_u64(item + AT_item_key);
        const uint32_t bucket = (uint32_t)key % buckets;
        uint8_t *entry = keys + holder * RING_KEY_BYTES;
        store_u64(entry + AT_key_key, key);
        store_u16(entry + AT_key_next, load_u16(item + AT_item_next));
        store_u16(keys + slots * RING_KEY_BYTES + bucket * BUCKET_BYTES, (uint16_t)(holder + 1));
    }
}
#endif

static inline void apply_patch(uint8_t *bytes, const slotq_view *view, const slotq_step *step,
                               const slotq_patch *patch)
{
    SLOTQ_ASSERT((uint64_t)patch->offset + patch->length <= view->image_bytes);
    switch (patch->kind) {
    case SLOTQ_PATCH_BYTES:
        apply_bytes(bytes + patch->offset, step->scratch + patch->source, patch->length);
        break;
    case SLOTQ_PATCH_WORDS:
        for (uint32_t done = 0; done < patch->length; done += WORD_BYTES) {
            store_u32(bytes + patch->offset + done, patch->source);
        }
        break;
    case SLOTQ_PATCH_COPY:
        memcpy(bytes + patch->offset, bytes + patch->source, patch->length);
        break;
#ifndef SLOTQ_NO_KEYS
    case SLOTQ_PATCH_KEYS:
        apply_keys(bytes + patch->offset, step->scratch + patch->source);
        break;
#endif
    default:
        apply_slots(bytes, view, step, patch);
        break;
    }
}

void slotq_core_apply_patch(uint8_t *bytes, const slotq_view *view, const slotq_step *step,
                            const slotq_patch *patch)
{
    apply_patch(bytes, view, step, patch);
}

void slotq_core_apply(uint8_t *bytes, const slotq_view *view, const slotq_step *step)
{
    for (uint32_t i = 0; i < step->patch_count; i++) {
        apply_patch(bytes, view, step, &step->patches[i]);
    }
}

slotq_outcome slotq_core_run(uint8_t *bytes, const slotq_view *view, slotq_call *call,
                             slotq_step *step)
{
    slotq_outcome outcome;
    do {
        outcome = slotq_core_step(view, call, step);
        slotq_core_apply(bytes, view, step);
    } while (outcome == SLOTQ_MORE);
    return outcome;
}
