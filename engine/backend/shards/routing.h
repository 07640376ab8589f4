/* routing.h: which shard a message with a key goes to (SHARDS.md, "Routing"). Knows numbers only.
 */
#ifndef SLOTQ_BACKEND_SHARDS_ROUTING_H
#define SLOTQ_BACKEND_SHARDS_ROUTING_H

#include <stdint.h>

/* By the key's high half: its low half chooses the bucket in the shard. shards is 1 to
 * SLOTQ_SHARDS_MAX. */
static inline uint32_t shards_route(uint64_t key, uint32_t shards)
{
    return (uint32_t)((key >> 32) * shards >> 32);
}

#endif
