/* slot.h: one message's bytes: length, [stamp], [check], payload. Must not know states.
 */
#ifndef SLOTQ_LAYOUT_SLOT_H
#define SLOTQ_LAYOUT_SLOT_H

#include "../slotq_core.h"

/* Write a message into a slot; bytes after the payload do not change. */
void slot_store(uint8_t *slot, const slotq_geometry *geometry, uint32_t stamp,
                const slotq_data *message);

#endif
