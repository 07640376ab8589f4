/* simulation.hpp: the clients of a simulation and their next steps: the events, and what each
 * client remembers. Its parts are in simulation.cpp (events, calls, troubles), producers.cpp and
 * consumers.cpp.
 */
#ifndef TESTS_SHARDS_SIMULATION_HPP
#define TESTS_SHARDS_SIMULATION_HPP

#include <queue>
#include <random>

#include "bell.hpp"
#include "clients.hpp"

namespace shards
{

constexpr uint32_t bell_shard = 0;
constexpr Us lease = 10 * second, near_due = 12 * second;

enum class Does {
    looks,
    works,
    registers,
    rounds,
    releases,
    leaves,
    hints,
    hands_over,
    sleeps,
    dead
};

struct Request { /* a nudge, or with need 0 a hush */
    uint32_t what, need, counter;
    bool hush; /* follows if no client is told */
};

struct Consumer {
    Does does = Does::registers;
    uint32_t version = 0; /* of the event that is meant for it */
    Batch batch;
    std::vector<Batch> surplus;
    std::vector<uint32_t> told, hints;
    std::vector<Request> owes;
    std::vector<uint32_t> seen; /* moves of each shard */
    uint32_t at = 0, succession = 0, probes = 0;
    uint32_t round_node = 0, nodes_left = 0;
    uint32_t others = 0; /* when it registered last */
    Us last_round = 0, due = never;
    uint32_t due_at = 0;
    bool believes = false, must = false;
    uint64_t got = 0;
};

struct Producer {
    std::vector<Request> owes;
    std::vector<double> fill; /* of each shard, in the replies to its own pushes */
    std::vector<uint32_t> seen;
    uint64_t left = 0;
    uint32_t refused = 0, next = 0;
    Us last_push = 0;
    bool bell_had_sleepers = true;
};

struct Event {
    Us at;
    uint64_t order;
    uint32_t client, version;
    bool operator>(const Event &other) const
    {
        return at != other.at ? at > other.at : order > other.order;
    }
};

class Simulation
{
public:
    explicit Simulation(const Plan &plan);
    Report run();

private:
    uint32_t trouble_client() const
    {
        return plan_.producers + plan_.consumers;
    }
    uint64_t draw(uint64_t below)
    {
        return random_() % below;
    }
    bool is_pushing() const;
    void later(uint32_t client, Us delay, uint32_t version = 0);
    void wake(uint32_t consumer, Us delay);
    void step(const Event &event);
    Us call(uint32_t shard, std::vector<uint32_t> &seen, uint64_t messages = 0);
    bool is_down(uint32_t shard) const;
    bool is_cut_off(uint32_t client, uint32_t shard, bool &done);
    bool tell(uint32_t place, uint32_t what);
    Us pay(std::vector<Request> &owes, std::vector<uint32_t> &seen);

    void sample();
    void trouble();
    void move();
    void fail_over();
    void cut();
    void die();
    void lose_subscriptions();
    Report report();

    uint32_t choose(Producer &self);
    void produce(uint32_t i);
    void is_pushed(Producer &self, uint32_t at, uint32_t count);
    void is_full(uint32_t i, uint32_t at);

    void consume(uint32_t i);
    bool take(Consumer &self, uint32_t at, uint32_t limit);
    void starts(uint32_t i, Us delay);
    void hands_over(uint32_t i);
    void acks(uint32_t i);
    void looks(uint32_t i);
    void lose_reply(Consumer &self, uint32_t at, bool done, uint32_t limit);
    void registers(uint32_t i);
    void is_registered(uint32_t i, Us replied);
    void rounds(uint32_t i);
    void ends_round(uint32_t i, Us replied);
    void releases(uint32_t i);
    void leaves(uint32_t i);
    void looks_where_told(uint32_t i);
    void falls_asleep(uint32_t i, Us delay);
    void wakes(uint32_t i);

    const Plan plan_;
    World world_;
    Bell bell_;
    std::mt19937_64 random_;
    std::vector<Producer> producers_;
    std::vector<Consumer> consumers_;
    std::priority_queue<Event, std::vector<Event>, std::greater<Event>> events_;
    Us now_ = 0;
    uint64_t order_ = 0;
    Us cut_until_ = 0;
    uint32_t cut_node_ = 0, cut_clients_ = 0;
    double level_ = 0;
    uint64_t samples_ = 0;
    Report report_;
};

} // namespace shards
#endif
