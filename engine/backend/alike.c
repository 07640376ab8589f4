/* alike.c: see alike.h.
 */
#include "alike.h"

#include <string.h>

#include "../layout/fields.h"
#include "../layout/geometry.h"

bool geometries_are_alike(const slotq_geometry *one, const slotq_geometry *other)
{
    uint8_t one_bytes[GEOMETRY_END] = {0}; /* bytes of an image: the struct has padding */
    uint8_t other_bytes[GEOMETRY_END] = {0};
    slotq_geometry same = *other;
    same.generation = one->generation;
    geometry_store(one_bytes, one);
    geometry_store(other_bytes, &same);
    return memcmp(one_bytes, other_bytes, sizeof one_bytes) == 0;
}
