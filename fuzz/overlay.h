/* overlay.h: an image from a fuzzer's bytes: as they are, or laid over a fresh queue of a small
 * geometry, so that most inputs get past the checks of magic, geometry and size.
 */
#ifndef FUZZ_OVERLAY_H
#define FUZZ_OVERLAY_H

#include <stdlib.h>
#include <string.h>

#include "../engine/slotq_core.h"

enum {
    OVERLAY_SHAPE_BYTES = 8, /* the first: 0 = the rest is an image as it is */
    OVERLAY_GEOMETRY_FROM = 8,
    OVERLAY_GEOMETRY_TO = 44
};

/* What the shape bytes stand for: every flag, 1 to 3 groups, up to 9 slots, and 3 aside. */
static inline slotq_geometry overlay_geometry(const uint8_t *shape)
{
    slotq_geometry geometry;
    memset(&geometry, 0, sizeof geometry);
    geometry.ring_slots = (uint16_t)(2 + shape[1] % 8);
    geometry.payload_bytes = (uint16_t)(1 + shape[2] % 8);
    geometry.later_slots = shape[3] % 4;
    geometry.dead_slots = shape[4] % 4;
    geometry.groups = (uint8_t)(1 + shape[5] % 3);
    geometry.flags = shape[6] & SLOTQ_FLAGS_ALL;
    geometry.max_attempts = shape[7] % 4;
    geometry.tick_ms = 10;
    if ((geometry.flags & SLOTQ_FLAG_OVERWRITE) == 0) {
        geometry.aside_slots = shape[3] / 4 % 4;
    }
    geometry.generation = 1;
    return geometry;
}

/* malloc'd, of exactly *image_bytes; NULL when there is nothing to try. */
static inline uint8_t *overlay_image(const uint8_t *data, size_t size, size_t *image_bytes)
{
    if (size < OVERLAY_SHAPE_BYTES) {
        return NULL;
    }
    const slotq_geometry geometry = overlay_geometry(data);
    const int as_it_is = data[0] == 0;
    data += as_it_is ? 1 : OVERLAY_SHAPE_BYTES;
    size -= as_it_is ? 1 : OVERLAY_SHAPE_BYTES;
    *image_bytes = as_it_is ? size : slotq_core_image_bytes(&geometry, NULL);
    uint8_t *image = (uint8_t *)calloc(1, *image_bytes);
    if (image == NULL) {
        return NULL;
    }
    if (as_it_is) {
        memcpy(image, data, size);
        return image;
    }
    if (slotq_core_create(image, (uint32_t)*image_bytes, &geometry) != SLOTQ_OK) {
        abort();
    }
    for (size_t at = 0; size > 0 && at < *image_bytes; at++) {
        if (at < OVERLAY_GEOMETRY_FROM || at >= OVERLAY_GEOMETRY_TO) {
            image[at] ^= *data++; /* all zero: the fresh queue */
            size--;
        }
    }
    return image;
}

#endif
