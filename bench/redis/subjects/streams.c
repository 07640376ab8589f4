/* streams.c: a Redis stream as a work queue, with hiredis at its best: XADDs and XREADGROUP
 * made once, XACK of a batch written straight into its bytes.
 */
#include "subject.h"
#include "draft.h"
#include "../../support/sure.h"

#define STREAM SUBJECT_STREAM_KEY

static void streams_reset(connection *wire)
{
    wire_do(wire, "DEL " STREAM);
    wire_do(wire, "XGROUP CREATE " STREAM " g $ MKSTREAM");
}

static uint32_t streams_push(connection *wire, uint32_t count)
{
    static kept_command kept; /* count XADDs in one piece */
    if (!kept_is_for(&kept, count)) {
        const slotq_data *messages = subject_messages();
        draft made = draft_begin();
        for (uint32_t i = 0; i < count; i++) {
            draft_command(&made, 5);
            draft_put_text(&made, "XADD");
            draft_put_text(&made, STREAM);
            draft_put_text(&made, "*");
            draft_put_text(&made, "d");
            draft_put(&made, messages[i].bytes, messages[i].size);
        }
        kept_renew(&kept, &made, count);
    }
    kept_send(&kept, wire);
    return count;
}

static uint32_t streams_take(connection *wire, uint32_t count)
{
    static kept_command kept;
    if (!kept_is_for(&kept, count)) {
        draft made = draft_begin();
        draft_command(&made, 9);
        draft_put_text(&made, "XREADGROUP");
        draft_put_text(&made, "GROUP");
        draft_put_text(&made, "g");
        draft_put_text(&made, "w");
        draft_put_text(&made, "COUNT");
        draft_put_number(&made, count);
        draft_put_text(&made, "STREAMS");
        draft_put_text(&made, STREAM);
        draft_put_text(&made, ">");
        kept_renew(&kept, &made, count);
    }
    kept_send(&kept, wire);
    return 1;
}

/* [[stream, [[id, [field, payload]], …]]] */
static uint32_t streams_ack(connection *wire, redisReply *const *taken, uint32_t count)
{
    subject_sight seen = {0};
    draft made = draft_begin();
    bench_need(taken[0]->type == REDIS_REPLY_ARRAY && taken[0]->elements == 1, "XREADGROUP");
    const redisReply *messages = taken[0]->element[0]->element[1];
    draft_command(&made, (uint32_t)messages->elements + 3);
    draft_put_text(&made, "XACK");
    draft_put_text(&made, STREAM);
    draft_put_text(&made, "g");
    for (size_t i = 0; i < messages->elements; i++) {
        const redisReply *id = messages->element[i]->element[0];
        const redisReply *payload = messages->element[i]->element[1]->element[1];
        subject_look(&seen, payload->str, payload->len);
        draft_put(&made, id->str, id->len);
    }
    subject_sight_end(&seen, count, "XREADGROUP of all that was asked for");
    draft_send(&made, wire);
    return 1;
}

static bool streams_is_acked(const redisReply *reply, uint32_t count)
{
    return reply->type == REDIS_REPLY_INTEGER && reply->integer == count;
}

const subject subject_streams = {"Streams",    STREAM,       NULL,        streams_reset,
                                 streams_push, streams_take, streams_ack, streams_is_acked};
