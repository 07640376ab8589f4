/* place.h: where the values of sharded queues are kept: a folder, or the servers of a Redis. Knows
 * keys, the bytes of a descriptor, and whole queues as stores; must know no rule of SHARDS.md.
 */
#ifndef SLOTQ_BACKEND_SHARDS_PLACE_H
#define SLOTQ_BACKEND_SHARDS_PLACE_H

#include "../backend.h"

enum { SHARDS_NODE_BYTES = 80 };

typedef struct shards_place shards_place;

/* The bytes of a descriptor; NULL: there is none. */
typedef struct shards_value {
    const uint8_t *bytes;
    uint32_t size;
} shards_value;

/* Functions that return a slotq_outcome fill fault if they do not return OK; AGAIN and NOQUEUE may
 * be left without a text. A place belongs to one thread at a time. */
typedef struct shards_place_ops {
    /* Read the value at a name: its first `room` bytes into `bytes`, its whole size into *size.
     * OK, NOQUEUE (there is none), or a failure. */
    slotq_outcome (*read)(shards_place *place, const char *name, uint8_t *bytes, uint32_t room,
                          uint64_t *size, store_fault *fault);

    /* In one step: if the value is still `old`, make it `next`; if next is NULL, delete it. OK;
     * AGAIN: the value is another, or gone; EXISTS: old is NULL, and there is a value;
     * OUTCOME_UNKNOWN. On a server with replicas the place then waits for as many as the options
     * ask for; if they do not confirm, the outcome is OUTCOME_UNKNOWN. */
    slotq_outcome (*change)(shards_place *place, const char *name, shards_value old,
                            shards_value next, store_fault *fault);

    /* Create one queue. OK, also if one of this geometry, set and shard included, is there;
     * EXISTS if another value is. */
    slotq_outcome (*create)(shards_place *place, const char *key, const slotq_geometry *geometry,
                            store_fault *fault);

    /* Open one queue. OK, NOQUEUE, or a failure. */
    slotq_outcome (*open)(shards_place *place, const char *key, store **opened, store_fault *fault);

    /* In one step: delete the queue at the key if its geometry has this set and shard, and, with
     * if_finished, if it is closed and empty (rule 17 e). OK, also if there was nothing; EXISTS:
     * another value is there, and stays; CORRUPT: what is there does not tell whose it is, and
     * stays; AGAIN: it is not finished, and stays. */
    slotq_outcome (*remove)(shards_place *place, const char *key, uint32_t set, uint16_t shard,
                            bool if_finished, store_fault *fault);

    /* Show the keys of queues, sorted, until visit returns false. */
    slotq_outcome (*list)(shards_place *place, bool (*visit)(void *context, const char *key),
                          void *context, store_fault *fault);

    /* The node that has the key, as host:port; "" in a folder, or if there is one server. */
    void (*node)(shards_place *place, const char *key, char text[SHARDS_NODE_BYTES]);

    /* Make another place of the same kind, for another handle. */
    slotq_outcome (*clone)(shards_place *place, shards_place **other, store_fault *fault);

    void (*close)(shards_place *place);
} shards_place_ops;

/* What every kind of place begins with. */
struct shards_place {
    const shards_place_ops *ops;
    bool hurries; /* in: read and open wait for no server that is away */
};

#endif
