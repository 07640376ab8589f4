/* descriptor.h: the value at the name of a sharded queue, as a struct and as bytes (SHARDS.md, "The
 * descriptor"). The bytes are not trusted. Knows no shard's contents and no store.
 */
#ifndef SLOTQ_BACKEND_SHARDS_DESCRIPTOR_H
#define SLOTQ_BACKEND_SHARDS_DESCRIPTOR_H

#include "../../slotq_core.h"

enum {
    SHARDS_HEAD_BYTES = 32, /* they differ whenever the descriptor does */
    SHARDS_ENTRY_BYTES = 12,
    SHARDS_DESCRIPTOR_BYTES_MAX = SHARDS_HEAD_BYTES + SHARDS_ENTRY_BYTES * SLOTQ_SHARDS_MAX
};

typedef enum shards_state {
    SHARDS_OPEN = 0,
    SHARDS_DRAINING = 1,
    SHARDS_GONE = 2,
    SHARDS_MAKING = 3
} shards_state;

enum {
    SHARDS_FLAG_KEYED = 1,
    SHARDS_FLAG_MAKING = 2,
    SHARDS_FLAG_REMOVING = 4,
    SHARDS_FLAGS_ALL = 7
};

typedef struct shards_entry {
    shards_state state;
    uint32_t k; /* the number in the tag of its key, to SHARDS_K_MAX */
    union {
        uint64_t from_ms; /* OPEN: producers use it from this time on */
        uint64_t last_id; /* GONE */
        uint64_t x;       /* either of them; 0 in other states */
    };
} shards_entry;

typedef struct shards_descriptor {
    uint32_t revision; /* 1 at creation; a change adds 1 */
    uint32_t set;      /* which sharded queue a shard belongs to; not 0 */
    uint16_t count;    /* of entries */
    uint8_t groups;    /* of each shard */
    uint8_t flags;     /* SHARDS_FLAG_… */
    shards_entry entries[SLOTQ_SHARDS_MAX];
} shards_descriptor;

/* Whether a reader takes it. false: damage has the place in its bytes, and the rule. */
bool shards_descriptor_is_sound(const shards_descriptor *descriptor, slotq_damage *damage);

/* Its bytes, of one that is sound; returns how many. */
uint32_t shards_descriptor_write(const shards_descriptor *descriptor,
                                 uint8_t bytes[SHARDS_DESCRIPTOR_BYTES_MAX]);

/* OK; or CORRUPT, with the place and the rule, and *read is without meaning. The bytes may change
 * meanwhile: what is read is then sound, or refused. */
slotq_outcome shards_descriptor_read(const uint8_t *bytes, uint64_t size, shards_descriptor *read,
                                     slotq_damage *damage);

/* The set that a head names; the rest is not judged. */
uint32_t shards_set_in(const uint8_t head[SHARDS_HEAD_BYTES]);

#endif
