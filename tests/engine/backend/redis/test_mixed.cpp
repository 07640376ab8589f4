/* test_mixed.cpp: a batch settled in several ways and the next one reserved, in Redis: in one round
 * trip, cut at each byte of the replies, with scripts that the server lacks, on a queue that was
 * damaged, made anew or resized. Each message is told what is known of it.
 */
#include "catch.hpp"

#include <cstring>
#include <string>
#include <vector>

#include <unistd.h>

#include "server/proxy.hpp"
#include "own_handle.hpp"
#include "served.hpp"

namespace
{

constexpr uint32_t PATIENCE_MS = 120000; /* no test waits for its end */
constexpr uint64_t LEASE_MS = 600000;
constexpr uint32_t WAYS = 5;

struct Handle : OwnHandle {
    slotq_settled settled = {};

    explicit Handle(const std::string &url, const char *name = "jobs")
    {
        slotq_redis_options redis = {};
        slotq_options options = {};
        redis.timeout_ms = PATIENCE_MS;
        redis.reconnect_ms = 1000;
        options.redis = &redis;
        const slotq_outcome outcome = slotq_open(url.c_str(), name, &options, &queue, &error);
        INFO(error.text);
        REQUIRE(outcome == SLOTQ_OK);
    }

    uint64_t push(uint32_t count)
    {
        const slotq_data message = {"hello", 5};
        uint64_t first = 0;
        for (uint32_t i = 0; i < count; i++) {
            uint64_t id = 0;
            REQUIRE(slotq_push(queue, &message, 1, &id) == SLOTQ_OK);
            first = i == 0 ? id : first;
        }
        return first;
    }
    slotq_outcome next(uint32_t limit)
    {
        return slotq_next(queue, 0, limit, LEASE_MS, 0, batch, &settled);
    }
    slotq_outcome mark(slotq_settle_how how, uint64_t id, uint64_t ms)
    {
        return slotq_mark(queue, how, batch, id, ms, 3, nullptr);
    }
    /* Messages first to first + 6, in five ways. */
    void mark_all(uint64_t first)
    {
        REQUIRE(slotq_batch_count(batch) == 7);
        REQUIRE(mark(SLOTQ_SETTLE_NACK, first + 1, 60000) == SLOTQ_OK);
        REQUIRE(mark(SLOTQ_SETTLE_RELEASE, first + 2, 70000) == SLOTQ_OK);
        REQUIRE(mark(SLOTQ_SETTLE_RELEASE, first + 3, 0) == SLOTQ_OK);
        REQUIRE(mark(SLOTQ_SETTLE_EXTEND, first + 4, LEASE_MS) == SLOTQ_OK);
        REQUIRE(mark(SLOTQ_SETTLE_NACK, first + 5, 60000) == SLOTQ_OK);
    }
    /* In the order in which ways are sent. */
    std::vector<slotq_outcome> told() const
    {
        static const uint32_t order[] = {0, 6, 1, 5, 3, 2, 4};
        std::vector<slotq_outcome> all;
        slotq_settled_message message = {};
        for (const uint32_t index : order) {
            if (!slotq_batch_settled(batch, index, &message)) {
                return {};
            }
            all.push_back(message.outcome);
        }
        CHECK_FALSE(slotq_batch_settled(batch, 7, &message));
        return all;
    }
    slotq_stats stats() const
    {
        slotq_stats stats = {};
        REQUIRE(slotq_get_stats(queue, 0, &stats) == SLOTQ_OK);
        return stats;
    }
    slotq_status status(uint64_t id) const
    {
        slotq_status status = {};
        REQUIRE(slotq_get_status(queue, 0, id, &status) == SLOTQ_OK);
        return status;
    }
    uint64_t first_id() const
    {
        slotq_message message = {};
        slotq_batch_rewind(batch);
        return slotq_batch_next(batch, &message) ? message.id : 0;
    }
};

std::vector<slotq_outcome> all(slotq_outcome outcome)
{
    return std::vector<slotq_outcome>(7, outcome);
}

/* How many commands of this name the server has run. */
long ran(redis::Server &server, const std::string &name)
{
    const std::string stats = server.command({"INFO", "commandstats"}).text;
    const std::string start = "cmdstat_" + name + ":calls=";
    const size_t at = stats.find(start);
    return at == std::string::npos ? 0 : std::stol(stats.substr(at + start.size()));
}

/* SCRIPT LOAD; before Redis 7 all commands of SCRIPT count as one. */
long loads(redis::Server &server)
{
    return ran(server, "script|load") + ran(server, "script");
}

/* The handle relies on it that the server has the scripts of marked settles and of reserve. */
void use_scripts(Handle &handle)
{
    const uint64_t first = handle.push(2);
    REQUIRE(handle.next(2) == SLOTQ_OK);
    REQUIRE(handle.mark(SLOTQ_SETTLE_ACK, first, 0) == SLOTQ_OK);
    REQUIRE(handle.next(2) == SLOTQ_EMPTY);
}

struct Proxied : Served {
    Proxy proxy{server.socket_path()};
};

} // namespace

TEST_CASE_METHOD(Proxied, "all ways and the next reserve are one round trip", "[mark]")
{
    Handle handle(proxy.url());
    const bool fresh = GENERATE(true, false);
    if (!fresh) { /* the first time the scripts go along */
        const uint64_t first = handle.push(7);
        REQUIRE(handle.next(7) == SLOTQ_OK);
        handle.mark_all(first);
        REQUIRE(handle.next(7) == SLOTQ_OK);
        REQUIRE(slotq_ack_batch(handle.queue, handle.batch) == SLOTQ_OK);
    }
    const uint64_t first = handle.push(7);
    REQUIRE(handle.next(7) == SLOTQ_OK);
    handle.mark_all(first);
    const long before = ran(server, "evalsha");
    proxy.hold_until("EVALSHA", WAYS + 1); /* a second trip would wait for a reply in vain */
    CHECK(handle.next(7) == SLOTQ_OK);
    CHECK(ran(server, "evalsha") - before == WAYS + 1);
    CHECK(handle.told() == all(SLOTQ_OK));
    CHECK(handle.settled.ok_count == 7);
    CHECK(handle.first_id() == first + 3); /* it was released before the reserve */
    CHECK(handle.status(first + 1).attempts == 1);
    CHECK(handle.status(first + 2).attempts == 0);
    CHECK(handle.status(first + 4).state == SLOTQ_STATE_LEASED);
    const uint64_t second = handle.push(6);
    REQUIRE(slotq_ack_batch(handle.queue, handle.batch) == SLOTQ_OK);
    REQUIRE(handle.next(6) == SLOTQ_OK);
    REQUIRE(handle.mark(SLOTQ_SETTLE_RELEASE, second, 0) == SLOTQ_OK);
    REQUIRE(handle.mark(SLOTQ_SETTLE_EXTEND, second + 1, LEASE_MS) == SLOTQ_OK);
    proxy.hold_until("EVALSHA", 3);
    CHECK(slotq_ack_batch(handle.queue, handle.batch) == SLOTQ_OK);
    CHECK(handle.first_id() == second + 1);
}

TEST_CASE_METHOD(Proxied, "ways whose replies are cut are unknown, those before them are told",
                 "[mark]")
{
    Handle direct(server.url());
    Handle handle(proxy.url());
    const std::vector<uint32_t> messages_of = {2, 2, 1, 1, 1}; /* by way, as they are sent */
    std::vector<bool> seen(WAYS + 1, false);                   /* so many ways were told */
    bool ended = false;
    for (long bytes = 0; !ended; bytes++) {
        CAPTURE(bytes);
        REQUIRE(slotq_purge(direct.queue) == SLOTQ_OK);
        const uint64_t first = direct.push(7);
        REQUIRE(slotq_reserve(handle.queue, 0, 7, LEASE_MS, 0, handle.batch) == SLOTQ_OK);
        handle.mark_all(first);
        const uint32_t acked = direct.stats().acked;
        proxy.hold_until("EVALSHA", WAYS + 1); /* all is there, and happens */
        proxy.cut_after(bytes);
        const slotq_outcome outcome = handle.next(7);
        ended = !proxy.disarm();
        CHECK(outcome == (ended ? SLOTQ_OK : SLOTQ_OUTCOME_UNKNOWN));
        const std::vector<slotq_outcome> told = handle.told();
        REQUIRE(told.size() == 7);
        uint32_t ways = 0;
        uint32_t known = 0;
        while (ways < WAYS && told[known] == SLOTQ_OK) {
            known += messages_of[ways++];
        }
        seen[ways] = true;
        for (uint32_t i = 0; i < 7; i++) {
            CHECK(told[i] == (i < known ? SLOTQ_OK : SLOTQ_OUTCOME_UNKNOWN));
        }
        CHECK(handle.settled.ok_count == known);
        CHECK(handle.settled.failed_count == 7 - known);
        CHECK(handle.settled.outcome == (known == 7 ? SLOTQ_OK : SLOTQ_OUTCOME_UNKNOWN));
        CHECK(direct.stats().acked - acked == 2);
        CHECK(direct.status(first + 1).attempts == 1);
        CHECK(direct.status(first + 5).state == SLOTQ_STATE_WAITING);
        if (ended) {
            break;
        }
        CHECK(slotq_batch_count(handle.batch) == 7 - known);
        const slotq_outcome again = slotq_ack_batch(handle.queue, handle.batch);
        slotq_settled_message message = {};
        for (uint32_t i = 0; slotq_batch_settled(handle.batch, i, &message); i++) {
            const bool is_ack = message.how == SLOTQ_SETTLE_ACK;
            CHECK(is_ack == (message.id == first || message.id == first + 6));
            CHECK(message.outcome == (is_ack ? SLOTQ_GONE : SLOTQ_STALE));
        }
        CHECK((again == SLOTQ_OK) == (known == 7));
        REQUIRE(bytes < 1000);
    }
    CHECK(seen == std::vector<bool>(WAYS + 1, true));
}

TEST_CASE_METHOD(Served, "scripts that the server forgot are loaded once for all ways", "[mark]")
{
    Handle handle(server.url());
    for (int round = 0; round < 3; round++) {
        const uint64_t first = handle.push(7);
        REQUIRE(slotq_reserve(handle.queue, 0, 7, LEASE_MS, 0, handle.batch) == SLOTQ_OK);
        handle.mark_all(first);
        REQUIRE(server.command({"SCRIPT", "FLUSH"}).is_status("OK"));
        const long before = loads(server);
        CHECK(handle.next(7) == SLOTQ_OK);
        CHECK(loads(server) - before <= 3); /* reserve, and settle for one run and for more */
        CHECK(handle.told() == all(SLOTQ_OK));
        CHECK(handle.status(first + 1).attempts == 1);
        REQUIRE(slotq_purge(handle.queue) == SLOTQ_OK);
    }
}

TEST_CASE_METHOD(Served, "a reserve waits for settles whose script alone the server forgot",
                 "[mark]")
{
    Handle handle(server.url());
    Handle other(server.url());
    slotq_limits limits = {};
    limits.max_leased = 2;
    REQUIRE(slotq_limit(handle.queue, 0, SLOTQ_LIMIT_LEASED, &limits) == SLOTQ_OK);
    use_scripts(handle);
    const uint64_t first = handle.push(4);
    REQUIRE(handle.next(2) == SLOTQ_OK);
    if (GENERATE(true, false)) {
        REQUIRE(handle.mark(SLOTQ_SETTLE_RELEASE, first, 60000) == SLOTQ_OK);
    }
    REQUIRE(server.command({"SCRIPT", "FLUSH"}).is_status("OK"));
    REQUIRE(other.next(2) == SLOTQ_LIMITED); /* loads the script of reserve */
    CHECK(handle.next(2) == SLOTQ_OK);
    CHECK(handle.settled.ok_count == 2);
    CHECK(handle.first_id() == first + 2);
    CHECK(slotq_batch_count(handle.batch) == 2);
}

TEST_CASE_METHOD(Served, "after a pause a server gets the scripts of settles again", "[mark]")
{
    Handle handle(server.url());
    Handle other(server.url());
    use_scripts(handle);
    const uint64_t first = handle.push(4);
    REQUIRE(handle.next(2) == SLOTQ_OK);
    REQUIRE(handle.mark(SLOTQ_SETTLE_RELEASE, first, 0) == SLOTQ_OK);
    REQUIRE(server.command({"SCRIPT", "FLUSH"}).is_status("OK"));
    REQUIRE(other.next(1) == SLOTQ_OK);
    usleep(1100000); /* what the server had a second ago is not relied on */
    CHECK(handle.next(1) == SLOTQ_OK);
    CHECK(handle.first_id() == first); /* it was released before the reserve */
}

TEST_CASE_METHOD(Served, "scripts that may not be loaded settle nothing, and the marks stay",
                 "[mark]")
{
    Handle handle(server.url());
    const uint64_t first = handle.push(7);
    REQUIRE(slotq_reserve(handle.queue, 0, 7, LEASE_MS, 0, handle.batch) == SLOTQ_OK);
    handle.mark_all(first);
    REQUIRE(server.command({"SCRIPT", "FLUSH"}).is_status("OK"));
    server.command({"ACL", "SETUSER", "default", "-script|load", "-fcall"});
    CHECK(handle.next(7) == SLOTQ_IO);
    CHECK(handle.told() == all(SLOTQ_IO));
    CHECK(handle.settled.failed_count == 7);
    CHECK(slotq_batch_count(handle.batch) == 7);
    server.command({"ACL", "SETUSER", "default", "+@all"});
    CHECK(handle.next(7) == SLOTQ_OK);
    CHECK(handle.told() == all(SLOTQ_OK));
    CHECK(handle.first_id() == first + 3);
}

TEST_CASE_METHOD(Served, "a damaged queue keeps its marked messages in the batch", "[mark]")
{
    Handle handle(server.url());
    const uint64_t first = handle.push(7);
    REQUIRE(handle.next(7) == SLOTQ_OK);
    handle.mark_all(first);
    const std::string sound = server.command({"GETRANGE", "jobs", "8", "8"}).text;
    server.command({"SETRANGE", "jobs", "8", "X"});
    CHECK(handle.next(7) == SLOTQ_CORRUPT);
    CHECK(handle.told() == all(SLOTQ_CORRUPT));
    CHECK(slotq_batch_count(handle.batch) == 7);
    server.command({"SETRANGE", "jobs", "8", sound});
    CHECK(handle.next(7) == SLOTQ_OK);
    CHECK(handle.told() == all(SLOTQ_OK));
}

TEST_CASE_METHOD(Served, "marks of a queue that was made anew do nothing", "[mark]")
{
    const bool by_next = GENERATE(true, false);
    Handle handle(server.url());
    const uint64_t first = handle.push(7);
    REQUIRE(handle.next(7) == SLOTQ_OK);
    handle.mark_all(first);
    server.command({"DEL", "jobs"});
    make_queue(server);
    Handle direct(server.url());
    direct.push(7);
    REQUIRE(direct.next(7) == SLOTQ_OK);
    CHECK((by_next ? handle.next(7) : slotq_ack_batch(handle.queue, handle.batch)) == SLOTQ_REMADE);
    CHECK(handle.told() == all(SLOTQ_REMADE));
    CHECK(slotq_batch_count(handle.batch) == 0);
    CHECK(direct.stats().leased == 7);
    CHECK(handle.next(7) == SLOTQ_EMPTY);
}

TEST_CASE_METHOD(Served, "marks outlive a resize", "[mark]")
{
    const bool by_next = GENERATE(true, false);
    Handle handle(server.url());
    const uint64_t first = handle.push(8);
    REQUIRE(handle.next(7) == SLOTQ_OK);
    handle.mark_all(first);
    slotq_geometry wanted = *slotq_geometry_of(handle.queue);
    slotq_error error = {};
    wanted.payload_bytes = 300;
    wanted.ring_slots = 2000;
    REQUIRE(slotq_resize(server.url().c_str(), "jobs", &wanted, &error) == SLOTQ_OK);
    CHECK((by_next ? handle.next(7) : slotq_ack_batch(handle.queue, handle.batch)) == SLOTQ_OK);
    CHECK(handle.told() == all(SLOTQ_OK));
    CHECK(slotq_batch_count(handle.batch) == (by_next ? 2 : 1));
    CHECK(handle.status(first + 2).state == SLOTQ_STATE_WAITING);
    CHECK(handle.stats().acked == 2);
}

/* A queue in which 1500 messages, the only ones, are leased to the handle. */
void lease_many(Handle &handle)
{
    const std::vector<slotq_data> many(1500, slotq_data{"dies", 4});
    REQUIRE(slotq_push(handle.queue, many.data(), 1500, nullptr) == SLOTQ_OK);
    REQUIRE(handle.next(1500) == SLOTQ_OK);
}

TEST_CASE("many that die in one way do so in parts, in the same round trip", "[mark]")
{
    const slotq_settle_how how = GENERATE(SLOTQ_SETTLE_KILL, SLOTQ_SETTLE_NACK);
    const uint64_t ms = how == SLOTQ_SETTLE_NACK ? 60000 : 0;
    redis::Server server;
    slotq_geometry geometry = {};
    geometry.ring_slots = 2000;
    geometry.payload_bytes = 8;
    geometry.dead_slots = 1100; /* not for all */
    geometry.note_bytes = 9;
    geometry.max_attempts = 1;
    geometry.generation = 7;
    for (const char *name : {"jobs", "twin"}) {
        REQUIRE(slotq_create(server.url().c_str(), name, &geometry, nullptr, nullptr) == SLOTQ_OK);
    }
    Proxy proxy(server.socket_path());
    Handle handle(proxy.url());
    Handle twin(server.url(), "twin");
    lease_many(handle);
    lease_many(twin);
    const slotq_data note = {"together", 8};
    for (uint64_t id = 1500; id > 0; id--) {
        REQUIRE(slotq_mark(handle.queue, how, handle.batch, id, ms, 3, &note) == SLOTQ_OK);
    }
    slotq_message message = {};
    slotq_batch_rewind(twin.batch);
    REQUIRE(slotq_batch_next(twin.batch, &message));
    const slotq_run run = {1, message.token, 1500};
    CHECK(slotq_settle_noted(twin.queue, how, 0, &run, 1, ms, 3, &note, nullptr, nullptr) ==
          SLOTQ_DEADFULL);
    proxy.hold_until("EVALSHA", 2);
    CHECK(slotq_ack_batch(handle.queue, handle.batch) == SLOTQ_DEADFULL);
    CHECK(handle.stats().dead == 1100);
    CHECK(handle.stats().leased == twin.stats().leased);
    CHECK(handle.stats().waiting == twin.stats().waiting);
}

TEST_CASE("many that are nacked in one way and live on are one command", "[mark]")
{
    redis::Server server;
    slotq_geometry geometry = {};
    geometry.ring_slots = 2000;
    geometry.payload_bytes = 8;
    geometry.dead_slots = 9;
    geometry.max_attempts = GENERATE(0, 2);
    REQUIRE(slotq_create(server.url().c_str(), "jobs", &geometry, nullptr, nullptr) == SLOTQ_OK);
    Handle handle(server.url());
    lease_many(handle);
    for (uint64_t id = 1; id <= 1500; id++) {
        REQUIRE(handle.mark(SLOTQ_SETTLE_NACK, id, 60000) == SLOTQ_OK);
    }
    const long before = ran(server, "evalsha");
    CHECK(slotq_ack_batch(handle.queue, handle.batch) == SLOTQ_OK);
    CHECK(ran(server, "evalsha") - before == 1);
    CHECK(handle.stats().waiting == 1500);
}

TEST_CASE_METHOD(Opened, "a pipeline refuses a batch with marks", "[mark]")
{
    slotq_pipeline *pipeline = nullptr;
    slotq_batch *batch = slotq_batch_new();
    const slotq_data message = {"hello", 5};
    REQUIRE(slotq_pipeline_new(queue, &pipeline, nullptr) == SLOTQ_OK);
    REQUIRE(slotq_push(queue, &message, 1, nullptr) == SLOTQ_OK);
    REQUIRE(slotq_reserve(queue, 0, 1, LEASE_MS, 0, batch) == SLOTQ_OK);
    REQUIRE(slotq_mark(queue, SLOTQ_SETTLE_RELEASE, batch, 1, 0, 0, nullptr) == SLOTQ_OK);
    CHECK(slotq_pipeline_settle_batch(pipeline, SLOTQ_SETTLE_ACK, batch, 0, 0, nullptr) ==
          SLOTQ_INVALID);
    CHECK(slotq_batch_count(batch) == 1);
    slotq_batch_free(batch);
    slotq_pipeline_free(pipeline);
}
