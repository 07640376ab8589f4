/* process.hpp: a worker in another process, which a test may stop, end or crash. It is this test
 * binary with a hidden test case (process.cpp), so that no process with threads is forked. Tasks
 * say by their type what the handler does, and the process tells by lines what happened.
 */
#ifndef TESTS_ENGINE_WORKER_PROCESS_HPP
#define TESTS_ENGINE_WORKER_PROCESS_HPP

#include <string>
#include <vector>

#include <sys/types.h>

#include "live.hpp"

namespace working
{

struct ProcessPlan {
    uint32_t threads = 1;
    uint32_t lease_ms = 300;
    uint32_t stop_ms = 5000;
    uint32_t alone_attempts = 0;
    uint32_t prefetch_most = 1;
    bool catches_signals = false;
    uint32_t cron_entries = 0; /* tick0 and so on, of each second, type p:done */
    std::string marks_path;
};

/* Types:
 *   p:done     done
 *   p:short    sleeps 5 ms; done
 *   p:lost     waits until it is told LOST; done
 *   p:confirm  calls confirm until that is not OK; done
 *   p:stopping waits until it is told STOPPING; done
 *   p:beside   waits for a handler beside it, 100 ms at most; abort
 *   p:crowd    waits for three handlers beside it; abort
 *   p:neighbour  runs until the process ends
 *   p:exit     exit(0), but done at its second attempt
 *   many       with up to nine others in one call; done at its fourth attempt
 *   noop       done, with no line
 *   brief      sleeps 0.1 ms, marks the byte that its body is the number of; done, with no line
 * Lines, of which the first word is the kind:
 *   began ID ATTEMPTS BESIDE     BESIDE: handlers that run, with it
 *   due MS NAME                  of a message of a cron entry
 *   told ID BITS                 of p:lost and p:stopping
 *   confirmed ID OUTCOME
 *   settled ID OUTCOME
 *   many COUNT                   a call with so many
 *   event KIND ID                LOST, STUCK
 *   ended DONE LOST              the worker has ended, with its numbers
 */
class Process
{
public:
    Process(const Live &queue, const ProcessPlan &plan);
    ~Process(); /* ends it */
    Process(const Process &) = delete;
    Process &operator=(const Process &) = delete;

    /* The words of the next line of this kind, without it; lines of other kinds are kept. Empty:
     * there is none, and the process has ended, or said nothing for half a minute. */
    std::vector<std::string> next(const std::string &kind);
    void stop();  /* SIGSTOP; returns when it has stopped */
    void go_on(); /* SIGCONT */
    void signal(int number);
    /* Let it end: its input ends. The status of waitpid. */
    int end();
    int wait(); /* without asking */
    bool has_ended();

private:
    bool read_more();

    pid_t pid_ = -1;
    int input_ = -1;
    int output_ = -1;
    std::string rest_;
    std::vector<std::vector<std::string>> lines_;
    int status_ = 0;
};

} // namespace working
#endif
