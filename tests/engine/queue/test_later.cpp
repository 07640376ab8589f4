/* test_later.cpp: scheduled messages through slotq.h: on each kind of store, and the
 * text of each refusal.
 */
#include "catch.hpp"

#include <thread>

#include "any_queue.hpp"

using namespace any_queue;

namespace
{

Geometry with_later(uint16_t slots = 4)
{
    Geometry made;
    made.raw.later_slots = slots;
    return made;
}

slotq_outcome schedule(slotq *queue, const std::string &payload, uint64_t due_ms,
                       uint32_t flags = 0, uint64_t *later_id = nullptr)
{
    const slotq_data data = {payload.data(), static_cast<uint32_t>(payload.size())};
    return slotq_schedule(queue, &data, 1, due_ms, flags, later_id);
}

} // namespace

TEST_CASE("later: messages come when they are due, in order, on every store", "[later]")
{
    for (const Kind kind : all_kinds()) {
        CAPTURE(kind);
        Queue queue(kind, with_later());
        const uint64_t now_ms = queue.now_ms;
        uint64_t later_id = 0;
        REQUIRE(schedule(queue, "b", now_ms + 2000, 0, &later_id) == SLOTQ_OK);
        CHECK(later_id == 1);
        const slotq_data two[2] = {{"a", 1}, {"a2", 2}};
        REQUIRE(slotq_schedule(queue, two, 2, now_ms + 1000, SLOTQ_NOT_PAST, &later_id) ==
                SLOTQ_OK);
        CHECK(later_id == 2);
        CHECK(queue.stats().later == 3);
        CHECK(queue.stats().later_capacity == 4);
        CHECK(queue.stats().later_due_ms == now_ms + 1000);
        CHECK(queue.reserve(5).empty());
        queue.reopen();
        queue.now_ms = now_ms + 1000;
        REQUIRE(queue.push("c") == SLOTQ_OK);
        std::vector<Message> got = queue.reserve(5);
        REQUIRE(got.size() == 3);
        CHECK(got[0].payload == "a");
        CHECK(got[1].payload == "a2");
        CHECK(got[2].payload == "c");
        queue.now_ms = now_ms + 2000;
        got = queue.reserve(5);
        REQUIRE(got.size() == 1);
        CHECK(got[0].payload == "b");
        CHECK(got[0].id == 4);
        CHECK(slotq_check(queue) == SLOTQ_OK);
    }
}

TEST_CASE("later: list, cancel and kick, on every store", "[later]")
{
    for (const Kind kind : all_kinds()) {
        CAPTURE(kind);
        Queue queue(kind, with_later());
        const uint64_t now_ms = queue.now_ms;
        const Batch batch = any_queue::batch();
        CHECK(slotq_later_list(queue, 0, 10, batch.get()) == SLOTQ_EMPTY);
        for (const char *payload : {"one", "two", "three"}) {
            REQUIRE(schedule(queue, payload, now_ms + 5000) == SLOTQ_OK);
        }
        REQUIRE(slotq_later_list(queue, 0, 10, batch.get()) == SLOTQ_OK);
        std::vector<Message> found = messages(batch.get());
        REQUIRE(found.size() == 3);
        CHECK(found[0].id == 1);
        CHECK(found[0].payload == "one");
        CHECK(found[0].raw.due_ms == now_ms + 5000);
        CHECK(found[0].token == 0);
        REQUIRE(slotq_later_list(queue, 2, 10, batch.get()) == SLOTQ_OK);
        CHECK(messages(batch.get()).size() == 1);
        REQUIRE(slotq_cancel(queue, 1) == SLOTQ_OK);
        CHECK(slotq_cancel(queue, 1) == SLOTQ_NOTFOUND);
        CHECK(queue.error().find("later id 1") != std::string::npos);
        REQUIRE(slotq_kick_later(queue, 3) == SLOTQ_OK);
        const std::vector<Message> got = queue.reserve(5);
        REQUIRE(got.size() == 1);
        CHECK(got[0].payload == "three");
        CHECK(slotq_kick_later(queue, 3) == SLOTQ_NOTFOUND);
        REQUIRE(slotq_kick(queue, 0, got[0].id) == SLOTQ_LEASED);
        REQUIRE(slotq_nack(queue, 0, got[0].id, got[0].token, 5000, 1) == SLOTQ_OK);
        CHECK(queue.reserve(5).empty());
        REQUIRE(slotq_kick(queue, 0, got[0].id) == SLOTQ_OK);
        CHECK(queue.reserve_one().attempts == 2);
        CHECK(slotq_kick(queue, 0, 9) == SLOTQ_NOTFOUND);
        CHECK(slotq_kick(queue, 1, 1) == SLOTQ_INVALID);
    }
}

TEST_CASE("later: a refusal names the limit, and changes nothing", "[later]")
{
    Queue queue(Kind::memory, with_later(2));
    const uint64_t now_ms = queue.now_ms;
    const slotq_data data[3] = {{"a", 1}, {"b", 1}, {nullptr, 3}};
    const auto says = [&](const char *text) {
        INFO(queue.error());
        return queue.error().find(text) != std::string::npos;
    };
    CHECK(slotq_schedule(nullptr, data, 1, now_ms, 0, nullptr) == SLOTQ_INVALID);
    CHECK(slotq_schedule(queue, nullptr, 1, now_ms, 0, nullptr) == SLOTQ_INVALID);
    CHECK(slotq_schedule(queue, data, 0, now_ms, 0, nullptr) == SLOTQ_INVALID);
    CHECK(says("this schedule has 0 messages"));
    CHECK(slotq_schedule(queue, data, 1, SLOTQ_NOW_MS_MAX + 1, 0, nullptr) == SLOTQ_INVALID);
    CHECK(says("140737488355327"));
    CHECK(slotq_schedule(queue, data, 1, now_ms, 2, nullptr) == SLOTQ_INVALID);
    CHECK(says("flags are 2"));
    CHECK(slotq_schedule(queue, data + 2, 1, now_ms, 0, nullptr) == SLOTQ_INVALID);
    CHECK(says("bytes are NULL"));
    CHECK(schedule(queue, std::string(17, 'x'), now_ms) == SLOTQ_TOOBIG);
    CHECK(says("the message has 17 bytes"));
    CHECK(slotq_schedule(queue, data, 3, now_ms, 0, nullptr) == SLOTQ_TOOBIG);
    CHECK(says("never hold more than 2"));
    CHECK(schedule(queue, "x", now_ms, SLOTQ_NOT_PAST) == SLOTQ_EMPTY);
    CHECK(says("not after now"));
    REQUIRE(schedule(queue, "x", now_ms + 1) == SLOTQ_OK);
    CHECK(slotq_schedule(queue, data, 2, now_ms, 0, nullptr) == SLOTQ_FULL);
    CHECK(says("up to 2 scheduled messages"));
    REQUIRE(slotq_pause(queue, SLOTQ_PAUSE_IN) == SLOTQ_OK);
    CHECK(schedule(queue, "x", now_ms) == SLOTQ_PAUSED);
    CHECK(says("paused for pushing"));
    CHECK(slotq_cancel(nullptr, 1) == SLOTQ_INVALID);
    CHECK(slotq_cancel(queue, 0) == SLOTQ_INVALID);
    CHECK(says("later id is 0"));
    CHECK(slotq_kick(nullptr, 0, 1) == SLOTQ_INVALID);
    CHECK(slotq_kick_later(nullptr, 1) == SLOTQ_INVALID);
    CHECK(slotq_kick_later(queue, 0) == SLOTQ_INVALID);
    CHECK(slotq_later_list(queue, 0, 1, nullptr) == SLOTQ_INVALID);
    CHECK(queue.stats().later == 1);
    Queue none(Kind::memory);
    CHECK(schedule(none, "x", now_ms) == SLOTQ_TOOBIG);
    CHECK(none.error().find("later_slots is 0") != std::string::npos);
}

/* In files and in memory a sleeper's clock is the queue's: here the real one. */
TEST_CASE("later: a waiting reserve sleeps until a message is due", "[later]")
{
    for (const Kind kind : {Kind::memory, Kind::file}) {
        CAPTURE(kind);
        Queue made(kind, with_later());
        slotq *queue = made;
        slotq *opened = nullptr;
        slotq_options options = {};
        options.poll_ms = 3600000;
        if (kind == Kind::file) {
            REQUIRE(slotq_open(made.url().c_str(), made.name().c_str(), &options, &opened,
                               nullptr) == SLOTQ_OK);
        } else {
            Geometry geometry = with_later();
            REQUIRE(slotq_create_memory(geometry, &options, &opened, nullptr) == SLOTQ_OK);
        }
        queue = opened;
        slotq *other = nullptr;
        REQUIRE(slotq_clone(queue, &other, nullptr) == SLOTQ_OK);
        const uint64_t due_ms = slotq_now_ms(queue) + 300;
        REQUIRE(schedule(queue, "far", due_ms + 3600000) == SLOTQ_OK);
        std::thread producer([&] { /* comes while the other one sleeps, or before: both will do */
                                   slotq_outcome outcome = schedule(other, "soon", due_ms);
                                   CHECK(outcome == SLOTQ_OK);
        });
        const Batch got = batch();
        CHECK(slotq_reserve(queue, 0, 1, 30000, UINT64_MAX, got.get()) == SLOTQ_OK);
        CHECK(slotq_now_ms(queue) >= due_ms);
        producer.join();
        const std::vector<Message> messages = any_queue::messages(got.get());
        REQUIRE(messages.size() == 1);
        CHECK(messages[0].payload == "soon");
        slotq_close(other);
        slotq_close(queue);
    }
}
