/* test_memory.cpp: each allocation of a day with a queue in Redis fails once, then for good: told
 * as NOMEMORY, nothing lost, nothing leaked. Knows the public headers, and faults.hpp.
 */
#include "catch.hpp"

#include <string>

#include <hiredis/hiredis.h>

#include "../../../../engine/slotq_redis.h"
#include "../../../support/faults/faults.hpp"
#include "../../../support/server/redis_server.hpp"

namespace
{

bool visit(void *, const char *)
{
    return true;
}

void expect(slotq_outcome outcome, slotq_outcome good = SLOTQ_OK)
{
    if (outcome != SLOTQ_NOMEMORY) {
        CHECK(outcome == good);
    }
}

void run_pipeline(slotq *queue, slotq_batch *batch)
{
    const slotq_data messages[] = {{"a", 1}, {"b", 1}};
    slotq_pipeline *pipeline = nullptr;
    expect(slotq_pipeline_new(queue, &pipeline, nullptr));
    if (pipeline == nullptr) {
        return;
    }
    expect(slotq_pipeline_push(pipeline, messages, 2, nullptr));
    expect(slotq_pipeline_reserve(pipeline, 0, 2, 30000, batch, nullptr));
    expect(slotq_pipeline_run(pipeline));
    if (slotq_batch_count(batch) > 0) {
        expect(slotq_pipeline_settle_batch(pipeline, SLOTQ_SETTLE_ACK, batch, 0, 0, nullptr));
        expect(slotq_pipeline_run(pipeline));
    }
    slotq_pipeline_free(pipeline);
}

/* A batch with marks: what was not settled is told, and stays with its mark. */
void run_marked(slotq *queue, slotq_batch *batch)
{
    const slotq_data messages[] = {{"a", 1}, {"b", 1}, {"c", 1}};
    const slotq_data note = {"why", 3};
    slotq_settled settled = {};
    slotq_message message = {};
    expect(slotq_push(queue, messages, 3, nullptr));
    const slotq_outcome reserved = slotq_reserve(queue, 0, 3, 30000, 0, batch);
    expect(reserved, reserved == SLOTQ_EMPTY ? SLOTQ_EMPTY : SLOTQ_OK);
    const uint32_t had = slotq_batch_count(batch);
    for (uint32_t i = 0; slotq_batch_next(batch, &message); i++) {
        const slotq_settle_how how = i == 0   ? SLOTQ_SETTLE_KILL
                                     : i == 1 ? SLOTQ_SETTLE_EXTEND
                                              : SLOTQ_SETTLE_ACK;
        expect(slotq_mark(queue, how, batch, message.id, 60000, 1, i == 0 ? &note : nullptr));
    }
    const slotq_outcome outcome = slotq_next(queue, 0, 1, 30000, 0, batch, &settled);
    expect(outcome, outcome == SLOTQ_EMPTY ? SLOTQ_EMPTY : SLOTQ_OK);
    slotq_settled_message told = {};
    uint32_t count = 0;
    uint32_t failed = 0;
    for (; slotq_batch_settled(batch, count, &told); count++) {
        CHECK((told.outcome == SLOTQ_OK || told.outcome == SLOTQ_NOMEMORY));
        failed += told.outcome == SLOTQ_NOMEMORY;
    }
    CHECK((count == had || (count == 0 && outcome == SLOTQ_NOMEMORY)));
    CHECK(settled.failed_count == failed);
    if (outcome == SLOTQ_NOMEMORY && failed > 0) {
        CHECK(slotq_batch_count(batch) == failed);
    }
    expect(slotq_ack_batch(queue, batch));
}

void run_own(const char *url)
{
    slotq_redis_connection *connection = nullptr;
    expect(slotq_redis_connect(url, nullptr, &connection, nullptr));
    slotq_script *script = slotq_script_new("return 1", 8);
    if (connection != nullptr && script != nullptr) {
        redisReply *reply = nullptr;
        expect(slotq_script_run(script, slotq_redis_context(connection), 0, nullptr, 0, nullptr,
                                &reply, nullptr));
        if (reply != nullptr) {
            freeReplyObject(reply);
        }
    }
    slotq_script_free(script);
    slotq_redis_close(connection);
}

/* Open, work, look, close; each answer is good or NOMEMORY. */
void live_a_day(const char *url)
{
    const slotq_data messages[] = {{"first", 5}, {"second", 6}};
    slotq *queue = nullptr;
    slotq *other = nullptr;
    slotq_batch *batch = slotq_batch_new();
    expect(slotq_open(url, "jobs", nullptr, &queue, nullptr));
    if (queue != nullptr && batch != nullptr) {
        slotq_stats stats = {};
        expect(slotq_push(queue, messages, 2, nullptr));
        const slotq_outcome reserved = slotq_reserve(queue, 0, 5, 30000, 0, batch);
        expect(reserved, reserved == SLOTQ_EMPTY ? SLOTQ_EMPTY : SLOTQ_OK);
        expect(slotq_ack_batch(queue, batch));
        expect(slotq_get_stats(queue, 0, &stats));
        const slotq_outcome dead = slotq_dead_list(queue, 0, 5, batch);
        expect(dead, dead == SLOTQ_OK ? SLOTQ_OK : SLOTQ_EMPTY);
        expect(slotq_check(queue));
        expect(slotq_clone(queue, &other, nullptr));
        run_pipeline(queue, batch);
        run_marked(queue, batch);
        CHECK(slotq_error_of(queue) != nullptr);
    }
    slotq_batch_free(batch);
    slotq_close(other);
    slotq_close(queue);
    expect(slotq_list(url, visit, nullptr, nullptr));
    run_own(url);
}

} // namespace

TEST_CASE("each allocation fails once, then for good")
{
    REQUIRE(faults::linked());
    redis::Server server;
    const std::string url = server.url();
    slotq_geometry geometry = {};
    geometry.ring_slots = 2000;
    geometry.payload_bytes = 16;
    geometry.tick_ms = 100;
    geometry.groups = 1;
    geometry.dead_slots = 2;
    geometry.flags = SLOTQ_FLAG_DEAD_OVERWRITE;
    geometry.note_bytes = 4;
    REQUIRE(slotq_create(url.c_str(), "jobs", &geometry, nullptr, nullptr) == SLOTQ_OK);
    for (const int call : {faults::CALL_malloc, faults::CALL_calloc, faults::CALL_realloc}) {
        for (const bool for_good : {false, true}) {
            uint64_t struck = 1;
            for (uint64_t at = 1; struck > 0; at++) {
                faults::arm(call, at, for_good);
                live_a_day(url.c_str());
                struck = faults::struck();
                faults::disarm();
                INFO(faults::name_of(call) << " " << at);
                CHECK(faults::allocations_left() == 0);
                REQUIRE(at < 200);
            }
        }
    }
    slotq *queue = nullptr;
    REQUIRE(slotq_open(url.c_str(), "jobs", nullptr, &queue, nullptr) == SLOTQ_OK);
    CHECK(slotq_check(queue) == SLOTQ_OK);
    slotq_close(queue);
}
