/* test_bounds.cpp: what a verb does at most in one call: 1024 words and 16 burials a sweep round,
 * four rounds a reserve, 1024 words a search, 1024 DONE words a head move; and that the rest is
 * found by the next call.
 */
#include "queue.hpp"

namespace
{

constexpr uint32_t many = 3000;

Queue large(uint32_t max_attempts = 0, uint32_t dead_slots = 0, uint32_t slots = 5001)
{
    Queue queue(support::geometry(slots, 1, 1, 0, max_attempts, dead_slots, 100));
    queue.image.start_at(77, slots - 1500); /* the words that are swept wrap */
    queue.image.check_each_step(false);
    return queue;
}

void push_many(Queue &queue, uint32_t count)
{
    while (count > 0) {
        const uint32_t now = count < 4096 ? count : 4096;
        REQUIRE(queue.push(now) == SLOTQ_OK);
        count -= now;
    }
}

void reserve_many(Queue &queue, uint32_t count, uint64_t lease_ms)
{
    while (count > 0) {
        const uint32_t now = count < 4096 ? count : 4096;
        REQUIRE(queue.reserve(now, lease_ms) == SLOTQ_OK);
        REQUIRE(queue.call.reserve.message_count == now);
        count -= now;
    }
}

} // namespace

TEST_CASE("bounds: a sweep looks at 1024 words a call and goes on where it was")
{
    Queue queue = large();
    push_many(queue, many);
    reserve_many(queue, many, 500);
    queue.now_ms += 600;
    const uint64_t due = queue.group(field::group_due);
    REQUIRE(queue.reclaim() == SLOTQ_AGAIN);
    REQUIRE(queue.call.reclaim.ready_count == 1024);
    REQUIRE(queue.group(field::group_sweep) == queue.image.index_of(78 + 1024));
    REQUIRE(queue.group(field::group_due) == due);
    REQUIRE(queue.reclaim() == SLOTQ_AGAIN);
    REQUIRE(queue.call.reclaim.ready_count == 1024);
    REQUIRE(queue.reclaim() == SLOTQ_OK);
    REQUIRE(queue.call.reclaim.ready_count == many - 2048);
    REQUIRE(queue.group(field::group_sweep) == support::sweep_none);
    REQUIRE(queue.group(field::group_due) == support::u48_none);
    REQUIRE(queue.stats().ready == many);
    REQUIRE_REFUSED(queue, reclaim(), SLOTQ_OK);
}

TEST_CASE("bounds: a sweep keeps the earliest deadline it passed by")
{
    Queue queue = large();
    push_many(queue, many);
    REQUIRE(queue.reserve(1, 90000) == SLOTQ_OK);
    REQUIRE(queue.reserve(1, 70000) == SLOTQ_OK);
    reserve_many(queue, many - 2, 500);
    queue.now_ms += 600;
    REQUIRE(queue.reclaim() == SLOTQ_AGAIN);
    REQUIRE(queue.group(field::group_due_next) == (queue.now_ms - 600 + 70000) / 100);
    REQUIRE(queue.reserve(1, 30000) == SLOTQ_OK); /* set while the sweep runs */
    REQUIRE(queue.group(field::group_due_next) == (queue.now_ms + 30000) / 100);
    while (queue.reclaim() == SLOTQ_AGAIN) {
    }
    REQUIRE(queue.group(field::group_due) == (queue.now_ms + 30000) / 100);
}

TEST_CASE("bounds: a sweep buries 16 a call")
{
    Queue queue = large(1, 100);
    push_many(queue, 40);
    reserve_many(queue, 40, 500);
    queue.now_ms += 600;
    REQUIRE(queue.reclaim() == SLOTQ_AGAIN);
    REQUIRE(queue.call.reclaim.dead_count == 16);
    REQUIRE(queue.reclaim() == SLOTQ_AGAIN);
    REQUIRE(queue.call.reclaim.dead_count == 16);
    REQUIRE(queue.reclaim() == SLOTQ_OK);
    REQUIRE(queue.call.reclaim.dead_count == 8);
    REQUIRE(queue.stats().dead == 40);
    REQUIRE(queue.stats().used == 0);
}

TEST_CASE("bounds: a reserve that finds nothing buries 64 and says AGAIN")
{
    Queue queue = large(1, 200);
    push_many(queue, 70);
    reserve_many(queue, 70, 500);
    queue.now_ms += 600;
    REQUIRE(queue.reserve(5) == SLOTQ_AGAIN);
    REQUIRE(queue.call.reserve.next_due_ms <= queue.now_ms);
    REQUIRE(queue.stats().dead == 64);
    REQUIRE(queue.reserve(5) == SLOTQ_EMPTY);
    REQUIRE(queue.stats().dead == 70);
}

TEST_CASE("bounds: a reserve that finds nothing sweeps 4096 words and says AGAIN")
{
    Queue queue = large(0, 0, 9001);
    push_many(queue, 6000);
    REQUIRE(queue.reserve(1, 500) == SLOTQ_OK); /* it alone will be due, and is acked */
    const slotq_run first = queue.runs[0];
    reserve_many(queue, 5999, 900000);
    queue.now_ms += 600;
    REQUIRE(queue.settle(SLOTQ_EXTEND, first.id, first.token, 900000) == SLOTQ_OK);
    REQUIRE(queue.reserve(1) == SLOTQ_AGAIN);
    REQUIRE(queue.group(field::group_sweep) == queue.image.index_of(78 + 4096));
    REQUIRE(queue.reserve(1) == SLOTQ_EMPTY);
    REQUIRE(queue.group(field::group_sweep) == support::sweep_none);
}

TEST_CASE("bounds: the search for retries looks at 1024 words a round and keeps its place")
{
    Queue queue = large(0, 0, 9001);
    push_many(queue, 6001);
    reserve_many(queue, 6000, 900000);
    const slotq_run last = queue.runs.back();
    const uint64_t last_id = last.id + last.count - 1;
    REQUIRE(queue.settle(SLOTQ_NACK, 78, queue.word(78)) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_NACK, last_id, last.token) == SLOTQ_OK);
    REQUIRE(queue.reserve(1) == SLOTQ_OK);
    REQUIRE(queue.runs[0].id == 78);
    REQUIRE(queue.reserve(1) == SLOTQ_AGAIN); /* four rounds: the new one has to wait */
    REQUIRE(queue.group(field::group_retry_from) == queue.image.index_of(79 + 4096));
    REQUIRE(queue.call.reserve.next_due_ms == queue.now_ms);
    REQUIRE(queue.reserve(1) == SLOTQ_OK);
    REQUIRE(queue.runs[0].id == last_id);
    REQUIRE(queue.reserve(1) == SLOTQ_OK);
    REQUIRE(queue.runs[0].id == 6078);
}

TEST_CASE("bounds: a reserve of retries gives those of one round, a run however long")
{
    Queue queue = large();
    push_many(queue, many);
    reserve_many(queue, many, 900000);
    const uint32_t token = queue.runs[0].token;
    REQUIRE(queue.settle(SLOTQ_NACK, {{78, token, many}}) == SLOTQ_OK);
    REQUIRE(queue.reserve(2000, 950000) == SLOTQ_OK);
    REQUIRE(queue.runs.size() == 1);
    REQUIRE(queue.runs[0].count == 1024);
    REQUIRE(queue.stats().ready == many - 1024);
    REQUIRE(queue.reserve(1000, 950000) == SLOTQ_OK);
    REQUIRE(queue.runs[0].id == 78 + 1024);
    REQUIRE(queue.call.reserve.message_count == 1000);
}

TEST_CASE("bounds: hints may lag: retry_from, a sweep and written that say less than they could")
{
    Queue queue(support::geometry(9, 3, 1, 0, 0, 0, 100));
    REQUIRE(queue.push(8) == SLOTQ_OK);
    REQUIRE(queue.reserve(4, 9000) == SLOTQ_OK);
    const uint32_t token = queue.runs[0].token;
    REQUIRE(queue.settle(SLOTQ_NACK, 4, token) == SLOTQ_OK);
    queue.image.set(field::group_retry_from, 0, 0);
    queue.image.set(field::group_sweep, 0, 1);
    queue.image.set(field::group_due_next, 0, queue.group(field::group_due));
    const slotq_run run = {1, token, 2};
    queue.start(SLOTQ_ACK); /* without outcome bytes: the plain path */
    queue.call.settle.runs = &run;
    queue.call.settle.run_count = 1;
    REQUIRE(queue.go() == SLOTQ_OK);
    REQUIRE(queue.group(field::group_retry_from) == 2);
    REQUIRE(queue.group(field::group_sweep) == 2);
    queue.image.set(field::group_sweep, 0, 3); /* ahead of what is acked: it stays */
    const slotq_run third = {3, token, 1};
    queue.start(SLOTQ_ACK);
    queue.call.settle.runs = &third;
    queue.call.settle.run_count = 1;
    REQUIRE(queue.go() == SLOTQ_OK);
    REQUIRE(queue.group(field::group_sweep) == 3);
    for (uint32_t index = 4; index < 6; index++) {
        queue.image.set_word(0, index, 0);
    }
    queue.image.set(field::group_written, 0, 6);
    REQUIRE(queue.reserve(3, 9000) == SLOTQ_OK); /* the retry, then just up to written */
    REQUIRE(queue.call.reserve.message_count == 3);
    REQUIRE(queue.group(field::group_cursor) == 6);
    REQUIRE(queue.reserve(9, 9000) == SLOTQ_OK);
    REQUIRE(queue.call.reserve.message_count == 2);
}

TEST_CASE("bounds: head moves over 1024 removed words a verb, over acked ones without end")
{
    Queue queue = large();
    push_many(queue, many);
    reserve_many(queue, many, 900000);
    const uint32_t token = queue.runs[0].token;
    REQUIRE(queue.settle(SLOTQ_ACK, {{79, token, 1999}}) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_NACK, {{2078, token, 1000}}) == SLOTQ_OK);
    for (uint64_t id = 2078; id < 3078; id++) {
        REQUIRE(queue.remove(id) == SLOTQ_OK);
    }
    REQUIRE(queue.push(200) == SLOTQ_OK);
    for (uint64_t id = 3078; id < 3278; id++) {
        REQUIRE(queue.remove(id) == SLOTQ_OK); /* ahead of the cursor */
    }
    REQUIRE(queue.stats().used == 3200);
    REQUIRE(queue.settle(SLOTQ_ACK, 78, token) == SLOTQ_OK);
    REQUIRE(queue.stats().used == 3200 - 2000 - 1024);
    REQUIRE_REFUSED(queue, settle(SLOTQ_ACK, 3278 - 100, token), SLOTQ_GONE);
    REQUIRE(queue.reserve(1) == SLOTQ_EMPTY); /* goes on with that */
    REQUIRE(queue.stats().used == 0);
    REQUIRE(queue.group(field::group_written) == queue.image.get(field::header_tail));
}

TEST_CASE("bounds: a push without room moves heads while it helps")
{
    Queue queue(support::geometry(3002, 1, 2, 0, 0, 0, 100));
    push_many(queue, 3001);
    for (uint64_t id = 2; id <= 3001; id++) {
        REQUIRE(queue.remove(id) == SLOTQ_OK);
    }
    REQUIRE_REFUSED(queue, push(1), SLOTQ_FULL);
    REQUIRE(queue.call.push.holder.id == 1);
    REQUIRE(queue.remove(1) == SLOTQ_OK);
    REQUIRE(queue.stats().used == 3001 - 1024);
    REQUIRE(queue.push(1025) == SLOTQ_OK); /* both groups had to move, no further than needed */
    REQUIRE(queue.stats().used == 3001 - 2048 + 1025);
    REQUIRE(queue.push(3001) == SLOTQ_FULL); /* as far as it helps */
    REQUIRE(queue.stats().used == 1025);
    REQUIRE(queue.push(3001 - 1025) == SLOTQ_OK);
}

TEST_CASE("bounds: DONE words ahead of the cursor are skipped 1024 a round")
{
    Queue queue = large(0, 0, 9001);
    push_many(queue, 8000);
    REQUIRE(queue.reserve(1, 900000) == SLOTQ_OK);
    for (uint64_t id = 79; id < 79 + 5000; id++) {
        REQUIRE(queue.remove(id) == SLOTQ_OK);
    }
    REQUIRE(queue.reserve(1) == SLOTQ_AGAIN);
    REQUIRE(queue.group(field::group_cursor) == queue.image.index_of(79 + 4096));
    REQUIRE(queue.reserve(1) == SLOTQ_OK);
    REQUIRE(queue.runs[0].id == 79 + 5000);
}

TEST_CASE("bounds: overwrite drops up to a call's worth at once, and counts what was unfinished")
{
    Queue queue(support::geometry(4097, 1, 3, SLOTQ_FLAG_OVERWRITE, 0, 0, 100));
    push_many(queue, 4096);
    for (uint32_t group = 0; group < 3; group++) {
        REQUIRE(queue.reserve(10 * (group + 1), 900000, group) == SLOTQ_OK);
        REQUIRE(queue.settle(SLOTQ_ACK, queue.runs, 0, group) == SLOTQ_OK);
    }
    push_many(queue, 4096);
    REQUIRE(queue.stats().dropped == 4086); /* ten were finished by all */
    REQUIRE(queue.stats().used == 4096);
    REQUIRE(queue.image.last_id() == 8192);
    for (uint32_t group = 0; group < 3; group++) {
        REQUIRE(queue.reserve(1, 900000, group) == SLOTQ_OK);
        REQUIRE(queue.runs[0].id == 4097);
    }
}
