/* test_aside_rest.cpp: remove, redrive, purge and looking where messages lie aside.
 */
#include "aside.hpp"

using namespace aside;

/* ---- the other verbs ---- */

TEST_CASE("aside: remove finishes there, in one group or in all")
{
    Queue queue(shape(8, 4, 3));
    const uint32_t token = put_aside(queue, 3);
    REQUIRE_REFUSED(queue, remove(2), SLOTQ_LEASED);
    REQUIRE_REFUSED(queue, remove(2, 1), SLOTQ_LEASED);
    REQUIRE(queue.settle(SLOTQ_NACK, 2, token, 0, 1) == SLOTQ_OK);
    REQUIRE(queue.remove(2, 1) == SLOTQ_OK);
    REQUIRE(queue.word(2, 1) == 0x203);
    REQUIRE(queue.stats(1).ready == 1);
    REQUIRE(queue.group(field::group_retry_from, 1) == queue.group(field::group_cursor, 1));
    REQUIRE_REFUSED(queue, remove(2, 1), SLOTQ_GONE);
    REQUIRE_REFUSED(queue, remove(2), SLOTQ_LEASED); /* in group 0 */
    REQUIRE(queue.settle(SLOTQ_ACK, 2, token, 0, 0) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, remove(2), SLOTQ_LEASED); /* in group 2 */
    REQUIRE(queue.settle(SLOTQ_NACK, 2, token, 5000, 2) == SLOTQ_OK);
    REQUIRE(queue.remove(2) == SLOTQ_OK); /* the last to have it */
    REQUIRE(queue.image.steps() == 1);
    REQUIRE(queue.aside_ids() == ids{1, 3});
    REQUIRE(queue.stats(2).waiting == 0);
    REQUIRE_REFUSED(queue, remove(2), SLOTQ_GONE);
    for (const uint32_t group : {0u, 1u, 2u}) {
        REQUIRE(queue.settle(SLOTQ_RELEASE, 1, token, 0, group) == SLOTQ_OK);
    }
    REQUIRE(queue.remove(1) == SLOTQ_OK); /* all three at once */
    REQUIRE(queue.aside_ids() == ids{3});
    REQUIRE_REFUSED(queue, remove(1), SLOTQ_GONE);
}

TEST_CASE("aside: redrive makes room as push does")
{
    for (const uint32_t aside : {0u, 2u}) {
        Queue queue(shape(8, aside, 2, SLOTQ_FLAG_KEYS, 0, 4));
        REQUIRE(queue.push(2, "d") == SLOTQ_OK);
        for (const uint32_t group : {0u, 1u}) {
            REQUIRE(queue.reserve(2, 1000, group) == SLOTQ_OK);
            REQUIRE(queue.settle(group == 0 ? SLOTQ_KILL : SLOTQ_ACK, queue.runs, 0, group) ==
                    SLOTQ_OK);
        }
        hold(queue, 1);
        if (aside == 0) {
            REQUIRE_REFUSED(queue, redrive(2), SLOTQ_FULL);
            continue;
        }
        REQUIRE(queue.redrive(2) == SLOTQ_OK);
        REQUIRE(queue.call.dead.count == 2);
        REQUIRE(queue.aside_ids() == ids{3});
        REQUIRE(queue.stats().used == 2);
        REQUIRE(queue.reserve(2, 1000, 0) == SLOTQ_OK);
        REQUIRE(queue.payload(queue.image.slot_offset_of(queue.runs[0].id)) == "d");
        REQUIRE(queue.reserve(2, 1000, 1) == SLOTQ_EMPTY);
    }
}

TEST_CASE("aside: purge empties it")
{
    Queue queue(shape(8, 4, 2, 0, 0, 2));
    const uint32_t token = put_aside(queue, 3);
    REQUIRE(queue.plain(SLOTQ_PURGE) == SLOTQ_OK);
    REQUIRE(queue.image.steps() == 1);
    REQUIRE(queue.image.aside_count() == 0);
    for (const uint32_t group : {0u, 1u}) {
        REQUIRE(queue.stats(group).unfinished == 0);
        REQUIRE(queue.group(field::group_due, group) == support::u48_none);
    }
    REQUIRE_REFUSED(queue, settle(SLOTQ_ACK, 1, token), SLOTQ_GONE);
    REQUIRE_REFUSED(queue, status(2), SLOTQ_FINISHED);
    put_aside(queue, 2); /* its places are free again */
    REQUIRE(queue.aside_slots() == numbers{0, 1});
}

TEST_CASE("aside: an empty ring is purged of what lies aside")
{
    Queue queue(shape(8, 4));
    put_aside(queue, 2);
    REQUIRE(queue.remove(queue.image.last_id()) == SLOTQ_OK);
    REQUIRE(queue.stats().used == 0);
    REQUIRE(queue.stats().unfinished == 2);
    REQUIRE(queue.stats().oldest_ms == 0);
    REQUIRE(queue.plain(SLOTQ_PURGE) == SLOTQ_OK);
    REQUIRE(queue.stats().unfinished == 0);
}

TEST_CASE("aside: positions count what is READY there")
{
    Queue queue(shape(12, 6));
    const uint32_t token = put_aside(queue, 4);
    REQUIRE(queue.push(4) == SLOTQ_OK);
    const uint64_t first = queue.image.last_id() - 4;
    const auto position = [&](uint64_t id) {
        REQUIRE_REFUSED(queue, status(id), SLOTQ_OK);
        return queue.call.status.status.position;
    };
    REQUIRE(queue.settle(SLOTQ_NACK, {{2, token, 1}, {4, token, 1}}) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_NACK, {{3, token, 1}}, 900) == SLOTQ_OK);
    REQUIRE(position(1) == 0); /* leased */
    REQUIRE(position(2) == 0);
    REQUIRE(position(3) == 1); /* waiting */
    REQUIRE(position(4) == 1);
    REQUIRE(position(first) == 2);
    REQUIRE(position(first + 4) == 6);
    REQUIRE(queue.image.geometry().aside_slots == 6);
    REQUIRE(queue.settle(SLOTQ_RELEASE, {{1, token, 1}}) == SLOTQ_OK);
    REQUIRE(position(4) == 2);
    queue.now_ms += 100;
    REQUIRE(queue.reserve(5, long_ms) == SLOTQ_OK); /* 1, 2, 4 and the ring's first two */
    const uint32_t ring = queue.runs[3].token;
    REQUIRE(queue.settle(SLOTQ_NACK, {{first, ring, 2}, {2, queue.runs[1].token, 1}}) == SLOTQ_OK);
    REQUIRE(position(first) == 1);
    REQUIRE(position(first + 1) == 2);
    REQUIRE(position(first + 2) == 3);
}

TEST_CASE("aside: peek shows them first, from an id on")
{
    Queue queue(shape(12, 6));
    const uint32_t token = put_aside(queue, 4);
    const uint64_t last = queue.image.last_id();
    REQUIRE(queue.settle(SLOTQ_ACK, 2, token) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_NACK, 3, token) == SLOTQ_OK);
    const auto seen = [&](uint64_t from, uint32_t capacity) {
        ids found;
        if (queue.look(SLOTQ_PEEK, from, capacity) == SLOTQ_OK) {
            for (const slotq_item &item : queue.items) {
                REQUIRE(item.slot_offset == queue.image.slot_offset_of(item.id));
                REQUIRE(item.word == (item.id == last ? 0 : queue.word(item.id)));
                found.push_back(item.id);
            }
        }
        return found;
    };
    REQUIRE(seen(0, 9) == ids{1, 3, 4, last});
    REQUIRE(queue.items[1].state == SLOTQ_STATE_READY);
    REQUIRE(seen(1, 2) == ids{1, 3});
    REQUIRE(seen(2, 9) == ids{3, 4, last});
    REQUIRE(seen(4, 9) == ids{4, last});
    REQUIRE(seen(5, 9) == ids{last});
    REQUIRE(seen(last + 1, 9).empty());
    REQUIRE(queue.remove(last) == SLOTQ_OK);
    REQUIRE(seen(4, 9) == ids{4}); /* an empty ring */
    REQUIRE(seen(5, 9).empty());
}
