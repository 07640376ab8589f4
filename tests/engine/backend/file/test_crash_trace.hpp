/* test_crash_trace.hpp: every pair of image and journal that a verb passes through, caught by
 * stepping a child that does it. Knows the stepper and the queue file.
 */
#ifndef SLOTQ_TESTS_CRASH_TRACE_HPP
#define SLOTQ_TESTS_CRASH_TRACE_HPP

#include <functional>
#include <memory>
#include <vector>

#include "../../../support/crash/stepper.hpp"
#include "test_crash_cases.hpp"
#include "test_crash_world.hpp"

namespace crash
{

/* Both files, as others change them. */
class watched
{
public:
    explicit watched(const queue_file &file);
    bool valid() const
    {
        return image.valid() && journal.valid();
    }
    /* Whether anything is other than at the last call. */
    bool changed();
    const crash_state &last() const
    {
        return seen;
    }

private:
    mapping image;
    mapping journal;
    crash_state seen;
};

struct trace {
    std::vector<crash_state> states; /* from before the verb on, each other than the last */
    uint64_t steps = 0;
    int exit_code = -1; /* of the child: 0 when the library answered as the core */
};

/* Do the verb in a child, an instruction at a time. */
trace step_through(queue_file &file, prepared &call, const slotq_options &how);

/* The same, but kill it once the files have changed so many times; false: they change less
 * often, and the verb came to its end. */
bool kill_at_change(queue_file &file, prepared &call, const slotq_options &how, uint64_t changes);

/* Open the queue in a child that is stepped. */
trace step_open(queue_file &file, const slotq_options &how);

/* A queue cut short in a verb, with a record in its journal that opening must finish. */
struct half_done {
    simulation world;
    queue_file file;
    prepared call;
    crash_state state; /* with the live record */
    crash_state before;

    explicit half_done(const crash_case &one);
};

/* The instant in which the verb's record is live, some of it is in the image and some is not:
 * opening it must change the image. nullptr: there is no such instant. */
std::unique_ptr<half_done> cut_short(slotq_sync sync = SLOTQ_SYNC_OS);

/* What is wrong with the state that opening it gave; empty when it is one of the legal ones
 * at or after `*place`, which moves on. */
std::string judge(const recovered &got, const prepared &call, size_t *place);

/* Skips the test case where children cannot be stepped. */
void need_stepping();

} // namespace crash

#endif
