/* resize.h: the image of a queue with other sizes (FORMAT.md, "Resize"). Knows the layout; no verb,
 * and not where the image lies.
 */
#ifndef SLOTQ_BACKEND_RESIZE_H
#define SLOTQ_BACKEND_RESIZE_H

#include "../slotq_core.h"
#include "fault.h"

/* Check the whole queue, and give the geometry that it would have: its own with the sizes wanted:
 * ring_slots, payload_bytes, later_slots, dead_slots, aside_slots, groups. name is for messages.
 * OK, CORRUPT; INVALID: a queue cannot have these sizes. */
slotq_outcome resize_begin(const char *name, const slotq_view *from, const slotq_geometry *wanted,
                           slotq_geometry *sized, store_fault *fault);

/* Write the messages and the state of a queue, after resize_begin, as a queue of this geometry into
 * bytes: slotq_core_image_bytes(geometry) of them, aligned to 8, all zero.
 * OK; TOOBIG: what does not fit, and the bytes are not a queue. */
slotq_outcome resize_image(const slotq_view *from, const slotq_geometry *geometry, uint8_t *bytes,
                           store_fault *fault);

#endif
