/* harvest.c: see harvest.h. Lengths come from bytes that may be damaged: they bound a copy only
 * after being held against payload_bytes.
 */
#include "harvest.h"

#include <string.h>

#include "../layout/bytes.h"

enum { WHOLE_STRIDE_BYTES = 192 }; /* up to here copying a slot whole is cheaper than looking */

/* One slot: all of it when small, else what its length says is there. */
static void copy_slot(const slotq_view *view, uint8_t *to, const uint8_t *from)
{
    const uint32_t head = view->stride - view->geometry.payload_bytes;
    uint32_t payload = load_u16(from);
    if (payload > view->geometry.payload_bytes) {
        payload = 0; /* damaged: the length alone says so */
    }
    memcpy(to, from, head + payload);
}

/* count slots from an image offset on, up to the ring's end. */
static void copy_stretch(const slotq_view *view, uint8_t *to, uint32_t offset, uint32_t count)
{
    const uint8_t *from = view->bytes + offset;
    if (view->stride <= WHOLE_STRIDE_BYTES) {
        memcpy(to, from, (size_t)count * view->stride);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        copy_slot(view, to, from);
        to += view->stride;
        from += view->stride;
    }
}

static void take_runs(const slotq_view *view, const slotq_call_reserve *reserve, bool still,
                      store_harvest *harvest)
{
    uint32_t copied = 0;
    for (uint32_t i = 0; i < reserve->run_count; i++) {
        const slotq_run *run = &reserve->runs[i];
        const uint32_t offset = slotq_core_slot_offset(view, run->id);
        if (still) {
            harvest->offsets[i] = offset;
            continue;
        }
        uint32_t before = (view->ring_end - offset) / view->stride;
        before = run->count < before ? run->count : before;
        uint8_t *to = harvest->copies + (size_t)copied * view->stride;
        harvest->offsets[i] = copied * view->stride;
        copy_stretch(view, to, offset, before);
        copy_stretch(view, to + (size_t)before * view->stride, view->ring_offset,
                     run->count - before);
        copied += run->count;
    }
}

static void take_items(const slotq_view *view, const slotq_call_look *look, uint32_t note,
                       store_harvest *harvest)
{
    const uint32_t each = note + view->stride;
    for (uint32_t i = 0; i < look->count; i++) {
        const uint32_t slot = look->items[i].slot_offset;
        uint8_t *to = harvest->copies + (size_t)i * each;
        harvest->offsets[i] = i * each + note;
        memcpy(to, view->bytes + slot - note, note);
        copy_stretch(view, to + note, slot, 1);
    }
}

void harvest_take(const slotq_view *view, const slotq_call *call, bool still,
                  store_harvest *harvest)
{
    const bool reserve = call->verb == SLOTQ_RESERVE;
    harvest->still = still && reserve && !harvest->wants_copies;
    harvest->base = harvest->still ? view->bytes : harvest->copies;
    if (reserve) {
        take_runs(view, &call->reserve, harvest->still, harvest);
    } else {
        take_items(view, &call->look, harvest_note_bytes(view, call), harvest);
    }
}
