/* test_dead.cpp: the dead section: what dies and how it is kept, full sections under each policy,
 * redrive with several groups, purge.
 */
#include "queue.hpp"

namespace
{

/* Push, reserve and kill count messages in a group, payloads a, b, c … */
void kill_some(Queue &queue, uint32_t count, uint32_t group = 0)
{
    for (uint32_t i = 0; i < count; i++) {
        REQUIRE(queue.push(1, std::string(1, static_cast<char>('a' + i))) == SLOTQ_OK);
        REQUIRE(queue.reserve(1, 1000, group) == SLOTQ_OK);
        REQUIRE(queue.settle(SLOTQ_KILL, queue.runs, 0, group, static_cast<uint8_t>(i)) ==
                SLOTQ_OK);
    }
}

} // namespace

TEST_CASE("dead: a message that dies is kept with all that is known of it")
{
    const uint32_t flags = SLOTQ_FLAG_STAMPS | SLOTQ_FLAG_CHECKS;
    Queue queue(support::geometry(4, 5, 2, flags, 0, 3));
    REQUIRE(queue.push(1, "first") == SLOTQ_OK);
    const uint64_t pushed_tick = queue.tick();
    REQUIRE(queue.reserve(1, 1000, 1) == SLOTQ_OK);
    queue.now_ms += 77000;
    REQUIRE(queue.reserve(1, 1000, 1) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_KILL, queue.runs, 0, 1, 255) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, look(SLOTQ_DEAD_LIST), SLOTQ_OK);
    REQUIRE(queue.items.size() == 1);
    const slotq_item item = queue.items[0];
    REQUIRE(item.id == 1);
    REQUIRE(item.died_at_ms == queue.now_ms);
    REQUIRE(item.attempts == 2);
    REQUIRE(item.group == 1);
    REQUIRE(item.reason == 255);
    slotq_slot slot;
    REQUIRE(slotq_core_slot(&queue.image.view(), item.slot_offset, &slot));
    REQUIRE(slot.stamp == pushed_tick);
    REQUIRE(slot.check == support::xxh32(slot.payload, 5));
    REQUIRE(queue.payload(item.slot_offset) == "first");
    REQUIRE(queue.stats(1).died == 1);
    REQUIRE(queue.stats(0).died == 0);
    REQUIRE(queue.status(1, 0) == SLOTQ_OK); /* the other group still gets it */
    REQUIRE(queue.call.status.status.state == SLOTQ_STATE_READY);
}

TEST_CASE("dead: without a section the dead are counted and forgotten")
{
    Queue queue(support::geometry(4, 5, 1, 0, 1, 0));
    REQUIRE(queue.push(3) == SLOTQ_OK);
    REQUIRE(queue.reserve(3, 1000) == SLOTQ_OK);
    const uint32_t token = queue.runs[0].token;
    REQUIRE(queue.settle(SLOTQ_KILL, 1, token) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_NACK, 2, token) == SLOTQ_OK);
    queue.now_ms += 2000;
    REQUIRE(queue.reclaim() == SLOTQ_OK);
    REQUIRE(queue.stats().dead_dropped == 3);
    REQUIRE(queue.stats().died == 3);
    REQUIRE(queue.stats().dead == 0);
    REQUIRE(queue.stats().used == 0);
    REQUIRE_REFUSED(queue, redrive(), SLOTQ_OK);
    REQUIRE_REFUSED(queue, plain(SLOTQ_DEAD_PURGE), SLOTQ_OK);
}

TEST_CASE("dead: a full section and no overwrite: a sweep leaves its messages for a minute")
{
    Queue queue(support::geometry(6, 5, 1, 0, 1, 1));
    kill_some(queue, 1);
    REQUIRE(queue.push(3) == SLOTQ_OK);
    REQUIRE(queue.reserve(3, 1000) == SLOTQ_OK);
    queue.now_ms += 1000;
    REQUIRE(queue.reserve(3, 1000) == SLOTQ_EMPTY);
    REQUIRE(queue.call.reserve.next_due_ms == queue.now_ms + 60000);
    REQUIRE(queue.stats().waiting == 3);
    REQUIRE(queue.stats().died == 1);
    REQUIRE(queue.plain(SLOTQ_DEAD_PURGE) == SLOTQ_OK);
    queue.now_ms += 59999;
    REQUIRE(queue.reserve(3, 1000) == SLOTQ_EMPTY);
    REQUIRE(queue.stats().waiting == 3);
    queue.now_ms += 1;
    REQUIRE(queue.reserve(3, 1000) == SLOTQ_EMPTY);
    REQUIRE(queue.stats().waiting == 2);
    REQUIRE(queue.stats().dead == 1);
}

TEST_CASE("dead: under dead_overwrite the oldest gives way and is counted")
{
    Queue queue(support::geometry(4, 5, 1, SLOTQ_FLAG_DEAD_OVERWRITE, 1, 3));
    kill_some(queue, 8);
    REQUIRE(queue.stats().dead == 3);
    REQUIRE(queue.stats().dead_dropped == 5);
    REQUIRE(queue.look(SLOTQ_DEAD_LIST) == SLOTQ_OK);
    REQUIRE(queue.items.size() == 3);
    for (uint32_t i = 0; i < 3; i++) {
        REQUIRE(queue.items[i].id == 6 + i);
        REQUIRE(queue.payload(queue.items[i].slot_offset) ==
                std::string(1, static_cast<char>('f' + i)));
    }
    REQUIRE(queue.look(SLOTQ_DEAD_LIST, 2, 9) == SLOTQ_OK);
    REQUIRE(queue.items.size() == 1);
    REQUIRE(queue.items[0].id == 8);
    REQUIRE_REFUSED(queue, look(SLOTQ_DEAD_LIST, 3), SLOTQ_EMPTY);
    REQUIRE_REFUSED(queue, look(SLOTQ_DEAD_LIST, UINT64_MAX), SLOTQ_EMPTY);
    REQUIRE(queue.push(2) == SLOTQ_OK); /* a sweep finds room the same way */
    REQUIRE(queue.reserve(2, 1000) == SLOTQ_OK);
    queue.now_ms += 1000;
    REQUIRE(queue.reclaim() == SLOTQ_OK);
    REQUIRE(queue.stats().dead_dropped == 7);
}

TEST_CASE("dead: redrive pushes the oldest again, new in its group, not for the others")
{
    Queue queue(support::geometry(8, 5, 3, SLOTQ_FLAG_STAMPS, 0, 4));
    kill_some(queue, 2, 1);
    REQUIRE(queue.plain(SLOTQ_PURGE) == SLOTQ_OK); /* the dead stay */
    queue.now_ms += 5000;
    REQUIRE(queue.redrive(9) == SLOTQ_OK);
    REQUIRE(queue.call.dead.count == 2);
    REQUIRE(queue.call.dead.first_id == 3);
    REQUIRE(queue.stats().dead == 0);
    for (const uint32_t group : {0u, 2u}) {
        REQUIRE(queue.status(3, group) == SLOTQ_FINISHED); /* nothing stood before it there */
        REQUIRE(queue.stats(group).unfinished == 0);
        REQUIRE(queue.reserve(1, 1000, group) == SLOTQ_EMPTY);
    }
    REQUIRE(queue.stats(1).unfinished == 2);
    REQUIRE(queue.reserve(2, 1000, 1) == SLOTQ_OK);
    REQUIRE(queue.runs[0].id == 3);
    REQUIRE(queue.runs[0].count == 2);
    REQUIRE(queue.status(3, 1) == SLOTQ_OK);
    REQUIRE(queue.call.status.status.attempts == 1);
    REQUIRE(queue.call.status.status.pushed_ms == queue.now_ms);
    REQUIRE(queue.payload(slotq_core_slot_offset(&queue.image.view(), 3)) == "a");
    REQUIRE(queue.payload(slotq_core_slot_offset(&queue.image.view(), 4)) == "b");
}

TEST_CASE("dead: redrive behind messages that a group has not seen fills the gap")
{
    Queue queue(support::geometry(8, 5, 2, 0, 0, 4));
    kill_some(queue, 1, 1);
    REQUIRE(queue.push(3) == SLOTQ_OK);
    REQUIRE(queue.redrive() == SLOTQ_OK); /* id 5 */
    REQUIRE(queue.group(field::group_written, 0) == queue.image.get(field::header_tail));
    REQUIRE(queue.word(5, 0) == 0x403);
    for (uint64_t id = 1; id <= 4; id++) {
        REQUIRE(queue.word(id, 0) == 0);
    }
    REQUIRE(queue.status(5, 0) == SLOTQ_OK);
    REQUIRE(queue.call.status.status.why == SLOTQ_WHY_OTHER_GROUP);
    REQUIRE(queue.reserve(9, 1000, 0) == SLOTQ_OK);
    REQUIRE(queue.call.reserve.message_count == 4);
    REQUIRE(queue.settle(SLOTQ_ACK, queue.runs) == SLOTQ_OK);
    REQUIRE(queue.stats(0).unfinished == 0);
    REQUIRE(queue.reserve(9, 1000, 1) == SLOTQ_OK);
    REQUIRE(queue.call.reserve.message_count == 4);
}

TEST_CASE("dead: redrive stops where the ring is full, and says how many went")
{
    Queue queue(support::geometry(4, 5, 1, 0, 0, 4));
    kill_some(queue, 3);
    REQUIRE(queue.push(2) == SLOTQ_OK);
    REQUIRE(queue.redrive(3) == SLOTQ_FULL);
    REQUIRE(queue.call.dead.count == 1);
    REQUIRE(queue.call.dead.first_id == 6);
    REQUIRE_REFUSED(queue, redrive(1), SLOTQ_FULL);
    REQUIRE(queue.call.dead.count == 0);
    REQUIRE(queue.stats().dead == 2);
    REQUIRE(queue.plain(SLOTQ_PURGE) == SLOTQ_OK);
    REQUIRE(queue.redrive(1) == SLOTQ_OK);
    REQUIRE(queue.stats().dead == 1);
    REQUIRE(queue.look(SLOTQ_DEAD_LIST) == SLOTQ_OK);
    REQUIRE(queue.payload(queue.items[0].slot_offset) == "c");
}

/* Damage the dead message of an entry: its length, or its check in a queue with checks. */
static void damage_dead(Queue &queue, uint32_t at)
{
    uint8_t *entry = queue.image.data() + queue.image.dead_offset(at);
    entry[14] = SLOTQ_REASON_DAMAGED;
    if ((queue.image.geometry().flags & SLOTQ_FLAG_CHECKS) != 0) {
        entry[18] ^= 1;
    } else {
        support::store(entry + 16, 2, 0xFFFF); /* longer than a payload can be */
    }
}

TEST_CASE("dead: redrive leaves what is damaged dead, as the newest, and counts it")
{
    const uint32_t flags = GENERATE(0u, uint32_t{SLOTQ_FLAG_CHECKS});
    const uint32_t slots = GENERATE(3u, 4u, 9u); /* a full section turns, another has copies */
    Queue queue(support::geometry(6, 5, 1, flags, 0, slots));
    kill_some(queue, 3);
    damage_dead(queue, 0);
    const support::Bytes entry(queue.image.data() + queue.image.dead_offset(0),
                               16 + queue.image.view().stride);
    REQUIRE(queue.redrive(9) == SLOTQ_OK);
    REQUIRE(queue.call.dead.count == 2);
    REQUIRE(queue.call.dead.damaged == 1);
    REQUIRE(queue.call.dead.first_id == 4);
    REQUIRE(queue.stats().dead == 1);
    REQUIRE(queue.stats().dead_dropped == 0);
    REQUIRE(queue.payload(slotq_core_slot_offset(&queue.image.view(), 4)) == "b");
    REQUIRE(queue.payload(slotq_core_slot_offset(&queue.image.view(), 5)) == "c");
    for (uint32_t turn = 0; turn < 2 * slots; turn++) {
        REQUIRE(queue.redrive(9) == SLOTQ_OK);
        REQUIRE(queue.call.dead.count == 0);
        REQUIRE(queue.call.dead.damaged == 1);
        REQUIRE(queue.image.check().empty());
        REQUIRE(queue.look(SLOTQ_DEAD_LIST) == SLOTQ_OK);
        REQUIRE(queue.items.size() == 1);
        REQUIRE(queue.items[0].id == 1);
        REQUIRE(std::memcmp(queue.image.data() + queue.items[0].slot_offset - 16, entry.data(),
                            entry.size()) == 0);
    }
}

TEST_CASE("dead: the limit of a redrive counts damaged messages, each looked at once")
{
    Queue queue(support::geometry(6, 5, 1, 0, 0, 4));
    kill_some(queue, 4);
    damage_dead(queue, 0);
    damage_dead(queue, 1);
    damage_dead(queue, 3);
    REQUIRE(queue.redrive(1) == SLOTQ_OK); /* ids 2, 3, 4, 1 now */
    REQUIRE(queue.call.dead.damaged == 1);
    REQUIRE(queue.call.dead.first_id == 0);
    REQUIRE(queue.look(SLOTQ_DEAD_LIST) == SLOTQ_OK);
    REQUIRE(queue.items[0].id == 2);
    REQUIRE(queue.items[3].id == 1);
    REQUIRE(queue.redrive(2) == SLOTQ_OK);
    REQUIRE(queue.call.dead.count == 1);
    REQUIRE(queue.call.dead.damaged == 1);
    REQUIRE(queue.redrive(SLOTQ_CALL_MESSAGES_MAX) == SLOTQ_OK);
    REQUIRE(queue.call.dead.count == 0);
    REQUIRE(queue.call.dead.damaged == 3);
    REQUIRE(queue.look(SLOTQ_DEAD_LIST) == SLOTQ_OK);
    REQUIRE(queue.items.size() == 3);
    REQUIRE(queue.items[0].id == 4);
    REQUIRE(queue.items[1].id == 1);
    REQUIRE(queue.items[2].id == 2);
    REQUIRE(queue.push(4) == SLOTQ_OK); /* a full ring is told before a message is judged */
    REQUIRE_REFUSED(queue, redrive(1), SLOTQ_FULL);
    REQUIRE(queue.call.dead.damaged == 0);
}

/* Where no lock keeps others out between two steps. */
TEST_CASE("dead: a redrive ends when the section was emptied between its steps")
{
    Queue queue(support::geometry(6, 5, 1, 0, 0, 4));
    kill_some(queue, 3);
    queue.start(SLOTQ_REDRIVE);
    queue.call.dead.limit = 3;
    slotq_call redrive = queue.call;
    slotq_step step;
    REQUIRE(slotq_core_step(&queue.image.view(), &redrive, &step) == SLOTQ_MORE);
    slotq_core_apply(queue.image.data(), &queue.image.view(), &step);
    REQUIRE(queue.plain(SLOTQ_DEAD_PURGE) == SLOTQ_OK);
    REQUIRE(slotq_core_step(&queue.image.view(), &redrive, &step) == SLOTQ_OK);
    REQUIRE(step.patch_count == 0);
    REQUIRE(redrive.dead.count == 1);
    REQUIRE(redrive.dead.damaged == 0);
}

TEST_CASE("dead: purge forgets all of them and starts from the first entry")
{
    Queue queue(support::geometry(4, 5, 1, SLOTQ_FLAG_DEAD_OVERWRITE, 0, 3));
    kill_some(queue, 5);
    REQUIRE(queue.image.get(field::shared_dead_head) == 2);
    REQUIRE(queue.plain(SLOTQ_DEAD_PURGE) == SLOTQ_OK);
    REQUIRE(queue.call.dead.count == 3);
    REQUIRE(queue.image.get(field::shared_dead_head) == 0);
    REQUIRE_REFUSED(queue, plain(SLOTQ_DEAD_PURGE), SLOTQ_OK);
    REQUIRE(queue.call.dead.count == 0);
}
