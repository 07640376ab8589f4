/* test_later.cpp: scheduled messages, rule by rule: schedule, promotion, cancel, kick, list; their
 * ids; which callers they wake (FORMAT.md, "Later", "Promotion").
 */
#include "queue.hpp"

namespace
{

slotq_geometry shape(uint32_t ring_slots, uint32_t later_slots, uint32_t flags = 0,
                     uint32_t groups = 1)
{
    slotq_geometry made = support::geometry(ring_slots, 5, groups, flags, 0, 0, 100);
    made.later_slots = static_cast<uint16_t>(later_slots);
    return made;
}

std::vector<std::string> payloads(Queue &queue)
{
    std::vector<std::string> found;
    REQUIRE(queue.look(SLOTQ_PEEK) == SLOTQ_OK);
    for (const slotq_item &item : queue.items) {
        found.push_back(queue.payload(item.slot_offset));
    }
    return found;
}

std::vector<uint64_t> later_ids(Queue &queue)
{
    std::vector<uint64_t> found;
    (void)queue.look(SLOTQ_LATER_LIST);
    for (const slotq_item &item : queue.items) {
        found.push_back(item.id);
    }
    std::sort(found.begin(), found.end());
    return found;
}

} // namespace

TEST_CASE("later: messages come in the order of time, then of ids, and never early")
{
    Queue queue(shape(8, 4));
    const uint64_t now_ms = queue.now_ms;
    REQUIRE(queue.schedule(now_ms + 300, 1, "c") == SLOTQ_OK);
    REQUIRE(queue.call.schedule.first_later_id == 1);
    REQUIRE(queue.schedule(now_ms + 200, 2, "b") == SLOTQ_OK);
    REQUIRE(queue.call.schedule.first_later_id == 2);
    REQUIRE(queue.schedule(now_ms + 200, 1, "d") == SLOTQ_OK);
    queue.now_ms = now_ms + 199;
    REQUIRE(queue.reserve() == SLOTQ_EMPTY);
    REQUIRE(queue.call.reserve.next_due_ms == now_ms + 200);
    queue.now_ms = now_ms + 200;
    REQUIRE(queue.push(1, "x") == SLOTQ_OK); /* what is due goes before it */
    REQUIRE(queue.call.push.first_id == 4);
    REQUIRE(payloads(queue) == std::vector<std::string>{"b", "b", "d", "x"});
    REQUIRE(queue.reserve(8) == SLOTQ_OK);
    REQUIRE(queue.call.reserve.message_count == 4);
    queue.now_ms = now_ms + 300;
    REQUIRE(queue.reserve(8) == SLOTQ_OK);
    REQUIRE(queue.runs[0].id == 5);
    REQUIRE(queue.stats().later == 0);
}

TEST_CASE("later: all groups get a message, with its key and a new stamp")
{
    Queue queue(shape(4, 2, SLOTQ_FLAG_STAMPS | SLOTQ_FLAG_CHECKS | SLOTQ_FLAG_KEYS, 2));
    const uint64_t due_ms = queue.now_ms + 5000;
    queue.keys = {0x0102030405060708};
    REQUIRE(queue.schedule(due_ms, 1, "abc") == SLOTQ_OK);
    queue.keys.clear();
    REQUIRE(queue.look(SLOTQ_LATER_LIST) == SLOTQ_OK);
    REQUIRE(queue.payload(queue.items[0].slot_offset) == "abc");
    queue.now_ms = due_ms + 250;
    for (const uint32_t group : {0u, 1u}) {
        REQUIRE(queue.reserve(1, 1000, group) == SLOTQ_OK);
        REQUIRE(queue.runs[0].id == 1);
    }
    REQUIRE(queue.image.key_of(0) == 0x0102030405060708);
    REQUIRE(queue.status(1) == SLOTQ_OK);
    REQUIRE(queue.call.status.status.pushed_ms == (due_ms + 250) / 100 * 100);
    REQUIRE(queue.payload(queue.image.slot_offset_of(1)) == "abc");
}

TEST_CASE("later: what schedule refuses, in order")
{
    Queue queue(shape(4, 3));
    const uint64_t now_ms = queue.now_ms;
    REQUIRE_REFUSED(queue, schedule(now_ms, 0), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, schedule(now_ms, SLOTQ_CALL_MESSAGES_MAX + 1), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, schedule(SLOTQ_NOW_MS_MAX + 1, 1, "longer"), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, schedule(now_ms, 1, "longer"), SLOTQ_TOOBIG);
    REQUIRE_REFUSED(queue, schedule(now_ms, 4), SLOTQ_TOOBIG);
    REQUIRE(queue.schedule(SLOTQ_NOW_MS_MAX, 1) == SLOTQ_OK);
    REQUIRE(queue.pause(SLOTQ_PAUSE, SLOTQ_PAUSE_IN) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, schedule(now_ms, 4), SLOTQ_TOOBIG);
    REQUIRE_REFUSED(queue, schedule(now_ms, 3, "p", true), SLOTQ_PAUSED);
    REQUIRE(queue.pause(SLOTQ_RESUME, SLOTQ_PAUSE_IN) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, schedule(now_ms, 3, "p", true), SLOTQ_EMPTY);
    REQUIRE_REFUSED(queue, schedule(now_ms, 3), SLOTQ_FULL);
    REQUIRE(queue.schedule(now_ms + 1, 2, "p", true) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, schedule(now_ms, 1), SLOTQ_FULL);
    Queue none(shape(4, 0));
    REQUIRE_REFUSED(none, schedule(now_ms, 1), SLOTQ_TOOBIG);
    REQUIRE_REFUSED(none, cancel(1), SLOTQ_NOTFOUND);
    REQUIRE_REFUSED(none, look(SLOTQ_LATER_LIST), SLOTQ_EMPTY);
    slotq_geometry large = shape(4, 20);
    large.payload_bytes = 65535;
    Queue heavy(large);
    REQUIRE_REFUSED(heavy, schedule(now_ms, 17, std::string(65535, 'x')), SLOTQ_INVALID);
}

TEST_CASE("later: a message of a call that was cut short is there, and the next ids follow")
{
    Queue queue(shape(4, 4));
    const slotq_data data[3] = {{"a", 1}, {"b", 1}, {"c", 1}};
    slotq_step step;
    queue.start(SLOTQ_SCHEDULE);
    queue.call.schedule.messages = data;
    queue.call.schedule.count = 3;
    queue.call.schedule.due_ms = 7;
    REQUIRE(slotq_core_step(&queue.image.view(), &queue.call, &step) == SLOTQ_MORE);
    slotq_core_apply(queue.image.data(), &queue.image.view(), &step);
    REQUIRE(queue.image.check().empty());
    REQUIRE(queue.stats().later == 1);
    REQUIRE(queue.schedule(8) == SLOTQ_OK);
    REQUIRE(queue.call.schedule.first_later_id == 2);
}

/* ---- ids ---- */

TEST_CASE("later: the ids of a call lie in one block, and a block in use is passed")
{
    Queue queue(shape(4, 9));
    const auto next = [&](uint64_t last, uint32_t count) {
        queue.image.set(field::shared_later_last_id, last);
        REQUIRE(queue.schedule(queue.now_ms, count) == SLOTQ_OK);
        return queue.call.schedule.first_later_id;
    };
    REQUIRE(next(0x0001FFFC, 3) == 0x0001FFFD); /* to the end of the block */
    REQUIRE(next(0x0003FFFD, 3) == 0x00040000);
    REQUIRE(queue.image.get(field::shared_later_last_id) == 0x00040002);
    REQUIRE(next(0x0000FFFF, 1) == 0x00020000); /* block 1 has three */
    REQUIRE(next(0xFFFFFFFF, 1) == 1);          /* 0 is left out */
    REQUIRE(next(0xFFFFFFFF, 1) == 0x00030000); /* blocks 0, 1 and 2 are in use */
}

TEST_CASE("later: thousands of blocks in a row are in use")
{
    constexpr uint32_t blocks = 2 * 2048 + 3;
    slotq_geometry made = shape(2, blocks + 1);
    made.payload_bytes = 1;
    Queue queue(made);
    queue.image.check_each_step(false);
    queue.sound = false;
    for (uint32_t block = 1; block <= blocks; block++) {
        queue.image.set(field::shared_later_last_id, (block << 16) + 7);
        REQUIRE(queue.schedule(queue.now_ms + block) == SLOTQ_OK);
    }
    queue.sound = true;
    queue.image.set(field::shared_later_last_id, 0xFFFF);
    REQUIRE(queue.schedule(queue.now_ms) == SLOTQ_OK);
    REQUIRE(queue.call.schedule.first_later_id == (blocks + 1) << 16);
}

/* ---- promotion ---- */

TEST_CASE("later: sixteen are promoted in a call, and the rest in the next")
{
    Queue queue(shape(64, 40));
    REQUIRE(queue.schedule(queue.now_ms, 20) == SLOTQ_OK);
    REQUIRE(queue.push(1) == SLOTQ_OK);
    REQUIRE(queue.call.push.first_id == 17);
    REQUIRE(queue.stats().later == 4);
    REQUIRE(queue.reserve(64) == SLOTQ_OK);
    REQUIRE(queue.call.reserve.message_count == 21);
    REQUIRE(queue.image.steps() > 4);
}

TEST_CASE("later: paused in, nothing is promoted, and no caller is told a time")
{
    Queue queue(shape(4, 2));
    const uint64_t now_ms = queue.now_ms;
    REQUIRE(queue.schedule(now_ms + 50) == SLOTQ_OK);
    REQUIRE(queue.reserve() == SLOTQ_EMPTY);
    REQUIRE(queue.call.reserve.next_due_ms == now_ms + 50);
    REQUIRE(queue.pause(SLOTQ_PAUSE, SLOTQ_PAUSE_IN) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, reserve(), SLOTQ_EMPTY);
    REQUIRE(queue.call.reserve.next_due_ms == UINT64_MAX);
    queue.now_ms += 100;
    REQUIRE_REFUSED(queue, reserve(), SLOTQ_EMPTY);
    REQUIRE(queue.call.reserve.next_due_ms == UINT64_MAX);
    REQUIRE_REFUSED(queue, push(1), SLOTQ_PAUSED);
    REQUIRE(queue.pause(SLOTQ_RESUME, SLOTQ_PAUSE_IN) == SLOTQ_OK);
    REQUIRE(queue.pause(SLOTQ_PAUSE, SLOTQ_PAUSE_OUT) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, reserve(), SLOTQ_PAUSED);
    REQUIRE(queue.pause(SLOTQ_RESUME, SLOTQ_PAUSE_OUT) == SLOTQ_OK);
    REQUIRE(queue.reserve() == SLOTQ_OK);
}

TEST_CASE("later: the time that EMPTY tells is the earlier of a deadline and a due time")
{
    Queue queue(shape(4, 2));
    const uint64_t now_ms = queue.now_ms;
    REQUIRE(queue.push(1) == SLOTQ_OK);
    REQUIRE(queue.reserve(1, 500) == SLOTQ_OK);
    REQUIRE(queue.schedule(now_ms + 700) == SLOTQ_OK);
    REQUIRE(queue.reserve() == SLOTQ_EMPTY);
    REQUIRE(queue.call.reserve.next_due_ms == now_ms + 500);
    REQUIRE(queue.schedule(now_ms + 300) == SLOTQ_OK);
    REQUIRE(queue.reserve() == SLOTQ_EMPTY);
    REQUIRE(queue.call.reserve.next_due_ms == now_ms + 300);
}

TEST_CASE("later: a full ring leaves a message due until there is room")
{
    Queue queue(shape(3, 2));
    REQUIRE(queue.push(2) == SLOTQ_OK);
    REQUIRE(queue.schedule(queue.now_ms, 2, "due") == SLOTQ_OK);
    REQUIRE_REFUSED(queue, push(1), SLOTQ_FULL);
    REQUIRE(queue.reserve(2) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, reserve(), SLOTQ_EMPTY);
    REQUIRE(queue.call.reserve.next_due_ms == queue.now_ms + 10000);
    REQUIRE(queue.settle(SLOTQ_ACK, {{1, queue.word(1), 1}}) == SLOTQ_OK);
    REQUIRE(queue.push(1) == SLOTQ_FULL); /* the one free slot is for what is due */
    REQUIRE(queue.stats().later == 1);
    REQUIRE(payloads(queue) == std::vector<std::string>{"p", "due"});
}

TEST_CASE("later: promotion moves heads and lets a message step aside")
{
    slotq_geometry made = shape(4, 3, 0, 2);
    made.aside_slots = 1;
    Queue queue(made);
    REQUIRE(queue.push(3) == SLOTQ_OK);
    for (const uint32_t group : {0u, 1u}) {
        REQUIRE(queue.reserve(3, 60000, group) == SLOTQ_OK);
        REQUIRE(queue.settle(SLOTQ_ACK, {{2, queue.runs[0].token, 2}}, 0, group) == SLOTQ_OK);
    }
    REQUIRE(queue.schedule(queue.now_ms, 3, "due") == SLOTQ_OK);
    REQUIRE(queue.reserve(1) == SLOTQ_OK);
    REQUIRE(queue.runs[0].id == 4);
    REQUIRE(queue.aside_ids() == std::vector<uint64_t>{1});
    REQUIRE(queue.stats().later == 0);
}

TEST_CASE("later: with overwrite a promotion drops the oldest message")
{
    for (const bool reserves : {true, false}) {
        Queue queue(shape(3, 3, SLOTQ_FLAG_OVERWRITE));
        REQUIRE(queue.push(2, "old") == SLOTQ_OK);
        REQUIRE(queue.schedule(queue.now_ms, 1, "due") == SLOTQ_OK);
        if (reserves) {
            REQUIRE(queue.reserve(1) == SLOTQ_OK);
            REQUIRE(payloads(queue) == std::vector<std::string>{"old", "due"});
        } else {
            REQUIRE(queue.push(1, "new") == SLOTQ_OK);
            REQUIRE(payloads(queue) == std::vector<std::string>{"due", "new"});
        }
        REQUIRE(queue.image.get(field::shared_dropped) == (reserves ? 1 : 2));
    }
}

TEST_CASE("later: after the last id nothing is promoted")
{
    Queue queue(shape(8, 3));
    queue.image.start_at(SLOTQ_ID_MAX - 1, 3);
    REQUIRE(queue.schedule(queue.now_ms, 2) == SLOTQ_OK);
    REQUIRE(queue.push(1) == SLOTQ_FULL); /* the last id went to the first of them */
    REQUIRE(queue.stats().later == 1);
    REQUIRE(queue.reserve(8) == SLOTQ_OK);
    REQUIRE(queue.call.reserve.message_count == 1);
    REQUIRE_REFUSED(queue, reserve(8), SLOTQ_EMPTY);
}

TEST_CASE("later: purge keeps scheduled messages, and promotion crosses an era")
{
    Queue queue(shape(4, 2));
    queue.image.start_at((UINT64_C(1) << 31) - 1, 1);
    REQUIRE(queue.schedule(queue.now_ms) == SLOTQ_OK);
    REQUIRE(queue.plain(SLOTQ_PURGE) == SLOTQ_OK);
    REQUIRE(queue.reserve() == SLOTQ_OK);
    REQUIRE(queue.runs[0].id == UINT64_C(1) << 31);
    REQUIRE(queue.image.get(field::shared_era) == 1);
}

/* ---- cancel, kick, list ---- */

TEST_CASE("later: cancel takes a message out of any place of the heap")
{
    constexpr uint32_t count = 100; /* three levels */
    for (uint32_t which = 1; which <= count; which++) {
        Queue queue(shape(2, count));
        queue.image.check_each_step(false);
        for (uint32_t i = 0; i < count; i++) { /* in no order */
            REQUIRE(queue.schedule(queue.now_ms + i * 37 % count * 10) == SLOTQ_OK);
        }
        REQUIRE(queue.cancel(which) == SLOTQ_OK);
        REQUIRE_REFUSED(queue, cancel(which), SLOTQ_NOTFOUND);
        const std::vector<uint64_t> left = later_ids(queue);
        REQUIRE(left.size() == count - 1);
        REQUIRE(std::find(left.begin(), left.end(), which) == left.end());
    }
}

TEST_CASE("later: an entry that is moved by a cancel may have to rise")
{
    Queue queue(shape(2, 20));
    const uint64_t now_ms = queue.now_ms;
    for (uint32_t i = 0; i < 18; i++) { /* below place 1 all are late, below place 2 early */
        const uint64_t due_ms = i == 0 ? 0 : i == 1 ? 1000 : i < 9 ? 10 : i < 17 ? 2000 : 20;
        REQUIRE(queue.schedule(now_ms + due_ms) == SLOTQ_OK);
    }
    REQUIRE(queue.cancel(10) == SLOTQ_OK); /* the last one, due at 20, comes below place 1 */
    REQUIRE(queue.look(SLOTQ_LATER_LIST) == SLOTQ_OK);
    REQUIRE(queue.items[1].id == 18);
    REQUIRE(queue.items[9].id == 2);
}

TEST_CASE("later: cancel and kick judge the id")
{
    Queue queue(shape(4, 4));
    REQUIRE(queue.schedule(queue.now_ms + 1000, 3) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, cancel(0), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, cancel(4), SLOTQ_NOTFOUND);
    REQUIRE_REFUSED(queue, kick_later(0), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, kick_later(4), SLOTQ_NOTFOUND);
    REQUIRE_REFUSED(queue, kick_later((UINT64_C(1) << 32) + 1), SLOTQ_NOTFOUND);
    REQUIRE_REFUSED(queue, kick(1), SLOTQ_NOTFOUND);
    REQUIRE_REFUSED(queue, kick(0), SLOTQ_NOTFOUND);
    REQUIRE_REFUSED(queue, kick(1, 1), SLOTQ_INVALID);
    REQUIRE(queue.cancel(2) == SLOTQ_OK);
    REQUIRE(later_ids(queue) == std::vector<uint64_t>{1, 3});
}

TEST_CASE("later: a kicked message is due now, in its order")
{
    Queue queue(shape(4, 4));
    const uint64_t now_ms = queue.now_ms;
    REQUIRE(queue.schedule(now_ms + 1000, 2) == SLOTQ_OK);
    REQUIRE(queue.schedule(now_ms + 500, 1) == SLOTQ_OK);
    REQUIRE(queue.kick_later(2) == SLOTQ_OK);
    REQUIRE(queue.image.get(field::shared_later_due_ms) == now_ms);
    REQUIRE_REFUSED(queue, kick_later(2), SLOTQ_OK);
    REQUIRE(queue.reserve(4) == SLOTQ_OK);
    REQUIRE(queue.call.reserve.message_count == 1);
    REQUIRE(later_ids(queue) == std::vector<uint64_t>{1, 3});
    REQUIRE_REFUSED(queue, kick_later(2), SLOTQ_NOTFOUND);
}

TEST_CASE("later: the list shows messages by place, from one on")
{
    Queue queue(shape(4, 4));
    REQUIRE_REFUSED(queue, look(SLOTQ_LATER_LIST), SLOTQ_EMPTY);
    REQUIRE(queue.schedule(3000000, 2, "abc") == SLOTQ_OK);
    REQUIRE(queue.schedule(2000000, 1, "de") == SLOTQ_OK);
    REQUIRE_REFUSED(queue, look(SLOTQ_LATER_LIST), SLOTQ_OK);
    REQUIRE(queue.items.size() == 3);
    REQUIRE(queue.items[0].id == 3);
    REQUIRE(queue.items[0].due_ms == 2000000);
    REQUIRE(queue.payload(queue.items[0].slot_offset) == "de");
    REQUIRE(queue.look(SLOTQ_LATER_LIST, 1, 1) == SLOTQ_OK);
    REQUIRE(queue.items.size() == 1);
    REQUIRE(queue.items[0].id == 2);
    REQUIRE(queue.payload(queue.items[0].slot_offset) == "abc");
    REQUIRE_REFUSED(queue, look(SLOTQ_LATER_LIST, 3), SLOTQ_EMPTY);
    REQUIRE_REFUSED(queue, look(SLOTQ_LATER_LIST, UINT64_MAX), SLOTQ_EMPTY);
    REQUIRE_REFUSED(queue, look(SLOTQ_LATER_LIST, 0, 0), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, look(SLOTQ_LATER_LIST, 0, 4097), SLOTQ_INVALID);
    queue.start(SLOTQ_LATER_LIST);
    queue.call.look.capacity = 1;
    REQUIRE_REFUSED(queue, go(), SLOTQ_INVALID); /* items is NULL */
    const slotq_stats stats = queue.stats();
    REQUIRE(stats.later == 3);
    REQUIRE(stats.later_capacity == 4);
    REQUIRE(stats.later_due_ms == 2000000);
    REQUIRE(Queue(shape(4, 4)).stats().later_due_ms == 0);
}

/* ---- wake ---- */

TEST_CASE("later: a caller that sleeps is woken by an earlier due time alone")
{
    Queue queue(shape(8, 8));
    const uint64_t now_ms = queue.now_ms;
    const auto sleep = [&] {
        REQUIRE(queue.reserve(1, 1000, 0, true) == SLOTQ_EMPTY);
        REQUIRE((queue.image.get(field::shared_wake) & 1) == 1);
    };
    sleep();
    REQUIRE(queue.schedule(now_ms + 1000) == SLOTQ_OK);
    REQUIRE(queue.image.woke());
    sleep();
    REQUIRE(queue.schedule(now_ms + 2000, 2) == SLOTQ_OK);
    REQUIRE_FALSE(queue.image.woke());
    REQUIRE(queue.kick_later(2) == SLOTQ_OK);
    REQUIRE(queue.image.woke());
    REQUIRE(queue.reserve() == SLOTQ_OK);
    sleep();
    REQUIRE(queue.cancel(1) == SLOTQ_OK);
    REQUIRE_FALSE(queue.image.woke());
    REQUIRE(queue.schedule(now_ms + 900) == SLOTQ_OK);
    REQUIRE(queue.image.woke());
    queue.image.set(field::shared_wake, 1); /* a promotion makes a message deliverable */
    queue.now_ms += 900;
    REQUIRE(queue.reserve() == SLOTQ_OK);
    REQUIRE(queue.image.woke());
}
