/* test_aside.cpp: messages that would hold the ring step aside: when, how, and that they are found
 * there (FORMAT.md, "Aside", "Making room").
 */
#include "aside.hpp"

using namespace aside;

/* ---- stepping aside ---- */

TEST_CASE("aside: the message that holds the ring steps out of it and keeps all it has")
{
    const uint32_t flags = SLOTQ_FLAG_STAMPS | SLOTQ_FLAG_CHECKS | SLOTQ_FLAG_KEYS;
    Queue queue(shape(8, 2, 1, flags));
    const uint64_t pushed = queue.tick();
    queue.keys = {0x1122334455667788, 0, 0, 0, 0, 0, 0};
    const uint32_t token = hold(queue, 1);
    queue.keys.clear();
    queue.now_ms += 7000;
    REQUIRE(queue.stats().used == 7);
    REQUIRE(queue.push(7) == SLOTQ_OK); /* the acked ones behind it make room too */
    REQUIRE(queue.call.push.first_id == 8);
    REQUIRE(queue.aside_ids() == ids{1});
    REQUIRE(queue.aside_slots() == numbers{0});
    REQUIRE(queue.word(1) == token);
    REQUIRE(queue.image.key_of(8) == 0x1122334455667788);
    slotq_slot slot;
    REQUIRE(slotq_core_slot(&queue.image.view(), queue.image.aside_slot_offset(0), &slot));
    REQUIRE(slot.stamp == pushed);
    REQUIRE(queue.payload(queue.image.aside_slot_offset(0)) == "abc");
    REQUIRE(slotq_core_slot_offset(&queue.image.view(), 1) == queue.image.aside_slot_offset(0));
    REQUIRE(queue.group(field::group_head) == queue.image.index_of(8));
    REQUIRE(queue.group(field::group_leased) == 1);
    const slotq_stats stats = queue.stats();
    REQUIRE(stats.used == 7);
    REQUIRE(stats.aside == 1);
    REQUIRE(stats.aside_capacity == 2);
    REQUIRE(stats.unfinished == 8);
    REQUIRE(stats.leased == 1);
    REQUIRE(stats.oldest_ms == pushed * 100);
    REQUIRE(queue.status(1) == SLOTQ_OK);
    REQUIRE(queue.call.status.status.state == SLOTQ_STATE_LEASED);
    REQUIRE(queue.call.status.status.attempts == 1);
    REQUIRE(queue.call.status.status.deadline_ms == queue.now_ms - 7000 + long_ms);
    REQUIRE(queue.call.status.status.pushed_ms == pushed * 100);
    REQUIRE(queue.settle(SLOTQ_ACK, 1, token) == SLOTQ_OK);
    REQUIRE(queue.image.aside_count() == 0);
    REQUIRE(queue.stats().leased == 0);
    REQUIRE(queue.stats().acked == 7);
    REQUIRE_REFUSED(queue, settle(SLOTQ_ACK, 1, token), SLOTQ_GONE);
    REQUIRE_REFUSED(queue, status(1), SLOTQ_FINISHED);
}

TEST_CASE("aside: a message steps out in whatever state it is")
{
    Queue queue(shape(8, 7));
    const uint32_t token = hold(queue, 4);
    REQUIRE(queue.settle(SLOTQ_NACK, 2, token) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_NACK, 3, token, 9000) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_RELEASE, 4, token) == SLOTQ_OK);
    const numbers words = {queue.word(1), queue.word(2), queue.word(3), queue.word(4)};
    REQUIRE(queue.push(7) == SLOTQ_OK);
    REQUIRE(queue.aside_ids() == ids{1, 2, 3, 4});
    REQUIRE(numbers{queue.word(1), queue.word(2), queue.word(3), queue.word(4)} == words);
    REQUIRE(queue.group(field::group_ready_behind) == 2);
    REQUIRE(queue.group(field::group_leased) == 1);
    REQUIRE(queue.group(field::group_waiting) == 1);
}

TEST_CASE("aside: no more step out than a push needs")
{
    Queue queue(shape(8, 7));
    const uint32_t token = hold(queue, 3);
    REQUIRE(queue.push(1) == SLOTQ_OK);
    REQUIRE(queue.aside_ids() == ids{1});
    REQUIRE(queue.image.steps() == 2);
    REQUIRE(queue.push(1) == SLOTQ_OK);
    REQUIRE(queue.aside_ids() == ids{1, 2});
    REQUIRE(queue.push(2) == SLOTQ_OK); /* one frees the rest */
    REQUIRE(queue.aside_ids() == ids{1, 2, 3});
    REQUIRE(queue.stats().used == 4);
    REQUIRE(queue.settle(SLOTQ_ACK, {{1, token, 3}}) == SLOTQ_OK);
    REQUIRE(queue.image.steps() >= 3); /* one message a step */
    REQUIRE(queue.image.aside_count() == 0);
}

TEST_CASE("aside: without a place aside the ring is full as ever")
{
    for (const uint32_t aside : {0u, 1u, 2u}) {
        Queue queue(shape(8, aside));
        const uint32_t token = hold(queue, 3);
        for (uint32_t i = 0; i < aside; i++) {
            REQUIRE(queue.push(1) == SLOTQ_OK);
        }
        REQUIRE_REFUSED(queue, push(1), SLOTQ_FULL);
        REQUIRE(queue.call.push.holder.id == aside + 1);
        REQUIRE(queue.call.push.holder.state == SLOTQ_STATE_LEASED);
        REQUIRE(queue.call.push.holder.held == 7);
        if (aside > 0) { /* one comes back: there is a place again */
            REQUIRE(queue.settle(SLOTQ_ACK, 1, token) == SLOTQ_OK);
            REQUIRE(queue.push(1) == SLOTQ_OK);
        }
    }
}

/* 2 · undelivered + unfinished ≤ window, at its border and one above. */
TEST_CASE("aside: about half of the window must be done with")
{
    for (const uint32_t held : {1u, 2u}) {
        Queue queue(shape(8, 3));
        REQUIRE(queue.push(7) == SLOTQ_OK);
        REQUIRE(queue.reserve(4, long_ms) == SLOTQ_OK); /* three are left: 2 · 3 + held ≤ 7 */
        REQUIRE(queue.settle(SLOTQ_ACK, {{1u + held, queue.runs[0].token, 4u - held}}) == SLOTQ_OK);
        if (held == 1) {
            REQUIRE(queue.push(1) == SLOTQ_OK);
            REQUIRE(queue.aside_ids() == ids{1});
            REQUIRE(queue.stats().used == 4);
        } else {
            REQUIRE_REFUSED(queue, push(1), SLOTQ_FULL);
            REQUIRE(queue.settle(SLOTQ_ACK, 2, queue.word(2)) == SLOTQ_OK);
            REQUIRE(queue.push(1) == SLOTQ_OK);
        }
    }
}

TEST_CASE("aside: what lies aside does not count against the window")
{
    Queue queue(shape(8, 3));
    const uint32_t token = hold(queue, 1);
    REQUIRE(queue.push(7) == SLOTQ_OK); /* 8 to 14; 1 is aside */
    REQUIRE(queue.reserve(4, long_ms) == SLOTQ_OK);
    const uint32_t other = queue.runs[0].token;
    REQUIRE(queue.settle(SLOTQ_ACK, {{10, other, 2}}) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, push(1), SLOTQ_FULL); /* 6 + 3 - 1 > 7 */
    REQUIRE(queue.settle(SLOTQ_ACK, 9, other) == SLOTQ_OK);
    REQUIRE(queue.push(1) == SLOTQ_OK); /* 6 + 2 - 1 = 7 */
    REQUIRE(queue.aside_ids() == ids{1, 8});
    REQUIRE(queue.settle(SLOTQ_ACK, {{1, token, 1}, {8, other, 1}}) == SLOTQ_OK);
}

TEST_CASE("aside: a message never delivered is backlog and stays")
{
    Queue queue(shape(8, 7, 2));
    REQUIRE(queue.push(7) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, push(1), SLOTQ_FULL);
    REQUIRE(queue.reserve(7, long_ms, 0) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_ACK, {{2, queue.runs[0].token, 6}}) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, push(1), SLOTQ_FULL); /* group 1 never had it */
    REQUIRE(queue.reserve(1, long_ms, 1) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, push(1), SLOTQ_FULL); /* and has most of the rest before it */
    REQUIRE(queue.reserve(6, long_ms, 1) == SLOTQ_OK);
    REQUIRE(queue.push(1) == SLOTQ_OK);
    REQUIRE(queue.aside_ids() == ids{1});
}

TEST_CASE("aside: a group that finished the message gets DONE, and is not asked")
{
    for (const uint32_t finished : {0u, 1u}) {
        const uint32_t other = 1 - finished;
        Queue queue(shape(8, 2, 2));
        hold(queue, 1);
        REQUIRE(queue.settle(SLOTQ_ACK, 1, queue.word(1, finished), 0, finished) == SLOTQ_OK);
        REQUIRE(queue.push(3) == SLOTQ_OK);
        REQUIRE(queue.aside_ids() == ids{1});
        REQUIRE(queue.word(1, finished) == 3);
        REQUIRE((queue.word(1, other) & 3) == SLOTQ_STATE_LEASED);
        REQUIRE_REFUSED(queue, status(1, finished), SLOTQ_FINISHED);
        REQUIRE_REFUSED(queue, settle(SLOTQ_ACK, 1, queue.word(1, other), 0, finished), SLOTQ_GONE);
        REQUIRE(queue.look(SLOTQ_PEEK, 0, 9, finished) == SLOTQ_OK);
        REQUIRE(queue.items[0].id == 8);
        REQUIRE(queue.stats(finished).unfinished == 3);
        REQUIRE(queue.stats(other).unfinished == 4);
        REQUIRE(queue.settle(SLOTQ_ACK, 1, queue.word(1, other), 0, other) == SLOTQ_OK);
        REQUIRE(queue.image.aside_count() == 0);
    }
}

TEST_CASE("aside: a group in which the message is not for it has it DONE as any other")
{
    Queue queue(shape(8, 2, 2, 0, 0, 3));
    REQUIRE(queue.push(1, "d") == SLOTQ_OK);
    for (const uint32_t group : {0u, 1u}) {
        REQUIRE(queue.reserve(1, 1000, group) == SLOTQ_OK);
        REQUIRE(queue.settle(group == 1 ? SLOTQ_KILL : SLOTQ_ACK, queue.runs, 0, group) ==
                SLOTQ_OK);
    }
    REQUIRE(queue.redrive() == SLOTQ_OK); /* id 2, for group 1 alone */
    REQUIRE(queue.push(6) == SLOTQ_OK);
    for (const uint32_t group : {0u, 1u}) {
        REQUIRE(queue.reserve(7, long_ms, group) == SLOTQ_OK);
        REQUIRE(queue.settle(SLOTQ_ACK, {{3, queue.runs[0].token, 6}}, 0, group) == SLOTQ_OK);
    }
    REQUIRE(queue.push(1) == SLOTQ_OK);
    REQUIRE(queue.aside_ids() == ids{2});
    REQUIRE(queue.word(2, 0) == 3);
    REQUIRE_REFUSED(queue, settle(SLOTQ_ACK, 2, queue.word(2, 1)), SLOTQ_GONE);
}

TEST_CASE("aside: the lowest slot number that is free is taken; the index moves down")
{
    Queue queue(shape(8, 3));
    const uint32_t token = put_aside(queue, 3);
    REQUIRE(queue.aside_slots() == numbers{0, 1, 2});
    SECTION("the first")
    {
        REQUIRE(queue.settle(SLOTQ_ACK, 1, token) == SLOTQ_OK);
        REQUIRE(queue.aside_ids() == ids{2, 3});
        REQUIRE(queue.aside_slots() == numbers{1, 2});
    }
    SECTION("the one between")
    {
        REQUIRE(queue.settle(SLOTQ_ACK, 2, token) == SLOTQ_OK);
        REQUIRE(queue.aside_ids() == ids{1, 3});
        REQUIRE(queue.aside_slots() == numbers{0, 2});
    }
    SECTION("the last")
    {
        REQUIRE(queue.settle(SLOTQ_ACK, 3, token) == SLOTQ_OK);
        REQUIRE(queue.aside_ids() == ids{1, 2});
        REQUIRE(queue.aside_slots() == numbers{0, 1});
    }
    const numbers left = queue.aside_slots();
    REQUIRE(queue.remove(queue.image.last_id()) == SLOTQ_OK);
    const uint64_t next = queue.image.last_id() + 1;
    hold(queue, 1);
    REQUIRE(queue.push(1) == SLOTQ_OK);
    REQUIRE(queue.aside_ids().back() == next);
    REQUIRE(queue.aside_slots().back() == 3 - left[0] - left[1]);
}

TEST_CASE("aside: entries and words of every place aside, up to 255")
{
    Queue queue(shape(300, 255));
    queue.image.check_each_step(false);
    const uint32_t token = hold(queue, 255);
    REQUIRE(queue.push(299) == SLOTQ_OK);
    REQUIRE(queue.image.aside_count() == 255);
    for (uint32_t i = 0; i < 255; i++) {
        REQUIRE(queue.image.aside_id(i) == i + 1);
        REQUIRE(queue.image.aside_slot(i) == i);
        REQUIRE(queue.word(i + 1) == token);
    }
    REQUIRE(queue.stats().used == 299);
    REQUIRE(queue.settle(SLOTQ_ACK, {{1, token, 255}}) == SLOTQ_OK);
    REQUIRE(queue.stats().leased == 0);
    REQUIRE(queue.image.aside_count() == 0);
}

TEST_CASE("aside: a step aside has at most 41 patches")
{
    Queue queue(shape(8, 2, 16, SLOTQ_FLAG_KEYS));
    queue.image.start_at((UINT64_C(1) << 31) - 4, 5);
    queue.keys = {1, 0, 0, 0, 0, 0, 0};
    hold(queue, 1);
    queue.keys.clear();
    queue.image.set(field::shared_era, 0); /* as after a crash: the step stores it */
    queue.image.set(field::shared_wake, 2);
    REQUIRE(queue.push(1) == SLOTQ_OK);
    REQUIRE(queue.image.most_patches() <= 41);
    REQUIRE(queue.image.most_patches() > 2 * 16); /* a word and a block for each group */
    REQUIRE(queue.image.aside_count() == 1);
    REQUIRE(queue.image.get(field::shared_era) == 1);
}

TEST_CASE("aside: a running sweep and the place of retries move along")
{
    Queue queue(shape(41, 40, 1, 0, 1, 60));
    REQUIRE(queue.push(40) == SLOTQ_OK);
    REQUIRE(queue.reserve(1, long_ms) == SLOTQ_OK);
    REQUIRE(queue.reserve(39, 500) == SLOTQ_OK);
    queue.now_ms += 1000;
    REQUIRE(queue.reclaim() == SLOTQ_AGAIN); /* 2 to 17 are buried */
    REQUIRE(queue.group(field::group_sweep) == queue.image.index_of(18));
    REQUIRE(queue.settle(SLOTQ_ACK, {{18, queue.word(18), 1}}) == SLOTQ_OK);
    REQUIRE(queue.push(1) == SLOTQ_OK);
    REQUIRE(queue.aside_ids() == ids{1});
    REQUIRE(queue.group(field::group_head) == queue.image.index_of(19));
    REQUIRE(queue.group(field::group_sweep) == queue.image.index_of(19));
    REQUIRE(queue.group(field::group_due_next) == (queue.now_ms - 1000 + long_ms) / 100);
    REQUIRE(queue.reclaim() == SLOTQ_AGAIN);
    REQUIRE(queue.reclaim() == SLOTQ_OK);
    REQUIRE(queue.group(field::group_due) == (queue.now_ms - 1000 + long_ms) / 100);
}

/* ---- finding ---- */

TEST_CASE("aside: ids are found at every place of the index, and between not")
{
    Queue queue(shape(16, 8));
    REQUIRE(queue.push(15) == SLOTQ_OK);
    REQUIRE(queue.reserve(15, long_ms) == SLOTQ_OK);
    const uint32_t token = queue.runs[0].token;
    const ids held = {2, 4, 5, 8, 11};
    for (uint64_t id = 1; id <= 15; id++) {
        if (std::find(held.begin(), held.end(), id) == held.end()) {
            REQUIRE(queue.settle(SLOTQ_ACK, id, token) == SLOTQ_OK);
        }
    }
    REQUIRE(queue.push(15) == SLOTQ_OK);
    REQUIRE(queue.aside_ids() == held);
    for (size_t left = held.size(); left > 0; left--) {
        for (uint64_t id = 0; id <= 16; id++) {
            const ids aside = queue.aside_ids();
            const bool there = std::find(aside.begin(), aside.end(), id) != aside.end();
            const slotq_outcome found = id == 0             ? SLOTQ_NOTFOUND
                                        : id >= 16 || there ? SLOTQ_OK
                                                            : SLOTQ_FINISHED;
            CAPTURE(id, left);
            REQUIRE_REFUSED(queue, status(id), found);
            if (id > 0 && id < 16) {
                REQUIRE_REFUSED(queue, settle(SLOTQ_ACK, id, token ^ 0x100),
                                there ? SLOTQ_STALE : SLOTQ_GONE);
                REQUIRE_REFUSED(queue, remove(id), there ? SLOTQ_LEASED : SLOTQ_GONE);
            }
        }
        REQUIRE(queue.settle(SLOTQ_ACK, queue.image.aside_id(left % 2 == 0 ? 0 : left / 2),
                             token) == SLOTQ_OK);
    }
    REQUIRE_REFUSED(queue, status(8), SLOTQ_FINISHED);
    REQUIRE_REFUSED(queue, settle(SLOTQ_ACK, 8, token), SLOTQ_GONE);
}

/* ---- waking ---- */

TEST_CASE("aside: a producer is woken when the message at head may step aside")
{
    Queue queue(shape(8, 1));
    REQUIRE(queue.push(7) == SLOTQ_OK);
    REQUIRE(queue.push(1, "", true) == SLOTQ_FULL);
    REQUIRE(queue.reserve(4, long_ms) == SLOTQ_OK);
    const uint32_t token = queue.runs[0].token;
    REQUIRE(queue.settle(SLOTQ_ACK, 2, token) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_ACK, 3, token) == SLOTQ_OK);
    REQUIRE_FALSE(queue.image.woke());
    REQUIRE_REFUSED(queue, push(1, "", true), SLOTQ_FULL);
    REQUIRE(plain_ack(queue, 4, token) == SLOTQ_OK); /* 2 · 3 + 1 ≤ 7 now */
    REQUIRE(queue.image.woke());
    REQUIRE(queue.image.get(field::shared_wake) == 8);
    REQUIRE(queue.push(1, "", true) == SLOTQ_OK);
    REQUIRE(queue.aside_ids() == ids{1});
}

TEST_CASE("aside: a producer is woken by the reserve that delivers the backlog at head")
{
    Queue queue(shape(4, 1));
    REQUIRE(queue.push(3) == SLOTQ_OK);
    REQUIRE(queue.push(1, "", true) == SLOTQ_FULL);
    REQUIRE(queue.reserve(1, long_ms) == SLOTQ_OK); /* 4 + 1 > 3 */
    REQUIRE_FALSE(queue.image.woke());
    REQUIRE(queue.reserve(1, long_ms) == SLOTQ_OK); /* 2 + 2 > 3 */
    REQUIRE_FALSE(queue.image.woke());
    REQUIRE(queue.reserve(1, long_ms) == SLOTQ_OK); /* 0 + 3 */
    REQUIRE(queue.image.woke());
    REQUIRE(queue.push(1) == SLOTQ_OK);
}

TEST_CASE("aside: a producer is woken when a place aside is free again")
{
    Queue queue(shape(8, 1));
    const uint32_t token = hold(queue, 3);
    REQUIRE(queue.push(1) == SLOTQ_OK);
    REQUIRE(queue.push(1, "", true) == SLOTQ_FULL);
    REQUIRE(queue.settle(SLOTQ_ACK, 3, token) == SLOTQ_OK);
    REQUIRE_FALSE(queue.image.woke()); /* no place for 2 */
    REQUIRE(queue.settle(SLOTQ_ACK, 1, token) == SLOTQ_OK);
    REQUIRE(queue.image.woke());
    REQUIRE(queue.push(6) == SLOTQ_OK);
}

TEST_CASE("aside: what is made READY there wakes consumers")
{
    Queue queue(shape(8, 2));
    const uint32_t token = put_aside(queue, 1);
    queue.image.set(field::shared_wake, 1);
    REQUIRE(queue.settle(SLOTQ_NACK, 1, token) == SLOTQ_OK);
    REQUIRE(queue.image.woke());
    REQUIRE(queue.image.get(field::shared_wake) == 8);
}

/* ---- damage ---- */

#define REQUIRE_CORRUPT_AT(queue, verb, at)                                                        \
    do {                                                                                           \
        (queue).sound = false;                                                                     \
        REQUIRE_REFUSED(queue, verb, SLOTQ_CORRUPT);                                               \
        REQUIRE((queue).call.damage.what != nullptr);                                              \
        REQUIRE((queue).call.damage.offset == (at));                                               \
    } while (0)

TEST_CASE("aside: a slot number that is not below A is CORRUPT to a verb that reads it")
{
    Queue queue(shape(8, 3, 1, 0, 1, 4));
    const uint32_t token = put_aside(queue, 2, 500);
    const uint32_t at = queue.image.aside_entry_offset(0) + 6;
    queue.image.check_each_step(false);
    queue.image.data()[at] = 3;
    REQUIRE_CORRUPT_AT(queue, settle(SLOTQ_ACK, 1, token), at);
    REQUIRE_CORRUPT_AT(queue, settle(SLOTQ_KILL, 1, token), at);
    REQUIRE_CORRUPT_AT(queue, remove(1), at);
    REQUIRE_CORRUPT_AT(queue, status(1), at);
    REQUIRE_CORRUPT_AT(queue, look(SLOTQ_PEEK), at);
    queue.now_ms += 600;
    REQUIRE_CORRUPT_AT(queue, reclaim(), at);
    REQUIRE_CORRUPT_AT(queue, reserve(1), at);
}

TEST_CASE("aside: READY words that do not exist are CORRUPT to a verb that looks for them")
{
    Queue queue(shape(12, 4));
    const uint32_t token = put_aside(queue, 2);
    REQUIRE(queue.push(2) == SLOTQ_OK);
    REQUIRE(queue.reserve(3, long_ms) == SLOTQ_OK);
    queue.image.check_each_step(false);
    const uint32_t at = support::front_offset + field::group_ready_behind.offset;
    REQUIRE(queue.settle(SLOTQ_NACK, 1, token) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_NACK, 2, token) == SLOTQ_OK);
    SECTION("more aside than ready_behind says")
    {
        const uint64_t last = queue.image.last_id();
        REQUIRE(queue.settle(SLOTQ_NACK, last, queue.word(last), 500) == SLOTQ_OK);
        queue.image.set(field::group_ready_behind, 0, 1);
        REQUIRE_CORRUPT_AT(queue, status(last), at);
    }
    SECTION("more in the ring than there are")
    {
        queue.image.set(field::group_ready_behind, 0, 3);
        queue.image.set(field::group_leased, 0, 2);
        queue.image.set(field::group_retry_from, 0, queue.group(field::group_head));
        queue.sound = false;
        REQUIRE(queue.reserve(4, long_ms) == SLOTQ_CORRUPT);
        REQUIRE(queue.call.damage.offset == at);
    }
}

TEST_CASE("aside: a count above aside_slots stops every verb")
{
    Queue queue(shape(8, 2));
    put_aside(queue, 1);
    queue.image.check_each_step(false);
    queue.image.set(field::shared_aside_count, 3);
    const uint32_t at = field::shared_aside_count.offset;
    REQUIRE_CORRUPT_AT(queue, push(1), at);
    REQUIRE_CORRUPT_AT(queue, reserve(1), at);
    REQUIRE_CORRUPT_AT(queue, settle(SLOTQ_ACK, 1, 5), at);
    REQUIRE_CORRUPT_AT(queue, status(1), at);
    REQUIRE_CORRUPT_AT(queue, plain(SLOTQ_PURGE), at);
}
