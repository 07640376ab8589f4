/* store.h: a store that is made of the stores of all shards of a sharded queue. Knows their
 * descriptor; no kind of store, no name, no URL.
 */
#ifndef SLOTQ_BACKEND_SHARDS_STORE_H
#define SLOTQ_BACKEND_SHARDS_STORE_H

#include "../backend.h"
#include "descriptor.h"

/* shards: a store for each entry of the descriptor, NULL for those that are gone or being made;
 * with OK they belong to *opened, else they stay the caller's. The descriptor is copied. OK,
 * INVALID (a store is missing or too many), CORRUPT (a shard of another set or number),
 * UNSUPPORTED (shards with other ticks or flags), NOQUEUE (it is being made or
 * removed), NOMEMORY. */
slotq_outcome shards_open(const shards_descriptor *descriptor, store *const *shards, store **opened,
                          store_fault *fault);

/* The same where shards may be missing (NULL), but not all: then NOQUEUE. */
slotq_outcome shards_open_some(const shards_descriptor *descriptor, store *const *shards,
                               store **opened, store_fault *fault);

/* What a handle may tell of its view. */
typedef struct shards_facts {
    const shards_descriptor *descriptor;
    uint32_t missing; /* open or draining shards */
    bool is_unread;
    bool is_older;
    const char *trouble; /* "": none */
} shards_facts;

/* false: it is another kind of store. */
bool shards_facts_of(const store *base, shards_facts *facts);

#endif
