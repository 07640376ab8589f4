/* streams.c: open load through a stream with one group: XADDs in one pipeline,
 * XREADGROUP that blocks, the XACK of the batch before it on the same way.
 */
#include "../../../redis/subjects/draft.h"
#include "latency.h"
#include "../../../support/sure.h"

#include <unistd.h>

#define STREAM "bench:latency"

static void make_stream(const char *socket_path)
{
    connection wire;
    wire_open(&wire, socket_path);
    wire_do(&wire, "DEL " STREAM);
    wire_do(&wire, "XGROUP CREATE " STREAM " g $ MKSTREAM");
    wire_close(&wire);
}

static void end_stream(const char *socket_path)
{
    connection wire;
    wire_open(&wire, socket_path);
    redisReply *pending = wire_ask(&wire, "XPENDING " STREAM " g");
    bench_need(pending->elements == 4 && pending->element[0]->integer == 0, "XACK of all");
    freeReplyObject(pending);
    wire_do(&wire, "DEL " STREAM);
    wire_close(&wire);
}

static void push_due(void *own, const latency_load *due)
{
    draft made = draft_begin();
    for (uint32_t i = 0; i < due->count; i++) {
        draft_command(&made, 5);
        draft_put_text(&made, "XADD");
        draft_put_text(&made, STREAM);
        draft_put_text(&made, "*");
        draft_put_text(&made, "d");
        draft_put(&made, due->payloads[i], LATENCY_PAYLOAD_BYTES);
    }
    draft_send(&made, own);
    wire_skip(own, due->count);
}

static void put_ack(draft *made, const redisReply *messages)
{
    draft_command(made, 3 + (uint32_t)messages->elements);
    draft_put_text(made, "XACK");
    draft_put_text(made, STREAM);
    draft_put_text(made, "g");
    for (size_t i = 0; i < messages->elements; i++) {
        const redisReply *id = messages->element[i]->element[0];
        draft_put(made, id->str, id->len);
    }
}

static void put_read(draft *made)
{
    char name[24];
    snprintf(name, sizeof name, "w%ld", (long)getpid());
    draft_command(made, 11);
    draft_put_text(made, "XREADGROUP");
    draft_put_text(made, "GROUP");
    draft_put_text(made, "g");
    draft_put_text(made, name);
    draft_put_text(made, "COUNT");
    draft_put_number(made, LATENCY_BATCH_MOST);
    draft_put_text(made, "BLOCK");
    draft_put_number(made, LATENCY_WAIT_MS);
    draft_put_text(made, "STREAMS");
    draft_put_text(made, STREAM);
    draft_put_text(made, ">");
}

static void skip_ack(connection *wire, size_t count)
{
    redisReply *acked = wire_reply(wire);
    bench_need(acked->integer == (long long)count, "XACK of all that was taken");
    freeReplyObject(acked);
}

/* [[stream, [[id, [field, payload]], …]]]; NULL: nothing came in time. */
static const redisReply *take_all(const redisReply *reply, latency_tray *tray)
{
    if (reply->type == REDIS_REPLY_NIL) {
        return NULL;
    }
    bench_need(reply->type == REDIS_REPLY_ARRAY && reply->elements == 1, "XREADGROUP");
    const redisReply *messages = reply->element[0]->element[1];
    for (size_t i = 0; i < messages->elements; i++) {
        const redisReply *payload = messages->element[i]->element[1]->element[1];
        latency_take(tray, payload->str, payload->len);
    }
    return messages;
}

static void consume(void *own, latency_tray *tray)
{
    redisReply *reply = NULL;
    const redisReply *messages = NULL;
    while (messages != NULL || !latency_is_over(tray)) {
        const size_t unacked = messages != NULL ? messages->elements : 0;
        draft made = draft_begin();
        if (unacked > 0) {
            put_ack(&made, messages);
        }
        put_read(&made);
        draft_send(&made, own);
        freeReplyObject(reply);
        if (unacked > 0) {
            skip_ack(own, unacked);
        }
        reply = wire_reply(own);
        messages = take_all(reply, tray);
    }
    freeReplyObject(reply);
}

const latency_peer latency_streams = {make_stream, end_stream, latency_open_wire, push_due,
                                      consume};
