/* schemes.h: which kinds of URL there are, and what can be done with each. The table has one
 * definition in libslotq and another in libslotq_redis. Knows no bytes and no handle.
 */
#ifndef SLOTQ_QUEUE_SCHEMES_H
#define SLOTQ_QUEUE_SCHEMES_H

#include "../backend/backend.h"
#include "../backend/shards/place.h"
#include "../slotq.h"

typedef bool (*scheme_visit)(void *context, const char *name);

/* One kind. All functions are there, or missing says why none is. They are given a name that
 * name_fault passed, fill fault where they do not answer OK, and print nothing. */
typedef struct scheme {
    const char *missing; /* NULL, or why URLs of this kind are refused as UNSUPPORTED */
    uint32_t poll_ms;    /* options.poll_ms where none is given */
    /* NULL, or the rule that a queue's name breaks ("the queue's name …"). */
    const char *(*name_fault)(const char *name, size_t length);
    slotq_outcome (*create)(const char *url, const char *name, const slotq_geometry *geometry,
                            const slotq_options *options, store_fault *fault);
    slotq_outcome (*import)(const char *url, const char *name, const uint8_t *image, uint64_t bytes,
                            uint32_t generation, store_fault *fault);
    slotq_outcome (*resize)(const char *url, const char *name, const slotq_geometry *wanted,
                            store_fault *fault);
    slotq_outcome (*open)(const char *url, const char *name, const slotq_options *options,
                          store **opened, store_fault *fault);
    /* SHARDED: it is a sharded queue, and none of its shards is in use where that can be known. */
    slotq_outcome (*remove)(const char *url, const char *name, store_fault *fault);
    /* Queues by name, a sharded one once, until visit answers false. */
    slotq_outcome (*list)(const char *url, scheme_visit visit, void *context, store_fault *fault);
    /* Where sharded queues are kept; NULL: this build keeps none there. */
    slotq_outcome (*place)(const char *url, const slotq_options *options, shards_place **opened,
                           store_fault *fault);
} scheme;

enum { SCHEME_NAME_BYTES_MAX = 200 };

/* Queues in a folder (folder.c). */
extern const scheme scheme_folder;

/* The kind of a URL, if a queue of this name can be there and the options are in range: else
 * INVALID or UNSUPPORTED, with its text (open.c). */
slotq_outcome scheme_find(const char *url, const char *name, const slotq_options *options,
                          const scheme **kind, slotq_error *error);

/* Delete a sharded queue (shards.c). */
slotq_outcome scheme_remove_sharded(const scheme *kind, const char *url, const char *name,
                                    slotq_error *error);

/* URLs of a scheme that is not known (open.c). */
extern const scheme scheme_unknown;

/* By slotq_place. schemes.c of either library. */
extern const scheme *const scheme_table[];

#endif
