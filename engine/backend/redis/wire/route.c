/* route.c: see route.h.
 */
#include "route.h"

#include <stdlib.h>
#include <string.h>

#include "../../system/identity.h"
#include "../../url.h"
#include "sentinel_url.h"

enum { NAP_MS = 2000 }; /* while a server may be replaced without a word */

static bool has_sentinels(slotq_place place)
{
    return place == SLOTQ_PLACE_SENTINEL || place == SLOTQ_PLACE_SENTINEL_TLS;
}

static slotq_outcome make_sentinel(redis_route *route, store_fault *fault)
{
    route->sentinel = calloc(1, sizeof *route->sentinel);
    if (route->sentinel == NULL) {
        return fault_say(fault, SLOTQ_NOMEMORY, "no memory for a list of Sentinels");
    }
    route->kind = REDIS_ROUTE_SENTINEL;
    return SLOTQ_OK;
}

static slotq_outcome make_known(redis_route *route, store_fault *fault)
{
    route->known = calloc(1, sizeof *route->known);
    if (route->known == NULL) {
        return fault_say(fault, SLOTQ_NOMEMORY, "no memory for the nodes of a cluster");
    }
    route->kind = REDIS_ROUTE_CLUSTER;
    return SLOTQ_OK;
}

slotq_outcome redis_route_parse(const char *url, const slotq_options *options, redis_route *route,
                                store_fault *fault)
{
    const char *rest;
    const slotq_place place = url_place(url, &rest);
    memset(route, 0, sizeof *route);
    if (!has_sentinels(place)) {
        return redis_address_of(url, options, &route->address, fault);
    }
    const slotq_outcome outcome = make_sentinel(route, fault);
    return outcome != SLOTQ_OK
               ? outcome
               : redis_sentinel_parse(rest, place == SLOTQ_PLACE_SENTINEL_TLS, options,
                                      &route->address, route->sentinel, fault);
}

slotq_outcome redis_route_copy(redis_route *to, const redis_route *from, store_fault *fault)
{
    slotq_outcome outcome = SLOTQ_OK;
    *to = *from;
    to->sentinel = NULL;
    to->known = NULL;
    to->is_found = false;
    if (from->kind == REDIS_ROUTE_SENTINEL) {
        outcome = make_sentinel(to, fault);
    } else if (from->kind == REDIS_ROUTE_CLUSTER) {
        outcome = make_known(to, fault);
    }
    if (to->sentinel != NULL) {
        redis_sentinel_copy(to->sentinel, from->sentinel);
    }
    if (to->known != NULL) {
        *to->known = *from->known;
    }
    return outcome;
}

void redis_route_free(redis_route *route)
{
    if (route->sentinel != NULL) {
        redis_sentinel_leave(route->sentinel);
        free(route->sentinel);
        route->sentinel = NULL;
    }
    free(route->known);
    route->known = NULL;
}

uint64_t redis_route_identity(const redis_route *route, uint64_t mixed)
{
    const redis_address *address = &route->address;
    const redis_sentinel *sentinel = route->sentinel;
    const uint64_t parts[] = {address->port, address->database};
    mixed = identity_mix(mixed, address->host, strlen(address->host));
    mixed = identity_mix(mixed, parts, sizeof parts);
    if (sentinel != NULL) { /* another one may have a primary of the same name */
        const sentinel_place *first = &sentinel->peers[0].place;
        mixed = identity_mix(mixed, sentinel->master, strlen(sentinel->master));
        mixed = identity_mix(mixed, first->host, strlen(first->host));
        mixed = identity_mix(mixed, &first->port, sizeof first->port);
    }
    return mixed;
}

slotq_outcome redis_route_find(redis_route *route, redis_connection *connection, store_fault *fault)
{
    connection->address = route->address;
    connection->asking = false;
    connection->reads_replica = false;
    if (route->kind == REDIS_ROUTE_FIXED) {
        return SLOTQ_OK;
    }
    if (route->kind == REDIS_ROUTE_CLUSTER) {
        connection->asking =
            redis_known_nodes_find(route->known, &route->address, &connection->address);
        return SLOTQ_OK;
    }
    route->sentinel->only_reads = route->only_reads;
    const slotq_outcome outcome = redis_sentinel_find(
        route->sentinel, connection->connect_timeout_ms, &connection->address, fault);
    route->is_found = redis_sentinel_has_majority(route->sentinel);
    return outcome;
}

slotq_outcome redis_route_connect(redis_route *route, redis_connection *connection,
                                  store_fault *fault)
{
    slotq_outcome outcome = redis_route_find(route, connection, fault);
    if (outcome == SLOTQ_OK) {
        outcome = redis_connection_open(connection, fault);
        if (outcome != SLOTQ_OK) {
            redis_route_blame(route, NULL, 0);
        }
    }
    return outcome;
}

void redis_route_blame(redis_route *route, const char *said, size_t length)
{
    /* FIXED has no other server, and SENTINEL asks each time */
    (void)said;
    (void)length;
    if (route->kind == REDIS_ROUTE_CLUSTER) {
        redis_known_nodes_lose(route->known);
    }
}

/* ---- in a cluster ---- */

/* false: there is no memory for it; the route stays as it is. */
static bool is_of_cluster(redis_route *route)
{
    store_fault ignored;
    if (route->kind == REDIS_ROUTE_FIXED) {
        (void)make_known(route, &ignored);
    }
    return route->kind == REDIS_ROUTE_CLUSTER;
}

bool redis_route_follow(redis_route *route, redis_connection *connection)
{
    const redis_redirect how = connection->redirect;
    connection->redirect = REDIS_REDIRECT_NONE;
    if (connection->borrowed || how == REDIS_REDIRECT_NONE || !is_of_cluster(route)) {
        return false;
    }
    redis_known_nodes_redirect(route->known, how, &connection->redirected_to, &connection->address);
    route->is_found = true;
    return true;
}

void redis_route_learn(redis_route *route, const redis_connection *connection,
                       const redis_nodes *map)
{
    if (is_of_cluster(route)) {
        redis_known_nodes_learn(route->known, map, &connection->address);
    }
}

void redis_route_aim(redis_route *route, const redis_node *node, const redis_address *from)
{
    if (is_of_cluster(route)) {
        redis_known_nodes_redirect(route->known, REDIS_REDIRECT_MOVED, node, from);
    }
}

bool redis_route_is_current(redis_route *route, const redis_connection *connection)
{
    store_fault fault;
    if (route->kind != REDIS_ROUTE_SENTINEL || !redis_sentinel_is_due(route->sentinel)) {
        return true;
    }
    redis_address found = route->address;
    return redis_sentinel_find(route->sentinel, connection->connect_timeout_ms, &found, &fault) ==
               SLOTQ_OK &&
           redis_address_is_same_server(&found, &connection->address);
}

uint64_t redis_route_nap_ms(const redis_route *route, uint64_t sleep_ms)
{
    return route->kind != REDIS_ROUTE_SENTINEL || sleep_ms < NAP_MS ? sleep_ms : NAP_MS;
}
