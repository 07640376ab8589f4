/* test_namespaces.hpp: processes in PID namespaces of their own, and pipes to talk with them. Knows
 * clone flags and signals; no queue.
 */
#ifndef SLOTQ_TESTS_NAMESPACES_HPP
#define SLOTQ_TESTS_NAMESPACES_HPP

#include <functional>
#include <string>

#include <sys/types.h>

namespace spaces
{

/* Why no PID namespace can be made here; empty when one can. Says so, as a test that is skipped. */
bool cannot_make();

/* A PID namespace, held by a process that does nothing. */
class space
{
public:
    space();
    ~space();
    space(const space &) = delete;
    space &operator=(const space &) = delete;

    /* Run body in a new process of the namespace; its exit code is body's. The number is the
     * caller's, to be signalled and reaped as a child of the caller. -1: it did not start. */
    pid_t start(const std::function<int()> &body) const;

private:
    pid_t init = -1;
    int handle = -1;
};

/* One byte from one process to another, waited for. */
class signal_pipe
{
public:
    signal_pipe();
    ~signal_pipe();
    signal_pipe(const signal_pipe &) = delete;
    signal_pipe &operator=(const signal_pipe &) = delete;
    void tell() const;
    void await() const;

private:
    int ends[2];
};

/* Kill and reap; the exit status. */
int end(pid_t pid);
/* Stop it, and wait until it stands. */
void stop(pid_t pid);
/* Exit code of a process that ends unkilled, or -1. */
int exit_of(pid_t pid);

} // namespace spaces

#endif
