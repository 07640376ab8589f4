/* lists.c: open load through a list and a list of each worker: LPUSH of all that is
 * due, BLMOVE, LREM of what is finished in front of the next; and while all was there that was
 * asked for, LMOVEs before the BLMOVE, on the same way.
 */
#include "../../../redis/subjects/draft.h"
#include "latency.h"
#include "../../../support/sure.h"

#include <string.h>
#include <unistd.h>

#define LIST "bench:latency"
enum { NAME_BYTES = 48 };

typedef struct worker {
    connection *wire;
    uint32_t ask;        /* messages */
    uint32_t done_count; /* to be finished */
    char name[NAME_BYTES];
    uint8_t done[LATENCY_BATCH_MOST][LATENCY_PAYLOAD_BYTES];
} worker;

static void make_list(const char *socket_path)
{
    connection wire;
    wire_open(&wire, socket_path);
    wire_do(&wire, "DEL " LIST);
    wire_close(&wire);
}

static void end_list(const char *socket_path)
{
    connection wire;
    wire_open(&wire, socket_path);
    redisReply *keys = wire_ask(&wire, "KEYS " LIST "*");
    bench_need(keys->elements == 0, "LREM of all"); /* an empty list is not a key */
    freeReplyObject(keys);
    wire_close(&wire);
}

static void push_due(void *own, const latency_load *due)
{
    draft made = draft_begin();
    draft_command(&made, 2 + due->count);
    draft_put_text(&made, "LPUSH");
    draft_put_text(&made, LIST);
    for (uint32_t i = 0; i < due->count; i++) {
        draft_put(&made, due->payloads[i], LATENCY_PAYLOAD_BYTES);
    }
    draft_send(&made, own);
    wire_skip(own, 1);
}

static void put_finish(draft *made, const worker *self)
{
    for (uint32_t i = 0; i < self->done_count; i++) {
        draft_command(made, 4);
        draft_put_text(made, "LREM");
        draft_put_text(made, self->name);
        draft_put_text(made, "-1"); /* the oldest is the last */
        draft_put(made, self->done[i], LATENCY_PAYLOAD_BYTES);
    }
}

/* LMOVE, or BLMOVE where it waits */
static void put_move(draft *made, const worker *self, bool waits)
{
    char seconds[16];
    snprintf(seconds, sizeof seconds, "%.3f", LATENCY_WAIT_MS / 1000.0);
    draft_command(made, waits ? 6 : 5);
    draft_put_text(made, waits ? "BLMOVE" : "LMOVE");
    draft_put_text(made, LIST);
    draft_put_text(made, self->name);
    draft_put_text(made, "RIGHT");
    draft_put_text(made, "LEFT");
    if (waits) {
        draft_put_text(made, seconds);
    }
}

static void send_round(const worker *self)
{
    draft made = draft_begin();
    put_finish(&made, self);
    for (uint32_t i = 1; i < self->ask; i++) {
        put_move(&made, self, false);
    }
    put_move(&made, self, true);
    draft_send(&made, self->wire);
}

static void take_round(worker *self, latency_tray *tray)
{
    for (uint32_t i = 0; i < self->done_count; i++) {
        redisReply *removed = wire_reply(self->wire);
        bench_need(removed->integer == 1, "LREM of what was taken");
        freeReplyObject(removed);
    }
    self->done_count = 0;
    for (uint32_t i = 0; i < self->ask; i++) {
        redisReply *reply = wire_reply(self->wire);
        if (reply->type == REDIS_REPLY_STRING) {
            latency_take(tray, reply->str, reply->len);
            memcpy(self->done[self->done_count++], reply->str, LATENCY_PAYLOAD_BYTES);
        }
        freeReplyObject(reply);
    }
}

/* Twice as many where all was there, one where the list was found empty. */
static void choose_ask(worker *self)
{
    const uint32_t more = self->ask * 2 < LATENCY_BATCH_MOST ? self->ask * 2 : LATENCY_BATCH_MOST;
    self->ask = self->done_count == self->ask ? more : 1;
}

static void consume(void *own, latency_tray *tray)
{
    static worker self;
    self = (worker){.wire = own, .ask = 1};
    snprintf(self.name, sizeof self.name, LIST ":%ld", (long)getpid());
    while (self.done_count > 0 || !latency_is_over(tray)) {
        send_round(&self);
        take_round(&self, tray);
        choose_ask(&self);
    }
}

const latency_peer latency_lists = {make_list, end_list, latency_open_wire, push_due, consume};
