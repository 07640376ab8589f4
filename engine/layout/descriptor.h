/* descriptor.h: tells the descriptor of a sharded queue from a queue (FORMAT.md, "Sharded queues").
 * Knows only how it begins.
 */
#ifndef SLOTQ_LAYOUT_DESCRIPTOR_H
#define SLOTQ_LAYOUT_DESCRIPTOR_H

#include <stdbool.h>

#include "bytes.h"
#include "fields.h"

enum { DESCRIPTOR_BEGIN_BYTES = AT_geometry_magic + BYTES_geometry_magic };

static inline bool bytes_begin_descriptor(const uint8_t *bytes, uint64_t size)
{
    return size >= DESCRIPTOR_BEGIN_BYTES && load_u64(bytes) == 0 &&
           load_u32(bytes + AT_geometry_magic) == MAGIC_SHARDED;
}

#endif
