/* test_dead_full.cpp: a dead section that is full and does not overwrite: what should die waits, at
 * its place aside while there is room, and is never delivered again (FORMAT.md, "Dying").
 */
#include "aside.hpp"

using namespace aside;

namespace
{

constexpr uint64_t lease_ms = 1000;
constexpr uint64_t retry_ms = 60000;

/* The dead section holds message 1 and is full. */
Queue full_queue(uint32_t aside, uint32_t slots = 5, uint32_t groups = 1)
{
    Queue queue(shape(slots, aside, groups, 0, 1, 1));
    REQUIRE(queue.push(1, "abc") == SLOTQ_OK);
    for (uint32_t group = 0; group < groups; group++) {
        REQUIRE(queue.reserve(1, lease_ms, group) == SLOTQ_OK);
        const slotq_verb verb = group == 0 ? SLOTQ_KILL : SLOTQ_ACK;
        REQUIRE(queue.settle(verb, queue.runs, 0, group) == SLOTQ_OK);
    }
    REQUIRE(queue.stats().dead == 1);
    return queue;
}

/* A full ring: its first message should die and cannot, all others are acked. The id. */
uint64_t hold_dying(Queue &queue)
{
    const uint32_t all = queue.image.geometry().ring_slots - 1u - queue.stats().used;
    REQUIRE(queue.push(all, "abc") == SLOTQ_OK);
    const uint64_t first = queue.call.push.first_id;
    REQUIRE(queue.reserve(all, lease_ms) == SLOTQ_OK);
    const uint32_t token = queue.runs[0].token;
    REQUIRE(queue.runs[0].id == first);
    if (all > 1) {
        REQUIRE(queue.settle(SLOTQ_ACK, {{first + 1, token, all - 1}}) == SLOTQ_OK);
    }
    queue.now_ms += lease_ms;
    REQUIRE(queue.reclaim() == SLOTQ_OK);
    REQUIRE((queue.word(first) & 3) == SLOTQ_STATE_WAITING);
    return first;
}

} // namespace

TEST_CASE("dead full: what cannot die steps aside, until no place is left")
{
    Queue queue = full_queue(2);
    const uint64_t one = hold_dying(queue);
    REQUIRE(queue.push(1) == SLOTQ_OK); /* makes room */
    REQUIRE(queue.aside_ids() == ids{one});
    REQUIRE(queue.remove(queue.image.last_id()) == SLOTQ_OK);
    const uint64_t two = hold_dying(queue);
    REQUIRE(queue.push(1) == SLOTQ_OK);
    REQUIRE(queue.aside_ids() == ids{one, two});
    REQUIRE(queue.remove(queue.image.last_id()) == SLOTQ_OK);
    const uint64_t three = hold_dying(queue);
    REQUIRE_REFUSED(queue, push(1), SLOTQ_FULL);
    REQUIRE(queue.push(1) == SLOTQ_FULL);
    REQUIRE(queue.call.push.holder.id == three);
    REQUIRE(queue.call.push.holder.state == SLOTQ_STATE_WAITING);
    REQUIRE(queue.call.push.holder.dead_full);
    REQUIRE(queue.stats().holder.dead_full);
    REQUIRE(queue.stats().waiting == 3);
    REQUIRE(queue.stats().died == 1);
    REQUIRE(queue.plain(SLOTQ_DEAD_PURGE) == SLOTQ_OK); /* the cure: one place for one of them */
    REQUIRE_FALSE(queue.stats().holder.dead_full);
    queue.now_ms += retry_ms;
    REQUIRE(queue.reclaim() == SLOTQ_OK);
    REQUIRE(queue.call.reclaim.dead_count == 1);
    REQUIRE(queue.aside_ids() == ids{two});
    REQUIRE(queue.push(1) == SLOTQ_OK); /* three steps to the place that became free */
    REQUIRE(queue.aside_ids() == ids{two, three});
}

TEST_CASE("dead full: a section that overwrites keeps no message from dying")
{
    Queue queue(shape(5, 0, 1, SLOTQ_FLAG_DEAD_OVERWRITE, 1, 1));
    REQUIRE(queue.push(2, "abc") == SLOTQ_OK);
    REQUIRE(queue.reserve(2, lease_ms) == SLOTQ_OK);
    const uint32_t token = queue.runs[0].token;
    REQUIRE(queue.settle(SLOTQ_KILL, 1, token) == SLOTQ_OK);
    REQUIRE(queue.stats().dead == 1);
    /* no verb leaves such a word there: a message of its last attempt that waits */
    queue.image.set_word(0, 1, (token & ~3U) | SLOTQ_STATE_WAITING);
    queue.image.set(field::group_leased, 0, 0);
    queue.image.set(field::group_waiting, 0, 1);
    REQUIRE(queue.stats().holder.id == 2);
    REQUIRE(queue.stats().holder.state == SLOTQ_STATE_WAITING);
    REQUIRE_FALSE(queue.stats().holder.dead_full);
}

TEST_CASE("dead full: never delivered beyond max_attempts, aside or in the ring")
{
    Queue queue = full_queue(2);
    const uint64_t aside = hold_dying(queue);
    REQUIRE(queue.push(1) == SLOTQ_OK);
    REQUIRE(queue.remove(queue.image.last_id()) == SLOTQ_OK);
    const uint64_t in_ring = hold_dying(queue);
    REQUIRE(queue.aside_ids() == ids{aside});
    for (int round = 0; round < 3; round++) {
        queue.now_ms += retry_ms;
        REQUIRE(queue.reserve(4, lease_ms) == SLOTQ_EMPTY);
        for (const uint64_t id : {aside, in_ring}) {
            REQUIRE(queue.status(id) == SLOTQ_OK);
            REQUIRE(queue.call.status.status.state == SLOTQ_STATE_WAITING);
            REQUIRE(queue.call.status.status.attempts == 1);
            REQUIRE(queue.call.status.status.deadline_ms == queue.now_ms + retry_ms);
        }
    }
    REQUIRE(queue.plain(SLOTQ_DEAD_PURGE) == SLOTQ_OK);
    queue.now_ms += retry_ms;
    REQUIRE(queue.reserve(4, lease_ms) == SLOTQ_EMPTY); /* the first one dies, the other waits on */
    REQUIRE(queue.stats().dead == 1);
    REQUIRE(queue.image.aside_count() == 0);
    REQUIRE(queue.stats().waiting == 1);
}

TEST_CASE("dead full: not for a retry that is delayed, and not where the dead section overwrites")
{
    Queue retry(shape(5, 0, 1, 0, 2, 1));
    REQUIRE(retry.push(4, "abc") == SLOTQ_OK);
    REQUIRE(retry.reserve(2, lease_ms) == SLOTQ_OK);
    const uint32_t token = retry.runs[0].token;
    REQUIRE(retry.settle(SLOTQ_KILL, 2, token) == SLOTQ_OK);
    REQUIRE(retry.settle(SLOTQ_NACK, 1, token, 5000) == SLOTQ_OK); /* one attempt is left */
    REQUIRE(retry.push(1) == SLOTQ_FULL);
    REQUIRE(retry.call.push.holder.state == SLOTQ_STATE_WAITING);
    REQUIRE_FALSE(retry.call.push.holder.dead_full);

    Queue drops(shape(5, 0, 1, SLOTQ_FLAG_DEAD_OVERWRITE, 1, 1));
    REQUIRE(drops.push(4, "abc") == SLOTQ_OK);
    REQUIRE(drops.reserve(4, lease_ms) == SLOTQ_OK);
    drops.now_ms += lease_ms;
    REQUIRE(drops.reclaim() == SLOTQ_OK);
    REQUIRE(drops.call.reclaim.dead_count == 4);
    REQUIRE(drops.stats().dead == 1);
    REQUIRE(drops.stats().dead_dropped == 3);
    REQUIRE(drops.push(4) == SLOTQ_OK);
}

TEST_CASE("dead full: the other group finishes what waits aside for its death")
{
    Queue queue = full_queue(1, 5, 2);
    const uint64_t id = hold_dying(queue);
    REQUIRE(queue.reserve(4, lease_ms, 1) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_ACK, queue.runs, 0, 1) == SLOTQ_OK);
    REQUIRE(queue.push(1) == SLOTQ_OK);
    REQUIRE(queue.aside_ids() == ids{id});
    REQUIRE(queue.word(id, 1) == 3);
    REQUIRE(queue.redrive(1) == SLOTQ_OK); /* the cure of message 1: it is ready again */
    queue.now_ms += retry_ms;
    REQUIRE(queue.reclaim() == SLOTQ_OK);
    REQUIRE(queue.call.reclaim.dead_count == 1);
    REQUIRE(queue.image.aside_count() == 0);
    REQUIRE(queue.look(SLOTQ_DEAD_LIST) == SLOTQ_OK);
    REQUIRE(queue.items[0].id == id);
    REQUIRE(queue.payload(queue.items[0].slot_offset) == "abc");
}
