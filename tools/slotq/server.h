/* server.h: a plain connection to a Redis server, for commands that are no verb of a queue. Knows
 * words and replies; no slot, no token.
 */
#ifndef SLOTQ_TOOLS_SERVER_H
#define SLOTQ_TOOLS_SERVER_H

#include <hiredis/hiredis.h>

#include "slotq_redis.h"

/* Send words (strings, up to the first NULL) and wait for the reply, to be freed; NULL when the
 * connection is lost. */
redisReply *server_ask_words(slotq_redis_connection *server, const char *const *words);
#define server_ask(server, ...) server_ask_words(server, (const char *const[]){__VA_ARGS__, NULL})

/* The reply is an error, or none came; and one of the server's refusals by ACL or by a renamed
 * command. */
bool reply_is_error(const redisReply *reply);
bool reply_is_blocked(const redisReply *reply);

#endif
