/* geometry.h: ranges, section offsets and encoding of the geometry, which is fixed at creation.
 * Must not know messages.
 */
#ifndef SLOTQ_LAYOUT_GEOMETRY_H
#define SLOTQ_LAYOUT_GEOMETRY_H

#include "../slotq_core.h"

/* Bytes of a slot. */
uint32_t geometry_stride(const slotq_geometry *geometry);

/* The first rule that the geometry breaks, as text with the limit, and the offset of its field in
 * an image; NULL = none. */
const char *geometry_fault(const slotq_geometry *geometry, uint32_t *offset);

/* Total bytes of an image; the geometry need not be in range. */
uint64_t geometry_total(const slotq_geometry *geometry);

/* Fill a view's stride and section offsets from its geometry, which is in range. */
void geometry_lay_out(slotq_view *view);

/* Write bytes 8 to 43 of an image. */
void geometry_store(uint8_t *bytes, const slotq_geometry *geometry);

/* Read them without checks. */
void geometry_load(slotq_geometry *geometry, const uint8_t *bytes);

#endif
