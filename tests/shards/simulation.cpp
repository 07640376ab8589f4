/* simulation.cpp: see simulation.hpp: events, the cost of calls, troubles, the report. */
#include "simulation.hpp"

#include <algorithm>
#include <sstream>

namespace shards
{

Simulation::Simulation(const Plan &plan)
    : plan_(plan), world_(plan.shards, plan.nodes, plan.ring_slots, plan.messages),
      bell_(plan.consumers, plan.batch,
            [this](uint32_t place, uint32_t what) { return tell(place, what); }),
      random_(plan.seed), producers_(plan.producers), consumers_(plan.consumers)
{
    for (uint32_t i = 0; i < plan.shards; i++) {
        world_.shards[i].node = i % plan.nodes;
    }
    if (plan.slow_node < plan.nodes) {
        world_.nodes[plan.slow_node].call_us *= 2;
        world_.nodes[plan.slow_node].message_ns *= 2;
    }
    for (uint32_t i = 0; i < plan.producers; i++) {
        producers_[i].left = plan.messages / plan.producers;
        producers_[i].fill.assign(plan.shards, 0);
        producers_[i].seen.assign(plan.shards, 0);
        producers_[i].next = i;
        later(i, draw(second));
    }
    for (uint32_t i = 0; i < plan.consumers; i++) {
        consumers_[i].seen.assign(plan.shards, 0);
        consumers_[i].at = static_cast<uint32_t>(draw(plan.shards));
        wake(i, draw(second));
    }
    if (plan.trouble_every > 0) {
        later(trouble_client(), plan.trouble_every);
    }
}

Report Simulation::run()
{
    constexpr Us patience = 100 * second;
    Us silent_since = 0;
    while (!events_.empty()) {
        const Event event = events_.top();
        events_.pop();
        now_ = event.at;
        step(event);
        if (!is_pushing()) {
            silent_since = silent_since == 0 ? now_ : silent_since;
            report_.drained = world_.is_drained();
            if (report_.drained || now_ > silent_since + patience) {
                break;
            }
        }
    }
    return report();
}

bool Simulation::is_pushing() const
{
    return std::any_of(producers_.begin(), producers_.end(),
                       [](const Producer &producer) { return producer.left > 0; });
}

void Simulation::later(uint32_t client, Us delay, uint32_t version)
{
    events_.push({now_ + delay, order_++, client, version});
}

void Simulation::wake(uint32_t consumer, Us delay)
{
    later(plan_.producers + consumer, delay, ++consumers_[consumer].version);
}

void Simulation::step(const Event &event)
{
    if (event.client == trouble_client()) {
        trouble();
    } else if (event.client < plan_.producers) {
        produce(event.client);
    } else if (consumers_[event.client - plan_.producers].version == event.version) {
        consume(event.client - plan_.producers);
    }
}

/* A call at a shard: when its reply is there. MOVED costs a second one. */
Us Simulation::call(uint32_t shard, std::vector<uint32_t> &seen, uint64_t messages)
{
    Us moved = 0;
    if (seen[shard] != world_.shards[shard].moves) {
        seen[shard] = world_.shards[shard].moves;
        moved = plan_.rtt;
        world_.calls++;
    }
    return world_.call(world_.shards[shard].node, now_, messages) - now_ + plan_.rtt + moved;
}

bool Simulation::is_down(uint32_t shard) const
{
    return world_.nodes[world_.shards[shard].node].down_until > now_;
}

/* The reply does not come: true, and whether the call was done is chance. */
bool Simulation::is_cut_off(uint32_t client, uint32_t shard, bool &done)
{
    const bool cut =
        now_ < cut_until_ && client % 4 == cut_clients_ && world_.shards[shard].node == cut_node_;
    done = !cut || draw(2) == 0;
    return cut;
}

bool Simulation::tell(uint32_t place, uint32_t what)
{
    Consumer &self = consumers_[place];
    if (self.does == Does::dead) {
        return false;
    }
    self.told.push_back(what);
    if (self.does == Does::sleeps) {
        wake(place, plan_.rtt / 2);
        report_.wakes++;
    }
    return true;
}

/* One nudge or hush; returns its time. A nudge that no client heard is followed by a hush. */
Us Simulation::pay(std::vector<Request> &owes, std::vector<uint32_t> &seen)
{
    const Request request = owes.back();
    owes.pop_back();
    if (request.need == 0) {
        Shard &shard = world_.shards[request.what];
        shard.bit = shard.bit && shard.counter != request.counter;
        return call(request.what, seen);
    }
    if (is_down(bell_shard)) { /* it is refused: the next round finds the message */
        return plan_.rtt;
    }
    if (bell_.ring(request.need, request.what) == 0 && bell_.count() == 0 && request.hush) {
        owes.push_back({request.what, 0, request.counter, false});
    }
    return call(bell_shard, seen);
}

/* How uneven the shards are filled, the fullest over the mean. */
void Simulation::sample()
{
    double most = 0, sum = 0;
    for (uint32_t i = 0; i < plan_.shards; i++) {
        most = std::max(most, world_.fill(i));
        sum += world_.fill(i);
    }
    if (sum > 0.02 * plan_.shards) { /* else there is nothing to level */
        level_ += most * plan_.shards / sum;
        samples_++;
    }
}

/* ---- troubles ---- */

void Simulation::trouble()
{
    if (!is_pushing()) {
        return;
    }
    switch (draw(plan_.failovers ? 4 : 3)) {
    case 0:
        move();
        break;
    case 1:
        cut();
        break;
    case 2:
        die();
        break;
    default:
        fail_over();
        break;
    }
    later(trouble_client(), plan_.trouble_every / 2 + draw(plan_.trouble_every));
}

void Simulation::move()
{
    const uint32_t shard = static_cast<uint32_t>(draw(plan_.shards));
    world_.move(shard, static_cast<uint32_t>(draw(plan_.nodes)));
    report_.moves++;
    if (shard == bell_shard) {
        lose_subscriptions();
    }
}

/* The connections break, or SUNSUBSCRIBE comes: subscribe, register, make a round. */
void Simulation::lose_subscriptions()
{
    for (uint32_t i = 0; i < plan_.consumers; i++) {
        Consumer &self = consumers_[i];
        if (self.does == Does::sleeps) {
            self.told.clear();
            self.does = Does::registers;
            self.must = true;
            wake(i, plan_.rtt + draw(10 * millisecond));
        } else if (self.does != Does::dead) {
            self.told.push_back(whole_round);
        }
    }
}

void Simulation::fail_over()
{
    const uint32_t node = static_cast<uint32_t>(draw(plan_.nodes));
    world_.fail_over(node, now_, plan_.lag);
    world_.nodes[node].down_until = now_ + 2 * second;
    report_.failovers++;
    if (world_.shards[bell_shard].node == node) {
        bell_.clear_all();
        lose_subscriptions();
    }
}

void Simulation::cut()
{
    cut_until_ = now_ + 2 * second;
    cut_node_ = static_cast<uint32_t>(draw(plan_.nodes));
    cut_clients_ = static_cast<uint32_t>(draw(4));
    report_.partitions++;
}

/* A consumer dies with what it holds; another one comes. */
void Simulation::die()
{
    const uint32_t i = static_cast<uint32_t>(draw(plan_.consumers));
    Consumer &self = consumers_[i];
    world_.orphan(self.batch, now_ + lease);
    for (const Batch &batch : self.surplus) {
        world_.orphan(batch, now_ + lease);
    }
    Consumer successor;
    successor.got = self.got;
    successor.seen = self.seen;
    successor.version = self.version;
    successor.does = Does::dead; /* its place stays set till then, and is heard by no client */
    successor.must = true;
    self = successor;
    wake(i, 3 * second);
    report_.deaths++;
}

/* ---- what is reported ---- */

Report Simulation::report()
{
    report_.sum = world_.ledger.sum();
    report_.ended = now_;
    report_.calls = world_.calls;
    uint64_t sum = 0, seen = 0;
    for (const uint64_t count : world_.waits_ms) {
        sum += count;
    }
    for (uint32_t ms = 0; ms < world_.waits_ms.size(); ms++) {
        const uint64_t count = world_.waits_ms[ms];
        report_.p50_ms = seen * 2 < sum ? ms : report_.p50_ms;
        report_.p99_ms = seen * 100 < sum * 99 ? ms : report_.p99_ms;
        report_.max_ms = count > 0 ? ms : report_.max_ms;
        seen += count;
    }
    uint64_t most = 0, worked = 0, busiest = 0;
    for (const Shard &shard : world_.shards) {
        most = std::max(most, shard.pushes);
    }
    for (const Node &node : world_.nodes) {
        worked += node.worked;
        busiest = std::max(busiest, node.worked);
    }
    report_.fullest = static_cast<double>(most * plan_.shards) /
                      static_cast<double>(std::max<uint64_t>(report_.pushed, 1));
    report_.level = samples_ > 0 ? level_ / static_cast<double>(samples_) : 0;
    report_.busiest = static_cast<double>(busiest * plan_.nodes) / static_cast<double>(worked);
    report_.least = UINT64_MAX;
    for (const Consumer &consumer : consumers_) {
        report_.least = std::min(report_.least, consumer.got);
        report_.most = std::max(report_.most, consumer.got);
    }
    return report_;
}

std::string Report::told() const
{
    std::ostringstream text;
    const double per = 1.0 / static_cast<double>(std::max<uint64_t>(pushes, 1));
    text.precision(3);
    text << pushed << " messages in " << pushes << " pushes, " << ended / second
         << " s: " << static_cast<double>(calls) * per << " calls and "
         << static_cast<double>(wakes) * per << " wake-ups a push, " << rounds << " rounds, wait "
         << p50_ms << " ms (99 %: " << p99_ms << ", all: " << max_ms << "), fullest shard "
         << fullest << " by messages, " << level << " by fill, busiest node " << busiest
         << ", a consumer " << least << " to " << most << "; " << moves << " moves, " << failovers
         << " failovers, " << partitions << " partitions, " << deaths << " deaths, " << unknown
         << " unknown, " << sum.lost << " lost and " << sum.doubled << " doubled by failovers";
    return text.str();
}

Report simulate(const Plan &plan)
{
    return Simulation(plan).run();
}

} // namespace shards
