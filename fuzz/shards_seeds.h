/* shards_seeds.h: the bytes of seeds that fuzz_shards starts from: descriptors in all states, keys
 * and ids. Knows no files.
 */
#ifndef SLOTQ_FUZZ_SHARDS_SEEDS_H
#define SLOTQ_FUZZ_SHARDS_SEEDS_H

#include "../engine/backend/shards/descriptor.h"

/* Fills bytes with seed number index and returns its size; 0 past the last. */
size_t shards_seed(unsigned index, uint8_t bytes[SHARDS_DESCRIPTOR_BYTES_MAX]);

#endif
