/* test_closure.cpp: all states that tiny queues can reach: every one is sound, also where a verb
 * stops between two of its steps, and none holds a message that could never be finished.
 */
#include <cstdio>
#include <cstdlib>

#include "../../support/counted.hpp"
#include "closure.hpp"

using closure::Trial;

namespace
{

void close(const char *name, const slotq_geometry &geometry, const Trial &trial)
{
    closure::Closure closure(geometry, trial);
    const size_t states = closure.run();
    std::printf("closure, %s%s: %zu states, %llu transitions", name, trial.stops ? ", stops" : "",
                states, static_cast<unsigned long long>(closure.transitions()));
    for (uint32_t aside = 1; aside <= geometry.aside_slots; aside++) {
        std::printf(", %zu with %u aside", closure.states_aside(aside), aside);
        REQUIRE(closure.states_aside(aside) > 0);
    }
    std::printf("\n");
    support::counted(states, "states");
    support::counted(closure.transitions(), "transitions");
    INFO(name);
    INFO(closure.fault());
    REQUIRE(closure.fault().empty());
    REQUIRE(states > 100);
}

void close(const char *name, const slotq_geometry &geometry, bool stops, bool pauses = false,
           uint32_t max_leased = 0)
{
    Trial trial;
    trial.stops = stops;
    trial.pauses = pauses;
    trial.max_leased = max_leased;
    close(name, geometry, trial);
}

/* What takes more than some seconds is for SLOTQ_PROVE. */
bool deep()
{
    return std::getenv("SLOTQ_PROVE") != nullptr;
}

/* Ten minutes and more. */
bool torture()
{
    return std::getenv("SLOTQ_TORTURE_SECONDS") != nullptr;
}

} // namespace

TEST_CASE("closure: 2 slots, 2 groups, 2 attempts, pauses")
{
    close("R 2, G 2, attempts 2, dead 2", support::geometry(2, 1, 2, 0, 2, 2, 100), true, true);
}

TEST_CASE("closure: 3 slots, 2 groups, 2 attempts, dead section", "[deep]")
{
    close("R 3, G 2, attempts 2, dead 1", support::geometry(3, 1, 2, 0, 2, 1, 100), deep());
}

TEST_CASE("closure: 4 slots, 1 group, 2 attempts, dead section", "[long]")
{
    close("R 4, G 1, attempts 2, dead 1", support::geometry(4, 1, 1, 0, 2, 1, 100), true, true);
}

TEST_CASE("closure: 3 slots, 2 groups, holes among the dead")
{
    const uint32_t dead = deep() ? 5 : 4;
    close("R 3, G 1, attempts 1, dead 4", support::geometry(3, 1, 1, 0, 1, dead, 100), true);
    close("R 2, G 2, attempts 1, dead 4, dead overwrite",
          support::geometry(2, 1, 2, SLOTQ_FLAG_DEAD_OVERWRITE, 1, dead, 100), true);
}

TEST_CASE("closure: 4 slots, 1 group, overwrite, dead overwrite", "[long]")
{
    close("R 4, G 1, attempts 1, overwrite, dead overwrite",
          support::geometry(4, 1, 1, SLOTQ_FLAG_OVERWRITE | SLOTQ_FLAG_DEAD_OVERWRITE, 1, 2, 100),
          true);
}

TEST_CASE("closure: 4 slots, 2 groups", "[deep][long]")
{
    close("R 4, G 2, attempts 1", support::geometry(4, 1, 2, 0, 1, 0, 100), deep());
    if (torture()) {
        close("R 4, G 2, attempts 2", support::geometry(4, 1, 2, 0, 2, 0, 100), false);
    }
}

namespace
{

slotq_geometry with_aside(slotq_geometry made, uint32_t aside)
{
    made.aside_slots = static_cast<uint8_t>(aside);
    return made;
}

} // namespace

TEST_CASE("closure: 3 slots, 1 group, 1 or 2 aside, 2 attempts, dead section")
{
    close("R 3, G 1, A 1, attempts 2, dead 1",
          with_aside(support::geometry(3, 1, 1, 0, 2, 1, 100), 1), true, true);
    if (torture()) {
        close("R 3, G 1, A 2, attempts 2, dead 1",
              with_aside(support::geometry(3, 1, 1, 0, 2, 1, 100), 2), true, true);
    }
}

TEST_CASE("closure: 2 slots, 2 groups, 1 aside, 1 attempt, dead section")
{
    close("R 2, G 2, A 1, attempts 1, dead 1",
          with_aside(support::geometry(2, 1, 2, 0, 1, 1, 100), 1), true);
}

TEST_CASE("closure: 4 slots, 1 group, 1 aside", "[long]")
{
    close("R 4, G 1, A 1, attempts 1", with_aside(support::geometry(4, 1, 1, 0, 1, 0, 100), 1),
          true);
    if (torture()) {
        close("R 3, G 2, A 1, attempts 1", with_aside(support::geometry(3, 1, 2, 0, 1, 0, 100), 1),
              false);
    }
}

TEST_CASE("closure: 4 slots, 1 group, 1 aside, 1 leased at a time", "[deep][long]")
{
    const uint32_t attempts = deep() ? 2 : 1;
    close(deep() ? "R 4, G 1, A 1, attempts 2, max_leased 1"
                 : "R 4, G 1, A 1, attempts 1, max_leased 1",
          with_aside(support::geometry(4, 1, 1, 0, attempts, 0, 100), 1), true, true, 1);
}
