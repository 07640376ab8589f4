/* stepper.hpp: a child process that its parent runs one machine instruction at a time, so that
 * a watcher of shared memory sees it after every store. Knows ptrace; knows no queue.
 */
#ifndef SLOTQ_TESTS_STEPPER_HPP
#define SLOTQ_TESTS_STEPPER_HPP

#include <cstdint>
#include <functional>

#include <sys/types.h>

namespace stepper
{

/* Why this machine cannot step a child; nullptr when it can. */
const char *obstacle();

/* Called in the child: stops it and hands the word to the parent. */
void mark();

enum class stop { stepped, marked, ended };

class child
{
public:
    /* Forks. The child runs body and ends with its value as exit code. */
    explicit child(const std::function<int()> &body);
    /* Kills the child where it still runs. */
    ~child();
    child(const child &) = delete;
    child &operator=(const child &) = delete;

    /* At full speed to the next mark; false: it ended before. */
    bool run_to_mark();
    /* One instruction (a system call counts as one). */
    stop step();
    /* SIGKILL at this instruction, and reap. */
    void kill();
    /* Let it go on to its end; its exit code, or -1 when it was killed. */
    int finish();
    uint64_t steps() const
    {
        return step_count;
    }

private:
    stop go(int request);
    pid_t pid = -1;
    int exit_code = -1;
    uint64_t step_count = 0;
};

} // namespace stepper

#endif
