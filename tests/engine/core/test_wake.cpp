/* test_wake.cpp: a waiting caller marks the queue, and which verbs wake it; nothing else touches
 * wake.
 */
#include "../../support/model/model.hpp"
#include "queue.hpp"

namespace
{

uint64_t wake(const Queue &queue)
{
    return queue.image.get(field::shared_wake);
}

/* A client waits for a message, another for room, and the counter stands at 10. */
constexpr uint64_t both_wait = 83;
constexpr uint64_t message_came = both_wait - 1 + 8;
constexpr uint64_t room_came = both_wait - 2 + 8;

/* The last verb woke the waiters: the bit of what came is cleared and the counter moved. */
void require_woke(Queue &queue, uint64_t became)
{
    REQUIRE(queue.image.woke());
    REQUIRE(wake(queue) == became);
    queue.image.set(field::shared_wake, both_wait);
}

void require_quiet(Queue &queue)
{
    REQUIRE_FALSE(queue.image.woke());
    REQUIRE(wake(queue) == both_wait);
}

/* A queue that a client waits for. */
Queue waited(uint32_t slots = 4, uint32_t groups = 1, uint32_t max_attempts = 0)
{
    Queue queue(support::geometry(slots, 3, groups, 0, max_attempts, 4));
    queue.image.set(field::shared_wake, both_wait);
    return queue;
}

/* The last call owes this to the bell. */
bool owes(const Queue &queue, uint32_t need, uint32_t group, uint32_t counter)
{
    const slotq_nudge &nudge = queue.call.nudge;
    return nudge.need == need && nudge.group == group && nudge.counter == counter;
}

slotq_outcome round_of(Queue &queue, uint32_t group = 0)
{
    queue.runs.assign(1, slotq_run());
    queue.start(SLOTQ_RESERVE);
    queue.call.progress.asks_ring = true;
    queue.call.reserve.group = static_cast<uint8_t>(group);
    queue.call.reserve.limit = 1;
    queue.call.reserve.lease_ms = 60000;
    queue.call.reserve.runs = queue.runs.data();
    queue.call.reserve.run_capacity = 1;
    return queue.go();
}

} // namespace

TEST_CASE("wake: a reserve that finds nothing marks the queue once, if it may wait")
{
    Queue queue(support::geometry(4, 3));
    REQUIRE_REFUSED(queue, reserve(1, 100), SLOTQ_EMPTY);
    REQUIRE(queue.reserve(1, 100, 0, true) == SLOTQ_EMPTY);
    REQUIRE(wake(queue) == 1);
    REQUIRE_FALSE(queue.image.woke());
    REQUIRE_FALSE(queue.image.journalled());
    REQUIRE_REFUSED(queue, reserve(1, 100, 0, true), SLOTQ_EMPTY);
    queue.image.set(field::shared_wake, 0xFFFFFFFE);
    REQUIRE(queue.push(1) == SLOTQ_OK); /* no client waits for a message */
    REQUIRE_FALSE(queue.image.woke());
    REQUIRE(wake(queue) == 0xFFFFFFFE);
}

TEST_CASE("wake: a push without room marks the queue, if it may wait")
{
    Queue queue(support::geometry(3, 3));
    REQUIRE(queue.push(2) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, push(1), SLOTQ_FULL);
    REQUIRE(queue.push(1, "", true) == SLOTQ_FULL);
    REQUIRE(wake(queue) == 2);
    REQUIRE_REFUSED(queue, push(1, "", true), SLOTQ_FULL);
    REQUIRE(queue.reserve(2) == SLOTQ_OK);
    REQUIRE(wake(queue) == 2);
    REQUIRE(queue.settle(SLOTQ_ACK, 2, queue.runs[0].token) == SLOTQ_OK);
    REQUIRE(wake(queue) == 2); /* no room yet */
    REQUIRE(queue.settle(SLOTQ_ACK, 1, queue.runs[0].token) == SLOTQ_OK);
    REQUIRE(wake(queue) == 8);
    REQUIRE(queue.image.woke());
}

TEST_CASE("wake: an AGAIN marks the queue too")
{
    Queue queue(support::geometry(200, 3, 1, 0, 1, 200));
    REQUIRE(queue.push(80) == SLOTQ_OK);
    REQUIRE(queue.reserve(80, 100) == SLOTQ_OK);
    queue.now_ms += 1000;
    REQUIRE(queue.reserve(1, 100, 0, true) == SLOTQ_AGAIN);
    REQUIRE(wake(queue) == 1);
}

TEST_CASE("wake: what makes a message deliverable wakes")
{
    Queue queue = waited();
    REQUIRE(queue.push(3) == SLOTQ_OK);
    require_woke(queue, message_came);
    REQUIRE(queue.reserve(3, 500) == SLOTQ_OK);
    require_quiet(queue);
    const uint32_t token = queue.runs[0].token;
    REQUIRE(queue.settle(SLOTQ_NACK, 2, token) == SLOTQ_OK);
    require_woke(queue, message_came);
    REQUIRE(queue.settle(SLOTQ_RELEASE, 3, token) == SLOTQ_OK);
    require_woke(queue, message_came);
    REQUIRE(queue.settle(SLOTQ_NACK, 1, token, 400) == SLOTQ_OK);
    require_quiet(queue);
    queue.now_ms += 1000;
    REQUIRE(queue.reclaim() == SLOTQ_OK);
    require_woke(queue, message_came);
    REQUIRE(queue.reserve(3, 500) == SLOTQ_OK);
    require_quiet(queue);
    queue.now_ms += 1000;
    REQUIRE(queue.reserve(1, 500) == SLOTQ_OK); /* its sweep frees two more */
    require_woke(queue, message_came);
}

TEST_CASE("wake: pausing is quiet, resuming what was paused wakes")
{
    Queue queue = waited();
    REQUIRE(queue.pause(SLOTQ_PAUSE, SLOTQ_PAUSE_OUT) == SLOTQ_OK);
    require_quiet(queue);
    REQUIRE(queue.pause(SLOTQ_RESUME, SLOTQ_PAUSE_IN) == SLOTQ_OK);
    require_quiet(queue);
    REQUIRE(queue.pause(SLOTQ_RESUME, SLOTQ_PAUSE_BOTH) == SLOTQ_OK);
    require_woke(queue, message_came);
}

TEST_CASE("wake: room wakes producers, whichever verb makes it")
{
    Queue queue = waited(5, 2);
    REQUIRE(queue.push(4) == SLOTQ_OK);
    require_woke(queue, message_came);
    REQUIRE(queue.reserve(4, 500) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_ACK, queue.runs) == SLOTQ_OK);
    require_quiet(queue); /* the other group still has all of them */
    REQUIRE(queue.remove(2) == SLOTQ_OK);
    require_quiet(queue);
    REQUIRE(queue.remove(1) == SLOTQ_OK);
    require_woke(queue, room_came);
    REQUIRE(queue.reserve(1, 500, 1) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_KILL, 3, queue.runs[0].token, 0, 1) == SLOTQ_OK);
    require_woke(queue, room_came);
    REQUIRE(queue.redrive() == SLOTQ_OK);
    require_woke(queue, message_came);
    REQUIRE(queue.plain(SLOTQ_PURGE) == SLOTQ_OK);
    require_woke(queue, room_came);
    REQUIRE(queue.plain(SLOTQ_PURGE) == SLOTQ_OK); /* nothing was there */
    require_quiet(queue);
    REQUIRE(queue.plain(SLOTQ_DEAD_PURGE) == SLOTQ_OK);
    require_quiet(queue);
}

TEST_CASE("wake: deaths in a sweep make room, and wake")
{
    Queue queue = waited(4, 1, 1);
    REQUIRE(queue.push(2) == SLOTQ_OK);
    require_woke(queue, message_came);
    REQUIRE(queue.reserve(2, 500) == SLOTQ_OK);
    queue.now_ms += 1000;
    REQUIRE(queue.reserve(1, 100, 0, true) == SLOTQ_EMPTY);
    REQUIRE(queue.image.woke());
    REQUIRE(wake(queue) == room_came);
}

TEST_CASE("wake: refusals and looking are quiet")
{
    Queue queue = waited();
    REQUIRE(queue.push(3) == SLOTQ_OK);
    require_woke(queue, message_came);
    REQUIRE_REFUSED(queue, push(1, "", true), SLOTQ_FULL);
    REQUIRE_REFUSED(queue, settle(SLOTQ_ACK, 1, 5), SLOTQ_STALE);
    REQUIRE_REFUSED(queue, status(1), SLOTQ_OK);
    REQUIRE_REFUSED(queue, look(SLOTQ_PEEK), SLOTQ_OK);
    REQUIRE_REFUSED(queue, reclaim(), SLOTQ_OK);
    REQUIRE_REFUSED(queue, redrive(), SLOTQ_OK);
    queue.stats();
    require_quiet(queue);
}

TEST_CASE("wake: an ack does not wake consumers, a push does not wake producers")
{
    Queue queue(support::geometry(4, 3));
    REQUIRE(queue.push(2) == SLOTQ_OK);
    REQUIRE(queue.reserve(2) == SLOTQ_OK);
    queue.image.set(field::shared_wake, 1);
    REQUIRE(queue.settle(SLOTQ_ACK, queue.runs) == SLOTQ_OK);
    REQUIRE_FALSE(queue.image.woke());
    REQUIRE(wake(queue) == 1);
    queue.image.set(field::shared_wake, 2);
    REQUIRE(queue.push(1) == SLOTQ_OK);
    REQUIRE_FALSE(queue.image.woke());
    REQUIRE(wake(queue) == 2);
}

TEST_CASE("wake: the end of a lease that was the group's last one wakes, if a message is left")
{
    for (const uint32_t pushed : {1u, 2u, 3u}) { /* nothing, a retry, a new one is left */
        CAPTURE(pushed);
        Queue queue(support::geometry(8, 3));
        REQUIRE(queue.push(pushed == 1 ? 1 : 2) == SLOTQ_OK);
        REQUIRE(queue.reserve(2) == SLOTQ_OK);
        const uint32_t token = queue.runs[0].token;
        if (pushed > 1) {
            REQUIRE(queue.settle(pushed == 2 ? SLOTQ_NACK : SLOTQ_ACK, 2, token) == SLOTQ_OK);
        }
        if (pushed == 3) {
            REQUIRE(queue.push(1) == SLOTQ_OK);
        }
        REQUIRE(queue.limit(SLOTQ_LIMIT_LEASED, 1) == SLOTQ_OK);
        queue.image.set(field::shared_wake, 1);
        REQUIRE(queue.settle(SLOTQ_ACK, 1, token) == SLOTQ_OK);
        REQUIRE(queue.image.woke() == (pushed > 1));
    }
}

/* The last verb, played by the model too: the same outcome, and the same wake. */
void require_same(Queue &queue, support::Model &model, slotq_outcome outcome)
{
    slotq_call call = queue.call;
    std::vector<slotq_run> runs(8);
    if (call.verb == SLOTQ_RESERVE) {
        call.reserve.runs = runs.data();
    }
    REQUIRE(model.run(call) == outcome);
    REQUIRE(wake(queue) == model.wake);
}

/* An ack of two, whose step passes a removed message too, leaves nothing to lease: no caller is
 * woken, though after the first of the two one message seemed left. At the end of the ring they are
 * two steps, and the first rings. */
TEST_CASE("wake: leases that end in one step are judged after all of them")
{
    for (const uint32_t tail : {0u, 1u, 6u, 7u}) {
        for (const bool removed : {false, true}) {
            CAPTURE(tail, removed);
            Queue queue(support::geometry(8, 3));
            queue.image.start_at(100, tail);
            support::Model model(queue.image.geometry(), 100);
            model.lap_begins = 101 - tail;
            const std::string payload = "p";
            const std::vector<slotq_data> data(3, {payload.data(), 1});
            REQUIRE(queue.push(3) == SLOTQ_OK);
            queue.call.push.messages = data.data(); /* those of push are gone */
            require_same(queue, model, SLOTQ_OK);
            REQUIRE(queue.limit(SLOTQ_LIMIT_LEASED, 2) == SLOTQ_OK);
            require_same(queue, model, SLOTQ_OK);
            REQUIRE(queue.reserve(2) == SLOTQ_OK);
            require_same(queue, model, SLOTQ_OK);
            const std::vector<slotq_run> held = {{101, queue.runs[0].token, 2}};
            if (removed) {
                REQUIRE(queue.remove(103) == SLOTQ_OK);
                require_same(queue, model, SLOTQ_OK);
            }
            REQUIRE(queue.reserve(2, 10000, 0, true) == SLOTQ_LIMITED);
            require_same(queue, model, SLOTQ_LIMITED);
            REQUIRE(queue.settle(SLOTQ_ACK, held) == SLOTQ_OK);
            REQUIRE(queue.image.woke() == (!removed || tail == 7));
            require_same(queue, model, SLOTQ_OK);
        }
    }
}

TEST_CASE("wake: room in a full ring wakes consumers too, while a message is scheduled")
{
    auto shape = support::geometry(4, 3);
    shape.later_slots = 2;
    for (const bool scheduled : {false, true}) {
        for (const uint32_t messages : {2, 3}) {
            CAPTURE(scheduled, messages);
            Queue queue(shape);
            REQUIRE(queue.push(messages) == SLOTQ_OK);
            REQUIRE(queue.reserve(3, 500) == SLOTQ_OK);
            REQUIRE((!scheduled || queue.schedule(queue.now_ms + 10) == SLOTQ_OK));
            queue.now_ms += 20;
            const uint32_t token = queue.runs[0].token;
            if (messages == 3) {
                REQUIRE(queue.reserve(1, 100, 0, true) == SLOTQ_EMPTY);
                REQUIRE(queue.call.reserve.next_due_ms != queue.now_ms);
                REQUIRE(wake(queue) == 1);
            } else {
                queue.image.set(field::shared_wake, 1);
            }
            REQUIRE(queue.settle(SLOTQ_ACK, 2, token) == SLOTQ_OK);
            REQUIRE(wake(queue) == 1); /* no room yet */
            REQUIRE(queue.settle(SLOTQ_ACK, 1, token) == SLOTQ_OK);
            REQUIRE(wake(queue) == (scheduled && messages == 3 ? 8 : 1));
            REQUIRE(queue.image.woke() == (scheduled && messages == 3));
        }
    }
}

TEST_CASE("wake: a reserve whose burials made room for what is due is to look again at once")
{
    auto shape = support::geometry(3, 3, 1, 0, 1, 4);
    shape.later_slots = 1;
    Queue queue(shape);
    REQUIRE(queue.push(2) == SLOTQ_OK);
    REQUIRE(queue.reserve(2, 500) == SLOTQ_OK);
    REQUIRE(queue.schedule(queue.now_ms + 10) == SLOTQ_OK);
    queue.now_ms += 1000;
    REQUIRE(queue.reserve(1, 100) == SLOTQ_EMPTY);
    REQUIRE(queue.call.reserve.next_due_ms == queue.now_ms);
    REQUIRE(queue.reserve(1, 100) == SLOTQ_OK);
    REQUIRE(queue.runs[0].id == 3);
}

TEST_CASE("wake: what a push would find now")
{
    auto shape = support::geometry(5, 3, 1, 0, 0, 0);
    shape.aside_slots = 1;
    Queue queue(shape);
    const auto room = [&] { return slotq_core_room(&queue.image.view()); };
    REQUIRE(room() == SLOTQ_ROOM_FREE);
    REQUIRE(queue.push(4) == SLOTQ_OK);
    REQUIRE(room() == SLOTQ_ROOM_NONE);
    REQUIRE(queue.reserve(4, 500) == SLOTQ_OK);
    const uint32_t token = queue.runs[0].token;
    REQUIRE(queue.settle(SLOTQ_ACK, 2, token) == SLOTQ_OK);
    REQUIRE(room() == SLOTQ_ROOM_ASIDE);
    queue.image.set(field::group_cursor, 0, 9);
    REQUIRE(room() == SLOTQ_ROOM_NONE); /* damage is told by the next call */
    queue.image.set(field::header_tail, 9);
    REQUIRE(room() == SLOTQ_ROOM_NONE);
}

/* ---- the bell of shards ---- */

TEST_CASE("wake: a reserve of a round sets the bit and counts, unless it is refused")
{
    Queue queue(support::geometry(4, 3));
    queue.image.set(field::shared_wake, 0xFFFFFFF8);
    REQUIRE(round_of(queue) == SLOTQ_EMPTY);
    REQUIRE(wake(queue) == 4);
    REQUIRE(round_of(queue) == SLOTQ_EMPTY);
    REQUIRE(wake(queue) == 12);
    REQUIRE(queue.call.nudge.need == 0);
    REQUIRE(queue.push(2) == SLOTQ_OK);
    REQUIRE(owes(queue, 2, 0, 1));
    REQUIRE(round_of(queue) == SLOTQ_OK);
    REQUIRE(owes(queue, 1, 0, 2)); /* one is left */
    REQUIRE(round_of(queue) == SLOTQ_OK);
    REQUIRE(queue.call.nudge.need == 0);
    REQUIRE(wake(queue) == 28);
    REQUIRE(queue.pause(SLOTQ_PAUSE, SLOTQ_PAUSE_OUT) == SLOTQ_OK);
    REQUIRE(round_of(queue) == SLOTQ_PAUSED);
    REQUIRE(round_of(queue, 1) == SLOTQ_INVALID);
    REQUIRE(wake(queue) == 28);
    REQUIRE(queue.pause(SLOTQ_RESUME, SLOTQ_PAUSE_OUT) == SLOTQ_OK);
    REQUIRE(queue.call.nudge.need > 0);
}

TEST_CASE("wake: what is owed to the bell, for one group or for all")
{
    Queue queue(support::geometry(6, 3, 2, 0, 0, 4));
    queue.image.set(field::shared_wake, 4 + 80);
    REQUIRE(queue.push(1) == SLOTQ_OK);
    REQUIRE(owes(queue, 1, SLOTQ_ALL_GROUPS, 10));
    REQUIRE(queue.reserve(1, 60000) == SLOTQ_OK);
    REQUIRE(queue.call.nudge.need == 0);
    const uint32_t token = queue.runs[0].token;
    REQUIRE(queue.reserve(1, 5000, 1) == SLOTQ_OK);
    const uint32_t other = queue.runs[0].token;
    REQUIRE(queue.settle(SLOTQ_NACK, 1, token, 50000) == SLOTQ_OK);
    REQUIRE(owes(queue, 1, 0, 10)); /* a look is due earlier */
    REQUIRE(queue.settle(SLOTQ_NACK, 1, other, 7000, 1) == SLOTQ_OK);
    REQUIRE(queue.call.nudge.need == 0); /* later than the lease ended */
    REQUIRE(queue.push(1) == SLOTQ_OK);
    REQUIRE(queue.reserve(1, 60000, 1) == SLOTQ_OK);
    REQUIRE(owes(queue, 1, 1, 10)); /* the delay ends within 12 s */
    REQUIRE(queue.settle(SLOTQ_NACK, 2, queue.runs[0].token, 0, 1) == SLOTQ_OK);
    REQUIRE(owes(queue, 1, 1, 10));
    REQUIRE(queue.reserve(1, 60000) == SLOTQ_OK);
    REQUIRE(queue.call.nudge.need == 0); /* the delay of group 0 is far ahead */
    queue.image.set(field::shared_wake, 1 + 4 + 80); /* a caller waits here, too */
    REQUIRE(queue.push(1) == SLOTQ_OK);
    REQUIRE(wake(queue) == 4 + 88);
    REQUIRE(owes(queue, 1, SLOTQ_ALL_GROUPS, 11));
}
