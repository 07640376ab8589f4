/* at_bell.c: see at_bell.h.
 */
#include "at_bell.h"

#include <string.h>

#include "connect.h"
#include "nudge.h"

static bool subscribe(store *at)
{
    redis_store *self = redis_store_of(at);
    const redis_connection model = redis_store_listens_at(self);
    return redis_waiter_subscribe(&self->waiter, &model, self->key, self->terms.key_bytes);
}

static bool told(store *at, uint32_t group, bool asks, store_told *what)
{
    redis_store *self = redis_store_of(at);
    redis_told told;
    const redis_connection model = redis_store_listens_at(self);
    if (asks) { /* a call before it has been to the server that has the key now */
        redis_waiter_follow(&self->waiter, &model);
    }
    const bool hears = redis_store_told(self, group, asks, &told);
    _Static_assert(sizeof what->shards == sizeof told.shards, "a bit for each shard");
    memset(what, 0, sizeof *what);
    what->bell = told.bell;
    what->round = told.round;
    if (told.shard) {
        memcpy(what->shards, told.shards, sizeof what->shards);
    }
    return hears;
}

static void doze(store *at, uint64_t sleep_ms)
{
    redis_store *self = redis_store_of(at);
    redis_waiter_doze(&self->waiter, redis_route_nap_ms(&self->route, sleep_ms));
}

static int hear_of_room(store *at, bool *again, int *interrupted)
{
    redis_store *self = redis_store_of(at);
    bell_renew(&self->waiter.bell);
    *interrupted = bell_fd(&self->waiter.bell);
    const bool was_subscribed = redis_waiter_hears(&self->waiter);
    const int32_t place = self->waiter.place;
    const int fd = redis_store_listen(self);
    *again = fd >= 0 && (!was_subscribed || place != self->waiter.place || self->waiter.woken);
    return fd;
}

static void resume(store *at)
{
    bell_clear(&redis_store_of(at)->waiter.bell);
}

static slotq_outcome unwait(store *at, uint32_t group, bool *was_set, store_fault *fault)
{
    return redis_store_unwait(redis_store_of(at), group, was_set, fault);
}

static slotq_outcome nudge(store *at, const slotq_nudge *nudge, uint32_t shard, uint32_t *told_by,
                           bool *may_sleep, store_fault *fault)
{
    const int32_t what = shard < SLOTQ_SHARDS_MAX ? (int32_t)shard : REDIS_TO_ROUND;
    return redis_store_nudge(redis_store_of(at), nudge, what, told_by, may_sleep, fault);
}

static slotq_outcome hush(store *shard, uint32_t counter, store_fault *fault)
{
    return redis_store_hush(redis_store_of(shard), counter, fault);
}

const store_bell_ops redis_bell_ops = {
    .subscribe = subscribe,
    .told = told,
    .doze = doze,
    .listen = hear_of_room,
    .resume = resume,
    .unwait = unwait,
    .nudge = nudge,
    .hush = hush,
};
