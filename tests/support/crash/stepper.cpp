/* stepper.cpp: fork, ptrace and waitpid behind stepper.hpp. Signals of the child are passed on,
 * but for the one that stands for a mark.
 */
#include "stepper.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace stepper
{

namespace
{

constexpr int MARK_SIGNAL = SIGUSR1;
constexpr int NO_TRACE_EXIT = 113;

pid_t wait_for(pid_t pid, int *status)
{
    pid_t got;
    do {
        got = waitpid(pid, status, __WALL);
    } while (got < 0 && errno == EINTR);
    return got;
}

const char *find_obstacle()
{
#if !defined(__linux__) || !(defined(__x86_64__) || defined(__aarch64__))
    return "single steps are known for x86-64 and aarch64 on Linux only";
#else
#if defined(__aarch64__)
    /* Stepping ends an exclusive load's reservation: such loops would never end. */
    if ((getauxval(AT_HWCAP) & HWCAP_ATOMICS) == 0) {
        return "this processor has no single-instruction atomics";
    }
#endif
    child probe([] {
        mark();
        return 0;
    });
    if (!probe.run_to_mark()) {
        return "ptrace is not allowed here";
    }
    return probe.step() == stop::ended ? "ptrace does not step here" : nullptr;
#endif
}

} // namespace

const char *obstacle()
{
    static const char *const why = find_obstacle();
    return why;
}

void mark()
{
    raise(MARK_SIGNAL);
}

child::child(const std::function<int()> &body)
{
    pid = fork();
    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) {
            _exit(NO_TRACE_EXIT);
        }
        raise(SIGSTOP);
        _exit(body());
    }
    int status = 0;
    if (pid > 0 && (wait_for(pid, &status) != pid || !WIFSTOPPED(status))) {
        pid = -1;
    }
    if (pid > 0) {
        const intptr_t options = PTRACE_O_EXITKILL;
        ptrace(PTRACE_SETOPTIONS, pid, nullptr, reinterpret_cast<void *>(options));
    }
}

child::~child()
{
    kill();
}

stop child::go(int request)
{
    int signal = 0;
    for (;;) {
        int status = 0;
        if (pid <= 0 || ptrace(static_cast<__ptrace_request>(request), pid, nullptr,
                               reinterpret_cast<void *>(static_cast<intptr_t>(signal))) != 0)
            return stop::ended;
        if (wait_for(pid, &status) != pid || !WIFSTOPPED(status)) {
            exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
            pid = -1;
            return stop::ended;
        }
        if (WSTOPSIG(status) == MARK_SIGNAL) {
            return stop::marked;
        }
        if (WSTOPSIG(status) == SIGTRAP) {
            return stop::stepped;
        }
        signal = WSTOPSIG(status);
    }
}

bool child::run_to_mark()
{
    return go(PTRACE_CONT) == stop::marked;
}

stop child::step()
{
    step_count++;
    return go(PTRACE_SINGLESTEP);
}

void child::kill()
{
    if (pid <= 0) { /* 0 and below would mean more processes than this one */
        return;
    }
    int status = 0;
    ::kill(pid, SIGKILL);
    wait_for(pid, &status);
    while (!WIFEXITED(status) && !WIFSIGNALED(status) && wait_for(pid, &status) == pid) {
        continue;
    }
    pid = -1;
}

int child::finish()
{
    stop last = stop::marked;
    while (last != stop::ended) {
        last = go(PTRACE_CONT);
    }
    return exit_code;
}

} // namespace stepper
