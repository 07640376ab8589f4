/* nodes.c: connections for the caller's commands to the nodes of a cluster. Knows connections and
 * what a node tells of the others; no verb, no queue.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../backend/redis/server.h"
#include "../../slotq_redis.h"
#include "../handle.h"
#include "commands.h"

enum { SHOWN_BYTES = REDIS_HOST_BYTES + 16 };

slotq_outcome slotq_redis_connect_for(const char *url, const char *key,
                                      const slotq_options *options,
                                      slotq_redis_connection **connection, slotq_error *error)
{
    return key == NULL ? redis_commands_refuse_null(error)
                       : redis_commands_connect(url, key, options, connection, error);
}

/* ---- all primaries ---- */

static slotq_outcome connect_node(const slotq_redis_connection *first, const redis_node *node,
                                  slotq_redis_connection **connection, store_fault *fault)
{
    redis_facts facts;
    slotq_redis_connection *made = calloc(1, sizeof *made);
    *connection = NULL;
    if (made == NULL) {
        return fault_say(fault, SLOTQ_NOMEMORY, "no memory for a connection");
    }
    made->limits = first->limits;
    made->connection.connect_timeout_ms = first->connection.connect_timeout_ms;
    made->connection.timeout_ms = first->connection.timeout_ms;
    redis_node_address(node, &first->connection.address, &made->connection.address);
    slotq_outcome outcome = redis_connection_open(&made->connection, fault);
    if (outcome == SLOTQ_OK) {
        outcome = redis_server_greet(&made->connection, NULL, 0, &facts, fault);
    }
    if (outcome != SLOTQ_OK) {
        slotq_redis_close(made);
        return outcome;
    }
    *connection = made;
    return SLOTQ_OK;
}

static void show_address(const redis_address *address, char shown[SHOWN_BYTES])
{
    const bool is_v6 = strchr(address->host, ':') != NULL;
    if (address->is_unix) {
        (void)snprintf(shown, SHOWN_BYTES, "%s", address->host);
    } else {
        (void)snprintf(shown, SHOWN_BYTES, is_v6 ? "[%s]:%u" : "%s:%u", address->host,
                       (unsigned)address->port);
    }
}

/* false: the visitor wants no more. */
static bool visit_node(const slotq_redis_connection *first, const redis_node *node,
                       slotq_redis_primary *primary,
                       bool (*visit)(void *context, const slotq_redis_primary *primary),
                       void *context)
{
    char shown[SHOWN_BYTES];
    redis_address address;
    store_fault fault;
    slotq_error error;
    redis_node_address(node, &first->connection.address, &address);
    show_address(&address, shown);
    const slotq_outcome outcome = connect_node(first, node, &primary->connection, &fault);
    if (outcome != SLOTQ_OK) {
        (void)error_from_fault(&error, outcome, &fault);
    }
    primary->address = shown;
    primary->error = outcome == SLOTQ_OK ? NULL : &error;
    const bool more = visit(context, primary);
    slotq_redis_close(primary->connection);
    return more;
}

static slotq_outcome visit_cluster(slotq_redis_connection *first,
                                   bool (*visit)(void *context, const slotq_redis_primary *primary),
                                   void *context, store_fault *fault)
{
    redis_nodes map;
    slotq_redis_primary primary = {0};
    bool more = true;
    const slotq_outcome outcome = redis_server_ask_nodes(&first->connection, 0, &map, fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    if (map.primaries_left_out > 0) {
        return fault_say(fault, SLOTQ_UNSUPPORTED,
                         "the cluster has more than %d primaries, or some without an address",
                         REDIS_NODES_MAX);
    }
    for (uint32_t i = 0; i < map.count; i++) {
        primary.primaries += map.slots_of[i] > 0;
    }
    primary.replicas = map.count + map.left_out - primary.primaries;
    primary.slots_covered = map.slots_covered;
    for (uint32_t i = 0; i < map.count && more; i++) {
        primary.slots = map.slots_of[i];
        if (primary.slots > 0) {
            more = visit_node(first, &map.nodes[i], &primary, visit, context);
        }
    }
    return SLOTQ_OK;
}

slotq_outcome slotq_redis_visit(const char *url, const slotq_options *options,
                                bool (*visit)(void *context, const slotq_redis_primary *primary),
                                void *context, slotq_error *error)
{
    store_fault fault;
    char shown[SHOWN_BYTES];
    slotq_redis_connection *first = NULL;
    if (visit == NULL) {
        return redis_commands_refuse_null(error);
    }
    slotq_outcome outcome = redis_commands_connect(url, NULL, options, &first, error);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    if (first->in_cluster) {
        outcome = visit_cluster(first, visit, context, &fault);
    } else {
        slotq_redis_primary only = {.connection = first, .address = shown, .primaries = 1};
        show_address(&first->connection.address, shown);
        (void)visit(context, &only);
    }
    slotq_redis_close(first);
    return outcome == SLOTQ_OK ? outcome : error_from_fault(error, outcome, &fault);
}
