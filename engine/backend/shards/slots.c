/* slots.c: verbs that give payloads, run in one shard: its slots may have other sizes than those of
 * other shards, and the caller's room is for the widest. Knows the place of a slot's length.
 */
#include <string.h>

#include "../../layout/bytes.h"
#include "../../layout/fields.h"
#include "../harvest.h"
#include "inside.h"

/* A length that a damaged slot has stays one that no slot has; where the widest slots may have any,
 * what there is counts. */
static void keep_damaged(uint8_t *slot, const slotq_view *from, const slotq_view *to)
{
    const uint32_t most = from->geometry.payload_bytes;
    const uint32_t widest = to->stride - (from->stride - most);
    if (load_u16(slot) > most) {
        store_u16(slot, (uint16_t)(widest < UINT16_MAX ? UINT16_MAX : most));
    }
}

/* One after another as the shard has them, to as far apart as the whole queue has them: the last
 * one first, so that none is overwritten. */
static void set_apart(const slotq_view *from, const slotq_view *to, const slotq_call *call,
                      uint32_t count, uint8_t *copies)
{
    const uint32_t note = harvest_note_bytes(from, call);
    const uint32_t note_to = harvest_note_bytes(to, call);
    const size_t each = note + from->stride;
    const size_t each_to = note_to + to->stride;
    for (uint32_t i = count; i-- > 0;) {
        uint8_t *source = copies + i * each;
        uint8_t *target = copies + i * each_to;
        memmove(target + note_to, source + note, from->stride);
        memmove(target, source, note);
        keep_damaged(target + note_to, from, to);
    }
}

static void place(const slotq_view *to, const slotq_call *call, store_harvest *harvest)
{
    const uint32_t note = harvest_note_bytes(to, call);
    uint32_t before = 0;
    if (call->verb != SLOTQ_RESERVE) {
        for (uint32_t i = 0; i < call->look.count; i++) {
            harvest->offsets[i] = i * (note + to->stride) + note;
        }
        return;
    }
    for (uint32_t i = 0; i < call->reserve.run_count; i++) {
        harvest->offsets[i] = before * to->stride;
        before += call->reserve.runs[i].count;
    }
}

slotq_outcome shards_run_wide(shards_store *self, uint32_t shard, slotq_call *call,
                              store_harvest *harvest, store_fault *fault)
{
    const slotq_view *to = &self->base.view;
    const store *at = self->shards[shard];
    if (harvest == NULL || at == NULL) {
        return shards_run(self, shard, call, harvest, fault);
    }
    if (!shards_is_wide_enough(self, &at->view)) {
        shards_take_sizes(self);
        self->base.adoptions++;
        return fault_remade(fault); /* the caller makes room, and tries again */
    }
    harvest->wants_copies = true;
    const slotq_outcome outcome = shards_run(self, shard, call, harvest, fault);
    const slotq_view *from = &at->view;
    const bool differs = from->stride != to->stride ||
                         harvest_note_bytes(from, call) != harvest_note_bytes(to, call);
    if (outcome == SLOTQ_OK && differs) {
        const uint32_t count =
            call->verb == SLOTQ_RESERVE ? call->reserve.message_count : call->look.count;
        set_apart(from, to, call, count, harvest->copies);
        place(to, call, harvest);
    }
    return outcome;
}

/* ---- the sizes of the whole ---- */

static void at_least(uint16_t *size, uint16_t other)
{
    *size = *size > other ? *size : other;
}

bool shards_is_wide_enough(const shards_store *self, const slotq_view *shard)
{
    const slotq_view *whole = &self->base.view;
    return shard->stride <= whole->stride &&
           shard->geometry.note_bytes <= whole->geometry.note_bytes;
}

/* What fits into every shard may be pushed; what comes out of any shard has room. */
static void take_sizes_of(slotq_view *whole, const slotq_view *shard)
{
    slotq_geometry *sum = &whole->geometry;
    const slotq_geometry *one = &shard->geometry;
    whole->stride = whole->stride > shard->stride ? whole->stride : shard->stride;
    sum->payload_bytes =
        sum->payload_bytes < one->payload_bytes ? sum->payload_bytes : one->payload_bytes;
    sum->note_bytes = sum->note_bytes > one->note_bytes ? sum->note_bytes : one->note_bytes;
    at_least(&sum->ring_slots, one->ring_slots);
    at_least(&sum->later_slots, one->later_slots);
    at_least(&sum->dead_slots, one->dead_slots);
    sum->aside_slots = sum->aside_slots > one->aside_slots ? sum->aside_slots : one->aside_slots;
}

void shards_take_sizes(shards_store *self)
{
    slotq_view *whole = &self->base.view;
    const uint32_t generation = whole->geometry.generation;
    bool any = false;
    for (uint32_t i = 0; i < self->descriptor.count; i++) {
        if (self->shards[i] == NULL) {
            continue;
        }
        if (any) {
            take_sizes_of(whole, &self->shards[i]->view);
        } else {
            *whole = self->shards[i]->view;
        }
        any = true;
    }
    whole->bytes = NULL; /* there is no image */
    whole->image_bytes = 0;
    whole->geometry.generation = generation;
    whole->geometry.shard = 0;
    if ((self->descriptor.flags & SHARDS_FLAG_KEYED) == 0) {
        whole->geometry.flags &= (uint8_t)~SLOTQ_FLAG_KEYS; /* a key would not find its shard */
    }
}
