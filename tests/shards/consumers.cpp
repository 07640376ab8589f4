/* consumers.cpp: what a consumer of a simulation does next: SHARDS.md, Reserve and The bell. Each
 * function is the arrival of one call, or of the looks of a round at one node.
 */
#include "simulation.hpp"

#include <algorithm>

namespace shards
{

namespace
{

enum { PROBES = 3, IN_SUCCESSION = 4 };
constexpr Us poll = 4 * second, poll_more = 2 * second, away = 200 * millisecond;

} // namespace

void Simulation::consume(uint32_t i)
{
    switch (consumers_[i].does) {
    case Does::looks:
        looks(i);
        break;
    case Does::works:
        acks(i);
        break;
    case Does::registers:
        registers(i);
        break;
    case Does::rounds:
        rounds(i);
        break;
    case Does::releases:
        releases(i);
        break;
    case Does::leaves:
        leaves(i);
        break;
    case Does::hints:
        looks_where_told(i);
        break;
    case Does::hands_over:
        hands_over(i);
        break;
    case Does::sleeps:
        wakes(i);
        break;
    case Does::dead: /* its successor comes */
        consumers_[i].does = Does::registers;
        wake(i, 0);
        break;
    }
}

/* A reserve. It sees the due time, or says what it leaves. */
bool Simulation::take(Consumer &self, uint32_t at, uint32_t limit)
{
    world_.reserve(at, limit, now_, self.batch);
    const Us due = world_.due_of(at);
    if (self.batch.indexes.empty()) {
        self.due_at = due < self.due ? at : self.due_at;
        self.due = std::min(self.due, due);
        return false;
    }
    self.got += self.batch.indexes.size();
    const bool more = world_.has_more(at, now_) || (due != never && due < now_ + near_due);
    if (more && at == bell_shard) {
        bell_.ring(1, bell_shard);
    } else if (more && world_.shards[at].bit) {
        self.owes.push_back({at, 1, 0, false});
    }
    return true;
}

/* It has messages. What it was told of, and the due time that it knows, are handed over. */
void Simulation::starts(uint32_t i, Us delay)
{
    Consumer &self = consumers_[i];
    for (const uint32_t what : self.hints) {
        self.owes.push_back({what, 1, 0, false});
    }
    if (self.due != never && self.due < now_ + near_due) {
        self.owes.push_back({self.due_at, 1, 0, false});
    }
    self.hints.clear();
    self.due = never;
    self.must = self.believes = false;
    self.at = self.batch.shard;
    self.does = self.owes.empty() ? Does::works : Does::hands_over;
    wake(i, delay + (self.owes.empty() ? plan_.work * self.batch.indexes.size() : 0));
}

void Simulation::hands_over(uint32_t i)
{
    Consumer &self = consumers_[i];
    const Us paid = pay(self.owes, self.seen);
    self.does = self.owes.empty() ? Does::works : Does::hands_over;
    wake(i, paid + (self.owes.empty() ? plan_.work * self.batch.indexes.size() : 0));
}

void Simulation::acks(uint32_t i)
{
    Consumer &self = consumers_[i];
    const uint32_t at = self.batch.shard;
    bool done = true;
    if (is_down(at) || is_cut_off(plan_.producers + i, at, done)) { /* again, with its token */
        Batch batch = self.batch;
        if (!is_down(at) && done) {
            world_.ack(batch, now_);
        }
        wake(i, away);
        return;
    }
    const size_t count = self.batch.indexes.size();
    world_.ack(self.batch, now_);
    const bool full = count >= plan_.batch;
    self.succession = full ? self.succession + 1 : 0;
    self.probes = PROBES;
    if (!full || self.succession >= IN_SUCCESSION) {
        self.at = (self.at + 1) % plan_.shards;
        self.succession = 0;
    }
    self.does = self.others > 0 ? Does::registers : Does::looks;
    wake(i, call(at, self.seen, count));
}

/* The reply to a reserve does not come: what it leased comes back with its lease. */
void Simulation::lose_reply(Consumer &self, uint32_t at, bool done, uint32_t limit)
{
    if (!is_down(at) && done) {
        world_.reserve(at, limit, now_, self.batch);
        world_.orphan(self.batch, now_ + lease);
    }
    self.batch.indexes.clear();
}

void Simulation::looks(uint32_t i)
{
    Consumer &self = consumers_[i];
    const uint32_t at = self.at;
    bool done = true;
    if (is_down(at) || is_cut_off(plan_.producers + i, at, done)) {
        lose_reply(self, at, done, plan_.batch);
        self.at = (at + 1) % plan_.shards;
        self.does = Does::registers;
        wake(i, away);
    } else if (take(self, at, plan_.batch)) {
        starts(i, call(at, self.seen, self.batch.indexes.size()));
    } else {
        self.at = (at + 1) % plan_.shards;
        self.does = --self.probes > 0 ? Does::looks : Does::registers;
        wake(i, call(at, self.seen));
    }
}

void Simulation::registers(uint32_t i)
{
    Consumer &self = consumers_[i];
    bool done = true;
    if (is_down(bell_shard) || is_cut_off(plan_.producers + i, bell_shard, done)) {
        lose_reply(self, bell_shard, done, plan_.batch);
        self.must = true;
        wake(i, away);
    } else if (take(self, bell_shard, plan_.batch)) {
        bell_.clear(i);
        if (self.believes) { /* it may have been rung meanwhile */
            self.hints.push_back(whole_round);
        }
        starts(i, call(bell_shard, self.seen, self.batch.indexes.size()));
    } else {
        is_registered(i, call(bell_shard, self.seen));
    }
}

void Simulation::is_registered(uint32_t i, Us replied)
{
    Consumer &self = consumers_[i];
    const Bell::Answer answer = bell_.set(i);
    if (self.believes) { /* what lies on its socket is older than its place */
        self.hints.insert(self.hints.end(), self.told.begin(), self.told.end());
        self.must = self.must || (!answer.kept && self.told.empty());
    }
    self.told.clear();
    self.believes = true;
    self.others = answer.others;
    for (const uint32_t what : self.hints) {
        self.must = self.must || what == whole_round;
    }
    const Us age = std::min<Us>(3 * second * (1 + answer.before), 60 * second);
    const bool due = self.must || answer.others == 0 || now_ - self.last_round >= age;
    if (due && !plan_.without_rounds) {
        self.hints.clear();
        self.must = false;
        self.last_round = now_;
        self.does = Does::rounds;
        self.nodes_left = plan_.nodes;
        self.round_node = static_cast<uint32_t>(draw(plan_.nodes));
        report_.rounds++;
        wake(i, replied);
    } else if (!self.hints.empty()) {
        self.does = Does::hints;
        wake(i, replied);
    } else {
        falls_asleep(i, replied);
    }
}

/* The looks at the shards of one node, in one trip. */
void Simulation::rounds(uint32_t i)
{
    Consumer &self = consumers_[i];
    const uint32_t node = self.round_node;
    self.round_node = (node + 1) % plan_.nodes;
    self.nodes_left--;
    Us replied = plan_.rtt;
    Batch first;
    for (uint32_t at = 1; at < plan_.shards; at++) {
        Shard &shard = world_.shards[at];
        if (shard.node != node || is_down(at)) {
            continue;
        }
        shard.bit = true;
        shard.counter++;
        replied = std::max(replied, call(at, self.seen, 1));
        if (take(self, at, 1)) {
            if (first.indexes.empty()) {
                first = self.batch;
            } else {
                self.surplus.push_back(self.batch);
            }
        }
    }
    self.batch = first;
    if (!first.indexes.empty() && self.nodes_left > 0) { /* it breaks the round off */
        self.hints.push_back(whole_round);
    }
    ends_round(i, replied);
}

void Simulation::ends_round(uint32_t i, Us replied)
{
    Consumer &self = consumers_[i];
    if (!self.surplus.empty()) {
        self.does = Does::releases;
    } else if (!self.batch.indexes.empty()) {
        self.does = Does::leaves;
    } else if (self.nodes_left == 0) {
        falls_asleep(i, replied);
        return;
    }
    wake(i, replied);
}

void Simulation::releases(uint32_t i)
{
    Consumer &self = consumers_[i];
    Batch batch = self.surplus.back();
    self.surplus.pop_back();
    self.got -= batch.indexes.size();
    if (is_down(batch.shard)) {
        world_.orphan(batch, now_ + lease);
        ends_round(i, plan_.rtt);
        return;
    }
    world_.release(batch);
    if (world_.shards[batch.shard].bit) {
        self.owes.push_back({batch.shard, 1, 0, false});
    }
    ends_round(i, call(batch.shard, self.seen, 1));
}

/* unwait */
void Simulation::leaves(uint32_t i)
{
    Consumer &self = consumers_[i];
    if (!is_down(bell_shard) && !bell_.clear(i) && self.believes) {
        self.hints.push_back(whole_round);
    }
    starts(i, is_down(bell_shard) ? plan_.rtt : call(bell_shard, self.seen));
}

void Simulation::looks_where_told(uint32_t i)
{
    Consumer &self = consumers_[i];
    const uint32_t at = self.hints.back();
    self.hints.pop_back();
    bool done = true;
    self.does = self.hints.empty() ? Does::registers : Does::hints;
    if (at == whole_round || at == bell_shard) {
        self.must = self.must || at == whole_round;
        self.does = Does::registers;
        wake(i, 0);
    } else if (is_down(at) || is_cut_off(plan_.producers + i, at, done)) {
        lose_reply(self, at, done, plan_.batch);
        self.must = true;
        wake(i, away);
    } else if (take(self, at, plan_.batch)) {
        const Us replied = call(at, self.seen, self.batch.indexes.size());
        if (self.believes) {
            self.does = Does::leaves;
            wake(i, replied);
        } else {
            starts(i, replied);
        }
    } else {
        report_.vain++;
        wake(i, call(at, self.seen));
    }
}

void Simulation::falls_asleep(uint32_t i, Us delay)
{
    Consumer &self = consumers_[i];
    self.does = Does::sleeps;
    const Us due = self.due == never ? never : std::max(self.due, now_) - now_;
    wake(i, self.told.empty() ? std::min(poll + draw(poll_more), due) + delay : delay);
}

void Simulation::wakes(uint32_t i)
{
    Consumer &self = consumers_[i];
    if (!self.told.empty()) {
        self.hints.insert(self.hints.end(), self.told.begin(), self.told.end());
        self.told.clear();
        self.believes = false;
    } else {
        report_.polls++;
    }
    if (self.due <= now_) {
        self.hints.push_back(self.due_at);
        self.due = never;
    }
    std::sort(self.hints.begin(), self.hints.end());
    self.hints.erase(std::unique(self.hints.begin(), self.hints.end()), self.hints.end());
    std::reverse(self.hints.begin(), self.hints.end());
    self.does = self.hints.empty() ? Does::registers : Does::hints;
    consume(i);
}

} // namespace shards
