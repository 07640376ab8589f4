/* memory.c: what a message takes of a server's used_memory, ready and leased, in a
 * separate server. Knows subjects; not how each keeps its messages.
 */
#include "redis.h"
#include "stage.h"
#include "../../support/sure.h"

/* What the server makes once, whatever the number of messages, is made. */
static void warm_up(const subject *queue, connection *wire)
{
    queue->reset(wire);
    wire_skip(wire, queue->push(wire, 1));
    bench_need(queue->take(wire, 1) == 1, "taking one message by one reply");
    redisReply *taken = wire_reply(wire);
    wire_skip(wire, queue->ack(wire, &taken, 1));
    freeReplyObject(taken);
    redis_clear(wire, queue);
}

void redis_weigh(const contender *self, uint32_t messages, uint32_t payload_bytes, weight *bytes)
{
    const subject *queue = redis_own_of(self)->subject;
    redis_stage stage;
    stage_open(&stage, queue, NULL);
    stage_config(&stage.wire, "latency-tracking no"); /* it takes memory for each command */
    subject_shape_set(payload_bytes, messages);
    warm_up(queue, &stage.wire);
    const double nothing = stage_used_bytes(&stage);
    queue->reset(&stage.wire);
    stage_push_all(&stage.wire, queue, messages);
    const double ready = stage_used_bytes(&stage);
    stage_take_all(&stage.wire, queue, messages);
    const double leased = stage_used_bytes(&stage);
    stage_close(&stage);
    bytes->ready_bytes = (ready - nothing) / messages;
    bytes->leased_bytes = (leased - nothing) / messages;
}
