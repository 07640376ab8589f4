/* test_bounds.cpp: a worker at its bounds: as many kept tasks as it may have, hung handlers that
 * answer LATER, and a queue with one thread at most.
 */
#include "catch.hpp"

#include <atomic>
#include <chrono>
#include <thread>

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

TEST_CASE("bounds: a queue with few threads is worked on at once", "[worker][bounds]")
{
    constexpr uint32_t WARM = 20;
    constexpr uint32_t ROUNDS = 20;
    const Kind kind = each_shared_kind();
    INFO(kind);
    Live queue(kind);
    Working work;
    work.options.threads = 2;
    work.handle("a:b", [](slotq_task *) { return slotq_result_done(); });
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
