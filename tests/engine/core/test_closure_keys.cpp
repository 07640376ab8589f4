/* test_closure_keys.cpp: all states that tiny queues with scheduled messages and keys can reach,
 * and in each transition what becomes of each key. A [long] case is left out where a checker
 * makes it take a minute.
 */
#include <cstdio>
#include <cstdlib>

#include "../../support/counted.hpp"
#include "closure.hpp"

namespace
{

struct Size {
    uint32_t slots, groups, attempts, dead, aside, later, keys;
};

slotq_geometry shape_of(const Size &size, uint32_t flags)
{
    slotq_geometry made =
        support::geometry(size.slots, 1, size.groups, flags | (size.keys > 0 ? SLOTQ_FLAG_KEYS : 0),
                          size.attempts, size.dead, 100);
    made.aside_slots = static_cast<uint8_t>(size.aside);
    made.later_slots = static_cast<uint16_t>(size.later);
    return made;
}

void close(const Size &size, bool stops, uint32_t flags = 0)
{
    closure::Trial trial;
    trial.stops = stops;
    trial.keys = size.keys;
    closure::Closure closure(shape_of(size, flags), trial);
    const size_t states = closure.run();
    std::printf("closure, R %u, G %u, A %u, attempts %u, dead %u, later %u, %u keys%s%s: %zu "
                "states, %llu transitions, %llu promote, %llu DUPLICATE\n",
                size.slots, size.groups, size.aside, size.attempts, size.dead, size.later,
                size.keys, flags != 0 ? ", overwrite" : "", stops ? ", stops" : "", states,
                static_cast<unsigned long long>(closure.transitions()),
                static_cast<unsigned long long>(closure.promotions()),
                static_cast<unsigned long long>(closure.duplicates()));
    support::counted(states, "states");
    support::counted(closure.transitions(), "transitions");
    INFO(closure.fault());
    REQUIRE(closure.fault().empty());
    REQUIRE((size.later == 0 || closure.promotions() > 100));
    REQUIRE((size.keys == 0 || closure.duplicates() > 100));
}

struct Verb {
    const char *name;
    bool writes;
};

const Verb verbs[] = {
#define WRITES true
#define READS false
#define SLOTQ_VERB(NAME, number, name, effect, repeat, script, step) {#name, effect},
#include "../../../engine/verbs.def"
#undef SLOTQ_VERB
#undef WRITES
#undef READS
};

/* All sections at once, each verb in each state: one that writes changes some, one that reads none.
 */
void close_all(const Size &size, bool stops)
{
    closure::Trial trial;
    trial.stops = stops;
    trial.pauses = trial.limits = trial.looks = true;
    trial.keys = size.keys;
    closure::Closure closure(shape_of(size, 0), trial);
    const size_t states = closure.run();
    std::printf("closure, every verb: %zu states, %llu transitions\n", states,
                static_cast<unsigned long long>(closure.transitions()));
    support::counted(states, "states");
    support::counted(closure.transitions(), "transitions");
    INFO(closure.fault());
    REQUIRE(closure.fault().empty());
    for (uint32_t i = 0; i < SLOTQ_VERB_COUNT; i++) {
        const slotq_verb verb = static_cast<slotq_verb>(i);
        std::printf("  %s: %llu, of which %llu change the image\n", verbs[i].name,
                    static_cast<unsigned long long>(closure.tried(verb)),
                    static_cast<unsigned long long>(closure.changed(verb)));
        CAPTURE(verbs[i].name);
        CHECK(closure.tried(verb) > 0);
        CHECK((closure.changed(verb) > 0) == verbs[i].writes);
    }
}

/* Two keys take half a minute. */
bool deep()
{
    return std::getenv("SLOTQ_PROVE") != nullptr;
}

} // namespace

TEST_CASE("closure: scheduled messages")
{
    close({2, 2, 1, 1, 0, 2, 0}, true);
    close({2, 1, 1, 0, 0, 4, 0}, true);
    close({3, 1, 1, 0, 0, 2, 0}, true, SLOTQ_FLAG_OVERWRITE);
}

TEST_CASE("closure: 2 keys")
{
    close({2, 2, 1, 0, 0, 0, 2}, true);
    close({2, 1, 1, 1, 1, 0, 2}, true);
    close({3, 1, 1, 0, 0, 0, 2}, true, SLOTQ_FLAG_OVERWRITE);
    close({2, 2, 1, 0, 0, 1, 2}, true);
}

TEST_CASE("closure: every verb and every section at once", "[long]")
{
    close_all({2, 1, 1, 1, 1, 1, 1}, true);
    if (std::getenv("SLOTQ_TORTURE_SECONDS") != nullptr) { /* ten minutes and more */
        close_all({3, 1, 1, 1, 1, 1, 1}, true);
        close_all({2, 2, 1, 1, 1, 1, 1}, false);
    }
}

TEST_CASE("closure: 3 slots, 1 aside, scheduled messages", "[long]")
{
    close({3, 1, 2, 1, 1, 2, 0}, true);
}

TEST_CASE("closure: 3 slots, 1 aside, 2 keys", "[long]")
{
    close({3, 1, 1, 1, 1, 0, 2}, true);
}

TEST_CASE("closure: 2 or 3 slots, 2 keys, scheduled messages", "[long]")
{
    close({2, 1, 1, 1, 1, 1, 2}, true);
    close({3, 1, 1, 0, 0, 1, 2}, true);
    close({3, 1, 1, 0, 0, 1, 2}, true, SLOTQ_FLAG_OVERWRITE);
}

TEST_CASE("closure: 2 or 3 slots, 2 keys, 2 scheduled messages or 1 aside", "[deep][long]")
{
    const uint32_t keys = deep() ? 2 : 1;
    close({2, 1, 1, 0, 1, 2, keys}, true);
    close({3, 1, 2, 0, 0, 1, keys}, true);
    close({3, 1, 1, 0, 1, 1, keys}, true);
}
