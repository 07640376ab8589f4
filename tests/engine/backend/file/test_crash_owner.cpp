/* test_crash_owner.cpp: the owner of the lock dies in mid-verb while others have the file open:
 * the next to lock it finishes what was begun. And a recovery that dies itself.
 */
#include <cstdio>

#include "../../../support/catch.hpp"
#include "../../../support/counted.hpp"
#include "test_crash_trace.hpp"

using namespace crash;

namespace
{

/* Kill at the first change, and from a drawn one on at one in so many; the handle that was open
 * before must find a legal state, and work on. Returns how many were killed. */
uint64_t kill_with_survivor(const crash_case &one, uint64_t first, uint64_t every)
{
    uint64_t killed = 0;
    for (uint64_t changes = 1;; changes += changes == 1 ? first + 1 : every) {
        simulation world = set_up(one);
        queue_file file(world.image, one.shape);
        prepared call = world.run(one.verb);
        const handle survivor = file.open();
        REQUIRE(survivor != nullptr);
        if (!kill_at_change(file, call, file.options(), changes)) {
            return killed;
        }
        killed++;
        INFO(one.name << ", killed at change " << changes);
        size_t place = 0;
        const std::string wrong = judge(look(survivor.get()), call, &place);
        REQUIRE(wrong == "");
        CHECK(slotq_resume(survivor.get(), SLOTQ_PAUSE_BOTH) == SLOTQ_OK);
        CHECK(slotq_check(survivor.get()) == SLOTQ_OK);
        const handle third = file.open();
        CHECK(third != nullptr);
    }
}

/* Open a crash state, stepping, and open each state this passes through: all come to the same. */
uint64_t die_while_recovering(queue_file &file, const crash_state &state)
{
    file.put(state);
    const recovered straight = file.recover();
    REQUIRE(straight.outcome == SLOTQ_OK);
    file.put(state);
    const trace seen = step_open(file, file.options());
    REQUIRE(seen.exit_code == 0);
    for (const crash_state &half : seen.states) {
        file.put(half);
        const recovered again = file.recover();
        INFO(again.text << difference(again.state, straight.state));
        REQUIRE(again.outcome == SLOTQ_OK);
        REQUIRE((again.state == straight.state));
    }
    return seen.states.size();
}

bool wanted(const crash_case &one)
{
    for (const char *name : {", push many", "reserve again and new", "reserve with burials",
                             "ack two apart", "nack that dies", "redrive all", "kill all",
                             "remove for all", "push over leased", ", purge"}) {
        const std::string::size_type at = one.name.find(name);
        if (at != std::string::npos && at + std::string(name).size() == one.name.size()) {
            return true;
        }
    }
    return false;
}

} // namespace

TEST_CASE("the owner of the lock dies in mid-verb and another handle goes on", "[crash][deep]")
{
    need_stepping();
    const uint64_t every = each_of(61, 5);
    const uint64_t first = first_of("crash, owner dies", every);
    uint64_t killed = 0;
    for (const crash_case &one : all_cases()) {
        if (wanted(one)) {
            killed += kill_with_survivor(one, first, every);
        }
    }
    fprintf(stderr, "crash, owner dies: %llu killed, at each %llu-th change\n",
            static_cast<unsigned long long>(killed), static_cast<unsigned long long>(every));
    support::counted(killed, "crash states");
    CHECK(killed > 0);
}

TEST_CASE("a recovery that is killed itself is taken up by the next", "[crash][deep]")
{
    need_stepping();
    const uint64_t every = each_of(89, 7);
    const uint64_t first = first_of("crash, in recovery", every);
    uint64_t tried = 0;
    for (const crash_case &one : all_cases()) {
        if (!wanted(one) || one.name.compare(0, 8, "3 groups") != 0) {
            continue;
        }
        INFO(one.name);
        simulation world = set_up(one);
        queue_file file(world.image, one.shape);
        prepared call = world.run(one.verb);
        const trace seen = step_through(file, call, file.options());
        for (size_t i = 0; i < seen.states.size(); i += i == 0 ? first + 1 : every) {
            INFO("state " << i);
            tried += die_while_recovering(file, seen.states[i]);
        }
    }
    fprintf(stderr, "crash, in recovery: %llu crash states tried, of each %llu-th state\n",
            static_cast<unsigned long long>(tried), static_cast<unsigned long long>(every));
    support::counted(tried, "crash states");
    CHECK(tried > 0);
}
