/* test_crash_cases.hpp: verbs in states that make them do something: what the crash tests step
 * through. Knows actions only.
 */
#ifndef SLOTQ_TESTS_CRASH_CASES_HPP
#define SLOTQ_TESTS_CRASH_CASES_HPP

#include <string>
#include <vector>

#include "../../../support/crash/states.hpp"

namespace crash
{

struct crash_case {
    std::string name;
    slotq_geometry shape;
    uint64_t last_id; /* of the empty queue before the setup; 0 = fresh */
    std::vector<action> setup;
    action verb;
    bool damages = false; /* after the setup the oldest dead message is damaged, if there is one */
};

/* All verbs, in each class of states. */
std::vector<crash_case> all_cases();

/* The simulation after the setup; legal states of the verb come from running it there. */
simulation set_up(const crash_case &one);

} // namespace crash

#endif
