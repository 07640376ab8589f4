/* leases.c: open load through the queue that one writes by hand, with a bell beside
 * it, a list on which consumers wait (as BullMQ has a marker): rung after each push; behind the
 * BLPOP the taking goes on the same way. Knows leases_scripts.h.
 */
#include "../../../redis/subjects/leases_scripts.h"
#include "../../../redis/subjects/draft.h"
#include "latency.h"
#include "../../../support/sure.h"

enum { KEYS = 4, BELLS_MOST = 64 };

#define BELL "{latency}:bell"
#define ALL_KEYS "{latency}:last {latency}:list {latency}:data {latency}:zset"

static const char *const keys[KEYS] = {"{latency}:last", "{latency}:list", "{latency}:data",
                                       "{latency}:zset"};

static char push_sha1[41];
static char take_sha1[41];
static char finish_sha1[41];

static void make_queue(const char *socket_path)
{
    connection wire;
    wire_open(&wire, socket_path);
    wire_load(&wire, LEASES_PUSH, sizeof LEASES_PUSH - 1, push_sha1);
    wire_load(&wire, LEASES_TAKE, sizeof LEASES_TAKE - 1, take_sha1);
    wire_load(&wire, LEASES_FINISH, sizeof LEASES_FINISH - 1, finish_sha1);
    wire_do(&wire, "DEL " BELL " " ALL_KEYS);
    wire_close(&wire);
}

static void end_queue(const char *socket_path)
{
    connection wire;
    wire_open(&wire, socket_path);
    redisReply *left = wire_ask(&wire, "EXISTS {latency}:list {latency}:data {latency}:zset");
    bench_need(left->integer == 0, "finishing all leases"); /* an empty one is not a key */
    freeReplyObject(left);
    wire_do(&wire, "DEL " BELL " " ALL_KEYS);
    wire_close(&wire);
}

/* EVALSHA with its keys; more arguments are put by the caller. */
static void put_call(draft *made, const char *sha1, uint32_t more)
{
    draft_command(made, 3 + KEYS + more);
    draft_put_text(made, "EVALSHA");
    draft_put_text(made, sha1);
    draft_put_number(made, KEYS);
    for (uint32_t i = 0; i < KEYS; i++) {
        draft_put_text(made, keys[i]);
    }
}

static void push_due(void *own, const latency_load *due)
{
    draft made = draft_begin();
    put_call(&made, push_sha1, due->count);
    for (uint32_t i = 0; i < due->count; i++) {
        draft_put(&made, due->payloads[i], LATENCY_PAYLOAD_BYTES);
    }
    draft_command(&made, 3);
    draft_put_text(&made, "RPUSH");
    draft_put_text(&made, BELL);
    draft_put_text(&made, "1");
    draft_command(&made, 4); /* so many may be waiting */
    draft_put_text(&made, "LTRIM");
    draft_put_text(&made, BELL);
    draft_put_text(&made, "0");
    draft_put_number(&made, BELLS_MOST - 1);
    draft_send(&made, own);
    wire_skip(own, 3);
}

static void put_wait(draft *made)
{
    char seconds[16];
    snprintf(seconds, sizeof seconds, "%.3f", LATENCY_WAIT_MS / 1000.0);
    draft_command(made, 3);
    draft_put_text(made, "BLPOP");
    draft_put_text(made, BELL);
    draft_put_text(made, seconds);
}

/* The finish of what was taken, unless that is NULL; a wait; the next taking. */
static void send_round(connection *wire, const redisReply *taken, bool waits)
{
    draft made = draft_begin();
    if (taken != NULL) {
        put_call(&made, finish_sha1, (uint32_t)taken->elements);
        for (size_t i = 0; i < taken->elements; i++) {
            draft_put(&made, taken->element[i]->str, taken->element[i]->len);
        }
    }
    if (waits) {
        put_wait(&made);
    }
    put_call(&made, take_sha1, 2);
    draft_put_number(&made, LATENCY_BATCH_MOST);
    draft_put_number(&made, LATENCY_LEASE_MS);
    draft_send(&made, wire);
}

static void skip_finish(connection *wire, size_t count)
{
    redisReply *finished = wire_reply(wire);
    bench_need(finished->integer == (long long)count, "finishing all that was taken");
    freeReplyObject(finished);
}

/* [[id, …], [payload, …]] */
static const redisReply *take_all(const redisReply *reply, latency_tray *tray)
{
    bench_need(reply->type == REDIS_REPLY_ARRAY && reply->elements == 2, "taking leases");
    const redisReply *payloads = reply->element[1];
    for (size_t i = 0; i < payloads->elements; i++) {
        latency_take(tray, payloads->element[i]->str, payloads->element[i]->len);
    }
    return payloads->elements > 0 ? reply->element[0] : NULL;
}

static void consume(void *own, latency_tray *tray)
{
    redisReply *reply = NULL;
    const redisReply *ids = NULL;
    while (ids != NULL || !latency_is_over(tray)) {
        const size_t unfinished = ids != NULL ? ids->elements : 0;
        const bool waits = unfinished < LATENCY_BATCH_MOST; /* else there may be more already */
        send_round(own, ids, waits);
        freeReplyObject(reply);
        if (unfinished > 0) {
            skip_finish(own, unfinished);
        }
        if (waits) {
            wire_skip(own, 1);
        }
        reply = wire_reply(own);
        ids = take_all(reply, tray);
    }
    freeReplyObject(reply);
}

const latency_peer latency_leases = {make_queue, end_queue, latency_open_wire, push_due, consume};
