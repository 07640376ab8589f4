/* store.c: see store.h.
 */
#define _GNU_SOURCE
#include "run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../system/identity.h"
#include "at_bell.h"
#include "call/errors.h"
#include "connect.h"
#include "move.h"
#include "places.h"
#include "server.h"

enum { CONNECT_TIMEOUT_MS = 5000, TIMEOUT_MS = 10000, WAIT_MS = 1000, FSYNCED_MS = 5000 };
enum { LIST_FEW = 2 }; /* verbs of a list for which the stack has room */

static redis_store *self_of(store *base)
{
    return (redis_store *)(void *)base;
}

/* ---- verbs ---- */

static slotq_outcome redis_call(store *base, slotq_call *call, store_harvest *harvest,
                                store_fault *fault)
{
    redis_job job = {.call = call, .harvest = harvest, .fault = fault};
    store_set_now(base, call);
    redis_store_run(self_of(base), &job, 1);
    return job.outcome;
}

/* jobs and faults have room for the list. */
static void run_list(store *base, store_list *list, redis_job *jobs, store_fault *faults,
                     store_fault *fault)
{
    const uint32_t last = list->count - 1;
    uint32_t told = list->count; /* whose fault it is */
    for (uint32_t i = 0; i < list->count; i++) {
        store_set_now(base, &list->calls[i]);
        jobs[i] = (redis_job){.call = &list->calls[i],
                              .harvest = i == last ? list->harvest : NULL,
                              .fault = &faults[i],
                              .brings_script = true,
                              .comes_last = i == last && list->harvest != NULL};
    }
    redis_store_forget_scripts(self_of(base));
    redis_store_run(self_of(base), jobs, list->count);
    for (uint32_t i = list->count; i > 0; i--) {
        const slotq_outcome outcome = jobs[i - 1].outcome;
        list->outcomes[i - 1] = outcome;
        /* the core says INVALID without a fault */
        told = store_call_failed(outcome) && outcome != SLOTQ_INVALID ? i - 1 : told;
    }
    if (list->harvest != NULL && list->outcomes[last] >= SLOTQ_FAILURES) {
        told = last;
    }
    if (told < list->count) {
        *fault = faults[told];
    }
}

static slotq_outcome redis_list(store *base, store_list *list, store_fault *fault)
{
    redis_job few_jobs[LIST_FEW];
    store_fault few_faults[LIST_FEW];
    if (list->count <= LIST_FEW) {
        run_list(base, list, few_jobs, few_faults, fault);
        return list->outcomes[list->count - 1];
    }
    redis_job *jobs = calloc(list->count, sizeof *jobs);
    store_fault *faults = calloc(list->count, sizeof *faults);
    if (jobs != NULL && faults != NULL) {
        run_list(base, list, jobs, faults, fault);
    } else {
        for (uint32_t i = 0; i < list->count; i++) {
            list->outcomes[i] = fault_say(fault, SLOTQ_NOMEMORY, "no memory for %lu commands",
                                          (unsigned long)list->count);
        }
    }
    free(jobs);
    free(faults);
    return list->outcomes[list->count - 1];
}

/* ---- waiting ---- */

static slotq_outcome redis_wait(store *base, uint64_t sleep_ms, store_fault *fault)
{
    redis_store *self = self_of(base);
    (void)fault; /* a server that is gone is told by the next call */
    const redis_connection model = redis_store_listens_at(self);
    redis_waiter_sleep(&self->waiter, &model, self->key, self->terms.key_bytes,
                       redis_route_nap_ms(&self->route, sleep_ms));
    redis_places_leave_old(self);
    return SLOTQ_OK;
}

static void redis_interrupt(store *base)
{
    bell_ring(&self_of(base)->waiter.bell);
}

int redis_store_listen(redis_store *self)
{
    const redis_connection model = redis_store_listens_at(self);
    const int fd = redis_waiter_listen(&self->waiter, &model, self->key, self->terms.key_bytes);
    redis_places_leave_old(self);
    return fd;
}

static void redis_leave(store *base)
{
    redis_places_leave(self_of(base));
}

static bool redis_keeps_still(const store *base)
{
    (void)base;
    return false;
}

/* ---- the whole value ---- */

/* GET once; *refusal: it was refused, and that passes. */
static slotq_outcome ask_whole(redis_store *self, redis_patience *patience, redisReply **reply,
                               const redis_refusal **refusal, store_fault *fault)
{
    const char *words[] = {"GET", self->key};
    const size_t lengths[] = {3, self->terms.key_bytes};
    *refusal = NULL;
    slotq_outcome outcome = redis_store_reconnect(self, patience, fault);
    if (outcome == SLOTQ_OK) {
        outcome = redis_server_ask(&self->connection, false, 2, words, lengths, reply, fault);
    }
    if (outcome != SLOTQ_OK || *reply == NULL) {
        return outcome;
    }
    if ((*reply)->type == REDIS_REPLY_ERROR) {
        redis_error error;
        outcome = redis_error_take(*reply, false, &error, fault);
        *refusal = redis_refusal_of(*reply);
    } else if ((*reply)->type == REDIS_REPLY_NIL) {
        outcome = fault_say(fault, SLOTQ_NOQUEUE, "the queue does not exist any more");
    } else if ((*reply)->type != REDIS_REPLY_STRING) {
        outcome = redis_error_shape(false, fault);
    }
    if (outcome != SLOTQ_OK) {
        freeReplyObject(*reply);
    }
    return outcome;
}

/* The value begins as that of the open queue does, or its damage is for the caller to find. */
static bool is_ours(const redis_store *self, const redisReply *reply)
{
    return reply == NULL || reply->len < GEOMETRY_END ||
           memcmp(reply->str + HEADER_BYTES, self->geometry, sizeof self->geometry) == 0;
}

/* GET; the reply is to be freed where it returns OK. */
static slotq_outcome get_whole(redis_store *self, redisReply **reply, store_fault *fault)
{
    const redis_refusal *refusal;
    bool again = true;
    slotq_outcome outcome = SLOTQ_OK;
    redis_patience patience = redis_patience_begin(&self->settings.limits);
    redis_store_take_out(self);
    redis_store_begin(self);
    while (again) {
        *reply = NULL;
        outcome = ask_whole(self, &patience, reply, &refusal, fault);
        again = outcome != SLOTQ_OK &&
                (refusal != NULL ? redis_store_outlasts(self, refusal, &patience, fault)
                                 : redis_patience_wait(&patience, fault));
    }
    if (outcome == SLOTQ_OK && !is_ours(self, *reply)) {
        freeReplyObject(*reply);
        outcome = redis_store_adopt(self, fault);
    }
    redis_store_give_back(self);
    return outcome;
}

static slotq_outcome redis_check(store *base, slotq_damage *damage, store_fault *fault)
{
    redis_store *self = self_of(base);
    redisReply *reply;
    slotq_view view;
    slotq_outcome outcome = get_whole(self, &reply, fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    /* as a separate block: hiredis promises no alignment */
    uint8_t *image = malloc(reply->len + 1);
    if (image == NULL) {
        freeReplyObject(reply);
        return fault_say(fault, SLOTQ_NOMEMORY, "no memory for a copy of the queue");
    }
    memcpy(image, reply->str, reply->len);
    outcome = slotq_core_open(&view, image, reply->len, damage);
    if (outcome == SLOTQ_OK) {
        outcome = slotq_core_check(&view, damage);
    }
    free(image);
    freeReplyObject(reply);
    return outcome == SLOTQ_OK ? outcome : fault_damage(fault, outcome, self->key, damage);
}

static slotq_outcome redis_export(store *base, uint8_t *buffer, store_fault *fault)
{
    redis_store *self = self_of(base);
    redisReply *reply;
    slotq_outcome outcome = get_whole(self, &reply, fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    if (reply->len == base->view.image_bytes) {
        memcpy(buffer, reply->str, reply->len);
    } else {
        outcome = fault_say(fault, SLOTQ_CORRUPT,
                            "the key has %zu bytes now, and had %lu when the queue was opened",
                            reply->len, (unsigned long)base->view.image_bytes);
    }
    freeReplyObject(reply);
    return outcome;
}

/* ---- open and close ---- */

static void redis_close(store *base)
{
    redis_store *self = self_of(base);
    redis_places_leave(self);
    redis_waiter_free(&self->waiter);
    redis_connection_free(&self->connection);
    redis_route_free(&self->route);
    redis_request_free(&self->request);
    free(self);
}

static slotq_outcome redis_clone(store *base, uint32_t timeout_ms, store **other,
                                 store_fault *fault)
{
    const redis_store *self = self_of(base);
    if (self->connection.borrowed) {
        return fault_say(fault, SLOTQ_UNSUPPORTED,
                         "the connection was lent: attach another one for another thread");
    }
    redis_settings settings = self->settings;
    if (timeout_ms > 0) {
        settings.connect_timeout_ms = timeout_ms;
        settings.timeout_ms = timeout_ms;
        settings.limits.reconnect_ms = timeout_ms;
    }
    return redis_store_open(&self->route, self->key, &settings, other, fault);
}

static const store_ops redis_ops = {
    .call = redis_call,
    .list = redis_list,
    .meet = redis_meet,
    .move = redis_move,
    .wait = redis_wait,
    .interrupt = redis_interrupt,
    .leave = redis_leave,
    .keeps_still = redis_keeps_still,
    .check = redis_check,
    .export = redis_export,
    .clone = redis_clone,
    .bell = &redis_bell_ops,
    .close = redis_close,
};

redis_store *redis_store_of(store *base)
{
    return base->ops == &redis_ops ? self_of(base) : NULL;
}

const redis_store *redis_store_of_const(const store *base)
{
    return base->ops == &redis_ops ? (const redis_store *)(const void *)base : NULL;
}

static uint32_t first_given(uint32_t first, uint32_t second, uint32_t otherwise)
{
    if (first > 0) {
        return first;
    }
    return second > 0 ? second : otherwise;
}

redis_settings redis_settings_of(const slotq_options *options, const redis_address *address)
{
    static const slotq_redis_options none;
    const slotq_redis_options *redis =
        options != NULL && options->redis != NULL ? options->redis : &none;
    const uint32_t url_connect_ms = address != NULL ? address->connect_timeout_ms : 0;
    const uint32_t url_timeout_ms = address != NULL ? address->timeout_ms : 0;
    redis_settings settings = {
        .connect_timeout_ms =
            first_given(url_connect_ms, redis->connect_timeout_ms, CONNECT_TIMEOUT_MS),
        .timeout_ms = first_given(url_timeout_ms, redis->timeout_ms, TIMEOUT_MS),
        .wait_replicas = redis->wait_replicas,
        .wait_fsynced = redis->wait_fsynced,
        .wait_ms = first_given(redis->wait_ms, redis->wait_fsynced > 0 ? FSYNCED_MS : 0, WAIT_MS),
        .no_reconnect = redis->no_reconnect,
        .force = redis->force,
        .functions = (slotq_functions)first_given(address != NULL ? address->functions : 0,
                                                  redis->functions, SLOTQ_FUNCTIONS_IF_NEEDED),
        .no_module = redis->no_module || (address != NULL && address->no_module),
        .read_only = options != NULL && options->read_only,
        .read_replica = redis->read_replica || (address != NULL && address->replica),
        .own_clock = options != NULL && options->clock_ms != NULL,
    };
    settings.limits.reconnect_ms = first_given(redis->reconnect_ms, settings.timeout_ms, 0);
    settings.limits.should_stop = options != NULL ? options->should_stop : NULL;
    settings.limits.stop_context = options != NULL ? options->stop_context : NULL;
    return settings;
}

/* A store that is not connected. */
static redis_store *make(const char *key, const redis_settings *settings, store_fault *fault)
{
    redis_store *self = calloc(1, sizeof *self);
    if (self == NULL) {
        fault_say(fault, SLOTQ_NOMEMORY, "no memory for a handle of %zu bytes", sizeof *self);
        return NULL;
    }
    if (!bell_open(&self->waiter.bell)) {
        fault_system(fault, errno, "no eventfd could be made for a handle");
        free(self);
        return NULL;
    }
    const size_t key_bytes = strnlen(key, REDIS_KEY_BYTES_MAX);
    memcpy(self->key, key, key_bytes);
    self->base.ops = &redis_ops;
    self->base.identity = identity_mix(0, key, key_bytes);
    self->base.wants_now = settings->own_clock;
    self->base.has_trips = true;
    self->base.asks_judged = true;
    redis_waiter_init(&self->waiter);
    self->settings = *settings;
    self->connection.connect_timeout_ms = settings->connect_timeout_ms;
    self->connection.timeout_ms = settings->timeout_ms;
    self->terms.view = &self->base.view;
    self->terms.key = self->key;
    self->terms.key_bytes = key_bytes;
    self->terms.own_clock = settings->own_clock;
    return self;
}

static slotq_outcome finish(redis_store *self, slotq_outcome outcome, store **opened)
{
    if (outcome != SLOTQ_OK) {
        redis_close(&self->base);
    } else {
        *opened = &self->base;
    }
    return outcome;
}

slotq_outcome redis_store_open(const redis_route *route, const char *key,
                               const redis_settings *settings, store **opened, store_fault *fault)
{
    return redis_store_open_pooled(route, key, settings, NULL, opened, fault);
}

slotq_outcome redis_store_open_pooled(const redis_route *route, const char *key,
                                      const redis_settings *settings, redis_pool *pool,
                                      store **opened, store_fault *fault)
{
    redis_store *self = make(key, settings, fault);
    if (self == NULL) {
        return SLOTQ_NOMEMORY;
    }
    self->pool = pool;
    self->base.identity = redis_route_identity(route, self->base.identity);
    slotq_outcome outcome = redis_route_copy(&self->route, route, fault);
    self->route.only_reads = settings->read_only;
    if (outcome == SLOTQ_OK) {
        redis_patience patience = redis_patience_to_open(&self->settings.limits);
        outcome = redis_store_connect(self, &patience, fault);
        redis_store_give_back(self);
    }
    return finish(self, outcome, opened);
}

slotq_outcome redis_store_attach(redisContext *context, const char *key,
                                 const redis_settings *settings, store **opened, store_fault *fault)
{
    redis_store *self = make(key, settings, fault);
    if (self == NULL) {
        return SLOTQ_NOMEMORY;
    }
    slotq_outcome outcome = redis_connection_borrow(&self->connection, context, fault);
    if (outcome == SLOTQ_OK) {
        redis_patience patience = redis_patience_to_open(&self->settings.limits);
        outcome = redis_store_connect(self, &patience, fault);
    }
    return finish(self, outcome, opened);
}
