/* server.h: a plain connection to a Redis server, for commands that are no verb of a queue. Knows
 * words and replies; no slot, no token.
 */
#ifndef SLOTQ_TOOLS_VERBS_SERVER_H
#define SLOTQ_TOOLS_VERBS_SERVER_H

#include <hiredis/hiredis.h>

#include "slotq_redis.h"
#include "../say/texts.h"

/* Send words (strings, up to the first NULL) and wait for the reply, to be freed; NULL when the
 * connection is lost. */
redisReply *server_ask_words(slotq_redis_connection *server, const char *const *words);
#define server_ask(server, ...) server_ask_words(server, (const char *const[]){__VA_ARGS__, NULL})

/* The reply is an error, or none came; and one of the server's refusals by ACL or by a renamed
 * command. */
bool reply_is_error(const redisReply *reply);
bool reply_is_blocked(const redisReply *reply);

/* A field of the reply to INFO; "" where it is not told, or the reply is none. */
value_text server_info_field(const redisReply *info, const char *name);
/* What runs there, by INFO: "Redis", or a relative of it; its version, "" where it is not told. */
const char *server_kind(const redisReply *info, value_text *version);

#endif
