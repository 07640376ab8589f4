/* test_outcomes.cpp: every answer of the core provoked, with not a byte changed where it refuses;
 * every argument out of its range, verb by verb.
 */
#include "queue.hpp"

namespace
{

constexpr uint64_t longest_ticks = SLOTQ_LEASE_TICKS_MAX;

Queue small(uint32_t flags = 0, uint32_t max_attempts = 0, uint32_t dead_slots = 0,
            uint32_t groups = 1)
{
    return Queue(support::geometry(4, 5, groups, flags, max_attempts, dead_slots, 100));
}

} // namespace

TEST_CASE("outcomes: push refuses what is out of range")
{
    Queue queue = small();
    Queue large(support::geometry(9000, 5));
    REQUIRE_REFUSED(queue, push(0), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, push(SLOTQ_CALL_MESSAGES_MAX + 1), SLOTQ_INVALID);
    REQUIRE_REFUSED(large, push(SLOTQ_CALL_MESSAGES_MAX + 1), SLOTQ_INVALID);
    REQUIRE(large.push(SLOTQ_CALL_MESSAGES_MAX) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, push(4), SLOTQ_TOOBIG);
    REQUIRE_REFUSED(queue, push(1, "six by"), SLOTQ_TOOBIG);
    REQUIRE(queue.push(1, "five.") == SLOTQ_OK);
    REQUIRE(queue.push(1, "") == SLOTQ_OK);
    queue.start(SLOTQ_PUSH);
    queue.call.push.count = 1;
    REQUIRE_REFUSED(queue, go(), SLOTQ_INVALID); /* messages is NULL */
}

TEST_CASE("outcomes: push takes 1 MiB of payload a call and not a byte more")
{
    Queue queue(support::geometry(20, 65535, 1));
    const std::string most(65535, 'm');
    std::vector<slotq_data> data(17, {most.data(), 65535});
    data[16].size = SLOTQ_CALL_BYTES_MAX - 16 * 65535 + 1;
    queue.start(SLOTQ_PUSH);
    queue.call.push.messages = data.data();
    queue.call.push.count = 17;
    REQUIRE_REFUSED(queue, go(), SLOTQ_INVALID);
    data[16].size--;
    queue.start(SLOTQ_PUSH);
    queue.call.push.messages = data.data();
    queue.call.push.count = 17;
    REQUIRE(queue.go() == SLOTQ_OK);
    REQUIRE(queue.image.last_id() == 17);
}

TEST_CASE("outcomes: FULL names the holder of the ring")
{
    Queue queue = small(0, 0, 0, 2);
    REQUIRE(queue.push(3) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, push(1), SLOTQ_FULL);
    REQUIRE(queue.call.push.holder.id == 1);
    REQUIRE(queue.call.push.holder.held == 3);
    REQUIRE(queue.call.push.holder.unfinished == 3);
    REQUIRE(queue.call.push.holder.group == 0);
    REQUIRE(queue.call.push.holder.state == SLOTQ_STATE_READY);
    REQUIRE(queue.reserve(3) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_ACK, queue.runs) == SLOTQ_OK);
    REQUIRE(queue.reserve(2, 5000, 1) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_ACK, 2, queue.runs[0].token, 0, 1) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, push(1), SLOTQ_FULL);
    REQUIRE(queue.call.push.holder.id == 1);
    REQUIRE(queue.call.push.holder.held == 3);
    REQUIRE(queue.call.push.holder.unfinished == 2);
    REQUIRE(queue.call.push.holder.group == 1);
    REQUIRE(queue.call.push.holder.state == SLOTQ_STATE_LEASED);
    REQUIRE(queue.settle(SLOTQ_NACK, 1, queue.runs[0].token, 900, 1) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, push(2), SLOTQ_FULL);
    REQUIRE(queue.call.push.holder.state == SLOTQ_STATE_WAITING);
    REQUIRE(queue.remove(1, 1) == SLOTQ_OK); /* frees 1 and 2 */
    REQUIRE_REFUSED(queue, push(3), SLOTQ_FULL);
    REQUIRE(queue.push(2) == SLOTQ_OK);
}

TEST_CASE("outcomes: reserve refuses what is out of range, and answers EMPTY")
{
    Queue queue = small();
    REQUIRE_REFUSED(queue, reserve(1), SLOTQ_EMPTY);
    REQUIRE(queue.call.reserve.next_due_ms == UINT64_MAX);
    REQUIRE(queue.push(2) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, reserve(0), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, reserve(SLOTQ_CALL_MESSAGES_MAX + 1), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, reserve(1, 0), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, reserve(1, longest_ticks * 100 + 1), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, reserve(1, 100, 1), SLOTQ_INVALID);
    queue.start(SLOTQ_RESERVE);
    queue.call.reserve.limit = 1;
    queue.call.reserve.lease_ms = 1;
    queue.call.reserve.run_capacity = 1;
    REQUIRE_REFUSED(queue, go(), SLOTQ_INVALID); /* runs is NULL */
    slotq_run run;
    queue.start(SLOTQ_RESERVE);
    queue.call.reserve.limit = 1;
    queue.call.reserve.lease_ms = 1;
    queue.call.reserve.runs = &run;
    REQUIRE_REFUSED(queue, go(), SLOTQ_INVALID); /* run_capacity is 0 */
    REQUIRE(queue.reserve(1, longest_ticks * 100) == SLOTQ_OK);
    REQUIRE(queue.reserve(1, 1) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, reserve(1), SLOTQ_EMPTY);
    REQUIRE(queue.call.reserve.next_due_ms == queue.now_ms + 100);
}

TEST_CASE("outcomes: settle refuses what is out of range")
{
    Queue queue = small();
    REQUIRE(queue.push(2) == SLOTQ_OK);
    REQUIRE(queue.reserve(2) == SLOTQ_OK);
    const slotq_run held = queue.runs[0];
    for (const slotq_verb verb : {SLOTQ_ACK, SLOTQ_NACK, SLOTQ_RELEASE, SLOTQ_EXTEND, SLOTQ_KILL}) {
        CAPTURE(static_cast<int>(verb));
        REQUIRE_REFUSED(queue, settle(verb, std::vector<slotq_run>(), 100), SLOTQ_INVALID);
        REQUIRE_REFUSED(queue, settle(verb, {held, {1, 5, 0}}, 100), SLOTQ_INVALID);
        REQUIRE_REFUSED(queue, settle(verb, {held}, 100, 1), SLOTQ_INVALID);
        REQUIRE_REFUSED(queue, settle(verb, {{1, 5, 4097}}, 100), SLOTQ_INVALID);
        REQUIRE_REFUSED(queue, settle(verb, {held, {1, 5, 4095}}, 100), SLOTQ_INVALID);
        REQUIRE_REFUSED(queue, settle(verb, {{1, 5, 4097}, held}, 100), SLOTQ_INVALID);
        REQUIRE_REFUSED(queue, settle(verb, {{1, 5, UINT32_MAX}, held}, 100), SLOTQ_INVALID);
        queue.start(verb);
        queue.call.settle.run_count = 1;
        REQUIRE_REFUSED(queue, go(), SLOTQ_INVALID); /* runs is NULL */
    }
    REQUIRE_REFUSED(queue, settle(SLOTQ_NACK, {held}, longest_ticks * 100 + 1), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, settle(SLOTQ_EXTEND, {held}, longest_ticks * 100 + 1), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, settle(SLOTQ_EXTEND, {held}, 0), SLOTQ_INVALID);
    REQUIRE(queue.settle(SLOTQ_NACK, held.id, held.token, longest_ticks * 100) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, settle(SLOTQ_ACK, {{2, 5, 2}, {9, 5, 1}, {0, 5, 1}}), SLOTQ_STALE);
    REQUIRE(queue.outcomes == std::vector<uint8_t>{1, 3, 3, 3, 99});
}

TEST_CASE("outcomes: a settle of many tells each message its own")
{
    Queue queue(support::geometry(9, 5, 1, 0, 0, 1, 100));
    REQUIRE(queue.push(6) == SLOTQ_OK);
    REQUIRE(queue.reserve(5) == SLOTQ_OK);
    const uint32_t token = queue.runs[0].token;
    REQUIRE(queue.settle(SLOTQ_ACK, 1, token) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_ACK, 3, token) == SLOTQ_OK);
    const std::vector<slotq_run> runs = {{1, token, 9}, {0, token, 1}};
    REQUIRE(queue.settle(SLOTQ_KILL, runs) == SLOTQ_GONE); /* the first that was refused */
    REQUIRE(queue.outcomes == std::vector<uint8_t>{2, 0, 2, 4, 4, 1, 3, 3, 3, 3, 99});
    REQUIRE(queue.call.settle.ok_count == 1);
    REQUIRE(queue.call.settle.dead_count == 1);
    REQUIRE(queue.settle(SLOTQ_EXTEND, runs, 700) == SLOTQ_GONE);
    REQUIRE(queue.call.settle.ok_count == 2);
    REQUIRE(queue.tokens[0] == 8);
    REQUIRE(queue.tokens[3] == queue.word(4));
    REQUIRE(queue.tokens[4] == queue.word(5));
    REQUIRE(queue.tokens[5] == 4);
    REQUIRE(queue.tokens[6] == 12);
    queue.start(SLOTQ_ACK); /* without the outcome bytes */
    queue.call.settle.runs = runs.data();
    queue.call.settle.run_count = 2;
    REQUIRE_REFUSED(queue, go(), SLOTQ_GONE);
}

TEST_CASE("outcomes: DEADFULL keeps the message with its holder")
{
    Queue queue = small(0, 1, 1);
    REQUIRE(queue.push(2) == SLOTQ_OK);
    REQUIRE(queue.reserve(2) == SLOTQ_OK);
    const uint32_t token = queue.runs[0].token;
    REQUIRE(queue.settle(SLOTQ_KILL, 1, token) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, settle(SLOTQ_KILL, 2, token), SLOTQ_DEADFULL);
    REQUIRE_REFUSED(queue, settle(SLOTQ_NACK, 2, token), SLOTQ_DEADFULL);
    REQUIRE_REFUSED(queue, settle(SLOTQ_NACK, 2, token, 700), SLOTQ_DEADFULL);
    REQUIRE(queue.settle(SLOTQ_EXTEND, 2, token, 700) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_ACK, 2, queue.tokens[0]) == SLOTQ_OK);
}

TEST_CASE("outcomes: PAUSED in and out, and what goes on meanwhile")
{
    Queue queue = small(0, 0, 2);
    REQUIRE(queue.push(2) == SLOTQ_OK);
    REQUIRE(queue.reserve() == SLOTQ_OK);
    const uint32_t token = queue.runs[0].token;
    REQUIRE_REFUSED(queue, pause(SLOTQ_PAUSE, 0), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, pause(SLOTQ_PAUSE, 8), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, pause(SLOTQ_RESUME, 0), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, pause(SLOTQ_RESUME, 255), SLOTQ_INVALID);
    REQUIRE(queue.pause(SLOTQ_PAUSE, SLOTQ_PAUSE_IN) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, push(1), SLOTQ_PAUSED);
    REQUIRE_REFUSED(queue, redrive(1), SLOTQ_PAUSED);
    REQUIRE_REFUSED(queue, push(0), SLOTQ_INVALID);
    REQUIRE(queue.pause(SLOTQ_PAUSE, SLOTQ_PAUSE_OUT) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, pause(SLOTQ_PAUSE, SLOTQ_PAUSE_BOTH), SLOTQ_OK);
    REQUIRE_REFUSED(queue, reserve(1), SLOTQ_PAUSED);
    REQUIRE_REFUSED(queue, reserve(0), SLOTQ_INVALID);
    REQUIRE(queue.stats().paused == SLOTQ_PAUSE_BOTH);
    REQUIRE(queue.settle(SLOTQ_KILL, 1, token) == SLOTQ_OK);
    REQUIRE(queue.pause(SLOTQ_RESUME, SLOTQ_PAUSE_IN) == SLOTQ_OK);
    REQUIRE(queue.redrive(1) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, reserve(1), SLOTQ_PAUSED);
    REQUIRE(queue.pause(SLOTQ_RESUME, SLOTQ_PAUSE_BOTH) == SLOTQ_OK);
    REQUIRE(queue.reserve(1) == SLOTQ_OK);
}

TEST_CASE("outcomes: CLOSED to what is new, and what goes on until the end")
{
    slotq_geometry shape = support::geometry(4, 5, 1, SLOTQ_FLAG_KEYS, 0, 2, 100);
    shape.later_slots = 2;
    Queue queue(shape);
    const uint64_t due_ms = queue.now_ms + 1000;
    REQUIRE(queue.push(2) == SLOTQ_OK);
    REQUIRE(queue.schedule(due_ms) == SLOTQ_OK);
    REQUIRE(queue.reserve(1) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_KILL, 1, queue.runs[0].token) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, plain(SLOTQ_FINISH), SLOTQ_UNFINISHED);
    REQUIRE(queue.pause(SLOTQ_PAUSE, SLOTQ_PAUSE_CLOSED | SLOTQ_PAUSE_IN) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, push(1), SLOTQ_CLOSED); /* not PAUSED: it stays closed */
    REQUIRE_REFUSED(queue, push_keys({7}), SLOTQ_CLOSED);
    REQUIRE_REFUSED(queue, schedule(due_ms), SLOTQ_CLOSED);
    REQUIRE_REFUSED(queue, push(0), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, redrive(1), SLOTQ_PAUSED);
    REQUIRE(queue.pause(SLOTQ_RESUME, SLOTQ_PAUSE_BOTH) == SLOTQ_OK);
    REQUIRE(queue.stats().paused == SLOTQ_PAUSE_CLOSED);
    REQUIRE_REFUSED(queue, push(1), SLOTQ_CLOSED);
    REQUIRE(queue.redrive(1) == SLOTQ_OK);
    queue.now_ms = due_ms;
    REQUIRE(queue.reserve(3) == SLOTQ_OK); /* promotes */
    REQUIRE(queue.call.reserve.message_count == 3);
    REQUIRE_REFUSED(queue, plain(SLOTQ_FINISH), SLOTQ_UNFINISHED);
    REQUIRE(queue.settle(SLOTQ_ACK, queue.runs) == SLOTQ_OK);
    REQUIRE(queue.plain(SLOTQ_FINISH) == SLOTQ_OK);
    REQUIRE(queue.call.finish.last_id == 4);
    REQUIRE(queue.pause(SLOTQ_RESUME, SLOTQ_PAUSE_CLOSED) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, plain(SLOTQ_FINISH), SLOTQ_UNFINISHED);
    REQUIRE(queue.push(1) == SLOTQ_OK);
}

TEST_CASE("outcomes: each part that has a message keeps a closed queue from its end")
{
    slotq_geometry shape = support::geometry(4, 5, 1, 0, 1, 2, 100);
    shape.later_slots = 1;
    shape.aside_slots = 1;
    Queue queue(shape);
    uint32_t word = 0;
    SECTION("the ring")
    {
        REQUIRE(queue.push(1) == SLOTQ_OK);
        word = 1;
    }
    SECTION("aside")
    {
        REQUIRE(queue.push(3) == SLOTQ_OK);
        REQUIRE(queue.reserve(3) == SLOTQ_OK);
        REQUIRE(queue.settle(SLOTQ_ACK, 2, queue.word(2)) == SLOTQ_OK);
        REQUIRE(queue.settle(SLOTQ_ACK, 3, queue.word(3)) == SLOTQ_OK);
        REQUIRE(queue.push(1) == SLOTQ_OK); /* 1 steps aside */
        REQUIRE(queue.stats().aside == 1);
        REQUIRE(queue.remove(4) == SLOTQ_OK);
        word = 1;
    }
    SECTION("scheduled")
    {
        REQUIRE(queue.schedule(queue.now_ms + 1000) == SLOTQ_OK);
    }
    SECTION("dead")
    {
        REQUIRE(queue.push(1) == SLOTQ_OK);
        REQUIRE(queue.reserve(1) == SLOTQ_OK);
        REQUIRE(queue.settle(SLOTQ_KILL, 1, queue.runs[0].token) == SLOTQ_OK);
    }
    SECTION("as many dead as scheduled")
    {
        REQUIRE(queue.push(1) == SLOTQ_OK);
        REQUIRE(queue.reserve(1) == SLOTQ_OK);
        REQUIRE(queue.settle(SLOTQ_KILL, 1, queue.runs[0].token) == SLOTQ_OK);
        REQUIRE(queue.schedule(queue.now_ms + 1000) == SLOTQ_OK);
    }
    REQUIRE(queue.pause(SLOTQ_PAUSE, SLOTQ_PAUSE_CLOSED) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, plain(SLOTQ_FINISH), SLOTQ_UNFINISHED);
    if (word != 0) {
        REQUIRE(queue.plain(SLOTQ_PURGE) == SLOTQ_OK);
    }
    REQUIRE((queue.stats().later == 0 || queue.cancel(1) == SLOTQ_OK));
    REQUIRE((queue.stats().dead == 0 || queue.plain(SLOTQ_DEAD_PURGE) == SLOTQ_OK));
    REQUIRE(queue.plain(SLOTQ_FINISH) == SLOTQ_OK);
}

TEST_CASE("outcomes: the rest refuses what is out of range")
{
    Queue queue = small(0, 0, 2);
    REQUIRE(queue.push(2) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, remove(1, 1), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, remove(1, 254), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, reclaim(1), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, reclaim(0), SLOTQ_OK);
    REQUIRE_REFUSED(queue, redrive(0), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, redrive(SLOTQ_CALL_MESSAGES_MAX + 1), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, redrive(SLOTQ_CALL_MESSAGES_MAX), SLOTQ_OK);
    REQUIRE_REFUSED(queue, status(1, 1), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, look(SLOTQ_PEEK, 0, 0), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, look(SLOTQ_PEEK, 0, 4097), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, look(SLOTQ_PEEK, 0, 9, 1), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, look(SLOTQ_DEAD_LIST, 0, 0), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, look(SLOTQ_DEAD_LIST, 0, 4097), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, look(SLOTQ_DEAD_LIST), SLOTQ_EMPTY);
    for (const slotq_verb verb : {SLOTQ_PEEK, SLOTQ_DEAD_LIST}) {
        queue.start(verb);
        queue.call.look.capacity = 1;
        REQUIRE_REFUSED(queue, go(), SLOTQ_INVALID); /* items is NULL */
    }
    queue.start(SLOTQ_STATS);
    queue.call.stats.group = 1;
    REQUIRE_REFUSED(queue, go(), SLOTQ_INVALID);
    queue.start(SLOTQ_VERB_COUNT);
    REQUIRE_REFUSED(queue, go(), SLOTQ_INVALID);
    queue.start(static_cast<slotq_verb>(31));
    REQUIRE_REFUSED(queue, go(), SLOTQ_INVALID);
}

TEST_CASE("outcomes: now beyond its range is INVALID to every verb")
{
    Queue queue = small(0, 0, 2);
    REQUIRE(queue.push(2) == SLOTQ_OK);
    for (uint32_t verb = 0; verb < SLOTQ_VERB_COUNT; verb++) {
        queue.start(static_cast<slotq_verb>(verb));
        queue.call.now_ms = SLOTQ_NOW_MS_MAX + 1;
        REQUIRE_REFUSED(queue, go(), SLOTQ_INVALID);
    }
    queue.now_ms = SLOTQ_NOW_MS_MAX;
    REQUIRE(queue.reserve(1, longest_ticks * 100) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_EXTEND, queue.runs, longest_ticks * 100) == SLOTQ_OK);
    queue.now_ms = 0;
    REQUIRE(queue.reserve(2, longest_ticks * 100) == SLOTQ_OK);
}

TEST_CASE("outcomes: peek shows the window, done ones too, from an id on")
{
    Queue queue = small();
    REQUIRE_REFUSED(queue, look(SLOTQ_PEEK), SLOTQ_EMPTY);
    REQUIRE(queue.push(1, "a") == SLOTQ_OK);
    REQUIRE(queue.push(1, "bb") == SLOTQ_OK);
    REQUIRE(queue.push(1, "") == SLOTQ_OK);
    REQUIRE(queue.reserve(2) == SLOTQ_OK);
    const uint32_t token = queue.runs[0].token;
    REQUIRE(queue.settle(SLOTQ_ACK, 2, token) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, look(SLOTQ_PEEK), SLOTQ_OK);
    REQUIRE(queue.items.size() == 3);
    REQUIRE(queue.items[0].word == token);
    REQUIRE(queue.items[0].attempts == 1);
    REQUIRE(queue.items[1].state == SLOTQ_STATE_DONE);
    REQUIRE(queue.items[2].state == SLOTQ_STATE_READY);
    REQUIRE(queue.payload(queue.items[1].slot_offset) == "bb");
    REQUIRE(queue.payload(queue.items[2].slot_offset).empty());
    REQUIRE(queue.look(SLOTQ_PEEK, 2, 1) == SLOTQ_OK);
    REQUIRE(queue.items.size() == 1);
    REQUIRE(queue.items[0].id == 2);
    REQUIRE_REFUSED(queue, look(SLOTQ_PEEK, 4), SLOTQ_EMPTY);
    REQUIRE(queue.settle(SLOTQ_ACK, 1, token) == SLOTQ_OK);
    REQUIRE(queue.look(SLOTQ_PEEK, 1) == SLOTQ_OK); /* gone: from the oldest on */
    REQUIRE(queue.items[0].id == 3);
}
