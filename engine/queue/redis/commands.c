/* commands.c: a plain connection for the caller's own commands. Knows hiredis's types as the caller
 * has them; no verb, no queue.
 */
#define _GNU_SOURCE
#include "commands.h"

#include <stdlib.h>
#include <string.h>

#include "../../backend/redis/call/errors.h"
#include "../../backend/redis/connect.h"
#include "../../backend/redis/errand.h"
#include "../../backend/redis/patience.h"
#include "../../backend/redis/server.h"
#include "../../backend/redis/store.h"
#include "../../backend/redis/wire/tls.h"
#include "../../slotq_redis_route.h"
#include "../handle.h"

slotq_outcome redis_commands_refuse_null(slotq_error *error)
{
    return error_say(error, SLOTQ_INVALID, "a required pointer is NULL");
}

static slotq_outcome refuse_memory(slotq_error *error)
{
    return error_say(error, SLOTQ_NOMEMORY, "no memory for a connection or command");
}

/* ---- connections ---- */

static slotq_outcome connect_once(slotq_redis_connection *made, const char *key, store_fault *fault)
{
    redis_facts facts = {0};
    const size_t key_bytes = key == NULL ? 0 : strlen(key);
    redis_connection *connection = &made->connection;
    slotq_outcome outcome = SLOTQ_OK;
    bool redirected = true;
    for (uint32_t hop = 0; hop < REDIS_HOPS_MAX && redirected; hop++) {
        redis_connection_drop(connection, "");
        outcome = redis_route_connect(&made->route, connection, fault);
        if (outcome == SLOTQ_OK) {
            outcome = redis_server_greet(connection, key, key_bytes, &facts, fault);
        }
        redirected = outcome != SLOTQ_OK && redis_route_follow(&made->route, connection);
    }
    connection->asking = false; /* the caller's commands are not known here */
    made->in_cluster = strcmp(facts.mode, "cluster") == 0;
    return outcome;
}

slotq_outcome slotq_redis_connect(const char *url, const slotq_options *options,
                                  slotq_redis_connection **connection, slotq_error *error)
{
    return redis_commands_connect(url, NULL, options, connection, error);
}

slotq_outcome redis_commands_connect(const char *url, const char *key, const slotq_options *options,
                                     slotq_redis_connection **connection, slotq_error *error)
{
    store_fault fault;
    if (connection == NULL || url == NULL) {
        return redis_commands_refuse_null(error);
    }
    *connection = NULL;
    slotq_redis_connection *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return refuse_memory(error);
    }
    slotq_outcome outcome = redis_route_parse(url, options, &made->route, &fault);
    if (outcome != SLOTQ_OK) {
        slotq_redis_close(made);
        return error_from_fault(error, outcome, &fault);
    }
    const redis_settings settings = redis_settings_of(options, &made->route.address);
    made->connection.connect_timeout_ms = settings.connect_timeout_ms;
    made->connection.timeout_ms = settings.timeout_ms;
    made->limits = settings.limits;
    redis_patience patience = redis_patience_to_open(&made->limits);
    outcome = connect_once(made, key, &fault);
    while (outcome != SLOTQ_OK && redis_errand_again(&made->route, &patience, &fault)) {
        outcome = connect_once(made, key, &fault);
    }
    const bool waits = options != NULL && options->redis != NULL;
    made->limits.reconnect_ms = waits ? options->redis->reconnect_ms : 0;
    if (outcome != SLOTQ_OK) {
        slotq_redis_close(made);
        return error_from_fault(error, outcome, &fault);
    }
    *connection = made;
    return SLOTQ_OK;
}

void slotq_redis_close(slotq_redis_connection *connection)
{
    if (connection != NULL) {
        redis_connection_free(&connection->connection);
        redis_route_free(&connection->route);
        free(connection);
    }
}

slotq_outcome slotq_redis_route_of(const slotq_redis_connection *connection,
                                   slotq_redis_route *route)
{
    if (connection == NULL || route == NULL) {
        return SLOTQ_INVALID;
    }
    const redis_address *address = &connection->connection.address;
    const redis_sentinel *sentinel = connection->route.sentinel;
    *route = (slotq_redis_route){.host = address->host,
                                 .port = address->is_unix ? 0 : address->port};
    if (sentinel != NULL) {
        route->primary = sentinel->master;
        route->sentinels = sentinel->sight.sentinels;
        route->reached = sentinel->sight.reached;
        route->quorum = sentinel->sight.quorum;
    }
    return SLOTQ_OK;
}

struct redisContext *slotq_redis_context(slotq_redis_connection *connection)
{
    if (connection == NULL || redis_connection_is_inherited(&connection->connection)) {
        return NULL;
    }
    redisContext *context = connection->connection.context;
    connection->connection.lent = context != NULL;
    return context != NULL && context->err == 0 ? context : NULL;
}

slotq_outcome redis_commands_ask(redis_connection *connection, int count, const char **arguments,
                                 const size_t *lengths, redisReply **reply, store_fault *fault)
{
    if (redis_connection_is_stale(connection)) {
        return fault_say(fault, SLOTQ_CONNECT, "the connection to the server is lost");
    }
    return redis_server_ask(connection, true, count, arguments, lengths, reply, fault);
}

static slotq_outcome judge(const redisReply *reply, store_fault *fault)
{
    redis_error error;
    if (reply == NULL || reply->type != REDIS_REPLY_ERROR) {
        return SLOTQ_OK;
    }
    const slotq_outcome outcome = redis_error_take(reply, true, &error, fault);
    /* another node is another connection of the caller's */
    return fault->cause == SLOTQ_CAUSE_NODE ? redis_store_stays(fault) : outcome;
}

slotq_outcome slotq_redis_command(slotq_redis_connection *connection, int count,
                                  const char **arguments, const size_t *lengths,
                                  struct redisReply **reply, slotq_error *error)
{
    store_fault fault;
    if (connection == NULL || arguments == NULL || reply == NULL) {
        return redis_commands_refuse_null(error);
    }
    *reply = NULL;
    if (count < 1 || count > REDIS_ARGUMENTS_MAX) {
        return error_say(error, SLOTQ_INVALID,
                         "the command has %d arguments: it must have 1 to "
                         "%d",
                         count, REDIS_ARGUMENTS_MAX);
    }
    redis_patience patience = redis_patience_begin(&connection->limits);
    for (;;) {
        const slotq_outcome outcome =
            redis_commands_ask(&connection->connection, count, arguments, lengths, reply, &fault);
        if (outcome != SLOTQ_OK) {
            return error_from_fault(error, outcome, &fault);
        }
        if (judge(*reply, &fault) == SLOTQ_OK || !redis_patience_wait(&patience, &fault)) {
            return SLOTQ_OK;
        }
        freeReplyObject(*reply);
        *reply = NULL;
    }
}

slotq_outcome slotq_redis_judge(const struct redisReply *reply, slotq_error *error)
{
    store_fault fault;
    if (reply == NULL) {
        return redis_commands_refuse_null(error);
    }
    const slotq_outcome outcome = judge(reply, &fault);
    return outcome == SLOTQ_OK ? outcome : error_from_fault(error, outcome, &fault);
}

slotq_outcome slotq_redis_tls_look(slotq_redis_connection *connection, slotq_redis_tls_facts *facts,
                                   slotq_error *error)
{
    if (connection == NULL || facts == NULL) {
        return redis_commands_refuse_null(error);
    }
    redis_connection *looked = &connection->connection;
    memset(facts, 0, sizeof *facts);
    if (!looked->address.tls.use) {
        return error_say(error, SLOTQ_UNSUPPORTED, "the connection is not over TLS");
    }
    if (redis_connection_is_inherited(looked) || looked->context == NULL ||
        looked->context->err != 0) {
        return error_say(error, SLOTQ_CONNECT, "the connection to the server is lost");
    }
    redis_tls_look(&looked->transport, facts);
    return SLOTQ_OK;
}

const char *slotq_redis_tls_library(void)
{
    return redis_tls_library();
}
