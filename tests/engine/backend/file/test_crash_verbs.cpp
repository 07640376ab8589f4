/* test_crash_verbs.cpp: SIGKILL after any instruction of any verb: the next to open the file
 * finds the verb done whole, or not at all, or ended between two of its steps.
 */
#include <chrono>
#include <cstdio>

#include "../../../support/catch.hpp"
#include "../../../support/counted.hpp"
#include "test_crash_trace.hpp"

using namespace crash;

namespace
{

struct tally {
    uint64_t cases = 0;
    uint64_t states = 0;
    uint64_t steps = 0;
};

/* What the files held at each instruction, opened anew; the first thing wrong, or nothing. */
std::string try_states(queue_file &file, const trace &seen, const prepared &call)
{
    size_t place = 0;
    for (size_t i = 0; i < seen.states.size(); i++) {
        file.put(seen.states[i]);
        const std::string wrong = judge(file.recover(), call, &place);
        if (!wrong.empty()) {
            return "state " + std::to_string(i) + " of " + std::to_string(seen.states.size()) +
                   ": " + wrong;
        }
    }
    return place == call.legal.size() - 1 ? "" : "the last state is not the one after the verb";
}

std::string try_case(const crash_case &one, const slotq_options &how, tally &sum)
{
    simulation world = set_up(one);
    queue_file file(world.image, one.shape);
    prepared call = world.run(one.verb);
    slotq_options options = file.options(how.sync);
    options.exclusive = how.exclusive;
    const trace seen = step_through(file, call, options);
    if (seen.exit_code != 0) {
        return "the library answers otherwise than the core (exit " +
               std::to_string(seen.exit_code) + ")";
    }
    const recovered whole = file.recover();
    size_t place = call.legal.size() - 1;
    const std::string wrong = judge(whole, call, &place);
    if (!wrong.empty()) {
        return "without a crash: " + wrong;
    }
    sum.cases++;
    sum.states += seen.states.size();
    sum.steps += seen.steps;
    return try_states(file, seen, call);
}

/* Each every-th case, from one drawn on. */
void try_all(const char *what, const slotq_options &how, uint64_t every)
{
    need_stepping();
    tally sum;
    const std::vector<crash_case> all = all_cases();
    for (size_t i = first_of(what, every); i < all.size(); i += every) {
        const crash_case &one = all[i];
        INFO(one.name);
        const std::string wrong = try_case(one, how, sum);
        CHECK(wrong == "");
    }
    fprintf(stderr, "%s: %llu of %zu verbs, %llu instructions, %llu crash states tried\n", what,
            static_cast<unsigned long long>(sum.cases), all.size(),
            static_cast<unsigned long long>(sum.steps),
            static_cast<unsigned long long>(sum.states));
    support::counted(sum.states, "crash states");
    CHECK(sum.states > sum.cases);
}

} // namespace

TEST_CASE("killed at any instruction, a verb is whole or not at all", "[crash][deep]")
{
    try_all("crash, shared", slotq_options{}, each_of(5, 1));
}

TEST_CASE("killed at any instruction of an exclusive file", "[crash][deep]")
{
    slotq_options how = {};
    how.exclusive = true;
    try_all("crash, exclusive", how, each_of(9, 1));
}

TEST_CASE("killed at any instruction with sync=always", "[crash][deep]")
{
    slotq_options how = {};
    how.sync = SLOTQ_SYNC_ALWAYS;
    try_all("crash, sync=always", how, each_of(9, 1));
}
