/* commands.h: commands over a hiredis context, one by one or many in one round trip. A failure ends
 * the example with its text. Knows replies; must not know queues.
 */
#ifndef EXAMPLES_SERVER_COMMANDS_H
#define EXAMPLES_SERVER_COMMANDS_H

#include <stddef.h>
#include <stdint.h>

#include <hiredis/hiredis.h>

#include <slotq_redis.h>

/* A connection to the server of a URL; close it by slotq_redis_close. */
slotq_redis_connection *commands_connect(const char *url);

/* One command, its words as in redisCommand. The caller frees the reply by freeReplyObject. */
redisReply *commands_ask(redisContext *context, const char *format, ...);

/* The same, for a reply that is a number. */
long long commands_ask_number(redisContext *context, const char *format, ...);

/* The number that `INFO section` has under this name. */
uint64_t commands_info(redisContext *context, const char *section, const char *name);

/* Commands that wait for their replies. */
typedef struct commands_pipeline {
    redisContext *context;
    uint32_t waiting;
    void (*take)(void *user, const redisReply *reply); /* each reply, in order; NULL: drop it */
    void *user;
} commands_pipeline;

/* Put a command; after 256 of them the call sends them and reads the replies. */
void commands_put(commands_pipeline *pipeline, int count, const char **words,
                  const size_t *lengths);
/* Send what is put, and read all replies. */
void commands_drain(commands_pipeline *pipeline);

#endif
