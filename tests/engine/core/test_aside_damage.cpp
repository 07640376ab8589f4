/* test_aside_damage.cpp: damage that a verb meets on its way to messages aside: in another group,
 * between two steps, and in what names their slots.
 */
#include "aside.hpp"

using namespace aside;

namespace
{

constexpr uint32_t waits_for_room = 2; /* the bit of wake */

uint32_t group_at(uint32_t group, const support::Field &part)
{
    return support::front_offset + 56 * group + part.offset;
}

void expect_corrupt(Queue &queue, slotq_outcome outcome, uint32_t at)
{
    REQUIRE(outcome == SLOTQ_CORRUPT);
    REQUIRE(queue.call.damage.what != nullptr);
    REQUIRE(queue.call.damage.offset == at);
}

/* A push that has moved the heads of all groups but the last. */
slotq_outcome push_after_heads(Queue &queue)
{
    const slotq_data message = {"x", 1};
    queue.start(SLOTQ_PUSH);
    queue.call.push.messages = &message;
    queue.call.push.count = 1;
    queue.call.progress.phase = 1;
    queue.call.progress.run_index = queue.image.geometry().groups - 1u;
    return queue.go();
}

} // namespace

TEST_CASE("aside: whether the head may step aside is asked of damaged groups too")
{
    Queue queue(shape(8, 4, 3));
    const uint32_t token = hold(queue, 2);
    queue.image.set(field::shared_wake, waits_for_room);
    queue.image.check_each_step(false);
    queue.sound = false;
    SECTION("a head")
    {
        queue.image.set(field::group_head, 1, 9);
        expect_corrupt(queue, queue.settle(SLOTQ_NACK, 1, token), group_at(1, field::group_head));
    }
    SECTION("the block of a group that has the same head")
    {
        queue.image.set(field::group_written, 1, 9);
        expect_corrupt(queue, queue.settle(SLOTQ_NACK, 1, token),
                       group_at(1, field::group_written));
    }
    SECTION("a push asks as well")
    {
        queue.image.set(field::group_written, 1, 9);
        expect_corrupt(queue, push_after_heads(queue), group_at(1, field::group_written));
    }
    SECTION("a group that has finished the message is judged when it steps aside")
    {
        REQUIRE(queue.settle(SLOTQ_ACK, {{1, token, 2}}, 0, 1) == SLOTQ_OK);
        queue.image.set(field::group_written, 1, 9);
        expect_corrupt(queue, push_after_heads(queue), group_at(1, field::group_written));
    }
}

TEST_CASE("aside: more words that the token rule leaves than ready_behind says")
{
    Queue queue(shape(8, 4, 1, 0, 0, 0, 1));
    const uint32_t token = put_aside(queue, 2);
    REQUIRE(queue.settle(SLOTQ_NACK, 1, token) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_NACK, 2, token) == SLOTQ_OK);
    queue.image.check_each_step(false);
    queue.sound = false;
    for (const uint32_t slot : {0u, 1u}) {
        queue.image.set_aside_word(
            0, slot, support::word(SLOTQ_STATE_READY, 1, queue.now_ms + long_ms + 4095));
    }
    queue.image.set(field::group_ready_behind, 0, 1);
    expect_corrupt(queue, queue.reserve(1, long_ms), group_at(0, field::group_ready_behind));
}

TEST_CASE("aside: a sweep that meets more leased words than leased says")
{
    Queue queue(shape(8, 4));
    put_aside(queue, 2);
    queue.image.check_each_step(false);
    queue.sound = false;
    queue.image.set(field::group_leased, 0, 0);
    queue.image.set(field::group_waiting, 0, 2); /* a deadline lives, so it looks */
    queue.now_ms += 2 * long_ms;
    expect_corrupt(queue, queue.reclaim(), group_at(0, field::group_leased));
}

TEST_CASE("aside: a message whose key is not in its chain does not step aside")
{
    slotq_geometry made = shape(4, 2);
    made.flags = SLOTQ_FLAG_KEYS;
    Queue queue(made);
    REQUIRE(queue.push_keys({1, 0, 0}) == SLOTQ_OK);
    REQUIRE(queue.reserve(3) == SLOTQ_OK);
    const uint32_t token = queue.runs[0].token;
    REQUIRE(queue.settle(SLOTQ_ACK, {{2, token, 2}}) == SLOTQ_OK);
    queue.image.check_each_step(false);
    queue.sound = false;
    const uint32_t bucket = queue.image.bucket_offset(1);
    support::store(queue.image.data() + bucket, 2, 0);
    REQUIRE_CORRUPT(queue, push(1), bucket);
}

TEST_CASE("aside: an id that no message has names the ring's first slot")
{
    Queue queue(shape(8, 4));
    put_aside(queue, 2);
    const slotq_view &view = queue.image.view();
    const uint32_t none = view.ring_offset;
    REQUIRE(slotq_core_slot_offset(&view, 1) == queue.image.aside_slot_offset(0));
    REQUIRE(slotq_core_slot_offset(&view, 2) == queue.image.aside_slot_offset(1));
    REQUIRE(slotq_core_slot_offset(&view, 0) == none);
    REQUIRE(slotq_core_slot_offset(&view, 3) == none);
    REQUIRE(slotq_core_slot_offset(&view, 99) == none);
    SECTION("a damaged slot number")
    {
        queue.image.data()[queue.image.aside_entry_offset(1) + field::aside_slot.offset] = 4;
        REQUIRE(slotq_core_slot_offset(&view, 2) == none);
    }
    SECTION("a damaged count")
    {
        queue.image.set(field::shared_aside_count, 255);
        REQUIRE(slotq_core_slot_offset(&view, 99) == none);
    }
    const uint64_t newest = queue.image.last_id();
    SECTION("a damaged head")
    {
        queue.image.set(field::header_head, 8);
        REQUIRE(slotq_core_slot_offset(&view, newest) == none);
    }
    SECTION("a damaged tail")
    {
        queue.image.set(field::header_tail, 8);
        REQUIRE(slotq_core_slot_offset(&view, newest) == none);
    }
}
