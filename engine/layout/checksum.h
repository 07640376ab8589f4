/* checksum.h: XXH32 with seed 0 of the geometry and, in queues with checks, of payloads.
 */
#ifndef SLOTQ_LAYOUT_CHECKSUM_H
#define SLOTQ_LAYOUT_CHECKSUM_H

#include <stdint.h>

uint32_t checksum_xxh32(const uint8_t *bytes, uint32_t size);

#endif
