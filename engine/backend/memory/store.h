/* store.h: a store in this process's memory: the caller's buffer or its own. Many threads, a
 * store each; while there is only one, no lock is taken.
 */
#ifndef SLOTQ_BACKEND_MEMORY_STORE_H
#define SLOTQ_BACKEND_MEMORY_STORE_H

#include "../backend.h"

/* A fresh queue in memory of the store's own. OK, INVALID, NOMEMORY. */
slotq_outcome memory_create(const slotq_geometry *geometry, store **opened, store_fault *fault);

/* A queue in a buffer aligned to 8 that outlives all stores: made anew with a geometry (bytes
 * must be its size), else the image that it holds. OK, INVALID, CORRUPT, VERSION, NOMEMORY. */
slotq_outcome memory_open(uint8_t *buffer, uint64_t bytes, const slotq_geometry *geometry,
                          store **opened, store_fault *fault);

/* From now on this store of an opened queue, and what is cloned from it, refuses what writes. */
void memory_only_read(store *base);

#endif
