/* growth.c: one message per call in a queue that stays as long as it is: what each verb costs
 * by round trips, and the server's own time in its commands. Knows subjects and the order of
 * verbs that keeps the length.
 */
#include "redis.h"
#include "stage.h"
#include "../../support/samples.h"
#include "../../support/sure.h"

enum {
    TRIPS = 1000,   /* cycles of three round trips, each verb timed alone */
    LAPS = 4000,    /* cycles for the server's times: 12,000 commands */
    PIPE_MOST = 32, /* commands of a kind on their way */
    LEASE_MS = 600000
};

typedef struct holding {
    redisReply *reply; /* to the taking of one message */
} holding;

/* Of length messages so many are leased throughout: the oldest lease is finished each time, as by
 * workers that all take as long. */
typedef struct grown {
    const subject *queue;
    connection *wire;
    uint32_t length;
    uint32_t leased;
    holding *held; /* what was taken, oldest first, round and round */
    uint32_t held_room;
    uint32_t held_first;
    uint32_t held_count;
} grown;

/* ---- the three verbs, many at once; how many replies they had ---- */

static uint32_t push_some(grown *self, uint32_t count)
{
    uint32_t replies = 0;
    for (uint32_t i = 0; i < count; i++) {
        replies += self->queue->push(self->wire, 1);
    }
    wire_skip(self->wire, replies);
    return replies;
}

static uint32_t take_some(grown *self, uint32_t count)
{
    uint32_t replies = 0;
    for (uint32_t i = 0; i < count; i++) {
        replies += self->queue->take(self->wire, 1);
    }
    bench_need(replies == count, "taking one message by one reply");
    for (uint32_t i = 0; i < count; i++) {
        bench_need(self->held_count < self->held_room, "holding so many messages");
        const uint32_t at = (self->held_first + self->held_count++) % self->held_room;
        self->held[at].reply = wire_reply(self->wire);
    }
    return replies;
}

static uint32_t finish_some(grown *self, uint32_t count)
{
    uint32_t replies = 0;
    for (uint32_t i = 0; i < count; i++) {
        bench_need(self->held_count > 0, "finishing a message that is held");
        const holding oldest = self->held[self->held_first];
        replies += self->queue->ack(self->wire, &oldest.reply, 1);
        freeReplyObject(oldest.reply);
        self->held_first = (self->held_first + 1) % self->held_room;
        self->held_count--;
    }
    for (uint32_t i = 0; i < replies; i++) {
        redisReply *reply = wire_reply(self->wire);
        bench_need(self->queue->is_acked(reply, 1), "finishing a message that is held");
        freeReplyObject(reply);
    }
    return replies;
}

/* ---- what is measured ---- */

static void fill(grown *self)
{
    self->queue->reset(self->wire);
    stage_push_all(self->wire, self->queue, self->length);
    while (self->held_count < self->leased) {
        const uint32_t left = self->leased - self->held_count;
        take_some(self, left < PIPE_MOST ? left : PIPE_MOST);
    }
}

static void timed(uint32_t (*verb)(grown *self, uint32_t count), grown *self, samples *ns)
{
    const uint64_t start_ns = clock_ns();
    verb(self, 1);
    samples_add(ns, (double)(clock_ns() - start_ns));
}

static void go_round_trips(grown *self, growth_times *times)
{
    samples push_ns = {0};
    samples take_ns = {0};
    samples finish_ns = {0};
    for (uint32_t i = 0; i < TRIPS; i++) {
        if (self->leased < self->length) {
            timed(take_some, self, &take_ns);
            timed(finish_some, self, &finish_ns);
            timed(push_some, self, &push_ns);
        } else { /* nothing is ready, and no room before a finish */
            timed(finish_some, self, &finish_ns);
            timed(push_some, self, &push_ns);
            timed(take_some, self, &take_ns);
        }
    }
    times->push_ns = samples_median(&push_ns);
    times->take_ns = samples_median(&take_ns);
    times->finish_ns = samples_median(&finish_ns);
    samples_free(&push_ns);
    samples_free(&take_ns);
    samples_free(&finish_ns);
}

static void ask_server(grown *self, growth_times *times)
{
    slow_times server;
    const bool all_leased = self->leased == self->length;
    const uint32_t at_once = all_leased ? self->length : self->length - self->leased;
    const uint32_t pipe = at_once < PIPE_MOST ? at_once : PIPE_MOST;
    uint32_t commands = 0;
    slow_begin(self->wire);
    for (uint32_t done = 0; done < LAPS; done += pipe) {
        commands += all_leased ? 0 : take_some(self, pipe);
        commands += finish_some(self, pipe);
        commands += push_some(self, pipe);
        commands += all_leased ? take_some(self, pipe) : 0;
    }
    slow_end(self->wire, commands, &server);
    times->server_p999_us = server.p999_us;
    times->server_most_us = server.most_us;
}

void redis_grow(const contender *self, uint32_t length, uint32_t leased_percent,
                growth_times *times)
{
    redis_stage stage;
    grown state = {.queue = redis_own_of(self)->subject, .wire = &stage.wire, .length = length};
    stage_open(&stage, state.queue, NULL);
    state.leased = (uint32_t)((uint64_t)length * leased_percent / 100);
    state.held_room = state.leased + PIPE_MOST;
    state.held = calloc(state.held_room, sizeof *state.held);
    bench_need(state.held != NULL, "calloc");
    subject_shape_set(32, length);
    subject_lease_set(LEASE_MS);
    fill(&state);
    go_round_trips(&state, times);
    ask_server(&state, times);
    finish_some(&state, state.held_count);
    free(state.held);
    stage_close(&stage);
}
