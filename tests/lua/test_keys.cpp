/* test_keys.cpp: keys as a client of the scripts sees them: what is taken, where a key is, and what
 * damage of a chain does. Parity plays the rules; here each stands alone.
 */
#include "../support/catch.hpp"
#include "../support/image/image.hpp"
#include "on_server.hpp"

namespace
{

using on_server::keyed;
using on_server::number;
using on_server::Shape;
using redis::Arguments;
using redis::Reply;

struct Keys : on_server::SoundQueue {
    explicit Keys(const std::string &variant = "redis7", const Shape &shape = Shape())
        : SoundQueue(redis::shared_server(), variant, shape)
    {
    }
    Reply push(const std::string &mode, const std::string &name)
    {
        return ask("push_keyed", {mode, keyed(name), name});
    }
    std::string found(const std::string &name)
    {
        return ask("find", {keyed(name)}).told();
    }
    void finish(uint32_t count)
    {
        const Reply got = ask("reserve", {"0", std::to_string(count), "1000"});
        for (size_t i = 0; i + 3 < got.items.size(); i += 4) {
            ask("settle", {"ack", "0", "0", "0", std::to_string(got.items[i].integer),
                           std::to_string(got.items[i + 1].integer)});
        }
    }
};

} // namespace

TEST_CASE("keys: a key is taken while its message is unfinished, or while its slot stands")
{
    Keys queue(GENERATE(as<std::string>(), "plain", "redis7"));
    CHECK(queue.push("unique", "a").is_integer(1));
    CHECK(queue.found("a") == "[+OK :0 :1 :1 ]");
    CHECK(queue.found("b") == "[+NOTFOUND :0 :0 :0 ]");
    for (const char *mode : {"unique", "once", "resend"}) {
        CHECK(queue.push(mode, "a").told() == "[+DUPLICATE :0 :0 :1 :1 ]");
    }
    queue.finish(1);
    CHECK(queue.found("a") == "[+OK :0 :1 :0 ]");
    CHECK(queue.push("once", "a").told() == "[+DUPLICATE :0 :0 :1 :0 ]");
    CHECK(queue.push("resend", "a").told() == "[+DUPLICATE :0 :0 :1 :0 ]");
    CHECK(queue.push("unique", "a").is_integer(2));
    CHECK(queue.found("a") == "[+OK :0 :2 :1 ]");
    queue.finish(1);
    for (uint64_t id = 3; id < 2 + 9; id++) { /* its slot is the next then */
        CHECK(queue.push("once", "a").told() == "[+DUPLICATE :0 :0 :2 :0 ]");
        CHECK(queue.ask("push", {"x"}).is_integer(static_cast<int64_t>(id)));
        queue.finish(1);
    }
    CHECK(queue.push("once", "a").told() == "[+DUPLICATE :0 :0 :2 :0 ]");
    queue.ask("push", {"x"});
    CHECK(queue.found("a") == "[+NOTFOUND :0 :0 :0 ]");
    CHECK(queue.push("once", "a").is_integer(12));
}

TEST_CASE("keys: all or none, and the message that is refused is named")
{
    Keys queue;
    queue.push("unique", "a");
    const Arguments three = {"unique", keyed("b"), "b", "", "x", keyed("a"), "a"};
    CHECK(queue.ask("push_keyed", three).told() == "[+DUPLICATE :2 :0 :1 :1 ]");
    CHECK(queue.found("b") == "[+NOTFOUND :0 :0 :0 ]");
    CHECK(queue.ask("push_keyed", {"resend", keyed("b"), "b", keyed("a"), "a"}).is_integer(2));
    CHECK(queue.found("a") == "[+OK :0 :3 :1 ]"); /* it is the newer message's now */
    CHECK(queue.ask("push_keyed", {"resend", keyed("b"), "b", keyed("a"), "a"}).told() ==
          "[+DUPLICATE :0 :0 :2 :1 ]");
}

TEST_CASE("keys: a scheduled message keeps its key when it is due")
{
    Keys queue;
    const std::string due = std::to_string(queue.at_ms + 5000);
    CHECK(queue.ask("schedule_keyed", {due, "", "once", keyed("l"), "l"}).is_integer(1));
    CHECK(queue.found("l") == "[+OK :2 :1 :1 ]");
    CHECK(queue.push("unique", "l").told() == "[+DUPLICATE :0 :2 :1 :1 ]");
    CHECK(queue.ask("schedule_packed", {due, "1", queue.slot("l"), "", "unique", keyed("l")})
              .told() == "[+DUPLICATE :0 :2 :1 :1 ]");
    queue.ask("schedule_keyed", {due, "", "once", keyed("c"), "c"});
    CHECK(queue.ask("cancel", {"2"}).is_status("OK"));
    CHECK(queue.found("c") == "[+NOTFOUND :0 :0 :0 ]");
    queue.at_ms += 5000;
    CHECK(queue.push("once", "l").told() == "[+DUPLICATE :0 :0 :1 :1 ]"); /* promoted before */
    CHECK(queue.found("l") == "[+OK :0 :1 :1 ]");
    CHECK(queue.ask("schedule_keyed", {"0", "1", "unique", keyed("l"), "l"}).is_status("EMPTY"));
}

TEST_CASE("keys: a push that is refused keeps what it promoted, round a small ring")
{
    Shape shape;
    shape.ring_slots = 4;
    shape.later_slots = 12;
    shape.flags = 5; /* overwrite, keys */
    Keys queue(GENERATE(as<std::string>(), "plain", "redis7"), shape);
    queue.push("once", "x"); /* so that the ring's end is amid the first few */
    const std::string due = std::to_string(queue.at_ms + 1000);
    for (const char *name : {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}) {
        queue.ask("schedule_keyed", {due, "", "once", keyed(name), name});
    }
    queue.at_ms += 1000;
    CHECK(queue.push("once", "j").told() == "[+DUPLICATE :0 :0 :11 :1 ]");
    const Reply got = queue.ask("reserve", {"0", "4", "1000"});
    REQUIRE(got.items.size() == 12);
    CHECK(got.items[3].text + got.items[7].text + got.items[11].text == "hij");
}

TEST_CASE("keys: a message that steps aside takes its key along")
{
    Shape shape;
    shape.ring_slots = 4;
    shape.aside_slots = 1;
    Keys queue("redis7", shape);
    queue.push("unique", "held");
    queue.push("unique", "b");
    queue.push("unique", "c");
    const Reply held = queue.ask("reserve", {"0", "1", "60000"});
    queue.finish(2);
    CHECK(queue.push("unique", "d").is_integer(4));
    CHECK(queue.push("unique", "e").is_integer(5));
    CHECK(queue.found("held") == "[+OK :1 :1 :1 ]");
    CHECK(queue.push("unique", "held").told() == "[+DUPLICATE :0 :1 :1 :1 ]");
    CHECK(queue.ask("settle", {"ack", "0", "0", "0", "1", std::to_string(held.items[1].integer)})
              .items.size() == 1);
    CHECK(queue.found("held") == "[+OK :1 :1 :0 ]");
    queue.finish(2);
    CHECK(queue.push("once", "held").told() == "[+DUPLICATE :0 :1 :1 :0 ]");
    CHECK(queue.push("unique", "held").is_integer(6));
    CHECK(queue.found("held") == "[+OK :0 :6 :1 ]");
}

TEST_CASE("keys: a chain has no room for the 256th")
{
    Shape shape;
    shape.ring_slots = 400;
    shape.later_slots = 0;
    Keys queue("redis7", shape);
    std::string slots, keys;
    for (uint32_t i = 0; i < 255; i++) {
        slots += queue.slot("x");
        keys += number(1, 4) + number(i, 4); /* one bucket */
    }
    const std::string last = number(1, 4) + number(255, 4);
    CHECK(queue.run("push_keyed_packed", {"256", slots + queue.slot("x"), "once", keys + last})
              .text.substr(0, 22) == "SLOTQFULL 0 0 0 0 0 0:");
    CHECK(queue.run("push_keyed_packed", {"255", slots, "once", keys}).is_integer(1));
    const Reply full = queue.ask("push_keyed", {"once", last, "x"});
    CHECK(full.text.substr(0, 22) == "SLOTQFULL 0 0 0 0 0 0:");
    CHECK(queue.ask("push_keyed", {"once", number(2, 8), "x"}).is_integer(256));
    CHECK(queue.ask("push_keyed", {"once", number(1, 4) + number(7, 4), "x"}).told() ==
          "[+DUPLICATE :0 :0 :8 :1 ]");
}

/* Each byte of each chain is changed: a script refuses, or does not notice. It never fails, and
 * what it refuses it has not changed. */
TEST_CASE("keys: damage of a chain is refused, and never an error of Lua")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    Shape shape;
    shape.ring_slots = 5;
    shape.later_slots = 2;
    shape.aside_slots = 2;
    Keys queue(variant, shape);
    for (const char *name : {"a", "b", "c", "d"}) {
        queue.push("unique", name);
    }
    queue.ask("reserve", {"0", "1", "60000"});
    queue.finish(3);
    queue.push("unique", "e");
    queue.push("unique", "f"); /* a is aside */
    queue.schedule("l", on_server::now_ms + 100);
    queue.schedule("m", on_server::now_ms + 200);
    const std::string sound = queue.bytes();
    REQUIRE(queue.found("a") == "[+OK :1 :1 :1 ]");
    const support::Bytes raw(reinterpret_cast<const uint8_t *>(sound.data()), sound.size());
    const slotq_view view = support::Image(raw).view();
    std::vector<size_t> places;
    const auto add = [&](size_t from, size_t count) {
        for (size_t i = 0; i < count; i++) {
            places.push_back(from + i);
        }
    };
    add(view.keys_offset, 5 * 10 + 2 * 9);
    add(view.later_keys_offset, 2 * 14);
    add(view.aside_keys_offset, 2 * 16);
    const std::string later = std::to_string(on_server::now_ms + 1000);
    const std::vector<std::pair<std::string, Arguments>> calls = {
        {"push_keyed", {later, "unique", keyed("g"), "g", keyed("h"), "h"}},
        {"push_keyed", {later, "once", keyed("g"), "g"}},
        {"push_keyed", {std::to_string(on_server::now_ms), "unique", keyed("c"), "c"}},
        {"push", {later, "x"}},
        {"reserve", {later, "0", "4", "1000"}},
        {"schedule_keyed", {"", later, "", "unique", keyed("g"), "g"}},
        {"cancel", {"", "1"}},
        {"find", {"", keyed("a")}},
        {"find", {"", keyed("m")}},
    };
    uint32_t refused = 0;
    for (const size_t place : places) {
        for (const int change : {1, 0x10, 0x80, 0xFF}) {
            std::string bytes = sound;
            bytes[place] = static_cast<char>(bytes[place] ^ change);
            for (const auto &call : calls) {
                queue.set(bytes);
                const Reply reply = queue.run_raw(call.first, call.second);
                CAPTURE(variant, place, change, call.first, reply.told());
                if (reply.word() == "SLOTQCORRUPT") {
                    REQUIRE(queue.bytes() == bytes);
                    refused++;
                } else {
                    REQUIRE((!reply.is_error() || reply.word() == "SLOTQFULL"));
                }
            }
        }
    }
    CHECK(refused > 300);
}
