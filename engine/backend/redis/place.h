/* place.h: a server, or a cluster, as the place of the shards of sharded queues. Knows keys; no
 * rule of SHARDS.md.
 */
#ifndef SLOTQ_BACKEND_REDIS_PLACE_H
#define SLOTQ_BACKEND_REDIS_PLACE_H

#include "../shards/place.h"
#include "store.h"

/* Both are copied; no server is asked yet. Stores that it opens share its connections, one for each
 * node: it outlives them. OK, NOMEMORY. */
slotq_outcome redis_place_open(const redis_route *route, const redis_settings *settings,
                               shards_place **opened, store_fault *fault);

#endif
