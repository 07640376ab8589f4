/* keys.h: queues as keys of a server: made, imported, removed, listed. Knows which key is a
 * slotq; runs no verb.
 */
#ifndef SLOTQ_BACKEND_REDIS_KEYS_H
#define SLOTQ_BACKEND_REDIS_KEYS_H

#include "store.h"

/* OK (also where one of the same geometry is), EXISTS, INVALID, CORRUPT, VERSION, CONNECT,
 * UNSUPPORTED, IO. */
slotq_outcome redis_keys_create(redis_route *route, const char *key, const slotq_geometry *geometry,
                                const redis_settings *settings, store_fault *fault);

/* Of an image, which is checked whole before, with another generation, not 0. OK, EXISTS, CORRUPT,
 * VERSION … */
slotq_outcome redis_keys_import(redis_route *route, const char *key, const uint8_t *image,
                                uint64_t bytes, uint32_t generation, const redis_settings *settings,
                                store_fault *fault);

/* Replace a queue by one with the sizes of wanted and the same messages, ids and tokens. OK, TOOBIG
 * (what does not fit), INVALID, NOQUEUE, LOCKED (it was changed all the time) … */
slotq_outcome redis_keys_resize(redis_route *route, const char *key, const slotq_geometry *wanted,
                                const redis_settings *settings, store_fault *fault);

/* Delete a key that is a slotq. OK, NOQUEUE, CORRUPT (it is none) … */
slotq_outcome redis_keys_remove(redis_route *route, const char *key, const redis_settings *settings,
                                store_fault *fault);

/* Names of all queues in the database, sorted; visit ends it by answering false. A sharded queue
 * has one; its shards are shown with_shards, and where its descriptor is missing. */
slotq_outcome redis_keys_list(redis_route *route, const redis_settings *settings, bool with_shards,
                              bool (*visit)(void *context, const char *name), void *context,
                              store_fault *fault);

#endif
