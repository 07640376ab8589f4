/* world.cpp: see world.hpp. */
#include "world.hpp"

#include <algorithm>

namespace shards
{

namespace
{

/* Slots behind the head are kept, for a failover to go back to. */
enum { KEPT = 4, WAITS_MS = 100000 };

uint32_t in_ms(Us now)
{
    return static_cast<uint32_t>(now / millisecond) + 1;
}

} // namespace

Ledger::Sum Ledger::sum() const
{
    Sum sum;
    for (const uint8_t facts : facts_) {
        const uint32_t acks = facts & 3;
        const bool lost = acks == 0 && (facts & PUSHED) != 0;
        sum.acked += acks > 0;
        sum.lost += lost && (facts & LOST) != 0;
        sum.lost_for_nothing += lost && (facts & LOST) == 0;
        sum.doubled += acks > 1 && (facts & DOUBLED) != 0;
        sum.doubled_for_nothing += acks > 1 && (facts & DOUBLED) == 0;
    }
    return sum;
}

World::World(uint32_t shard_count, uint32_t node_count, uint32_t ring_slots, uint64_t messages)
    : shards(shard_count), nodes(node_count), ledger(messages), waits_ms(WAITS_MS),
      ring_slots_(ring_slots)
{
    for (Shard &shard : shards) {
        shard.ring.resize(static_cast<size_t>(ring_slots) * KEPT);
    }
}

Us World::call(uint32_t at, Us now, uint64_t messages, uint32_t count)
{
    Node &node = nodes[at];
    const Us work = node.call_us * count + messages * node.message_ns / 1000;
    node.busy = std::max(node.busy, now) + work;
    node.worked += work;
    calls += count;
    return node.busy;
}

bool World::push(uint32_t at, uint32_t first, uint32_t count, Us now)
{
    Shard &shard = shards[at];
    if (shard.tail - shard.head + count > ring_slots_) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        slot(shard, shard.tail++) = {first + i, in_ms(now), 0, 0};
    }
    shard.pushes += count;
    return true;
}

void World::sweep(Shard &shard, Us now)
{
    for (size_t i = 0; i < shard.orphans.size();) {
        const Shard::Orphan orphan = shard.orphans[i];
        if (orphan.due > now) {
            i++;
            continue;
        }
        if (slot(shard, orphan.index).token == orphan.token) {
            slot(shard, orphan.index).token = 0;
            shard.retries.push_back(orphan.index);
        }
        shard.orphans[i] = shard.orphans.back();
        shard.orphans.pop_back();
    }
}

void World::reserve(uint32_t at, uint32_t limit, Us now, Batch &batch)
{
    Shard &shard = shards[at];
    sweep(shard, now);
    batch.shard = at;
    batch.token = ++tokens_;
    batch.indexes.clear();
    while (batch.indexes.size() < limit && !shard.retries.empty()) {
        batch.indexes.push_back(shard.retries.back());
        shard.retries.pop_back();
    }
    while (batch.indexes.size() < limit && shard.cursor < shard.tail) {
        const uint64_t index = shard.cursor++;
        const uint32_t waited = in_ms(now) - slot(shard, index).pushed_ms;
        waits_ms[std::min<uint32_t>(waited, WAITS_MS - 1)]++;
        batch.indexes.push_back(index);
    }
    for (const uint64_t index : batch.indexes) {
        slot(shard, index).token = batch.token;
    }
}

void World::ack(Batch &batch, Us now)
{
    Shard &shard = shards[batch.shard];
    for (const uint64_t index : batch.indexes) {
        Shard::Slot &done = slot(shard, index);
        if (done.token == batch.token && done.done_ms == 0) { /* else STALE */
            done.done_ms = in_ms(now);
            ledger.acked(done.number);
        }
    }
    while (shard.head < shard.cursor && slot(shard, shard.head).done_ms != 0) {
        shard.head++;
    }
    batch.indexes.clear();
}

void World::release(Batch &batch)
{
    Shard &shard = shards[batch.shard];
    for (const uint64_t index : batch.indexes) {
        if (slot(shard, index).token == batch.token) {
            slot(shard, index).token = 0;
            shard.retries.push_back(index);
        }
    }
    batch.indexes.clear();
}

void World::orphan(const Batch &batch, Us due)
{
    for (const uint64_t index : batch.indexes) {
        shards[batch.shard].orphans.push_back({due, index, batch.token});
    }
}

bool World::has_more(uint32_t at, Us now) const
{
    const Shard &shard = shards[at];
    return shard.cursor < shard.tail || !shard.retries.empty() || due_of(at) <= now;
}

Us World::due_of(uint32_t at) const
{
    Us due = never;
    for (const Shard::Orphan &orphan : shards[at].orphans) {
        due = std::min(due, orphan.due);
    }
    return due;
}

double World::fill(uint32_t at) const
{
    return static_cast<double>(shards[at].tail - shards[at].head) / ring_slots_;
}

bool World::is_drained() const
{
    return std::all_of(shards.begin(), shards.end(),
                       [](const Shard &shard) { return shard.head == shard.tail; });
}

void World::move(uint32_t at, uint32_t node)
{
    shards[at].node = node;
    shards[at].moves++;
}

void World::fail_over(uint32_t node, Us now, Us lag)
{
    const uint32_t since = in_ms(now > lag ? now - lag : 0);
    for (Shard &shard : shards) {
        if (shard.node != node) {
            continue;
        }
        while (shard.tail > 0 && shard.tail + ring_slots_ > shard.cursor &&
               slot(shard, shard.tail - 1).pushed_ms > since) {
            ledger.may_be_lost(slot(shard, --shard.tail).number);
        }
        const uint64_t back = ring_slots_ * uint64_t{KEPT - 2};
        const uint64_t from = shard.head > back ? shard.head - back : 0;
        shard.head = shard.cursor = shard.tail;
        shard.retries.clear();
        shard.orphans.clear();
        for (uint64_t index = from; index < shard.tail; index++) {
            Shard::Slot &message = slot(shard, index);
            message.token = 0; /* leases too are gone, and those that hold them will be STALE */
            if (message.done_ms == 0 || message.done_ms > since) {
                if (message.done_ms != 0) {
                    ledger.may_be_doubled(message.number);
                }
                message.done_ms = 0;
                shard.head = std::min(shard.head, index);
                shard.retries.push_back(index);
            }
        }
        shard.bit = false; /* as if no round had been replicated */
        shard.counter++;
    }
}

} // namespace shards
