/* inside.h: a sharded queue's store as its own files see it, and how one of its shards is called.
 * Knows no verb.
 */
#ifndef SLOTQ_BACKEND_SHARDS_INSIDE_H
#define SLOTQ_BACKEND_SHARDS_INSIDE_H

#include "../backend.h"
#include "bell.h"
#include "descriptor.h"
#include "names.h"
#include "place.h"

/* A store that is not used any more: an interrupt of another thread may still have its address. */
typedef struct shards_retired {
    store *store;
    struct shards_retired *next;
} shards_retired;

/* Where the descriptor is, and how the last look at it ended (view.c). */
typedef struct shards_source {
    shards_place *place; /* NULL: the view never changes */
    char name[SHARDS_NAME_BYTES_MAX + 1];
    uint8_t head[SHARDS_HEAD_BYTES]; /* of the view */
    uint64_t look_ms;                /* monotonic: when it is read again */
    uint64_t doubt_ms; /* from then on an answer that speaks for another view has it read */
    uint64_t reads;    /* how often it was read */
    bool is_doubted;   /* by such an answer */
    bool is_unread;    /* it could not be read: rule 23 */
    bool is_older;     /* a failover brought an older one back: rule 24 */
    bool is_shut;      /* it says making or removing: calls are refused */
    bool is_remade;    /* another queue has the name, which a call is to say */
    store_fault fault; /* of the newest of these troubles, or a shard's */
    shards_retired *retired;
} shards_source;

/* Where a list of the dead or of scheduled messages ended: the next page begins there. */
typedef struct shards_mark {
    slotq_verb verb;
    bool is_set;
    uint64_t at; /* messages that this list and those before it have given */
    uint32_t shard;
    uint64_t from; /* of these messages, those of this shard */
} shards_mark;

enum { SHARDS_ROOMS = 2 };

typedef struct shards_store {
    store base;
    shards_descriptor descriptor;    /* the view */
    store *shards[SLOTQ_SHARDS_MAX]; /* set atomically: interrupts read them */
    bool missing[SLOTQ_SHARDS_MAX];  /* it was not there: passed over until the next look */
    shards_source source;
    bool hurries; /* a shard that is away is not waited for: another one will do */
    shards_mark mark;
    uint16_t fill[SLOTQ_SHARDS_MAX]; /* of 65535: what replies to this handle's pushes told */
    uint64_t pushed_ms;              /* the last push of messages without keys: rule 33 */
    bool bell_sleeps;                /* so the bell's last reply to a push: rule 33 */
    uint32_t push_seed;              /* of the shards that the next push draws */
    uint32_t turn;                   /* the shard that the next reserve begins with */
    uint32_t in_sequence;            /* full batches that it gave one after another */
    uint32_t rooms[SHARDS_ROOMS];    /* the shards where a push waits for room: rule 31 */
    uint32_t room_count;
    uint32_t sleeps_at;              /* the shard at which the next part of a sleep is slept */
    shards_bell bell;                /* where shards are on servers */
    uint8_t group;                   /* for which it waits there */
    uint32_t stirs;                  /* atomic: each interrupt adds 1 */
    uint32_t stirs_seen;             /* by the last call */
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

/* The shard has no queue now, as the view says. */
static inline bool shards_is_unused(const shards_store *self, uint32_t shard)
{
    const shards_state state = self->descriptor.entries[shard].state;
    return state == SHARDS_GONE || state == SHARDS_MAKING;
}

/* NOQUEUE: its queue is missing (rule 25). */
slotq_outcome shards_refuse_missing(const shards_store *self, uint32_t shard, store_fault *fault);

/* An answer of a shard that had this generation may speak for another view, or another queue.
 * Returns the outcome that it is for the whole. */
slotq_outcome shards_note(shards_store *self, uint32_t shard, uint32_t generation,
                          slotq_outcome outcome, store_fault *fault);

/* A reply of a shard said that consumers at the bell are to be told (rule 45). */
void shards_nudge(shards_store *self, uint32_t shard, const slotq_call *call);

/* Run a verb in one shard. The shard asks the same owner as the whole queue. */
static inline slotq_outcome shards_run(shards_store *self, uint32_t shard, slotq_call *call,
                                       store_harvest *harvest, store_fault *fault)
{
    store *at = self->shards[shard];
    if (at == NULL || self->missing[shard]) {
        return shards_refuse_missing(self, shard, fault);
    }
    const uint32_t generation = at->view.geometry.generation;
    at->owner = self->base.owner;
    at->handle = self->base.handle;
    at->hurries = self->hurries;
    const slotq_outcome outcome = at->ops->call(at, call, harvest, fault);
    if (call->nudge.need > 0) {
        shards_nudge(self, shard, call);
    }
    return outcome == SLOTQ_CLOSED || outcome == SLOTQ_NOQUEUE || outcome == SLOTQ_REMADE
               ? shards_note(self, shard, generation, outcome, fault)
               : outcome;
}

/* Where the system can sleep on words of memory, a handle sleeps on those of all shards. */
static inline void shards_sleeps_beside(store *shard)
{
    shard->sleeps_beside = shard->ops->word != NULL;
}

/* The same with room for payloads, which is made for the widest of all shards. REMADE: this one is
 * wider since it was resized; the store has the new sizes. */
slotq_outcome shards_run_wide(shards_store *self, uint32_t shard, slotq_call *call,
                              store_harvest *harvest, store_fault *fault);
bool shards_is_wide_enough(const shards_store *self, const slotq_view *shard);
/* The sizes of the whole, from those of its shards. */
void shards_take_sizes(shards_store *self);

/* INVALID: no id of this queue. */
slotq_outcome shards_refuse_id(const shards_store *self, uint64_t id, store_fault *fault);

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

/* ---- the view (view.c) ---- */

/* Before a call: read the descriptor again if it is time, or an answer gave reason to. */
void shards_view_look(shards_store *self);
/* After a refusal that another view may not have. true: there is another view now. */
bool shards_view_renew(shards_store *self);
/* OK; NOQUEUE: the queue is being made or removed; REMADE, once: another one has its name. */
slotq_outcome shards_view_judge(shards_store *self, store_fault *fault);
/* How much of a sleep may pass before the next look. */
uint64_t shards_view_nap_ms(const shards_store *self, uint64_t sleep_ms);
/* When a look at now_ms is followed by the next. */
uint64_t shards_view_next_ms(uint64_t now_ms);
/* The place and the name are known; the descriptor is read. OK, or why it cannot be used. */
slotq_outcome shards_view_read(shards_place *place, const char *name, shards_descriptor *read,
                               uint8_t head[SHARDS_HEAD_BYTES], store_fault *fault);
/* Open shard i of a descriptor; *opened is NULL where it has no queue by its state. */
slotq_outcome shards_view_open_one(shards_place *place, const char *name,
                                   const shards_descriptor *descriptor, uint32_t shard,
                                   store **opened, store_fault *fault);

/* ---- the stores (store.c) ---- */

/* Whether a store is shard i, and goes with those that are there. */
slotq_outcome shards_judge_one(const shards_store *self, uint32_t shard, const store *opened,
                               store_fault *fault);
/* It belongs to the queue from now on. */
void shards_take_one(shards_store *self, uint32_t shard, store *opened);

/* ---- verbs ---- */

/* Verbs of one kind, each run where it belongs. */
slotq_outcome shards_push(shards_store *self, slotq_call *call, store_fault *fault);
/* A push or schedule into one shard; the ids and what refuses get the numbers of the whole. */
slotq_outcome shards_add_to(shards_store *self, uint32_t shard, slotq_call *call,
                            store_fault *fault);
/* The same into any open shard (rule 30). */
slotq_outcome shards_add_anywhere(shards_store *self, slotq_call *call, store_fault *fault);
/* A push or schedule that tells of each message (rule 29). */
slotq_outcome shards_add_split(shards_store *self, slotq_call *call, store_fault *fault);
slotq_outcome shards_reserve(shards_store *self, slotq_call *call, store_harvest *harvest,
                             store_fault *fault);
/* The open shard with the lowest number; the number of entries: none is open. */
uint32_t shards_bell_of(const shards_store *self);
/* A reserve that waits at the bell, or has waited there. false: there is no bell now, or it cannot
 * be heard, and nothing was done. */
bool shards_waits_at_bell(shards_store *self);
slotq_outcome shards_reserve_at_bell(shards_store *self, slotq_call *call, shards_again again,
                                     store_harvest *harvest, store_fault *fault);
void shards_doze(shards_store *self, uint64_t sleep_ms);
/* It waits no more. true: it was told of nothing. */
bool shards_leave_bell(shards_store *self);
/* Shards from the turn on, until one gives messages. */
typedef struct shards_looks {
    uint32_t most;
    bool may_miss; /* nothing is found although a shard is away, if not all are */
} shards_looks;
slotq_outcome shards_look_around(shards_store *self, slotq_call *call, shards_again again,
                                 shards_looks looks, store_harvest *harvest, store_fault *fault);
/* The same, where a shard that is away is passed over; if all are, they are waited for. */
slotq_outcome shards_look_and_outlast(shards_store *self, slotq_call *call, shards_again again,
                                      shards_looks looks, store_harvest *harvest,
                                      store_fault *fault);
/* A shard's server is away. */
bool shards_is_away(slotq_outcome outcome, const store_fault *fault);
bool shards_found_nothing(slotq_outcome outcome);
/* The call's ids become those of the whole queue. */
void shards_number_runs(slotq_call_reserve *reserve, uint32_t shard);

/* A push waits for room in this shard (rule 31). */
bool shards_waits_in(const shards_store *self, uint32_t shard);
void shards_note_room(shards_store *self, uint32_t shard);
/* Sleep until any shard has something, up to sleep_ms. */
slotq_outcome shards_sleep(shards_store *self, uint64_t sleep_ms, store_fault *fault);
void shards_interrupt(shards_store *self);
/* A call begins: interrupts from now on end the sleep after it. */
void shards_sleep_later(shards_store *self);
/* What waiting reserves left behind in the shards is for others. */
void shards_leave_all(shards_store *self);
slotq_outcome shards_settle(shards_store *self, slotq_call *call, store_fault *fault);
/* peek, dead_list, later_list. */
slotq_outcome shards_list(shards_store *self, slotq_call *call, store_harvest *harvest,
                          store_fault *fault);
/* dead_list of one message. */
slotq_outcome shards_dead_one(shards_store *self, slotq_call *call, store_harvest *harvest,
                              store_fault *fault);
/* status, remove, dead_remove, cancel, kick: *id is the part of the call that has the id. */
slotq_outcome shards_with_id(shards_store *self, slotq_call *call, uint64_t *id,
                             store_fault *fault);
slotq_outcome shards_redrive(shards_store *self, slotq_call *call, store_fault *fault);
slotq_outcome shards_find(shards_store *self, slotq_call *call, store_fault *fault);
slotq_outcome shards_stats(shards_store *self, slotq_call *call, store_fault *fault);
/* pause, resume, purge, dead_purge, reclaim, limit: in all shards. */
slotq_outcome shards_in_all(shards_store *self, slotq_call *call, store_fault *fault);

#endif
