/* stage.c: see stage.h.
 */
#include "stage.h"
#include "redis.h"
#include "../../support/samples.h"
#include "../../support/sure.h"

#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = 96, LOOKS_MOST = 60000, LOOK_US = 1000, BEYOND_LEAST = 10, LOG_ROOM = 100000 };

void stage_open(redis_stage *self, const subject *queue, const char *const *options)
{
    self->server = private_redis_start(options);
    bench_need(self->server != NULL, "finding redis-server");
    redis_connect(&self->wire, private_server_socket(self->server), queue);
}

void stage_close(redis_stage *self)
{
    wire_close(&self->wire);
    private_server_stop(self->server);
    self->server = NULL;
}

double stage_used_bytes(redis_stage *self)
{
    wire_close(&self->wire);
    wire_open(&self->wire, private_server_socket(self->server));
    for (int look = 0; wire_info(&self->wire, "clients", "connected_clients") > 1; look++) {
        bench_need(look < LOOKS_MOST, "closing a connection");
        usleep(LOOK_US);
    }
    return wire_info(&self->wire, "memory", "used_memory");
}

redisReply *stage_any_reply(connection *wire)
{
    void *reply = NULL;
    bench_need(redisGetReply(wire->context, &reply) == REDIS_OK && reply != NULL, "redisGetReply");
    return reply;
}

static uint32_t call_of(uint32_t left)
{
    return left < STAGE_CALL_MOST ? left : STAGE_CALL_MOST;
}

void stage_push_all(connection *wire, const subject *queue, uint32_t messages)
{
    for (uint32_t left = messages; left > 0; left -= call_of(left)) {
        wire_skip(wire, queue->push(wire, call_of(left)));
    }
}

void stage_take_all(connection *wire, const subject *queue, uint32_t messages)
{
    uint32_t taken = 0;
    for (uint32_t left = messages; left > 0; left -= call_of(left)) {
        for (uint32_t replies = queue->take(wire, call_of(left)); replies > 0; replies--) {
            redisReply *reply = wire_reply(wire);
            taken += stage_messages_in(reply);
            freeReplyObject(reply);
        }
    }
    bench_need(taken == messages, "taking all messages");
}

/* Each begins with eight first bytes, then its number. */
uint32_t stage_messages_in(const redisReply *reply)
{
    static const char begin[] = {'p', 'p', 'p', 'p', 'p', 'p', 'p', 'p', '0'};
    uint32_t count = 0;
    if (reply->type == REDIS_REPLY_ARRAY) {
        for (size_t i = 0; i < reply->elements; i++) {
            count += stage_messages_in(reply->element[i]);
        }
    } else if (reply->type == REDIS_REPLY_STRING) {
        const char *end = reply->str + reply->len;
        const char *at = memmem(reply->str, reply->len, begin, sizeof begin);
        for (; at != NULL; at = memmem(at, (size_t)(end - at), begin, sizeof begin)) {
            count++;
            at += sizeof begin;
        }
    }
    return count;
}

void stage_config(connection *wire, const char *name_and_value)
{
    char line[LINE_BYTES];
    snprintf(line, sizeof line, "CONFIG SET %s", name_and_value);
    bench_need(redisAppendCommand(wire->context, line) == REDIS_OK, "redisAppendCommand");
    freeReplyObject(stage_any_reply(wire));
}

void slow_begin(connection *wire)
{
    char line[LINE_BYTES];
    snprintf(line, sizeof line, "CONFIG SET slowlog-max-len %d", LOG_ROOM);
    wire_do(wire, line);
    snprintf(line, sizeof line, "CONFIG SET slowlog-log-slower-than %d", SLOW_LEAST_US);
    wire_do(wire, line);
    wire_do(wire, "SLOWLOG RESET");
}

/* The command that a client sent, not one inside a script, nor one of this file. */
static bool counts(const redisReply *entry)
{
    const redisReply *words = entry->element[3];
    const redisReply *from = entry->element[4];
    return strcmp(from->str, "?:0") != 0 && words->elements > 0 &&
           strcasecmp(words->element[0]->str, "SLOWLOG") != 0;
}

void slow_end(connection *wire, uint32_t commands, slow_times *times)
{
    char line[LINE_BYTES];
    samples logged = {0};
    wire_do(wire, "CONFIG SET slowlog-log-slower-than -1");
    snprintf(line, sizeof line, "SLOWLOG GET %d", LOG_ROOM);
    redisReply *log = wire_ask(wire, line);
    for (size_t i = 0; i < log->elements; i++) {
        const redisReply *entry = log->element[i];
        bench_need(entry->type == REDIS_REPLY_ARRAY && entry->elements >= 5, "SLOWLOG GET");
        if (counts(entry)) {
            samples_add(&logged, (double)entry->element[2]->integer);
        }
    }
    freeReplyObject(log);
    bench_need(logged.count <= commands, "counting commands");
    const double beyond = commands / 1000.0;
    times->most_us = logged.count > 0 ? samples_quantile(&logged, 1) : SLOW_LEAST_US;
    times->p999_us = beyond < BEYOND_LEAST ? -1
                     : logged.count <= beyond
                         ? SLOW_LEAST_US
                         : samples_quantile(&logged, 1 - beyond / logged.count);
    samples_free(&logged);
}
