/* test_thread_ends.cpp: a handler that ends its thread, forks, ends the process, or changes the
 * mask of signals: its message is tried again, and the worker goes on.
 */
#include "catch.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live.hpp"
#include "process.hpp"

using namespace any_queue;
using namespace working;

namespace
{

using Words = std::vector<std::string>;

std::atomic<bool> no_more_threads{false};

slotq_handler at_once()
{
    slotq_handler how = {};
    how.backoff_least_ms = how.backoff_most_ms = 10;
    return how;
}

} // namespace

extern "C" int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                                     void *(*run)(void *), void *argument);
extern "C" int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                                     void *(*run)(void *), void *argument);
extern "C" int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                                     void *(*run)(void *), void *argument)
{
    return no_more_threads ? EAGAIN : __real_pthread_create(thread, attributes, run, argument);
}

TEST_CASE("a handler that ends its thread: another attempt, and another thread", "[worker]")
{
    const Kind kind = each_shared_kind();
    INFO(kind);
    Live queue(kind);
    Working work;
    work.options.threads = 2;
    work.handle(
        "a:exit",
        [](slotq_task *task) {
            if (slotq_task_info_of(task)->attempts == 1) {
                pthread_exit(nullptr);
            }
            return slotq_result_done();
        },
        at_once());
    std::atomic<int> together{0};
    work.handle("a:together", [&](slotq_task *) { /* needs all threads that there were */
                                                  together++;
                                                  eventually([&] { return together == 2; });
                                                  return slotq_result_done();
    });
    for (int i = 0; i < 5; i++) {
        push_task(queue, "a:exit");
    }
    push_task(queue, "a:exit");
    work.add(queue);
    work.start();
    CHECK(eventually([&] { return work.stats().done == 6; }));
    CHECK(work.stats().threads_ended == 6);
    CHECK(work.stats().retried == 6);
    CHECK(work.count(SLOTQ_EVENT_THREAD_ENDED) == 6);
    push_task(queue, "a:together");
    push_task(queue, "a:together");
    CHECK(eventually([&] { return together == 2; }));
    work.stop_and_join();
    CHECK(queue.stats().acked == 8);
}

TEST_CASE("a handler that finishes its task and ends its thread: the result counts", "[worker]")
{
    Live queue(Kind::memory);
    Working work;
    std::atomic<int> runs{0};
    work.options.threads = 1;
    work.handle(
        "a:exit",
        [&](slotq_task *task) {
            runs++;
            const bool is_dead = slotq_task_info_of(task)->body_bytes != 0;
            const slotq_result result = is_dead ? slotq_result_dead(7) : slotq_result_done();
            if (slotq_task_finish(task, result) == SLOTQ_OK) {
                pthread_exit(nullptr);
            }
            return slotq_result_done();
        },
        at_once());
    push_task(queue, "a:exit");
    push_task(queue, "a:exit", "dead");
    work.add(queue);
    work.start();
    CHECK(eventually([&] { return work.stats().done == 1 && work.stats().died == 1; }));
    CHECK(eventually([&] { return work.stats().threads_ended == 2; }));
    work.stop_and_join();
    CHECK(runs == 2);
    CHECK(work.stats().retried == 0);
    CHECK(queue.stats().acked == 1);
    CHECK(queue.stats().dead == 1);
}

TEST_CASE("a handler that ends its thread at the last attempt: dead by reason 125", "[worker]")
{
    Live queue(Kind::memory);
    Working work;
    work.options.threads = 1;
    slotq_handler how = at_once();
    how.attempts_most = 1;
    work.handle(
        "a:exit", [](slotq_task *) -> slotq_result { pthread_exit(nullptr); }, how);
    const uint64_t id = push_task(queue, "a:exit");
    work.add(queue);
    work.start();
    CHECK(eventually([&] { return work.stats().died == 1; }));
    work.stop_and_join();
    CHECK(queue.status(id).reason == SLOTQ_REASON_THREAD_ENDED);
}

TEST_CASE("a run_many that ends its thread: all its tasks have another attempt", "[worker]")
{
    Live queue(Kind::memory);
    std::atomic<int> calls{0};
    Working work;
    work.options.threads = 1;
    slotq_handler how = at_once();
    how.many_most = 4;
    work.handle_many(
        "a:many",
        [&](slotq_task **, uint32_t count, slotq_result *results) {
            if (calls++ == 0) {
                pthread_exit(nullptr);
            }
            for (uint32_t i = 0; i < count; i++) {
                results[i] = slotq_result_done();
            }
        },
        how);
    for (int i = 0; i < 4; i++) {
        push_task(queue, "a:many");
    }
    work.add(queue);
    work.start();
    CHECK(eventually([&] { return work.stats().done == 4; }));
    work.stop_and_join();
    CHECK(work.stats().threads_ended == 1);
    CHECK(work.count(SLOTQ_EVENT_THREAD_ENDED) == 1);
    CHECK(work.stats().retried == 4);
    CHECK(queue.stats().acked == 4);
}

/* The last one stops the worker, which would hold the queue and run nothing. */
TEST_CASE("threads that end and cannot be replaced are told, and the last one ends the worker",
          "[worker]")
{
    Live queue(Kind::memory);
    Working work;
    work.options.threads = 2;
    slotq_handler once = {};
    once.backoff_least_ms = once.backoff_most_ms = 600000;
    work.handle(
        "a:exit",
        [](slotq_task *) -> slotq_result {
            eventually([] { return no_more_threads.load(); });
            pthread_exit(nullptr);
        },
        once);
    push_task(queue, "a:exit");
    work.add(queue);
    work.start();
    no_more_threads = true;
    CHECK(eventually([&] { return work.count(SLOTQ_EVENT_THREAD_ENDED) == 2; }));
    const Told first = work.told().back();
    CHECK(first.outcome == SLOTQ_IO);
    CHECK(first.text.find(": 1 threads are left") != std::string::npos);
    push_task(queue, "a:exit");
    CHECK(slotq_worker_join(work.worker(), UINT64_MAX, nullptr) == SLOTQ_IO);
    no_more_threads = false;
    CHECK(work.count(SLOTQ_EVENT_THREAD_ENDED) == 4);
    slotq_error error;
    CHECK(slotq_worker_error(work.worker(), &error) == SLOTQ_IO);
    CHECK(std::string(error.text).find("the worker stops") != std::string::npos);
    CHECK(queue.stats().waiting == 2);
}

TEST_CASE("a worker that cannot start its threads says why", "[worker]")
{
    Live queue(Kind::memory);
    Working work;
    work.handle_done("a:b");
    work.add(queue);
    slotq_worker *worker = work.worker();
    no_more_threads = true;
    CHECK(slotq_worker_start(worker) == SLOTQ_IO);
    no_more_threads = false;
    slotq_error error;
    CHECK(slotq_worker_error(worker, &error) == SLOTQ_IO);
    CHECK(std::string(error.text).find(strerror(EAGAIN)) != std::string::npos);
}

TEST_CASE("a child that a handler forks settles nothing, and ends by 125 if it returns", "[worker]")
{
    const Kind kind = each_shared_kind();
    INFO(kind);
    Live queue(kind);
    std::atomic<int> status{-1};
    std::atomic<int> program{-1};
    Working work;
    work.options.threads = 1;
    work.handle("a:fork", [&](slotq_task *task) {
        const pid_t child = fork();
        if (child == 0) {
            if (slotq_task_confirm(task) == SLOTQ_UNSUPPORTED &&
                slotq_task_finish(task, slotq_result_done()) == SLOTQ_UNSUPPORTED &&
                slotq_task_told(task) == 0 && slotq_task_left_ms(task) > 0) {
                return slotq_result_dead(9);
            }
            _exit(1);
        }
        int how = 0;
        waitpid(child, &how, 0);
        status = WIFEXITED(how) ? WEXITSTATUS(how) : -2;
        return slotq_result_done();
    });
    work.handle("a:exec", [&](slotq_task *) {
        const pid_t child = fork();
        if (child == 0) {
            execl("/bin/sh", "sh", "-c", "exit 7", nullptr);
            _exit(1);
        }
        int how = 0;
        waitpid(child, &how, 0);
        program = WIFEXITED(how) ? WEXITSTATUS(how) : -2;
        return slotq_result_done();
    });
    push_task(queue, "a:fork");
    push_task(queue, "a:exec");
    work.add(queue);
    work.start();
    CHECK(eventually([&] { return work.stats().done == 2; }));
    work.stop_and_join();
    CHECK(status == SLOTQ_REASON_THREAD_ENDED);
    CHECK(program == 7);
    CHECK(queue.stats().acked == 2);
    CHECK(queue.stats().died == 0);
}

TEST_CASE("a message whose handler calls exit comes back", "[worker]")
{
    const Kind kind = GENERATE(Kind::file, Kind::redis);
    INFO(kind);
    Live queue(kind);
    const uint64_t id = push_task(queue, "p:exit");
    const std::string text = std::to_string(id);
    {
        Process process(queue, ProcessPlan());
        CHECK(process.next("began") == Words({text, "1", "1"}));
        CHECK(process.wait() == 0); /* exit(0) */
    }
    CHECK(queue.stats().acked == 0);
    Process again(queue, ProcessPlan());
    CHECK(again.next("began") == Words({text, "2", "1"}));
    CHECK(again.next("settled") == Words({text, "OK"}));
    CHECK(again.end() == 0);
    CHECK(queue.stats().acked == 1);
}

TEST_CASE("a mask of signals that a handler sets is not the next one's", "[worker]")
{
    Live queue(Kind::memory);
    std::atomic<int> blocked{0};
    Working work;
    work.options.threads = 1;
    const auto is_blocked = [&] {
        sigset_t set;
        pthread_sigmask(SIG_SETMASK, nullptr, &set);
        return sigismember(&set, SIGUSR1) == 1 && sigismember(&set, SIGTERM) == 1 &&
               sigismember(&set, SIGSEGV) == 0 && sigismember(&set, SIGABRT) == 0;
    };
    work.handle("a:mask", [&](slotq_task *) {
        blocked += is_blocked() ? 1 : 0;
        sigset_t none;
        sigemptyset(&none);
        pthread_sigmask(SIG_SETMASK, &none, nullptr);
        usleep(2000); /* it is set again once a millisecond */
        return slotq_result_done();
    });
    slotq_worker_queue how = {};
    how.prefetch_most = 1;
    for (int i = 0; i < 5; i++) {
        push_task(queue, "a:mask");
    }
    work.add(queue, "q", how);
    work.start();
    CHECK(eventually([&] { return work.stats().done == 5; }));
    work.stop_and_join();
    CHECK(blocked == 5);
}
