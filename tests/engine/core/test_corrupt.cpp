/* test_corrupt.cpp: what a verb finds broken on its way: CORRUPT, the offset and the rule, and
 * not a byte written. The image is sound when it is opened and broken after that.
 */
#include "queue.hpp"

namespace
{

uint32_t group_at(uint32_t group, support::Field which)
{
    return support::front_offset + support::group_bytes * group + which.offset;
}

/* Two groups, a message in each state for the first. */
Queue mixed(uint32_t flags = 0, uint32_t dead_slots = 2, uint32_t groups = 2)
{
    Queue queue(support::geometry(8, 3, groups, flags, 2, dead_slots, 100));
    REQUIRE(queue.push(6) == SLOTQ_OK);
    REQUIRE(queue.reserve(4, 500) == SLOTQ_OK);
    const uint32_t token = queue.runs[0].token;
    REQUIRE(queue.settle(SLOTQ_NACK, 2, token) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_NACK, 3, token, 900) == SLOTQ_OK);
    if (dead_slots > 0) {
        REQUIRE(queue.settle(SLOTQ_KILL, 4, token) == SLOTQ_OK);
    }
    queue.sound = false;
    queue.image.check_each_step(false);
    return queue;
}

} // namespace

TEST_CASE("corrupt: a broken header stops every verb")
{
    Queue queue = mixed();
    const uint32_t token = queue.word(1);
    const uint32_t at = field::header_tail.offset;
    queue.image.set(field::header_tail, 8);
    REQUIRE_CORRUPT(queue, push(1), at);
    REQUIRE_CORRUPT(queue, reserve(1), at);
    REQUIRE_CORRUPT(queue, settle(SLOTQ_ACK, 1, token), at);
    REQUIRE_CORRUPT(queue, settle(SLOTQ_NACK, 1, token), at);
    REQUIRE_CORRUPT(queue, remove(5), at);
    REQUIRE_CORRUPT(queue, reclaim(), at);
    REQUIRE_CORRUPT(queue, redrive(), at);
    REQUIRE_CORRUPT(queue, plain(SLOTQ_DEAD_PURGE), at);
    REQUIRE_CORRUPT(queue, plain(SLOTQ_PURGE), at);
    REQUIRE_CORRUPT(queue, pause(SLOTQ_PAUSE, 1), at);
    REQUIRE_CORRUPT(queue, status(1), at);
    REQUIRE_CORRUPT(queue, look(SLOTQ_PEEK), at);
    REQUIRE_CORRUPT(queue, look(SLOTQ_DEAD_LIST), at);
    queue.start(SLOTQ_STATS);
    REQUIRE_CORRUPT(queue, go(), at);
}

TEST_CASE("corrupt: a broken group stops every verb that reads it")
{
    Queue queue = mixed(SLOTQ_FLAG_OVERWRITE);
    const uint32_t token = queue.word(1);
    const uint32_t at = group_at(0, field::group_cursor);
    queue.image.set(field::group_cursor, 0, 9);
    REQUIRE_CORRUPT(queue, push(2), at); /* it is full: overwrite has to look */
    REQUIRE_CORRUPT(queue, reserve(1), at);
    REQUIRE_CORRUPT(queue, settle(SLOTQ_ACK, 1, token), at);
    REQUIRE_CORRUPT(queue, settle(SLOTQ_KILL, 1, token), at);
    REQUIRE_CORRUPT(queue, remove(5), at);
    REQUIRE_CORRUPT(queue, reclaim(), at);
    REQUIRE_CORRUPT(queue, redrive(), at);
    REQUIRE_CORRUPT(queue, plain(SLOTQ_PURGE), at);
    REQUIRE_CORRUPT(queue, status(1), at);
    REQUIRE_CORRUPT(queue, look(SLOTQ_PEEK), at);
    queue.start(SLOTQ_STATS);
    REQUIRE_CORRUPT(queue, go(), at);
    REQUIRE(queue.push(1) == SLOTQ_OK); /* with room a push needs no group */
    REQUIRE(queue.reserve(1, 500, 1) == SLOTQ_OK);
}

TEST_CASE("corrupt: another group's broken block stops what has to look at all of them")
{
    Queue queue = mixed();
    const uint32_t token = queue.word(1);
    const uint32_t at = group_at(1, field::group_head);
    queue.image.set(field::group_head, 1, 7);
    REQUIRE_CORRUPT(queue, settle(SLOTQ_ACK, 1, token), at); /* head would move */
    REQUIRE_CORRUPT(queue, settle(SLOTQ_KILL, 1, token), at);
    REQUIRE_CORRUPT(queue, remove(5), at);
    REQUIRE_CORRUPT(queue, plain(SLOTQ_PURGE), at);
    REQUIRE_CORRUPT(queue, redrive(), at);
    REQUIRE_CORRUPT(queue, push(2), at);
    queue.image.set(field::group_head, 0, 1);
    queue.start(SLOTQ_STATS); /* to name the holder it looks for the group furthest behind */
    REQUIRE_CORRUPT(queue, go(), at);
    REQUIRE_CORRUPT(queue, push(2), at);
}

TEST_CASE("corrupt: counts below the words in that state")
{
    for (const uint32_t flags : {0u, uint32_t{SLOTQ_FLAG_OVERWRITE}}) {
        Queue queue = mixed(flags, 2, 1);
        const uint32_t token = queue.word(1);
        queue.image.set(field::group_leased, 0, 0);
        REQUIRE_CORRUPT(queue, settle(SLOTQ_ACK, 1, token), group_at(0, field::group_leased));
        REQUIRE_CORRUPT(queue, settle(SLOTQ_RELEASE, 1, token), group_at(0, field::group_leased));
        queue.now_ms += 5000; /* the sweep takes 1 from leased */
        REQUIRE_CORRUPT(queue, reclaim(), group_at(0, field::group_leased));
        REQUIRE_CORRUPT(queue, reserve(1), group_at(0, field::group_leased));
        if (flags != 0) {
            REQUIRE_CORRUPT(queue, push(2), group_at(0, field::group_leased));
        }
        queue.image.set(field::group_leased, 0, 1);
        queue.image.set(field::group_waiting, 0, 0);
        REQUIRE_CORRUPT(queue, remove(3), group_at(0, field::group_waiting));
        REQUIRE_CORRUPT(queue, kick(3), group_at(0, field::group_waiting));
    }
}

TEST_CASE("corrupt: ready_behind counts messages that are not there")
{
    Queue queue = mixed(0, 2, 1);
    queue.image.set_word(0, queue.image.index_of(2), 3);
    REQUIRE_CORRUPT(queue, reserve(1), group_at(0, field::group_ready_behind));
    Queue other = mixed(0, 2, 1);
    REQUIRE(other.settle(SLOTQ_NACK, 1, other.word(1)) == SLOTQ_OK);
    other.image.set(field::group_ready_behind, 0, 1); /* two adjacent words are READY */
    REQUIRE_CORRUPT(other, reserve(2), group_at(0, field::group_ready_behind));
}

TEST_CASE("corrupt: what waits ahead of the cursor is not kicked")
{
    Queue queue(support::geometry(8, 3));
    REQUIRE(queue.push(4) == SLOTQ_OK);
    REQUIRE(queue.remove(3) == SLOTQ_OK);
    queue.sound = false;
    queue.image.check_each_step(false);
    queue.image.set_word(0, queue.image.index_of(2), 6);
    REQUIRE_REFUSED(queue, kick(2), SLOTQ_OK);
}

TEST_CASE("corrupt: a lease ahead of the cursor")
{
    Queue queue(support::geometry(8, 3));
    REQUIRE(queue.push(4) == SLOTQ_OK);
    REQUIRE(queue.remove(3) == SLOTQ_OK);
    queue.sound = false;
    queue.image.check_each_step(false);
    queue.image.set_word(0, queue.image.index_of(1), support::word(SLOTQ_STATE_LEASED, 1, 99));
    REQUIRE_CORRUPT(queue, reserve(1), queue.image.word_offset(0, queue.image.index_of(1)));
}

TEST_CASE("corrupt: a dead message of no group is not pushed again")
{
    Queue queue = mixed();
    queue.image.data()[queue.image.dead_offset(0) + 13] = 2;
    REQUIRE_CORRUPT(queue, redrive(), queue.image.dead_offset(0) + 13);
    REQUIRE(queue.look(SLOTQ_DEAD_LIST) == SLOTQ_OK); /* looking is harmless */
}

TEST_CASE("corrupt: a lease without an attempt is released")
{
    Queue queue = mixed();
    const uint32_t token = support::word(SLOTQ_STATE_LEASED, 0, queue.tick() + 9);
    queue.image.set_word(0, queue.image.index_of(1), token);
    REQUIRE(queue.settle(SLOTQ_RELEASE, 1, token) == SLOTQ_OK);
    REQUIRE(queue.status(1) == SLOTQ_OK);
    REQUIRE(queue.call.status.status.attempts == 0);
}

TEST_CASE("corrupt: the slot of an id that is not in the window is still a slot of the ring")
{
    Queue queue(support::geometry(8, 3));
    queue.image.start_at(1000, 3);
    const slotq_view &view = queue.image.view();
    REQUIRE(queue.push(3) == SLOTQ_OK);
    for (uint64_t id = 1001; id <= 1003; id++) {
        REQUIRE(slotq_core_slot_offset(&view, id) ==
                queue.image.slot_offset(queue.image.index_of(id)));
    }
    for (const uint64_t id : {UINT64_C(0), UINT64_C(900), UINT64_C(1005), UINT64_MAX}) {
        REQUIRE(slotq_core_slot_offset(&view, id) == view.ring_offset);
    }
    queue.image.set(field::header_tail, 8);
    REQUIRE(slotq_core_slot_offset(&view, 1003) == view.ring_offset);
}

TEST_CASE("corrupt: the end of ids and a group that is broken")
{
    Queue queue(support::geometry(8, 3));
    queue.image.start_at(SLOTQ_ID_MAX - 1, 3);
    queue.sound = false;
    queue.image.set(field::group_head, 0, 4);
    REQUIRE_CORRUPT(queue, push(2), group_at(0, field::group_head));
}

TEST_CASE("corrupt: the plain ack and a group that is broken")
{
    Queue queue = mixed(0, 0, 1);
    const slotq_run run = {1, queue.word(1), 1};
    queue.image.set(field::group_written, 0, 77);
    queue.start(SLOTQ_ACK);
    queue.call.settle.runs = &run;
    queue.call.settle.run_count = 1;
    REQUIRE_CORRUPT(queue, go(), group_at(0, field::group_written));
}

/* A group breaks between two steps of a push that makes room, after it was looked at. */
TEST_CASE("corrupt: a group that breaks between the steps of a push")
{
    for (const uint32_t flags : {0u, uint32_t{SLOTQ_FLAG_OVERWRITE}}) {
        Queue queue(support::geometry(4, 3, 3, flags));
        const slotq_data data[3] = {};
        slotq_step step;
        REQUIRE(queue.push(3) == SLOTQ_OK);
        for (uint32_t group = 0; group < 2; group++) { /* DONE words that head may pass */
            queue.image.set(field::group_cursor, group, 2);
            queue.image.set(field::group_retry_from, group, 2);
            queue.image.set(field::group_written, group, 2);
            queue.image.set_word(group, 0, 3);
            queue.image.set_word(group, 1, 3);
        }
        queue.start(SLOTQ_PUSH);
        queue.call.push.messages = data;
        queue.call.push.count = 3;
        for (uint32_t moved = 0; moved < 2; moved++) {
            REQUIRE(slotq_core_step(&queue.image.view(), &queue.call, &step) == SLOTQ_MORE);
            slotq_core_apply(queue.image.data(), &queue.image.view(), &step);
            REQUIRE(queue.group(field::group_head, moved) == 2);
        }
        queue.image.set(field::group_head, 0, 55);
        REQUIRE(slotq_core_step(&queue.image.view(), &queue.call, &step) == SLOTQ_CORRUPT);
        REQUIRE(step.patch_count == 0);
        REQUIRE(queue.call.damage.offset == group_at(0, field::group_head));
    }
}

TEST_CASE("corrupt: the whole loop as embedders run it")
{
    Queue queue = mixed();
    slotq_step step;
    queue.start(SLOTQ_PURGE);
    REQUIRE(slotq_core_run(queue.image.data(), &queue.image.view(), &queue.call, &step) ==
            SLOTQ_OK);
    REQUIRE(queue.image.check().empty());
    REQUIRE(queue.stats().dead == 1);
    queue.start(SLOTQ_REDRIVE); /* more than one step */
    queue.call.dead.limit = 5;
    REQUIRE(slotq_core_run(queue.image.data(), &queue.image.view(), &queue.call, &step) ==
            SLOTQ_OK);
    REQUIRE(queue.call.dead.count == 1);
    REQUIRE(queue.stats().dead == 0);
    queue.image.set(field::header_head, 99);
    const support::Bytes before = queue.image.bytes();
    queue.start(SLOTQ_PURGE);
    REQUIRE(slotq_core_run(queue.image.data(), &queue.image.view(), &queue.call, &step) ==
            SLOTQ_CORRUPT);
    REQUIRE(queue.image.bytes() == before);
}
