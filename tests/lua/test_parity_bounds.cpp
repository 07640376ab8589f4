/* test_parity_bounds.cpp: core and Lua where random plays seldom come: at the bounds of a call, of
 * a round and of a head's move, each a short story told to both.
 */
#include "../support/catch.hpp"
#include "on_server.hpp"
#include "parity_play.hpp"

namespace
{

namespace field = support::field;
using support::Image;

/* One queue in both places, asked the same. */
class Both
{
public:
    explicit Both(const slotq_geometry &shape)
        : image(shape), connection_(redis::shared_server().connect()),
          scripts_(*connection_, "redis7")
    {
        put();
    }
    void put() /* the server's bytes become the core's */
    {
        connection_->command(
            {"SET", key_,
             std::string(reinterpret_cast<const char *>(image.data()), image.bytes().size())});
    }
    /* "" or how they differ. */
    std::string ask(slotq_call &call, const std::string &script, redis::Arguments arguments)
    {
        arguments.insert(arguments.begin(), std::to_string(call.now_ms));
        outcome = image.run(call);
        reply = scripts_.run(script, key_, arguments);
        return parity::differ(image, connection_->command({"GET", key_}).text);
    }
    std::string push(uint32_t count)
    {
        const std::vector<slotq_data> data(count, slotq_data{"x", 1});
        slotq_call call = begin(SLOTQ_PUSH);
        call.push.messages = data.data();
        call.push.count = count;
        return ask(call, "push_packed",
                   {std::to_string(count),
                    parity::packed_slots(image.geometry(), data.data(), count, now_ms, '\0')});
    }
    std::string reserve(uint32_t limit, uint64_t lease_ms, uint32_t group = 0)
    {
        runs.assign(limit, slotq_run());
        slotq_call call = begin(SLOTQ_RESERVE);
        call.reserve.limit = limit;
        call.reserve.run_capacity = limit;
        call.reserve.lease_ms = lease_ms;
        call.reserve.runs = runs.data();
        call.reserve.group = static_cast<uint8_t>(group);
        const std::string fault =
            ask(call, "reserve_packed",
                {std::to_string(group), std::to_string(limit), std::to_string(lease_ms)});
        runs.resize(outcome == SLOTQ_OK ? call.reserve.run_count : 0);
        const redis::Reply expected = parity::expected_reserve(image, call, outcome, true);
        const bool same = expected.kind != reply.kind || reply.items.empty() ||
                          reply.items[0].text == expected.items.at(0).text;
        return same ? fault : "runs: " + reply.told().substr(0, 200);
    }
    std::string settle(slotq_verb verb, const char *name, const slotq_run &run, uint64_t ms = 0,
                       uint32_t reason = 0, uint32_t group = 0)
    {
        slotq_call call = begin(verb);
        call.settle.runs = &run;
        call.settle.run_count = 1;
        call.settle.ms = ms;
        call.settle.reason = static_cast<uint8_t>(reason);
        call.settle.group = static_cast<uint8_t>(group);
        return ask(call, "settle_packed",
                   {name, std::to_string(group), std::to_string(ms), std::to_string(reason),
                    parity::number(run.id, 6) + parity::number(run.token, 4) +
                        parity::number(run.count, 2)});
    }
    /* Messages of [from, to) become removed in group 0, as by as many calls of remove. */
    void remove_words(uint32_t from, uint32_t to)
    {
        for (uint32_t index = from; index < to; index++) {
            image.set_word(0, index, 0x203);
        }
        if (image.get(field::group_written, 0) < to) {
            image.set(field::group_written, 0, to);
        }
        put();
    }
    slotq_call begin(slotq_verb verb) const
    {
        slotq_call call = {};
        call.verb = verb;
        call.now_ms = now_ms;
        return call;
    }

    Image image;
    uint64_t now_ms = 1000000;
    slotq_outcome outcome = SLOTQ_OK;
    redis::Reply reply;
    std::vector<slotq_run> runs;

private:
    std::unique_ptr<redis::Connection> connection_;
    redis::Scripts scripts_;
    std::string key_ = "parity:bounds";
};

} // namespace

TEST_CASE("parity: an ack elsewhere moves a head that rests on removed messages")
{
    const uint32_t reason = GENERATE(0u, 1u); /* with a reason the script takes its long way */
    for (const uint32_t gap : {1000u, 1024u, 1025u, 2000u, 2500u}) {
        Both both(support::geometry(4000, 1, 1, 0, 0, 0, 1));
        CAPTURE(gap, reason);
        CHECK(both.push(3000) == "");
        CHECK(both.reserve(1, 50000) == "");
        const slotq_run first = both.runs.at(0);
        both.remove_words(1, 1 + gap);
        CHECK(both.reserve(2, 60000) == "");
        if (both.runs.empty()) { /* more to skip than a round does */
            CHECK(both.reserve(2, 60000) == "");
        }
        REQUIRE(both.runs.size() == 1);
        slotq_run last = both.runs[0];
        CHECK(last.count == 2);
        CHECK(both.settle(SLOTQ_ACK, "ack", first) == "");
        last.id++;
        last.count = 1;
        CHECK(both.settle(SLOTQ_ACK, "ack", last, 0, reason) == "");
        last.id--;
        CHECK(both.settle(SLOTQ_ACK, "ack", last, 0, reason) == "");
        CHECK(both.image.check() == "");
    }
}

TEST_CASE("parity: sweeps of more than a round, burials at their bound")
{
    for (const uint32_t attempts : {0u, 1u, 2u}) {
        for (const uint32_t dead : {0u, 10u, 40u}) {
            Both both(support::geometry(3000, 1, 1, 0, attempts, dead, 1));
            CAPTURE(attempts, dead);
            CHECK(both.push(2500) == "");
            CHECK(both.reserve(1500, 100) == "");
            CHECK(both.reserve(500, 5000) == "");
            both.now_ms += 200;
            for (uint32_t i = 0; i < 4; i++) {
                slotq_call call = both.begin(SLOTQ_RECLAIM);
                CHECK(both.ask(call, "reclaim", {"0"}) == "");
                CHECK(both.reserve(700, 100) == "");
                both.now_ms += 150;
            }
            both.now_ms += (1 << 23) + 5; /* a whole sweep */
            CHECK(both.reserve(10, 100) == "");
            CHECK(both.reserve(4000, 100) == "");
            CHECK(both.image.check() == "");
        }
    }
}

/* Twenty are aside, leased alike, or some of them READY behind the others. */
TEST_CASE("parity: sweeps of messages aside, burials at their bound")
{
    const uint32_t ready = GENERATE(0u, 3u, 4u, 5u);
    const uint32_t groups = GENERATE(1u, 2u);
    slotq_geometry shape = support::geometry(41, 1, groups, 0, 1, 50, 1);
    shape.aside_slots = 20;
    Both both(shape);
    CAPTURE(ready, groups);
    CHECK(both.push(40) == "");
    for (uint32_t group = 0; group < groups; group++) {
        CHECK(both.reserve(40, 100, group) == "");
    }
    const uint32_t token = both.runs.at(0).token;
    for (uint32_t group = 0; group < groups; group++) {
        CHECK(both.settle(SLOTQ_ACK, "ack", {21, token, 20}, 0, 0, group) == "");
    }
    CHECK(both.push(40) == "");
    CHECK(both.image.get(field::shared_aside_count) == 20);
    if (ready > 0) {
        CHECK(both.settle(SLOTQ_RELEASE, "release", {21 - ready, token, ready}) == "");
    }
    both.now_ms += 200;
    for (uint32_t i = 0; i < 4; i++) {
        slotq_call call = both.begin(SLOTQ_RECLAIM);
        CHECK(both.ask(call, "reclaim", {"0"}) == "");
        CHECK(both.image.check() == "");
    }
    CHECK(both.reserve(60, 100) == "");
    both.now_ms += (1 << 23) + 5; /* a whole sweep */
    CHECK(both.reserve(60, 100) == "");
    CHECK(both.settle(SLOTQ_NACK, "nack", {1, token, 40}, 500, 3) == "");
    CHECK(both.image.check() == "");
}

TEST_CASE("parity: a nack after its whole sweep, with no room among the dead")
{
    Both both(support::geometry(9, 1, 1, 0, 1, 1, 1));
    CHECK(both.push(5) == "");
    CHECK(both.reserve(5, 100) == "");
    const uint32_t token = both.runs.at(0).token;
    both.now_ms += 100 + (1 << 23) - 4096;
    CHECK(both.settle(SLOTQ_NACK, "nack", {1, token, 4}, 500, 3) == "");
    CHECK(both.outcome == SLOTQ_DEADFULL);
    CHECK(both.reply.text == std::string(4, 4)); /* message 5 took the room */
    CHECK(both.image.check() == "");
    for (uint32_t i = 0; i < 3; i++) {
        both.now_ms += 60000;
        slotq_call call = both.begin(SLOTQ_RECLAIM);
        CHECK(both.ask(call, "reclaim", {"0"}) == "");
    }
}

/* The script changes equal words in one go, but not those that a run of the call names. */
TEST_CASE("parity: an extend after a long time, among many without an attempt left")
{
    const uint32_t dead = GENERATE(0u, 3u, 40u);
    Both both(support::geometry(700, 1, 1, 0, 1, dead, 1));
    CAPTURE(dead);
    CHECK(both.push(600) == "");
    CHECK(both.reserve(250, 100) == "");
    CHECK(both.reserve(250, 300) == "");
    const slotq_run run = both.runs.at(0);
    both.now_ms += 100 + (1 << 23);
    CHECK(both.settle(SLOTQ_EXTEND, "extend", {run.id + 5, run.token, 7}, 500) == "");
    CHECK(both.settle(SLOTQ_EXTEND, "extend", {1, 0x105, 2}, 500) == "");
    CHECK(both.image.check() == "");
}

/* The first that waits for room moves due, by which the bits of the next ones are read. */
TEST_CASE("parity: the clock goes back, and the dead section is full")
{
    Both both(support::geometry(9, 1, 1, 0, 1, 1, 1));
    both.now_ms = 20000000;
    CHECK(both.push(6) == "");
    CHECK(both.reserve(6, 100) == "");
    both.now_ms = 1000;
    slotq_call call = both.begin(SLOTQ_RECLAIM);
    CHECK(both.ask(call, "reclaim", {"0"}) == "");
    CHECK(both.image.check() == "");
}

TEST_CASE("parity: a removal far ahead in several groups, over the ring's end")
{
    Both both(support::geometry(3000, 1, 3, 0, 0, 0, 1));
    for (int lap = 0; lap < 2; lap++) { /* the second crosses the end, over words of the first */
        CHECK(both.push(2900) == "");
        CHECK(both.reserve(5, 100) == "");
        slotq_call call = both.begin(SLOTQ_REMOVE);
        call.remove.id = 2900 * lap + 2890;
        call.remove.group = SLOTQ_ALL_GROUPS;
        CHECK(both.ask(call, "remove", {std::to_string(call.remove.id), "all"}) == "");
        CHECK(both.outcome == SLOTQ_OK);
        call.remove.id = 2900 * lap + 2000; /* inside of the gap */
        call.remove.group = 1;
        CHECK(both.ask(call, "remove", {std::to_string(call.remove.id), "1"}) == "");
        CHECK(both.reserve(2950, 100) == "");
        CHECK(both.image.check() == "");
        slotq_call purge = both.begin(SLOTQ_PURGE);
        CHECK(both.ask(purge, "purge", {}) == "");
    }
}

TEST_CASE("parity: a reserve that only finds removed messages ends in AGAIN")
{
    Both both(support::geometry(8000, 1, 1, 0, 0, 0, 1));
    CHECK(both.push(4000) == "");
    CHECK(both.push(3900) == "");
    both.remove_words(0, 7900);
    CHECK(both.reserve(1, 100) == "");
    CHECK(both.outcome == SLOTQ_AGAIN);
    CHECK(both.reply.is_status("AGAIN"));
    CHECK(both.reserve(1, 100) == "");
    CHECK(both.outcome == SLOTQ_EMPTY);
    CHECK(both.push(1) == "");
    CHECK(both.reserve(1, 100) == "");
    CHECK(both.runs.size() == 1);
}

/* An ack of two at max_leased, and all that is left is removed: one step leaves nothing to lease,
 * and wakes no caller. Over the ring's end they are two steps, and the first wakes. */
TEST_CASE("parity: leases that end at max_leased, beside the ring's end and over it")
{
    for (const uint32_t tail : {0u, 6u, 7u}) {
        CAPTURE(tail);
        Both both(support::geometry(8, 1, 1, 0, 0, 0, 1));
        both.image.start_at(100, tail);
        both.put();
        CHECK(both.push(3) == "");
        slotq_call limit = both.begin(SLOTQ_LIMIT);
        limit.limit.what = SLOTQ_LIMIT_LEASED;
        limit.limit.limits.max_leased = 2;
        CHECK(both.ask(limit, "limit", {"0", "1", "2", "0", "0"}) == "");
        CHECK(both.outcome == SLOTQ_OK);
        CHECK(both.reserve(2, 10000) == "");
        REQUIRE(both.runs.size() == 1);
        slotq_call remove = both.begin(SLOTQ_REMOVE);
        remove.remove.id = 103;
        CHECK(both.ask(remove, "remove", {"103", "0"}) == "");
        both.image.set(field::shared_wake, 1); /* a caller waits for a message */
        both.put();
        CHECK(both.settle(SLOTQ_ACK, "ack", both.runs[0]) == "");
        CHECK(both.image.woke() == (tail == 7));
    }
}

/* Bits one below the new deadline's: left to the next tick, or kept by extend. */
TEST_CASE("parity: a message that the token rule leaves")
{
    for (const uint32_t ahead : {4093u, 4094u, 4095u, 4096u}) {
        Both both(support::geometry(10, 1, 1, 0, 0, 0, 1));
        CAPTURE(ahead);
        CHECK(both.push(3) == "");
        CHECK(both.reserve(2, 10 + ahead) == "");
        const slotq_run run = both.runs.at(0);
        CHECK(both.settle(SLOTQ_EXTEND, "extend", run, 10) == "");
        CHECK(both.settle(SLOTQ_NACK, "nack", {run.id, both.image.get_word(0, 0), 1}) == "");
        CHECK(both.reserve(1, 10) == "");
        CHECK(both.reserve(5, 10) == "");
        slotq_call call = both.begin(SLOTQ_RESERVE);
        both.runs.assign(5, slotq_run());
        call.reserve.limit = 5;
        call.reserve.run_capacity = 5;
        call.reserve.lease_ms = 10;
        call.reserve.runs = both.runs.data();
        call.reserve.may_wait = true;
        CHECK(both.ask(call, "reserve_packed", {"0", "5", "10", "1"}) == "");
        CHECK(parity::differ(parity::expected_reserve(both.image, call, both.outcome, true),
                             both.reply) == "");
    }
}

TEST_CASE("parity: a push over many removed messages, with and without overwrite")
{
    for (const uint32_t flags : {0u, uint32_t{SLOTQ_FLAG_OVERWRITE}}) {
        Both both(support::geometry(5000, 1, 1, flags, 0, 0, 1));
        CAPTURE(flags);
        CHECK(both.push(4096) == "");
        CHECK(both.push(903) == "");
        both.remove_words(0, 3000);
        CHECK(both.push(2500) == "");
        CHECK(both.push(2500) == "");
        CHECK(both.push(4000) == "");
        CHECK(both.reserve(4096, 100) == "");
        CHECK(both.image.check() == "");
    }
}

/* create of every kind of geometry, also those that the plays leave out; again, and another. */
TEST_CASE("parity: create makes the core's bytes, and touches nothing that is there")
{
    const auto connection = redis::shared_server().connect();
    redis::Scripts scripts(*connection, GENERATE(as<std::string>(), "plain", "redis7"));
    const std::string key = "parity:create";
    for (uint32_t flags = 0; flags < 32; flags++) {
        for (const uint32_t slots : {2u, 3u, 300u, 16384u, 16385u, 65535u}) {
            slotq_geometry shape = support::geometry(slots, 1 + flags, 1 + flags % 16, flags,
                                                     flags * 2, flags * 9, 1 + flags * 1900);
            shape.later_slots = static_cast<uint16_t>(flags * 5);
            shape.generation = flags % 2 == 0 ? 1 + flags : 0xFFFFFFFF - flags;
            shape.set = flags % 4 == 0 ? 0 : flags % 4 == 1 ? 0xFFFFFFFF : flags;
            shape.shard = static_cast<uint16_t>(shape.set == 0 ? 0 : flags * 33);
            shape.aside_slots = static_cast<uint8_t>(flags % 2 == 0 ? flags * 8 : 0);
            redis::Arguments arguments = {""};
            for (const uint32_t value :
                 {uint32_t{shape.ring_slots}, uint32_t{shape.payload_bytes},
                  uint32_t{shape.later_slots}, uint32_t{shape.dead_slots}, uint32_t{shape.groups},
                  uint32_t{shape.flags}, uint32_t{shape.max_attempts}, uint32_t{shape.tick_ms},
                  uint32_t{shape.aside_slots}, 0u, 0u, shape.generation, shape.set,
                  uint32_t{shape.shard}}) {
                arguments.push_back(std::to_string(value));
            }
            CAPTURE(flags, slots);
            connection->command({"DEL", key});
            const redis::Reply made = scripts.run("create", key, arguments);
            if (slotq_core_image_bytes(&shape, nullptr) == 0) { /* too many slots */
                CHECK(made.word() == "SLOTQINVALID");
                CHECK(connection->command({"EXISTS", key}).is_integer(0));
                continue;
            }
            CHECK(made.is_status("OK"));
            const std::string bytes = connection->command({"GET", key}).text;
            CHECK(parity::differ(Image(shape), bytes) == "");
            CHECK(scripts.run("create", key, arguments).is_status("OK"));
            arguments[12] = "99"; /* another generation would do as well */
            CHECK(scripts.run("create", key, arguments).is_status("OK"));
            for (const size_t other : {8u, 13u, 14u}) { /* tick_ms, set, shard */
                const std::string kept = arguments[other];
                arguments[other] = other == 13u && kept == "7" ? "8" : "7";
                const std::string word = scripts.run("create", key, arguments).word();
                CHECK(word == (other == 14u && shape.set == 0 ? "SLOTQINVALID" : "SLOTQEXISTS"));
                arguments[other] = kept;
            }
            CHECK(connection->command({"GET", key}).text == bytes);
        }
    }
    connection->command({"DEL", key});
}
