/* commands.h: one command of the caller's own and its reply, for commands.c and scripts.c. Knows no
 * verb, no queue.
 */
#ifndef SLOTQ_QUEUE_REDIS_COMMANDS_H
#define SLOTQ_QUEUE_REDIS_COMMANDS_H

#include "../../backend/redis/wire/connection.h"
#include "../../slotq.h"

enum { REDIS_ARGUMENTS_MAX = 1 << 20 };

/* INVALID: a required pointer is NULL. */
slotq_outcome redis_commands_refuse_null(slotq_error *error);

/* OK with *reply, also when that is an error reply; CONNECT: nothing was sent; OUTCOME_UNKNOWN. */
slotq_outcome redis_commands_ask(redis_connection *connection, int count, const char **arguments,
                                 const size_t *lengths, redisReply **reply, store_fault *fault);

#endif
