/* test_namespaces.cpp: see test_namespaces.hpp. */
#include "test_namespaces.hpp"

#include <csignal>
#include <cstdio>

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace spaces
{

namespace
{

/* A process that runs body, made by a child which enters a namespace first: the caller stays in its
 * own. -1: it did not start. */
pid_t start_after(const std::function<int()> &enter, const std::function<int()> &body)
{
    int told[2];
    pid_t made = -1;
    if (pipe(told) != 0) {
        return -1;
    }
    const pid_t maker = fork();
    if (maker == 0) {
        if (enter() == 0) {
            made = fork();
            if (made == 0) {
                close(told[0]);
                close(told[1]);
                _exit(body());
            }
        }
        _exit(write(told[1], &made, sizeof made) == sizeof made ? 0 : 1);
    }
    close(told[1]);
    if (read(told[0], &made, sizeof made) != sizeof made) {
        made = -1;
    }
    close(told[0]);
    waitpid(maker, nullptr, 0);
    return made;
}

int reap_for_ever()
{
    signal(SIGCHLD, SIG_IGN); /* what comes to it is reaped by the system */
    for (;;) {
        pause();
    }
}

} // namespace

space::space()
{
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* processes come here when what started them ends */
    init = start_after([] { return unshare(CLONE_NEWPID); }, reap_for_ever);
    if (init > 0) {
        handle = open(("/proc/" + std::to_string(init) + "/ns/pid").c_str(), O_RDONLY | O_CLOEXEC);
    }
}

space::~space()
{
    if (init > 0) {
        end(init);
    }
    if (handle >= 0) {
        close(handle);
    }
}

pid_t space::start(const std::function<int()> &body) const
{
    const int own = handle;
    return own < 0 ? -1 : start_after([own] { return setns(own, CLONE_NEWPID); }, body);
}

bool cannot_make()
{
    const space tried;
    const pid_t made = tried.start([] { return 7; });
    const bool works = made > 0 && exit_of(made) == 7;
    if (!works) {
        fprintf(stderr, "skipped: no PID namespaces can be made here (they take root)\n");
    }
    return !works;
}

signal_pipe::signal_pipe()
{
    if (pipe(ends) != 0) {
        ends[0] = ends[1] = -1;
    }
}

signal_pipe::~signal_pipe()
{
    close(ends[0]);
    close(ends[1]);
}

void signal_pipe::tell() const
{
    (void)!write(ends[1], "x", 1);
}

void signal_pipe::await() const
{
    char byte;
    while (read(ends[0], &byte, 1) < 0) { /* a signal */
    }
}

int end(pid_t pid)
{
    int status = -1;
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    return status;
}

void stop(pid_t pid)
{
    int status = 0;
    kill(pid, SIGSTOP);
    waitpid(pid, &status, WUNTRACED);
}

int exit_of(pid_t pid)
{
    int status = -1;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

} // namespace spaces
