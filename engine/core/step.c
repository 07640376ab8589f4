/* step.c: the patch builders that are not on the plain path; see step.h.
 */
#include "step.h"

void step_patch_no_keys(slotq_step *step, const slotq_view *view, uint32_t index, uint32_t count)
{
    SLOTQ_ASSERT(view->geometry.flags & SLOTQ_FLAG_KEYS);
    const uint32_t before = ring_before_wrap(index, count, view->geometry.ring_slots);
    step_add(step, SLOTQ_PATCH_WORDS, view->keys_offset + index * KEY_BYTES, before * KEY_BYTES, 0);
    if (before < count) {
        step_add(step, SLOTQ_PATCH_WORDS, view->keys_offset, (count - before) * KEY_BYTES, 0);
    }
    step->needs_journal = true;
}

void step_patch_copy(slotq_step *step, uint32_t offset, uint32_t source, uint32_t length)
{
    SLOTQ_ASSERT(offset >= source + length || source >= offset + length);
    step_add(step, SLOTQ_PATCH_COPY, offset, length, source);
    step->needs_journal = true;
}
