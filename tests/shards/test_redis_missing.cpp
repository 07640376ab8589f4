/* test_redis_missing.cpp: a sharded queue on a real Redis whose shards are missing, or are those of
 * another queue (SHARDS.md, rules 6, 19, 22, 25).
 */
#include "at_redis.hpp"
#include "server/riding.hpp"

#include "slotq_pause.h"

using namespace at_redis;
using riding::drained;
using riding::Queue;
using riding::url_of;

TEST_CASE("sharded in Redis: verbs for all shards pass over one that is missing")
{
    redis::Server server;
    Sharded made(url_of(server), 3);
    Queue queue(url_of(server));
    const auto paused = [&](uint32_t shard) {
        slotq *alone = nullptr;
        slotq_stats of_one = {};
        REQUIRE(slotq_open(url_of(server).c_str(), made.key(shard).c_str(), nullptr, &alone,
                           nullptr) == SLOTQ_OK);
        CHECK(slotq_get_stats(alone, 0, &of_one) == SLOTQ_OK);
        slotq_close(alone);
        return of_one.paused;
    };
    slotq_stats stats = {};
    REQUIRE(server.command({"RENAME", made.key(1), "away"}).is_status("OK"));
    for (uint32_t i = 0; i < 2; i++) {
        CHECK(slotq_get_stats(queue.get(), 0, &stats) == SLOTQ_OK);
        CHECK(stats.capacity == 2 * (RING_SLOTS - 1));
        make_due(queue.get());
        CHECK(slotq_pause(queue.get(), SLOTQ_PAUSE_OUT) == SLOTQ_OK);
        make_due(queue.get());
    }
    CHECK(std::string(inside(queue.get())->source.fault.text).find("shard 1") == 0);
    slotq_limits limits = {};
    limits.max_leased = 7; /* 3 + 2 + 2 */
    limits.rate_interval_us = 5000;
    CHECK(slotq_limit(queue.get(), 0, SLOTQ_LIMIT_LEASED | SLOTQ_LIMIT_RATE, &limits) == SLOTQ_OK);
    CHECK(slotq_get_stats(queue.get(), 0, &stats) == SLOTQ_OK);
    CHECK(stats.limits.max_leased == 5);
    CHECK(stats.limits.rate_interval_us == 5000);
    CHECK(paused(0) == SLOTQ_PAUSE_OUT);
    CHECK(paused(2) == SLOTQ_PAUSE_OUT);
    REQUIRE(server.command({"RENAME", "away", made.key(1)}).is_status("OK"));
    make_due(queue.get());
    CHECK(slotq_get_stats(queue.get(), 0, &stats) == SLOTQ_OK);
    CHECK(stats.capacity == 3 * (RING_SLOTS - 1));
}

TEST_CASE("sharded in Redis: calls in a view whose shards are all missing are refused")
{
    redis::Server server;
    auto made = std::make_unique<Sharded>(url_of(server), 3);
    Queue queue(url_of(server));
    CHECK(queue.push("x") == SLOTQ_OK);
    server.command({"FLUSHALL"});
    made = std::make_unique<Sharded>(url_of(server), 2, SET + 1);
    for (uint32_t i = 0; i < 2; i++) {
        server.command({"DEL", made->key(i)});
    }
    make_due(queue.get());
    CHECK(queue.push("x") == SLOTQ_REMADE);
    slotq_stats stats = {};
    slotq_limits limits = {};
    limits.max_leased = 2;
    CHECK(slotq_get_stats(queue.get(), 0, &stats) == SLOTQ_NOQUEUE);
    CHECK(std::string(queue.error().text).find("all shards") == 0);
    CHECK(slotq_pause(queue.get(), SLOTQ_PAUSE_OUT) == SLOTQ_NOQUEUE);
    CHECK(slotq_limit(queue.get(), 0, SLOTQ_LIMIT_LEASED, &limits) == SLOTQ_NOQUEUE);
    CHECK(queue.push("x") == SLOTQ_NOQUEUE);
    CHECK(slotq_reserve(queue.get(), 0, 1, 30000, 20, queue.batch()) == SLOTQ_NOQUEUE);
    store_fault fault = {};
    CHECK(shards_sleep(inside(queue.get()), 1, &fault) == SLOTQ_OK);
    for (uint32_t i = 0; i < 2; i++) {
        made->make(i);
    }
    make_due(queue.get());
    CHECK(queue.push("x") == SLOTQ_OK);
    CHECK(slotq_get_stats(queue.get(), 0, &stats) == SLOTQ_OK);
    CHECK(stats.capacity == 2 * (RING_SLOTS - 1));
}

TEST_CASE("sharded in Redis: a shard of the queue that was made anew tells so at once")
{
    redis::Server server;
    auto made = std::make_unique<Sharded>(url_of(server), 2);
    Queue queue(url_of(server));
    for (uint32_t set = SET + 1; set < SET + 3; set++) { /* also soon after a look */
        CHECK(queue.push("x") == SLOTQ_OK);
        server.command({"FLUSHALL"});
        made = std::make_unique<Sharded>(url_of(server), 2, set);
        CHECK(queue.push("x") == SLOTQ_REMADE);
        CHECK(queue.push("y") == SLOTQ_OK);
        CHECK(drained(queue.get()) == std::vector<std::string>{"y"});
    }
}

TEST_CASE("sharded in Redis: another value at the key of a shard is not deleted")
{
    redis::Server server;
    Sharded made(url_of(server), 1);
    for (const std::string &magic : {std::string("SLQS"), std::string("SLQ9")}) {
        REQUIRE_FALSE(server.command({"SETRANGE", made.key(0), "8", magic}).is_error());
        const std::string before = server.command({"GET", made.key(0)}).text;
        CHECK(made.place.remove(made.key(0), SET, 0, false) == SLOTQ_EXISTS);
        CHECK(made.place.fault.outcome == SLOTQ_EXISTS);
        CHECK(server.command({"GET", made.key(0)}).text == before);
    }
}
