/* test_parts.cpp: calls that the library sends as several commands, so that a server is not kept
 * for long: their outcomes are those of one call, also where the server refuses in between.
 */
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "catch.hpp"
#include "server/redis_server.hpp"

extern "C" {
#include "slotq_redis.h"
}

namespace
{

constexpr uint32_t messages_count = 3000;
constexpr uint32_t part_most = 1024;

slotq_geometry shape_of(uint8_t groups, uint16_t dead_slots, uint8_t max_attempts)
{
    slotq_geometry shape = {};
    shape.ring_slots = 8000;
    shape.payload_bytes = 4;
    shape.dead_slots = dead_slots;
    shape.tick_ms = 10;
    shape.groups = groups;
    shape.max_attempts = max_attempts;
    return shape;
}

/* A handle with a clock that stands, and that can do something when it is asked. */
class Handle
{
public:
    Handle(const Handle &) = delete;
    Handle &operator=(const Handle &) = delete;
    Handle(const std::string &url, const slotq_geometry &shape)
    {
        slotq_redis_options redis = {};
        slotq_options options = {};
        redis.reconnect_ms = 1;
        options.redis = &redis;
        options.clock_ms = [](void *self) { return static_cast<Handle *>(self)->ask_clock(); };
        options.clock_context = this;
        if (url.empty()) {
            REQUIRE(slotq_create_memory(&shape, &options, &queue_, nullptr) == SLOTQ_OK);
        } else {
            REQUIRE(slotq_create(url.c_str(), "parts", &shape, nullptr, nullptr) == SLOTQ_OK);
            REQUIRE(slotq_open(url.c_str(), "parts", &options, &queue_, nullptr) == SLOTQ_OK);
        }
        const std::vector<slotq_data> data(messages_count, slotq_data{"four", 4});
        REQUIRE(slotq_push(queue_, data.data(), messages_count, nullptr) == SLOTQ_OK);
        REQUIRE(slotq_reserve(queue_, 0, messages_count, 1000, 0, batch_) == SLOTQ_OK);
        REQUIRE(slotq_batch_count(batch_) == messages_count);
        slotq_message message;
        REQUIRE(slotq_batch_next(batch_, &message));
        token_ = message.token;
        slotq_batch_rewind(batch_);
    }
    ~Handle()
    {
        slotq_batch_free(batch_);
        slotq_close(queue_);
    }
    operator slotq *() const
    {
        return queue_;
    }
    slotq_batch *batch() const
    {
        return batch_;
    }
    uint32_t token() const
    {
        return token_;
    }
    uint32_t died() const
    {
        slotq_stats stats = {};
        REQUIRE(slotq_get_stats(queue_, 0, &stats) == SLOTQ_OK);
        return stats.died;
    }
    /* The counts that settling and redriving change, and the ids of the dead, oldest first. */
    std::vector<uint64_t> counts() const
    {
        slotq_stats stats = {};
        slotq_message message;
        REQUIRE(slotq_check(queue_) == SLOTQ_OK);
        REQUIRE(slotq_get_stats(queue_, 0, &stats) == SLOTQ_OK);
        std::vector<uint64_t> found = {stats.last_id, stats.ready, stats.leased,
                                       stats.died,    stats.dead,  stats.unfinished};
        if (slotq_dead_list(queue_, 0, messages_count, batch_) == SLOTQ_OK) {
            while (slotq_batch_next(batch_, &message)) {
                found.push_back(message.id);
            }
        }
        return found;
    }
    void pass(uint64_t ms)
    {
        now_ms_ += ms;
    }
    /* What the clock does when it is asked that many times from now on. */
    void when_asked(uint32_t times, std::function<void()> act)
    {
        left_ = times;
        act_ = std::move(act);
    }

private:
    uint64_t ask_clock()
    {
        if (left_ > 0 && --left_ == 0) {
            act_();
        }
        return now_ms_;
    }
    slotq *queue_ = nullptr;
    slotq_batch *batch_ = slotq_batch_new();
    uint32_t token_ = 0;
    uint64_t now_ms_ = 1700000000000;
    uint32_t left_ = 0;
    std::function<void()> act_;
};

/* Scripts that the server has run since the statistics were reset. */
uint32_t scripts_run(redis::Server &server)
{
    const std::string info = server.command({"INFO", "commandstats"}).text;
    const std::string name = "cmdstat_evalsha:calls=";
    const size_t at = info.find(name);
    return at == std::string::npos
               ? 0
               : static_cast<uint32_t>(std::strtoul(info.c_str() + at + name.size(), nullptr, 10));
}

} // namespace

TEST_CASE("parts: messages that die in several commands have the outcomes of one call", "[parts]")
{
    const bool kills = GENERATE(true, false);
    const slotq_geometry shape = shape_of(1, 2500, kills ? 0 : 1);
    redis::Server server;
    const Handle far(server.url(), shape);
    const Handle near("", shape);
    REQUIRE(far.token() == near.token());
    const uint32_t token = far.token();
    std::vector<slotq_run> runs = {
        {1, token, 2100}, {2101, token + 4, 1}, {messages_count, token, 1}};
    for (uint64_t id = 2102; id < messages_count; id++) { /* of which some find no room */
        runs.push_back({id, token, 1});
    }
    const slotq_settle_how how = kills ? SLOTQ_SETTLE_KILL : SLOTQ_SETTLE_NACK;
    std::vector<uint8_t> got(messages_count, 99);
    std::vector<uint8_t> expected(messages_count, 99);
    const uint32_t run_count = static_cast<uint32_t>(runs.size());
    server.command({"CONFIG", "RESETSTAT"});
    CHECK(slotq_settle(far, how, 0, runs.data(), run_count, 0, 7, got.data(), nullptr) ==
          SLOTQ_STALE);
    CHECK(scripts_run(server) >= messages_count / part_most + 1);
    CHECK(slotq_error_of(far)->outcome == SLOTQ_STALE);
    CHECK(slotq_settle(near, how, 0, runs.data(), run_count, 0, 7, expected.data(), nullptr) ==
          SLOTQ_STALE);
    const bool as_one_call = got == expected;
    CHECK(as_one_call);
    CHECK(got[2099] == SLOTQ_OK);
    CHECK(got[2100] == SLOTQ_STALE);
    CHECK(got[messages_count - 1] == SLOTQ_DEADFULL);
    const bool same = far.counts() == near.counts();
    CHECK(same);
}

TEST_CASE("parts: a late nack with a delay sweeps no message of a part behind", "[parts]")
{
    redis::Server server;
    Handle queue(server.url(), shape_of(1, 4000, 1));
    const slotq_run all = {1, queue.token(), messages_count};
    std::vector<uint8_t> outcomes(messages_count, 99);
    queue.pass((uint64_t{1} << 23) * 10 + 10000); /* ticks of 10 ms: all of them are swept first */
    CHECK(slotq_settle(queue, SLOTQ_SETTLE_NACK, 0, &all, 1, 5000, 7, outcomes.data(), nullptr) ==
          SLOTQ_OK);
    const bool all_ok = outcomes == std::vector<uint8_t>(messages_count, SLOTQ_OK);
    CHECK(all_ok);
    CHECK(queue.died() == messages_count);
}

TEST_CASE("parts: where nothing dies, one command does it", "[parts]")
{
    redis::Server server;
    const Handle queue(server.url(), shape_of(1, 10, 9));
    server.command({"CONFIG", "RESETSTAT"});
    CHECK(slotq_settle_batch(queue, SLOTQ_SETTLE_NACK, queue.batch(), 0, 1) == SLOTQ_OK);
    const uint32_t with_first_use = 2; /* NOSCRIPT, then the call again */
    CHECK(scripts_run(server) <= with_first_use);
}

TEST_CASE("parts: a refusal in between leaves what is not settled", "[parts]")
{
    redis::Server server;
    Handle queue(server.url(), shape_of(1, 4000, 0));
    slotq_batch *batch = queue.batch();
    slotq_message message;
    for (uint32_t i = 0; i < 1500; i++) { /* the walk is in the second part */
        REQUIRE(slotq_batch_next(batch, &message));
    }
    const auto refuse = [&server] {
        server.command({"CONFIG", "SET", "min-replicas-to-write", "1"});
    };
    const auto accept = [&server] {
        server.command({"CONFIG", "SET", "min-replicas-to-write", "0"});
    };
    queue.when_asked(2, refuse);
    CHECK(slotq_settle_batch(queue, SLOTQ_SETTLE_KILL, batch, 0, 7) == SLOTQ_IO);
    CHECK(slotq_error_of(queue)->passes);
    CHECK(slotq_batch_count(batch) == messages_count - part_most);
    REQUIRE(slotq_batch_next(batch, &message));
    CHECK(message.id == 1501);
    CHECK(std::string(static_cast<const char *>(message.payload), message.payload_bytes) == "four");
    accept();
    CHECK(queue.died() == part_most);

    const std::vector<slotq_run> rest = {
        {part_most + 1, queue.token(), messages_count - part_most}};
    std::vector<uint8_t> outcomes(messages_count - part_most, 99);
    queue.when_asked(2, refuse);
    CHECK(slotq_settle(queue, SLOTQ_SETTLE_KILL, 0, rest.data(), 1, 0, 7, outcomes.data(),
                       nullptr) == SLOTQ_IO);
    CHECK(outcomes[part_most - 1] == SLOTQ_OK);
    CHECK(outcomes[part_most] == SLOTQ_IO);
    CHECK(outcomes.back() == SLOTQ_IO);
    accept();
    CHECK(slotq_settle_batch(queue, SLOTQ_SETTLE_KILL, batch, 0, 7) == SLOTQ_GONE);
    CHECK(slotq_batch_count(batch) == 0);
    CHECK(queue.died() == messages_count);
}

TEST_CASE("parts: a redrive of many groups is several commands", "[parts]")
{
    const uint8_t groups = GENERATE(as<uint8_t>{}, 1, 16);
    const slotq_geometry shape = shape_of(groups, 3000, 0);
    redis::Server server;
    const Handle far(server.url(), shape);
    const Handle near("", shape);
    for (const Handle *queue : {&far, &near}) {
        REQUIRE(slotq_settle_batch(*queue, SLOTQ_SETTLE_KILL, queue->batch(), 0, 7) == SLOTQ_OK);
    }
    uint32_t count = 0;
    server.command({"CONFIG", "RESETSTAT"});
    CHECK(slotq_dead_redrive(far, 0, nullptr, &count, nullptr) == SLOTQ_OK);
    CHECK(count == messages_count);
    const uint32_t part = 2048u / (groups + 1u);
    CHECK(scripts_run(server) > messages_count / part);
    CHECK(slotq_dead_redrive(near, 0, nullptr, &count, nullptr) == SLOTQ_OK);
    const bool same = far.counts() == near.counts();
    CHECK(same);
}
