/* test_limit.cpp: the limits of a group: messages in flight, and a rate (FORMAT.md,
 * "Limits"). Knows bytes and verbs.
 */
#include "queue.hpp"

namespace
{

constexpr uint64_t second_us = 1000000;
constexpr uint64_t hour_ms = UINT64_C(3600) * 1000;
constexpr uint64_t day_ms = 24 * hour_ms;

Queue queue_of(uint32_t messages, uint32_t max_attempts = 0, uint32_t dead_slots = 0)
{
    Queue queue(support::geometry(1001, 5, 2, 0, max_attempts, dead_slots, 100));
    if (messages > 0) {
        REQUIRE(queue.push(messages) == SLOTQ_OK);
    }
    return queue;
}

uint32_t taken(Queue &queue, uint32_t limit = 4096)
{
    const slotq_outcome outcome = queue.reserve(limit, 10000);
    REQUIRE((outcome == SLOTQ_OK || outcome == SLOTQ_LIMITED));
    return queue.call.reserve.message_count;
}

} // namespace

TEST_CASE("limit: reserve gives no more than max_leased at a time")
{
    Queue queue = queue_of(10);
    REQUIRE(queue.limit(SLOTQ_LIMIT_LEASED, 3) == SLOTQ_OK);
    REQUIRE(queue.stats().limits.max_leased == 3);
    REQUIRE(taken(queue) == 3);
    const std::vector<slotq_run> held = queue.runs;
    REQUIRE_REFUSED(queue, reserve(1, 10000), SLOTQ_LIMITED);
    REQUIRE(queue.call.reserve.next_due_ms == queue.now_ms + 10000);
    REQUIRE(queue.reserve(5, 10000, 1) == SLOTQ_OK); /* another group has no limit */
    REQUIRE(queue.call.reserve.message_count == 5);
    REQUIRE(queue.settle(SLOTQ_ACK, held[0].id, held[0].token) == SLOTQ_OK);
    REQUIRE(taken(queue) == 1);
    REQUIRE(queue.limit(SLOTQ_LIMIT_LEASED, 1) == SLOTQ_OK); /* below what is leased */
    REQUIRE_REFUSED(queue, reserve(1, 10000), SLOTQ_LIMITED);
    REQUIRE(queue.limit(SLOTQ_LIMIT_LEASED, 0) == SLOTQ_OK);
    REQUIRE(taken(queue) == 6);
    REQUIRE_REFUSED(queue, reserve(1, 10000), SLOTQ_EMPTY);
}

TEST_CASE("limit: an empty queue is EMPTY, whatever its limits")
{
    Queue queue = queue_of(1);
    REQUIRE(queue.limit(SLOTQ_LIMIT_ALL, 1, second_us, 1) == SLOTQ_OK);
    REQUIRE(taken(queue) == 1);
    REQUIRE_REFUSED(queue, reserve(1, 10000), SLOTQ_EMPTY);
    REQUIRE(queue.call.reserve.next_due_ms == queue.now_ms + 10000);
    REQUIRE(queue.push(1) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, reserve(1, 10000), SLOTQ_LIMITED);
}

/* Each way in which a lease ends makes room for one more, and wakes a caller that waits. */
TEST_CASE("limit: every end of a lease frees what it held, and wakes")
{
    enum class End { ack, nack, nack_later, release, release_later, kill, sweep, bury, reclaim };
    for (const End end : {End::ack, End::nack, End::nack_later, End::release, End::release_later,
                          End::kill, End::sweep, End::bury, End::reclaim}) {
        CAPTURE(static_cast<int>(end));
        Queue queue = queue_of(8, end == End::bury ? 1 : 0, 4);
        REQUIRE(queue.limit(SLOTQ_LIMIT_LEASED, 2) == SLOTQ_OK);
        REQUIRE(taken(queue) == 2);
        const uint64_t id = queue.runs[0].id;
        const uint32_t token = queue.runs[0].token;
        REQUIRE(queue.reserve(1, 10000, 0, true) == SLOTQ_LIMITED);
        REQUIRE((queue.image.get(field::shared_wake) & 3) == 1);
        switch (end) {
        case End::ack:
            REQUIRE(queue.settle(SLOTQ_ACK, id, token) == SLOTQ_OK);
            break;
        case End::nack:
            REQUIRE(queue.settle(SLOTQ_NACK, id, token) == SLOTQ_OK);
            break;
        case End::nack_later:
            REQUIRE(queue.settle(SLOTQ_NACK, id, token, 5000) == SLOTQ_OK);
            break;
        case End::release:
            REQUIRE(queue.settle(SLOTQ_RELEASE, id, token) == SLOTQ_OK);
            break;
        case End::release_later:
            REQUIRE(queue.settle(SLOTQ_RELEASE, id, token, 5000) == SLOTQ_OK);
            break;
        case End::kill:
            REQUIRE(queue.settle(SLOTQ_KILL, id, token) == SLOTQ_OK);
            break;
        case End::sweep:
        case End::bury:
            queue.now_ms += 10000;
            REQUIRE(taken(queue) == 2);
            REQUIRE(queue.image.woke());
            continue;
        case End::reclaim:
            queue.now_ms += 10000;
            REQUIRE(queue.reclaim() == SLOTQ_OK);
            break;
        }
        REQUIRE(queue.image.woke());
        REQUIRE((queue.image.get(field::shared_wake) & 3) == 0);
        REQUIRE(taken(queue) == (end == End::reclaim ? 2 : 1));
        REQUIRE_REFUSED(queue, reserve(1, 10000), SLOTQ_LIMITED);
    }
}

TEST_CASE("limit: the end of a lease wakes only at the limit, and if a message can go")
{
    Queue queue = queue_of(4);
    REQUIRE(queue.limit(SLOTQ_LIMIT_LEASED, 3) == SLOTQ_OK);
    REQUIRE(taken(queue, 2) == 2);
    std::vector<slotq_run> held = queue.runs;
    queue.image.set(field::shared_wake, 1);
    REQUIRE(queue.settle(SLOTQ_ACK, held[0].id, held[0].token) == SLOTQ_OK); /* 2 of 3 */
    REQUIRE_FALSE(queue.image.woke());
    REQUIRE(queue.reserve(3, 10000) == SLOTQ_OK);
    REQUIRE(queue.call.reserve.message_count == 2); /* 3 of 3, and nothing is left */
    held = queue.runs;
    REQUIRE(queue.settle(SLOTQ_ACK, held[0].id, held[0].token) == SLOTQ_OK);
    REQUIRE_FALSE(queue.image.woke());
    REQUIRE(queue.image.get(field::shared_wake) == 1);
}

TEST_CASE("limit: an extend, a remove and a purge leave the count right")
{
    Queue queue = queue_of(6);
    REQUIRE(queue.limit(SLOTQ_LIMIT_LEASED, 2) == SLOTQ_OK);
    REQUIRE(taken(queue) == 2);
    REQUIRE(queue.settle(SLOTQ_EXTEND, queue.runs[0].id, queue.runs[0].token, 20000) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, reserve(1, 10000), SLOTQ_LIMITED);
    REQUIRE(queue.remove(4, 0) == SLOTQ_OK); /* a ready one: no lease ends */
    REQUIRE_REFUSED(queue, reserve(1, 10000), SLOTQ_LIMITED);
    REQUIRE(queue.plain(SLOTQ_PURGE) == SLOTQ_OK);
    REQUIRE_FALSE(queue.image.woke()); /* nothing is left to go */
    REQUIRE(queue.push(4) == SLOTQ_OK);
    REQUIRE(taken(queue) == 2);
    REQUIRE(queue.pause(SLOTQ_PAUSE, SLOTQ_PAUSE_OUT) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, reserve(1, 10000), SLOTQ_PAUSED); /* before any limit */
}

TEST_CASE("limit: a push that overwrites leased messages frees what they held")
{
    Queue queue(support::geometry(5, 5, 1, SLOTQ_FLAG_OVERWRITE, 0, 0, 100));
    REQUIRE(queue.push(4) == SLOTQ_OK);
    REQUIRE(queue.limit(SLOTQ_LIMIT_LEASED, 2) == SLOTQ_OK);
    REQUIRE(taken(queue) == 2);
    REQUIRE(queue.reserve(1, 10000, 0, true) == SLOTQ_LIMITED);
    REQUIRE(queue.push(1) == SLOTQ_OK);
    REQUIRE(queue.image.woke());
    REQUIRE(taken(queue) == 1);
}

TEST_CASE("limit: a rate lets a burst go, then one message each interval")
{
    Queue queue = queue_of(100);
    REQUIRE(queue.limit(SLOTQ_LIMIT_ALL, 0, second_us / 4, 5) == SLOTQ_OK);
    REQUIRE(taken(queue) == 5);
    REQUIRE_REFUSED(queue, reserve(1, 10000), SLOTQ_LIMITED);
    REQUIRE(queue.call.reserve.next_due_ms == queue.now_ms + 250);
    queue.now_ms += 249;
    REQUIRE(taken(queue) == 0);
    queue.now_ms += 1;
    REQUIRE(taken(queue) == 1);
    queue.now_ms += 600; /* 2.4 intervals */
    REQUIRE(taken(queue) == 2);
    REQUIRE(taken(queue) == 0);
    REQUIRE(queue.call.reserve.next_due_ms == queue.now_ms + 150);
    queue.now_ms += hour_ms;
    REQUIRE(taken(queue) == 5); /* no more than the burst gathers */
}

/* What a naive count of all windows says: in w, no more than burst + w / interval. */
TEST_CASE("limit: no window has more than its rate and a burst")
{
    for (const uint64_t interval_us : {1u, 7u, 333u, 999u, 1000u, 1001u, 33334u}) {
        Queue queue = queue_of(1000);
        const uint32_t burst = 3;
        REQUIRE(queue.limit(SLOTQ_LIMIT_ALL, 0, interval_us, burst) == SLOTQ_OK);
        std::vector<uint64_t> gone;
        for (uint32_t i = 0; i < 400 && queue.stats().undelivered > 0; i++) {
            const slotq_outcome outcome = queue.reserve(1 + i % 4, 100000);
            REQUIRE((outcome == SLOTQ_OK || outcome == SLOTQ_LIMITED));
            gone.insert(gone.end(), queue.call.reserve.message_count, queue.now_ms);
            if (outcome == SLOTQ_LIMITED) {
                REQUIRE(queue.call.reserve.next_due_ms > queue.now_ms);
                queue.now_ms = i % 2 == 0 ? queue.call.reserve.next_due_ms : queue.now_ms + 1;
            }
        }
        CAPTURE(interval_us, gone.size());
        for (size_t i = 0; i < gone.size(); i++) {
            for (size_t k = i; k < gone.size(); k++) {
                const uint64_t window_us = (gone[k] - gone[i]) * 1000;
                if (k - i + 1 > burst + window_us / interval_us) {
                    FAIL(i << " to " << k << " in " << window_us << " us");
                }
            }
        }
        REQUIRE(gone.size() > 50);
    }
}

TEST_CASE("limit: at next_due_ms one message may go, and not a millisecond before")
{
    for (const uint64_t interval_us : {1500u, 333334u, 59999999u}) {
        Queue queue = queue_of(1000);
        REQUIRE(queue.limit(SLOTQ_LIMIT_ALL, 0, interval_us, 2) == SLOTQ_OK);
        for (uint32_t i = 0; i < 50; i++) {
            REQUIRE(taken(queue) > 0);
            REQUIRE(taken(queue) == 0);
            const uint64_t next_ms = queue.call.reserve.next_due_ms;
            queue.now_ms = next_ms - 1;
            REQUIRE(taken(queue) == 0);
            REQUIRE(queue.call.reserve.next_due_ms == next_ms);
            queue.now_ms = next_ms;
        }
    }
}

TEST_CASE("limit: a message a day, and the longest interval there is")
{
    Queue queue = queue_of(10);
    REQUIRE(queue.limit(SLOTQ_LIMIT_ALL, 0, day_ms * 1000) == SLOTQ_OK);
    REQUIRE(queue.stats().limits.rate_interval_us == day_ms * 1000);
    REQUIRE(queue.stats().limits.rate_burst == 1);
    REQUIRE(queue.group(field::limit_rate_interval) == (UINT64_C(1) << 31) + day_ms);
    const uint64_t began_ms = queue.now_ms;
    REQUIRE(taken(queue) == 1);
    queue.now_ms = began_ms + day_ms - 1;
    REQUIRE(queue.reclaim() == SLOTQ_OK); /* its lease ended: a retry counts like a new one */
    REQUIRE(taken(queue) == 0);
    REQUIRE(queue.call.reserve.next_due_ms == began_ms + day_ms);
    queue.now_ms++;
    REQUIRE(taken(queue) == 1);
    REQUIRE(queue.limit(SLOTQ_LIMIT_ALL, 0, SLOTQ_RATE_INTERVAL_US_MAX, 65535) == SLOTQ_OK);
    REQUIRE(queue.group(field::limit_rate_interval) == UINT32_MAX);
    queue.now_ms = SLOTQ_NOW_MS_MAX;
    REQUIRE(taken(queue) == 10);
    REQUIRE_REFUSED(queue, limit(SLOTQ_LIMIT_ALL, 0, SLOTQ_RATE_INTERVAL_US_MAX + 1, 1),
                    SLOTQ_INVALID);
}

TEST_CASE("limit: an interval between two milliseconds is rounded up where it must be")
{
    Queue queue = queue_of(0);
    for (const uint64_t below : {1u, 1000u}) {
        const uint64_t us = (UINT64_C(1) << 31) - below;
        REQUIRE(queue.limit(SLOTQ_LIMIT_RATE, 0, us) == SLOTQ_OK);
        REQUIRE(queue.stats().limits.rate_interval_us == us);
    }
    REQUIRE(queue.limit(SLOTQ_LIMIT_RATE, 0, UINT64_C(1) << 31) == SLOTQ_OK);
    REQUIRE(queue.stats().limits.rate_interval_us == UINT64_C(2147484000));
}

TEST_CASE("limit: both limits at once, the later of them says when")
{
    Queue queue = queue_of(10);
    REQUIRE(queue.limit(SLOTQ_LIMIT_ALL, 1, 60 * second_us, 1) == SLOTQ_OK);
    REQUIRE(taken(queue) == 1);
    REQUIRE(taken(queue) == 0);
    REQUIRE(queue.call.reserve.next_due_ms == queue.now_ms + 60000); /* the lease: 10 s */
    REQUIRE(queue.limit(SLOTQ_LIMIT_RATE, 0, second_us) == SLOTQ_OK);
    REQUIRE(taken(queue) == 0);
    REQUIRE(queue.call.reserve.next_due_ms == queue.now_ms + 10000); /* the rate: 1 s */
}

TEST_CASE("limit: the verb sets what it names, keeps the rest, and refuses what cannot be")
{
    Queue queue = queue_of(3);
    REQUIRE_REFUSED(queue, limit(0, 1), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, limit(8, 1), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, limit(SLOTQ_LIMIT_LEASED, 1, 0, 0, 2), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, limit(SLOTQ_LIMIT_BURST, 0, 0, 3), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, limit(SLOTQ_LIMIT_ALL, 9, 0, 3), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, limit(SLOTQ_LIMIT_BURST, 0, 0, 0), SLOTQ_OK); /* as it is */
    REQUIRE(queue.limit(SLOTQ_LIMIT_LEASED, 2, second_us, 9) == SLOTQ_OK);
    REQUIRE(queue.stats().limits.rate_interval_us == 0);
    REQUIRE(queue.limit(SLOTQ_LIMIT_RATE, 77, second_us, 9) == SLOTQ_OK);
    REQUIRE(queue.stats().limits.max_leased == 2);
    REQUIRE(queue.stats().limits.rate_burst == 1);
    REQUIRE(queue.limit(SLOTQ_LIMIT_BURST, 77, 5, 9) == SLOTQ_OK);
    REQUIRE(queue.stats().limits.rate_burst == 9);
    REQUIRE(queue.stats().limits.rate_interval_us == second_us);
    REQUIRE_REFUSED(queue, limit(SLOTQ_LIMIT_ALL, 2, second_us, 9), SLOTQ_OK);
    REQUIRE(queue.limit(SLOTQ_LIMIT_RATE, 0) == SLOTQ_OK);
    REQUIRE(queue.stats().limits.rate_burst == 0);
    REQUIRE(queue.stats(1).limits.max_leased == 0);
}

TEST_CASE("limit: a change wakes waiters, and gives no burst anew")
{
    Queue queue = queue_of(100);
    REQUIRE(queue.limit(SLOTQ_LIMIT_ALL, 0, day_ms * 1000, 2) == SLOTQ_OK);
    REQUIRE(taken(queue) == 2);
    REQUIRE(queue.reserve(1, 10000, 0, true) == SLOTQ_LIMITED);
    REQUIRE(queue.limit(SLOTQ_LIMIT_RATE, 0, second_us) == SLOTQ_OK);
    REQUIRE(queue.image.woke());
    REQUIRE(taken(queue) == 0);
    REQUIRE(queue.call.reserve.next_due_ms == queue.now_ms + 1000); /* not a day */
    REQUIRE(queue.limit(SLOTQ_LIMIT_RATE, 0) == SLOTQ_OK);
    REQUIRE(queue.group(field::limit_rate_tat_ms) == 0);
    REQUIRE(taken(queue) == 98);
}

TEST_CASE("limit: a clock that goes back holds the rate up for an interval, not for the jump")
{
    Queue queue = queue_of(100);
    REQUIRE(queue.limit(SLOTQ_LIMIT_ALL, 0, second_us, 3) == SLOTQ_OK);
    REQUIRE(taken(queue) == 3);
    queue.now_ms -= 1; /* a little: nothing is gained by it */
    REQUIRE(taken(queue) == 0);
    REQUIRE(queue.call.reserve.next_due_ms == queue.now_ms + 1000);
    queue.now_ms -= 500000;
    REQUIRE(queue.reserve(1, 10000, 0, true) == SLOTQ_LIMITED);
    REQUIRE(queue.call.reserve.next_due_ms == queue.now_ms + 1000);
    REQUIRE((queue.image.get(field::shared_wake) & 1) == 1);
    queue.now_ms += 1000;
    REQUIRE(taken(queue) == 1);
}

/* While a sweep runs there may be more room after it, so the reserve goes on for its rounds. */
TEST_CASE("limit: a reserve at the limit goes on with a sweep that runs")
{
    Queue queue(support::geometry(9001, 1, 1, 0, 0, 0, 1));
    REQUIRE(queue.push(4096) == SLOTQ_OK);
    REQUIRE(queue.push(4000) == SLOTQ_OK);
    REQUIRE(queue.reserve(4096, 100000) == SLOTQ_OK);
    REQUIRE(queue.reserve(4000, 50) == SLOTQ_OK);
    REQUIRE(queue.limit(SLOTQ_LIMIT_LEASED, 4097) == SLOTQ_OK);
    queue.now_ms += 50;
    REQUIRE(queue.reserve(1, 1000) == SLOTQ_AGAIN); /* 4 * 1024 words, all of them held */
    REQUIRE(queue.call.reserve.next_due_ms == queue.now_ms);
    REQUIRE(queue.push(1) == SLOTQ_OK);
    REQUIRE(queue.reserve(4096, 1000) == SLOTQ_OK); /* the last round of the sweep */
    REQUIRE(queue.stats().leased <= 4097);
}

TEST_CASE("limit: a damaged limit is CORRUPT to the verbs that use it")
{
    Queue queue = queue_of(3);
    REQUIRE(queue.limit(SLOTQ_LIMIT_ALL, 0, second_us, 3) == SLOTQ_OK);
    queue.sound = false;
    queue.image.check_each_step(false);
    queue.image.set(field::limit_rate_tat_us, 0, 1000);
    REQUIRE_REFUSED(queue, reserve(1, 10000), SLOTQ_CORRUPT);
    REQUIRE(queue.call.damage.offset == 80 + 54);
    REQUIRE_REFUSED(queue, limit(SLOTQ_LIMIT_LEASED, 1), SLOTQ_CORRUPT);
    queue.start(SLOTQ_STATS);
    REQUIRE(queue.go() == SLOTQ_CORRUPT);
}
