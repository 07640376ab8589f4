/* changes.h: makes, grows, drains, repairs and removes a sharded queue at a place (SHARDS.md,
 * "Changes"). Each function can be called again after a crash at any point, and then ends what was
 * begun. Of several processes that change a queue at once each reads again what the others wrote.
 * Knows descriptors and rules; no kind of place.
 */
#ifndef SLOTQ_BACKEND_SHARDS_CHANGES_H
#define SLOTQ_BACKEND_SHARDS_CHANGES_H

#include "descriptor.h"
#include "place.h"

/* A queue that is to be changed. The name has no fault (shards_name_fault). */
typedef struct shards_target {
    shards_place *place;
    const char *name;
    const store_owner *owner; /* of the shards that are opened for a moment */
    const void *handle;       /* of the owner, for its functions */
} shards_target;

/* count: 1 to SLOTQ_SHARDS_MAX. geometry: of each shard; set and shard are chosen here. OK, also if
 * this queue is there; EXISTS; INVALID; NOQUEUE: another process removed it meanwhile. */
slotq_outcome shards_create(const shards_target *target, uint32_t count,
                            const slotq_geometry *geometry, store_fault *fault);

/* Delete all shards and the descriptor. OK; NOQUEUE; SHARDED: it is a queue that is alone, and
 * stays. */
slotq_outcome shards_remove(const shards_target *target, store_fault *fault);

/* Add a shard with the sizes of the first open one. OK: it is open, and *number is its number. A
 * shard that an earlier call, or one at the same time, began to make is ended instead. TOOBIG: it
 * would be shard 1024. UNSUPPORTED: the queue has keys, or is alone. NOQUEUE. */
slotq_outcome shards_add(const shards_target *target, uint32_t *number, store_fault *fault);

/* OK: the shard is gone. AGAIN: it is closed to pushes, and has messages, or a process has
 * its file exclusively. INVALID: the last open shard, or no shard. UNSUPPORTED, NOQUEUE as above.
 */
slotq_outcome shards_drain(const shards_target *target, uint32_t number, store_fault *fault);

/* OK: the shard is open, and takes messages. GONE: it is too late. The others as above. */
slotq_outcome shards_undrain(const shards_target *target, uint32_t number, store_fault *fault);

/* Write the entries that shards prove, with a revision above all that were seen, also if the
 * descriptor is damaged or lost. OK: *found entries were other. NOQUEUE: no shard is there either.
 * INVALID: shards of several queues are there. */
slotq_outcome shards_repair(const shards_target *target, uint32_t *found, store_fault *fault);

/* Read the descriptor, also of a queue that is being made or removed. OK, NOQUEUE, SHARDED: it is a
 * queue that is alone; CORRUPT. */
slotq_outcome shards_look(const shards_target *target, shards_descriptor *descriptor,
                          store_fault *fault);

#endif
