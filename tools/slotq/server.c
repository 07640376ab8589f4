/* server.c: commands to a Redis server in words, and what a reply is (server.h).
 */
#include "server.h"

#include <string.h>

redisReply *server_ask_words(slotq_redis_connection *server, const char *const *words)
{
    enum { WORDS_MAX = 16 };
    const char *sent[WORDS_MAX];
    slotq_error error;
    redisReply *reply = NULL;
    int count = 0;
    for (; count < WORDS_MAX && words[count] != NULL; count++) {
        sent[count] = words[count];
    }
    (void)slotq_redis_command(server, count, sent, NULL, &reply, &error);
    return reply;
}

bool reply_is_error(const redisReply *reply)
{
    return reply == NULL || reply->type == REDIS_REPLY_ERROR;
}

bool reply_is_blocked(const redisReply *reply)
{
    return reply != NULL && reply->type == REDIS_REPLY_ERROR &&
           (strncmp(reply->str, "NOPERM", 6) == 0 ||
            strncmp(reply->str, "ERR unknown command", 19) == 0);
}
