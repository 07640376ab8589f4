/* child.hpp: work in a forked process, whose answer is 0 or the line that failed. Knows no queue.
 */
#ifndef TESTS_ENGINE_QUEUE_CHILD_HPP
#define TESTS_ENGINE_QUEUE_CHILD_HPP

#include <functional>

#include <sys/wait.h>
#include <unistd.h>

/* 0 when all that the work needed was so, or what it answered. */
inline int in_child(const std::function<int()> &work)
{
    const pid_t pid = fork();
    if (pid == 0) {
        _exit(work());
    }
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) {
        continue;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define NEED(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            return (__LINE__ % 200) + 1;                                                           \
        }                                                                                          \
    } while (0)

#endif
