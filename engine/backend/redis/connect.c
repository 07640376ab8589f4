/* connect.c: see connect.h.
 */
#include "connect.h"

#include <string.h>

#include "../../layout/fields.h"
#include "../key_slot.h"
#include "../system/identity.h"
#include "../system/monotonic.h"
#include "call/bounds.h"
#include "confirm.h"
#include "server.h"

enum { SILENCE_MS = 100, SILENCE_KNOWN_MS = 1000 };

/* Judges the server and the queue, and takes its geometry. REMADE: it is not that of before. */
static slotq_outcome take_facts(redis_store *self, const redis_facts *facts, store_fault *fault)
{
    slotq_view view;
    const redis_demands demands = {.force = self->settings.force,
                                   .only_reads = self->settings.read_only,
                                   .no_functions =
                                       self->settings.functions == SLOTQ_FUNCTIONS_NEVER,
                                   .no_module = self->settings.no_module,
                                   .was_open = self->base.view.image_bytes != 0};
    slotq_outcome outcome = redis_server_judge(facts, &demands, fault);
    if (outcome == SLOTQ_OK) {
        outcome = redis_server_open_key(facts, self->key, &view, fault);
    }
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    const uint8_t *there = facts->front + HEADER_BYTES;
    const bool is_other =
        demands.was_open && memcmp(self->geometry, there, sizeof self->geometry) != 0;
    memcpy(self->geometry, there, sizeof self->geometry);
    self->terms.geometry = self->geometry;
    self->geometry_number += is_other || self->geometry_number == 0;
    self->base.adoptions += is_other;
    self->is_remade = false;
    self->base.view = view;
    self->base.dying_most = redis_dying_most(&view);
    self->base.redrive_most = redis_redrive_most(&view);
    self->waiter.places = view.geometry.places;
    self->waiter.is_shard = view.geometry.set != 0;
    self->base.spreads_polls = view.geometry.places > 0;
    self->redis7 = facts->redis7;
    self->calling = redis_calling_begin(
        &(redis_ways){self->settings.functions, self->settings.no_module, view.geometry.set != 0},
        facts);
    self->in_cluster = strcmp(facts->mode, "cluster") == 0;
    self->terms.server_ahead_ms = facts->server_ahead_ms;
    self->base.ahead_ms = self->settings.own_clock ? 0 : facts->server_ahead_ms;
    return is_other ? fault_remade(fault) : SLOTQ_OK;
}

slotq_outcome redis_store_stays(store_fault *fault)
{
    fault->outcome = SLOTQ_UNSUPPORTED;
    fault->passes = false;
    return SLOTQ_UNSUPPORTED;
}

slotq_outcome redis_store_adopt(redis_store *self, store_fault *fault)
{
    redis_facts facts;
    slotq_outcome outcome =
        redis_server_greet(&self->connection, self->key, self->terms.key_bytes, &facts, fault);
    if (outcome == SLOTQ_OK) {
        outcome = take_facts(self, &facts, fault);
    }
    if (outcome == SLOTQ_OK) { /* the same again: it was remade twice since the call */
        self->base.adoptions++;
        outcome = fault_remade(fault);
    }
    return outcome;
}

/* ---- connections of a pool ---- */

void redis_store_take_out(redis_store *self)
{
    if (self->pool != NULL && self->connection.context == NULL) {
        (void)redis_pool_take(self->pool, &self->connection, &self->known_scripts);
    }
}

void redis_store_give_back(redis_store *self)
{
    if (self->pool == NULL) {
        return;
    }
    redis_pool_put(self->pool, &self->connection, self->known_scripts);
    self->asks = self->connection.asking;
    if (self->asks) { /* the next call finds the way anew; a consumer listens where this one went */
        self->asked = self->connection.address;
        self->connection.asking = false;
        self->connection.address.host[0] = '\0';
    }
}

redis_connection redis_store_listens_at(const redis_store *self)
{
    redis_connection model = self->connection;
    if (self->asks) {
        model.address = self->asked;
        model.asking = true;
    }
    return model;
}

/* The connection is sound, but leads to the wrong server for this store. */
static void let_go(redis_store *self, const char *why)
{
    redis_store_give_back(self);
    redis_connection_drop(&self->connection, why);
}

/* One that another store has made, or a new one. */
static slotq_outcome reach_server(redis_store *self, store_fault *fault)
{
    redis_connection *connection = &self->connection;
    let_go(self, "");
    if (self->pool == NULL) {
        return redis_route_connect(&self->route, connection, fault);
    }
    slotq_outcome outcome = redis_route_find(&self->route, connection, fault);
    if (outcome != SLOTQ_OK ||
        (!connection->asking && redis_pool_take(self->pool, connection, &self->known_scripts) &&
         !redis_connection_is_stale(connection))) {
        return outcome;
    }
    self->known_scripts = 0;
    redis_connection_drop(connection, "stale");
    if ((self->base.hurries || self->settings.hurries) &&
        redis_pool_is_silent(self->pool, &connection->address)) {
        fault_say(fault, SLOTQ_CONNECT, "%.200s:%u did not answer just now",
                  connection->address.host, connection->address.port);
        return fault_away(fault);
    }
    outcome = redis_connection_open(connection, fault);
    if (outcome != SLOTQ_OK) {
        redis_route_blame(&self->route, NULL, 0);
    }
    return outcome;
}

/* ---- connecting ---- */

/* A handle has many shards on one server: it waits for it once, and not for each of them. */
static void note_silence(redis_store *self, slotq_outcome outcome, const store_fault *fault,
                         uint64_t took_ms)
{
    if (self->pool != NULL && outcome != SLOTQ_OK && fault->passes && took_ms >= SILENCE_MS) {
        redis_pool_note_silent(self->pool, &self->connection.address,
                               took_ms > SILENCE_KNOWN_MS ? took_ms : SILENCE_KNOWN_MS);
    }
}

/* The server that has the key, found through the nodes of a cluster that redirect. */
static slotq_outcome meet(redis_store *self, redis_facts *facts, store_fault *fault)
{
    redis_connection *connection = &self->connection;
    slotq_outcome outcome = SLOTQ_OK;
    bool redirected = true;
    for (uint32_t hop = 0; hop < REDIS_HOPS_MAX && redirected; hop++) {
        const uint64_t begun_ms = monotonic_ms();
        if (!connection->borrowed) {
            outcome = reach_server(self, fault);
        }
        if (outcome == SLOTQ_OK) {
            outcome =
                redis_server_greet(connection, self->key, self->terms.key_bytes, facts, fault);
        }
        note_silence(self, outcome, fault, monotonic_ms() - begun_ms);
        redirected = outcome != SLOTQ_OK && redis_route_follow(&self->route, connection);
    }
    if (connection->borrowed && outcome != SLOTQ_OK && fault->cause == SLOTQ_CAUSE_NODE) {
        outcome = redis_store_stays(fault);
    }
    return outcome;
}

/* What the node of a cluster knows of the others, for the time when it is lost. A user who may not
 * ask is left with the nodes that redirected. */
static slotq_outcome learn(redis_store *self, redis_nodes *map, store_fault *fault)
{
    const uint32_t slot = key_slot_of(self->key, self->terms.key_bytes);
    const slotq_outcome asked = redis_server_ask_nodes(&self->connection, slot, map, fault);
    if (asked == SLOTQ_OK) {
        redis_route_learn(&self->route, &self->connection, map);
    }
    return asked == SLOTQ_UNSUPPORTED ? SLOTQ_OK : asked;
}

/* One of the replicas of the node that is connected, any that has the queue. false: none is
 * reached, and that node is left. */
static bool meet_replica(redis_store *self, const redis_nodes *map, redis_facts *facts)
{
    redis_connection *connection = &self->connection;
    const redis_address primary = connection->address;
    const uint32_t from = identity_draw() % REDIS_NODES_MAX;
    for (uint32_t i = 0; i < REDIS_NODES_MAX; i++) {
        store_fault fault;
        const uint32_t at = (from + i) % REDIS_NODES_MAX;
        if ((map->replicas >> at & 1) == 0) {
            continue;
        }
        let_go(self, "");
        redis_node_address(&map->nodes[at], &primary, &connection->address);
        connection->reads_replica = true;
        if (redis_connection_open(connection, &fault) == SLOTQ_OK &&
            redis_server_greet(connection, self->key, self->terms.key_bytes, facts, &fault) ==
                SLOTQ_OK &&
            facts->key_bytes > 0) {
            return true;
        }
    }
    return false;
}

/* A node of a cluster with the queue is met: learn of the others, and leave it for a replica where
 * that is wanted. */
static slotq_outcome settle_in_cluster(redis_store *self, redis_facts *facts, store_fault *fault)
{
    redis_nodes map = {.primary = REDIS_NO_NODE};
    const slotq_outcome outcome = learn(self, &map, fault);
    if (outcome != SLOTQ_OK || !self->settings.read_only || !self->settings.read_replica ||
        map.replicas == 0 || meet_replica(self, &map, facts)) {
        return outcome;
    }
    return meet(self, facts, fault);
}

static slotq_outcome connect_once(redis_store *self, store_fault *fault)
{
    redis_facts facts;
    self->known_scripts = 0;
    slotq_outcome outcome = meet(self, &facts, fault);
    const bool in_cluster = outcome == SLOTQ_OK && strcmp(facts.mode, "cluster") == 0;
    if (in_cluster && !self->connection.borrowed) {
        outcome = settle_in_cluster(self, &facts, fault);
    }
    if (outcome == SLOTQ_OK) {
        outcome = take_facts(self, &facts, fault);
        if (outcome == SLOTQ_OK) {
            outcome = redis_calling_judge(&self->calling, &self->connection, fault);
        }
        if (outcome == SLOTQ_OK) {
            outcome = redis_confirm_judge(self, fault);
        }
        if (outcome != SLOTQ_OK && outcome != SLOTQ_REMADE && !self->connection.borrowed) {
            let_go(self, "the queue cannot be used");
        }
    }
    if (outcome != SLOTQ_OK && outcome != SLOTQ_REMADE && fault->passes) {
        redis_route_blame(&self->route, NULL, 0);
    }
    return outcome;
}

slotq_outcome redis_store_connect(redis_store *self, redis_patience *patience, store_fault *fault)
{
    slotq_outcome outcome = connect_once(self, fault);
    patience->met = patience->met && !self->route.is_found;
    while (outcome != SLOTQ_OK && redis_patience_wait(patience, fault)) {
        outcome = connect_once(self, fault);
        patience->met = patience->met && !self->route.is_found;
    }
    return outcome;
}

bool redis_store_may_dial(const redis_store *self)
{
    return !self->connection.borrowed && !self->settings.no_reconnect;
}

void redis_store_begin(redis_store *self)
{
    if (self->connection.asking && !self->connection.borrowed) {
        redis_connection_drop(&self->connection, "it was for one call");
    }
}

slotq_outcome redis_store_reconnect(redis_store *self, redis_patience *patience, store_fault *fault)
{
    if (!redis_connection_is_stale(&self->connection) &&
        redis_route_is_current(&self->route, &self->connection)) {
        return SLOTQ_OK;
    }
    if (!redis_store_may_dial(self)) {
        fault_say(fault, SLOTQ_CONNECT,
                  "the connection to the server is lost: open the queue again");
        fault->cause = SLOTQ_CAUSE_AWAY; /* it does not pass for this handle */
        return SLOTQ_CONNECT;
    }
    return redis_store_connect(self, patience, fault);
}

bool redis_store_outlasts(redis_store *self, const redis_refusal *refusal, redis_patience *patience,
                          store_fault *fault)
{
    if (refusal->cause == SLOTQ_CAUSE_ROLE && !redis_store_may_dial(self)) {
        fault->passes = false; /* this handle cannot connect again */
    }
    const bool leads = refusal->fate == REDIS_FATE_MOVES || refusal->fate == REDIS_FATE_ELSEWHERE;
    const bool moves = leads && redis_store_may_dial(self);
    const bool follows = moves && redis_route_follow(&self->route, &self->connection);
    if (moves) { /* so the next call connects again too, if this one gives up */
        let_go(self, "another server has the queue now");
    }
    if (moves && !follows) {
        redis_route_blame(&self->route, refusal->words, strlen(refusal->words));
    }
    if (moves && !self->base.is_listened) {
        redis_waiter_leave(&self->waiter);
    }
    return (follows && redis_patience_follow(patience)) || redis_patience_wait(patience, fault);
}
