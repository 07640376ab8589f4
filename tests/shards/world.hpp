/* world.hpp: nodes and shards as a simulation sees them: messages are numbers, calls are atomic and
 * take time at a node, a failover goes back by the replica's lag. Keeps a ledger of each message.
 * Must not know clients, nor when they call.
 */
#ifndef TESTS_SHARDS_WORLD_HPP
#define TESTS_SHARDS_WORLD_HPP

#include <cstdint>
#include <vector>

namespace shards
{

using Us = uint64_t; /* microseconds since the simulation began */
constexpr Us second = 1000000, millisecond = 1000, never = UINT64_MAX;

/* What became of each message. */
class Ledger
{
public:
    explicit Ledger(uint64_t messages) : facts_(messages)
    {
    }
    void pushed(uint32_t number)
    {
        facts_[number] |= PUSHED;
    }
    void acked(uint32_t number)
    {
        facts_[number] = static_cast<uint8_t>(facts_[number] + ((facts_[number] & 3) < 3));
    }
    /* A failover took its push, or its ack, along. */
    void may_be_lost(uint32_t number)
    {
        facts_[number] |= LOST;
    }
    void may_be_doubled(uint32_t number)
    {
        facts_[number] |= DOUBLED;
    }
    struct Sum {
        uint64_t acked = 0, lost = 0, doubled = 0; /* these two by a failover */
        uint64_t lost_for_nothing = 0, doubled_for_nothing = 0;
    };
    Sum sum() const;

private:
    enum : uint8_t { PUSHED = 4, LOST = 8, DOUBLED = 16 };
    std::vector<uint8_t> facts_; /* the low two bits count acks */
};

struct Batch {
    uint32_t shard = 0, token = 0;
    std::vector<uint64_t> indexes;
};

struct Shard {
    struct Slot {
        uint32_t number, pushed_ms, done_ms, token;
    };
    struct Orphan { /* leased by a client that is gone */
        Us due;
        uint64_t index;
        uint32_t token;
    };
    std::vector<Slot> ring;
    std::vector<uint64_t> retries;
    std::vector<Orphan> orphans;
    uint64_t head = 0, cursor = 0, tail = 0;
    uint32_t node = 0, moves = 0, counter = 0;
    bool bit = false;
    uint64_t pushes = 0; /* messages, in all */
};

struct Node {
    Us busy = 0, down_until = 0, worked = 0;
    uint32_t call_us = 20, message_ns = 1000;
};

class World
{
public:
    World(uint32_t shards, uint32_t nodes, uint32_t ring_slots, uint64_t messages);

    /* A call arrives: until when the node works on it, with all that waits there. */
    Us call(uint32_t node, Us now, uint64_t messages = 0, uint32_t calls = 1);

    bool push(uint32_t shard, uint32_t first, uint32_t count, Us now);
    void reserve(uint32_t shard, uint32_t limit, Us now, Batch &batch);
    void ack(Batch &batch, Us now);
    void release(Batch &batch);
    void orphan(const Batch &batch, Us due);
    bool has_more(uint32_t shard, Us now) const;
    Us due_of(uint32_t shard) const;
    double fill(uint32_t shard) const;
    bool is_drained() const;

    void move(uint32_t shard, uint32_t node);
    /* The replica of the node takes over: what came in the last lag is gone. */
    void fail_over(uint32_t node, Us now, Us lag);

    std::vector<Shard> shards;
    std::vector<Node> nodes;
    Ledger ledger;
    uint64_t calls = 0;
    std::vector<uint64_t> waits_ms; /* how many messages waited so long for their first lease */

private:
    Shard::Slot &slot(Shard &shard, uint64_t index) const
    {
        return shard.ring[index % shard.ring.size()];
    }
    void sweep(Shard &shard, Us now);

    uint32_t ring_slots_;
    uint32_t tokens_ = 0;
};

} // namespace shards
#endif
