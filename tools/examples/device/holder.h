/* holder.h: a queue in non-volatile memory, on a device without a system. The power may go at any
 * store: after holder_open each step of a verb is in the image completely, or not at all. To copy
 * into a project of one's own. Knows slotq_core.h; must not know messages or hardware.
 *
 * A step changes several places of the image, so it is applied in two parts. First its patches
 * are written down in non-volatile memory, and a flag, stored at once, makes that record live:
 * from this store on the step has happened. Then they are applied, and the flag is cleared. A
 * device that finds the flag live after its start applies the record again: patches are values and
 * not changes, so it may do that as often as the power goes.
 *
 * Here the core computes a step where its record lies, so nothing is copied. Where the memory is
 * not in the address space (an FRAM at a bus), or wears out: compute it in RAM, and write its
 * patch_count patches and scratch_used bytes there before the flag.
 *
 * Before the include, define HOLDER_IMAGE_BYTES (SLOTQ_IMAGE_BYTES of the geometry). A project
 * whose memory is not reached by plain stores also defines these two:
 *   HOLDER_PATCH(bytes, view, step, patch)   write one patch; as slotq_core_apply_patch
 *   HOLDER_STORE(place, value)               store 32 bits at once
 */
#ifndef HOLDER_H
#define HOLDER_H

#include <string.h>

#include "slotq_core.h"

#ifndef HOLDER_PATCH
#define HOLDER_PATCH slotq_core_apply_patch
#endif
#ifndef HOLDER_STORE
#define HOLDER_STORE(place, value) (*(place) = (value))
#endif

/* Memory that comes up with other bytes is not taken for a queue, or for a step. */
enum { HOLDER_MADE = 0x4544414d, HOLDER_LIVE = 0x4556494c };

/* What must outlive the power. */
typedef struct holder_memory {
    volatile uint32_t made; /* HOLDER_MADE: image is a queue */
    volatile uint32_t live; /* HOLDER_LIVE: step has happened, and the image may lack it */
    slotq_step step;        /* the record */
    _Alignas(8) uint8_t image[HOLDER_IMAGE_BYTES];
} holder_memory;

typedef struct holder {
    holder_memory *memory;
    slotq_view view;
} holder;

/* Everything before it is in memory, nothing behind it. With a data cache, write that back too. */
static inline void holder_flag(volatile uint32_t *flag, uint32_t value)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    HOLDER_STORE(flag, value);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline void holder_patches(holder *self, uint32_t from, uint32_t to)
{
    holder_memory *memory = self->memory;
    for (uint32_t i = from; i < to; i++) {
        HOLDER_PATCH(memory->image, &self->view, &memory->step, &memory->step.patches[i]);
    }
}

/* Apply the visible patches of the live record, which are the last ones, and let it end. */
static inline void holder_finish(holder *self)
{
    const slotq_step *step = &self->memory->step;
    holder_patches(self, step->patch_count - step->visible_count, step->patch_count);
    holder_flag(&self->memory->live, 0);
}

/* Payloads go to slots that nothing points to yet, so they need no record. All else has one, also
 * where step->needs_journal is false: many devices cannot store the 8 bytes of the header at
 * once. */
static inline void holder_apply(holder *self)
{
    const slotq_step *step = &self->memory->step;
    holder_patches(self, 0, step->patch_count - step->visible_count);
    if (step->visible_count > 0) {
        holder_flag(&self->memory->live, HOLDER_LIVE);
        holder_finish(self);
    }
}

/* Run a verb: as slotq_core_run, and safe against the end of the power. */
static inline slotq_outcome holder_run(holder *self, slotq_call *call)
{
    slotq_outcome outcome;
    do {
        outcome = slotq_core_step(&self->view, call, &self->memory->step);
        holder_apply(self);
    } while (outcome == SLOTQ_MORE);
    return outcome;
}

static inline slotq_outcome holder_make(holder_memory *memory, const slotq_geometry *geometry)
{
    memset(memory->image, 0, sizeof memory->image);
    const slotq_outcome outcome = slotq_core_create(memory->image, sizeof memory->image, geometry);
    if (outcome == SLOTQ_OK) {
        holder_flag(&memory->live, 0);
        holder_flag(&memory->made, HOLDER_MADE); /* last: until now there was no queue */
    }
    return outcome;
}

/* After each start: make the queue where there is none yet, finish what the power interrupted,
 * and check every byte. OK; INVALID: the geometry does not fit the memory; CORRUPT, VERSION: damage
 * says where. */
static inline slotq_outcome holder_open(holder *self, holder_memory *memory,
                                        const slotq_geometry *geometry, slotq_damage *damage)
{
    slotq_outcome outcome = SLOTQ_OK;
    self->memory = memory;
    *damage = (slotq_damage){0, "the geometry has another size than HOLDER_IMAGE_BYTES"};
    if (memory->made != HOLDER_MADE) {
        outcome = holder_make(memory, geometry);
    }
    if (outcome == SLOTQ_OK) { /* until the record is applied, the front may be half of it */
        outcome =
            slotq_core_open_geometry(&self->view, memory->image, sizeof memory->image, damage);
    }
    if (outcome == SLOTQ_OK && memory->live == HOLDER_LIVE) {
        holder_finish(self);
    }
    if (outcome == SLOTQ_OK) {
        outcome = slotq_core_open(&self->view, memory->image, sizeof memory->image, damage);
    }
    return outcome == SLOTQ_OK ? slotq_core_check(&self->view, damage) : outcome;
}

#endif
