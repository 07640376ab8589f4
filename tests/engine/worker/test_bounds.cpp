/* test_bounds.cpp: a worker at its bounds: as many kept tasks as it may have, hung handlers that
 * answer LATER, threads that end again and again, and a queue with one thread at most.
 */
#include "catch.hpp"

#include <atomic>
#include <chrono>
#include <fstream>
#include <thread>

#include <pthread.h>

#include "live.hpp"

using namespace any_queue;
using namespace working;

namespace
{

/* What handlers handed out, and whether they may go on. */
struct Kept {
    std::mutex lock;
    std::vector<slotq_task *> tasks;
    std::atomic<bool> is_open{false};
    std::atomic<uint32_t> inside{0};
    slotq_task *slow = nullptr;

    void note(slotq_task *task)
    {
        const std::lock_guard<std::mutex> guard(lock);
        tasks.push_back(task);
    }
    void wait()
    {
        inside++;
        while (!is_open) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }
    void finish(slotq_outcome expected)
    {
        const std::lock_guard<std::mutex> guard(lock);
        for (slotq_task *task : tasks) {
            CHECK(slotq_task_finish(task, slotq_result_done()) == expected);
        }
    }
};

size_t mappings()
{
    std::ifstream maps("/proc/self/maps");
    std::string line;
    size_t count = 0;
    while (std::getline(maps, line)) {
        count++;
    }
    return count;
}

} // namespace

TEST_CASE("bounds: all threads hang, and answer LATER in the end", "[worker][bounds]")
{
    constexpr uint32_t HUNG = 4; /* one thread, its heir, and one more for two of three queues */
    Live queue(Kind::memory);
    Live second(Kind::memory);
    Live third(Kind::memory);
    Kept kept;
    Working work;
    work.options.threads = 1;
    work.options.stuck_most = 1;
    work.options.pending_most = 1;
    work.options.lease_ms = 60;
    slotq_handler how = {};
    how.limit_ms = 1;
    work.handle(
        "a:hang",
        [&](slotq_task *task) {
            if (slotq_task_info_of(task)->attempts > 1) {
                return slotq_result_done();
            }
            kept.wait();
            kept.note(task);
            return slotq_result_later();
        },
        how);
    work.add(queue, "first");
    work.add(second, "second");
    work.add(third, "third");
    work.start();
    for (uint32_t i = 1; i <= HUNG; i++) {
        push_task(queue, "a:hang");
        REQUIRE(eventually([&] {
            slotq_worker_resume(work.worker());
            return kept.inside == i && work.stats().stuck == i;
        }));
    }
    kept.is_open = true;
    REQUIRE(eventually([&] { return work.stats().stuck == 0; }));
    CHECK(work.stats().pending == HUNG);
    kept.finish(SLOTQ_STALE);
    CHECK(eventually([&] {
        slotq_worker_resume(work.worker());
        return work.stats().done == HUNG;
    }));
    work.stop_and_join();
}

TEST_CASE("bounds: more kept tasks than one call takes", "[worker][bounds]")
{
    constexpr uint32_t MOST = SLOTQ_CALL_MESSAGES_MAX;
    constexpr uint32_t THREADS = 8;
    constexpr int LEASE_MS = 3000;
    Live queue(Kind::memory, real_geometry(MOST + 2 * THREADS));
    Kept kept;
    Working work;
    work.options.threads = THREADS;
    work.options.pending_most = MOST;
    work.options.lease_ms = LEASE_MS;
    work.handle("a:later", [&](slotq_task *task) {
        kept.note(task);
        return slotq_result_later();
    });
    slotq_handler slow = {};
    slow.settled = [](void *, const slotq_task_info *, slotq_result, slotq_outcome) {
        std::this_thread::sleep_for(std::chrono::milliseconds(LEASE_MS / 2));
    };
    work.handle(
        "a:slow",
        [&](slotq_task *task) {
            kept.slow = task;
            return slotq_result_later();
        },
        slow);
    work.handle("a:last", [&](slotq_task *task) {
        kept.wait(); /* all at once: each is one more than there may be */
        kept.note(task);
        return slotq_result_later();
    });
    work.add(queue);
    push_task(queue, "a:slow");
    for (uint32_t i = 0; i < MOST - 2; i++) {
        push_task(queue, "a:later");
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        push_task(queue, "a:last");
    }
    work.start();
    REQUIRE(eventually([&] { return kept.inside == THREADS; }));
    REQUIRE(eventually([&] { return work.stats().pending == MOST - 1; }));
    kept.is_open = true;
    REQUIRE(eventually([&] { return work.stats().pending == MOST - 1 + THREADS; }));
    /* While the keeper is held up, all others become due. */
    CHECK(slotq_task_finish(kept.slow, slotq_result_done()) == SLOTQ_OK);
    CHECK(eventually([&] { return work.stats().done == 1; }));
    CHECK(work.count(SLOTQ_EVENT_LOST) == 0);
    CHECK(work.count(SLOTQ_EVENT_AWAY) == 0);
    CHECK(work.count(SLOTQ_EVENT_QUEUE_FAILED) == 0);
    kept.finish(SLOTQ_OK);
    CHECK(eventually([&] { return work.stats().done == MOST - 1 + THREADS; }));
    CHECK(work.count(SLOTQ_EVENT_QUEUE_FAILED) == 0);
    work.stop_and_join();
    CHECK(queue.stats().unfinished == 0);
}

TEST_CASE("bounds: threads that ended leave nothing", "[worker][bounds]")
{
    constexpr uint32_t TASKS = 400;
    Live queue(Kind::memory, real_geometry(TASKS + 1));
    Working work;
    work.options.threads = 2;
    slotq_handler how = {};
    how.attempts_most = 1;
    work.handle(
        "a:exit", [](slotq_task *) -> slotq_result { pthread_exit(nullptr); }, how);
    work.add(queue);
    work.start();
    const size_t before = mappings();
    for (uint32_t i = 0; i < TASKS; i++) {
        push_task(queue, "a:exit");
    }
    REQUIRE(eventually([&] { return work.stats().threads_ended == TASKS; }, 30));
    CHECK(mappings() < before + TASKS / 2);
    work.stop_and_join();
}

TEST_CASE("bounds: a queue with few threads is worked on at once", "[worker][bounds]")
{
    constexpr uint32_t WARM = 20;
    constexpr uint32_t ROUNDS = 20;
    const Kind kind = each_shared_kind();
    INFO(kind);
    Live queue(kind);
    Working work;
    work.options.threads = 2;
    work.handle_done("a:b");
    slotq_worker_queue how = {};
    how.threads_most = 1;
    work.add(queue, "q", how);
    for (uint32_t i = 0; i < WARM; i++) { /* after them more than one is asked for */
        push_task(queue, "a:b");
    }
    work.start();
    CHECK(eventually([&] { return work.stats().done == WARM; }));
    for (uint32_t i = 1; i <= ROUNDS; i++) {
        push_task(queue, "a:b");
        CHECK(eventually([&] { return work.stats().done == WARM + i; }));
    }
    work.stop_and_join();
    CHECK(queue.stats().redelivered == 0); /* not leased and given back */
}

TEST_CASE("bounds: a queue with one thread at most goes on when that has left", "[worker][bounds]")
{
    constexpr uint32_t BURSTS = 300;
    Live one(Kind::redis, real_geometry(101));
    Live other(Kind::redis);
    std::atomic<uint64_t> progress{0};
    std::atomic<uint32_t> stalled{0};
    std::atomic<uint32_t> seen{0};
    Working work;
    work.options.threads = 3;
    work.handle("a:one", [&](slotq_task *) {
        progress++;
        return slotq_result_snooze(10);
    });
    work.handle("a:other",
                [&](slotq_task *) { /* a thread is free for the queue beside it */
                                    const uint64_t from = progress;
                                    stalled +=
                                        eventually([&] { return progress > from + 1; }) ? 0 : 1;
                                    seen++;
                                    return slotq_result_done();
                });
    slotq_worker_queue how = {};
    how.threads_most = 1;
    work.add(one, "one", how);
    how.threads_most = 2;
    work.add(other, "other", how);
    for (int i = 0; i < 50; i++) {
        push_task(one, "a:one");
    }
    work.start();
    for (uint32_t i = 0; i < BURSTS && stalled == 0; i++) {
        push_task(other, "a:other");
        push_task(other, "a:other");
        CHECK(eventually([&] { return seen == 2 * i + 2; }, 30));
    }
    CHECK(stalled == 0);
}
