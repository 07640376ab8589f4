/* names.h: the keys of the shards of a sharded queue (SHARDS.md, "Names"). Knows names and slots of
 * a cluster; no bytes of a queue and no kind of store.
 */
#ifndef SLOTQ_BACKEND_SHARDS_NAMES_H
#define SLOTQ_BACKEND_SHARDS_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SHARDS_NAME_BYTES_MAX = 190, /* of a sharded queue: its shards have room for their tags */
    SHARDS_TAG_BYTES_MAX = 10,   /* between the braces */
    SHARDS_KEY_BYTES_MAX = SHARDS_NAME_BYTES_MAX + SHARDS_TAG_BYTES_MAX + 2,
    SHARDS_K_MAX = 8211 /* tests try all names and shards */
};

typedef struct shards_key {
    char text[SHARDS_KEY_BYTES_MAX + 1]; /* with a 0 at its end */
    size_t bytes;
} shards_key;

/* NULL, or the rule that the name of a sharded queue breaks ("the queue's name …"). */
const char *shards_name_fault(const char *name, size_t name_bytes);

/* The number in the tag of a shard, which puts its key near its place on the ring of slots. It
 * takes 850 tries on average: the descriptor keeps the number. The name has no fault. */
uint32_t shards_find_k(const char *name, size_t name_bytes, uint32_t shard);

/* NAME{shard.k}. The name has no fault, shard is below SLOTQ_SHARDS_MAX, k at most SHARDS_K_MAX. */
void shards_key_make(shards_key *key, const char *name, size_t name_bytes, uint32_t shard,
                     uint32_t k);

/* Whether a key that was found is that of a shard of this name, and of which. Any bytes may be
 * given. */
bool shards_key_read(const char *key, size_t key_bytes, const char *name, size_t name_bytes,
                     uint32_t *shard, uint32_t *k);

/* How many bytes of a key are the name of a sharded queue, if it is that of one of its shards; else
 * 0. Any bytes may be given. */
size_t shards_name_of_key(const char *key, size_t key_bytes);

#endif
