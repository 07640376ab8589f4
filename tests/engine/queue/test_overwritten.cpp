/* test_overwritten.cpp: another queue is written into a file that is open: every call says REMADE
 * until the handle is closed, and none goes on for ever (slotq_redis.h, "Made anew").
 */
#include "catch.hpp"

#include "any_queue.hpp"

using namespace any_queue;

namespace
{

/* The bytes of another queue of the same geometry, in place. */
void overwrite(Queue &queue, const Geometry &geometry)
{
    Queue other(Kind::file, geometry);
    other.close();
    write_file(queue.folder().file("q.slotq"), read_file(other.folder().file("q.slotq")));
}

slotq_outcome reserve(Queue &queue, const Batch &into)
{
    return slotq_reserve(queue, 0, 2, 30000, 1000, into.get());
}

} // namespace

TEST_CASE("a file that has another queue's bytes says REMADE until it is closed", "[remade]")
{
    const Geometry geometry = Geometry(9, 16).dead(4);
    Queue queue(GENERATE(Kind::file, Kind::file_exclusive), geometry);
    queue.fill(8);
    const Batch given = batch();
    const Batch marked = batch();
    const Batch next = batch();
    const Batch seen = batch();
    slotq_settled settled = {};
    slotq_stats stats;
    slotq_status status;
    REQUIRE(reserve(queue, given) == SLOTQ_OK);
    REQUIRE(reserve(queue, marked) == SLOTQ_OK);
    REQUIRE(reserve(queue, next) == SLOTQ_OK);
    REQUIRE(slotq_mark(queue, SLOTQ_SETTLE_NACK, marked.get(), 3, 0, 0, nullptr) == SLOTQ_OK);
    const bool is_marked = GENERATE(false, true);
    if (is_marked) {
        REQUIRE(slotq_mark(queue, SLOTQ_SETTLE_NACK, next.get(), 5, 0, 0, nullptr) == SLOTQ_OK);
    }
    overwrite(queue, geometry);
    for (int round = 0; round < 2; round++) {
        CHECK(slotq_ack(queue, 0, 1, 5) == SLOTQ_REMADE);
        CHECK(queue.error() != "");
        CHECK(slotq_get_stats(queue, 0, &stats) == SLOTQ_REMADE);
        CHECK(slotq_get_status(queue, 0, 1, &status) == SLOTQ_REMADE);
        CHECK(slotq_peek(queue, 0, 0, 2, seen.get()) == SLOTQ_REMADE);
        CHECK(reserve(queue, seen) == SLOTQ_REMADE);
        CHECK(slotq_check(queue) == SLOTQ_REMADE);
        CHECK(queue.push("a") == SLOTQ_REMADE);
    }
    CHECK(slotq_ack_batch(queue, given.get()) == SLOTQ_REMADE);
    CHECK(slotq_ack_batch(queue, marked.get()) == SLOTQ_REMADE);
    CHECK(slotq_next(queue, 0, 2, 30000, 1000, next.get(), &settled) == SLOTQ_REMADE);
    CHECK(settled.outcome == SLOTQ_REMADE);
    CHECK(slotq_batch_count(given.get()) + slotq_batch_count(marked.get()) +
              slotq_batch_count(next.get()) ==
          0);
    queue.reopen();
    CHECK(queue.stats().ready == 0);
}
