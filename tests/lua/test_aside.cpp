/* test_aside.cpp: messages that step out of the ring, told to the scripts on a server: what each
 * verb makes of them, in both variants. The image is checked after each.
 */
#include "../support/catch.hpp"
#include "../support/image/fields.hpp"
#include "on_server.hpp"

namespace
{

using on_server::now_ms;
using on_server::Queue;
using redis::Arguments;
using redis::Reply;

on_server::Shape small_shape(uint32_t groups = 1)
{
    on_server::Shape shape;
    shape.ring_slots = 5;
    shape.groups = groups;
    shape.flags = 16;
    shape.dead_slots = 1;
    shape.aside_slots = 3;
    return shape;
}

/* Verbs of a message aside in one line each. */
class Sound : public on_server::SoundQueue
{
public:
    Sound(const std::string &variant, const on_server::Shape &shape)
        : SoundQueue(redis::shared_server(), variant, shape)
    {
    }
    /* The token, or 0. */
    uint32_t lease(uint32_t count, const std::string &group = "0", uint32_t lease_ms = 30000)
    {
        const Reply reply =
            ask("reserve_packed", {group, std::to_string(count), std::to_string(lease_ms)});
        return reply.items.empty()
                   ? 0
                   : static_cast<uint32_t>(on_server::value_of(reply.items[0].text, 6, 4));
    }
    std::string settle(const std::string &verb, uint64_t id, uint32_t token_of,
                       const std::string &group = "0", uint32_t ms = 0)
    {
        const Reply reply = ask("settle", {verb, group, std::to_string(ms), "0", std::to_string(id),
                                           std::to_string(token_of)});
        return reply.items.empty() ? reply.told() : reply.items[0].text;
    }
    uint64_t aside() /* how many */
    {
        return field(support::field::shared_aside_count);
    }
    uint64_t field(const support::Field &of)
    {
        return on_server::value_of(bytes(), of.offset, of.bytes);
    }
    /* State, attempts and place in line of a message. */
    std::string state(uint64_t id, const std::string &group = "0")
    {
        const Reply reply = ask("status", {group, std::to_string(id)});
        return reply.items.at(0).text + " " + std::to_string(reply.items.at(2).integer) + " " +
               std::to_string(reply.items.at(5).integer);
    }
    /* The ids that a peek shows, and their payloads. */
    std::string peek(const std::string &from)
    {
        const Reply reply = ask("peek", {"0", from, "10"});
        std::string told;
        for (size_t i = 0; i + 3 < reply.items.size(); i += 4) {
            told += std::to_string(reply.items[i].integer) + reply.items[i + 3].text + " ";
        }
        return told;
    }
    int64_t stat(const std::string &name)
    {
        const Reply reply = ask("stats", {"0"});
        for (size_t i = 0; i + 1 < reply.items.size(); i += 2) {
            if (reply.items[i].text == name) {
                return reply.items[i + 1].integer;
            }
        }
        return -1;
    }
};

/* Messages 1 to 3 are aside, leased with the token that is returned; the ring is empty. */
uint32_t hold_three(Sound &queue)
{
    queue.ask("push", {"a", "b", "c", "d"});
    const uint32_t token = queue.lease(4);
    CHECK(queue.settle("ack", 4, token) == "OK");
    CHECK(queue.ask("push", {"e", "f", "g"}).is_integer(5));
    CHECK(queue.aside() == 3);
    const uint32_t other = queue.lease(3);
    queue.ask("settle", {"ack", "0", "0", "0", "5", std::to_string(other), "6",
                         std::to_string(other), "7", std::to_string(other)});
    CHECK(queue.field(support::field::header_head) == queue.field(support::field::header_tail));
    return token;
}

} // namespace

TEST_CASE("aside: a message that is held long steps aside, and a backlog does not")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    Sound queue(variant, small_shape());
    CAPTURE(variant);
    queue.ask("push", {"a", "b", "c", "d"});
    CHECK(queue.ask("push", {"e"}).word() == "SLOTQFULL"); /* no message was delivered */
    const uint32_t token = queue.lease(1);
    CHECK(queue.ask("push", {"e"}).word() == "SLOTQFULL"); /* nothing of four is done with */
    const uint32_t others = queue.lease(2);
    CHECK(queue.ask("push", {"e"}).word() == "SLOTQFULL");
    CHECK(queue.settle("ack", 2, others) == "OK");
    CHECK(queue.ask("push", {"e"}).is_integer(5));
    CHECK(queue.aside() == 1);
    CHECK(queue.state(1) == "LEASED 1 0");
    for (uint64_t id = 3; id < 20; id++) { /* many laps of the ring */
        CHECK(queue.ask("push", {"x"}).is_integer(static_cast<int64_t>(id + 3)));
        CHECK(queue.settle("ack", id, id == 3 ? others : queue.lease(1)) == "OK");
    }
    CHECK(queue.aside() == 1);
    CHECK(queue.settle("ack", 1, token + 1) == "STALE");
    CHECK(queue.settle("ack", 1, token) == "OK");
    CHECK(queue.aside() == 0);
    CHECK(queue.settle("ack", 1, token) == "GONE");
    CHECK(queue.state(1) == "FINISHED 0 0");
}

TEST_CASE("aside: every settle of a message there")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    Sound queue(variant, small_shape());
    CAPTURE(variant);
    const uint32_t token = hold_three(queue);
    CHECK(queue.settle("nack", 1, token) == "OK");
    CHECK(queue.settle("nack", 2, token, "0", 5000) == "OK");
    CHECK(queue.settle("release", 3, token) == "OK");
    CHECK(queue.state(1) == "READY 1 0");
    CHECK(queue.state(2) == "WAITING 1 1");
    CHECK(queue.state(3) == "READY 0 1");
    queue.ask("push", {"h"});
    CHECK(queue.state(8) == "READY 0 2");
    const Reply reply = queue.ask("reserve", {"0", "10", "20000"});
    REQUIRE(reply.items.size() == 12);
    CHECK(reply.items[0].integer == 1);
    CHECK(reply.items[3].text == "a");
    CHECK(reply.items[4].integer == 3);
    CHECK(reply.items[7].text == "c");
    CHECK(reply.items[8].integer == 8);
    const uint32_t first = static_cast<uint32_t>(reply.items[1].integer);
    const Reply longer = queue.ask("settle", {"extend", "0", "60000", "0", "1",
                                              std::to_string(first), "2", std::to_string(token)});
    CHECK(longer.items.at(0).integer > first);
    CHECK(longer.items.at(1).text == "STALE");
    CHECK(queue.settle("kill", 1, static_cast<uint32_t>(longer.items.at(0).integer)) == "OK");
    CHECK(queue.aside() == 2);
    const Reply dead = queue.ask("dead_list", {"0", "1"});
    CHECK(dead.items.at(0).integer == 1);
    CHECK(dead.items.at(2).integer == 2);
    CHECK(dead.items.at(5).text == "a");
    CHECK(queue.settle("kill", 3, static_cast<uint32_t>(reply.items[5].integer)) == "DEADFULL");
    CHECK(queue.aside() == 2);
    CHECK(queue.peek("") == "2b 3c 8h ");
    CHECK(queue.peek("3") == "3c 8h ");
    CHECK(queue.peek("4") == "8h ");
    CHECK(queue.peek("8") == "8h ");
    CHECK(queue.peek("9") == "");
}

TEST_CASE("aside: sweeps end leases there, and bury")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    on_server::Shape shape = small_shape();
    shape.max_attempts = 2;
    Sound queue(variant, shape);
    CAPTURE(variant);
    hold_three(queue);
    queue.at_ms += 40000;
    const Reply first = queue.ask("reclaim", {"0"});
    CHECK(first.items.at(1).is_integer(3));
    CHECK(queue.stat("ready") == 3);
    CHECK(queue.stat("oldest_ms") == static_cast<int64_t>(now_ms / 100 * 100));
    CHECK(queue.lease(3, "0", 1000) != 0);
    queue.at_ms += 2000;
    const Reply second = queue.ask("reclaim", {"0"}); /* there is room for one dead */
    CHECK(second.items.at(2).is_integer(1));
    CHECK(queue.aside() == 2);
    CHECK(queue.state(2) == "WAITING 2 0");
    queue.ask("dead_purge", {});
    queue.at_ms += 70000;
    CHECK(queue.ask("reserve", {"0", "1", "1000"}).items.empty());
    CHECK(queue.aside() == 1);
    CHECK(queue.ask("purge", {}).is_status("OK"));
    CHECK(queue.aside() == 0);
}

TEST_CASE("aside: a message that one group holds, and another has finished")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    Sound queue(variant, small_shape(2));
    CAPTURE(variant);
    queue.ask("push", {"a", "b", "c", "d"});
    const uint32_t token = queue.lease(4);
    CHECK(queue.lease(4, "1") == token);
    for (const uint64_t id : {1u, 2u, 3u, 4u}) {
        CHECK(queue.settle("ack", id, token, "1") == "OK");
    }
    CHECK(queue.ask("push", {"e"}).is_integer(5));
    CHECK(queue.aside() == 1);
    CHECK(queue.state(1, "1") == "FINISHED 0 0");
    CHECK(queue.settle("ack", 1, token, "1") == "GONE");
    CHECK(queue.ask("remove", {"1", "1"}).is_status("GONE"));
    CHECK(queue.ask("remove", {"1", "all"}).is_status("LEASED"));
    CHECK(queue.settle("release", 1, token) == "OK");
    CHECK(queue.ask("remove", {"1", "all"}).is_status("OK"));
    CHECK(queue.aside() == 0);
    CHECK(queue.stat("leased") == 3);
}

TEST_CASE("aside: redrive makes room as push does")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    Sound queue(variant, small_shape());
    CAPTURE(variant);
    queue.ask("push", {"a", "b", "c", "d"});
    const uint32_t token = queue.lease(4);
    CHECK(queue.settle("kill", 2, token) == "OK");
    CHECK(queue.settle("ack", 3, token) == "OK");
    const Reply reply = queue.ask("redrive", {"1"});
    CHECK(reply.items.at(0).is_status("OK"));
    CHECK(reply.items.at(2).is_integer(5));
    CHECK(queue.aside() == 1);
    CHECK(queue.peek("1") == "1a 4d 5b ");
}

/* The bytes are copied inside of the server, and the push that made the room writes over them. */
TEST_CASE("aside: large slots keep their bytes")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    on_server::Shape shape = small_shape();
    shape.payload_bytes = 30000;
    Sound queue(variant, shape);
    CAPTURE(variant);
    for (const char letter : {'a', 'b', 'c', 'd'}) {
        queue.ask("push", {std::string(30000, letter)});
    }
    const uint32_t token = queue.lease(4);
    CHECK(queue.settle("ack", 4, token) == "OK");
    CHECK(queue
              .ask("push", {std::string(30000, 'e'), std::string(29999, 'f'), std::string(9, 'g'),
                            std::string(30000, 'h')})
              .is_integer(5));
    CHECK(queue.aside() == 3);
    const Reply reply = queue.ask("peek", {"0", "1", "10"});
    REQUIRE(reply.items.size() == 28);
    for (size_t i = 0; i < 7; i++) {
        const size_t size = i == 4 ? 29999 : i == 5 ? 9 : 30000;
        CHECK(reply.items[4 * i + 3].text == std::string(size, "abcefgh"[i]));
    }
    queue.settle("nack", 2, token);
    const Reply again = queue.ask("reserve_packed", {"0", "1", "1000"});
    REQUIRE(again.items.size() == 2);
    CHECK(again.items[1].text.substr(6) == std::string(30000, 'b'));
}

TEST_CASE("aside: a caller that waits for room is woken when a message may step aside")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    const std::string verb =
        GENERATE(as<std::string>(), "reserve", "reserve_packed", "settle", "settle_packed");
    const uint32_t aside_slots = GENERATE(0u, 3u);
    on_server::Shape shape = small_shape();
    shape.aside_slots = aside_slots;
    Sound queue(variant, shape);
    CAPTURE(variant, verb, aside_slots);
    const bool reserves = verb.substr(0, 7) == "reserve";
    queue.ask("push", {"a", "b", "c", "d"});
    const uint32_t token = queue.lease(reserves ? 2 : 3);
    const Reply full = queue.ask("push_packed", {"1", queue.slot("e"), "1"});
    CHECK(full.word() == "SLOTQFULL");
    CHECK(queue.field(support::field::shared_wake) == 2);
    if (reserves) {
        CHECK(queue.ask(verb, {"0", "1", "30000"}).items.size() > 1);
        CHECK(queue.field(support::field::shared_wake) == 2); /* one more is not delivered */
        CHECK(queue.ask(verb, {"0", "1", "30000"}).items.size() > 1);
    } else if (verb == "settle") {
        CHECK(queue.settle("ack", 2, token) == "OK");
    } else {
        queue.ask(verb, {"ack", "0", "0", "0",
                         on_server::number(2, 6) + on_server::number(token, 4) +
                             on_server::number(1, 2)});
    }
    CHECK(queue.field(support::field::shared_wake) == (aside_slots > 0 ? 8 : 2));
    CHECK((queue.ask("push", {"e"}).word() == "SLOTQFULL") == (aside_slots == 0));
}

TEST_CASE("aside: what a full dead section refuses steps aside, and FULL names the section")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    on_server::Shape shape = small_shape();
    shape.max_attempts = 1;
    shape.aside_slots = 1;
    Sound queue(variant, shape);
    CAPTURE(variant);
    queue.ask("push", {"a"});
    CHECK(queue.settle("kill", 1, queue.lease(1)) == "OK"); /* the dead section is full */
    const auto hold = [&](uint64_t first) {
        queue.ask("push", {"b", "c", "d", "e"});
        const uint32_t token = queue.lease(4, "0", 1000);
        for (uint64_t id = first + 1; id < first + 4; id++) {
            CHECK(queue.settle("ack", id, token) == "OK");
        }
        CHECK(queue.settle("kill", first, token) == "DEADFULL");
        queue.at_ms += 1000;
        const Reply swept = queue.ask("reclaim", {"0"});
        CHECK(swept.items.at(2).is_integer(0));
        CHECK(queue.state(first) == "WAITING 1 0");
    };
    hold(2);
    CHECK(queue.ask("push", {"f"}).is_integer(6));
    CHECK(queue.aside() == 1);
    CHECK(queue.ask("remove", {"6", "all"}).is_status("OK"));
    hold(7);
    const Reply full = queue.ask("push", {"g"});
    CHECK(full.text.find("SLOTQFULL 7 4 2 0 2 1: ") == 0);
    CHECK(queue.stat("holder_dead_full") == 1);
    CHECK(queue.ask("dead_purge", {}).is_integer(1));
    CHECK(queue.stat("holder_dead_full") == 0);
    queue.at_ms += 60000;
    CHECK(queue.ask("reclaim", {"0"}).items.at(2).is_integer(1)); /* one of them dies */
    CHECK(queue.aside() == 0);
    CHECK(queue.ask("push", {"g"}).is_integer(11));
}

TEST_CASE("aside: create refuses what cannot be")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    Queue queue(redis::shared_server(), variant);
    const auto created = [&](uint32_t slots, uint32_t flags, const char *aside) {
        queue.command({"DEL", queue.key()});
        return queue.run("create", {std::to_string(slots), "1", "0", "0", "1",
                                    std::to_string(flags), "0", "1", aside, "0", "0", "1"});
    };
    CAPTURE(variant);
    CHECK(created(9, 0, "255").is_status("OK"));
    CHECK(on_server::check(queue.bytes()) == "");
    CHECK(created(65280, 0, "255").is_status("OK"));
    for (const Reply &reply : {created(9, 0, "256"), created(9, 1, "1"), created(65281, 0, "255"),
                               created(9, 0, "-1"), created(9, 0, "x")}) {
        CHECK(reply.word() == "SLOTQINVALID");
        CHECK(reply.text.find("aside_slots") != std::string::npos);
    }
    CHECK(queue.command({"EXISTS", queue.key()}).is_integer(0));
}
