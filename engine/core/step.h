/* step.h: builds the patches of a step. Knows bytes and offsets; must not know rules about
 * messages. The builders of the plain path are inline: calls were a third of its cost.
 *
 * All patches except SLOTS change visible bytes, and visible bytes need the journal. The few
 * exceptions (header, era, wake, paused) are made in frame.c and pause.c.
 */
#ifndef SLOTQ_CORE_STEP_H
#define SLOTQ_CORE_STEP_H

#include "../layout/assert.h"
#include "../layout/fields.h"
#include "../layout/ring.h"
#include "../slotq_core.h"

static inline void step_begin(slotq_step *step)
{
    step->patch_count = 0;
    step->scratch_used = 0;
    step->visible_count = 0;
    step->needs_journal = false;
    step->pushes = false;
    step->wakes = false;
    step->changes_group = false;
    step->wake_groups = 0;
    step->wake_messages = 0;
    step->wake_slots = 0;
    step->stamp = 0;
    step->messages = NULL;
}

/* Room for bytes in the scratch, to be filled before the step is used. */
static inline uint8_t *step_scratch(slotq_step *step, uint32_t bytes)
{
    SLOTQ_ASSERT(bytes <= SLOTQ_STEP_SCRATCH_BYTES - step->scratch_used);
    uint8_t *scratch = step->scratch + step->scratch_used;
    step->scratch_used += bytes;
    return scratch;
}

static inline void step_add(slotq_step *step, slotq_patch_kind kind, uint32_t offset,
                            uint32_t length, uint32_t source)
{
    SLOTQ_ASSERT(step->patch_count < SLOTQ_STEP_PATCHES);
    SLOTQ_ASSERT(length > 0);
    slotq_patch *patch = &step->patches[step->patch_count++];
    patch->offset = offset;
    patch->length = length;
    patch->source = source;
    patch->kind = kind;
    if (kind != SLOTQ_PATCH_SLOTS) {
        step->visible_count++;
    }
}

/* Patch length bytes from a pointer that step_scratch returned. */
static inline void step_patch_scratch(slotq_step *step, uint32_t offset, const uint8_t *scratch,
                                      uint32_t length)
{
    SLOTQ_ASSERT(scratch >= step->scratch);
    SLOTQ_ASSERT(scratch + length <= step->scratch + step->scratch_used);
    step_add(step, SLOTQ_PATCH_BYTES, offset, length, (uint32_t)(scratch - step->scratch));
}

/* Messages of the call from the first-th on, into ring slots from index on (wraps). */
static inline void step_patch_slots(slotq_step *step, const slotq_view *view, uint32_t index,
                                    uint32_t first, uint32_t count)
{
    SLOTQ_ASSERT(step->visible_count ==
                 0); /* the payload comes before the bytes that make it visible */
    const uint32_t before = ring_before_wrap(index, count, view->geometry.ring_slots);
    step_add(step, SLOTQ_PATCH_SLOTS, slot_offset(view, index), before * view->stride, first);
    if (before < count) {
        step_add(step, SLOTQ_PATCH_SLOTS, view->ring_offset, (count - before) * view->stride,
                 first + before);
    }
}

/* The same word for count ring slots of a group from index on (wraps). */
static inline void step_patch_words(slotq_step *step, const slotq_view *view, uint32_t group,
                                    uint32_t index, uint32_t count, uint32_t word)
{
    SLOTQ_ASSERT(index < view->geometry.ring_slots);
    const uint32_t before = ring_before_wrap(index, count, view->geometry.ring_slots);
    step_add(step, SLOTQ_PATCH_WORDS, word_offset(view, group, index), before * WORD_BYTES, word);
    if (before < count) {
        step_add(step, SLOTQ_PATCH_WORDS, word_offset(view, group, 0),
                 (count - before) * WORD_BYTES, word);
    }
    step->needs_journal = true;
}

/* One word at an offset. */
static inline void step_patch_word(slotq_step *step, uint32_t offset, uint32_t word)
{
    step_add(step, SLOTQ_PATCH_WORDS, offset, WORD_BYTES, word);
    step->needs_journal = true;
}

/* Copy bytes of the image to another place in it. */
void step_patch_copy(slotq_step *step, uint32_t offset, uint32_t source, uint32_t length);

#ifndef SLOTQ_NO_KEYS
/* Put count keys into the ring, whose items the caller has written to the scratch, behind room for
 * the head. */
void step_patch_keys(slotq_step *step, const slotq_view *view, uint32_t count);
#endif

#endif
