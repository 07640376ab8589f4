/* backend.h: the contract of all stores, the code that holds a queue's bytes. It is at the level of
 * verbs, so that a remote store can run a whole verb in one round trip. Knows calls and where
 * payloads go; must not know URLs, clocks, or the meaning of a message.
 */
#ifndef SLOTQ_BACKEND_BACKEND_H
#define SLOTQ_BACKEND_BACKEND_H

#include "../slotq_core.h"
#include "fault.h"
#include "system/waiting.h"

/* Where the slots of the messages that a call gives can be read. Only reserve, peek and
 * dead_list have one.
 *
 * A store whose bytes keep still (store_ops.keeps_still) leaves them where they are: base is
 * the image, and a run that reaches the ring's end goes on at its start. Else they are copied
 * into copies, one a stride, in the order of the answer: base is copies. peek and dead_list are
 * always copied, as their messages are not the caller's. */
typedef struct store_harvest {
    uint8_t *copies;     /* in: room for a stride a message asked for; NULL where bytes are still */
    uint32_t *offsets;   /* in: room for an offset a run (reserve) or an item (peek, dead_list);
                            out: where its first slot begins, counted from base */
    const uint8_t *base; /* out */
    bool wants_copies;   /* in: copied even where bytes keep still */
    bool still;          /* out: base is the image */
} store_harvest;

typedef struct store store;

/* Verbs that are run one after the other. */
typedef struct store_list {
    slotq_call *calls;
    slotq_outcome *outcomes; /* out: one a call, always set */
    uint32_t count;
    store_harvest *harvest; /* of the last verb, the only one that may give payloads; or NULL */
} store_list;

/* It says nothing of a verb's messages: the verb did not run, or that is not known. */
static inline bool store_call_failed(slotq_outcome outcome)
{
    return outcome == SLOTQ_INVALID || outcome == SLOTQ_NOQUEUE || outcome == SLOTQ_REMADE ||
           outcome >= SLOTQ_FAILURES;
}

/* The outcome of a verb that was left out because one before it failed. A verb with a harvest has
 * the same one. */
static inline slotq_outcome store_left_out(slotq_outcome failed, const store_harvest *harvest)
{
    return failed == SLOTQ_OUTCOME_UNKNOWN && harvest == NULL ? SLOTQ_IO : failed;
}

/* now_ms of a call to which the store gives the time. */
enum { STORE_TIME = 0 };

/* What a store asks the handle that it belongs to, in the midst of a call. */
typedef struct store_owner {
    uint64_t (*exact_ms)(const void *handle);
    uint64_t (*rough_ms)(const void *handle); /* a second late at most, and cheap */
    /* Asked from time to time while others keep the store waiting. */
    bool (*gives_up)(const void *handle, uint64_t waited_ms);
} store_owner;

/* A leased message on its way into another queue (FORMAT.md, "move"). */
typedef struct store_move {
    uint64_t id;
    uint64_t now_ms;        /* or STORE_TIME */
    const slotq_data *data; /* NULL: its own payload; then neither queue has checks */
    uint32_t token;
    uint8_t group;
    bool target_refused; /* out: the outcome is the target's */
    uint64_t new_id;     /* out: OK */
    slotq_holder holder; /* out: FULL */
    slotq_nudge nudge; /* out: owed where the target is a shard */
} store_move;

/* How two stores can move a message from one to the other. */
typedef enum store_meeting {
    STORES_APART,    /* by a push and an ack */
    STORES_TOGETHER, /* by store_ops.move */
    STORES_ALIKE     /* not at all: they are one queue */
} store_meeting;

/* What a consumer was told at the bell of a sharded queue (SHARDS.md, rule 40). */
typedef struct store_told {
    bool bell;                            /* to look there */
    bool round;                           /* to make a round */
    uint8_t shards[SLOTQ_SHARDS_MAX / 8]; /* to look at shard i: bit i % 8 of byte i / 8 */
} store_told;

/* Where the consumers of a sharded queue sleep at one shard, the bell. The outcomes are OK, or what
 * a call may have besides; fault says why then. None is repeated that may have happened. */
typedef struct store_bell_ops {
    /* Listen to the channel of this handle's place. false: it cannot, for now. */
    bool (*subscribe)(store *bell);

    /* Take what was told for a group. asks: all that was told before this call. false: it does not
     * listen any more; what came before that is in *told. */
    bool (*told)(store *bell, uint32_t group, bool asks, store_told *told);

    /* Sleep until something is told, or interrupted. */
    void (*doze)(store *bell, uint64_t sleep_ms);

    /* The descriptor that becomes readable when a push that waits at this queue is told of room;
     * -1: it cannot listen now. *again: it was told already, or listens only from now on: the push
     * is to look again. *interrupted is readable once store_ops.interrupt was called. */
    int (*listen)(store *at, bool *again, int *interrupted);
    /* Forget that it was interrupted. */
    void (*resume)(store *at);

    /* Give up the handle's place for a group. *was_set: it was set. */
    slotq_outcome (*unwait)(store *bell, uint32_t group, bool *was_set, store_fault *fault);

    /* Tell consumers of a shard, or with SLOTQ_SHARDS_MAX to make a round. *told: how many;
     * *may_sleep: others sleep at the bell. */
    slotq_outcome (*nudge)(store *bell, const slotq_nudge *nudge, uint32_t shard, uint32_t *told,
                           bool *may_sleep, store_fault *fault);

    /* At a shard: clear "ring the bell", if the counter is still the same. */
    slotq_outcome (*hush)(store *shard, uint32_t counter, store_fault *fault);
} store_bell_ops;

/* What every kind of store can do. Functions that return a slotq_outcome fill fault if it is a
 * failure or comes from the store (IO, LOCKED, UNSUPPORTED …). Outcomes of the core are returned
 * unchanged, CORRUPT with call->damage and fault. A call with STORE_TIME gets the owner's time once
 * the store has the bytes alone, because it may have waited for the lock. No function checks
 * arguments: the core does. A store belongs to one thread at a time; clone makes one for another
 * thread. */
typedef struct store_ops {
    /* Run a verb, all its steps, alone with the bytes: others see it before or after. harvest
     * is NULL for verbs that give no payloads. */
    slotq_outcome (*call)(store *store, slotq_call *call, store_harvest *harvest,
                          store_fault *fault);

    /* Run verbs in one message, or under one hold of the lock, which a file gives up for a moment
     * between two verbs where they take long. A server runs each whatever the others returned:
     * other clients may act between them. It gets the scripts that it may lack before them; a verb
     * that lacked its script nevertheless, or was refused for now, is sent again, behind the
     * others, and behind it the one with the harvest, if that found nothing. A store that holds its
     * lock leaves out all behind one that failed (store_left_out). Returns the last outcome. fault
     * is that of the first that failed; of the last one, if that has the harvest and is a failure.
     */
    slotq_outcome (*list)(store *store, store_list *list, store_fault *fault);

    /* Or both NULL, and all stores that are not one queue are apart. move: ack a leased message and
     * push it into a store that is together with this one, in one step: OK, DUPLICATE (it was there
     * before, and is acked now), the refusals of ack, or, with target_refused, those of push. fault
     * is filled for all but OK, STALE, GONE, NOTFOUND and DUPLICATE. */
    store_meeting (*meet)(const store *source, const store *target);
    slotq_outcome (*move)(store *source, store *target, store_move *move, store_fault *fault);

    /* Or NULL: the generation of the shard that the message with this id is in; 0: none. */
    uint32_t (*generation_of)(const store *store, uint64_t id);

    /* Sleep up to sleep_ms, or less if another caller woke the waiters since this store's last
     * call, which had may_wait set and was refused. OK: look again; IO: the bytes are gone. */
    slotq_outcome (*wait)(store *store, uint64_t sleep_ms, store_fault *fault);

    /* Or NULL, where a sleeper is not on this machine's memory: the word that this store's last
     * call sleeps on, if that had may_wait set and was refused, and the store sleeps_beside others.
     * false: there is none. */
    bool (*word)(store *store, waiting_word *word);

    /* End the sleep of wait, now and if it is about to begin. Any thread may call it while the
     * store is open, and a signal handler: no lock, no allocation. */
    void (*interrupt)(store *store);

    /* Or NULL: the waiting is over, and this store's owner may look no more: what its calls with
     * may_wait left behind is for others. */
    void (*leave)(store *store);

    /* Right now, and until the store's owner does something with it, leased slots keep still: no
     * push overwrites them, and none steps aside. */
    bool (*keeps_still)(const store *store);

    /* Every rule over the whole image. OK or CORRUPT (damage), IO. */
    slotq_outcome (*check)(store *store, slotq_damage *damage, store_fault *fault);

    /* A consistent copy of the image's bytes; buffer has room for view.image_bytes. */
    slotq_outcome (*export)(store *store, uint8_t *buffer, store_fault *fault);

    /* Another store on the same bytes, for another thread. A server is waited for timeout_ms, 0 =
     * as long as by this store. */
    slotq_outcome (*clone)(store *store, uint32_t timeout_ms, struct store **other,
                           store_fault *fault);

    const store_bell_ops *bell; /* or NULL */

    /* Close and free the store. The bytes stay where they are kept; memory is freed with its last
     * store. */
    void (*close)(store *store);
} store_ops;

/* What all stores begin with. The view is a copy: its geometry and offsets may be used by anyone,
 * its bytes (NULL if they are remote) by the store alone. */
struct store {
    const store_ops *ops;
    slotq_view view;
    int64_t ahead_ms;   /* its clock minus this machine's; 0 if they are the same */
    uint64_t identity;  /* equal for stores of one queue; another for a queue made anew, where that
                           can be told */
    uint32_t adoptions; /* how often it has read its queue's geometry anew; 0 where it cannot */
    bool is_listened;   /* its owner polls for wakes: a call that finds nothing is waiting */
    bool sleeps_beside; /* set by its owner, which sleeps on several stores at once, by their words:
                           it calls leave for all of them when one gave what it waited for */
    bool spreads_polls; /* many may sleep, each woken alone: their polls should not come at once */
    bool has_trips;     /* its bytes are on a server: a list saves time */
    bool wants_now;     /* every call should have a now, rough where the verb needs none */
    bool looks_again;   /* in: the caller waits, and looks again before it gives up */
    bool hurries;       /* in: a call may go elsewhere, so it waits for no server that is away */
    bool splits_pushes; /* messages with keys may go to several shards */
    bool tells_invalid; /* its INVALID comes with a text, as a failure does */
    bool asks_judged; /* it cannot compute checks: redrive brings judged if the queue has checks */
    /* A server serves no other client during a call: the messages that one call may let die, or
     * redrive. 0: any number. */
    uint32_t dying_most;
    uint32_t redrive_most;
    const store_owner *owner; /* NULL while it is opened, and no verb is run then */
    const void *handle;       /* of the owner, for its functions */
};

/* The verb reckons with the time. */
static inline bool store_needs_time(const store *self, const slotq_call *call)
{
    switch (call->verb) {
    case SLOTQ_PUSH:
        return (self->view.geometry.flags & SLOTQ_FLAG_STAMPS) != 0 ||
               self->view.geometry.later_slots > 0; /* a push promotes what is due */
    case SLOTQ_ACK:
        return false;
    case SLOTQ_RELEASE:
        return call->settle.ms > 0;
    default:
        return true;
    }
}

/* Give a call its time, unless it has one. */
static inline void store_set_now(const store *self, slotq_call *call)
{
    if (call->now_ms != STORE_TIME) {
        return;
    }
    if (store_needs_time(self, call)) {
        call->now_ms = self->owner->exact_ms(self->handle);
    } else if (self->wants_now) {
        call->now_ms = self->owner->rough_ms(self->handle);
    }
}

#endif
