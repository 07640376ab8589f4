/* inside.h: a sharded queue's store as its own files see it, and how one of its shards is called.
 * Knows no verb.
 */
#ifndef SLOTQ_BACKEND_SHARDS_INSIDE_H
#define SLOTQ_BACKEND_SHARDS_INSIDE_H

#include "../backend.h"
#include "descriptor.h"

typedef struct shards_store {
    store base;
    shards_descriptor descriptor; /* as it was read when the queue was opened */
    store *shards[SLOTQ_SHARDS_MAX];
    uint32_t push_seed;   /* of the shard that the next push begins with */
    uint32_t turn;        /* the shard that the next reserve begins with */
    uint32_t in_sequence; /* full batches that it gave one after another */
    uint32_t sleeps_at;   /* the shard at which the next part of a sleep is slept */
} shards_store;

static inline shards_store *shards_store_of(store *base)
{
    return (shards_store *)(void *)base;
}

/* The next shard from `index` on that has a store, around the ring; one always has. */
static inline uint32_t shards_from(const shards_store *self, uint32_t index)
{
    const uint32_t count = self->descriptor.count;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t at = (index + i) % count;
        if (self->shards[at] != NULL) {
            return at;
        }
    }
    return 0;
}

/* Run a verb in one shard. The shard asks the same owner as the whole queue. */
static inline slotq_outcome shards_run(shards_store *self, uint32_t shard, slotq_call *call,
                                       store_harvest *harvest, store_fault *fault)
{
    store *at = self->shards[shard];
    at->owner = self->base.owner;
    at->handle = self->base.handle;
    return at->ops->call(at, call, harvest, fault);
}

/* A call that is run in several shards begins anew in each. */
typedef struct shards_again {
    uint64_t now_ms;
    bool looks;
} shards_again;

static inline shards_again shards_begin(const slotq_call *call)
{
    return (shards_again){call->now_ms, call->progress.looks};
}

static inline void shards_begin_again(slotq_call *call, shards_again again)
{
    slotq_core_begin(call, call->verb, again.now_ms);
    call->progress.looks = again.looks;
}

/* Verbs of one kind, each run where it belongs. */
slotq_outcome shards_push(shards_store *self, slotq_call *call, store_fault *fault);
slotq_outcome shards_reserve(shards_store *self, slotq_call *call, store_harvest *harvest,
                             store_fault *fault);
/* What waiting reserves left behind in the shards is for others. */
void shards_leave_all(shards_store *self);
slotq_outcome shards_settle(shards_store *self, slotq_call *call, store_fault *fault);
/* dead_list of one message. */
slotq_outcome shards_dead_one(shards_store *self, slotq_call *call, store_harvest *harvest,
                              store_fault *fault);
/* status, remove, dead_remove: *id is the part of the call that has the id. */
slotq_outcome shards_with_id(shards_store *self, slotq_call *call, uint64_t *id,
                             store_fault *fault);
slotq_outcome shards_stats(shards_store *self, slotq_call *call, store_fault *fault);
/* pause, resume, purge, dead_purge, reclaim, limit: in all shards. */
slotq_outcome shards_in_all(shards_store *self, slotq_call *call, store_fault *fault);

#endif
