/* waiter.h: sleeping until a script wakes the waiters of a queue: a second connection that
 * is subscribed to slotq:KEY, or in a queue with places to the channel of one place. Knows
 * PUBLISH's other end, and SPUBLISH's; no verb.
 */
#ifndef SLOTQ_BACKEND_REDIS_WAITER_H
#define SLOTQ_BACKEND_REDIS_WAITER_H

#include "../system/bell.h"
#include "told.h"
#include "wire/connection.h"

enum { REDIS_NO_PLACE = -1 };

typedef struct redis_waiter {
    redis_connection connection;
    bell bell; /* rung by redis_interrupt: ends a sleep */
    bool subscribed;
    bool refused;    /* the server will not have it: only looking now and then is left */
    uint32_t places; /* of the queue; 0: one channel for all */
    bool is_shard;   /* of a sharded queue: its channels are sharded ones, if the server has them */
    bool sharded;    /* it is subscribed to such a one */
    int32_t place;   /* its own; REDIS_NO_PLACE until it first subscribes */
    int32_t left;    /* the place that a change left, to be given up by the store */
    uint32_t rows;   /* in which its place may be set, a bit each */
    uint32_t vain;   /* wake-ups in a row after which nothing was there */
    bool woken;      /* the last sleep ended by a message, and nothing was taken since */
    bool silent;     /* it ended without one */
    bool lost;       /* and a ring was for this place: the subscription is not to be trusted */
    redis_told told[SLOTQ_GROUPS_MAX]; /* and not yet asked for (nudge.h) */
} redis_waiter;

void redis_waiter_init(redis_waiter *waiter);

/* Sleep up to sleep_ms or until woken. The first call subscribes and comes back at once, as
 * what was published before it is not heard: look again, then sleep. The same after a change of
 * place. Where there can be no subscription (address NULL, refused, the server gone) it sleeps a
 * second at most. */
void redis_waiter_sleep(redis_waiter *waiter, const redis_connection *model, const char *key,
                        size_t key_bytes, uint64_t sleep_ms);

/* The socket that becomes readable when a script wakes the waiters, subscribed if need be; what has
 * come is taken. -1: there can be no subscription now. */
int redis_waiter_listen(redis_waiter *waiter, const redis_connection *model, const char *key,
                        size_t key_bytes);

/* Be subscribed to a place's channel. false: it cannot now, or the queue has no places. */
bool redis_waiter_subscribe(redis_waiter *waiter, const redis_connection *model, const char *key,
                            size_t key_bytes);

/* Sleep until a message comes, or interrupted; it stays at its place, and does not subscribe. */
void redis_waiter_doze(redis_waiter *waiter, uint64_t sleep_ms);

/* It is subscribed to its place's channel, so a look may register there. */
bool redis_waiter_hears(redis_waiter *waiter);

/* Note what has come in `told`. asks: PING, and read up to its reply. false: it is not subscribed
 * to a place's channel (any more). */
bool redis_waiter_read(redis_waiter *waiter, bool asks);

/* A call found what it waited for. */
void redis_waiter_found(redis_waiter *waiter);

/* Calls go to another server than the one where it listens: leave that. */
void redis_waiter_follow(redis_waiter *waiter, const redis_connection *model);

/* Leave the server where it listens: the next sleep subscribes anew. */
void redis_waiter_leave(redis_waiter *waiter);

void redis_waiter_free(redis_waiter *waiter);

#endif
