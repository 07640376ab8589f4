/* test_aside_verbs.cpp: each verb on messages that lie aside (FORMAT.md, "reserve", "settle",
 * "Sweep" and on).
 */
#include "aside.hpp"

using namespace aside;

/* ---- settling ---- */

TEST_CASE("aside: runs that go over ids aside, finished ones and the ring")
{
    Queue queue(shape(8, 4));
    const uint32_t token = put_aside(queue, 3);
    REQUIRE(queue.settle(SLOTQ_ACK, 2, token) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_ACK, {{0, token, 5}}) == SLOTQ_NOTFOUND);
    REQUIRE(queue.call.settle.ok_count == 2);
    const std::vector<uint8_t> expected = {SLOTQ_NOTFOUND, SLOTQ_OK, SLOTQ_GONE, SLOTQ_OK,
                                           SLOTQ_GONE};
    REQUIRE(std::equal(expected.begin(), expected.end(), queue.outcomes.begin()));
    REQUIRE(queue.image.aside_count() == 0);
    REQUIRE(queue.stats().unfinished == 1);
}

TEST_CASE("aside: an ack is the same without outcome bytes")
{
    Queue queue(shape(8, 4, 2));
    const uint32_t token = put_aside(queue, 2);
    REQUIRE(plain_ack(queue, 1, token ^ 0x100) == SLOTQ_STALE);
    REQUIRE(plain_ack(queue, 1, token) == SLOTQ_OK);
    REQUIRE(queue.aside_ids() == ids{1, 2});
    REQUIRE(queue.word(1) == 3);
    REQUIRE(plain_ack(queue, 1, token) == SLOTQ_GONE);
    REQUIRE(plain_ack(queue, 1, token, 1) == SLOTQ_OK);
    REQUIRE(queue.aside_ids() == ids{2});
    REQUIRE(queue.stats(0).leased == 1);
    REQUIRE(queue.stats(1).leased == 1);
}

TEST_CASE("aside: nack, release, extend and kill on a message there")
{
    Queue queue(shape(8, 4, 1, SLOTQ_FLAG_STAMPS, 3, 4));
    const uint32_t token = put_aside(queue, 4);
    const uint64_t last = queue.image.last_id();
    const uint64_t retry_from = queue.group(field::group_retry_from);
    REQUIRE(queue.settle(SLOTQ_NACK, 1, token) == SLOTQ_OK);
    REQUIRE(queue.word(1) == (token & ~3u));
    REQUIRE(queue.settle(SLOTQ_RELEASE, 2, token) == SLOTQ_OK);
    REQUIRE(queue.word(2) == (token & ~7u));
    REQUIRE(queue.group(field::group_retry_from) == retry_from); /* of the ring only */
    REQUIRE(queue.stats().ready == 3);
    REQUIRE(queue.settle(SLOTQ_NACK, 3, token, 4000) == SLOTQ_OK);
    REQUIRE(queue.status(3) == SLOTQ_OK);
    REQUIRE(queue.call.status.status.deadline_ms == queue.now_ms + 4000);
    REQUIRE(queue.group(field::group_due) == (queue.now_ms + 4000) / 100);
    REQUIRE(queue.settle(SLOTQ_EXTEND, 4, token, 2000) == SLOTQ_OK);
    REQUIRE(queue.tokens[0] == queue.word(4));
    REQUIRE(queue.group(field::group_due) == (queue.now_ms + 2000) / 100);
    REQUIRE(queue.settle(SLOTQ_KILL, 4, queue.tokens[0], 0, 0, 42) == SLOTQ_OK);
    REQUIRE(queue.aside_ids() == ids{1, 2, 3});
    REQUIRE(queue.look(SLOTQ_DEAD_LIST) == SLOTQ_OK);
    REQUIRE(queue.items[0].id == 4);
    REQUIRE(queue.items[0].reason == 42);
    REQUIRE(queue.payload(queue.items[0].slot_offset) == "abc"); /* copied from there */
    REQUIRE(queue.image.last_id() == last);
    REQUIRE(queue.settle(SLOTQ_NACK, {{1, token, 4}}) == SLOTQ_STALE);
}

TEST_CASE("aside: a nack at max_attempts dies from there")
{
    Queue queue(shape(8, 4, 2, 0, 1, 1));
    const uint32_t token = put_aside(queue, 2);
    REQUIRE(queue.settle(SLOTQ_NACK, 1, token, 0, 0, 9) == SLOTQ_OK);
    REQUIRE(queue.call.settle.dead_count == 1);
    REQUIRE(queue.word(1, 0) == 0x103);
    REQUIRE(queue.aside_ids() == ids{1, 2}); /* group 1 has it still */
    REQUIRE_REFUSED(queue, settle(SLOTQ_NACK, 1, token, 0, 1, 9), SLOTQ_DEADFULL);
    REQUIRE_REFUSED(queue, settle(SLOTQ_KILL, 2, token, 0, 0, 9), SLOTQ_DEADFULL);
    REQUIRE(queue.plain(SLOTQ_DEAD_PURGE) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_NACK, 1, token, 0, 1, 9) == SLOTQ_OK);
    REQUIRE(queue.aside_ids() == ids{2});
}

/* ---- reserving ---- */

TEST_CASE("aside: what is READY there goes first, each as one run")
{
    Queue queue(shape(12, 6));
    uint32_t token = put_aside(queue, 4);
    REQUIRE(queue.push(3) == SLOTQ_OK);
    const uint64_t last = queue.image.last_id();
    REQUIRE(queue.reserve(2, long_ms) == SLOTQ_OK); /* the ring's first two */
    const slotq_run ring = queue.runs[0];
    REQUIRE(ring.id == last - 3);
    REQUIRE(queue.settle(SLOTQ_NACK, queue.runs) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_NACK, {{1, token, 4}}) == SLOTQ_OK);
    REQUIRE(queue.reserve(2, long_ms + 100) == SLOTQ_OK);
    REQUIRE(queue.runs.size() == 2);
    REQUIRE(queue.runs[0].id == 1);
    REQUIRE(queue.runs[1].id == 2);
    REQUIRE(queue.runs[0].count == 1);
    REQUIRE(queue.reserve(12, long_ms + 100) == SLOTQ_OK);
    REQUIRE(queue.runs.size() == 4); /* 3, 4, the ring's two, the new two */
    REQUIRE(queue.runs[0].id == 3);
    REQUIRE(queue.runs[1].id == 4);
    REQUIRE(queue.runs[2].id == ring.id);
    REQUIRE(queue.runs[2].count == 2);
    REQUIRE(queue.runs[3].count == 2);
    REQUIRE(queue.stats().redelivered == 6);
    REQUIRE(queue.stats().ready == 0);
    REQUIRE((queue.word(1) >> 2 & 63) == 2);
}

TEST_CASE("aside: retries of the ring are not looked for where only those aside are READY")
{
    Queue queue(shape(12, 6));
    const uint32_t token = put_aside(queue, 2);
    REQUIRE(queue.settle(SLOTQ_NACK, {{1, token, 2}}) == SLOTQ_OK);
    REQUIRE(queue.reserve(3, long_ms + 100) == SLOTQ_OK);
    REQUIRE(queue.runs.size() == 3);
    REQUIRE(queue.runs[2].id == queue.image.last_id());
    REQUIRE(queue.group(field::group_ready_behind) == 0);
    REQUIRE(queue.group(field::group_retry_from) == queue.group(field::group_cursor));
}

TEST_CASE("aside: what the token rule leaves there holds nothing else up")
{
    Queue queue(shape(12, 6, 1, 0, 0, 0, 1));
    const uint32_t token = put_aside(queue, 2);
    REQUIRE(queue.settle(SLOTQ_NACK, {{1, token, 2}}) == SLOTQ_OK);
    REQUIRE(queue.push(1) == SLOTQ_OK);
    const uint64_t last = queue.image.last_id();
    REQUIRE(queue.reserve(1, 1000) == SLOTQ_OK); /* 1 */
    REQUIRE(queue.runs[0].id == 1);
    const uint64_t lease = 3000;
    queue.image.set_aside_word(0, 1,
                               support::word(SLOTQ_STATE_READY, 1, queue.now_ms + lease + 4095));
    REQUIRE(queue.reserve(1, lease) == SLOTQ_OK); /* 2 is left, what is new follows */
    REQUIRE(queue.runs[0].id == last - 1);
    REQUIRE(queue.settle(SLOTQ_NACK, queue.runs) == SLOTQ_OK);
    REQUIRE(queue.reserve(3, lease) == SLOTQ_OK); /* the ring's retry and the new one */
    REQUIRE(queue.runs.size() == 2);
    REQUIRE(queue.group(field::group_ready_behind) == 1);
    REQUIRE(queue.group(field::group_retry_from) == queue.image.index_of(last));
    REQUIRE(queue.reserve(3, lease) == SLOTQ_AGAIN);
    REQUIRE(queue.call.reserve.next_due_ms == queue.now_ms + 1);
    REQUIRE((queue.word(2) & 3) == SLOTQ_STATE_READY);
    queue.now_ms += 1;
    REQUIRE(queue.reserve(3, lease) == SLOTQ_OK);
    REQUIRE(queue.runs[0].id == 2);
    REQUIRE(queue.group(field::group_ready_behind) == 0);
}

TEST_CASE("aside: words aside count in the 1024 of a search and of a sweep round")
{
    Queue queue(shape(3001, 3));
    queue.image.check_each_step(false);
    REQUIRE(queue.push(3000) == SLOTQ_OK);
    REQUIRE(queue.reserve(3000, long_ms) == SLOTQ_OK);
    const uint32_t token = queue.runs[0].token;
    REQUIRE(queue.settle(SLOTQ_ACK, {{4, token, 1000}}) == SLOTQ_OK);
    REQUIRE(queue.push(1002) == SLOTQ_OK); /* 1, 2 and 3 step aside, 1004 to 3000 stay */
    REQUIRE(queue.aside_ids() == ids{1, 2, 3});
    REQUIRE(queue.settle(SLOTQ_NACK, {{2, token, 1}, {3000, token, 1}}) == SLOTQ_OK);
    SECTION("search")
    {
        REQUIRE(queue.settle(SLOTQ_NACK, {{1004, token, 1}}) == SLOTQ_OK);
        REQUIRE(queue.reserve(3, long_ms + 100) == SLOTQ_OK);
        REQUIRE(queue.call.reserve.message_count == 2);
        REQUIRE(queue.runs[0].id == 2);
        REQUIRE(queue.runs[1].id == 1004);
        REQUIRE(queue.group(field::group_retry_from) == queue.image.index_of(1004 + 1024 - 3));
    }
    SECTION("sweep")
    {
        queue.now_ms += long_ms + 100;
        REQUIRE(queue.reclaim() == SLOTQ_AGAIN);
        REQUIRE(queue.call.reclaim.ready_count == 2 + 1024 - 3);
        REQUIRE(queue.group(field::group_sweep) == queue.image.index_of(1004 + 1024 - 3));
        REQUIRE(queue.reclaim() == SLOTQ_OK);
        REQUIRE(queue.call.reclaim.ready_count == 2000 - 1024 + 3 - 4);
    }
}

/* ---- sweeping ---- */

TEST_CASE("aside: leases and delays end there")
{
    Queue queue(shape(12, 6));
    const uint32_t token = put_aside(queue, 3, 1000);
    REQUIRE(queue.settle(SLOTQ_NACK, 1, token, 5000) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_EXTEND, 2, token, 7000) == SLOTQ_OK);
    const uint64_t start = queue.now_ms;
    queue.now_ms += 1000;
    REQUIRE(queue.reclaim() == SLOTQ_OK);
    REQUIRE(queue.call.reclaim.ready_count == 1);
    REQUIRE(queue.word(3) == (token & ~3u));
    REQUIRE(queue.group(field::group_due) == (start + 5000) / 100);
    queue.now_ms = start + 7000;
    REQUIRE(queue.reclaim() == SLOTQ_OK);
    REQUIRE(queue.call.reclaim.ready_count == 2);
    REQUIRE(queue.group(field::group_due) == support::u48_none);
    REQUIRE(queue.reserve(2, long_ms) == SLOTQ_OK);
    REQUIRE(queue.runs[0].id == 1);
    REQUIRE(queue.runs[1].id == 2);
}

TEST_CASE("aside: a sweep is not over while words there are unread")
{
    for (const uint32_t count : {15u, 16u, 17u, 20u, 32u, 33u}) {
        Queue queue(shape(64, 40, 1, 0, 1, 100));
        put_aside(queue, count, 500);
        REQUIRE(queue.remove(queue.image.last_id()) == SLOTQ_OK); /* an empty ring */
        REQUIRE(queue.stats().used == 0);
        queue.now_ms += 600;
        CAPTURE(count);
        uint32_t left = count;
        for (; left > 16; left -= 16) {
            REQUIRE(queue.reclaim() == SLOTQ_AGAIN);
            REQUIRE(queue.call.reclaim.dead_count == 16);
            REQUIRE(queue.group(field::group_sweep) == queue.group(field::group_cursor));
            REQUIRE(queue.image.aside_count() == left - 16);
        }
        REQUIRE(queue.reclaim() == SLOTQ_OK);
        REQUIRE(queue.call.reclaim.dead_count == left);
        REQUIRE(queue.group(field::group_sweep) == support::sweep_none);
        REQUIRE(queue.group(field::group_due) == support::u48_none);
        REQUIRE(queue.image.aside_count() == 0);
        REQUIRE(queue.stats().dead == count);
    }
}

TEST_CASE("aside: the 16th burial leaves the sweep running though no deadline lives")
{
    Queue queue(shape(64, 40, 1, 0, 1, 100));
    const uint32_t token = put_aside(queue, 17, 500);
    REQUIRE(queue.settle(SLOTQ_RELEASE, 17, token) == SLOTQ_OK);
    REQUIRE(queue.remove(queue.image.last_id()) == SLOTQ_OK);
    queue.now_ms += 600;
    REQUIRE(queue.reclaim() == SLOTQ_AGAIN);
    REQUIRE(queue.call.reclaim.dead_count == 16);
    REQUIRE(queue.group(field::group_sweep) == queue.group(field::group_cursor));
    REQUIRE(queue.reclaim() == SLOTQ_OK);
    REQUIRE(queue.aside_ids() == ids{17});
}

TEST_CASE("aside: the ring waits until what is there is swept")
{
    Queue queue(shape(64, 40, 1, 0, 1, 100));
    put_aside(queue, 20, 500);
    REQUIRE(queue.reserve(1, 500) == SLOTQ_OK);
    REQUIRE(queue.push(2) == SLOTQ_OK);
    REQUIRE(queue.reserve(2, 500) == SLOTQ_OK);
    queue.now_ms += 600;
    REQUIRE(queue.reclaim() == SLOTQ_AGAIN);
    REQUIRE(queue.call.reclaim.dead_count == 16);
    REQUIRE(queue.group(field::group_sweep) == queue.group(field::group_head));
    REQUIRE(queue.aside_ids() == ids{17, 18, 19, 20});
    REQUIRE(queue.reclaim() == SLOTQ_OK); /* four there, three in the ring */
    REQUIRE(queue.call.reclaim.dead_count == 7);
    REQUIRE(queue.stats().used == 0);
    REQUIRE(queue.stats().dead == 23);
    for (uint32_t i = 0; i < 20; i++) {
        const uint8_t *dead = queue.image.data() + queue.image.dead_offset(i);
        REQUIRE(support::load(dead, 6) == i + 1);
    }
}

TEST_CASE("aside: a whole sweep looks at all there, and leaves what it may not bury a tick")
{
    Queue queue(shape(64, 40, 1, 0, 1, 100));
    put_aside(queue, 20, 500);
    queue.now_ms += UINT64_C(100) * (1u << 23);
    REQUIRE(queue.reclaim() == SLOTQ_OK);
    REQUIRE(queue.call.reclaim.dead_count == 16);
    REQUIRE(queue.aside_ids() == ids{17, 18, 19, 20});
    REQUIRE(queue.group(field::group_waiting) == 4);
    REQUIRE(queue.group(field::group_due) == queue.tick() + 1);
    REQUIRE((queue.word(17) & 3) == SLOTQ_STATE_WAITING);
    queue.now_ms += 100;
    REQUIRE(queue.reclaim() == SLOTQ_OK);
    REQUIRE(queue.call.reclaim.dead_count == 4);
    REQUIRE(queue.group(field::group_due) == support::u48_none);
}

TEST_CASE("aside: an extend that sweeps whole leaves the message that it names")
{
    Queue queue(shape(8, 4));
    const uint32_t token = put_aside(queue, 2, 500);
    queue.now_ms += UINT64_C(100) * (1u << 23);
    REQUIRE(queue.settle(SLOTQ_EXTEND, 2, token, 1000) == SLOTQ_OK);
    REQUIRE((queue.word(1) & 3) == SLOTQ_STATE_READY);
    REQUIRE(queue.word(2) == queue.tokens[0]);
    REQUIRE(queue.group(field::group_due) == queue.tick() + 1); /* a sweep comes in any case */
    REQUIRE(queue.settle(SLOTQ_ACK, 2, queue.tokens[0]) == SLOTQ_OK);
}

TEST_CASE("aside: a nack that sweeps whole into a full dead section leaves the message WAITING")
{
    Queue queue(shape(8, 4, 1, 0, 1, 1));
    const uint32_t token = put_aside(queue, 2, 500);
    REQUIRE(queue.settle(SLOTQ_KILL, 1, token) == SLOTQ_OK);
    queue.now_ms += UINT64_C(100) * (1u << 23);
    REQUIRE(queue.settle(SLOTQ_NACK, 2, token, 1000) == SLOTQ_DEADFULL);
    REQUIRE(queue.aside_ids() == ids{2});
    REQUIRE(queue.status(2) == SLOTQ_OK);
    REQUIRE(queue.call.status.status.state == SLOTQ_STATE_WAITING);
    REQUIRE(queue.call.status.status.deadline_ms == queue.now_ms + 60000);
}

TEST_CASE("aside: a full dead section lets its messages step aside, and the queue goes on")
{
    Queue queue(shape(8, 2, 1, 0, 1, 1));
    REQUIRE(queue.push(1) == SLOTQ_OK);
    REQUIRE(queue.reserve(1, 500) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_KILL, queue.runs) == SLOTQ_OK); /* the one place is taken */
    hold(queue, 3, 500);
    queue.now_ms += 600;
    REQUIRE(queue.reclaim() == SLOTQ_OK);
    REQUIRE(queue.stats().waiting == 3);
    REQUIRE(queue.push(1) == SLOTQ_OK);
    REQUIRE(queue.push(1) == SLOTQ_OK);
    REQUIRE(queue.image.aside_count() == 2);
    REQUIRE_REFUSED(queue, push(1), SLOTQ_FULL);
    REQUIRE(queue.plain(SLOTQ_DEAD_PURGE) == SLOTQ_OK);
    queue.now_ms += 60000;
    REQUIRE(queue.reclaim() == SLOTQ_OK); /* one place: the first dies, two wait */
    REQUIRE(queue.call.reclaim.dead_count == 1);
    REQUIRE(queue.image.aside_count() == 1);
    REQUIRE(queue.word(3) >> 2 == queue.word(4) >> 2);
    REQUIRE(queue.push(1) == SLOTQ_OK);
}
