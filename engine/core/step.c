/* step.c: the patch builders that are not on the plain path; see step.h.
 */
#include "step.h"

#include "../layout/bytes.h"

void step_patch_copy(slotq_step *step, uint32_t offset, uint32_t source, uint32_t length)
{
    SLOTQ_ASSERT(offset >= source + length || source >= offset + length);
    step_add(step, SLOTQ_PATCH_COPY, offset, length, source);
    step->needs_journal = true;
}

#ifndef SLOTQ_NO_KEYS

void step_patch_keys(slotq_step *step, const slotq_view *view, uint32_t count)
{
    const uint32_t slots = view->geometry.ring_slots;
    const uint32_t buckets = key_holders(&view->geometry);
    SLOTQ_ASSERT(count <= SLOTQ_CALL_KEYS_MAX);
    uint8_t *head = step_scratch(step, KEYS_HEAD_BYTES + count * KEYS_ITEM_BYTES);
    store_u16(head + AT_keys_slots, (uint16_t)slots);
    store_u16(head + AT_keys_buckets, (uint16_t)buckets);
    store_u16(head + AT_keys_count, (uint16_t)count);
    step_add(step, SLOTQ_PATCH_KEYS, view->keys_offset,
             slots * RING_KEY_BYTES + buckets * BUCKET_BYTES, (uint32_t)(head - step->scratch));
    step->needs_journal = true;
}

#endif
