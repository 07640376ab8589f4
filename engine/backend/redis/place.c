/* place.c: see place.h. Keys may be on different nodes. What the cluster told of its nodes is
 * kept until it is seen to be old, so that most connections lead to the right one at once.
 */
#define _GNU_SOURCE
#include "place.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../system/monotonic.h"
#include "call/errors.h"
#include "errand.h"
#include "keys.h"
#include "script_run.h"

enum {
    NUMBER_BYTES = 24,
    NODES_KNOWN_MS = 1000,
    DESCRIPTOR_HEAD_BYTES = 32 /* they differ whenever the descriptor does */
};

typedef struct redis_place {
    shards_place base;
    redis_route route; /* of whichever key is asked for */
    redis_settings settings;
    redis_pool *pool;
    redisReply *slots;     /* the cluster's CLUSTER SLOTS; NULL: not told */
    redis_address told_by; /* the node that told it */
    uint64_t told_ms;      /* monotonic */
    bool in_cluster;
} redis_place;

static redis_place *place_of(shards_place *base)
{
    return (redis_place *)(void *)base;
}

/* ---- nodes ---- */

static void forget_nodes(redis_place *self)
{
    freeReplyObject(self->slots);
    self->slots = NULL;
}

/* Where the cluster is, it is asked once for all keys. A user who may not ask is redirected. */
static void learn_nodes(redis_place *self, redis_errand *on)
{
    const char *words[] = {"CLUSTER", "SLOTS"};
    const size_t lengths[] = {7, 5};
    store_fault ignored;
    if (self->slots != NULL || !self->in_cluster ||
        redis_server_ask(&on->connection, false, 2, words, lengths, &self->slots, &ignored) !=
            SLOTQ_OK) {
        return;
    }
    self->told_by = on->connection.address;
    self->told_ms = monotonic_ms();
    if (self->slots->type != REDIS_REPLY_ARRAY) {
        forget_nodes(self);
    }
}

/* The node with the key. false: it is not known. */
static bool find_node(const redis_place *self, const char *key, redis_node *node)
{
    redis_nodes map;
    if (self->slots == NULL ||
        !redis_nodes_read(self->slots, key_slot_of(key, strlen(key)), &map) ||
        map.primary == REDIS_NO_NODE) {
        return false;
    }
    *node = map.nodes[map.primary];
    return true;
}

/* The way to this key, as far as it is known. */
static redis_route *aim(redis_place *self, const char *key)
{
    redis_node node;
    if (find_node(self, key, &node)) {
        redis_route_aim(&self->route, &node, &self->told_by);
    }
    return &self->route;
}

/* ---- errands ---- */

/* The server that has the key, on a new connection. */
static slotq_outcome meet(redis_place *self, const char *key, redis_errand *on, store_fault *fault)
{
    const slotq_outcome outcome =
        redis_errand_begin(on, aim(self, key), key, &self->settings, fault);
    if (outcome == SLOTQ_OK) {
        self->in_cluster = strcmp(on->facts.mode, "cluster") == 0;
        learn_nodes(self, on);
    }
    return outcome;
}

/* A server that has the key: on a connection that is there, or on a new one, which is met. */
static slotq_outcome begin(redis_place *self, const char *key, redis_errand *on, store_fault *fault)
{
    redis_route *route = aim(self, key);
    uint64_t scripts;
    memset(on, 0, sizeof *on);
    on->route = route;
    on->connection.connect_timeout_ms = self->settings.connect_timeout_ms;
    on->connection.timeout_ms = self->settings.timeout_ms;
    slotq_outcome outcome = redis_route_find(route, &on->connection, fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    if (!on->connection.asking && redis_pool_take(self->pool, &on->connection, &scripts) &&
        !redis_connection_is_stale(&on->connection)) {
        return SLOTQ_OK;
    }
    redis_connection_free(&on->connection);
    return meet(self, key, on, fault);
}

/* Returns outcome. After a failure the next try goes where the key is. */
static slotq_outcome end(redis_place *self, redis_errand *on, slotq_outcome outcome)
{
    if (outcome == SLOTQ_OK) {
        redis_pool_put(self->pool, &on->connection, 0);
    } else if (redis_route_follow(on->route, &on->connection) || outcome >= SLOTQ_FAILURES) {
        forget_nodes(self);
    }
    redis_connection_free(&on->connection);
    return outcome;
}

/* For people: not older than a second. */
static void renew_nodes(redis_place *self, const char *key)
{
    redis_errand on;
    store_fault ignored;
    if (self->slots != NULL && monotonic_ms() - self->told_ms < NODES_KNOWN_MS) {
        return;
    }
    const slotq_outcome outcome = begin(self, key, &on, &ignored);
    if (outcome == SLOTQ_OK) {
        forget_nodes(self);
        learn_nodes(self, &on);
    }
    (void)end(self, &on, outcome);
}

static void place_node(shards_place *base, const char *key, char text[SHARDS_NODE_BYTES])
{
    redis_place *self = place_of(base);
    redis_node node;
    text[0] = '\0';
    renew_nodes(self, key);
    if (!find_node(self, key, &node)) {
        return;
    }
    const char *host = node.host[0] != '\0'    ? node.host
                       : self->told_by.is_unix ? "127.0.0.1"
                                               : self->told_by.host;
    (void)snprintf(text, SHARDS_NODE_BYTES, "%.*s:%u", SHARDS_NODE_BYTES - 7, host, node.port);
}

/* ---- reading ---- */

static slotq_outcome ask_value(redis_errand *on, const char *key, uint32_t room, redisReply **reply,
                               store_fault *fault)
{
    char last[NUMBER_BYTES];
    (void)snprintf(last, sizeof last, "%" PRIu32, room - 1);
    const char *words[] = {"GETRANGE", key, "0", last};
    const size_t lengths[] = {8, strlen(key), 1, strlen(last)};
    return redis_server_ask(&on->connection, false, 4, words, lengths, reply, fault);
}

static slotq_outcome ask_size(redis_errand *on, const char *key, uint64_t *size, store_fault *fault)
{
    const char *words[] = {"STRLEN", key};
    const size_t lengths[] = {6, strlen(key)};
    redisReply *reply = NULL;
    slotq_outcome outcome =
        redis_server_ask(&on->connection, false, 2, words, lengths, &reply, fault);
    if (outcome == SLOTQ_OK && reply->type == REDIS_REPLY_INTEGER && reply->integer >= 0) {
        *size = (uint64_t)reply->integer;
    } else if (outcome == SLOTQ_OK && reply->type == REDIS_REPLY_ERROR) {
        redis_error error;
        outcome = redis_error_take(reply, false, &error, fault);
    } else if (outcome == SLOTQ_OK) {
        outcome = redis_error_shape(false, fault);
    }
    freeReplyObject(reply);
    return outcome;
}

/* A size that is not that of the bytes only makes them a descriptor that is refused. */
static slotq_outcome take_value(redis_errand *on, const char *key, uint8_t *bytes, uint32_t room,
                                uint64_t *size, store_fault *fault)
{
    redisReply *reply = NULL;
    slotq_outcome outcome = ask_value(on, key, room, &reply, fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    if (redis_error_is(reply, "WRONGTYPE")) {
        outcome = fault_say(fault, SLOTQ_CORRUPT,
                            "the key %.200s is not a string: use another name", key);
    } else if (reply->type == REDIS_REPLY_ERROR) {
        redis_error error;
        outcome = redis_error_take(reply, false, &error, fault);
    } else if (reply->type != REDIS_REPLY_STRING || reply->len > room) {
        outcome = redis_error_shape(false, fault);
    } else if (reply->len == 0) {
        outcome = fault_say(fault, SLOTQ_NOQUEUE, "there is no queue %.200s", key);
    } else {
        memcpy(bytes, reply->str, reply->len);
        *size = reply->len;
    }
    const bool is_cut = outcome == SLOTQ_OK && reply->len == room;
    freeReplyObject(reply);
    return is_cut ? ask_size(on, key, size, fault) : outcome;
}

static slotq_outcome place_read(shards_place *base, const char *name, uint8_t *bytes, uint32_t room,
                                uint64_t *size, store_fault *fault)
{
    redis_place *self = place_of(base);
    redis_errand on;
    redis_patience patience = redis_patience_to_open(&self->settings.limits);
    patience.deadline_ms = base->hurries ? 0 : patience.deadline_ms;
    slotq_outcome outcome;
    do {
        outcome = begin(self, name, &on, fault);
        if (outcome == SLOTQ_OK) {
            outcome = take_value(&on, name, bytes, room, size, fault);
        }
        outcome = end(self, &on, outcome);
    } while (outcome != SLOTQ_OK && redis_errand_again(&self->route, &patience, fault));
    return outcome;
}

/* ---- changing ---- */

/* What a script answers. */
typedef enum verdict { VERDICT_OK, VERDICT_OTHER, VERDICT_NOT_YET, VERDICT_FAILED } verdict;

static verdict judge_reply(const redisReply *reply, slotq_outcome *outcome, store_fault *fault)
{
    *outcome = SLOTQ_OK;
    if (reply->type == REDIS_REPLY_ERROR) {
        redis_error error;
        *outcome = redis_error_take(reply, true, &error, fault);
    } else if (reply->type == REDIS_REPLY_STATUS && strcmp(reply->str, "OK") == 0) {
        return VERDICT_OK;
    } else if (reply->type == REDIS_REPLY_STATUS && strcmp(reply->str, "OTHER") == 0) {
        return VERDICT_OTHER;
    } else if (reply->type == REDIS_REPLY_STATUS &&
               (strcmp(reply->str, "AGAIN") == 0 || strcmp(reply->str, "UNFINISHED") == 0)) {
        return VERDICT_NOT_YET;
    } else {
        *outcome = redis_error_shape(true, fault);
    }
    return VERDICT_FAILED;
}

/* One command that waits for replicas or disks; *least: the fewest that any part of its reply
 * tells.
 */
static slotq_outcome wait_with(redis_place *self, redis_errand *on, int count, const char **words,
                               uint64_t wanted, store_fault *fault)
{
    size_t lengths[4];
    redisReply *reply = NULL;
    for (int i = 0; i < count; i++) {
        lengths[i] = strlen(words[i]);
    }
    on->connection.timeout_ms = self->settings.timeout_ms + self->settings.wait_ms;
    slotq_outcome outcome =
        redis_server_ask(&on->connection, true, count, words, lengths, &reply, fault);
    on->connection.timeout_ms = self->settings.timeout_ms;
    if (outcome == SLOTQ_OK) {
        const redisReply *last =
            reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 ? reply->element[1] : reply;
        const bool is_own = last == reply || (reply->element[0]->type == REDIS_REPLY_INTEGER &&
                                              reply->element[0]->integer > 0);
        const bool enough = is_own && last->type == REDIS_REPLY_INTEGER && last->integer >= 0 &&
                            (uint64_t)last->integer >= wanted;
        outcome = enough ? SLOTQ_OK : SLOTQ_OUTCOME_UNKNOWN;
    }
    freeReplyObject(reply);
    return outcome == SLOTQ_OK
               ? outcome
               : fault_say(fault, SLOTQ_OUTCOME_UNKNOWN,
                           "the descriptor of the sharded queue was changed, but not on as many "
                           "replicas or disks as were asked for (%s): a failover may take it back. "
                           "Repeat the command",
                           words[0]);
}

/* Rule 12: as many replicas and disks as the options of the handle ask for. */
static slotq_outcome confirm(redis_place *self, redis_errand *on, store_fault *fault)
{
    const redis_settings *settings = &self->settings;
    char ms[NUMBER_BYTES], replicas[NUMBER_BYTES], disks[NUMBER_BYTES];
    (void)snprintf(ms, sizeof ms, "%" PRIu32, settings->wait_ms);
    (void)snprintf(replicas, sizeof replicas, "%" PRIu32, settings->wait_replicas);
    slotq_outcome outcome = SLOTQ_OK;
    if (settings->wait_replicas > 0) {
        const char *words[] = {"WAIT", replicas, ms};
        outcome = wait_with(self, on, 3, words, settings->wait_replicas, fault);
    }
    if (outcome == SLOTQ_OK && settings->wait_fsynced > 0) { /* its own disk is one of them */
        (void)snprintf(disks, sizeof disks, "%" PRIu32, settings->wait_fsynced - 1);
        const char *words[] = {"WAITAOF", "1", disks, ms};
        outcome = wait_with(self, on, 4, words, settings->wait_fsynced - 1, fault);
    }
    return outcome;
}

/* Meets the server with the key, runs the request there, and takes the reply. */
static slotq_outcome run_once(redis_place *self, const char *key, redis_request *request,
                              verdict *found, store_fault *fault)
{
    redis_errand on;
    redisReply *reply = NULL;
    slotq_outcome outcome = meet(self, key, &on, fault);
    *found = VERDICT_FAILED;
    if (outcome == SLOTQ_OK) {
        const redis_demands demands = {.force = self->settings.force,
                                       .no_functions =
                                           self->settings.functions == SLOTQ_FUNCTIONS_NEVER,
                                       .no_module = self->settings.no_module};
        outcome = redis_server_judge(&on.facts, &demands, fault);
    }
    if (outcome == SLOTQ_OK) {
        outcome = redis_script_run(&on, request, &self->settings, &reply, fault);
    }
    if (outcome == SLOTQ_OK) {
        *found = judge_reply(reply, &outcome, fault);
        freeReplyObject(reply);
    }
    if (*found == VERDICT_OK) {
        outcome = confirm(self, &on, fault);
    }
    return end(self, &on, outcome);
}

static slotq_outcome run(redis_place *self, const char *key, redis_request *request,
                         slotq_outcome built, verdict *found, store_fault *fault)
{
    redis_patience patience = redis_patience_to_open(&self->settings.limits);
    slotq_outcome outcome = SLOTQ_OK;
    if (built != SLOTQ_OK) {
        redis_request_free(request);
        return fault_say(fault, SLOTQ_NOMEMORY, "no memory for a command");
    }
    do {
        outcome = run_once(self, key, request, found, fault);
    } while (outcome != SLOTQ_OK && redis_errand_again(&self->route, &patience, fault));
    redis_request_free(request);
    return outcome;
}

static slotq_outcome place_change(shards_place *base, const char *name, shards_value old,
                                  shards_value next, store_fault *fault)
{
    redis_request request = {0};
    verdict found = VERDICT_FAILED;
    const redis_terms terms = {.key = name, .key_bytes = strlen(name)};
    const slotq_data head = {old.bytes, old.bytes == NULL                  ? 0
                                        : old.size < DESCRIPTOR_HEAD_BYTES ? old.size
                                                                           : DESCRIPTOR_HEAD_BYTES};
    const slotq_data whole = {next.bytes, next.bytes == NULL ? 0 : next.size};
    const slotq_outcome built = redis_request_change(&request, &terms, head, whole);
    const slotq_outcome outcome = run(place_of(base), name, &request, built, &found, fault);
    if (outcome == SLOTQ_OK && found == VERDICT_NOT_YET) {
        return SLOTQ_AGAIN;
    }
    return outcome;
}

static slotq_outcome place_remove(shards_place *base, const char *key, uint32_t set, uint16_t shard,
                                  bool if_finished, store_fault *fault)
{
    redis_request request = {0};
    verdict found = VERDICT_FAILED;
    const redis_terms terms = {.key = key, .key_bytes = strlen(key)};
    const slotq_outcome built = redis_request_delete(&request, &terms, set, shard, if_finished);
    const slotq_outcome outcome = run(place_of(base), key, &request, built, &found, fault);
    if (outcome == SLOTQ_SHARDED || outcome == SLOTQ_VERSION) { /* another value, which stays */
        fault->outcome = SLOTQ_EXISTS;
        return SLOTQ_EXISTS;
    }
    if (outcome == SLOTQ_OK && found == VERDICT_OTHER) {
        return fault_say(fault, SLOTQ_EXISTS,
                         "%.200s is not shard %u of set %" PRIu32 " but another queue. Nothing was "
                         "deleted",
                         key, shard, set);
    }
    return outcome == SLOTQ_OK && found == VERDICT_NOT_YET ? SLOTQ_AGAIN : outcome;
}

/* ---- whole queues ---- */

static slotq_outcome place_create(shards_place *base, const char *key,
                                  const slotq_geometry *geometry, store_fault *fault)
{
    redis_place *self = place_of(base);
    return redis_keys_create(aim(self, key), key, geometry, &self->settings, fault);
}

static slotq_outcome place_open(shards_place *base, const char *key, store **opened,
                                store_fault *fault)
{
    redis_place *self = place_of(base);
    redis_settings settings = self->settings;
    settings.limits.reconnect_ms = base->hurries ? 0 : settings.limits.reconnect_ms;
    settings.hurries = base->hurries;
    const slotq_outcome outcome =
        redis_store_open_pooled(aim(self, key), key, &settings, self->pool, opened, fault);
    if (outcome == SLOTQ_OK) {
        redis_store_of(*opened)->settings.limits = self->settings.limits;
        redis_store_of(*opened)->settings.hurries = false;
    }
    return outcome;
}

static slotq_outcome place_list(shards_place *base, bool (*visit)(void *context, const char *key),
                                void *context, store_fault *fault)
{
    redis_place *self = place_of(base);
    return redis_keys_list(&self->route, &self->settings, true, visit, context, fault);
}

/* ---- open and close ---- */

static slotq_outcome place_clone(shards_place *base, shards_place **other, store_fault *fault)
{
    const redis_place *self = place_of(base);
    return redis_place_open(&self->route, &self->settings, other, fault);
}

static void place_close(shards_place *base)
{
    redis_place *self = place_of(base);
    forget_nodes(self);
    redis_pool_free(self->pool);
    redis_route_free(&self->route);
    free(self);
}

static const shards_place_ops ops_of_redis = {
    .read = place_read,
    .change = place_change,
    .create = place_create,
    .open = place_open,
    .remove = place_remove,
    .list = place_list,
    .node = place_node,
    .clone = place_clone,
    .close = place_close,
};

slotq_outcome redis_place_open(const redis_route *route, const redis_settings *settings,
                               shards_place **opened, store_fault *fault)
{
    redis_place *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return fault_say(fault, SLOTQ_NOMEMORY, "no memory for the place of a sharded queue");
    }
    self->base.ops = &ops_of_redis;
    self->settings = *settings;
    self->pool = redis_pool_new();
    slotq_outcome outcome = redis_route_copy(&self->route, route, fault);
    self->route.only_reads = settings->read_only;
    if (self->pool == NULL && outcome == SLOTQ_OK) {
        outcome = fault_say(fault, SLOTQ_NOMEMORY, "no memory for connections");
    }
    if (outcome != SLOTQ_OK) {
        place_close(&self->base);
        return outcome;
    }
    *opened = &self->base;
    return SLOTQ_OK;
}
