/* stage.h: a redis-server for one measurement alone, and what it tells of itself: memory in
 * use, and how long its commands took. Knows INFO and SLOWLOG; no queue.
 */
#ifndef SLOTQ_BENCH_PEERS_REDIS_STAGE_H
#define SLOTQ_BENCH_PEERS_REDIS_STAGE_H

#include "../../redis/subjects/subject.h"
#include "../../support/private_server.h"

typedef struct redis_stage {
    private_server *server;
    connection wire;
} redis_stage;

/* With the subject's scripts in it. options: more words for the server, NULL at the end, or NULL.
 */
void stage_open(redis_stage *self, const subject *queue, const char *const *options);
void stage_close(redis_stage *self);

/* A setting that older servers may not know. */
void stage_config(connection *wire, const char *name_and_value);

/* used_memory: what the data takes with all that the allocator rounds up, without what it keeps
 * for later and without the buffers of this connection, which is made anew. */
double stage_used_bytes(redis_stage *self);

/* The next reply, errors too; freeReplyObject. */
redisReply *stage_any_reply(connection *wire);

/* Push so many, or take them (and see that they came), in calls of STAGE_CALL_MOST. */
enum { STAGE_CALL_MOST = 256 };
void stage_push_all(connection *wire, const subject *queue, uint32_t messages);
void stage_take_all(connection *wire, const subject *queue, uint32_t messages);

/* Messages of ../redis/subject.h in a reply, wherever in it they lie. */
uint32_t stage_messages_in(const redisReply *reply);

/* Times of single commands as the server measures them: its SLOWLOG from SLOW_LEAST_US on, so that
 * the calls inside scripts, which it would write down too, stay out and cost nothing. */
enum { SLOW_LEAST_US = 3 };

typedef struct slow_times {
    double p999_us; /* of all commands; SLOW_LEAST_US: at most that; < 0: too few for it */
    double most_us;
} slow_times;

void slow_begin(connection *wire);
/* commands: so many were run since; those that are not in the log were faster than all in it. */
void slow_end(connection *wire, uint32_t commands, slow_times *times);

#endif
