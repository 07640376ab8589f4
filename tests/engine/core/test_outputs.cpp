/* test_outputs.cpp: what a verb leaves besides the image: outputs of a call that was used before,
 * and which callers a step says to wake.
 */
#include "queue.hpp"

namespace
{

/* The first step of the last call of the queue, which starts again; not applied. */
const slotq_step &first_step(Queue &queue)
{
    static slotq_step step;
    REQUIRE(slotq_core_step(&queue.image.view(), &queue.call, &step) == SLOTQ_OK);
    return step;
}

} // namespace

TEST_CASE("outputs: a settle counts anew in a call that was used before")
{
    Queue queue(support::geometry(4, 5, 1, 0, 0, 2, 100));
    REQUIRE(queue.push(1) == SLOTQ_OK);
    REQUIRE(queue.reserve(1) == SLOTQ_OK);
    queue.start(SLOTQ_KILL);
    queue.call.settle.runs = queue.runs.data();
    queue.call.settle.run_count = 1;
    queue.call.settle.ok_count = 77;
    queue.call.settle.dead_count = 88;
    REQUIRE(queue.go() == SLOTQ_OK);
    CHECK(queue.call.settle.ok_count == 1);
    CHECK(queue.call.settle.dead_count == 1);
}

TEST_CASE("outputs: a key that is found, not found or refused leaves nothing of another call")
{
    Queue queue(support::geometry(300, 5, 1, SLOTQ_FLAG_KEYS));
    REQUIRE(queue.push_keys({7}) == SLOTQ_OK);
    queue.start(SLOTQ_FIND);
    queue.call.find.key = 7;
    queue.call.find.holder.message = 99;
    REQUIRE(queue.go() == SLOTQ_OK);
    CHECK(queue.call.find.holder.message == 0);
    std::vector<uint64_t> keys;
    for (uint64_t i = 1; i <= 256; i++) {
        keys.push_back(i << 32 | 7);
    }
    const std::vector<slotq_data> data(keys.size(), {"p", 1});
    queue.start(SLOTQ_PUSH);
    queue.call.push.messages = data.data();
    queue.call.push.count = static_cast<uint32_t>(data.size());
    queue.call.push.keys = keys.data();
    queue.call.push.key_mode = SLOTQ_KEY_UNIQUE;
    queue.call.push.holder.id = 99;
    REQUIRE(queue.go() == SLOTQ_FULL);
    CHECK(queue.call.push.holder.id == 0);
}

TEST_CASE("outputs: the status of a message that lives has no reason of a death")
{
    Queue queue(support::geometry(4, 5));
    REQUIRE(queue.push(1) == SLOTQ_OK);
    REQUIRE(queue.status(1) == SLOTQ_OK);
    CHECK(queue.call.status.status.reason == 0);
    CHECK_FALSE(queue.call.status.status.is_dead);
    CHECK(queue.call.status.status.died_at_ms == 0);
}

TEST_CASE("outputs: a look wakes another caller of the same group")
{
    Queue queue(support::geometry(4, 5, 3));
    REQUIRE(queue.push(1) == SLOTQ_OK);
    slotq_run run = {};
    for (const uint8_t group : {0, 1, 2}) {
        queue.start(SLOTQ_RESERVE);
        queue.call.reserve.group = group;
        queue.call.reserve.limit = 1;
        queue.call.reserve.lease_ms = 100;
        queue.call.reserve.runs = &run;
        queue.call.reserve.run_capacity = 1;
        queue.call.progress.looks = true;
        const slotq_step &step = first_step(queue);
        CHECK(step.wake_groups == 1 << group);
        CHECK(step.wake_messages == 1);
    }
}

TEST_CASE("outputs: a nearer due time wakes one caller of each group")
{
    slotq_geometry shape = support::geometry(4, 5, 2);
    shape.later_slots = 2;
    Queue queue(shape);
    const slotq_data message = {"p", 1};
    queue.start(SLOTQ_SCHEDULE);
    queue.call.schedule.messages = &message;
    queue.call.schedule.count = 1;
    queue.call.schedule.due_ms = queue.now_ms + 1000;
    const slotq_step &step = first_step(queue);
    CHECK(step.wake_groups == 3);
    CHECK(step.wake_messages == 1);
}
