/* opening.h: a sharded queue is opened by its name: its descriptor is read, and its shards are
 * opened. Knows a place; no URL.
 */
#ifndef SLOTQ_BACKEND_SHARDS_OPENING_H
#define SLOTQ_BACKEND_SHARDS_OPENING_H

#include "../backend.h"
#include "place.h"

/* With OK the place belongs to *opened, which reads the descriptor again by it; else it stays the
 * caller's. A shard that is missing is passed over, unless all are. OK, NOQUEUE (none, being made
 * or removed, all shards missing), CORRUPT (the descriptor, or a shard of another set), UNSUPPORTED
 * (shards that differ too much), or why the place cannot be asked. */
slotq_outcome shards_open_at(shards_place *place, const char *name, store **opened,
                             store_fault *fault);

#endif
