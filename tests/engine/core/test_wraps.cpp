/* test_wraps.cpp: what happens where a counter comes round: the ring, the halves of an id, the
 * end of ids, the 24 bits of a tick, 63 attempts, the counters; and a clock that jumps.
 */
#include "queue.hpp"

namespace
{

constexpr uint64_t half = UINT64_C(1) << 31;
constexpr uint64_t ticks_2_23 = UINT64_C(1) << 23;
constexpr uint64_t ticks_2_24 = UINT64_C(1) << 24;

/* A round of push, reserve, nack, reserve, ack with a payload that tells the id. */
void cycle(Queue &queue, uint64_t id)
{
    const std::string payload = std::to_string(id % 1000);
    REQUIRE(queue.push(1, payload) == SLOTQ_OK);
    REQUIRE(queue.call.push.first_id == id);
    REQUIRE(queue.reserve(1, 1000) == SLOTQ_OK);
    REQUIRE(queue.runs[0].id == id);
    REQUIRE(queue.settle(SLOTQ_NACK, id, queue.runs[0].token) == SLOTQ_OK);
    REQUIRE(queue.reserve(1, 1000) == SLOTQ_OK);
    REQUIRE(queue.runs[0].id == id);
    REQUIRE(queue.payload(slotq_core_slot_offset(&queue.image.view(), id)) == payload);
    REQUIRE(queue.settle(SLOTQ_ACK, id, queue.runs[0].token) == SLOTQ_OK);
    REQUIRE(queue.status(id) == SLOTQ_FINISHED);
}

} // namespace

TEST_CASE("wraps: the tail comes round at every ring size, batch and start")
{
    for (uint32_t slots = 2; slots <= 9; slots++) {
        for (uint32_t start = 0; start < slots; start++) {
            for (uint32_t batch = 1; batch < slots; batch++) {
                Queue queue(support::geometry(slots, 3, 1, SLOTQ_FLAG_CHECKS));
                queue.image.start_at(1000, start);
                for (uint32_t round = 0; round < 3; round++) {
                    CAPTURE(slots, start, batch, round);
                    REQUIRE(queue.push(batch, "xy") == SLOTQ_OK);
                    REQUIRE(queue.reserve(batch) == SLOTQ_OK);
                    REQUIRE(queue.runs.size() == 1);
                    REQUIRE(queue.runs[0].id == 1001 + round * batch);
                    REQUIRE(queue.runs[0].count == batch);
                    REQUIRE(queue.settle(SLOTQ_EXTEND, queue.runs, 20000) == SLOTQ_OK);
                    queue.runs[0].token = queue.tokens[0];
                    REQUIRE(queue.settle(SLOTQ_ACK, queue.runs) == SLOTQ_OK);
                    REQUIRE(queue.stats().used == 0);
                }
            }
        }
    }
}

TEST_CASE("wraps: last_id crosses 2^31, 2^32 and more, one by one and in a batch")
{
    for (const uint64_t mark : {half, 2 * half, 3 * half, 1000 * half, 1001 * half}) {
        Queue queue(support::geometry(7, 5, 1, SLOTQ_FLAG_STAMPS));
        queue.image.start_at(mark - 4, 5);
        for (uint64_t id = mark - 3; id < mark + 4; id++) {
            CAPTURE(mark, id);
            cycle(queue, id);
            REQUIRE(queue.image.get(field::shared_era) == id >> 31);
            REQUIRE(queue.image.get(field::header_last_id) == (id & 0xFFFFFFFF));
        }
        queue.image.start_at(mark - 3, 5);
        REQUIRE(queue.push(6) == SLOTQ_OK);
        REQUIRE_FALSE(queue.image.journalled()); /* one 8-byte store, then the era */
        REQUIRE(queue.call.push.first_id == mark - 2);
        REQUIRE(queue.image.last_id() == mark + 3);
        REQUIRE(queue.reserve(6) == SLOTQ_OK);
        REQUIRE(queue.status(mark) == SLOTQ_OK);
        REQUIRE(queue.settle(SLOTQ_ACK, queue.runs) == SLOTQ_OK);
    }
}

TEST_CASE("wraps: a crossing that was interrupted is read right and mended by the next write")
{
    for (const uint64_t mark : {half, 2 * half, 5 * half}) {
        Queue queue(support::geometry(7, 5, 1, 0, 0, 2));
        queue.image.start_at(mark - 2, 5);
        REQUIRE(queue.push(4) == SLOTQ_OK);
        const uint64_t era = queue.image.get(field::shared_era);
        queue.image.set(field::shared_era, era - 1); /* the header stored, the era not */
        const support::Bytes torn = queue.image.bytes();
        CAPTURE(mark);
        REQUIRE(queue.image.check().empty());
        REQUIRE(queue.image.last_id() == mark + 2);
        REQUIRE_REFUSED(queue, status(mark + 2), SLOTQ_OK);
        REQUIRE_REFUSED(queue, status(mark + 3), SLOTQ_NOTFOUND);
        REQUIRE(queue.stats().last_id == mark + 2);
        REQUIRE(queue.reserve(4) == SLOTQ_OK);
        REQUIRE(queue.runs[0].id == mark - 1);
        REQUIRE(queue.image.get(field::shared_era) == era);
        REQUIRE(queue.settle(SLOTQ_KILL, mark, queue.runs[0].token) == SLOTQ_OK);
        REQUIRE(queue.look(SLOTQ_DEAD_LIST) == SLOTQ_OK);
        REQUIRE(queue.items[0].id == mark);

        queue.image = support::Image(torn);
        queue.image.check_each_step(true);
        REQUIRE(queue.push(1) == SLOTQ_OK);
        REQUIRE(queue.call.push.first_id == mark + 3);
        REQUIRE(queue.image.get(field::shared_era) == era);

        queue.image = support::Image(torn);
        REQUIRE(queue.plain(SLOTQ_PURGE) == SLOTQ_OK);
        REQUIRE(queue.image.get(field::shared_era) == era);
        REQUIRE(queue.image.last_id() == mark + 2);
    }
}

TEST_CASE("wraps: ids end at 2^47 - 1, then FULL, overwrite or not")
{
    for (const uint32_t flags : {0u, uint32_t{SLOTQ_FLAG_OVERWRITE}}) {
        Queue queue(support::geometry(7, 5, 1, flags, 0, 2));
        queue.image.start_at(SLOTQ_ID_MAX - 3, 2);
        REQUIRE(queue.push(1) == SLOTQ_OK);
        REQUIRE_REFUSED(queue, push(3), SLOTQ_FULL);
        REQUIRE(queue.call.push.holder.id == SLOTQ_ID_MAX - 2);
        REQUIRE(queue.push(2) == SLOTQ_OK);
        REQUIRE(queue.image.last_id() == SLOTQ_ID_MAX);
        REQUIRE_REFUSED(queue, push(1), SLOTQ_FULL);
        REQUIRE_REFUSED(queue, push(1, "", true), SLOTQ_FULL);
        REQUIRE(queue.reserve(2) == SLOTQ_OK);
        REQUIRE(queue.settle(SLOTQ_KILL, queue.runs) == SLOTQ_OK);
        REQUIRE_REFUSED(queue, redrive(1), SLOTQ_FULL);
        REQUIRE(queue.status(SLOTQ_ID_MAX) == SLOTQ_OK);
        REQUIRE_REFUSED(queue, status(SLOTQ_ID_MAX + 1), SLOTQ_NOTFOUND);
        REQUIRE_REFUSED(queue, status(UINT64_MAX), SLOTQ_NOTFOUND);
    }
}

TEST_CASE("wraps: deadlines across multiples of 2^24 ticks")
{
    for (const uint64_t lap : {1u, 2u, 77u}) {
        for (uint64_t before = 0; before < 12; before++) {
            Queue queue(support::geometry(7, 5, 1, 0, 0, 0, 10));
            queue.now_ms = (lap * ticks_2_24 - before) * 10;
            CAPTURE(lap, before);
            REQUIRE(queue.push(3) == SLOTQ_OK);
            REQUIRE(queue.reserve(1, 50) == SLOTQ_OK);
            REQUIRE(queue.reserve(1, 90) == SLOTQ_OK);
            const slotq_run second = queue.runs[0];
            REQUIRE(queue.reserve(1, (ticks_2_23 - 1) * 10) == SLOTQ_OK);
            REQUIRE(queue.status(2) == SLOTQ_OK);
            REQUIRE(queue.call.status.status.deadline_ms == queue.now_ms + 90);
            REQUIRE(queue.status(3) == SLOTQ_OK);
            REQUIRE(queue.call.status.status.deadline_ms == queue.now_ms + (ticks_2_23 - 1) * 10);
            queue.now_ms += 49;
            REQUIRE(queue.reserve(3) == SLOTQ_EMPTY);
            REQUIRE(queue.call.reserve.next_due_ms == queue.now_ms + 1);
            queue.now_ms += 1;
            REQUIRE(queue.reserve(3) == SLOTQ_OK);
            REQUIRE(queue.runs[0].id == 1);
            REQUIRE(queue.call.reserve.message_count == 1);
            REQUIRE(queue.settle(SLOTQ_NACK, 2, second.token, 30) == SLOTQ_OK);
            queue.now_ms += 29;
            REQUIRE(queue.reserve(3) == SLOTQ_EMPTY);
            queue.now_ms += 1;
            REQUIRE(queue.reserve(3) == SLOTQ_OK);
            REQUIRE(queue.runs[0].id == 2);
        }
    }
}

TEST_CASE("wraps: a deadline is never early and at most a tick late")
{
    for (const uint32_t tick_ms : {1u, 7u, 100u, 60000u}) {
        for (uint64_t lease_ms = 1; lease_ms < 3 * tick_ms + 2; lease_ms += 1 + tick_ms / 5) {
            Queue queue(support::geometry(3, 5, 1, 0, 0, 0, tick_ms));
            queue.now_ms = 1000003;
            REQUIRE(queue.push(1) == SLOTQ_OK);
            REQUIRE(queue.reserve(1, lease_ms) == SLOTQ_OK);
            REQUIRE(queue.status(1) == SLOTQ_OK);
            const uint64_t deadline_ms = queue.call.status.status.deadline_ms;
            CAPTURE(tick_ms, lease_ms, deadline_ms);
            REQUIRE(deadline_ms >= queue.now_ms + lease_ms);
            REQUIRE(deadline_ms < queue.now_ms + lease_ms + tick_ms);
            queue.now_ms = deadline_ms - 1;
            REQUIRE(queue.reserve(1) == SLOTQ_EMPTY);
            queue.now_ms = deadline_ms;
            REQUIRE(queue.reserve(1) == SLOTQ_OK);
        }
    }
}

TEST_CASE("wraps: attempts stay at 63 where there is no limit")
{
    Queue queue(support::geometry(3, 5, 1, 0, 0, 2));
    REQUIRE(queue.push(1) == SLOTQ_OK);
    for (uint32_t attempt = 1; attempt <= 70; attempt++) {
        queue.now_ms += 100;
        REQUIRE(queue.reserve(1, 100) == SLOTQ_OK);
        REQUIRE(queue.status(1) == SLOTQ_OK);
        REQUIRE(queue.call.status.status.attempts == (attempt < 63 ? attempt : 63));
        if (attempt < 70) {
            REQUIRE(queue.settle(SLOTQ_NACK, 1, queue.runs[0].token) == SLOTQ_OK);
        }
    }
    REQUIRE(queue.settle(SLOTQ_RELEASE, 1, queue.runs[0].token) == SLOTQ_OK);
    REQUIRE(queue.status(1) == SLOTQ_OK);
    REQUIRE(queue.call.status.status.attempts == 62);
    REQUIRE(queue.reserve(1, 100) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_KILL, 1, queue.runs[0].token) == SLOTQ_OK);
    REQUIRE(queue.look(SLOTQ_DEAD_LIST) == SLOTQ_OK);
    REQUIRE(queue.items[0].attempts == 63);
}

TEST_CASE("wraps: 62 attempts are a limit that is kept")
{
    Queue queue(support::geometry(3, 5, 1, 0, 62, 2));
    REQUIRE(queue.push(1) == SLOTQ_OK);
    for (uint32_t attempt = 1; attempt <= 62; attempt++) {
        queue.now_ms += 200;
        REQUIRE(queue.stats().dead == 0);
        REQUIRE(queue.reserve(1, 100) == SLOTQ_OK);
    }
    REQUIRE(queue.settle(SLOTQ_NACK, 1, queue.runs[0].token) == SLOTQ_OK);
    REQUIRE(queue.stats().dead == 1);
}

TEST_CASE("wraps: counters come round to 0")
{
    Queue queue(support::geometry(3, 5, 1, SLOTQ_FLAG_OVERWRITE, 0, 0));
    for (const support::Field counter :
         {field::group_acked, field::group_redelivered, field::group_died}) {
        queue.image.set(counter, 0, UINT32_MAX);
    }
    queue.image.set(field::shared_dropped, UINT32_MAX);
    queue.image.set(field::shared_dead_dropped, UINT32_MAX);
    queue.image.set(field::shared_wake, UINT32_MAX);
    REQUIRE(queue.push(2) == SLOTQ_OK);
    REQUIRE(queue.image.get(field::shared_wake) == 6); /* bit 0 cleared, then 8 added */
    REQUIRE(queue.reserve(1) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_NACK, queue.runs) == SLOTQ_OK);
    REQUIRE(queue.reserve(2) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_ACK, 1, queue.runs[0].token) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_KILL, 2, queue.runs[1].token) == SLOTQ_OK);
    REQUIRE(queue.push(2) == SLOTQ_OK);
    REQUIRE(queue.push(1) == SLOTQ_OK);
    const slotq_stats stats = queue.stats();
    REQUIRE(stats.acked == 0);
    REQUIRE(stats.redelivered == 0);
    REQUIRE(stats.died == 0);
    REQUIRE(stats.dropped == 0);
    REQUIRE(stats.dead_dropped == 0);
}
