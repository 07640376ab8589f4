/* test_simulation.cpp: a sharded queue under load, idle, and in trouble, in simulated time: every
 * message is accounted for, and the figures of SHARDS.md hold. SLOTQ_SEED gives the course of
 * events, SLOTQ_TORTURE_SECONDS asks for 10^8 messages instead of 10^6.
 */
#include <cstdlib>
#include <iostream>

#include "../support/catch.hpp"
#include "../support/counted.hpp"
#include "clients.hpp"

using shards::millisecond;
using shards::Plan;
using shards::Report;
using shards::second;

namespace
{

uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = std::getenv(name);
    return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

bool is_torture()
{
    return setting("SLOTQ_TORTURE_SECONDS", 0) > 0;
}

Report simulated(const std::string &name, const Plan &plan)
{
    const Report report = shards::simulate(plan);
    std::cout << "shards: " << name << ": " << report.told() << "\n";
    support::counted(report.pushed, "messages");
    return report;
}

/* 100 consumers for 5 or 50 messages a second on 16 shards. */
Plan idle(shards::Us push_every)
{
    Plan plan;
    plan.messages = is_torture() ? 400000 : 8000;
    plan.push_every = push_every;
    plan.seed = setting("SLOTQ_SEED", 1);
    return plan;
}

/* 64 shards on 6 nodes, 32 producers and 64 consumers. */
Plan loaded(shards::Us push_every)
{
    Plan plan;
    plan.shards = 64;
    plan.nodes = 6;
    plan.producers = 32;
    plan.consumers = 64;
    plan.batch = 32;
    plan.work = 50;
    plan.push_every = push_every;
    plan.messages = is_torture() ? 32000000 : 640000;
    plan.seed = setting("SLOTQ_SEED", 1);
    return plan;
}

Plan in_trouble(Plan plan, bool failovers)
{
    plan.trouble_every = 500 * millisecond;
    plan.failovers = failovers;
    return plan;
}

void all_is_accounted_for(const Report &report)
{
    CAPTURE(report.told());
    CHECK(report.drained);
    CHECK(report.sum.lost_for_nothing == 0);
    CHECK(report.sum.doubled_for_nothing == 0);
    CHECK(report.sum.acked + report.sum.lost + report.unknown >= report.pushed);
}

} // namespace

TEST_CASE("simulation: 100 idle consumers at 16 shards cost few calls a push", "[torture]")
{
    for (const bool prefers : {false, true}) {
        Plan plan = idle(40 * millisecond);
        plan.prefers_bell = prefers;
        const Report report =
            simulated(prefers ? "idle, pushes prefer the bell" : "idle, 200 a second", plan);
        all_is_accounted_for(report);
        CHECK(report.calls < 6 * report.pushes);
        CHECK(report.wakes * 2 < report.pushes * 3);
        CHECK(report.max_ms < 1000);
        CHECK(report.most * 100 < 3 * report.pushed);
    }
    const Report slow = simulated("idle, 20 a second", idle(400 * millisecond));
    all_is_accounted_for(slow);
    CHECK(slow.calls <= 8 * slow.pushes); /* polls and rounds are a good part of them */
    CHECK(slow.max_ms < 1000);
}

TEST_CASE("simulation: troubles delay an idle queue's messages by no more than rounds", "[torture]")
{
    for (const bool failovers : {false, true}) {
        const Report report =
            simulated(failovers ? "idle, troubles and failovers" : "idle, troubles",
                      in_trouble(idle(40 * millisecond), failovers));
        all_is_accounted_for(report);
        CHECK(report.max_ms <= 16000); /* 12 s, and a partition or failover of 2 s, twice */
        CHECK((failovers || report.sum.lost + report.sum.doubled == 0));
    }
}

TEST_CASE("simulation: 64 shards under load lose nothing, and double nothing", "[torture]")
{
    for (const shards::Us push_every : {shards::Us{0}, 4 * millisecond, 20 * millisecond}) {
        const std::string name = std::to_string(push_every / millisecond) + " ms a push";
        const Report report = simulated("loaded, " + name, loaded(push_every));
        all_is_accounted_for(report);
        CHECK(report.sum.acked == report.pushed);
        CHECK(report.fullest < 2);
        CHECK(report.least * 10 > report.most);
    }
}

TEST_CASE("simulation: moves, partitions and deaths lose nothing, failovers their lag", "[torture]")
{
    for (const bool failovers : {false, true}) {
        for (const bool keyed : {false, true}) {
            Plan plan = in_trouble(loaded(10 * millisecond), failovers);
            plan.keyed = keyed;
            const Report report = simulated(std::string(keyed ? "keyed" : "unkeyed") +
                                                (failovers ? ", failovers" : ", troubles"),
                                            plan);
            all_is_accounted_for(report);
            CHECK(report.moves + report.partitions + report.deaths > 3);
            CHECK((report.failovers > 0) == failovers);
            CHECK((failovers || report.sum.lost + report.sum.doubled == 0));
        }
    }
}

TEST_CASE("simulation: two choices level full shards better than round robin, one at half speed")
{
    Plan plan;
    plan.nodes = 16;
    plan.consumers = 32;
    plan.batch = 8;
    plan.work = 100;
    plan.messages = 400000;
    plan.slow_node = 3;
    double choices = 0, robin = 0;
    for (plan.seed = 1; plan.seed <= 4; plan.seed++) {
        plan.routing = shards::Routing::two_choices;
        choices += (shards::simulate(plan).level - 1) / 4;
        plan.routing = shards::Routing::round_robin;
        robin += (shards::simulate(plan).level - 1) / 4;
    }
    std::cout << "shards: fullest / mean, two choices " << 1 + choices << ", round robin "
              << 1 + robin << "\n";
    CHECK(choices < 0.1);
    CHECK(choices < robin * 0.7);
}

TEST_CASE("simulation: a message of unknown outcome that is sent elsewhere is found")
{
    Plan plan = in_trouble(loaded(10 * millisecond), false);
    plan.resends_unknown = true;
    CHECK(simulated("resends unknown", plan).sum.doubled_for_nothing > 0);
}

TEST_CASE("simulation: consumers that make no rounds are found")
{
    Plan plan = idle(400 * millisecond);
    plan.messages = 8000;
    plan.without_rounds = true;
    const Report report = simulated("without rounds", plan);
    CHECK((!report.drained || report.max_ms > 1000));
}
