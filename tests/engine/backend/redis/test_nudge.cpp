/* test_nudge.cpp: what consumers of a sharded queue tell one another at the bell, by the pieces of
 * the Redis store that do it, on a real server. Knows no shard but one.
 */
#include <memory>
#include <string>

#include "catch.hpp"
#include "inside.hpp"
#include "server/redis_server.hpp"

extern "C" {
#define _Alignas alignas
#define _Static_assert static_assert
#define export export_
#include "../../../../engine/backend/redis/nudge.h"
#undef export
#undef _Static_assert
#undef _Alignas
#include "../../../../engine/slotq_redis.h"
}

namespace
{

constexpr const char *key = "jobs{3.20b}";

/* An open shard, or a queue that is alone, with 8 places and 2 groups. */
class Shard
{
public:
    explicit Shard(const redis::Server &server, uint32_t set = 7)
    {
        slotq_geometry geometry = SLOTQ_GEOMETRY_DEFAULT;
        slotq_error error = {};
        geometry.ring_slots = 9;
        geometry.groups = 2;
        geometry.places = 8;
        geometry.set = set;
        geometry.generation = 5;
        geometry.shard = set == 0 ? 0 : 3;
        (void)slotq_create(server.url().c_str(), key, &geometry, nullptr, &error);
        INFO(error.text);
        redis_route route = {};
        slotq_options options = {};
        REQUIRE(redis_route_parse(server.url().c_str(), &options, &route, &fault_) == SLOTQ_OK);
        const redis_settings settings = redis_settings_of(&options, &route.address);
        const slotq_outcome outcome = redis_store_open(&route, key, &settings, &base_, &fault_);
        redis_route_free(&route);
        INFO(fault_.text);
        REQUIRE(outcome == SLOTQ_OK);
    }
    ~Shard()
    {
        base_->ops->close(base_);
    }
    Shard(const Shard &) = delete;
    Shard &operator=(const Shard &) = delete;

    redis_store *get() const
    {
        return redis_store_of(base_);
    }
    /* A reserve of one; call then has what it says. */
    slotq_outcome reserve(bool waits, bool rounds = false, uint8_t group = 0)
    {
        slotq_core_begin(&call, SLOTQ_RESERVE, 1700000000000);
        call.progress.asks_ring = rounds;
        call.reserve.lease_ms = 60000;
        call.reserve.runs = &run_;
        call.reserve.run_capacity = 1;
        call.reserve.limit = 1;
        call.reserve.group = group;
        call.reserve.may_wait = waits;
        return run();
    }
    slotq_outcome push()
    {
        static const slotq_data message = {"hello", 5};
        slotq_core_begin(&call, SLOTQ_PUSH, 1700000000000);
        call.push.messages = &message;
        call.push.keys = nullptr;
        call.push.count = 1;
        call.push.may_wait = false;
        return run();
    }
    void subscribe()
    {
        redis_store *self = get();
        redis_waiter_sleep(&self->waiter, &self->connection, self->key, self->terms.key_bytes,
                           1000);
        REQUIRE(redis_waiter_hears(&self->waiter));
    }
    slotq_outcome nudge(uint8_t group, int32_t shard)
    {
        const slotq_nudge say = {1, 0, group};
        return redis_store_nudge(get(), &say, shard, &told, &may_sleep, &fault_);
    }
    /* "bell round 3": what was said for the group. */
    std::string heard(uint32_t group = 0)
    {
        redis_told said = {};
        REQUIRE(redis_store_told(get(), group, true, &said));
        std::string text = std::string(said.bell ? "bell " : "") + (said.round ? "round " : "");
        bool some = false;
        for (uint32_t i = 0; i < SLOTQ_SHARDS_MAX; i++) {
            const bool is = (said.shards[i / 8] >> i % 8 & 1) != 0;
            some = some || is;
            text += is ? std::to_string(i) + " " : "";
        }
        CHECK(some == said.shard);
        return text;
    }
    slotq_outcome hush(uint32_t counter)
    {
        return redis_store_hush(get(), counter, &fault_);
    }
    bool unwait(uint32_t group)
    {
        bool was_set = false;
        REQUIRE(redis_store_unwait(get(), group, &was_set, &fault_) == SLOTQ_OK);
        return was_set;
    }

    slotq_call call;
    uint32_t told = 0;
    bool may_sleep = false;

private:
    slotq_outcome run()
    {
        const slotq_outcome outcome = base_->ops->call(base_, &call, nullptr, &fault_);
        INFO(fault_.text);
        return outcome;
    }
    store *base_ = nullptr;
    store_fault fault_ = {};
    slotq_run run_ = {};
};

} // namespace

TEST_CASE("nudge: a round asks a shard to ring, and a push there says what is owed")
{
    redis::Server server;
    Shard shard(server);
    CHECK(shard.push() == SLOTQ_OK);
    CHECK(shard.call.nudge.need == 0);
    CHECK(shard.reserve(false, true) == SLOTQ_OK);
    CHECK(shard.call.nudge.need == 0);
    CHECK(shard.reserve(false, true) == SLOTQ_EMPTY);
    CHECK(shard.call.reserve.next_due_ms != UINT64_MAX); /* when the lease ends */
    CHECK(shard.push() == SLOTQ_OK);
    CHECK(shard.call.push.first_id == 2);
    CHECK(shard.call.nudge.need == 1);
    CHECK(shard.call.nudge.counter == 2);
    CHECK(shard.call.nudge.group == SLOTQ_ALL_GROUPS);
    CHECK(shard.hush(1) == SLOTQ_OK); /* a round came since */
    CHECK(shard.push() == SLOTQ_OK);
    CHECK(shard.call.nudge.need == 1);
    CHECK(shard.reserve(false) == SLOTQ_OK);
    CHECK(shard.call.nudge.need == 1); /* one is left, of this group */
    CHECK(shard.call.nudge.group == 0);
    CHECK(shard.hush(2) == SLOTQ_OK);
    CHECK(shard.push() == SLOTQ_OK);
    CHECK(shard.call.nudge.need == 0);
}

TEST_CASE("nudge: consumers at the bell register, are told, and leave")
{
    const uint32_t set = GENERATE(7u, 0u);
    redis::Server server;
    Shard one(server, set);
    Shard other(server, set);
    Shard teller(server, set);
    one.subscribe();
    other.subscribe();
    CHECK(one.reserve(true) == SLOTQ_EMPTY);
    CHECK_FALSE(one.call.reserve.kept);
    CHECK(one.call.reserve.others == 0);
    CHECK(other.reserve(true) == SLOTQ_EMPTY);
    CHECK(other.call.reserve.others == 1);
    CHECK(one.reserve(true) == SLOTQ_EMPTY);
    CHECK(one.call.reserve.kept);
    CHECK(one.call.reserve.others == 1);
    CHECK(one.call.reserve.before + other.call.reserve.before == 1);
    CHECK(teller.nudge(0, 1023) == SLOTQ_OK);
    CHECK((teller.told == 1 && teller.may_sleep));
    CHECK(teller.nudge(SLOTQ_ALL_GROUPS, REDIS_TO_ROUND) == SLOTQ_OK);
    CHECK((teller.told == 1 && !teller.may_sleep));
    const std::string first = one.heard();
    CHECK(first + other.heard() == (first == "1023 " ? "1023 round " : "round 1023 "));
    CHECK(one.heard().empty());
    CHECK(teller.nudge(0, 1) == SLOTQ_OK);
    CHECK((teller.told == 0 && !teller.may_sleep));
    CHECK_FALSE(one.unwait(0));
    CHECK(one.reserve(true, false, 1) == SLOTQ_EMPTY);
    CHECK(teller.push() == SLOTQ_OK);
    CHECK(one.heard(0).empty());
    CHECK(one.heard(1) == "bell ");
    CHECK(other.reserve(true) == SLOTQ_OK);
    CHECK(other.reserve(true) == SLOTQ_EMPTY);
    CHECK(other.unwait(0));
    CHECK(other.heard() == "round ");
    CHECK_FALSE(other.unwait(0));
}

TEST_CASE("nudge: a shard is heard in sharded channels, a queue that is alone is not")
{
    const uint32_t set = GENERATE(7u, 0u);
    redis::Server server;
    Shard shard(server, set);
    shard.subscribe();
    CHECK(server.command({"PUBSUB", "SHARDCHANNELS"}).items.size() == (set == 0 ? 0 : 1));
    CHECK(server.command({"PUBSUB", "CHANNELS"}).items.size() == (set == 0 ? 1 : 0));
}

TEST_CASE("nudge: a connection that is gone is told")
{
    redis::Server server;
    Shard shard(server);
    redis_told said = {};
    CHECK_FALSE(redis_store_told(shard.get(), 0, true, &said)); /* never subscribed */
    shard.subscribe();
    server.command({"CLIENT", "KILL", "TYPE", "pubsub"});
    CHECK_FALSE(redis_store_told(shard.get(), 0, true, &said));
    CHECK_FALSE(redis_store_told(shard.get(), 0, true, &said));
    shard.subscribe();
}

TEST_CASE("nudge: replies that no script gives are refused, or taken for no ring")
{
    slotq_view view = {};
    view.geometry.groups = 2;
    redis_terms terms = {};
    terms.view = &view;
    const auto owed = [&](const std::string &group, const std::string &need) {
        slotq_call call;
        store_fault fault = {};
        slotq_core_begin(&call, SLOTQ_REMOVE, 0);
        call.remove.id = 1;
        const inside::Reply reply =
            inside::reply("*5\r\n+RING\r\n:9\r\n" + group + "\r\n" + need + "\r\n+OK\r\n");
        const slotq_outcome outcome = redis_reply_take(&terms, &call, reply.get(), nullptr, &fault);
        return outcome == SLOTQ_OK ? static_cast<int>(call.nudge.need) : -1;
    };
    CHECK(owed(":1", ":3") == 3);
    CHECK(owed("+all", ":65535") == 65535);
    CHECK(owed(":2", ":3") == -1);
    CHECK(owed("+ALL", ":3") == -1);
    CHECK(owed(":1", ":65536") == -1);
    CHECK(owed(":1", ":-1") == -1);
}

TEST_CASE("nudge: messages of other texts mean to look; of other shapes, nothing")
{
    const auto told = [](const std::string &text) {
        redis_told said[SLOTQ_GROUPS_MAX] = {};
        redis_told_note(said, inside::reply("*3\r\n" + inside::bulk("message") +
                                            inside::bulk("slotq#1:q") + inside::bulk(text))
                                  .get());
        std::string list;
        for (uint32_t row = 0; row < SLOTQ_GROUPS_MAX; row++) {
            list += said[row].bell ? "b" : said[row].round ? "r" : said[row].shard ? "s" : ".";
        }
        return list;
    };
    const std::string none(16, '.');
    const std::string all(16, 'b');
    CHECK(told("wake 1") == ".b" + none.substr(2));
    CHECK(told("round 15") == none.substr(1) + "r");
    CHECK(told("wake 0 1023") == "s" + none.substr(1));
    CHECK(told("wake 16") == none); /* room, where there are 16 groups */
    for (const char *other : {"", "wake", "wake ", "wake x", "wake 1 1024", "wake 1 ", "wake 1 2 3",
                              "round 1 2", "wake 12345", "hello"}) {
        CAPTURE(other);
        CHECK(told(other) == all);
    }
    redis_told said[SLOTQ_GROUPS_MAX] = {};
    redis_told_note(said, inside::reply("*3\r\n+a\r\n+b\r\n:1\r\n").get());
    redis_told_note(said, inside::reply("+wake 1\r\n").get());
    CHECK_FALSE((said[0].bell || said[1].bell));
}
