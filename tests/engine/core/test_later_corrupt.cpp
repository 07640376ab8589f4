/* test_later_corrupt.cpp: what the verbs of scheduled messages find broken on their way: CORRUPT,
 * the offset and the rule, and not a byte written.
 */
#include "queue.hpp"

namespace
{

constexpr uint32_t scheduled = 12; /* a root, its eight children, and three below the first */

Queue filled(uint32_t due_from)
{
    slotq_geometry made = support::geometry(4, 3);
    made.later_slots = scheduled + 2;
    Queue queue(made);
    for (uint32_t i = 0; i < scheduled; i++) {
        REQUIRE(queue.schedule(queue.now_ms + due_from + i) == SLOTQ_OK);
    }
    queue.sound = false;
    queue.image.check_each_step(false);
    return queue;
}

uint32_t entry_at(const Queue &queue, uint32_t place, support::Field which)
{
    return queue.image.later_entry_offset(place) + which.offset;
}

void spoil(Queue &queue, uint32_t place, support::Field which, uint64_t value)
{
    support::store(queue.image.data() + entry_at(queue, place, which), which.bytes, value);
}

void all_corrupt(Queue &queue, uint32_t at)
{
    REQUIRE_CORRUPT(queue, schedule(queue.now_ms), at);
    REQUIRE_CORRUPT(queue, cancel(2), at);
    REQUIRE_CORRUPT(queue, kick_later(2), at);
    REQUIRE_CORRUPT(queue, look(SLOTQ_LATER_LIST), at);
}

} // namespace

TEST_CASE("later corrupt: the shared fields stop each verb that reads the heap")
{
    Queue queue = filled(0);
    queue.image.set(field::shared_later_count, scheduled + 3);
    all_corrupt(queue, field::shared_later_count.offset);
    REQUIRE_CORRUPT(queue, push(1), field::shared_later_count.offset);
    queue.image.set(field::shared_later_count, 0);
    all_corrupt(queue, field::shared_later_due_ms.offset);
    REQUIRE_CORRUPT(queue, reserve(1), field::shared_later_due_ms.offset);
    queue.image.set(field::shared_later_count, scheduled);
    queue.image.set(field::shared_later_due_ms, queue.now_ms - 1);
    all_corrupt(queue, field::shared_later_due_ms.offset);
    REQUIRE_CORRUPT(queue, push(1), field::shared_later_due_ms.offset);
    queue.image.set(field::shared_later_due_ms, support::u48_none);
    all_corrupt(queue, field::shared_later_due_ms.offset);
    REQUIRE(queue.push(1) == SLOTQ_OK); /* nothing is due: the heap is not read */
    REQUIRE_REFUSED(queue, cancel(0), SLOTQ_INVALID);
    queue.now_ms = queue.image.later_due_ms(0);
    REQUIRE(queue.schedule(SLOTQ_NOW_MS_MAX + 1) == SLOTQ_INVALID);
}

TEST_CASE("later corrupt: a broken header or group stops schedule, cancel, kick and list")
{
    Queue queue = filled(0);
    queue.image.set(field::group_cursor, 0, 9);
    REQUIRE_CORRUPT(queue, kick(1), support::front_offset + field::group_cursor.offset);
    queue.image.set(field::header_tail, 8);
    all_corrupt(queue, field::header_tail.offset);
    REQUIRE_CORRUPT(queue, kick(1), field::header_tail.offset);
}

TEST_CASE("later corrupt: entries that a search passes, and the root")
{
    Queue queue = filled(1000);
    spoil(queue, 1, field::later_later_id, 0);
    const uint32_t at = entry_at(queue, 1, field::later_later_id);
    REQUIRE_CORRUPT(queue, cancel(3), at);
    REQUIRE_CORRUPT(queue, kick_later(3), at);
    REQUIRE_CORRUPT(queue, look(SLOTQ_LATER_LIST), at);
    queue.image.set(field::shared_later_last_id, 0xFFFF);
    REQUIRE_CORRUPT(queue, schedule(queue.now_ms), at); /* it looks for a free block */
    queue = filled(1000);
    spoil(queue, scheduled - 1, field::later_later_id, 0); /* which only that passes */
    queue.image.set(field::shared_later_last_id, 0xFFFF);
    REQUIRE_CORRUPT(queue, schedule(queue.now_ms),
                    entry_at(queue, scheduled - 1, field::later_later_id));
    queue = filled(0);
    spoil(queue, 0, field::later_due_ms, UINT64_C(1) << 47);
    queue.image.set(field::shared_later_due_ms, UINT64_C(1) << 47);
    REQUIRE_CORRUPT(queue, cancel(1), entry_at(queue, 0, field::later_due_ms));
    queue = filled(0);
    spoil(queue, 0, field::later_later_id, 0);
    REQUIRE_CORRUPT(queue, reserve(1), entry_at(queue, 0, field::later_later_id));
}

TEST_CASE("later corrupt: entries that are read while another one rises or sinks")
{
    Queue queue = filled(1000);
    spoil(queue, 1, field::later_later_id, 0); /* the parent of the place that is filled */
    REQUIRE_CORRUPT(queue, schedule(queue.now_ms), entry_at(queue, 1, field::later_later_id));
    queue = filled(0);
    spoil(queue, 4, field::later_due_ms, UINT64_MAX); /* a child of the root */
    queue.now_ms += 100;
    REQUIRE_CORRUPT(queue, push(1), entry_at(queue, 4, field::later_due_ms));
    REQUIRE_CORRUPT(queue, cancel(1), entry_at(queue, 4, field::later_due_ms));
    queue = filled(0);
    spoil(queue, scheduled - 1, field::later_later_id, 0); /* the last one, which is moved */
    REQUIRE_CORRUPT(queue, cancel(3), entry_at(queue, scheduled - 1, field::later_later_id));
    queue = filled(1000);
    queue.image.set(field::shared_later_count, 11);
    queue.image.set(field::shared_later_due_ms, queue.image.later_due_ms(0));
    spoil(queue, 0, field::later_later_id, 0);
    REQUIRE_CORRUPT(queue, schedule(0), entry_at(queue, 11, field::later_later_id));
    spoil(queue, 11, field::later_later_id, 0);
    REQUIRE_CORRUPT(queue, schedule(0), entry_at(queue, 0, field::later_later_id));
}

TEST_CASE("later corrupt: slot numbers")
{
    Queue queue = filled(0);
    spoil(queue, scheduled, field::later_slot, 0xFFFF); /* the free one that is taken next */
    REQUIRE_CORRUPT(queue, schedule(0), entry_at(queue, scheduled, field::later_slot));
    queue = filled(0);
    spoil(queue, 0, field::later_slot, scheduled + 2);
    REQUIRE_CORRUPT(queue, push(1), entry_at(queue, 0, field::later_slot));
    REQUIRE_CORRUPT(queue, look(SLOTQ_LATER_LIST), entry_at(queue, 0, field::later_slot));
    REQUIRE(queue.look(SLOTQ_LATER_LIST, 1) == SLOTQ_OK);
}
