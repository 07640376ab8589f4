/* test_dead_holes.cpp: notes of the dead, and messages that leave the dead section from between
 * others: by id, in one group or in all, and where the next one that dies goes.
 */
#include "queue.hpp"

namespace
{

slotq_geometry noted(uint32_t dead_slots, uint32_t flags = 0, uint8_t note_bytes = 4,
                     uint32_t groups = 1)
{
    slotq_geometry made = support::geometry(12, 5, groups, flags, 1, dead_slots);
    made.note_bytes = note_bytes;
    return made;
}

/* The ids in the order of the list. */
std::vector<uint64_t> listed(Queue &queue)
{
    std::vector<uint64_t> ids;
    queue.look(SLOTQ_DEAD_LIST);
    for (const slotq_item &item : queue.items) {
        ids.push_back(item.id);
    }
    return ids;
}

using ids = std::vector<uint64_t>;

/* Push and kill so many; the payload and the note are the id. */
void kill_some(Queue &queue, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const std::string name = std::to_string(queue.image.last_id() + 1);
        REQUIRE(queue.push(1, name) == SLOTQ_OK);
        REQUIRE(queue.reserve(1, 1000) == SLOTQ_OK);
        REQUIRE(queue.kill_noted(queue.runs[0].id, queue.runs[0].token, name) == SLOTQ_OK);
    }
}

uint64_t holes(const Queue &queue)
{
    return queue.image.get(field::shared_dead_holes);
}

} // namespace

TEST_CASE("notes: kept from kill and from a nack that kills, cut to their room")
{
    Queue queue(noted(4));
    REQUIRE(queue.push(4, "abc") == SLOTQ_OK);
    REQUIRE(queue.reserve(4, 1000) == SLOTQ_OK);
    const uint32_t token = queue.runs[0].token;
    REQUIRE(queue.kill_noted(1, token, "no") == SLOTQ_OK);
    REQUIRE(queue.kill_noted(2, token, "broken", SLOTQ_NACK) == SLOTQ_OK);
    REQUIRE(queue.kill_noted(3, token, "") == SLOTQ_OK);
    queue.now_ms += 1000;
    REQUIRE(queue.reclaim() == SLOTQ_OK); /* the lease of 4 ended */
    REQUIRE(listed(queue) == ids{1, 2, 3, 4});
    CHECK(queue.note(queue.items[0]) == "no");
    CHECK(queue.note(queue.items[1]) == "brok");
    CHECK(queue.note(queue.items[2]) == "");
    CHECK(queue.note(queue.items[3]) == "");
    CHECK(queue.payload(queue.items[1].slot_offset) == "abc");
    REQUIRE(queue.redrive_id(2) == SLOTQ_OK); /* a note is not part of the message */
    REQUIRE(queue.reserve(1, 1000) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_KILL, queue.runs) == SLOTQ_OK);
    REQUIRE(listed(queue) == ids{1, 5, 3, 4}); /* in the hole that 2 left */
    CHECK(queue.note(queue.items[1]) == "");
}

TEST_CASE("notes: a queue without room for them forgets them, and 255 bytes are kept whole")
{
    Queue none(noted(2, 0, 0));
    kill_some(none, 1);
    REQUIRE(listed(none) == ids{1});
    CHECK(none.items[0].note_bytes == 0);
    CHECK(none.payload(none.items[0].slot_offset) == "1");
    Queue most(noted(2, 0, 255));
    REQUIRE(most.push() == SLOTQ_OK);
    REQUIRE(most.reserve() == SLOTQ_OK);
    const std::string note(255, '\xC3');
    REQUIRE(most.kill_noted(1, most.runs[0].token, note) == SLOTQ_OK);
    REQUIRE(most.dead_find(1) == SLOTQ_OK);
    CHECK(most.note(most.items[0]) == note);
}

TEST_CASE("notes: a length above the room is damage, and is read as the room")
{
    Queue queue(noted(2));
    kill_some(queue, 1);
    queue.image.data()[queue.image.dead_offset(0) + 15] = 200;
    queue.sound = false;
    REQUIRE(queue.look(SLOTQ_DEAD_LIST) == SLOTQ_OK);
    CHECK(queue.items[0].note_bytes == 4);
}

TEST_CASE("dead remove: the first, the last, one between; the others stay in order")
{
    Queue queue(noted(6));
    kill_some(queue, 6);
    REQUIRE(queue.dead_remove(3) == SLOTQ_OK);
    REQUIRE(queue.call.dead.count == 1);
    REQUIRE(queue.look(SLOTQ_DEAD_LIST, 3, 1) == SLOTQ_OK); /* one hole does not count either */
    REQUIRE(queue.items.size() == 1);
    CHECK(queue.items[0].id == 5);
    REQUIRE(queue.dead_remove(5) == SLOTQ_OK);
    REQUIRE(holes(queue) == 2);
    REQUIRE(listed(queue) == ids{1, 2, 4, 6});
    REQUIRE(queue.stats().dead == 4);
    REQUIRE(queue.look(SLOTQ_DEAD_LIST, 1, 2) == SLOTQ_OK); /* holes do not count */
    REQUIRE(queue.items.size() == 2);
    CHECK(queue.items[0].id == 2);
    CHECK(queue.items[1].id == 4);
    CHECK(queue.note(queue.items[1]) == "4");
    REQUIRE_REFUSED(queue, look(SLOTQ_DEAD_LIST, 4), SLOTQ_EMPTY);
    REQUIRE_REFUSED(queue, look(SLOTQ_DEAD_LIST, UINT64_MAX), SLOTQ_EMPTY);
    REQUIRE_REFUSED(queue, dead_remove(3), SLOTQ_NOTFOUND);
    REQUIRE_REFUSED(queue, dead_remove(99), SLOTQ_NOTFOUND);
    REQUIRE(queue.dead_remove(6) == SLOTQ_OK); /* the hole before it leaves too */
    REQUIRE(holes(queue) == 1);
    REQUIRE(queue.dead_remove(2) == SLOTQ_OK);
    REQUIRE(holes(queue) == 2);
    REQUIRE(queue.dead_remove(1) == SLOTQ_OK); /* and those behind it */
    REQUIRE(holes(queue) == 0);
    REQUIRE(listed(queue) == ids{4});
    REQUIRE(queue.dead_remove(4) == SLOTQ_OK);
    REQUIRE(queue.stats().dead == 0);
    REQUIRE_REFUSED(queue, dead_remove(4), SLOTQ_NOTFOUND);
    REQUIRE_REFUSED(queue, plain(SLOTQ_DEAD_PURGE), SLOTQ_OK);
    kill_some(queue, 6);
    REQUIRE(listed(queue) == ids{7, 8, 9, 10, 11, 12});
}

TEST_CASE("dead remove: bad arguments change nothing")
{
    Queue queue(noted(3, 0, 4, 2));
    kill_some(queue, 1);
    REQUIRE_REFUSED(queue, dead_remove(0), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, dead_remove(1, 2), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, redrive_id(1, 2), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, redrive_id(1, 0, 0), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, dead_find(1, 2), SLOTQ_INVALID);
    REQUIRE_REFUSED(queue, dead_remove(1, 1), SLOTQ_NOTFOUND); /* it died in the other group */
    REQUIRE_REFUSED(queue, redrive_id(1, 1), SLOTQ_NOTFOUND);
    REQUIRE_REFUSED(queue, dead_find(1, 1), SLOTQ_EMPTY);
    REQUIRE_REFUSED(queue, dead_find(1, 0), SLOTQ_OK);
    REQUIRE_REFUSED(queue, dead_find(1, 0, 1), SLOTQ_EMPTY);
    REQUIRE(queue.dead_remove(1, 0) == SLOTQ_OK);
}

TEST_CASE("dead: a full section has room where a message was taken out of its middle")
{
    const uint32_t flags = GENERATE(0u, uint32_t{SLOTQ_FLAG_DEAD_OVERWRITE});
    Queue queue(noted(5, flags));
    kill_some(queue, 5);
    REQUIRE(queue.dead_remove(2) == SLOTQ_OK);
    REQUIRE(queue.dead_remove(3) == SLOTQ_OK);
    kill_some(queue, 1);
    REQUIRE(listed(queue) == ids{1, 6, 4, 5});
    REQUIRE(holes(queue) == 1);
    kill_some(queue, 1);
    REQUIRE(listed(queue) == ids{1, 7, 6, 4, 5});
    REQUIRE(holes(queue) == 0);
    REQUIRE(queue.stats().dead_dropped == 0);
    REQUIRE(queue.push() == SLOTQ_OK);
    REQUIRE(queue.reserve() == SLOTQ_OK);
    if (flags == 0) {
        REQUIRE_REFUSED(queue, settle(SLOTQ_KILL, queue.runs), SLOTQ_DEADFULL);
    } else {
        REQUIRE(queue.settle(SLOTQ_KILL, queue.runs) == SLOTQ_OK);
        REQUIRE(listed(queue) == ids{7, 6, 4, 5, 8});
        REQUIRE(queue.stats().dead_dropped == 1);
    }
}

TEST_CASE("dead: one sweep that buries several fills the end, then the holes, then overwrites")
{
    Queue queue(noted(6, SLOTQ_FLAG_DEAD_OVERWRITE));
    kill_some(queue, 5);
    REQUIRE(queue.dead_remove(2) == SLOTQ_OK);
    REQUIRE(queue.dead_remove(4) == SLOTQ_OK);
    REQUIRE(queue.push(4) == SLOTQ_OK); /* 6 to 9 */
    REQUIRE(queue.reserve(4, 1000) == SLOTQ_OK);
    queue.now_ms += 1000;
    REQUIRE(queue.reclaim() == SLOTQ_OK);
    REQUIRE(queue.call.reclaim.dead_count == 4);
    REQUIRE(listed(queue) == ids{8, 3, 7, 5, 6, 9});
    REQUIRE(queue.stats().dead_dropped == 1);
}

TEST_CASE("dead: redrive by id, from between others")
{
    Queue queue(noted(4, SLOTQ_FLAG_STAMPS));
    kill_some(queue, 4);
    queue.now_ms += 9000;
    REQUIRE(queue.redrive_id(2) == SLOTQ_OK);
    REQUIRE(queue.call.dead.count == 1);
    REQUIRE(queue.call.dead.damaged == 0);
    REQUIRE(queue.call.dead.first_id == 5);
    REQUIRE(listed(queue) == ids{1, 3, 4});
    REQUIRE(queue.payload(slotq_core_slot_offset(&queue.image.view(), 5)) == "2");
    REQUIRE(queue.status(5) == SLOTQ_OK);
    REQUIRE(queue.call.status.status.pushed_ms == queue.now_ms);
    REQUIRE_REFUSED(queue, redrive_id(2), SLOTQ_NOTFOUND);
    REQUIRE(queue.redrive(9) == SLOTQ_OK); /* the rest, over the hole */
    REQUIRE(queue.call.dead.count == 3);
    REQUIRE(holes(queue) == 0);
    REQUIRE_REFUSED(queue, redrive_id(2), SLOTQ_NOTFOUND);
    REQUIRE(queue.pause(SLOTQ_PAUSE, SLOTQ_PAUSE_IN) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, redrive_id(2), SLOTQ_PAUSED);
}

TEST_CASE("dead: an id that died in several groups is taken out in all, or in one")
{
    const bool redrives = GENERATE(false, true);
    Queue queue(noted(8, 0, 4, 3));
    REQUIRE(queue.push(2, "x") == SLOTQ_OK);
    for (const uint32_t group : {2u, 0u, 1u}) {
        REQUIRE(queue.reserve(2, 1000, group) == SLOTQ_OK);
        REQUIRE(queue.settle(SLOTQ_KILL, queue.runs, 0, group) == SLOTQ_OK);
    }
    REQUIRE(queue.dead_find(1) == SLOTQ_OK);
    REQUIRE(queue.items.size() == 3);
    CHECK(queue.items[0].group == 2);
    REQUIRE((redrives ? queue.redrive_id(1, 0) : queue.dead_remove(1, 0)) == SLOTQ_OK);
    REQUIRE(queue.call.dead.count == 1);
    if (redrives) {
        REQUIRE(queue.status(3, 0) == SLOTQ_OK);
        REQUIRE(queue.call.status.status.state == SLOTQ_STATE_READY);
        REQUIRE(queue.redrive_id(1, SLOTQ_ALL_GROUPS, 1) == SLOTQ_OK); /* the limit */
        REQUIRE(queue.call.dead.count == 1);
        REQUIRE(queue.redrive_id(1) == SLOTQ_OK);
        REQUIRE(queue.call.dead.count == 1);
    } else {
        REQUIRE(queue.dead_remove(1) == SLOTQ_OK);
        REQUIRE(queue.call.dead.count == 2);
    }
    REQUIRE(listed(queue) == ids{2, 2, 2});
}

TEST_CASE("dead: a damaged message that is redriven by id stays where it is")
{
    Queue queue(noted(4));
    kill_some(queue, 3);
    uint8_t *entry = queue.image.data() + queue.image.dead_offset(1);
    entry[14] = SLOTQ_REASON_DAMAGED;
    support::store(queue.image.data() + queue.image.dead_slot_offset(1), 2, 0xFFFF);
    REQUIRE_REFUSED(queue, redrive_id(2), SLOTQ_OK);
    REQUIRE(queue.call.dead.count == 0);
    REQUIRE(queue.call.dead.damaged == 1);
    REQUIRE(listed(queue) == ids{1, 2, 3});
    REQUIRE(queue.push(11) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, redrive_id(2), SLOTQ_FULL);
    REQUIRE_REFUSED(queue, redrive_id(9), SLOTQ_NOTFOUND);
    REQUIRE(queue.dead_remove(2) == SLOTQ_OK);
}

TEST_CASE("dead: a damaged message goes to the new end over holes and in a full span")
{
    const uint32_t slots = GENERATE(4u, 6u);
    Queue queue(noted(slots));
    kill_some(queue, 4);
    REQUIRE(queue.dead_remove(2) == SLOTQ_OK);
    uint8_t *entry = queue.image.data() + queue.image.dead_offset(0);
    entry[14] = SLOTQ_REASON_DAMAGED;
    support::store(queue.image.data() + queue.image.dead_slot_offset(0), 2, 0xFFFF);
    REQUIRE(queue.redrive(1) == SLOTQ_OK);
    REQUIRE(queue.call.dead.damaged == 1);
    REQUIRE(listed(queue) == ids{3, 4, 1});
    REQUIRE(holes(queue) == 0);
    CHECK(queue.note(queue.items[2]) == "1");
}

/* Counts of holes that are too high, which the check names: no verb leaves the section. */
TEST_CASE("dead: holes that are counted and not there")
{
    const uint32_t flags = GENERATE(0u, uint32_t{SLOTQ_FLAG_DEAD_OVERWRITE});
    Queue queue(noted(4, flags));
    kill_some(queue, 2);
    queue.sound = false;
    queue.image.check_each_step(false);
    queue.image.set(field::shared_dead_holes, 3);
    REQUIRE(queue.plain(SLOTQ_STATS) == SLOTQ_CORRUPT);
    REQUIRE(queue.call.damage.offset == field::shared_dead_holes.offset);
    queue.image.set(field::shared_dead_holes, 2);
    support::store(queue.image.data() + queue.image.dead_offset(2), 6, 77);
    support::store(queue.image.data() + queue.image.dead_offset(3), 6, 78);
    REQUIRE(queue.push() == SLOTQ_OK);
    REQUIRE(queue.reserve() == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_KILL, queue.runs) == (flags == 0 ? SLOTQ_DEADFULL : SLOTQ_OK));
    support::store(queue.image.data() + queue.image.dead_offset(0), 6, 0);
    support::store(queue.image.data() + queue.image.dead_offset(1), 6, 0);
    support::store(queue.image.data() + queue.image.dead_offset(2), 6, 0);
    queue.image.set(field::shared_dead_head, 0);
    queue.image.set(field::shared_dead_count, 1);
    queue.image.set(field::shared_dead_holes, 3);
    REQUIRE(queue.dead_remove(support::load(queue.image.data() + queue.image.dead_offset(3), 6)) ==
            SLOTQ_OK);
    REQUIRE(queue.image.get(field::shared_dead_holes) == 1); /* the walk ends at the first entry */
    REQUIRE(queue.look(SLOTQ_DEAD_LIST) == SLOTQ_EMPTY);
    REQUIRE(queue.plain(SLOTQ_DEAD_PURGE) == SLOTQ_OK);
    REQUIRE(queue.image.check() == "");
}

/* The message that holds a full ring says so if only the dead section keeps it. */
TEST_CASE("dead: FULL and stats say that a full dead section holds the ring")
{
    const uint32_t flags = GENERATE(0u, uint32_t{SLOTQ_FLAG_DEAD_OVERWRITE});
    Queue queue(noted(1, flags));
    kill_some(queue, 1);
    REQUIRE(queue.push(11) == SLOTQ_OK);
    REQUIRE(queue.reserve(1, 1000) == SLOTQ_OK);
    REQUIRE_FALSE(queue.stats().holder.dead_full); /* its worker has it */
    queue.now_ms += 1000;
    REQUIRE(queue.reclaim() == SLOTQ_OK);
    REQUIRE(queue.stats().holder.dead_full == (flags == 0));
    REQUIRE(queue.push(2) == SLOTQ_FULL);
    REQUIRE(queue.call.push.holder.dead_full == (flags == 0));
    if (flags == 0) {
        REQUIRE(queue.dead_remove(1) == SLOTQ_OK);
        REQUIRE_FALSE(queue.stats().holder.dead_full);
    }
}

TEST_CASE("dead: a message that waits for its retry is not held by a full dead section")
{
    slotq_geometry made = support::geometry(3, 5, 1, 0, 2, 1);
    Queue queue(made);
    kill_some(queue, 1);
    REQUIRE(queue.push(2) == SLOTQ_OK);
    REQUIRE(queue.reserve(1, 1000) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_NACK, queue.runs, 5000) == SLOTQ_OK);
    REQUIRE_FALSE(queue.stats().holder.dead_full);
    made.max_attempts = 0;
    made.dead_slots = 0;
    Queue without(made);
    REQUIRE(without.push(2) == SLOTQ_OK);
    REQUIRE(without.reserve(1, 1000) == SLOTQ_OK);
    REQUIRE(without.settle(SLOTQ_NACK, without.runs, 5000) == SLOTQ_OK);
    REQUIRE_FALSE(without.stats().holder.dead_full);
    made.max_attempts = 1;
    Queue drops(made);
    REQUIRE(drops.push(2) == SLOTQ_OK);
    REQUIRE(drops.reserve(1, 1000) == SLOTQ_OK);
    const uint32_t index = drops.image.index_of(1);
    drops.image.set_word(0, index, (drops.image.get_word(0, index) & ~3u) | SLOTQ_STATE_WAITING);
    drops.image.set(field::group_leased, 0, 0);
    drops.image.set(field::group_waiting, 0, 1);
    REQUIRE_FALSE(drops.stats().holder.dead_full); /* as between two whole sweeps */
}
