/* test_outcomes.cpp: every outcome of slotq.h provoked on every kind of store, the image
 * unchanged on refusal. Knows the public calls; the core's own rules are tested in engine/core.
 */
#include "catch.hpp"

#include "any_queue.hpp"

using namespace any_queue;

namespace
{

/* A verb that must answer just this, name its trouble, and leave every byte. */
template <typename Verb>
void refused(Queue &queue, slotq_outcome outcome, Verb verb)
{
    const std::vector<uint8_t> before = queue.image();
    CHECK(verb() == outcome);
    CHECK(slotq_error_of(queue)->outcome == outcome);
    CHECK(queue.error() != "");
    CHECK(queue.image() == before);
}

Kind each_kind()
{
    return GENERATE(from_range(all_kinds()));
}

} // namespace

TEST_CASE("a message is pushed, reserved and acked", "[queue]")
{
    Queue queue(each_kind(), Geometry(9, 16).flags(SLOTQ_FLAG_STAMPS));
    uint64_t id = 0;
    REQUIRE(queue.push("hello", &id) == SLOTQ_OK);
    CHECK(id == 1);
    CHECK(queue.status(1).state == SLOTQ_STATE_READY);
    queue.now_ms += 500;
    const Message got = queue.reserve_one();
    CHECK(got.id == 1);
    CHECK(got.payload == "hello");
    CHECK(got.attempts == 1);
    CHECK(got.raw.pushed_ms == 1700000000000);
    CHECK(queue.status(1).state == SLOTQ_STATE_LEASED);
    CHECK(slotq_ack(queue, 0, got.id, got.token) == SLOTQ_OK);
    CHECK(queue.stats().unfinished == 0);
    CHECK(slotq_check(queue) == SLOTQ_OK);
    queue.reopen();
    CHECK(queue.stats().acked == 1);
}

TEST_CASE("push answers FULL, TOOBIG, PAUSED, INVALID", "[queue]")
{
    Queue queue(each_kind(), Geometry(5, 4));
    const slotq_data one = {"x", 1};
    const slotq_data five[5] = {one, one, one, one, one};
    const slotq_data large = {"12345", 5};
    const slotq_data hollow = {nullptr, 1};
    const slotq_data two[2] = {one, large};
    refused(queue, SLOTQ_TOOBIG, [&] { return slotq_push(queue, &large, 1, nullptr); });
    CHECK(queue.error() == "the message has 5 bytes: this queue takes up to 4 (payload_bytes). "
                           "Nothing was pushed.");
    refused(queue, SLOTQ_TOOBIG, [&] { return slotq_push(queue, two, 2, nullptr); });
    CHECK(queue.error() == "message 2 of this push has 5 bytes: this queue takes up to 4 "
                           "(payload_bytes). Nothing was pushed.");
    refused(queue, SLOTQ_TOOBIG, [&] { return slotq_push(queue, five, 5, nullptr); });
    CHECK(queue.error() == "this push has 5 messages: this queue can never hold more than 4. Push "
                           "fewer at a time. Nothing was pushed.");
    refused(queue, SLOTQ_INVALID, [&] { return slotq_push(queue, &one, 0, nullptr); });
    refused(queue, SLOTQ_INVALID, [&] { return slotq_push(queue, five, 4097, nullptr); });
    CHECK(queue.error() == "this push has 4097 messages: 1 to 4096 are possible in one call. "
                           "Nothing was pushed.");
    refused(queue, SLOTQ_INVALID, [&] { return slotq_push(queue, &hollow, 1, nullptr); });
    refused(queue, SLOTQ_INVALID, [&] { return slotq_push(queue, nullptr, 1, nullptr); });
    REQUIRE(slotq_pause(queue, SLOTQ_PAUSE_IN) == SLOTQ_OK);
    refused(queue, SLOTQ_PAUSED, [&] { return slotq_push(queue, &one, 1, nullptr); });
    REQUIRE(slotq_resume(queue, SLOTQ_PAUSE_IN) == SLOTQ_OK);
    queue.fill(3);
    const Message held = queue.reserve_one();
    refused(queue, SLOTQ_FULL, [&] { return slotq_push(queue, five, 2, nullptr); });
    CHECK(queue.error() == "the queue has no room for this push: 3 of 4 slots are in use. The "
                           "oldest unfinished message is 1, leased in group 0. Its worker must "
                           "settle it, or its lease must end.");
    refused(queue, SLOTQ_FULL, [&] { return slotq_push_wait(queue, five, 2, 1, nullptr); });
    CHECK(slotq_ack(queue, 0, held.id, held.token) == SLOTQ_OK);
    CHECK(slotq_push(queue, five, 2, nullptr) == SLOTQ_OK);
}

TEST_CASE("more than 1 MiB in one push is INVALID and says the limit", "[queue]")
{
    Queue queue(each_kind(), Geometry(40, 65535));
    const std::string payload(65535, 'x');
    const std::vector<slotq_data> many(17, slotq_data{payload.data(), 65535});
    refused(queue, SLOTQ_INVALID, [&] { return slotq_push(queue, many.data(), 17, nullptr); });
    CHECK(queue.error().find("1048576") != std::string::npos);
    CHECK(slotq_push(queue, many.data(), 16, nullptr) == SLOTQ_OK);
}

TEST_CASE("reserve answers EMPTY, PAUSED, INVALID, with an empty batch", "[queue]")
{
    Queue queue(each_kind(), Geometry(5, 4).groups(2));
    const Batch given = batch();
    const auto reserve = [&](uint8_t group, uint32_t limit, uint64_t lease_ms) {
        return [&queue, &given, group, limit, lease_ms] {
            return slotq_reserve(queue, group, limit, lease_ms, 0, given.get());
        };
    };
    refused(queue, SLOTQ_EMPTY, reserve(0, 1, 1000));
    queue.fill(2);
    CHECK(reserve(1, 2, 1000)() == SLOTQ_OK);
    CHECK(slotq_batch_count(given.get()) == 2);
    refused(queue, SLOTQ_EMPTY, reserve(1, 1, 1000));
    CHECK(slotq_batch_count(given.get()) == 0);
    refused(queue, SLOTQ_INVALID, reserve(2, 1, 1000));
    CHECK(queue.error().find("group 2") != std::string::npos);
    refused(queue, SLOTQ_INVALID, reserve(0, 0, 1000));
    refused(queue, SLOTQ_INVALID, reserve(0, 4097, 1000));
    refused(queue, SLOTQ_INVALID, reserve(0, 1, 0));
    refused(queue, SLOTQ_INVALID, reserve(0, 1, UINT64_C(8388607) * 100 + 1));
    CHECK(queue.error().find("838860700 ms") != std::string::npos);
    refused(queue, SLOTQ_INVALID, [&] { return slotq_reserve(queue, 0, 1, 1000, 0, nullptr); });
    REQUIRE(slotq_pause(queue, SLOTQ_PAUSE_OUT) == SLOTQ_OK);
    refused(queue, SLOTQ_PAUSED, reserve(0, 1, 1000));
    REQUIRE(slotq_resume(queue, SLOTQ_PAUSE_BOTH) == SLOTQ_OK);
    CHECK(reserve(0, 1, UINT64_C(8388607) * 100)() == SLOTQ_OK);
}

TEST_CASE("settling answers STALE, GONE, NOTFOUND, DEADFULL", "[queue]")
{
    Queue queue(each_kind(), Geometry(9, 4).dead(1).attempts(3));
    queue.fill(5);
    const std::vector<Message> got = queue.reserve(4);
    REQUIRE(got.size() == 4);
    const uint32_t token = got[0].token;
    uint32_t fresh = 0;
    refused(queue, SLOTQ_STALE, [&] { return slotq_ack(queue, 0, 1, token + 256); });
    refused(queue, SLOTQ_STALE, [&] { return slotq_ack(queue, 0, 5, token); });
    refused(queue, SLOTQ_STALE, [&] { return slotq_release(queue, 0, 1, 0, 0); });
    refused(queue, SLOTQ_NOTFOUND, [&] { return slotq_ack(queue, 0, 6, token); });
    refused(queue, SLOTQ_NOTFOUND, [&] { return slotq_ack(queue, 0, 0, token); });
    refused(queue, SLOTQ_INVALID, [&] { return slotq_ack(queue, 1, 1, token); });
    refused(queue, SLOTQ_INVALID, [&] { return slotq_extend(queue, 0, 1, token, 0, &fresh); });
    refused(queue, SLOTQ_INVALID, [&] { return slotq_extend(queue, 0, 1, token, 9, nullptr); });
    refused(queue, SLOTQ_INVALID,
            [&] { return slotq_nack(queue, 0, 1, token, UINT64_C(1) << 40, 0); });
    refused(queue, SLOTQ_INVALID,
            [&] { return slotq_release(queue, 0, 1, token, UINT64_C(1) << 40); });
    CHECK(queue.error().find("delay") != std::string::npos);
    const slotq_run runs[2] = {{1, token, 1}, {2, token, 0}};
    const auto ack = [&](const slotq_run *from, uint32_t count) {
        return [&queue, from, count] {
            return slotq_settle(queue, SLOTQ_SETTLE_ACK, 0, from, count, 0, 0, nullptr, nullptr);
        };
    };
    refused(queue, SLOTQ_INVALID, ack(runs, 0));
    refused(queue, SLOTQ_INVALID, ack(runs, 2));
    CHECK(queue.error() == "run 2 has a count of 0");
    const slotq_run many = {1, token, 4097};
    refused(queue, SLOTQ_INVALID, ack(&many, 1));
    CHECK(queue.error().find("4097 messages") != std::string::npos);
    CHECK(slotq_kill(queue, 0, 1, token, 7) == SLOTQ_OK);
    refused(queue, SLOTQ_GONE, [&] { return slotq_ack(queue, 0, 1, token); });
    refused(queue, SLOTQ_DEADFULL, [&] { return slotq_kill(queue, 0, 2, token, 7); });
    CHECK(slotq_extend(queue, 0, 2, token, 60000, &fresh) == SLOTQ_OK);
    CHECK(fresh != token);
    refused(queue, SLOTQ_STALE, [&] { return slotq_ack(queue, 0, 2, token); });
    CHECK(slotq_ack(queue, 0, 2, fresh) == SLOTQ_OK);
    CHECK(slotq_release(queue, 0, 3, token, 0) == SLOTQ_OK);
    CHECK(queue.status(3).attempts == 0);
    CHECK(slotq_nack(queue, 0, 4, token, 1000, 2) == SLOTQ_OK);
    CHECK(queue.status(4).state == SLOTQ_STATE_WAITING);
    CHECK(queue.status(4).deadline_ms == queue.now_ms + 1000);
    const std::vector<Message> again = queue.reserve(2);
    REQUIRE(again.size() == 2);
    CHECK(slotq_release(queue, 0, again[1].id, again[1].token, 2000) == SLOTQ_OK);
    CHECK(queue.status(again[1].id).state == SLOTQ_STATE_WAITING);
    CHECK(queue.status(again[1].id).attempts == 0);
    CHECK(queue.status(again[1].id).deadline_ms == queue.now_ms + 2000);
    CHECK(slotq_check(queue) == SLOTQ_OK);
}

TEST_CASE("remove answers LEASED, GONE, NOTFOUND", "[queue]")
{
    Queue queue(each_kind(), Geometry(9, 4).groups(2));
    queue.fill(3);
    const Message got = queue.reserve_one();
    refused(queue, SLOTQ_LEASED, [&] { return slotq_remove(queue, 0, 1); });
    refused(queue, SLOTQ_LEASED, [&] { return slotq_remove(queue, SLOTQ_ALL_GROUPS, 1); });
    refused(queue, SLOTQ_NOTFOUND, [&] { return slotq_remove(queue, 0, 4); });
    refused(queue, SLOTQ_INVALID, [&] { return slotq_remove(queue, 2, 1); });
    CHECK(slotq_remove(queue, SLOTQ_ALL_GROUPS, 3) == SLOTQ_OK);
    refused(queue, SLOTQ_GONE, [&] { return slotq_remove(queue, 1, 3); });
    CHECK(slotq_ack(queue, 0, got.id, got.token) == SLOTQ_OK);
    refused(queue, SLOTQ_GONE, [&] { return slotq_remove(queue, 0, 1); });
}

TEST_CASE("status answers FINISHED, NOTFOUND; peek and dead_list EMPTY", "[queue]")
{
    Queue queue(each_kind(), Geometry(9, 4).dead(3));
    slotq_status status;
    uint32_t position = 0;
    const Batch given = batch();
    refused(queue, SLOTQ_NOTFOUND, [&] { return slotq_get_status(queue, 0, 1, &status); });
    refused(queue, SLOTQ_EMPTY, [&] { return slotq_peek(queue, 0, 0, 5, given.get()); });
    refused(queue, SLOTQ_EMPTY, [&] { return slotq_dead_list(queue, 0, 5, given.get()); });
    refused(queue, SLOTQ_INVALID, [&] { return slotq_peek(queue, 0, 0, 0, given.get()); });
    refused(queue, SLOTQ_INVALID, [&] { return slotq_get_status(queue, 3, 1, &status); });
    queue.fill(3);
    const Message got = queue.reserve_one();
    CHECK(slotq_position(queue, 0, 3, &position) == SLOTQ_OK);
    CHECK(position == 1);
    CHECK(slotq_ack(queue, 0, got.id, got.token) == SLOTQ_OK);
    refused(queue, SLOTQ_FINISHED, [&] { return slotq_get_status(queue, 0, 1, &status); });
    refused(queue, SLOTQ_FINISHED, [&] { return slotq_position(queue, 0, 1, &position); });
}

/* Kill the next messages of group 0, all in one call. */
static void kill_next(Queue &queue, uint32_t count, uint8_t reason)
{
    const Batch given = batch();
    REQUIRE(slotq_reserve(queue, 0, count, 30000, 0, given.get()) == SLOTQ_OK);
    REQUIRE(slotq_batch_count(given.get()) == count);
    REQUIRE(slotq_settle_batch(queue, SLOTQ_SETTLE_KILL, given.get(), 0, reason) == SLOTQ_OK);
}

TEST_CASE("status reports the death of a message while the dead section has it", "[queue][dead]")
{
    Queue queue(each_kind(), Geometry(9, 4).dead(3).groups(2).flags(SLOTQ_FLAG_STAMPS));
    slotq_status status;
    queue.fill(5);
    kill_next(queue, 1, 7); /* 1 is before the window */
    const Message second = queue.reserve_one();
    queue.now_ms += 60000;
    const Message third = queue.reserve_one(); /* the ended lease of 2 comes first */
    CHECK(third.id == second.id);
    kill_next(queue, 1, 9); /* 3 is in the window: 2 is not finished */

    status = queue.status(1);
    CHECK(status.state == SLOTQ_STATE_DONE);
    CHECK(status.why == SLOTQ_WHY_DEAD);
    CHECK(status.is_dead);
    CHECK(status.reason == 7);
    CHECK(status.attempts == 1);
    CHECK(status.died_at_ms == queue.now_ms - 60000);
    CHECK(status.pushed_ms == queue.now_ms - 60000);
    status = queue.status(3);
    CHECK(status.is_dead);
    CHECK(status.reason == 9);
    CHECK(status.attempts == 1);
    CHECK(status.died_at_ms == queue.now_ms);
    CHECK(slotq_kill(queue, 0, third.id, third.token, 0) == SLOTQ_OK);
    CHECK(queue.status(2).attempts == 2);
    CHECK(queue.status(2).is_dead);

    CHECK(queue.status(1, 1).state == SLOTQ_STATE_READY); /* the other group */
    CHECK_FALSE(queue.status(1, 1).is_dead);
    CHECK(slotq_ack(queue, 0, 4, queue.reserve_one().token) == SLOTQ_OK);
    refused(queue, SLOTQ_FINISHED, [&] { return slotq_get_status(queue, 0, 4, &status); });
    refused(queue, SLOTQ_NOTFOUND, [&] { return slotq_get_status(queue, 0, 6, &status); });
}

TEST_CASE("status forgets a death when the dead section does", "[queue][dead]")
{
    Queue queue(each_kind(), Geometry(9, 4).dead(3));
    slotq_status status;
    queue.fill(3);
    const Message first = queue.reserve_one();
    kill_next(queue, 1, 9);
    CHECK(queue.status(2).is_dead);
    CHECK(slotq_dead_purge(queue, nullptr) == SLOTQ_OK);
    CHECK(queue.status(2).why == SLOTQ_WHY_DEAD); /* its slot is in the ring */
    CHECK_FALSE(queue.status(2).is_dead);
    CHECK(queue.status(2).died_at_ms == 0);
    CHECK(slotq_ack(queue, 0, first.id, first.token) == SLOTQ_OK);
    refused(queue, SLOTQ_FINISHED, [&] { return slotq_get_status(queue, 0, 2, &status); });
}

TEST_CASE("status finds a death in a dead section of several MiB", "[queue][dead]")
{
    Queue queue(each_kind(), Geometry(41, 60000).dead(40));
    queue.fill(40);
    kill_next(queue, 10, 1);
    kill_next(queue, 10, 2);
    kill_next(queue, 10, 3);
    kill_next(queue, 10, 4);
    for (uint64_t id = 1; id <= 40; id++) {
        const slotq_status status = queue.status(id);
        CHECK(status.is_dead);
        CHECK(status.reason == (id + 9) / 10);
    }
}

TEST_CASE("ended leases are reclaimed, all of them", "[queue]")
{
    Queue queue(each_kind(), Geometry(2500, 4).dead(40).attempts(1));
    for (int i = 0; i < 20; i++) {
        queue.fill(100);
    }
    REQUIRE(queue.reserve(2000, 1000).size() == 2000);
    queue.now_ms += 5000;
    uint32_t ready = 9;
    uint32_t dead = 9;
    CHECK(slotq_reclaim(queue, 0, &ready, &dead) == SLOTQ_OK);
    CHECK(ready == 0);
    CHECK(dead == 40);
    CHECK(queue.stats().waiting == 1960); /* no room among the dead: backpressure, not loss */
    CHECK(slotq_check(queue) == SLOTQ_OK);
}

TEST_CASE("the dead are listed, redriven and purged", "[queue]")
{
    Queue queue(each_kind(), Geometry(5, 4).dead(9));
    queue.fill(4);
    for (const Message &message : queue.reserve(4)) {
        REQUIRE(slotq_kill(queue, 0, message.id, message.token, 42) == SLOTQ_OK);
    }
    const Batch given = batch();
    REQUIRE(slotq_dead_list(queue, 1, 2, given.get()) == SLOTQ_OK);
    const std::vector<Message> dead = messages(given.get());
    REQUIRE(dead.size() == 2);
    CHECK(dead[0].id == 2);
    CHECK(dead[0].payload == "2");
    CHECK(dead[0].raw.reason == 42);
    CHECK(dead[0].raw.died_at_ms == queue.now_ms);
    queue.fill(3);
    uint32_t count = 9;
    CHECK(slotq_dead_redrive(queue, 0, nullptr, &count, nullptr) == SLOTQ_FULL);
    CHECK(count == 1);
    CHECK(queue.error() != "");
    REQUIRE(slotq_purge(queue) == SLOTQ_OK);
    REQUIRE(slotq_pause(queue, SLOTQ_PAUSE_IN) == SLOTQ_OK);
    CHECK(slotq_dead_redrive(queue, 1, nullptr, &count, nullptr) == SLOTQ_PAUSED);
    REQUIRE(slotq_resume(queue, SLOTQ_PAUSE_IN) == SLOTQ_OK);
    CHECK(slotq_dead_redrive(queue, 2, nullptr, &count, nullptr) == SLOTQ_OK);
    CHECK(count == 2);
    CHECK(queue.reserve_one().payload == "2");
    CHECK(slotq_dead_purge(queue, &count) == SLOTQ_OK);
    CHECK(count == 1);
    CHECK(slotq_dead_redrive(queue, 0, nullptr, &count, nullptr) == SLOTQ_OK);
    CHECK(count == 0);
}

TEST_CASE("redrive and purge of the dead need no count", "[queue]")
{
    Queue queue(each_kind(), Geometry(9, 4).dead(9));
    queue.fill(4);
    for (const Message &message : queue.reserve(4)) {
        REQUIRE(slotq_kill(queue, 0, message.id, message.token, 1) == SLOTQ_OK);
    }
    CHECK(slotq_dead_redrive(queue, 3, nullptr, nullptr, nullptr) == SLOTQ_OK);
    CHECK(queue.stats().dead == 1);
    CHECK(queue.stats().ready == 3);
    CHECK(slotq_dead_purge(queue, nullptr) == SLOTQ_OK);
    CHECK(queue.stats().dead == 0);
    uint32_t count = 9;
    CHECK(slotq_dead_redrive(nullptr, 0, nullptr, &count, nullptr) == SLOTQ_INVALID);
    CHECK(count == 0);
}

TEST_CASE("redrive answers the same where none can be dead", "[queue]")
{
    Queue queue(each_kind(), Geometry(9, 4).dead(GENERATE(0, 2)));
    uint32_t count = 9;
    CHECK(slotq_dead_redrive(queue, 0, nullptr, &count, nullptr) == SLOTQ_OK);
    CHECK(count == 0);
    REQUIRE(slotq_pause(queue, SLOTQ_PAUSE_IN) == SLOTQ_OK);
    refused(queue, SLOTQ_PAUSED,
            [&] { return slotq_dead_redrive(queue, 5, nullptr, &count, nullptr); });
}

TEST_CASE("a clock out of range is INVALID", "[queue]")
{
    Queue queue(each_kind());
    queue.fill(1);
    const Batch given = batch();
    const uint64_t now_ms = queue.now_ms;
    queue.now_ms = SLOTQ_NOW_MS_MAX + 1;
    CHECK(slotq_reserve(queue, 0, 1, 1000, 0, given.get()) == SLOTQ_INVALID);
    CHECK(queue.error().find("clock") != std::string::npos);
    queue.now_ms = now_ms;
    CHECK(queue.reserve_one().id == 1);
}

TEST_CASE("NULL for what is required is INVALID and never a crash", "[queue]")
{
    slotq_status status;
    slotq_error error;
    slotq *queue = nullptr;
    uint32_t count = 0;
    CHECK(slotq_push(nullptr, nullptr, 1, nullptr) == SLOTQ_INVALID);
    CHECK(slotq_reserve(nullptr, 0, 1, 1, 0, nullptr) == SLOTQ_INVALID);
    CHECK(slotq_ack(nullptr, 0, 1, 1) == SLOTQ_INVALID);
    CHECK(slotq_settle(nullptr, SLOTQ_SETTLE_ACK, 0, nullptr, 0, 0, 0, nullptr, nullptr) ==
          SLOTQ_INVALID);
    CHECK(slotq_settle_batch(nullptr, SLOTQ_SETTLE_ACK, nullptr, 0, 0) == SLOTQ_INVALID);
    CHECK(slotq_get_status(nullptr, 0, 1, &status) == SLOTQ_INVALID);
    CHECK(slotq_get_stats(nullptr, 0, nullptr) == SLOTQ_INVALID);
    CHECK(slotq_peek(nullptr, 0, 0, 1, nullptr) == SLOTQ_INVALID);
    CHECK(slotq_check(nullptr) == SLOTQ_INVALID);
    CHECK(slotq_remove(nullptr, 0, 1) == SLOTQ_INVALID);
    CHECK(slotq_reclaim(nullptr, 0, nullptr, nullptr) == SLOTQ_INVALID);
    CHECK(slotq_dead_redrive(nullptr, 0, nullptr, &count, nullptr) == SLOTQ_INVALID);
    CHECK(slotq_dead_purge(nullptr, &count) == SLOTQ_INVALID);
    CHECK(slotq_pause(nullptr, 1) == SLOTQ_INVALID);
    CHECK(slotq_resume(nullptr, 1) == SLOTQ_INVALID);
    CHECK(slotq_purge(nullptr) == SLOTQ_INVALID);
    CHECK(slotq_export(nullptr, nullptr, 0) == SLOTQ_INVALID);
    CHECK(slotq_clone(nullptr, &queue, &error) == SLOTQ_INVALID);
    CHECK(slotq_create_memory(nullptr, nullptr, &queue, nullptr) == SLOTQ_INVALID);
    CHECK(slotq_open_memory(nullptr, 0, nullptr, nullptr, &queue, nullptr) == SLOTQ_INVALID);
    CHECK(slotq_error_of(nullptr)->outcome == SLOTQ_INVALID);
    CHECK(slotq_geometry_of(nullptr) == nullptr);
    CHECK(slotq_image_bytes(nullptr) == 0);
    CHECK(slotq_batch_count(nullptr) == 0);
    CHECK_FALSE(slotq_batch_next(nullptr, nullptr));
    slotq_batch_rewind(nullptr);
    slotq_batch_free(nullptr);
    slotq_close(nullptr);
}

TEST_CASE("a library on this one sets the error of a queue", "[queue]")
{
    Queue queue(each_kind());
    CHECK(slotq_remove(queue, 0, 7) == SLOTQ_NOTFOUND); /* its text is not made yet */
    CHECK(slotq_set_error(queue, SLOTQ_INVALID, "100% of it is wrong") == SLOTQ_INVALID);
    CHECK(slotq_error_of(queue)->outcome == SLOTQ_INVALID);
    CHECK(queue.error() == "100% of it is wrong");
    CHECK(slotq_error_of(queue)->passes == false);
    slotq_set_error(queue, SLOTQ_IO, std::string(5000, 'x').c_str());
    CHECK(queue.error().size() < sizeof slotq_error().text);
    const std::string before = queue.error();
    slotq_set_error(queue, SLOTQ_FULL, slotq_error_of(queue)->text); /* another outcome for it */
    CHECK(slotq_error_of(queue)->outcome == SLOTQ_FULL);
    CHECK(queue.error() == before);
    CHECK(slotq_set_error(nullptr, SLOTQ_IO, "x") == SLOTQ_IO);
    CHECK(slotq_set_error(queue, SLOTQ_GONE, nullptr) == SLOTQ_GONE);
    CHECK(slotq_error_of(queue)->outcome == SLOTQ_GONE);
}

TEST_CASE("a failed open returns NULL as its handle", "[queue]")
{
    Queue queue(Kind::memory);
    slotq *const old = queue;
    const Geometry wrong(0, 0);
    const Geometry geometry;
    uint64_t buffer[2] = {};
    slotq *given = old;
    CHECK(slotq_open("/no/such/folder", "q", nullptr, &given, nullptr) != SLOTQ_OK);
    CHECK(given == nullptr);
    given = old;
    CHECK(slotq_open("http://host", "q", nullptr, &given, nullptr) == SLOTQ_UNSUPPORTED);
    CHECK(given == nullptr);
    given = old;
    CHECK(slotq_clone(nullptr, &given, nullptr) == SLOTQ_INVALID);
    CHECK(given == nullptr);
    given = old;
    CHECK(slotq_create_memory(wrong, nullptr, &given, nullptr) == SLOTQ_INVALID);
    CHECK(given == nullptr);
    given = old;
    CHECK(slotq_create_memory(nullptr, nullptr, &given, nullptr) == SLOTQ_INVALID);
    CHECK(given == nullptr);
    given = old;
    CHECK(slotq_open_memory(buffer, sizeof buffer, geometry, nullptr, &given, nullptr) ==
          SLOTQ_INVALID);
    CHECK(given == nullptr);
    given = old;
    CHECK(slotq_open_memory(nullptr, 0, geometry, nullptr, &given, nullptr) == SLOTQ_INVALID);
    CHECK(given == nullptr);
    slotq_close(given);
}

TEST_CASE("pause and resume refuse what is nothing to pause", "[queue]")
{
    Queue queue(each_kind());
    refused(queue, SLOTQ_INVALID, [&] { return slotq_pause(queue, 0); });
    refused(queue, SLOTQ_INVALID, [&] { return slotq_resume(queue, 8); });
    CHECK(slotq_pause(queue, SLOTQ_PAUSE_BOTH) == SLOTQ_OK);
    CHECK(slotq_pause(queue, SLOTQ_PAUSE_IN) == SLOTQ_OK);
    CHECK(queue.stats().paused == SLOTQ_PAUSE_BOTH);
}

TEST_CASE("names, texts and exit codes are those of errors.def", "[queue]")
{
    CHECK(std::string(slotq_outcome_name(SLOTQ_FULL)) == "FULL");
    CHECK(std::string(slotq_outcome_text(SLOTQ_FULL)) == "the queue is full");
    CHECK(slotq_outcome_exit(SLOTQ_FULL) == 4);
    CHECK(slotq_outcome_exit(SLOTQ_OK) == 0);
    CHECK(slotq_outcome_exit(SLOTQ_OUTCOME_UNKNOWN) == 7);
    CHECK(std::string(slotq_outcome_name(static_cast<slotq_outcome>(99))) == "?");
    CHECK(slotq_outcome_exit(static_cast<slotq_outcome>(99)) == 1);
    CHECK(std::string(slotq_version()) == SLOTQ_VERSION_TEXT);
}
