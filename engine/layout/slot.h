/* slot.h: one message's bytes: length, [stamp], [check], payload. Must not know states.
 */
#ifndef SLOTQ_LAYOUT_SLOT_H
#define SLOTQ_LAYOUT_SLOT_H

#include "../slotq_core.h"

/* Slots that travel may be cut after their payloads (lua/README.md). */
enum {
    SLOT_GAP_BYTES_MAX = 64,   /* so many bytes between two are sent and written with them */
    SLOT_CUT_FROM_BYTES = 1024 /* slots of that size and more come cut from a reserve */
};

/* Write a message into a slot; bytes after the payload do not change. */
void slot_store(uint8_t *slot, const slotq_geometry *geometry, uint32_t stamp,
                const slotq_data *message);

#endif
