/* mux.h: the handler of a payload, by the type in its frame. mux_find is called for each message:
 * no allocation, no lock. Knows no queue, and nothing of the state of tasks.
 */
#ifndef SLOTQ_WORKER_MUX_H
#define SLOTQ_WORKER_MUX_H

#include <string.h>

#include "../slotq_worker.h"
#include "frame.h"

/* What is registered. Valid as long as the mux. */
typedef struct mux_entry {
    slotq_handler handler; /* with its defaults filled in. run and run_many NULL: plain or unknown,
                              and none was registered */
    uint64_t hash;         /* of its name */
    uint32_t index;        /* 0 to mux_count - 1, for counters */
    uint8_t name_bytes;
    bool is_prefix;
    char label[SLOTQ_TYPE_BYTES_MAX + 2]; /* "email:deliver", "email:*", MUX_PLAIN, MUX_UNKNOWN:
                                             differs from all others of the mux */
} mux_entry;

#define MUX_PLAIN "(plain)"
#define MUX_UNKNOWN "(unknown)"

/* The types seen last and what they have. One per thread; starts as zeros; of one mux. */
enum { MUX_CACHE_TYPES = 4 };
typedef struct mux_cached {
    const mux_entry *entry;
    uint32_t size; /* of the type with its NUL; 0 = unused */
    char type[SLOTQ_TYPE_BYTES_MAX + 1];
} mux_cached;
typedef struct mux_cache {
    mux_cached types[MUX_CACHE_TYPES];
    uint32_t last; /* the one that was found last */
    uint32_t next; /* the one to replace */
} mux_cache;

/* A user of the mux: from the first hold on nothing can be registered; the mux lives until the last
 * one has let it go and slotq_mux_free was called. Any thread. */
void mux_hold(slotq_mux *mux);
void mux_let_go(slotq_mux *mux);

/* Handlers and two. */
uint32_t mux_count(const slotq_mux *mux);
const mux_entry *mux_at(const slotq_mux *mux, uint32_t index);

/* Set type, body, payload and due_ms of info, nothing else, and return the entry for them; NULL:
 * rule is SLOTQ_FRAME_TYPED, and it is not a frame. The mux is held. */
const mux_entry *mux_find(const slotq_mux *mux, mux_cache *cache, slotq_frame_rule rule,
                          const void *payload, uint32_t bytes, slotq_task_info *info);

static inline uint64_t mux_load_8(const char *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

/* A short type is two loads: a call of memcmp took longer than all the rest of a hit. */
static inline bool mux_is_same(const char *one, const char *other, uint32_t size)
{
    if (size < 8 || size > 16) {
        return memcmp(one, other, size) == 0;
    }
    return mux_load_8(one) == mux_load_8(other) &&
           mux_load_8(one + size - 8) == mux_load_8(other + size - 8);
}

/* mux_find, with the type that was found last at hand. */
static inline const mux_entry *mux_look(const slotq_mux *mux, mux_cache *cache,
                                        slotq_frame_rule rule, const void *payload, uint32_t bytes,
                                        slotq_task_info *info)
{
    const mux_cached *last = &cache->types[cache->last];
    if (rule != SLOTQ_FRAME_PLAIN && last->size != 0 && bytes >= last->size &&
        mux_is_same((const char *)payload, last->type, last->size)) {
        frame_read_typed(payload, bytes, last->size - 1, info);
        return last->entry;
    }
    return mux_find(mux, cache, rule, payload, bytes, info);
}

static inline bool mux_has_handler(const mux_entry *entry)
{
    return entry->handler.run != NULL || entry->handler.run_many != NULL;
}

/* The middleware, at last run of the entry, which it has. */
slotq_result mux_run(const slotq_mux *mux, const mux_entry *entry, slotq_task *task);

#endif
