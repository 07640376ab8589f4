/* test_keys.cpp: keys of messages: what is taken in which mode, where a key is found, and where it
 * goes with its message (FORMAT.md, "Keys", "Judging keys").
 */
#include "aside.hpp"

using namespace aside;

namespace
{

slotq_geometry keyed(uint32_t slots, uint32_t aside = 0, uint32_t later = 0, uint32_t groups = 1,
                     uint32_t flags = 0)
{
    slotq_geometry made = support::geometry(slots, 3, groups, SLOTQ_FLAG_KEYS | flags, 0, 2);
    made.aside_slots = static_cast<uint8_t>(aside);
    made.later_slots = static_cast<uint16_t>(later);
    return made;
}

/* The key is there: its place, id, and whether it is taken in the mode unique. */
void require_found(Queue &queue, uint64_t key, slotq_key_place place, uint64_t id, bool unfinished)
{
    REQUIRE(queue.find(key) == SLOTQ_OK);
    REQUIRE(queue.call.find.holder.place == place);
    REQUIRE(queue.call.find.holder.id == id);
    REQUIRE(queue.call.find.holder.is_unfinished == unfinished);
}

void require_taken(const slotq_key_holder &taken, uint32_t message, slotq_key_place place,
                   uint64_t id)
{
    REQUIRE(taken.message == message);
    REQUIRE(taken.place == place);
    REQUIRE(taken.id == id);
}

/* Message 1 lies aside, with the key, leased; one message more is in the ring. Its token. */
uint32_t lay_aside(Queue &queue, uint64_t key)
{
    queue.keys.assign(queue.image.geometry().ring_slots, 0);
    queue.keys[0] = key;
    const uint32_t token = hold(queue, 1);
    queue.keys.clear();
    REQUIRE(queue.push(1) == SLOTQ_OK);
    REQUIRE(queue.aside_ids() == ids{1});
    return token;
}

} // namespace

/* ---- modes ---- */

TEST_CASE("keys: unique is one at a time, and once is also afterwards")
{
    Queue queue(keyed(4));
    REQUIRE(queue.push_keys({77}) == SLOTQ_OK);
    require_found(queue, 77, SLOTQ_KEY_IN_RING, 1, true);
    REQUIRE(queue.push_keys({0, 77}) == SLOTQ_DUPLICATE);
    require_taken(queue.call.push.taken, 1, SLOTQ_KEY_IN_RING, 1);
    REQUIRE(queue.call.push.taken.is_unfinished);
    REQUIRE(queue.image.last_id() == 1);
    REQUIRE(queue.reserve(1) == SLOTQ_OK);
    REQUIRE(queue.push_keys({77}) == SLOTQ_DUPLICATE);
    REQUIRE(queue.settle(SLOTQ_ACK, queue.runs) == SLOTQ_OK);
    require_found(queue, 77, SLOTQ_KEY_IN_RING, 1, false);
    REQUIRE(queue.push_keys({77}, SLOTQ_KEY_ONCE) == SLOTQ_DUPLICATE);
    REQUIRE_FALSE(queue.call.push.taken.is_unfinished);
    REQUIRE(queue.push_keys({77}) == SLOTQ_OK);
    require_found(queue, 77, SLOTQ_KEY_IN_RING, 2, true);
    REQUIRE(queue.image.key_of(0) == 0);
}

TEST_CASE("keys: once holds for the last ring_slots ids")
{
    Queue queue(keyed(4));
    REQUIRE(queue.push_keys({77}, SLOTQ_KEY_ONCE) == SLOTQ_OK);
    for (uint64_t id = 1; id <= 3; id++) {
        REQUIRE(queue.reserve(1) == SLOTQ_OK);
        REQUIRE(queue.settle(SLOTQ_ACK, queue.runs) == SLOTQ_OK);
        REQUIRE(queue.push_keys({77}, SLOTQ_KEY_ONCE) == SLOTQ_DUPLICATE);
        REQUIRE(queue.push(1) == SLOTQ_OK);
    }
    require_found(queue, 77, SLOTQ_KEY_IN_RING, 1, false);
    REQUIRE(queue.reserve(1) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_ACK, queue.runs) == SLOTQ_OK);
    REQUIRE(queue.push(1) == SLOTQ_OK);
    REQUIRE(queue.call.push.first_id == 5);
    REQUIRE_REFUSED(queue, find(77), SLOTQ_NOTFOUND);
}

TEST_CASE("keys: resend is judged by the first key alone")
{
    Queue queue(keyed(8));
    REQUIRE(queue.push_keys({1, 2, 0, 3}, SLOTQ_KEY_RESEND) == SLOTQ_OK);
    REQUIRE(queue.push_keys({1, 2, 0, 3}, SLOTQ_KEY_RESEND) == SLOTQ_DUPLICATE);
    require_taken(queue.call.push.taken, 0, SLOTQ_KEY_IN_RING, 1);
    REQUIRE(queue.push_keys({4, 2}, SLOTQ_KEY_RESEND) == SLOTQ_OK);
    require_found(queue, 2, SLOTQ_KEY_IN_RING, 6, true); /* 2 lost it, unfinished as it is */
    REQUIRE(queue.image.key_of(1) == 0);
    REQUIRE_REFUSED(queue, push_keys({0, 5}, SLOTQ_KEY_RESEND), SLOTQ_INVALID);
    REQUIRE(queue.push_keys({0}, SLOTQ_KEY_RESEND) == SLOTQ_OK); /* no key, no mode */
}

TEST_CASE("keys: a key is taken until the last group has finished its message")
{
    Queue queue(keyed(5, 0, 0, 2));
    REQUIRE(queue.push_keys({0, 77}) == SLOTQ_OK);
    for (const uint32_t group : {0u, 1u}) {
        REQUIRE(queue.push_keys({77}) == SLOTQ_DUPLICATE);
        REQUIRE(queue.remove(2, group) == SLOTQ_OK);
    }
    require_found(queue, 77, SLOTQ_KEY_IN_RING, 2, false); /* in the window, behind message 1 */
    REQUIRE(queue.remove(1) == SLOTQ_OK);
    require_found(queue, 77, SLOTQ_KEY_IN_RING, 2, false);
    REQUIRE(queue.push_keys({77}) == SLOTQ_OK);
}

TEST_CASE("keys: what is refused before anything is done")
{
    Queue queue(keyed(4, 0, 4));
    const uint64_t due_ms = queue.now_ms + 5000;
    const auto none = static_cast<slotq_key_mode>(0);
    const auto fourth = static_cast<slotq_key_mode>(4);
    REQUIRE_REFUSED(queue, push_keys({1}, none), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, push_keys({1}, fourth), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, push_keys({1, 0x100}), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, push_keys({1, 2, 1}), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, push_keys({1, 2, 3, 4}), SLOTQ_TOOBIG);
    REQUIRE_REFUSED(queue, schedule_keys({1}, due_ms, fourth), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, schedule_keys({1, 1}, due_ms), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, find(0), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, find(0x100), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, find(1), SLOTQ_NOTFOUND);
    REQUIRE(queue.push_keys({0, 0}, none) == SLOTQ_OK);
    REQUIRE(queue.pause(SLOTQ_PAUSE, SLOTQ_PAUSE_IN) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, push_keys({1, 1}), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, push_keys({1}), SLOTQ_PAUSED);
    REQUIRE_REFUSED(queue, schedule_keys({1}, due_ms), SLOTQ_PAUSED);
}

TEST_CASE("keys: a queue without them takes none")
{
    Queue queue(support::geometry(4, 3));
    REQUIRE_REFUSED(queue, push_keys({1}), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, find(1), SLOTQ_INVALID);
    REQUIRE(queue.push_keys({0, 0}) == SLOTQ_OK);
}

TEST_CASE("keys: a full ring says DUPLICATE before FULL")
{
    Queue queue(keyed(3));
    REQUIRE(queue.push_keys({1, 2}) == SLOTQ_OK);
    REQUIRE(queue.push_keys({2}) == SLOTQ_DUPLICATE);
    REQUIRE(queue.push_keys({3}) == SLOTQ_FULL);
    REQUIRE(queue.call.push.holder.id == 1);
    REQUIRE_REFUSED(queue, find(3), SLOTQ_NOTFOUND);
}

/* ---- aside and later ---- */

TEST_CASE("keys: a key goes aside with its message, and stays when it is finished")
{
    Queue queue(keyed(8, 2));
    const uint32_t token = lay_aside(queue, 77);
    require_found(queue, 77, SLOTQ_KEY_ASIDE, 1, true);
    REQUIRE(queue.push_keys({77}) == SLOTQ_DUPLICATE);
    require_taken(queue.call.push.taken, 0, SLOTQ_KEY_ASIDE, 1);
    REQUIRE(queue.settle(SLOTQ_ACK, 1, token) == SLOTQ_OK);
    require_found(queue, 77, SLOTQ_KEY_ASIDE, 1, false);
    REQUIRE(queue.push_keys({77}, SLOTQ_KEY_ONCE) == SLOTQ_DUPLICATE);
    REQUIRE(queue.push_keys({77}) == SLOTQ_OK);
    require_found(queue, 77, SLOTQ_KEY_IN_RING, 9, true);
}

TEST_CASE("keys: a slot aside that is used again loses its key")
{
    Queue queue(keyed(8, 1));
    const uint32_t token = lay_aside(queue, 77);
    REQUIRE(queue.settle(SLOTQ_ACK, 1, token) == SLOTQ_OK);
    REQUIRE(queue.reserve(1) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_ACK, queue.runs) == SLOTQ_OK);
    queue.keys = {0, 0, 0, 0, 0, 0, 0};
    hold(queue, 1);
    queue.keys.clear();
    REQUIRE(queue.push(1) == SLOTQ_OK);
    REQUIRE(queue.aside_ids() == ids{9});
    REQUIRE_REFUSED(queue, find(77), SLOTQ_NOTFOUND);
    REQUIRE(queue.image.key_of(8) == 0);
}

TEST_CASE("keys: a key is scheduled, promoted, finished")
{
    Queue queue(keyed(4, 0, 3));
    const uint64_t due_ms = queue.now_ms + 5000;
    REQUIRE(queue.schedule_keys({76, 77}, due_ms) == SLOTQ_OK);
    require_found(queue, 77, SLOTQ_KEY_SCHEDULED, 2, true);
    REQUIRE(queue.push_keys({1, 77}) == SLOTQ_DUPLICATE);
    require_taken(queue.call.push.taken, 1, SLOTQ_KEY_SCHEDULED, 2);
    REQUIRE(queue.schedule_keys({77}, due_ms) == SLOTQ_DUPLICATE);
    require_taken(queue.call.schedule.taken, 0, SLOTQ_KEY_SCHEDULED, 2);
    queue.now_ms = due_ms;
    REQUIRE(queue.reserve(2) == SLOTQ_OK);
    require_found(queue, 77, SLOTQ_KEY_IN_RING, 2, true);
    REQUIRE(queue.settle(SLOTQ_ACK, queue.runs) == SLOTQ_OK);
    REQUIRE(queue.schedule_keys({77}, due_ms + 1, SLOTQ_KEY_ONCE) == SLOTQ_DUPLICATE);
    REQUIRE(queue.schedule_keys({77}, due_ms + 1) == SLOTQ_OK);
    require_found(queue, 77, SLOTQ_KEY_SCHEDULED, 3, true);
    REQUIRE(queue.cancel(3) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, find(77), SLOTQ_NOTFOUND);
}

TEST_CASE("keys: promotion and redrive use slots whose keys are old")
{
    Queue queue(keyed(3, 0, 1));
    REQUIRE(queue.push_keys({1, 2}) == SLOTQ_OK);
    REQUIRE(queue.reserve(2) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_KILL, queue.runs) == SLOTQ_OK);
    REQUIRE(queue.redrive(1) == SLOTQ_OK); /* slot 2 */
    REQUIRE(queue.schedule_keys({9}, queue.now_ms) == SLOTQ_OK);
    REQUIRE(queue.reserve(2) == SLOTQ_OK); /* slot 0 */
    REQUIRE_REFUSED(queue, find(1), SLOTQ_NOTFOUND);
    require_found(queue, 9, SLOTQ_KEY_IN_RING, 4, true);
    REQUIRE(queue.settle(SLOTQ_ACK, queue.runs) == SLOTQ_OK);
    require_found(queue, 2, SLOTQ_KEY_IN_RING, 2, false);
    REQUIRE(queue.redrive(1) == SLOTQ_OK); /* slot 1 */
    REQUIRE_REFUSED(queue, find(2), SLOTQ_NOTFOUND);
}

TEST_CASE("keys: overwrite drops messages, and purge all, but their keys stay until their slots go")
{
    Queue queue(keyed(3, 0, 0, 1, SLOTQ_FLAG_OVERWRITE));
    REQUIRE(queue.push_keys({1, 2}) == SLOTQ_OK);
    REQUIRE(queue.push_keys({3}) == SLOTQ_OK);
    require_found(queue, 1, SLOTQ_KEY_IN_RING, 1, false);
    REQUIRE(queue.push_keys({4}) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, find(1), SLOTQ_NOTFOUND);
    REQUIRE(queue.plain(SLOTQ_PURGE) == SLOTQ_OK);
    require_found(queue, 4, SLOTQ_KEY_IN_RING, 4, false);
}

/* ---- many ---- */

TEST_CASE("keys: 256 in a call, again and again in the same slots")
{
    Queue queue(keyed(300));
    for (uint64_t round = 0; round < 8; round++) {
        std::vector<uint64_t> keys;
        for (uint64_t i = 0; i < 256; i++) {
            keys.push_back((round % 3 * 1000 + i) << 8 | 1);
        }
        REQUIRE(queue.push_keys(keys) == SLOTQ_OK);
        REQUIRE(queue.reserve(256) == SLOTQ_OK);
        REQUIRE(queue.settle(SLOTQ_ACK, queue.runs) == SLOTQ_OK);
        keys.push_back(5);
        REQUIRE_REFUSED(queue, push_keys(keys), SLOTQ_INVALID);
    }
    require_found(queue, (1 * 1000 + 255) << 8 | 1, SLOTQ_KEY_IN_RING, 8 * 256, false);
}

TEST_CASE("keys: a chain has 255 holders, and the 256th is refused")
{
    Queue queue(keyed(400));
    std::vector<uint64_t> keys;
    for (uint64_t i = 0; i < 256; i++) {
        keys.push_back(i << 32 | 7); /* one bucket */
    }
    REQUIRE_REFUSED(queue, push_keys(keys), SLOTQ_FULL);
    REQUIRE(queue.call.push.holder.id == 0);
    keys.pop_back();
    REQUIRE(queue.push_keys(keys) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, push_keys({UINT64_C(999) << 32 | 7}), SLOTQ_FULL);
    REQUIRE(queue.push_keys({8}) == SLOTQ_OK);
    REQUIRE(queue.push_keys({0}) == SLOTQ_OK);
    require_found(queue, 7, SLOTQ_KEY_IN_RING, 1, true);
    REQUIRE(queue.push_keys({keys[9]}) == SLOTQ_DUPLICATE);
    REQUIRE(queue.reserve(256) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_ACK, queue.runs) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, push_keys({keys[9]}), SLOTQ_FULL); /* it does not count as free */
    REQUIRE(queue.push(300) == SLOTQ_OK);                     /* that empties the chain in part */
    REQUIRE(queue.push_keys({UINT64_C(999) << 32 | 7}) == SLOTQ_OK);
}

TEST_CASE("keys: one bucket that a call changes several times")
{
    Queue queue(keyed(8, 0, 3)); /* 11 buckets */
    REQUIRE(queue.schedule_keys({11 * 3 + 1}, queue.now_ms + 99999) == SLOTQ_OK);
    REQUIRE(queue.push_keys({1, 12, 23}) == SLOTQ_OK);
    REQUIRE(queue.reserve(3) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_ACK, queue.runs) == SLOTQ_OK);
    REQUIRE(queue.push_keys({23, 45, 1, 12, 56, 67}) == SLOTQ_OK);
    for (const uint64_t key : {23, 45, 1, 12, 56, 67, 34}) {
        REQUIRE(queue.find(static_cast<uint64_t>(key)) == SLOTQ_OK);
    }
    require_found(queue, 12, SLOTQ_KEY_IN_RING, 7, true);
}

/* ---- damage ---- */

namespace
{

/* 11 buckets; the chain of bucket 1 is 34 (scheduled), 23, 12, 1. Not held sound. */
struct Chained {
    Queue queue{keyed(8, 0, 3)};
    support::Image &image = queue.image;
    uint32_t bucket = image.bucket_offset(1);
    uint32_t next = image.key_offset(0) + 8; /* the end of the chain */

    Chained()
    {
        REQUIRE(queue.push_keys({1, 12, 23}) == SLOTQ_OK);
        REQUIRE(queue.schedule_keys({34}, queue.now_ms + 99999) == SLOTQ_OK);
        queue.sound = false;
        image.check_each_step(false);
    }
};

} // namespace

TEST_CASE("keys: damaged chains are named by the verb that meets them")
{
    Chained chained;
    Queue &queue = chained.queue;
    support::Image &image = chained.image;
    SECTION("a holder that does not exist")
    {
        support::store(image.data() + chained.bucket, 2, 12);
        REQUIRE_CORRUPT(queue, find(1), chained.bucket);
        REQUIRE_CORRUPT(queue, push_keys({45}), chained.bucket);
        REQUIRE_CORRUPT(queue, schedule_keys({45}, queue.now_ms), chained.bucket);
        REQUIRE_CORRUPT(queue, cancel(1), chained.bucket);
    }
    SECTION("a ring")
    {
        support::store(image.data() + chained.next, 2, 2);
        REQUIRE_CORRUPT(queue, find(45), image.key_offset(1) + 8);
        REQUIRE_CORRUPT(queue, push_keys({12}), image.key_offset(1) + 8);
        REQUIRE(queue.find(12) == SLOTQ_OK);
    }
    SECTION("a key that is not in its chain")
    {
        support::store(image.data() + chained.bucket, 2, 3);
        REQUIRE_CORRUPT(queue, cancel(1), chained.next);
        queue.now_ms += 99999;
        REQUIRE_CORRUPT(queue, reserve(1), chained.next);
    }
}

TEST_CASE("keys: damage at what a verb uses next is named")
{
    Chained chained;
    Queue &queue = chained.queue;
    support::Image &image = chained.image;
    SECTION("a ring slot that had no message")
    {
        support::store(image.data() + image.key_offset(5), 8, 45);
        support::store(image.data() + chained.next, 2, 6);
        REQUIRE_CORRUPT(queue, find(45), image.key_offset(5));
        REQUIRE_CORRUPT(queue, push_keys({45}, SLOTQ_KEY_ONCE), image.key_offset(5));
    }
    SECTION("a slot that is used next")
    {
        support::store(image.data() + image.key_offset(3), 8, 2);
        REQUIRE_CORRUPT(queue, push(1), image.bucket_offset(2));
        REQUIRE_CORRUPT(queue, push_keys({3}), image.bucket_offset(2));
    }
    SECTION("a slot that is used chained.next, behind the damage")
    {
        image.set(field::header_tail, 0); /* as if the ring had gone round */
        for (const support::Field at : {field::group_head, field::group_cursor,
                                        field::group_retry_from, field::group_written}) {
            image.set(at, 0, 0);
        }
        image.set(field::header_head, 0);
        image.set(field::header_last_id, 8);
        support::store(image.data() + image.key_offset(1) + 8, 2, 65535);
        REQUIRE_CORRUPT(queue, push(1), image.key_offset(1) + 8);
        REQUIRE_CORRUPT(queue, push_keys({2}), image.key_offset(1) + 8);
    }
    SECTION("a bucket that is used next")
    {
        queue.keys = {0x201}; /* 513 = 46 · 11 + 7 */
        support::store(image.data() + image.bucket_offset(7), 2, 65535);
        REQUIRE_CORRUPT(queue, push(1), image.bucket_offset(7));
    }
    SECTION("a group")
    {
        image.set(field::group_head, 0, 7);
        REQUIRE_CORRUPT(queue, find(1), support::front_offset);
        REQUIRE_CORRUPT(queue, push_keys({1}), support::front_offset);
    }
    SECTION("a slot number of the heap")
    {
        support::store(image.data() + image.later_entry_offset(0) + 10, 2, 9);
        REQUIRE_CORRUPT(queue, cancel(1), image.later_entry_offset(0) + 10);
    }
}
