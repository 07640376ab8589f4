/* producers.cpp: what a producer of a simulation does next: SHARDS.md, Routing. */
#include "simulation.hpp"

#include <algorithm>

namespace shards
{

uint32_t Simulation::choose(Producer &self)
{
    if (plan_.keyed) {
        return static_cast<uint32_t>(draw(plan_.shards));
    }
    if (self.refused > 0 || plan_.routing == Routing::round_robin) {
        return self.next++ % plan_.shards;
    }
    if (plan_.prefers_bell && self.bell_had_sleepers && now_ - self.last_push >= 10 * millisecond) {
        return bell_shard;
    }
    const uint32_t one = static_cast<uint32_t>(draw(plan_.shards));
    const uint32_t two = static_cast<uint32_t>(draw(plan_.shards));
    const bool is_less = self.fill[one] <= self.fill[two];
    self.fill[is_less ? two : one] *= 7.0 / 8; /* it may have emptied */
    return is_less ? one : two;
}

void Simulation::produce(uint32_t i)
{
    Producer &self = producers_[i];
    if (!self.owes.empty()) {
        const Us paid = pay(self.owes, self.seen);
        later(i, self.owes.empty() ? std::max(paid, plan_.push_every) : paid);
        return;
    }
    if (self.left == 0) {
        return;
    }
    const uint32_t at = choose(self);
    const uint32_t count = static_cast<uint32_t>(std::min<uint64_t>(self.left, plan_.batch));
    if (is_down(at)) { /* refused for certain: without keys the next shard may take it */
        self.fill[at] = 1;
        later(i, plan_.rtt + 10 * millisecond);
        return;
    }
    bool done = true;
    const bool cut = is_cut_off(i, at, done);
    const uint32_t first = static_cast<uint32_t>(report_.pushed);
    if (done && !world_.push(at, first, count, now_)) {
        is_full(i, at);
        return;
    }
    report_.pushed += count;
    report_.pushes++;
    if (report_.pushes % 64 == 0) {
        sample();
    }
    self.left -= count;
    self.refused = 0;
    self.last_push = now_;
    self.fill[at] = world_.fill(at);
    if (cut) { /* unknown: it is sent to no other shard */
        report_.unknown += count;
        if (plan_.resends_unknown) {
            world_.push((at + 1) % plan_.shards, first, count, now_);
        }
        later(i, second);
        return;
    }
    for (uint32_t k = 0; k < count; k++) {
        world_.ledger.pushed(first + k);
    }
    const Us replied = call(at, self.seen, count);
    is_pushed(self, at, count);
    later(i, self.owes.empty() ? std::max(replied, plan_.push_every) : replied);
}

void Simulation::is_pushed(Producer &self, uint32_t at, uint32_t count)
{
    if (at == bell_shard) {
        self.bell_had_sleepers = bell_.count() > 0;
        bell_.ring(count, bell_shard);
    } else if (world_.shards[at].bit) {
        self.owes.push_back({at, count, world_.shards[at].counter, true});
    }
}

void Simulation::is_full(uint32_t i, uint32_t at)
{
    Producer &self = producers_[i];
    self.fill[at] = 1;
    report_.refused++;
    const Us replied = call(at, self.seen);
    const bool all = plan_.keyed || ++self.refused > plan_.shards;
    self.refused = all ? 0 : self.refused;
    later(i, all ? 20 * millisecond : replied);
}

} // namespace shards
