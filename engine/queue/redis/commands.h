/* commands.h: a connection for the caller's commands, and one command with its reply, for the files
 * beside it. Knows no verb, no queue.
 */
#ifndef SLOTQ_QUEUE_REDIS_COMMANDS_H
#define SLOTQ_QUEUE_REDIS_COMMANDS_H

#include "../../backend/redis/patience.h"
#include "../../backend/redis/wire/route.h"
#include "../../slotq_redis.h"

enum { REDIS_ARGUMENTS_MAX = 1 << 20 };

struct slotq_redis_connection {
    redis_connection connection;
    redis_route route;
    redis_limits limits; /* of waiting for refusals; reconnect_ms 0: it does not wait */
    bool in_cluster;     /* its server is a node */
};

/* As slotq_redis_connect; with a key to the server that has it. */
slotq_outcome redis_commands_connect(const char *url, const char *key, const slotq_options *options,
                                     slotq_redis_connection **connection, slotq_error *error);

/* INVALID: a required pointer is NULL. */
slotq_outcome redis_commands_refuse_null(slotq_error *error);

/* OK with *reply, also when that is an error reply; CONNECT: nothing was sent; OUTCOME_UNKNOWN. */
slotq_outcome redis_commands_ask(redis_connection *connection, int count, const char **arguments,
                                 const size_t *lengths, redisReply **reply, store_fault *fault);

#endif
