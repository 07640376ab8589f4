/* clients.hpp: producers and consumers of a sharded queue in a simulation, by the rules of
 * SHARDS.md (Routing, Reserve, The bell); moves, failovers, partitions and clients that die. One
 * seed, one course of events. Must not know what is asserted of it.
 */
#ifndef TESTS_SHARDS_CLIENTS_HPP
#define TESTS_SHARDS_CLIENTS_HPP

#include <queue>
#include <random>
#include <string>

#include "world.hpp"

namespace shards
{

enum class Routing { two_choices, round_robin };

struct Plan {
    uint32_t shards = 16, nodes = 3, ring_slots = 1024;
    uint32_t producers = 8, consumers = 100;
    uint64_t messages = 0; /* of all producers together */
    uint32_t batch = 1;    /* of a push and a reserve */
    Us push_every = 0;     /* of each producer; 0 = as fast as it can */
    Us work = 200;         /* of a consumer for a message */
    Us rtt = 200;
    bool keyed = false;
    bool prefers_bell = false; /* rule 33 */
    Routing routing = Routing::two_choices;
    uint32_t slow_node = UINT32_MAX; /* works at half speed */
    Us lag = 100 * millisecond;      /* of replicas */
    Us trouble_every = 0;            /* a move, failover, partition or crash so often; 0 = never */
    bool failovers = false;
    bool resends_unknown = false; /* mistakes, to see that they are found */
    bool without_rounds = false;
    uint64_t seed = 1;
};

struct Report {
    Ledger::Sum sum;
    Us ended = 0;
    uint64_t pushed = 0, pushes = 0, unknown = 0, refused = 0;
    uint64_t calls = 0, wakes = 0, vain = 0, rounds = 0, polls = 0;
    uint64_t moves = 0, failovers = 0, partitions = 0, deaths = 0;
    uint64_t p50_ms = 0, p99_ms = 0, max_ms = 0; /* from push to first lease */
    double fullest = 0;                          /* shard with most messages / mean */
    double level = 0;                            /* fullest shard / mean, over time */
    double busiest = 0;                          /* node that worked longest / mean */
    uint64_t least = 0, most = 0;                /* messages of a consumer */
    bool drained = false;
    std::string told() const;
};

Report simulate(const Plan &plan);

} // namespace shards
#endif
