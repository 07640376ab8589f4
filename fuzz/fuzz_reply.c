/* fuzz_reply.c: whatever a server says, the decoder answers an outcome that the verb can have and
 * outputs in range, and writes nowhere else. Input: verb, shape of the queue, what was asked, and
 * the bytes of the reply as they come over the wire.
 */
#include <stdlib.h>
#include <string.h>

#include "../engine/backend/redis/wire/connection.h"
#include "../engine/backend/redis/call/reply.h"
#include "../engine/layout/geometry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FRONT_BYTES = 4, ASKED_MAX = 24, NOW_MS = 1700000000 };

static void require(bool rule)
{
    if (!rule) {
        abort();
    }
}

/* A call under way, each of its buffers just as large as promised. */
typedef struct asked {
    slotq_view view;
    redis_terms terms;
    slotq_call call;
    uint32_t limit;
    slotq_run *runs;
    slotq_item *items;
    uint8_t *outcomes;
    uint32_t *tokens;
    store_harvest harvest;
} asked;

static void *room(size_t count, size_t bytes)
{
    void *made = calloc(count, bytes);
    require(made != NULL);
    return made;
}

static void shape(asked *it, uint8_t shape_byte)
{
    const slotq_geometry geometry = {.ring_slots = 30,
                                     .payload_bytes = (uint16_t)(1 + shape_byte % 8),
                                     .dead_slots = ASKED_MAX,
                                     .tick_ms = 100,
                                     .groups = (uint8_t)(1 + shape_byte / 8 % 3),
                                     .flags = shape_byte & 64 ? SLOTQ_FLAG_STAMPS : 0,
                                     .max_attempts = shape_byte & 128 ? 3 : 0,
                                     .generation = 1};
    memset(it, 0, sizeof *it);
    it->view.geometry = geometry;
    geometry_lay_out(&it->view);
    it->view.bytes = NULL;
    it->terms.view = &it->view;
    it->terms.own_clock = (shape_byte & 32) != 0;
    it->terms.server_ahead_ms = -5;
}

static void ask_settle(asked *it)
{
    for (uint32_t i = 0; i < it->limit; i++) {
        it->runs[i].id = 1 + 3 * i;
        it->runs[i].token = 5 + 4 * (i % 4);
        it->runs[i].count = 1 + i % 3;
    }
    it->call.settle.runs = it->runs;
    it->call.settle.run_count = it->limit;
    it->call.settle.outcomes = it->outcomes;
    it->call.settle.tokens = it->tokens;
}

static void ask(asked *it, slotq_verb verb, bool may_wait)
{
    slotq_call *call = &it->call;
    it->runs = room(it->limit, sizeof *it->runs);
    it->items = room(it->limit, sizeof *it->items);
    it->outcomes = room((size_t)it->limit * 3, 1);
    it->tokens = room((size_t)it->limit * 3, sizeof *it->tokens);
    it->harvest.offsets = room(it->limit, sizeof *it->harvest.offsets);
    it->harvest.copies = room(it->limit, it->view.stride);
    slotq_core_begin(call, verb, NOW_MS);
    if (verb == SLOTQ_PUSH) {
        call->push = (slotq_call_push){.count = it->limit, .may_wait = may_wait};
    } else if (verb == SLOTQ_RESERVE) {
        call->reserve = (slotq_call_reserve){.lease_ms = 1000,
                                             .runs = it->runs,
                                             .run_capacity = it->limit,
                                             .limit = it->limit,
                                             .may_wait = may_wait};
    } else if (verb >= SLOTQ_ACK && verb <= SLOTQ_KILL) {
        ask_settle(it);
    } else if (verb == SLOTQ_PEEK || verb == SLOTQ_DEAD_LIST) {
        call->look = (slotq_call_look){.items = it->items, .capacity = it->limit};
    } else if (verb == SLOTQ_REDRIVE) {
        call->dead.limit = it->limit;
    }
}

static void forget(asked *it)
{
    free(it->runs);
    free(it->items);
    free(it->outcomes);
    free(it->tokens);
    free(it->harvest.offsets);
    free(it->harvest.copies);
}

static void judge_reserve(const asked *it)
{
    const slotq_call_reserve *reserve = &it->call.reserve;
    uint32_t messages = 0;
    require(reserve->message_count >= 1 && reserve->message_count <= it->limit);
    for (uint32_t i = 0; i < reserve->run_count; i++) {
        require(reserve->runs[i].count >= 1 && reserve->runs[i].id >= 1);
        require(reserve->runs[i].id + reserve->runs[i].count - 1 <= SLOTQ_ID_MAX);
        require((reserve->runs[i].token & 3) == SLOTQ_STATE_LEASED);
        require(it->harvest.base == NULL || it->harvest.offsets[i] == messages * it->view.stride);
        messages += reserve->runs[i].count;
    }
    require(messages == reserve->message_count);
}

static void judge(const asked *it, slotq_outcome outcome)
{
    const slotq_call *call = &it->call;
    require(outcome != SLOTQ_MORE);
    if (outcome >= SLOTQ_FAILURES) {
        return;
    }
    if (call->verb == SLOTQ_RESERVE && outcome == SLOTQ_OK) {
        judge_reserve(it);
    } else if (call->verb == SLOTQ_PUSH && outcome == SLOTQ_OK) {
        require(call->push.first_id >= 1 && call->push.first_id <= SLOTQ_ID_MAX);
    } else if (call->verb >= SLOTQ_ACK && call->verb <= SLOTQ_KILL) {
        require(call->settle.dead_count <= call->settle.ok_count);
    } else if ((call->verb == SLOTQ_PEEK || call->verb == SLOTQ_DEAD_LIST) && outcome == SLOTQ_OK) {
        require(call->look.count >= 1 && call->look.count <= it->limit);
    } else if (call->verb == SLOTQ_REDRIVE) {
        require(call->dead.count + call->dead.damaged <= it->limit);
    } else if (call->verb == SLOTQ_STATUS && outcome == SLOTQ_OK) {
        require((uint32_t)call->status.status.state <= SLOTQ_STATE_DONE);
        require(call->status.status.attempts <= 63);
    } else if (call->verb == SLOTQ_STATS && outcome == SLOTQ_OK) {
        require((uint32_t)call->stats.stats.holder.state <= SLOTQ_STATE_DONE);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < FRONT_BYTES) {
        return 0;
    }
    asked it;
    store_fault fault;
    redis_connection connection;
    redisReader *reader = redisReaderCreate();
    require(reader != NULL);
    memset(&connection, 0, sizeof connection);
    redis_connection_bound(&connection, reader);
    void *reply = NULL;
    if (redisReaderFeed(reader, (const char *)data + FRONT_BYTES, size - FRONT_BYTES) == REDIS_OK &&
        redisReaderGetReply(reader, &reply) == REDIS_OK && reply != NULL) {
        shape(&it, data[1]);
        it.limit = 1 + data[2] % ASKED_MAX;
        ask(&it, (slotq_verb)(data[0] % SLOTQ_VERB_COUNT), data[3] & 1);
        memset(&fault, 0, sizeof fault);
        judge(&it, redis_reply_take(&it.terms, &it.call, reply, data[3] & 2 ? NULL : &it.harvest,
                                    &fault));
        require(memchr(fault.text, '\0', sizeof fault.text) != NULL);
        forget(&it);
        freeReplyObject(reply);
    }
    redisReaderFree(reader);
    return 0;
}
