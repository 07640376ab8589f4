/* test_looks.cpp: a reserve that only looks: whether one that leases may find a message, or would
 * change something (slotq_core.h, `looks`). It changes nothing but the mark of a caller that waits.
 */
#include "queue.hpp"

namespace
{

constexpr uint64_t second_us = 1000000;

slotq_geometry shape(uint32_t groups = 1)
{
    slotq_geometry made = support::geometry(9, 5, groups, 0, 0, 0, 100);
    made.later_slots = 4;
    return made;
}

slotq_outcome look(Queue &queue, bool may_wait = false, uint32_t group = 0)
{
    queue.runs.assign(1, slotq_run());
    queue.start(SLOTQ_RESERVE);
    queue.call.progress.looks = true;
    queue.call.reserve.group = static_cast<uint8_t>(group);
    queue.call.reserve.limit = 1;
    queue.call.reserve.lease_ms = 100;
    queue.call.reserve.runs = queue.runs.data();
    queue.call.reserve.run_capacity = 1;
    queue.call.reserve.may_wait = may_wait;
    return queue.go();
}

/* It leases nothing, whatever it says. */
slotq_outcome look_only(Queue &queue)
{
    const slotq_stats before = queue.stats();
    const slotq_outcome outcome = look(queue);
    const slotq_stats after = queue.stats();
    CHECK(after.ready == before.ready);
    CHECK(after.leased == before.leased);
    CHECK(after.waiting == before.waiting);
    CHECK(after.later == before.later);
    return outcome;
}

} // namespace

TEST_CASE("looks: EMPTY where nothing is, OK where a message is, and nothing is leased")
{
    Queue queue(shape(2));
    CHECK(look_only(queue) == SLOTQ_EMPTY);
    REQUIRE(queue.push(1) == SLOTQ_OK);
    CHECK(look_only(queue) == SLOTQ_OK);
    CHECK(look(queue, false, 1) == SLOTQ_OK);
    REQUIRE(queue.reserve() == SLOTQ_OK);
    CHECK(look_only(queue) == SLOTQ_EMPTY);
    CHECK(queue.call.reserve.next_due_ms != 0); /* the end of the lease */
    CHECK(look(queue, false, 1) == SLOTQ_OK);
}

TEST_CASE("looks: a message that came back, a lease that ended and a time that came are OK")
{
    Queue queue(shape());
    REQUIRE(queue.push(2) == SLOTQ_OK);
    REQUIRE(queue.reserve(2) == SLOTQ_OK);
    const slotq_run held = queue.runs[0];
    CHECK(look_only(queue) == SLOTQ_EMPTY);
    REQUIRE(queue.settle(SLOTQ_RELEASE, held.id, held.token) == SLOTQ_OK);
    CHECK(look_only(queue) == SLOTQ_OK); /* ready behind the cursor */
    REQUIRE(queue.reserve() == SLOTQ_OK);
    CHECK(look_only(queue) == SLOTQ_EMPTY);
    queue.now_ms += 20000;
    CHECK(look_only(queue) == SLOTQ_OK); /* leases have ended */
    REQUIRE(queue.reserve(2) == SLOTQ_OK);
    REQUIRE(queue.schedule(queue.now_ms + 5000) == SLOTQ_OK);
    CHECK(look_only(queue) == SLOTQ_EMPTY);
    queue.now_ms += 5000;
    CHECK(look_only(queue) == SLOTQ_OK); /* a scheduled message is due */
}

TEST_CASE("looks: LIMITED where the limit lets none go, unless a clock that was set back mends it")
{
    Queue queue(shape());
    REQUIRE(queue.push(3) == SLOTQ_OK);
    REQUIRE(queue.limit(SLOTQ_LIMIT_ALL, 0, 3600 * second_us, 1) == SLOTQ_OK);
    CHECK(look_only(queue) == SLOTQ_OK);
    REQUIRE(queue.reserve() == SLOTQ_OK);
    const slotq_run held = queue.runs[0];
    CHECK(look_only(queue) == SLOTQ_LIMITED);
    CHECK(queue.call.reserve.next_due_ms != 0);
    REQUIRE(queue.settle(SLOTQ_ACK, held.id, held.token) == SLOTQ_OK);
    const uint64_t then_ms = queue.now_ms;
    queue.now_ms += UINT64_C(48) * 3600000;
    REQUIRE(queue.reserve() == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_ACK, queue.runs[0].id, queue.runs[0].token) == SLOTQ_OK);
    queue.now_ms = then_ms; /* the rate is paid for up to a day that is far now */
    CHECK(look(queue) == SLOTQ_OK);
}

TEST_CASE("looks: a caller that does not wait wakes another one in its place")
{
    Queue queue(shape(2));
    REQUIRE(queue.push(1) == SLOTQ_OK);
    REQUIRE(look(queue, true) == SLOTQ_OK);
    REQUIRE(look(queue, false, 1) == SLOTQ_OK);
    REQUIRE(queue.reserve() == SLOTQ_OK);
    const support::Bytes before = queue.image.bytes();
    REQUIRE(look(queue, true) == SLOTQ_EMPTY); /* it will sleep: the image says so */
    CHECK_FALSE(queue.image.bytes() == before);
}
