/* slotq_shards.h: sharded queues: one name for many queues, its shards, which spread over the nodes
 * of a cluster or the cores of a machine (SHARDS.md). slotq.h includes it.
 *
 * slotq_open opens a sharded queue like any other. The calls here make one, change it, and show it.
 * They have no handle: each opens what it needs, and closes it. Any thread may make them, and
 * several processes at once. Each can be repeated after a crash at any point, and then ends what
 * was begun. They also return the outcomes of slotq_open.
 */
#ifndef SLOTQ_SHARDS_H
#define SLOTQ_SHARDS_H

#include "slotq.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- ids ---- */

/* Room for every id as text, with a 0 at its end. */
enum { SLOTQ_ID_TEXT_BYTES = 24 };

/* Write an id, or a later id: "1042" of a queue that is alone; of a sharded queue the shard's
 * number, a dash, and the id in the shard: "3-1042". Returns its length. */
SLOTQ_API size_t slotq_id_print(char text[SLOTQ_ID_TEXT_BYTES], uint64_t id);
/* Read either form, of `bytes` bytes: numbers are digits without a leading zero. false: it is
 * neither, or out of range, and *id stays. Whether the queue has such an id is judged by the call
 * that gets it. */
SLOTQ_API bool slotq_id_read(const char *text, size_t bytes, uint64_t *id);

/* ---- looking ---- */

typedef enum slotq_shard_state {
    SLOTQ_SHARD_OPEN = 0,
    SLOTQ_SHARD_DRAINING = 1, /* consumers empty it, producers leave it */
    SLOTQ_SHARD_GONE = 2,     /* it was drained and deleted */
    SLOTQ_SHARD_MAKING = 3    /* slotq_shards_add has not ended: call it again */
} slotq_shard_state;

/* A sharded queue. */
typedef struct slotq_shards {
    uint32_t count;       /* all shards that ever were; their numbers are 0 to count - 1 */
    uint32_t open;        /* those that are open */
    uint32_t set;         /* a random number that all its shards have */
    uint32_t revision;    /* each change adds at least 1 */
    bool keyed;           /* it has keys, so the number of its shards is fixed */
    bool making;          /* slotq_shards_create has not ended: call it again */
    bool removing;        /* slotq_remove_queue has not ended: call it again */
    uint64_t reserved[2]; /* 0 */
} slotq_shards;

/* One shard. Pointers are valid during the visit. */
typedef struct slotq_shard {
    uint32_t number;
    slotq_shard_state state;
    const char *key;          /* the name of its queue; slotq_open opens that alone */
    const char *node;         /* host:port of its node; "": a folder, or one server */
    const slotq_stats *stats; /* with the first group; NULL: it is not open or draining, or cannot
                                 be read */
    const slotq_error *error; /* why it cannot be read, or NULL */
    uint64_t bytes;           /* of its queue; 0 where there are no stats */
    uint64_t from_ms;         /* OPEN: producers use it from this time on */
    uint64_t last_id;         /* GONE: of its messages */
    uint64_t reserved[2];     /* 0 */
} slotq_shard;

/* Show a sharded queue and its shards, until visit returns false. shards, visit and options may be
 * NULL; without visit no shard is opened. OK, also if the queue is being made or removed; NOQUEUE;
 * UNSUPPORTED: it is a queue that is alone; CORRUPT. */
SLOTQ_API slotq_outcome slotq_shards_visit(const char *url, const char *name,
                                           const slotq_options *options, slotq_shards *shards,
                                           bool (*visit)(void *context, const slotq_shard *shard),
                                           void *context, slotq_error *error);

/* What a handle knows of its sharded queue, which it reads again every 5 s or so, in a call. */
typedef struct slotq_shards_view {
    slotq_shards shards;  /* as it was read last */
    uint32_t missing;     /* open or draining shards that are passed over: they were not there */
    bool unread;          /* it cannot be read now: the handle goes on with what it knows */
    bool older;           /* a failover brought an older one back: see slotq_shards_repair */
    const char *trouble;  /* the newest, with what to do; "": none. Valid until the next call */
    uint64_t reserved[2]; /* 0 */
} slotq_shards_view;

/* Asks no server. OK; UNSUPPORTED: it is a queue that is alone. */
SLOTQ_API slotq_outcome slotq_shards_seen(slotq *queue, slotq_shards_view *view);

/* ---- changes ---- */

/* Create a sharded queue of 1 to SLOTQ_SHARDS_MAX shards. Its name has 1 to 190 bytes and no brace.
 * geometry: of each shard; set and shard are ignored. OK, also if it is there with this number of
 * shards and these sizes; EXISTS; INVALID; NOQUEUE: another process removed it meanwhile. */
SLOTQ_API slotq_outcome slotq_shards_create(const char *url, const char *name, uint32_t count,
                                            const slotq_geometry *geometry,
                                            const slotq_options *options, slotq_error *error);
/* Add a shard with the sizes of the first open one; *number (may be NULL) is its number. Producers
 * use it after 15 s, when all consumers know it. A shard that another call has begun to make, even
 * if that still runs, is ended instead. OK; NOQUEUE; TOOBIG: the queue has had SLOTQ_SHARDS_MAX
 * shards; UNSUPPORTED: it has keys, or is alone. */
SLOTQ_API slotq_outcome slotq_shards_add(const char *url, const char *name,
                                         const slotq_options *options, uint32_t *number,
                                         slotq_error *error);
/* Close a shard to pushes, and delete it when all its messages are finished, none is scheduled, and
 * none is dead. OK: it is gone. AGAIN: it is closed, and has messages; call again later. INVALID:
 * no such shard, or the last open one. NOQUEUE, UNSUPPORTED as above. */
SLOTQ_API slotq_outcome slotq_shards_drain(const char *url, const char *name, uint32_t number,
                                           const slotq_options *options, slotq_error *error);
/* Open a shard that is being drained. OK, also if it is open; GONE: too late; the others as above.
 */
SLOTQ_API slotq_outcome slotq_shards_undrain(const char *url, const char *name, uint32_t number,
                                             const slotq_options *options, slotq_error *error);
/* Rebuild a descriptor that is damaged, lost, or older than the shards (after a failover) from the
 * shards that are there; *found (may be NULL) is the number of entries that had been wrong. OK;
 * NOQUEUE: no shard is there; INVALID: shards of several sharded queues of that name are;
 * UNSUPPORTED: it is a queue that is alone. */
SLOTQ_API slotq_outcome slotq_shards_repair(const char *url, const char *name,
                                            const slotq_options *options, uint32_t *found,
                                            slotq_error *error);

#ifdef __cplusplus
}
#endif
#endif
