/* test_later.cpp: scheduled messages, told to the scripts on a server in both variants: when each
 * becomes a message of the ring, and what cancel, kick and the lists make of it. The image is
 * checked after each.
 */
#include <map>

#include "../support/catch.hpp"
#include "../support/image/fields.hpp"
#include "../support/model/game.hpp"
#include "on_server.hpp"

namespace
{

using on_server::now_ms;
using on_server::Queue;
using redis::Arguments;
using redis::Reply;

namespace field = support::field;

on_server::Shape shape_of(uint32_t later_slots, uint32_t ring_slots = 9)
{
    on_server::Shape shape;
    shape.ring_slots = ring_slots;
    shape.later_slots = later_slots;
    shape.flags = 16;
    return shape;
}

/* Verbs of scheduled messages in one line each. */
class Later : public on_server::SoundQueue
{
public:
    explicit Later(const on_server::Shape &shape, const std::string &variant = "redis7")
        : SoundQueue(redis::shared_server(), variant, shape)
    {
    }
    /* Payloads due after so many milliseconds. */
    Reply in(int64_t ms, const Arguments &payloads, const std::string &not_past = "")
    {
        Arguments arguments = {std::to_string(static_cast<int64_t>(at_ms) + ms), not_past};
        arguments.insert(arguments.end(), payloads.begin(), payloads.end());
        return ask("schedule", arguments);
    }
    /* What a reserve returns: payloads, or what else it says. */
    std::string take(uint32_t limit = 20)
    {
        const Reply reply = ask("reserve", {"0", std::to_string(limit), "1000", "1"});
        std::string told;
        for (size_t i = 3; i < reply.items.size(); i += 4) {
            told += reply.items[i].text;
        }
        return reply.items.empty() ? reply.told() : told;
    }
    /* "id payload +ms" of each, in the order of time. */
    std::string listed()
    {
        const Reply reply = ask("later_list", {"0", "4096"});
        std::map<std::pair<int64_t, int64_t>, std::string> sorted;
        for (size_t i = 0; i + 2 < reply.items.size(); i += 3) {
            const int64_t after = reply.items[i + 1].integer - static_cast<int64_t>(now_ms);
            sorted[{after, reply.items[i].integer}] = reply.items[i + 2].text;
        }
        std::string told;
        for (const auto &one : sorted) {
            told += std::to_string(one.first.second) + one.second + "+" +
                    std::to_string(one.first.first) + " ";
        }
        return told;
    }
    uint64_t get(const support::Field &of)
    {
        return on_server::value_of(bytes(), of.offset, of.bytes);
    }
    void poke(size_t offset, uint32_t count, uint64_t value)
    {
        set(bytes().replace(offset, count, on_server::number(value, count)));
    }
};

std::string due_reply(int64_t after)
{
    return ":" + std::to_string(static_cast<int64_t>(now_ms) + after);
}

} // namespace

TEST_CASE("later: none is early, and they come in the order of time and id")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    Later queue(shape_of(20), variant);
    CHECK(queue.take() == ":-1");
    CHECK(queue.in(3000, {"c", "d"}).is_integer(1));
    CHECK(queue.in(1000, {"a"}).is_integer(3));
    CHECK(queue.in(3000, {"e"}).is_integer(4));
    CHECK(queue.in(2000, {"b"}).is_integer(5));
    CHECK(queue.listed() == "3a+1000 5b+2000 1c+3000 2d+3000 4e+3000 ");
    CHECK(queue.take() == due_reply(1000));
    CHECK(queue.ask("push", {"x"}).is_integer(1));
    queue.at_ms += 999;
    CHECK(queue.take() == "x");
    queue.at_ms += 1;
    CHECK(queue.take() == "a");
    CHECK(queue.take(1) == due_reply(2000)); /* the leases end at the same time */
    queue.at_ms += 2000;
    CHECK(queue.ask("push", {"y"}).is_integer(7)); /* those that are due go first */
    CHECK(queue.get(field::shared_later_count) == 0);
    CHECK(queue.take().substr(2) == "bcdey");
}

TEST_CASE("later: a push or reserve promotes at most 16")
{
    Later queue(shape_of(40, 100));
    CHECK(queue.in(1, Arguments(40, "m")).is_integer(1));
    CHECK(queue.listed().substr(0, 5) == "1m+1 ");
    queue.at_ms++;
    CHECK(queue.take(1) == "m");
    CHECK(queue.get(field::shared_later_count) == 24);
    CHECK(queue.ask("push", {"p"}).is_integer(33));
    CHECK(queue.get(field::shared_later_count) == 8);
    CHECK(queue.take(40) == std::string(31, 'm') + "p" + std::string(8, 'm'));
}

TEST_CASE("later: what a pause, a full ring and the last id leave due")
{
    Later queue(shape_of(9, 4));
    queue.in(10, {"a", "b", "c", "d", "e"});
    queue.ask("pause", {"1"});
    queue.at_ms += 10;
    CHECK(queue.take() == ":-1"); /* a resume wakes, so no time is named */
    CHECK(queue.get(field::shared_later_count) == 5);
    CHECK(queue.in(10, {"x"}).word() == "SLOTQPAUSED");
    queue.ask("resume", {"1"});
    const Reply first = queue.ask("reserve_packed", {"0", "1", "1000"});
    CHECK(queue.get(field::shared_later_count) == 2);
    CHECK(queue.ask("push", {"x"}).word() == "SLOTQFULL");
    CHECK(queue.get(field::shared_later_count) == 2);
    queue.ask("settle_packed", {"ack", "0", "0", "0", first.items.at(0).text});
    CHECK(queue.ask("push", {"x"}).word() == "SLOTQFULL"); /* the room was promised to d */
    CHECK(queue.get(field::shared_later_count) == 1);
    CHECK(queue.take() == "bcd");
    CHECK(queue.take() == due_reply(1100));
    queue.ask("purge", {});
    queue.poke(0, 4, 0xFFFFFFFF); /* last id 2^47 - 1 */
    queue.poke(46, 2, 65535);
    CHECK(queue.take() == ":-1");
    CHECK(queue.get(field::shared_later_count) == 1);
}

TEST_CASE("later: room is made for what is due")
{
    on_server::Shape shape = shape_of(40, 4);
    SECTION("by dropping the oldest, with overwrite")
    {
        shape.flags = 17;
        Later queue(shape);
        queue.in(1, {"a", "b", "c", "d", "e"});
        queue.at_ms++;
        CHECK(queue.take() == "cde");
        CHECK(queue.get(field::shared_dropped) == 2);
        queue.in(1, Arguments(20, "m"));
        queue.at_ms++;
        CHECK(queue.ask("push", {"x", "y", "z"}).is_integer(22));
        CHECK(queue.get(field::shared_dropped) == 2 + 3 + 16); /* leased ones, 16 m */
        CHECK(queue.take() == "mmm"); /* the last four m came after x, y, z */
    }
    SECTION("by a message that steps aside")
    {
        shape.aside_slots = 2;
        Later queue(shape);
        queue.ask("push", {"a", "b", "c"});
        const Reply held = queue.ask("reserve_packed", {"0", "3", "1000"});
        const std::string token = held.items.at(0).text.substr(6, 4);
        queue.ask("settle_packed", {"ack", "0", "0", "0",
                                    on_server::number(2, 6) + token + on_server::number(2, 2)});
        queue.in(1, {"d", "e", "f", "g"});
        queue.at_ms++;
        CHECK(queue.take() == "def");
        CHECK(queue.get(field::shared_aside_count) == 1);
    }
}

TEST_CASE("later: refusals of schedule, in their order")
{
    Later queue(shape_of(3));
    const std::string before = queue.bytes();
    const std::string past = std::to_string(now_ms - 1);
    const std::string beyond = "140737488355328"; /* 2^47 */
    CHECK(queue.ask("schedule", {beyond, "", "x"}).word() == "SLOTQINVALID");
    CHECK(queue.ask("schedule", {"281474976710656", "", "x"}).word() == "SLOTQINVALID");
    CHECK(queue.ask("schedule_packed", {beyond, "1", queue.slot("x")}).word() == "SLOTQINVALID");
    CHECK(queue.in(1, {std::string(17, 'x')}).word() == "SLOTQTOOBIG");
    CHECK(queue.in(1, {"1", "2", "3", "4"}).word() == "SLOTQTOOBIG");
    CHECK(queue.in(-1, {"x"}, "2").word() == "SLOTQINVALID");
    CHECK(queue.ask("schedule_packed", {past, "0", ""}).word() == "SLOTQINVALID");
    CHECK(queue.ask("schedule_packed", {past, "4097", ""}).word() == "SLOTQINVALID");
    CHECK(queue.ask("schedule_packed", {past, "2", queue.slot("x")}).word() == "SLOTQINVALID");
    CHECK(queue.in(-1, {"x"}, "1").is_status("EMPTY"));
    CHECK(queue.in(0, {"x"}, "1").is_status("EMPTY"));
    CHECK(queue.bytes() == before);
    CHECK(queue.in(1, {"x"}, "1").is_integer(1));
    CHECK(queue.in(-1, {"y"}).is_integer(2)); /* without not_past that is allowed */
    const std::string two = queue.bytes();
    const Reply full = queue.in(5, {"1", "2"});
    CHECK(full.text.substr(0, 23) == "SLOTQFULL 0 0 0 0 0 0: ");
    CHECK(queue.in(-1, {"1", "2"}, "1").is_status("EMPTY"));
    queue.ask("pause", {"1"});
    CHECK(queue.in(-1, {"1", "2"}, "1").word() == "SLOTQPAUSED");
    queue.ask("resume", {"1"});
    CHECK(queue.bytes() == two);
    Later none(shape_of(0));
    CHECK(none.in(1, {"x"}).word() == "SLOTQTOOBIG");
    CHECK(none.ask("cancel", {"1"}).is_status("NOTFOUND"));
    CHECK(none.ask("kick", {"1", "later"}).is_status("NOTFOUND"));
    CHECK(none.ask("later_list", {"0", "1"}).items.empty());
    CHECK(none.take() == ":-1");
}

TEST_CASE("later: slots come whole or cut, in a queue with checks too")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    on_server::Shape shape = shape_of(9);
    shape.flags = 18;
    shape.payload_bytes = 60;
    Later queue(shape, variant);
    const std::string due = std::to_string(now_ms + 5);
    const auto cut = [&](const std::string &text) {
        return queue.slot(text).substr(0, 10 + text.size());
    };
    CHECK(queue.in(5, {"x"}).word() == "SLOTQINVALID"); /* the script computes no check */
    const std::string three = cut("one") + cut("") + cut(std::string(60, 'l'));
    CHECK(queue.ask("schedule_packed", {due, "3", three}).is_integer(1));
    CHECK(queue.ask("schedule_packed", {due, "2", three}).word() == "SLOTQINVALID");
    CHECK(queue.ask("schedule_packed", {due, "1", queue.slot("w"), "1"}).is_integer(4));
    const std::string listed = queue.ask("later_list_packed", {"1", "2"}).text;
    CHECK(listed.size() == 2 * (12 + queue.shape().stride()));
    CHECK(on_server::value_of(listed, 0, 6) == now_ms + 5);
    CHECK(on_server::value_of(listed, 6, 4) == 2);
    CHECK(listed.substr(12, 10) == cut(""));
    queue.at_ms += 1000;
    const Reply taken = queue.ask("reserve_packed", {"0", "4", "1000"});
    const std::string stamp = on_server::number((now_ms + 1000) / 100, 4);
    CHECK(taken.items.at(1).text.substr(0, 6) == on_server::number(3, 2) + stamp);
    CHECK(taken.items.at(1).text.substr(6, 7) == cut("one").substr(6));
}

TEST_CASE("later: large slots are promoted, returned and buried as they will be")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    const uint32_t payload_bytes = GENERATE(16u, 1500u, 9000u);
    on_server::Shape shape = shape_of(9, 4);
    shape.payload_bytes = payload_bytes;
    Later queue(shape, variant);
    const auto text = [&](char letter) { return std::string(payload_bytes - 1, letter); };
    queue.ask("push", {"1", "2"}); /* so that the ring wraps */
    queue.ask("purge", {});
    queue.in(1, {text('a'), text('b'), text('c')});
    const std::string image = queue.bytes();
    const size_t slot = 136 + 4 * 4 + 4 * shape.stride() + 9 * 12 + 1 * shape.stride();
    queue.poke(slot, 2, payload_bytes + 1); /* b is damaged: a reserve kills it */
    queue.at_ms += 500;
    const Reply taken = queue.run_at(queue.at_ms, "reserve", {"0", "3", "1000"});
    CHECK(taken.items.size() == 8);
    CHECK(taken.items.at(3).text == text('a'));
    CHECK(taken.items.at(7).text == text('c'));
    const std::string dead = queue.ask("dead_list_packed", {"0", "1"}).text;
    CHECK(dead.substr(16, 6) ==
          on_server::number(payload_bytes + 1, 2) + on_server::number((now_ms + 500) / 100, 4));
    CHECK(dead.substr(22, payload_bytes - 1) == text('b'));
    CHECK(queue.get(field::shared_later_count) == 0);
}

TEST_CASE("later: cancel takes one out, once")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    Later queue(shape_of(20), variant);
    queue.in(50, {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"});
    CHECK(queue.ask("cancel", {"0"}).word() == "SLOTQINVALID");
    CHECK(queue.ask("cancel", {"12"}).is_status("NOTFOUND"));
    for (const char *id : {"1", "6", "11"}) {
        CHECK(queue.ask("cancel", {id}).is_status("OK"));
        const std::string before = queue.bytes();
        CHECK(queue.ask("cancel", {id}).is_status("NOTFOUND"));
        CHECK(queue.bytes() == before);
    }
    CHECK(queue.get(field::shared_later_due_ms) == now_ms + 50);
    queue.at_ms += 50;
    CHECK(queue.take() == "bcdeghij");
    CHECK(queue.ask("cancel", {"2"}).is_status("NOTFOUND")); /* promoted */
    CHECK(queue.get(field::shared_later_due_ms) == 0xFFFFFFFFFFFF);
}

TEST_CASE("later: kick makes a scheduled message due, in its order")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    Later queue(shape_of(20), variant);
    queue.in(50, {"a", "b", "c"});
    queue.in(-1, {"z"});
    CHECK(queue.ask("kick", {"0", "later"}).word() == "SLOTQINVALID");
    CHECK(queue.ask("kick", {"5", "later"}).is_status("NOTFOUND"));
    const std::string before = queue.bytes();
    CHECK(queue.ask("kick", {"4", "later"}).is_status("OK")); /* due already */
    CHECK(queue.bytes() == before);
    CHECK(queue.ask("kick", {"3", "later"}).is_status("OK"));
    CHECK(queue.listed() == "4z+-1 3c+0 1a+50 2b+50 ");
    CHECK(queue.take() == "zc");
}

TEST_CASE("later: kick ends the delay of a message, in the ring and aside")
{
    on_server::Shape shape = shape_of(3);
    shape.max_attempts = 2;
    shape.ring_slots = 5;
    shape.aside_slots = 2;
    Later queue(shape);
    const auto settle = [&](const char *verb, const char *ms, uint64_t id, uint64_t token) {
        return queue.ask("settle", {verb, "0", ms, "0", std::to_string(id), std::to_string(token)})
            .items.at(0)
            .text;
    };
    const auto kick = [&](const char *id) { return queue.ask("kick", {id, "0"}).text; };
    queue.ask("push", {"a", "b", "c", "d"});
    const Reply taken = queue.ask("reserve_packed", {"0", "3", "1000"});
    const uint64_t token = on_server::value_of(taken.items.at(0).text, 6, 4);
    CHECK(kick("0") == "NOTFOUND");
    CHECK(kick("5") == "NOTFOUND");
    CHECK(queue.ask("kick", {"1", "1"}).word() == "SLOTQINVALID");
    CHECK(kick("1") == "LEASED");
    const std::string before = queue.bytes();
    CHECK(kick("4") == "OK"); /* it never waited */
    CHECK(queue.bytes() == before);
    CHECK(settle("ack", "0", 1, token) == "OK");
    CHECK(kick("1") == "GONE");
    CHECK(settle("nack", "800", 2, token) == "OK");
    CHECK(settle("nack", "900", 3, token) == "OK");
    CHECK(kick("3") == "OK");
    CHECK(kick("3") == "OK");
    CHECK(queue.get(field::shared_later_count) == 0);
    CHECK(queue.take(1) == "c");
    CHECK(queue.take(1) == "d");
    queue.ask("push", {"e", "f"});
    queue.take(2);
    CHECK(queue.ask("remove", {"3", "0"}).is_status("LEASED"));
    queue.ask("push", {"g"}); /* 2 steps aside if the rule lets it */
    CHECK(kick("2") == "OK");
    CHECK(queue.take(1) == "b");
}

TEST_CASE("later: ids of a block that is used up follow in a free one")
{
    Later queue(shape_of(9));
    queue.in(9, {"a"});
    queue.poke(56, 4, 65534);
    CHECK(queue.in(9, {"b"}).is_integer(65535));
    CHECK(queue.in(9, {"c", "d"}).is_integer(65536));
    queue.poke(56, 4, 0xFFFFFFFF);
    CHECK(queue.in(9, {"e"}).is_integer(131072)); /* blocks 0 and 1 are taken */
    queue.poke(56, 4, 0xFFFFFFFF);
    for (const char *id : {"1", "65535"}) {
        CHECK(queue.ask("cancel", {id}).is_status("OK"));
    }
    CHECK(queue.in(9, {"f", "g"}).is_integer(1));
    CHECK(queue.get(field::shared_later_last_id) == 2);
}

TEST_CASE("later: a damaged heap is CORRUPT, and nothing changes")
{
    Later queue(shape_of(9));
    queue.in(5, {"a", "b", "c"});
    const std::string sound = queue.bytes();
    const size_t heap = 136 + 9 * 4 + 9 * queue.shape().stride();
    const struct {
        size_t offset;
        uint32_t bytes;
        uint64_t value;
    } changes[] = {
        {48, 6, now_ms + 4}, /* later_due_ms is not the root's */
        {54, 2, 0},
        {54, 2, 10},  /* later_count */
        {heap, 6, 1}, /* the root's */
        {heap, 6, 0x800000000000},
        {heap + 6, 4, 0},
    };
    for (const auto &change : changes) {
        queue.set(sound);
        queue.poke(change.offset, change.bytes, change.value);
        const std::string bytes = queue.bytes();
        CAPTURE(change.offset, change.value);
        queue.at_ms = now_ms + 10;
        const std::vector<std::pair<std::string, Arguments>> calls = {
            {"push", {"x"}},
            {"reserve", {"0", "1", "1000"}},
            {"schedule", {"1", "", "x"}},
            {"schedule", {"1", "0", "x"}}, /* without the general path */
            {"schedule", {std::to_string(now_ms + 99), "0", "x"}},
            {"cancel", {"2"}},
            {"kick", {"2", "later"}},
            {"later_list", {"0", "9"}},
            {"later_list_packed", {"0", "9"}}};
        for (const auto &call : calls) {
            CAPTURE(call.first);
            CHECK(queue.run_at(queue.at_ms, call.first, call.second).word() == "SLOTQCORRUPT");
            CHECK(queue.bytes() == bytes);
        }
    }
    const auto corrupt = [&](size_t offset, uint32_t bytes, uint64_t value,
                             const std::string &script, const Arguments &arguments) {
        queue.set(sound);
        queue.poke(offset, bytes, value);
        const std::string before = queue.bytes();
        const Reply reply = queue.run_at(queue.at_ms, script, arguments);
        CAPTURE(script, reply.told());
        CHECK(reply.text.substr(0, 13) == "SLOTQCORRUPT ");
        CHECK(reply.text.find(" " + std::to_string(offset) + " ") != std::string::npos);
        CHECK(queue.bytes() == before);
    };
    corrupt(heap + 10, 2, 9, "reserve", {"0", "1", "1000"}); /* the root's slot number */
    corrupt(heap + 10, 2, 9, "push", {"x"});
    corrupt(heap + 24 + 10, 2, 0xFFFF, "later_list", {"0", "9"});
    corrupt(heap + 36 + 10, 2, 0xFFFF, "schedule", {"1", "", "x"}); /* the free one */
    corrupt(heap + 36 + 6, 4, 7, "schedule", {"1", "", "x"});
    corrupt(heap + 24 + 6, 4, 0, "reserve", {"0", "1", "1000"}); /* the last, which moves up */
    corrupt(heap + 24, 6, 0x800000000000, "reserve", {"0", "1", "1000"});
    corrupt(heap + 12 + 6, 4, 0, "cancel", {"1"});
    corrupt(heap + 12, 6, 0x800000000000, "later_list", {"1", "1"});
    corrupt(heap + 36 + 10, 2, 0xFFFF, "schedule", {"1", "0", "x"});
    corrupt(heap + 36 + 6, 4, 7, "schedule", {"1", "0", "x"});
    corrupt(4, 2, 9, "schedule", {"1", "0", "x"}); /* head */
    corrupt(6, 2, 9, "schedule", {"1", "0", "x"}); /* tail */
}

TEST_CASE("later: a root beyond all times is CORRUPT, also where an entry does not rise to it")
{
    Later queue(shape_of(40, 20));
    queue.in(5, Arguments(10, "m"));
    const size_t heap = 136 + 40 * 4 + 40 * queue.shape().stride();
    queue.poke(48, 6, 0xFFFFFFFFFFFF);
    queue.poke(heap, 6, 0xFFFFFFFFFFFF);
    const std::string bytes = queue.bytes();
    for (const char *not_past : {"", "0"}) {
        CHECK(queue.run_at(queue.at_ms, "schedule", {std::to_string(now_ms + 99), not_past, "x"})
                  .word() == "SLOTQCORRUPT");
        CHECK(queue.bytes() == bytes);
    }
}

/* Against a map that is ordered by time and id. */
TEST_CASE("later: many messages, against a plain model")
{
    const uint64_t seed = GENERATE(1u, 2u, 3u, 4u);
    support::RandomChoices choices(seed);
    on_server::Shape shape = shape_of(choices.one_in(2) ? 300 : 20, 40);
    shape.payload_bytes = 4;
    Later queue(shape, seed % 2 == 0 ? "plain" : "redis7");
    std::map<std::pair<uint64_t, uint64_t>, std::string> model;
    std::map<uint64_t, uint64_t> due_of;
    uint64_t last_later = 0;
    const auto any_id = [&] { return 1 + choices.below(last_later + 2); };
    for (uint32_t step = 0; step < 400; step++) {
        CAPTURE(seed, step);
        const uint64_t kind = choices.below(6);
        if (kind < 3) {
            const uint32_t most = static_cast<uint32_t>(shape.later_slots - model.size());
            Arguments payloads;
            for (uint64_t i = 0; i < 1 + choices.below(9) && i < most; i++) {
                payloads.push_back(std::to_string(choices.below(1000)));
            }
            const int64_t ms = static_cast<int64_t>(choices.below(30));
            if (!payloads.empty()) {
                REQUIRE(queue.in(ms, payloads).is_integer(static_cast<int64_t>(last_later + 1)));
            }
            for (const std::string &payload : payloads) {
                due_of[++last_later] = queue.at_ms + static_cast<uint64_t>(ms);
                model[{due_of[last_later], last_later}] = payload;
            }
        } else if (kind < 5) {
            const uint64_t id = any_id();
            const bool kicks = choices.one_in(2);
            const Reply reply = kicks ? queue.ask("kick", {std::to_string(id), "later"})
                                      : queue.ask("cancel", {std::to_string(id)});
            REQUIRE(reply.is_status(due_of.count(id) > 0 ? "OK" : "NOTFOUND"));
            if (due_of.count(id) > 0) {
                const auto found = model.find({due_of[id], id});
                const std::string payload = found->second;
                model.erase(found);
                if (kicks) {
                    due_of[id] = std::min(due_of[id], queue.at_ms);
                    model[{due_of[id], id}] = payload;
                } else {
                    due_of.erase(id);
                }
            }
        } else {
            queue.at_ms += choices.below(12);
            std::string wanted;
            for (uint32_t i = 0;
                 i < 16 && !model.empty() && model.begin()->first.first <= queue.at_ms; i++) {
                wanted += model.begin()->second;
                due_of.erase(model.begin()->first.second);
                model.erase(model.begin());
            }
            const std::string got = queue.take();
            REQUIRE((wanted.empty() ? got[0] == ':' : got == wanted));
            queue.ask("purge", {});
        }
        std::string listed;
        for (const auto &one : model) {
            listed += std::to_string(one.first.second) + one.second + "+" +
                      std::to_string(static_cast<int64_t>(one.first.first - now_ms)) + " ";
        }
        REQUIRE(queue.listed() == listed);
    }
}
