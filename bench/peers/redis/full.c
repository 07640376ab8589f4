/* full.c: a server at its maxmemory, with messages ready and leased: what goes on. Knows
 * subjects; what the server refuses is an answer here, not a failure.
 */
#include "redis.h"
#include "stage.h"
#include "../../support/sure.h"

#include <string.h>

enum {
    TRIES = 100, /* one or two may slip through where the server has just freed a buffer */
    READY = 4 * TRIES,
    ROOM = 8 * TRIES,
    FILLER_BYTES = 4096
};

typedef struct full_queue {
    const subject *queue;
    connection *wire;
    redisReply *held[TRIES]; /* leased before the server is full */
} full_queue;

static void prepare(full_queue *self)
{
    subject_shape_set(32, ROOM);
    self->queue->reset(self->wire);
    wire_skip(self->wire, self->queue->push(self->wire, READY));
    for (int i = 0; i < TRIES; i++) {
        bench_need(self->queue->take(self->wire, 1) == 1, "taking one message by one reply");
        self->held[i] = wire_reply(self->wire);
    }
}

/* A key of size bytes more; false: refused for want of memory. */
static bool add_filler(connection *wire, uint32_t number, uint32_t size)
{
    static char bytes[FILLER_BYTES];
    char key[32];
    const size_t key_length = (size_t)snprintf(key, sizeof key, "filler:%u", (unsigned)number);
    const char *words[] = {"SET", key, bytes};
    const size_t lengths[] = {3, key_length, size};
    wire_command command = wire_format(words, lengths, 3);
    wire_append(wire, command.bytes, command.length);
    wire_command_free(&command);
    redisReply *reply = stage_any_reply(wire);
    const bool refused = reply->type == REDIS_REPLY_ERROR;
    bench_need(!refused || strncmp(reply->str, "OOM", 3) == 0, "filling the server");
    freeReplyObject(reply);
    return !refused;
}

/* Until it refuses even the smallest, many times. */
static void fill_server(redis_stage *stage)
{
    char line[64];
    uint32_t number = 0;
    const double most = stage_used_bytes(stage) + 1024 * 1024;
    snprintf(line, sizeof line, "CONFIG SET maxmemory %.0f", most);
    wire_do(&stage->wire, line);
    for (uint32_t size = FILLER_BYTES; size > 0; size /= 16) {
        for (int refused = 0; refused < TRIES; number++) {
            refused += !add_filler(&stage->wire, number, size);
        }
    }
}

/* All replies to one verb, no error among them, and messages where they are asked for. */
static bool is_served(full_queue *self, uint32_t replies, uint32_t messages)
{
    bool served = true;
    for (uint32_t i = 0; i < replies; i++) {
        redisReply *reply = stage_any_reply(self->wire);
        served = served && reply->type != REDIS_REPLY_ERROR && stage_messages_in(reply) == messages;
        freeReplyObject(reply);
    }
    return served;
}

static bool is_finished(full_queue *self, redisReply *held)
{
    bool finished = true;
    for (uint32_t replies = self->queue->ack(self->wire, &held, 1); replies > 0; replies--) {
        redisReply *reply = stage_any_reply(self->wire);
        finished = finished && self->queue->is_acked(reply, 1);
        freeReplyObject(reply);
    }
    return finished;
}

void redis_fill(const contender *self, full_answers *answers)
{
    const char *const options[] = {"--maxmemory-policy", "noeviction", NULL};
    redis_stage stage;
    full_queue state = {.queue = redis_own_of(self)->subject, .wire = &stage.wire};
    stage_open(&stage, state.queue, options);
    prepare(&state);
    fill_server(&stage);
    *answers = (full_answers){true, true, true};
    for (int i = 0; i < TRIES; i++) {
        answers->pushes &= is_served(&state, state.queue->push(&stage.wire, 1), 0);
    }
    for (int i = 0; i < TRIES; i++) {
        answers->takes &= is_served(&state, state.queue->take(&stage.wire, 1), 1);
    }
    for (int i = 0; i < TRIES; i++) {
        answers->finishes &= is_finished(&state, state.held[i]);
        freeReplyObject(state.held[i]);
    }
    stage_close(&stage);
}
