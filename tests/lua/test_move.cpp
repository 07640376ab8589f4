/* test_move.cpp: the script that works on two queues: what it moves, what it refuses and leaves as
 * it was in both, byte for byte. test_parity_move.cpp plays its rules.
 */
#include "../support/catch.hpp"
#include "../support/image/image.hpp"
#include "on_server.hpp"

namespace
{

using on_server::keyed;
using on_server::Queue;
using on_server::Shape;
using redis::Arguments;
using redis::Reply;

std::string variant()
{
    return GENERATE(as<std::string>(), "plain", "redis7");
}

Shape shape_of(uint32_t flags, uint32_t groups = 1, uint32_t payload_bytes = 16)
{
    Shape shape;
    shape.flags = flags;
    shape.groups = groups;
    shape.payload_bytes = payload_bytes;
    return shape;
}

/* Message 1, "first", and two more, leased in the source. */
struct Pair {
    Queue source, target;
    std::string token;

    explicit Pair(const std::string &scripts, const Shape &from = shape_of(0),
                  const Shape &to = shape_of(0))
        : source(redis::shared_server(), scripts, from), target(redis::shared_server(), scripts, to)
    {
        const std::string slots =
            source.slot("first") + source.slot("second") + source.slot("third");
        source.run("push_packed", {"3", slots});
        const Reply got = source.run("reserve_packed", {"0", "3", "30000"});
        token = std::to_string(on_server::value_of(got.items.at(0).text, 6, 4));
    }
    Reply raw(const Arguments &arguments)
    {
        return run_on(source.key(), target.key(), arguments);
    }
    Reply run_on(const std::string &from, const std::string &to, const Arguments &arguments)
    {
        return source.command(source.scripts().call_of_two("move", from, to, arguments));
    }
    Arguments arguments(const std::string &id, const Arguments &more = {})
    {
        Arguments all = {std::to_string(on_server::now_ms), "", "0", id, token};
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }
    Reply move(const std::string &id, const Arguments &more = {})
    {
        const Reply reply = raw(arguments(id, more));
        CAPTURE(reply.told());
        CHECK(on_server::check(source.bytes()) == "");
        CHECK(on_server::check(target.bytes()) == "");
        return reply;
    }
    /* The reply of a call that changes neither queue. */
    Reply refused(const Arguments &all)
    {
        const std::string before = source.bytes();
        const std::string there = target.bytes();
        const Reply reply = raw(all);
        CAPTURE(reply.told());
        CHECK(source.bytes() == before);
        CHECK(target.bytes() == there);
        return reply;
    }
    /* id and payload of all in the target. */
    std::string in_target()
    {
        const Reply got = target.run("peek", {"0", "", "10"});
        std::string told;
        for (size_t i = 0; i + 3 < got.items.size(); i += 4) {
            told += std::to_string(got.items[i].integer) + " " + got.items[i + 3].text + ", ";
        }
        return told;
    }
    std::string state(const std::string &id)
    {
        return source.run("status", {"0", id}).items.at(0).text;
    }
};

bool ends_with(const Reply &reply, const std::string &end)
{
    return reply.is_error() && reply.text.size() >= end.size() &&
           reply.text.compare(reply.text.size() - end.size(), end.size(), end) == 0;
}

/* The error of this code, from this queue. */
bool is_refusal(const Reply &reply, const std::string &code, const std::string &queue)
{
    return reply.word() == "SLOTQ" + code && ends_with(reply, " [" + queue + "]");
}

} // namespace

TEST_CASE("move: the message is done here and new there, as it is or with other bytes")
{
    Pair pair(variant());
    CHECK(pair.move("2").is_integer(1));
    CHECK(pair.move("1", {"", "payload", "other"}).is_integer(2));
    CHECK(pair.move("3", {"", "slot", pair.target.slot("packed").substr(0, 8)}).is_integer(3));
    CHECK(pair.in_target() == "1 second, 2 other, 3 packed, ");
    CHECK(pair.state("1") == "FINISHED");
    CHECK(pair.refused(pair.arguments("1")).is_status("GONE"));
    CHECK(pair.in_target() == "1 second, 2 other, 3 packed, ");
    CHECK(on_server::value_of(pair.source.bytes(), 80 + 28, 4) == 3); /* acked */
    CHECK(on_server::value_of(pair.source.bytes(), 80 + 6, 2) == 0);  /* leased */
}

TEST_CASE("move: a shard tells the id alone")
{
    Shape shard = shape_of(0);
    shard.set = 7;
    Pair pair(variant(), shape_of(0), shard);
    CHECK(pair.move("2").is_integer(1));
}

TEST_CASE("move: a token that is not the lease's moves nothing")
{
    Pair pair(variant());
    Arguments stale = pair.arguments("1");
    stale[4] = std::to_string(std::stoul(stale[4]) + 256);
    CHECK(pair.refused(stale).is_status("STALE"));
    CHECK(pair.refused(pair.arguments("4")).is_status("NOTFOUND"));
    CHECK(pair.refused(pair.arguments("0")).is_status("NOTFOUND"));
    Arguments none = pair.arguments("1");
    none[2] = "1";
    CHECK(is_refusal(pair.refused(none), "INVALID", "source")); /* the group */
    pair.source.run("settle", {"release", "0", "0", "0", "1", pair.token});
    CHECK(pair.refused(pair.arguments("1")).is_status("STALE"));
}

TEST_CASE("move: stamps and checks are those of the target's slot")
{
    const std::string scripts = variant();
    Pair pair(scripts, shape_of(2 + 16), shape_of(2));
    const Reply moved = pair.move("1");
    CHECK(moved.is_integer(1)); /* with its check: the slot would be damaged without it */
    const Reply got = pair.target.run("reserve_packed", {"0", "1", "30000"});
    CHECK(got.items.at(1).text.substr(0, 11) == pair.target.slot("first").substr(0, 11));
    CHECK(is_refusal(pair.refused(pair.arguments("2", {"", "payload", "x"})), "INVALID", "target"));
    CHECK(pair.move("2", {"", "slot", pair.target.slot("second")}).is_integer(2));
    Pair stamped(scripts, shape_of(0), shape_of(16));
    CHECK(stamped.move("1").is_integer(1));
    const Reply now = stamped.target.run("reserve_packed", {"0", "1", "30000"});
    CHECK(now.items.at(1).text.substr(0, 11) == stamped.target.slot("first").substr(0, 11));
    for (const uint32_t flags : {0u, 2u}) { /* only one of them has checks */
        Pair mixed(scripts, shape_of(flags), shape_of(2 - flags));
        CHECK(is_refusal(mixed.refused(mixed.arguments("1")), "INVALID", "target"));
        CHECK(mixed.move("1", {"", "slot", mixed.target.slot("first")}).is_integer(1));
    }
}

TEST_CASE("move: a key places a message once, and what is there counts as moved")
{
    Pair pair(variant(), shape_of(0), shape_of(4));
    CHECK(is_refusal(pair.refused(pair.arguments("1", {"short"})), "INVALID", "target"));
    pair.target.run("push_keyed", {"once", keyed("k"), "first"});
    CHECK(pair.move("1", {keyed("k")}).told() == "[+DUPLICATE :0 :0 :1 :1 ]");
    CHECK(pair.state("1") == "FINISHED");
    CHECK(pair.in_target() == "1 first, ");
    CHECK(pair.move("2", {keyed("l")}).is_integer(2));
    CHECK(pair.move("3").is_integer(3)); /* without a key */
    CHECK(pair.target.run("find", {keyed("l")}).told() == "[+OK :0 :2 :1 ]");
    Pair plain(variant());
    CHECK(is_refusal(plain.refused(plain.arguments("1", {keyed("k")})), "INVALID", "target"));
}

TEST_CASE("move: what the target refuses leaves the source as it is")
{
    const std::string scripts = variant();
    Shape small = shape_of(4, 1, 4);
    small.ring_slots = 2;
    Pair pair(scripts, shape_of(0), small);
    CHECK(is_refusal(pair.refused(pair.arguments("1")), "TOOBIG", "target"));
    pair.target.run("pause", {"1"});
    const Arguments one = pair.arguments("1", {keyed("k"), "payload", "x"});
    CHECK(is_refusal(pair.refused(one), "PAUSED", "target"));
    pair.target.run("resume", {"1"});
    pair.target.run("push", {"y"});
    const Reply full = pair.refused(one);
    CHECK(is_refusal(full, "FULL", "target"));
    CHECK(full.text.substr(0, 22) == "SLOTQFULL 1 1 1 0 0 0:");
    pair.target.run("purge", {});
    CHECK(pair.move("1", {keyed("k"), "payload", "x"}).is_integer(2));
}

TEST_CASE("move: a queue that is not there, is another, or is damaged, is named")
{
    Pair pair(variant());
    const std::string source = pair.source.bytes();
    const std::string target = pair.target.bytes();
    const std::string of_source = source.substr(8, 36);
    const std::string of_target = target.substr(8, 36);
    Arguments known = pair.arguments("1");
    known[0] = of_source + known[0];
    known[1] = of_target;
    Arguments wrong = known;
    wrong[0][20] = '\x7F'; /* the generation */
    CHECK(is_refusal(pair.refused(wrong), "REMADE", "source"));
    wrong = known;
    wrong[1][20] = '\x7F';
    CHECK(is_refusal(pair.refused(wrong), "REMADE", "target"));
    for (const bool of_the_source : {true, false}) {
        Queue &queue = of_the_source ? pair.source : pair.target;
        const std::string &sound = of_the_source ? source : target;
        const std::string name = of_the_source ? "source" : "target";
        CAPTURE(name);
        queue.command({"DEL", queue.key()});
        CHECK(is_refusal(pair.refused(known), "NOQUEUE", name));
        CHECK(queue.command({"EXISTS", queue.key()}).is_integer(0));
        queue.set(sound.substr(0, 100));
        CHECK(is_refusal(pair.refused(pair.arguments("1")), "CORRUPT", name));
        queue.set(sound);
        queue.command({"RENAME", queue.key(), "kept"});
        queue.command({"RPUSH", queue.key(), "other"});
        CHECK(pair.raw(known).word() == "WRONGTYPE");
        queue.command({"RENAME", "kept", queue.key()});
    }
    CHECK(pair.source.bytes() == source);
    CHECK(pair.target.bytes() == target);
    CHECK(pair.raw(known).is_integer(1));
}

TEST_CASE("move: damage of any byte of either front is refused, with both as they were")
{
    Pair pair(variant(), shape_of(4), shape_of(4));
    const std::string source = pair.source.bytes();
    const std::string target = pair.target.bytes();
    uint32_t refused = 0;
    for (const bool of_the_source : {true, false}) {
        for (size_t at = 0; at < 136; at++) {
            for (const int change : {1, 0x10, 0x80, 0xFF}) {
                pair.source.set(source);
                pair.target.set(target);
                std::string bytes = of_the_source ? source : target;
                bytes[at] = static_cast<char>(bytes[at] ^ change);
                (of_the_source ? pair.source : pair.target).set(bytes);
                const Reply reply = pair.raw(pair.arguments("2", {keyed("k")}));
                CAPTURE(of_the_source, at, change, reply.told());
                if (!reply.is_error() && reply.kind != Reply::Kind::status) {
                    continue; /* not seen */
                }
                refused++;
                REQUIRE((!reply.is_error() || reply.text.substr(0, 5) == "SLOTQ"));
                REQUIRE((of_the_source ? pair.source : pair.target).bytes() == bytes);
                REQUIRE((of_the_source ? pair.target : pair.source).bytes() ==
                        (of_the_source ? target : source));
            }
        }
    }
    CHECK(refused > 300);
}

TEST_CASE("move: a slot whose length cannot be is not moved, unless the call brings the bytes")
{
    Pair pair(variant());
    std::string bytes = pair.source.bytes();
    const support::Bytes raw(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
    bytes[support::Image(raw).slot_offset(0)] = 17;
    pair.source.set(bytes);
    const Reply reply = pair.refused(pair.arguments("1"));
    CHECK(is_refusal(reply, "CORRUPT", "source"));
    CHECK(pair.move("1", {"", "payload", "mended"}).is_integer(1));
}

TEST_CASE("move: onto itself, and calls that cannot be")
{
    Pair pair(variant());
    const std::string before = pair.source.bytes();
    const Reply itself = pair.run_on(pair.source.key(), pair.source.key(), pair.arguments("1"));
    CHECK(itself.word() == "SLOTQINVALID");
    CHECK(pair.source.bytes() == before);
    const auto invalid = [&](Arguments all) { return pair.refused(all).word() == "SLOTQINVALID"; };
    CHECK(invalid({}));
    CHECK(invalid(pair.arguments("1", {"", "payload"})));
    CHECK(invalid(pair.arguments("1", {"", "payload", "x", "y"})));
    CHECK(invalid(pair.arguments("1", {"", "other", "x"})));
    CHECK(invalid(pair.arguments("1", {"", "slot", "x"})));
    CHECK(invalid(pair.arguments("x")));
    Arguments known = pair.arguments("1");
    known[1] = "short";
    CHECK(invalid(known));
    known = pair.arguments("1");
    known[0] = "x";
    CHECK(invalid(known));
    Arguments one_key = pair.source.scripts().call("move", pair.source.key(), pair.arguments("1"));
    CHECK(pair.source.command(one_key).word() == "SLOTQINVALID");
}

TEST_CASE("move: each group has the message; one aside is moved too")
{
    const std::string scripts = variant();
    Shape shape = shape_of(0, 2, 4);
    shape.ring_slots = 5;
    shape.aside_slots = 4;
    Pair pair(scripts);
    Queue source(redis::shared_server(), scripts, shape);
    source.prepare_aside(); /* "a" is aside, and leased in both groups */
    for (const char *group : {"1", "0"}) {
        Arguments all = pair.arguments("1");
        all[2] = group;
        all[4] = std::to_string(source.token);
        const Reply reply = pair.run_on(source.key(), pair.target.key(), all);
        CAPTURE(group, reply.told());
        CHECK(reply.is_integer(*group == '1' ? 1 : 2));
        CHECK(on_server::check(source.bytes()) == "");
    }
    CHECK(pair.in_target() == "1 a, 2 a, ");
    CHECK(source.run("status", {"0", "1"}).items.at(0).text == "FINISHED");
}

TEST_CASE("move: clients that wait for a message there, and for room here, are woken")
{
    Pair pair(variant());
    for (uint32_t i = 0; i < 5; i++) { /* full, with 1 at head */
        pair.source.run("push", {"x"});
    }
    const std::string slot = pair.source.slot("y");
    CHECK(pair.source.run("push_packed", {"1", slot, "1"}).word() == "SLOTQFULL");
    pair.target.run("reserve_packed", {"0", "1", "1000", "1"});
    const auto listener = redis::shared_server().connect();
    listener->command({"SUBSCRIBE", "slotq:" + pair.source.key()});
    listener->command({"SUBSCRIBE", "slotq:" + pair.target.key()});
    CHECK(pair.move("1").is_integer(1));
    const std::string first = listener->next().items.at(1).text;
    const std::string second = listener->next().items.at(1).text;
    CHECK(first == "slotq:" + pair.target.key());
    CHECK(second == "slotq:" + pair.source.key());
}

/* A limit below the source's length, above the target's: the first write of a script is in the
 * target, and must not be the last. */
TEST_CASE("move: a server that refuses long strings changes neither queue")
{
    const std::string scripts = variant();
    redis::Server server;
    Shape large = shape_of(0, 16, 16);
    large.ring_slots = 30000;
    Queue source(server, scripts, large);
    Queue target(server, scripts, shape_of(0));
    Arguments many = {"x"};
    for (uint32_t i = 0; i < 4096; i++) {
        many.push_back("x");
    }
    many.pop_back();
    for (uint32_t i = 0; i < 7; i++) {
        source.run("push", many);
    }
    std::string token;
    for (uint32_t i = 0; i < 7; i++) {
        const Reply got = source.run("reserve_packed", {"15", "4096", "30000"});
        token = std::to_string(on_server::value_of(got.items.at(0).text, 6, 4));
    }
    const std::string before = source.bytes();
    const std::string there = target.bytes();
    REQUIRE(source.command({"CONFIG", "SET", "proto-max-bulk-len", "1048576"}).is_status("OK"));
    Arguments call = source.scripts().call(
        "move", source.key(), {std::to_string(on_server::now_ms), "", "15", "28000", token});
    call[2] = "2";
    call.insert(call.begin() + 4, target.key());
    const Reply refused = source.command(call);
    CAPTURE(refused.told());
    CHECK(refused.is_error());
    source.command({"CONFIG", "SET", "proto-max-bulk-len", "512mb"});
    CHECK(source.bytes() == before);
    CHECK(target.bytes() == there);
    CHECK(source.command(call).is_integer(1));
}
