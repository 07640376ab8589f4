/* test_costs.cpp: what a verb costs the server, counted: calls inside a script by INFO
 * commandstats, memory by MEMORY USAGE.
 */
#include <algorithm>
#include <cstdlib>
#include <memory>

#include "../support/catch.hpp"
#include "on_server.hpp"

namespace
{

using on_server::Queue;
using redis::Arguments;
using redis::Reply;

/* Calls that scripts made since the statistics were reset: all but ours. */
uint32_t calls_inside(const std::string &info, std::string &told)
{
    uint32_t sum = 0;
    size_t at = 0;
    while ((at = info.find("cmdstat_", at)) != std::string::npos) {
        at += 8;
        const std::string name = info.substr(at, info.find(':', at) - at);
        const size_t calls = info.find("calls=", at) + 6;
        const uint32_t count =
            static_cast<uint32_t>(std::strtoul(info.c_str() + calls, nullptr, 10));
        if (name != "evalsha" && name != "info" && name.substr(0, 6) != "config") {
            sum += count;
            told += name + " " + std::to_string(count) + ", ";
        }
    }
    return sum;
}

/* How many calls one verb makes inside; what it answered is in reply. */
uint32_t count_calls(Queue &queue, const std::string &script, const Arguments &arguments,
                     Reply &reply, std::string &told)
{
    queue.command({"CONFIG", "RESETSTAT"});
    reply = queue.run_raw(script, arguments);
    told = script + ": " + reply.told() + ": ";
    return calls_inside(queue.command({"INFO", "commandstats"}).text, told);
}

/* A server for this binary's counts alone: its statistics hold no other commands. */
redis::Server &counted_server()
{
    static redis::Server server;
    return server;
}

on_server::Shape keyless()
{
    on_server::Shape shape;
    shape.flags = 0;
    return shape;
}

std::string run_of(const Reply &reserved)
{
    return reserved.items.at(0).text.substr(0, 12);
}

const char *const now = "1700000000000";

/* The geometry that a client puts before now. */
std::string known(Queue &queue)
{
    return queue.bytes().substr(8, 36);
}

} // namespace

#define CHECK_CALLS(queue, script, most, ...)                                                      \
    do {                                                                                           \
        Reply reply;                                                                               \
        std::string told;                                                                          \
        const uint32_t calls = count_calls(queue, script, __VA_ARGS__, reply, told);               \
        CAPTURE(told);                                                                             \
        CHECK_FALSE(reply.is_error());                                                             \
        CHECK(calls <= (most));                                                                    \
    } while (false)

TEST_CASE("costs: calls of push, for any number of groups")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    for (const uint32_t groups : {1u, 2u, 3u, 16u}) {
        on_server::Shape shape = keyless();
        shape.groups = groups;
        Queue queue(counted_server(), variant, shape);
        CAPTURE(variant, groups);
        CHECK_CALLS(queue, "push_packed", 4u, {now, "1", queue.slot("a")});
        /* and no more with the geometry that the library names */
        CHECK_CALLS(queue, "push_packed", 4u, {known(queue) + now, "1", queue.slot("a")});
        CHECK_CALLS(queue, "push_packed", 4u, {known(queue), "1", queue.slot("a")});
        CHECK_CALLS(queue, "push", 4u, {now, "b"});
        CHECK_CALLS(queue, "push_packed", 4u, {"", "1", queue.slot("c")}); /* needs no time */
        shape.flags = 16;
        Queue stamped(counted_server(), variant, shape);
        CHECK_CALLS(stamped, "push", 5u, {"", "b"}); /* TIME */
        CHECK_CALLS(stamped, "push", 4u, {now, "b"});
    }
}

TEST_CASE("costs: calls of reserve")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    const std::string script = GENERATE(as<std::string>(), "reserve_packed", "reserve");
    Queue queue(counted_server(), variant, keyless());
    queue.run("push", {"a", "b", "c", "d"});
    CAPTURE(variant);
    CHECK_CALLS(queue, script, 5u, {now, "0", "1", "30000"});
    CHECK_CALLS(queue, script, 5u, {known(queue) + now, "0", "1", "30000"});
    const Reply held = queue.run("reserve_packed", {"0", "1", "30000"});
    queue.run("settle_packed", {"release", "0", "0", "0", run_of(held)});
    CHECK_CALLS(queue, script, 6u, {now, "0", "1", "30000"}); /* a retry */
    Queue other(counted_server(), variant, keyless());
    other.run("push", {"a"});
    CHECK_CALLS(other, script, 6u, {"", "0", "1", "30000"}); /* TIME */
}

TEST_CASE("costs: calls of an ack at head, and elsewhere")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    Queue queue(counted_server(), variant, keyless());
    queue.run("push", {"a", "b", "c", "d"});
    std::vector<std::string> runs;
    for (uint32_t i = 0; i < 4; i++) {
        runs.push_back(
            run_of(queue.run("reserve_packed", {"0", "1", std::to_string(20000 + i * 500)})));
    }
    const auto pair_of = [](const std::string &run) {
        return Arguments{now,
                         "ack",
                         "0",
                         "0",
                         "0",
                         std::to_string(on_server::value_of(run, 0, 6)),
                         std::to_string(on_server::value_of(run, 6, 4))};
    };
    CAPTURE(variant);
    CHECK_CALLS(queue, "settle_packed", 4u, {now, "ack", "0", "0", "0", runs[0]});
    CHECK_CALLS(queue, "settle_packed", 5u, {now, "ack", "0", "0", "0", runs[2]});
    CHECK_CALLS(queue, "settle", 5u, pair_of(runs[3]));
    CHECK_CALLS(queue, "settle", 4u, pair_of(runs[1]));
}

TEST_CASE("costs: calls while a consumer waits, and of a run that wraps")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    Queue queue(counted_server(), variant, keyless());
    CAPTURE(variant);
    queue.run("reserve_packed", {"0", "1", "30000", "1"});
    CHECK_CALLS(queue, "push_packed", 6u, {now, "1", queue.slot("a")});
    for (uint32_t i = 0; i < 6; i++) { /* up to the ring's last two slots */
        queue.run("push", {"x"});
    }
    const std::string seven = run_of(queue.run("reserve_packed", {"0", "7", "30000"}));
    queue.run("settle_packed", {"ack", "0", "0", "0", seven});
    std::string slots;
    for (uint32_t i = 0; i < 4; i++) {
        slots += queue.slot("w");
    }
    CHECK_CALLS(queue, "push_packed", 6u, {now, "4", slots});
    CHECK_CALLS(queue, "reserve_packed", 7u, {now, "0", "4", "30000"});
}

/* Source: size, front, words, slot, front. Target: size, two parts of the front, slot, front. */
TEST_CASE("costs: calls of a move are those of an ack and a push, and the read of the slot")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    Queue source(counted_server(), variant, keyless());
    Queue target(counted_server(), variant, keyless());
    on_server::Shape keyed = keyless();
    keyed.flags = 4; /* keys */
    Queue with_keys(counted_server(), variant, keyed);
    source.run("push", {"a", "b", "c", "d"});
    const std::string run = run_of(source.run("reserve_packed", {"0", "4", "20000"}));
    const std::string token = std::to_string(on_server::value_of(run, 6, 4));
    const auto calls_of = [&](Queue &to, const std::string &id, const Arguments &more) {
        Arguments arguments = {now, "", "0", id, token};
        arguments.insert(arguments.end(), more.begin(), more.end());
        Arguments call = source.scripts().call("move", source.key(), arguments);
        call[2] = "2";
        call.insert(call.begin() + 4, to.key());
        source.command({"CONFIG", "RESETSTAT"});
        const Reply reply = source.command(call);
        std::string told;
        const uint32_t calls = calls_inside(source.command({"INFO", "commandstats"}).text, told);
        CAPTURE(variant, id, told, reply.told());
        CHECK(reply.kind == Reply::Kind::integer);
        return calls;
    };
    CHECK(calls_of(target, "1", {}) <= 9);
    CHECK(calls_of(target, "3", {}) <= 10); /* behind head: its word is written */
    CHECK(calls_of(target, "2", {"", "payload", "x"}) <= 8);
    CHECK(calls_of(with_keys, "4", {on_server::number(257, 8)}) <= 13);
}

TEST_CASE("costs: what is scheduled costs no call before it is due, but the time, if not given")
{
    on_server::Shape shape = keyless();
    shape.ring_slots = 100;
    Queue queue(counted_server(), "redis7", shape);
    queue.schedule("l", on_server::now_ms + 1);
    CHECK_CALLS(queue, "push_packed", 4u, {now, "1", queue.slot("a")});
    CHECK_CALLS(queue, "push", 4u, {now, "b"});
    CHECK_CALLS(queue, "reserve_packed", 5u, {now, "0", "1", "30000"});
    CHECK_CALLS(queue, "reserve", 5u, {now, "0", "1", "30000"});
    CHECK_CALLS(queue, "reserve", 4u, {now, "0", "1", "30000", "1"}); /* EMPTY */
    queue.run("cancel", {"1"});
    queue.schedule("l", on_server::due_ms * 2);
    CHECK_CALLS(queue, "push_packed", 5u, {"", "1", queue.slot("a")}); /* TIME */
    CHECK_CALLS(queue, "push_packed", 4u, {now, "1", queue.slot("a")});
}

TEST_CASE("costs: a message is promoted by reads of the heap's levels")
{
    on_server::Shape shape = keyless();
    shape.ring_slots = 100;
    shape.later_slots = 4000;
    Queue queue(counted_server(), "redis7", shape);
    for (uint64_t i = 0; i < 4000; i++) {
        queue.schedule("l", on_server::now_ms + i * 7919 % 4000);
    }
    /* front, slot, root, last, four levels; slot, five stretches of the heap, front */
    CHECK_CALLS(queue, "push_packed", 24u, {now, "1", queue.slot("a")});
    CHECK(on_server::value_of(queue.bytes(), 54, 2) == 3999);
}

TEST_CASE("costs: calls of a batch are those of one message")
{
    on_server::Shape shape = keyless();
    shape.ring_slots = 1000;
    Queue queue(counted_server(), "redis7", shape);
    std::string slots;
    for (uint32_t i = 0; i < 256; i++) {
        slots += queue.slot("payload");
    }
    CHECK_CALLS(queue, "push_packed", 4u, {now, "256", slots});
    CHECK_CALLS(queue, "push_packed", 4u, {now, "256", slots});
    CHECK_CALLS(queue, "reserve_packed", 5u, {now, "0", "256", "30000"});
    const Reply second = queue.run("reserve_packed", {"0", "256", "30000"});
    CHECK_CALLS(queue, "settle_packed", 5u, {"", "ack", "0", "0", "0", run_of(second)});
}

/* What is not sent is not written either: the calls, and the bytes that Redis logs for them. */
TEST_CASE("costs: cut slots take the calls of their writes, and no bytes for what is not there")
{
    on_server::Shape shape = keyless();
    shape.ring_slots = 1000;
    shape.payload_bytes = 200;
    Queue queue(counted_server(), "redis7", shape);
    const auto cut = [&](const std::string &payload) {
        return queue.slot(payload).substr(0, 2 + payload.size());
    };
    const std::string payload(32, 'p');
    std::string slots;
    std::string near;
    for (uint32_t i = 0; i < 256; i++) {
        slots += cut(payload);
        near += cut(std::string(180, 'n')); /* 20 zeros cost less than another write */
    }
    CHECK_CALLS(queue, "push_packed", 4u, {now, "1", cut(payload)});
    CHECK_CALLS(queue, "push_packed", 3u + 256u, {now, "256", slots});
    CHECK_CALLS(queue, "push_packed", 4u, {now, "256", near});
    const Reply all = queue.run("reserve_packed", {"0", "4096", "30000"});
    REQUIRE(all.items.size() == 2);
    CHECK(all.items[1].text.substr(0, 34) == cut(payload));
    CHECK(all.items[1].text.substr(256 * 202, 34) == cut(payload));
    CHECK(all.items[1].text.substr(512 * 202, 182) == cut(std::string(180, 'n')));
}

TEST_CASE("costs: large slots are reserved by what is in them")
{
    on_server::Shape shape = keyless();
    shape.ring_slots = 30;
    shape.payload_bytes = 60000;
    Queue queue(counted_server(), "redis7", shape);
    std::string slots;
    for (uint32_t i = 0; i < 17; i++) {
        slots += queue.slot("x").substr(0, 3);
    }
    REQUIRE(queue.run("push_packed", {"17", slots}).is_integer(1));
    CHECK_CALLS(queue, "reserve_packed", 4u + 2u, {now, "0", "1", "30000"});
    const Reply rest = queue.run("reserve_packed", {"0", "16", "30000"});
    REQUIRE(rest.items.size() == 17);
    CHECK(rest.items[16].text == queue.slot("x").substr(0, 3));
}

TEST_CASE("costs: MEMORY USAGE is the formula's, also when all are leased")
{
    for (const uint32_t slots : {2u, 9u, 100u, 1000u, 65535u}) {
        for (const uint32_t payload : {1u, 32u, 100u}) {
            on_server::Shape shape = keyless();
            shape.ring_slots = slots;
            shape.payload_bytes = payload;
            Queue queue(redis::shared_server(), "redis7", shape);
            const uint64_t formula = 136 + 4 * slots + slots * shape.stride() +
                                     3 * (12 + shape.stride()) + 3 * (16 + shape.stride());
            const auto usage = [&] {
                return static_cast<uint64_t>(
                    queue.command({"MEMORY", "USAGE", queue.key()}).integer);
            };
            CAPTURE(slots, payload, formula);
            REQUIRE(
                queue.command({"STRLEN", queue.key()}).is_integer(static_cast<int64_t>(formula)));
            const uint64_t fresh = usage();
            CHECK(fresh <= formula * 5 / 4 + 100);
            const uint32_t batch = std::min(slots - 1, 4096u);
            std::string packed;
            for (uint32_t i = 0; i < batch; i++) {
                packed += queue.slot("x");
            }
            for (uint32_t done = 0; done + batch <= slots - 1; done += batch) {
                REQUIRE(queue.run("push_packed", {std::to_string(batch), packed}).kind ==
                        Reply::Kind::integer);
                REQUIRE(queue.run("reserve_packed", {"0", "4096", "30000"}).items.size() > 1);
            }
            CHECK(usage() == fresh);
        }
    }
}

/* A queue with keys; key n of a lap. */
struct Keyed {
    on_server::Shape shape;
    std::unique_ptr<Queue> queue;
    uint64_t next = 1;

    explicit Keyed(uint32_t slots)
    {
        shape.ring_slots = slots;
        shape.later_slots = 0;
        queue = std::make_unique<Queue>(counted_server(), "redis7", shape);
    }
    /* The lower half decides the bucket: no two have the same, but where slots are fewer. */
    std::string key()
    {
        return on_server::number(next++ * 256 + 1, 8);
    }
    void fill(uint32_t count)
    {
        while (count > 0) {
            const uint32_t now_count = std::min(count, 256u);
            std::string slots, keys;
            for (uint32_t i = 0; i < now_count; i++) {
                slots += queue->slot("a");
                keys += key();
            }
            REQUIRE(
                queue->run("push_keyed_packed", {std::to_string(now_count), slots, "once", keys})
                    .kind == Reply::Kind::integer);
            queue->run("purge", {});
            count -= now_count;
        }
    }
};

TEST_CASE("costs: calls of a push with a key, in a short and in a long queue")
{
    for (const uint32_t slots : {1001u, 65521u}) { /* a prime: the buckets differ */
        Keyed keyed(slots);
        CAPTURE(slots);
        /* size, front, old entry, bucket; bucket, entry, slot, header */
        CHECK_CALLS(*keyed.queue, "push_keyed", 8u, {now, "unique", keyed.key(), "a"});
        CHECK_CALLS(*keyed.queue, "push_keyed_packed", 8u,
                    {now, "1", keyed.queue->slot("a"), "once", keyed.key()});
        CHECK_CALLS(*keyed.queue, "push", 5u, {now, "a"}); /* the old entry */
        CHECK_CALLS(*keyed.queue, "push_packed", 5u,
                    {now, "2", keyed.queue->slot("a") + keyed.queue->slot("b")});
    }
    Keyed keyed(521);
    keyed.fill(521 * 2);
    /* and the bucket of the old key, which gets its next; chains of one here */
    CHECK_CALLS(*keyed.queue, "push_keyed", 8u + 2u + 2u, {now, "unique", keyed.key(), "a"});
    CHECK_CALLS(*keyed.queue, "push", 8u, {now, "a"});
    CHECK(on_server::check(keyed.queue->bytes()) == "");
}

TEST_CASE("costs: calls of many keys, and of a duplicate")
{
    Keyed keyed(1009);
    keyed.fill(1009 * 2);
    std::string slots, keys;
    for (uint32_t i = 0; i < 256; i++) {
        slots += keyed.queue->slot("a");
        keys += keyed.key();
    }
    /* sections are read whole, and buckets near each other are written together */
    CHECK_CALLS(*keyed.queue, "push_keyed_packed", 70u, {now, "256", slots, "once", keys});
    CHECK(on_server::check(keyed.queue->bytes()) == "");
    CHECK_CALLS(*keyed.queue, "push_keyed_packed", 6u, {now, "256", slots, "once", keys});
    CHECK_CALLS(*keyed.queue, "find", 5u, {now, keys.substr(0, 8)});
}
