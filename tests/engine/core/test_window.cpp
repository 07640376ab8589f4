/* test_window.cpp: the window of the ring: remove ahead of the cursor, overwrite, purge, status
 * and position, several groups at their own pace.
 */
#include "queue.hpp"

TEST_CASE("window: remove ahead of the cursor fills the gap, and stale words never come back")
{
    Queue queue(support::geometry(9, 3));
    REQUIRE(queue.push(8) == SLOTQ_OK);
    REQUIRE(queue.reserve(8) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_ACK, {{2, queue.runs[0].token, 7}}) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_ACK, 1, queue.runs[0].token) == SLOTQ_OK);
    REQUIRE(queue.push(8) == SLOTQ_OK); /* over words that still say acked */
    REQUIRE(queue.remove(14) == SLOTQ_OK);
    REQUIRE(queue.stats().used == 8);
    for (uint64_t id = 9; id < 14; id++) {
        REQUIRE(queue.status(id) == SLOTQ_OK);
        REQUIRE(queue.call.status.status.state == SLOTQ_STATE_READY);
        REQUIRE(queue.call.status.status.attempts == 0);
    }
    REQUIRE(queue.remove(11) == SLOTQ_OK);
    REQUIRE(queue.reserve(8) == SLOTQ_OK);
    REQUIRE(queue.runs.size() == 3); /* 9-10, 12-13, 15-16 */
    REQUIRE(queue.call.reserve.message_count == 6);
    REQUIRE(queue.settle(SLOTQ_ACK, queue.runs) == SLOTQ_OK);
    REQUIRE(queue.stats().used == 0);
}

TEST_CASE("window: remove at head moves on over what was removed ahead")
{
    Queue queue(support::geometry(9, 3, 2));
    REQUIRE(queue.push(5) == SLOTQ_OK);
    REQUIRE(queue.remove(2, 0) == SLOTQ_OK);
    REQUIRE(queue.remove(3, 0) == SLOTQ_OK);
    REQUIRE(queue.remove(1, 0) == SLOTQ_OK);
    REQUIRE(queue.group(field::group_head, 0) == queue.image.index_of(4));
    REQUIRE(queue.group(field::group_cursor, 0) == queue.image.index_of(4));
    REQUIRE(queue.status(3, 0) == SLOTQ_FINISHED);
    REQUIRE(queue.status(3, 1) == SLOTQ_OK);
    REQUIRE(queue.stats().used == 5);
    REQUIRE_REFUSED(queue, remove(3, 0), SLOTQ_GONE);
    REQUIRE(queue.remove(3) == SLOTQ_OK); /* the other group had it left */
    REQUIRE_REFUSED(queue, remove(3), SLOTQ_GONE);
}

TEST_CASE("window: remove for all is LEASED if any group holds it, and then changes nothing")
{
    Queue queue(support::geometry(9, 3, 3));
    REQUIRE(queue.push(2) == SLOTQ_OK);
    REQUIRE(queue.reserve(1, 1000, 2) == SLOTQ_OK);
    const uint32_t token = queue.runs[0].token;
    REQUIRE_REFUSED(queue, remove(1), SLOTQ_LEASED);
    REQUIRE_REFUSED(queue, remove(1, 2), SLOTQ_LEASED);
    REQUIRE(queue.remove(1, 0) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, remove(1), SLOTQ_LEASED);
    REQUIRE(queue.settle(SLOTQ_NACK, 1, token, 900, 2) == SLOTQ_OK);
    REQUIRE(queue.remove(1) == SLOTQ_OK);
    REQUIRE(queue.stats(2).waiting == 0);
    REQUIRE(queue.stats().used == 1);
}

TEST_CASE("window: overwrite drops the oldest, in every group, and counts what was unfinished")
{
    Queue queue(support::geometry(5, 3, 2, SLOTQ_FLAG_OVERWRITE, 0, 2));
    REQUIRE(queue.push(4) == SLOTQ_OK);
    REQUIRE(queue.reserve(3, 9000, 0) == SLOTQ_OK);
    const uint32_t token = queue.runs[0].token;
    REQUIRE(queue.settle(SLOTQ_ACK, 1, token) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_NACK, 3, token) == SLOTQ_OK);
    REQUIRE(queue.reserve(1, 9000, 1) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_ACK, 1, queue.runs[0].token, 0, 1) == SLOTQ_OK);
    REQUIRE(queue.push(3) == SLOTQ_OK); /* room for one, two are dropped: ids 2 and 3 */
    REQUIRE(queue.stats().dropped == 2);
    REQUIRE(queue.stats(0).leased == 0);
    REQUIRE(queue.stats(0).ready == 4);
    REQUIRE(queue.stats(1).ready == 4);
    REQUIRE_REFUSED(queue, settle(SLOTQ_ACK, 2, token), SLOTQ_GONE);
    REQUIRE_REFUSED(queue, status(3), SLOTQ_FINISHED);
    REQUIRE(queue.reserve(9, 9000, 0) == SLOTQ_OK);
    REQUIRE(queue.runs[0].id == 4);
    REQUIRE(queue.push(4) == SLOTQ_OK); /* all four, leased ones too */
    REQUIRE(queue.stats().dropped == 6);
    REQUIRE(queue.stats(0).leased == 0);
    REQUIRE_REFUSED(queue, push(5), SLOTQ_TOOBIG);
}

TEST_CASE("window: overwrite moves a running sweep and the place of retries along")
{
    Queue queue(support::geometry(61, 3, 1, SLOTQ_FLAG_OVERWRITE, 1, 60));
    REQUIRE(queue.push(60) == SLOTQ_OK);
    REQUIRE(queue.reserve(60, 100) == SLOTQ_OK);
    const uint32_t token = queue.runs[0].token;
    REQUIRE(queue.settle(SLOTQ_RELEASE, 1, token) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_RELEASE, 40, token) == SLOTQ_OK);
    queue.now_ms += 1000;
    REQUIRE(queue.reclaim() == SLOTQ_AGAIN);
    REQUIRE(queue.group(field::group_sweep) == queue.image.index_of(18));
    REQUIRE(queue.push(30) == SLOTQ_OK);
    REQUIRE(queue.group(field::group_sweep) == queue.image.index_of(31));
    REQUIRE(queue.group(field::group_retry_from) == queue.image.index_of(31));
    REQUIRE(queue.stats().dropped == 30 - 16);
    REQUIRE(queue.push(30) == SLOTQ_OK);
    REQUIRE(queue.group(field::group_sweep) == queue.image.index_of(61));
    REQUIRE(queue.group(field::group_retry_from) == queue.image.index_of(61));
    REQUIRE(queue.reserve(1) == SLOTQ_OK);
    REQUIRE(queue.runs[0].id == 61);
}

TEST_CASE("window: purge finishes everything in the ring and leaves the rest")
{
    Queue queue(support::geometry(6, 3, 2, 0, 0, 2));
    REQUIRE(queue.push(4) == SLOTQ_OK);
    REQUIRE(queue.reserve(3, 500, 0) == SLOTQ_OK);
    const uint32_t token = queue.runs[0].token;
    REQUIRE(queue.settle(SLOTQ_KILL, 1, token) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_ACK, 2, token) == SLOTQ_OK);
    REQUIRE(queue.plain(SLOTQ_PURGE) == SLOTQ_OK);
    for (const uint32_t group : {0u, 1u}) {
        const slotq_stats stats = queue.stats(group);
        REQUIRE(stats.used == 0);
        REQUIRE(stats.unfinished == 0);
        REQUIRE(stats.next_due_ms == 0);
        REQUIRE(queue.group(field::group_due, group) == support::u48_none);
        REQUIRE(stats.acked == (group == 0 ? 1 : 0));
        REQUIRE(stats.died == (group == 0 ? 1 : 0));
        REQUIRE(stats.dead == 1);
        REQUIRE(stats.last_id == 4);
    }
    REQUIRE_REFUSED(queue, settle(SLOTQ_ACK, 3, token), SLOTQ_GONE);
    REQUIRE(queue.push(5) == SLOTQ_OK);
    REQUIRE(queue.call.push.first_id == 5);
}

TEST_CASE("window: position tells how many stand before, at most")
{
    Queue queue(support::geometry(12, 3));
    REQUIRE(queue.push(10) == SLOTQ_OK);
    REQUIRE(queue.reserve(6, 5000) == SLOTQ_OK);
    const uint32_t token = queue.runs[0].token;
    const auto position = [&](uint64_t id) {
        REQUIRE_REFUSED(queue, status(id), SLOTQ_OK);
        return queue.call.status.status.position;
    };
    REQUIRE(position(1) == 0); /* leased */
    REQUIRE(position(7) == 0); /* next */
    REQUIRE(position(10) == 3);
    REQUIRE(queue.settle(SLOTQ_NACK, {{2, token, 2}}) == SLOTQ_OK);
    REQUIRE(position(2) == 0);
    REQUIRE(position(3) == 1);
    REQUIRE(position(7) == 2);
    REQUIRE(queue.settle(SLOTQ_NACK, 5, token, 900) == SLOTQ_OK);
    REQUIRE(position(5) == 2);
    REQUIRE(queue.settle(SLOTQ_NACK, 1, token, 900) == SLOTQ_OK);
    REQUIRE(position(1) == 0);
    REQUIRE(queue.settle(SLOTQ_ACK, 4, token) == SLOTQ_OK);
    REQUIRE(position(4) == 0);
}

TEST_CASE("window: stats and status tell push times with stamps, 0 without")
{
    for (const uint32_t flags : {0u, uint32_t{SLOTQ_FLAG_STAMPS}}) {
        Queue queue(support::geometry(6, 3, 1, flags));
        REQUIRE(queue.stats().oldest_ms == 0);
        queue.now_ms = 1234567;
        REQUIRE(queue.push(1) == SLOTQ_OK);
        queue.now_ms += 5000;
        REQUIRE(queue.push(1) == SLOTQ_OK);
        REQUIRE(queue.stats().oldest_ms == (flags != 0 ? 1234500 : 0));
        REQUIRE(queue.status(2) == SLOTQ_OK);
        REQUIRE(queue.call.status.status.pushed_ms == (flags != 0 ? 1239500 : 0));
    }
}

TEST_CASE("window: groups go at their own pace; the ring waits for the last")
{
    Queue queue(support::geometry(4, 3, 16));
    REQUIRE(queue.push(3) == SLOTQ_OK);
    for (uint32_t group = 0; group < 16; group++) {
        REQUIRE_REFUSED(queue, push(1), SLOTQ_FULL);
        REQUIRE(queue.call.push.holder.group == group);
        REQUIRE(queue.reserve(3, 1000, group) == SLOTQ_OK);
        REQUIRE(queue.settle(SLOTQ_ACK, queue.runs, 0, group) == SLOTQ_OK);
        REQUIRE(queue.stats(group).acked == 3);
    }
    REQUIRE(queue.stats().used == 0);
    REQUIRE(queue.push(3) == SLOTQ_OK);
    REQUIRE(queue.remove(5) == SLOTQ_OK); /* sixteen groups in one step */
    REQUIRE(queue.image.steps() == 1);
    REQUIRE(queue.plain(SLOTQ_PURGE) == SLOTQ_OK);
    REQUIRE(queue.image.steps() == 1);
}
