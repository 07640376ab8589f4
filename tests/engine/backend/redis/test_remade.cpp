/* test_remade.cpp: a queue is deleted and made anew, or its geometry is changed, under handles that
 * have it open: no id, token, packed slot or batch from before acts on the new queue.
 */
#include "catch.hpp"

#include <array>
#include <functional>
#include <string>
#include <vector>

#include <hiredis/hiredis.h>

#include "own_handle.hpp"
#include "served.hpp"

namespace
{

const slotq_data hello = {"hello", 5};
const slotq_data world = {"world", 5};

slotq_geometry shape(uint32_t generation, uint16_t payload_bytes = 16)
{
    slotq_geometry made = {};
    made.ring_slots = 1000;
    made.payload_bytes = payload_bytes;
    made.dead_slots = 10;
    made.tick_ms = 10;
    made.groups = 1;
    made.generation = generation;
    return made;
}

/* Time stands still, so that a remade queue leases with the same token. */
uint64_t still(void *)
{
    return 1700000000000;
}

struct Handle : OwnHandle {
    explicit Handle(const redis::Server &server)
    {
        slotq_options options = {};
        options.clock_ms = still;
        REQUIRE(slotq_open(server.url().c_str(), "jobs", &options, &queue, nullptr) == SLOTQ_OK);
    }

    slotq_message lease()
    {
        slotq_message message = {};
        REQUIRE(slotq_reserve(queue, 0, 1, 30000, 0, batch) == SLOTQ_OK);
        REQUIRE(slotq_batch_next(batch, &message));
        return message;
    }
};

struct World {
    redis::Server server;

    World()
    {
        make(shape(1));
    }
    void make(const slotq_geometry &geometry)
    {
        REQUIRE(slotq_create(server.url().c_str(), "jobs", &geometry, nullptr, nullptr) ==
                SLOTQ_OK);
    }
    /* Another queue of that name, in which message 1 is leased with the token that it had before.
     */
    slotq_message remake(const slotq_geometry &geometry)
    {
        server.command({"DEL", "jobs"});
        make(geometry);
        Handle other(server);
        REQUIRE(slotq_push(other.queue, &world, 1, nullptr) == SLOTQ_OK);
        return other.lease();
    }
    std::string bytes()
    {
        return server.command({"GET", "jobs"}).text;
    }
};

struct Call {
    const char *name;
    std::function<slotq_outcome(Handle &, const slotq_message &)> run;
};

const Call calls[] = {
    {"ack", [](Handle &h, const slotq_message &m) { return slotq_ack(h.queue, 0, m.id, m.token); }},
    {"nack",
     [](Handle &h, const slotq_message &m) { return slotq_nack(h.queue, 0, m.id, m.token, 0, 1); }},
    {"release",
     [](Handle &h, const slotq_message &m) { return slotq_release(h.queue, 0, m.id, m.token, 0); }},
    {"extend",
     [](Handle &h, const slotq_message &m) {
         uint32_t token = 0;
         return slotq_extend(h.queue, 0, m.id, m.token, 60000, &token);
     }},
    {"kill",
     [](Handle &h, const slotq_message &m) { return slotq_kill(h.queue, 0, m.id, m.token, 1); }},
    {"ack a batch",
     [](Handle &h, const slotq_message &) {
         const slotq_outcome outcome = slotq_ack_batch(h.queue, h.batch);
         CHECK(slotq_batch_count(h.batch) == 0);
         return outcome;
     }},
    {"extend a batch",
     [](Handle &h, const slotq_message &) {
         const slotq_outcome outcome =
             slotq_settle_batch(h.queue, SLOTQ_SETTLE_EXTEND, h.batch, 60000, 0);
         CHECK(slotq_batch_count(h.batch) == 0);
         return outcome;
     }},
    {"kill one of a batch",
     [](Handle &h, const slotq_message &m) {
         const slotq_outcome outcome =
             slotq_settle_message(h.queue, SLOTQ_SETTLE_KILL, h.batch, m.id, 0, 1);
         CHECK(slotq_batch_count(h.batch) == 0);
         return outcome;
     }},
    {"next",
     [](Handle &h, const slotq_message &) {
         slotq_settled settled = {};
         const slotq_outcome outcome = slotq_next(h.queue, 0, 1, 30000, 0, h.batch, &settled);
         CHECK(settled.outcome == SLOTQ_REMADE);
         CHECK((settled.ok_count == 0 && settled.refused_count == 0));
         CHECK(slotq_batch_count(h.batch) == 0);
         return outcome;
     }},
    {"push",
     [](Handle &h, const slotq_message &) { return slotq_push(h.queue, &hello, 1, nullptr); }},
    {"reserve",
     [](Handle &h, const slotq_message &) {
         return slotq_reserve(h.queue, 0, 1, 30000, 0, h.batch);
     }},
    {"remove", [](Handle &h, const slotq_message &m) { return slotq_remove(h.queue, 0, m.id); }},
    {"status",
     [](Handle &h, const slotq_message &m) {
         slotq_status status = {};
         return slotq_get_status(h.queue, 0, m.id, &status);
     }},
    {"peek",
     [](Handle &h, const slotq_message &) { return slotq_peek(h.queue, 0, 0, 1, h.batch); }},
    {"stats",
     [](Handle &h, const slotq_message &) {
         slotq_stats stats = {};
         return slotq_get_stats(h.queue, 0, &stats);
     }},
    {"purge", [](Handle &h, const slotq_message &) { return slotq_purge(h.queue); }},
    {"dead purge",
     [](Handle &h, const slotq_message &) { return slotq_dead_purge(h.queue, nullptr); }},
    {"redrive",
     [](Handle &h, const slotq_message &) {
         return slotq_dead_redrive(h.queue, 0, nullptr, nullptr, nullptr);
     }},
    {"reclaim",
     [](Handle &h, const slotq_message &) { return slotq_reclaim(h.queue, 0, nullptr, nullptr); }},
    {"pause",
     [](Handle &h, const slotq_message &) { return slotq_pause(h.queue, SLOTQ_PAUSE_BOTH); }},
    {"check", [](Handle &h, const slotq_message &) { return slotq_check(h.queue); }},
    {"export",
     [](Handle &h, const slotq_message &) {
         std::vector<uint8_t> image(slotq_image_bytes(h.queue));
         return slotq_export(h.queue, image.data(), image.size());
     }},
};

} // namespace

TEST_CASE("no call on a remade queue does anything; the handle then works on the new one")
{
    World it;
    for (const Call &call : calls) {
        for (const uint16_t payload_bytes : {16, 99}) {
            INFO(call.name << ", payloads of " << payload_bytes);
            it.server.command({"DEL", "jobs"});
            it.make(shape(1));
            Handle handle(it.server);
            REQUIRE(slotq_push(handle.queue, &hello, 1, nullptr) == SLOTQ_OK);
            const slotq_message old = handle.lease();
            const slotq_message fresh = it.remake(shape(2, payload_bytes));
            REQUIRE((old.id == fresh.id && old.token == fresh.token)); /* or nothing is shown */
            const std::string before = it.bytes();
            CHECK(call.run(handle, old) == SLOTQ_REMADE);
            CHECK(it.bytes() == before);
            CHECK(std::string(slotq_error_of(handle.queue)->text).find("anew") !=
                  std::string::npos);
            CHECK(slotq_geometry_of(handle.queue)->generation == 2);
            CHECK(slotq_geometry_of(handle.queue)->payload_bytes == payload_bytes);
            CHECK(slotq_push(handle.queue, &hello, 1, nullptr) == SLOTQ_OK);
            CHECK(slotq_check(handle.queue) == SLOTQ_OK);
            std::vector<uint8_t> image(slotq_image_bytes(handle.queue));
            CHECK(slotq_export(handle.queue, image.data(), image.size()) == SLOTQ_OK);
            slotq_message next = handle.lease();
            CHECK(std::string(static_cast<const char *>(next.payload), next.payload_bytes) ==
                  "hello");
            CHECK(slotq_ack(handle.queue, 0, next.id, next.token) == SLOTQ_OK);
        }
    }
}

TEST_CASE("a batch from before is refused also when the handle knows the new queue")
{
    World it;
    Handle handle(it.server);
    REQUIRE(slotq_push(handle.queue, &hello, 1, nullptr) == SLOTQ_OK);
    const slotq_message old = handle.lease();
    const slotq_message fresh = it.remake(shape(2));
    REQUIRE((old.id == fresh.id && old.token == fresh.token));
    slotq_stats stats = {};
    REQUIRE(slotq_get_stats(handle.queue, 0, &stats) == SLOTQ_REMADE);
    const std::string before = it.bytes();
    SECTION("ack the batch")
    {
        CHECK(slotq_ack_batch(handle.queue, handle.batch) == SLOTQ_REMADE);
    }
    SECTION("kill its message")
    {
        CHECK(slotq_settle_message(handle.queue, SLOTQ_SETTLE_KILL, handle.batch, old.id, 0, 1) ==
              SLOTQ_REMADE);
    }
    SECTION("next")
    {
        slotq_settled settled = {};
        CHECK(slotq_next(handle.queue, 0, 1, 30000, 0, handle.batch, &settled) == SLOTQ_REMADE);
        CHECK(settled.outcome == SLOTQ_REMADE);
    }
    SECTION("in a pipeline")
    {
        slotq_pipeline *pipeline = nullptr;
        REQUIRE(slotq_pipeline_new(handle.queue, &pipeline, nullptr) == SLOTQ_OK);
        CHECK(slotq_pipeline_settle_batch(pipeline, SLOTQ_SETTLE_ACK, handle.batch, 0, 0,
                                          nullptr) == SLOTQ_REMADE);
        slotq_pipeline_free(pipeline);
    }
    CHECK(slotq_batch_count(handle.batch) == 0);
    CHECK(it.bytes() == before);
}

TEST_CASE("a batch of another queue is refused in a pipeline too")
{
    World it;
    slotq *other = nullptr;
    const slotq_geometry geometry = shape(1);
    REQUIRE(slotq_create(it.server.url().c_str(), "other", &geometry, nullptr, nullptr) ==
            SLOTQ_OK);
    REQUIRE(slotq_open(it.server.url().c_str(), "other", nullptr, &other, nullptr) == SLOTQ_OK);
    Handle handle(it.server);
    slotq_pipeline *pipeline = nullptr;
    REQUIRE(slotq_push(handle.queue, &hello, 1, nullptr) == SLOTQ_OK);
    handle.lease();
    REQUIRE(slotq_pipeline_new(other, &pipeline, nullptr) == SLOTQ_OK);
    CHECK(slotq_pipeline_settle_batch(pipeline, SLOTQ_SETTLE_ACK, handle.batch, 0, 0, nullptr) ==
          SLOTQ_INVALID);
    CHECK(slotq_batch_count(handle.batch) == 1);
    slotq_pipeline_free(pipeline);
    slotq_close(other);
}

TEST_CASE("every verb of a pipeline is refused, and works when it is put again")
{
    World it;
    Handle handle(it.server);
    slotq_pipeline *pipeline = nullptr;
    REQUIRE(slotq_pipeline_new(handle.queue, &pipeline, nullptr) == SLOTQ_OK);
    REQUIRE(slotq_push(handle.queue, &hello, 1, nullptr) == SLOTQ_OK);
    const slotq_message old = handle.lease();
    const slotq_run run = {old.id, old.token, 1};
    const bool meets_first = GENERATE(false, true);
    const auto put = [&] {
        REQUIRE(slotq_pipeline_push(pipeline, &hello, 1, nullptr) == SLOTQ_OK);
        REQUIRE(slotq_pipeline_settle(pipeline, SLOTQ_SETTLE_ACK, 0, &run, 1, 0, 0, nullptr,
                                      nullptr, nullptr) == SLOTQ_OK);
        REQUIRE(slotq_pipeline_reserve(pipeline, 0, 5, 30000, handle.batch, nullptr) == SLOTQ_OK);
    };
    put();
    const slotq_message fresh = it.remake(shape(meets_first ? 1 : 2, 99));
    REQUIRE((old.id == fresh.id && old.token == fresh.token));
    const std::string before = it.bytes();
    slotq_stats stats = {};
    if (meets_first) { /* the same generation, and other bytes: as if it was resized */
        REQUIRE(slotq_get_stats(handle.queue, 0, &stats) == SLOTQ_OK);
    }
    CHECK(slotq_pipeline_run(pipeline) == SLOTQ_OK);
    for (uint32_t i = 0; i < 3; i++) {
        slotq_pipeline_result result = {};
        REQUIRE(slotq_pipeline_get(pipeline, i, &result) == SLOTQ_OK);
        CHECK(result.outcome == SLOTQ_REMADE);
        CHECK(std::string(result.text).find("anew") != std::string::npos);
    }
    CHECK(it.bytes() == before);
    CHECK(slotq_geometry_of(handle.queue)->payload_bytes == 99);
    REQUIRE(slotq_pipeline_push(pipeline, &hello, 1, nullptr) == SLOTQ_OK);
    REQUIRE(slotq_pipeline_reserve(pipeline, 0, 5, 30000, handle.batch, nullptr) == SLOTQ_OK);
    CHECK(slotq_pipeline_run(pipeline) == SLOTQ_OK);
    CHECK(slotq_batch_count(handle.batch) == 1);
    slotq_pipeline_free(pipeline);
}

TEST_CASE("replies to an event loop that are of the queue before are not read by the new geometry")
{
    World it;
    Handle handle(it.server);
    slotq_pipeline *pipeline = nullptr;
    REQUIRE(slotq_pipeline_new(handle.queue, &pipeline, nullptr) == SLOTQ_OK);
    REQUIRE(slotq_push(handle.queue, &hello, 1, nullptr) == SLOTQ_OK);
    REQUIRE(slotq_pipeline_reserve(pipeline, 0, 5, 30000, handle.batch, nullptr) == SLOTQ_OK);
    const void *bytes = nullptr;
    size_t size = 0;
    uint32_t replies = 0;
    bool done = false;
    REQUIRE(slotq_pipeline_build(pipeline, true, &bytes, &size, &replies) == SLOTQ_OK);
    redisContext *context = redisConnectUnix(it.server.socket_path().c_str());
    REQUIRE((context != nullptr && context->err == 0));
    REQUIRE(redisAppendFormattedCommand(context, static_cast<const char *>(bytes), size) ==
            REDIS_OK);
    const bool late = GENERATE(false, true);
    const bool is_resized = late ? GENERATE(false, true) : false;
    const auto read_all = [&] {
        for (uint32_t i = 0; i < replies; i++) {
            void *reply = nullptr;
            REQUIRE(redisGetReply(context, &reply) == REDIS_OK);
            const slotq_outcome outcome =
                slotq_pipeline_parse(pipeline, static_cast<redisReply *>(reply), &done);
            REQUIRE(outcome == (done && is_resized ? SLOTQ_OUTCOME_UNKNOWN : SLOTQ_OK));
            freeReplyObject(reply);
        }
    };
    slotq_stats stats = {};
    if (late) { /* it was leased from the old queue, and the handle meets the new one before */
        int written = 0;
        while (written == 0) {
            REQUIRE(redisBufferWrite(context, &written) == REDIS_OK);
        }
        while (it.server.command({"GETRANGE", "jobs", "86", "87"}).text != std::string("\1\0", 2)) {
        }
    }
    it.remake(shape(late && !is_resized ? 2 : 1, 9000));
    if (late) {
        REQUIRE(slotq_get_stats(handle.queue, 0, &stats) == (is_resized ? SLOTQ_OK : SLOTQ_REMADE));
    }
    read_all();
    CHECK(done);
    slotq_pipeline_result result = {};
    REQUIRE(slotq_pipeline_get(pipeline, 0, &result) == SLOTQ_OK);
    CHECK(result.outcome == (is_resized ? SLOTQ_OUTCOME_UNKNOWN : SLOTQ_REMADE));
    CHECK(slotq_batch_count(handle.batch) == 0);
    CHECK(slotq_geometry_of(handle.queue)->payload_bytes == 9000);
    redisFree(context);
    slotq_pipeline_free(pipeline);
}

TEST_CASE("each changed byte of the geometry is found by an open handle, and nothing is written")
{
    World it;
    Handle handle(it.server);
    REQUIRE(slotq_push(handle.queue, &hello, 1, nullptr) == SLOTQ_OK);
    const slotq_message lease = handle.lease();
    const std::string sound = it.bytes();
    for (size_t at = 8; at < 44; at++) {
        std::string damaged = sound;
        damaged[at] = static_cast<char>(damaged[at] ^ 1);
        INFO("byte " << at);
        it.server.command({"SET", "jobs", damaged});
        const slotq_outcome acked = slotq_ack(handle.queue, 0, lease.id, lease.token);
        CHECK((acked == SLOTQ_CORRUPT || acked == SLOTQ_VERSION));
        CHECK(slotq_push(handle.queue, &hello, 1, nullptr) == acked);
        CHECK(it.bytes() == damaged);
    }
    it.server.command({"SET", "jobs", sound});
    CHECK(slotq_ack(handle.queue, 0, lease.id, lease.token) == SLOTQ_OK);
}

TEST_CASE("a restored queue is another one, and one that is only gone is gone")
{
    World it;
    Handle handle(it.server);
    const std::string url = it.server.url();
    REQUIRE(slotq_push(handle.queue, &hello, 1, nullptr) == SLOTQ_OK);
    const slotq_message old = handle.lease();
    std::vector<uint8_t> image(slotq_image_bytes(handle.queue));
    REQUIRE(slotq_export(handle.queue, image.data(), image.size()) == SLOTQ_OK);
    REQUIRE(slotq_remove_queue(url.c_str(), "jobs", nullptr) == SLOTQ_OK);
    CHECK(slotq_ack(handle.queue, 0, old.id, old.token) == SLOTQ_NOQUEUE);
    REQUIRE(slotq_import(url.c_str(), "jobs", image.data(), image.size(), nullptr) == SLOTQ_OK);
    const std::string before = it.bytes();
    CHECK(slotq_ack(handle.queue, 0, old.id, old.token) == SLOTQ_REMADE);
    CHECK(it.bytes() == before);
    CHECK(slotq_geometry_of(handle.queue)->generation != 1);
    std::string same(image.begin(), image.end()); /* all but the generation and its check */
    for (const size_t at : {28, 40}) {
        same.replace(at, 4, before.substr(at, 4));
    }
    CHECK(same == before);
}

TEST_CASE("create draws a generation, and finds a queue of another one")
{
    World it;
    const std::string url = it.server.url();
    std::string before = it.bytes();
    it.make(shape(7));
    it.make(shape(0));
    CHECK(it.bytes() == before);
    slotq_geometry other = shape(1);
    other.set = 5;
    CHECK(slotq_create(url.c_str(), "jobs", &other, nullptr, nullptr) == SLOTQ_EXISTS);
    it.server.command({"DEL", "jobs"});
    other.shard = 3;
    other.generation = 0;
    it.make(other);
    CHECK(it.bytes().substr(28, 4) != std::string(4, '\0'));
    CHECK(it.bytes().substr(32, 6) == std::string("\5\0\0\0\3\0", 6));
    other.set = 0;
    CHECK(slotq_create(url.c_str(), "alone", &other, nullptr, nullptr) == SLOTQ_INVALID);
}

TEST_CASE("a producer keeps its messages and pushes them to the new queue")
{
    World it;
    Handle handle(it.server);
    slotq_producer *producer = nullptr;
    REQUIRE(slotq_producer_new(handle.queue, nullptr, &producer) == SLOTQ_OK);
    REQUIRE(slotq_producer_push(producer, "hello", 5, 1) == SLOTQ_OK);
    REQUIRE(slotq_producer_push(producer, "longer than nine", 16, 2) == SLOTQ_OK);
    SECTION("where they fit")
    {
        it.remake(shape(2));
        CHECK(slotq_producer_flush(producer) == SLOTQ_REMADE);
        CHECK(slotq_producer_count(producer) == 2);
        CHECK(slotq_producer_flush(producer) == SLOTQ_OK);
        slotq_stats stats = {};
        REQUIRE(slotq_get_stats(handle.queue, 0, &stats) == SLOTQ_OK);
        CHECK(stats.last_id == 3);
    }
    SECTION("where they do not")
    {
        it.remake(shape(2, 9));
        CHECK(slotq_producer_flush(producer) == SLOTQ_REMADE);
        CHECK(slotq_producer_flush(producer) == SLOTQ_TOOBIG);
        CHECK(slotq_producer_count(producer) == 2);
    }
    SECTION("and new ones, of which each is larger than all the old ones")
    {
        slotq_producer_options one = {};
        one.max_messages = 1;
        slotq_producer *small = nullptr;
        REQUIRE(slotq_producer_new(handle.queue, &one, &small) == SLOTQ_OK);
        it.remake(shape(2, 9000));
        CHECK(slotq_producer_flush(producer) == SLOTQ_REMADE);
        const std::string large(9000, 'x');
        CHECK(slotq_producer_push(small, large.data(), 9000, 3) == SLOTQ_OK);
        CHECK(slotq_producer_flush(small) == SLOTQ_OK);
        slotq_stats stats = {};
        REQUIRE(slotq_get_stats(handle.queue, 0, &stats) == SLOTQ_OK);
        CHECK(stats.last_id == 2);
        slotq_producer_close(small);
    }
    SECTION("one by one where the queue has room for one")
    {
        slotq_geometry tiny = shape(2);
        tiny.ring_slots = 2;
        tiny.flags = SLOTQ_FLAG_OVERWRITE;
        it.remake(tiny);
        CHECK(slotq_producer_flush(producer) == SLOTQ_REMADE);
        CHECK(slotq_producer_flush(producer) == SLOTQ_OK);
        slotq_stats stats = {};
        REQUIRE(slotq_get_stats(handle.queue, 0, &stats) == SLOTQ_OK);
        CHECK(stats.last_id == 3);
    }
    SECTION("where there is less room than they need")
    {
        slotq_geometry tiny = shape(2);
        tiny.ring_slots = 3;
        it.remake(tiny); /* holds one already */
        CHECK(slotq_producer_flush(producer) == SLOTQ_REMADE);
        CHECK(slotq_producer_flush(producer) == SLOTQ_FULL);
        CHECK(slotq_producer_count(producer) == 1);
    }
    slotq_producer_close(producer);
}

TEST_CASE("a waiting call ends when the queue is made anew")
{
    World it;
    Handle handle(it.server);
    slotq_options options = {};
    options.poll_ms = 20;
    slotq *waiter = nullptr;
    REQUIRE(slotq_open(it.server.url().c_str(), "jobs", &options, &waiter, nullptr) == SLOTQ_OK);
    it.server.command({"DEL", "jobs"});
    it.make(shape(2));
    CHECK(slotq_reserve(waiter, 0, 1, 30000, UINT64_MAX, handle.batch) == SLOTQ_REMADE);
    slotq_close(waiter);
}
