/* aside.hpp: queues in which messages step aside, for tests of what lies there.
 */
#ifndef TESTS_ENGINE_CORE_ASIDE_HPP
#define TESTS_ENGINE_CORE_ASIDE_HPP

#include "queue.hpp"

namespace aside
{

using ids = std::vector<uint64_t>;
using numbers = std::vector<uint32_t>;

constexpr uint64_t long_ms = 500000;

inline slotq_geometry shape(uint32_t slots, uint32_t aside, uint32_t groups = 1, uint32_t flags = 0,
                            uint32_t max_attempts = 0, uint32_t dead_slots = 0,
                            uint32_t tick_ms = 100)
{
    slotq_geometry made =
        support::geometry(slots, 3, groups, flags, max_attempts, dead_slots, tick_ms);
    made.aside_slots = static_cast<uint8_t>(aside);
    return made;
}

/* The ring is full, its messages leased; all are acked but the first `held`. The token of all. */
inline uint32_t hold(Queue &queue, uint32_t held, uint64_t lease_ms = long_ms)
{
    const uint32_t all = queue.image.geometry().ring_slots - 1u;
    const uint64_t first = queue.image.last_id() + 1;
    uint32_t token = 0;
    REQUIRE(queue.push(all, "abc") == SLOTQ_OK);
    for (uint32_t group = 0; group < queue.image.geometry().groups; group++) {
        REQUIRE(queue.reserve(all, lease_ms, group) == SLOTQ_OK);
        REQUIRE(queue.runs.size() == 1);
        token = queue.runs[0].token;
        REQUIRE(queue.settle(SLOTQ_ACK, {{first + held, token, all - held}}, 0, group) == SLOTQ_OK);
    }
    return token;
}

/* Ids 1 to count lie aside, leased by every group; one message more is in the ring. Their token.
 */
inline uint32_t put_aside(Queue &queue, uint32_t count, uint64_t lease_ms = long_ms)
{
    const uint32_t token = hold(queue, count, lease_ms);
    const uint64_t last = queue.image.last_id();
    REQUIRE(queue.push(count + 1) == SLOTQ_OK); /* what is behind them is done with */
    REQUIRE(queue.image.aside_count() == count);
    REQUIRE(queue.remove(last + 1) == SLOTQ_OK);
    for (uint32_t i = 1; i < count; i++) {
        REQUIRE(queue.remove(last + 1 + i) == SLOTQ_OK);
    }
    REQUIRE(queue.stats().used == 1);
    return token;
}

/* ack without outcome bytes, as the plain path takes it. */
inline slotq_outcome plain_ack(Queue &queue, uint64_t id, uint32_t token, uint32_t group = 0)
{
    const slotq_run run = {id, token, 1};
    queue.start(SLOTQ_ACK);
    queue.call.settle.runs = &run;
    queue.call.settle.run_count = 1;
    queue.call.settle.group = static_cast<uint8_t>(group);
    return queue.go();
}

} // namespace aside

#endif
