/* test_limit.cpp: a run over its time limit is told so; what it answers counts until it is stuck, a
 * third of a lease later. Then its message is tried again, or dies by reason 124.
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

void wait_until_told(const slotq_task *task, uint32_t bit)
{
    while ((slotq_task_told(task) & bit) == 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

slotq_handler limited(uint64_t limit_ms, uint8_t attempts_most = 0)
{
    slotq_handler how = {};
    how.limit_ms = limit_ms;
    how.attempts_most = attempts_most;
    return how;
}

} // namespace

TEST_CASE("what a run answers behind its time limit counts until it is stuck", "[worker]")
{
    const Kind kind = each_shared_kind();
    INFO(kind);
    Live queue(kind);
    std::atomic<uint64_t> left_ms{1};
    Working work;
    work.options.threads = 1;
    work.options.lease_ms = 60000; /* stuck after 20 s */
    work.handle(
        "a:slow",
        [&](slotq_task *task) {
            wait_until_told(task, SLOTQ_TOLD_LIMIT);
            left_ms = slotq_task_left_ms(task);
            return slotq_result_done();
        },
        limited(50));
    push_task(queue, "a:slow");
    work.add(queue);
    work.start();
    CHECK(eventually([&] { return work.stats().done == 1; }));
    work.stop_and_join();
    CHECK(left_ms == 0);
    CHECK(work.stats().limits == 1);
    CHECK(work.count(SLOTQ_EVENT_LIMIT) == 1);
    CHECK(work.count(SLOTQ_EVENT_STUCK) == 0);
    CHECK(queue.stats().acked == 1);
}

TEST_CASE("a run that is stuck at its last attempt dies by reason 124", "[worker]")
{
    const Kind kind = each_shared_kind();
    INFO(kind);
    Live queue(kind);
    std::atomic<int> ended{0};
    std::atomic<int> stale{0};
    Working work;
    work.options.threads = 1;
    work.options.lease_ms = 300;
    slotq_handler how = limited(50, 1);
    how.settled = [](void *, const slotq_task_info *, slotq_result, slotq_outcome) {};
    work.handle(
        "a:stuck",
        [&](slotq_task *task) {
            wait_until_told(task, SLOTQ_TOLD_LOST);
            stale = slotq_task_confirm(task) == SLOTQ_STALE ? 1 : 0;
            ended++;
            return slotq_result_done();
        },
        how);
    const uint64_t id = push_task(queue, "a:stuck");
    work.add(queue);
    work.start();
    CHECK(eventually([&] { return ended == 1 && work.stats().died == 1; }));
    work.stop_and_join();
    const slotq_worker_stats stats = work.stats();
    CHECK(stats.done == 0);
    CHECK(stats.limits == 1);
    CHECK(stats.stuck == 0);
    CHECK(stale == 1);
    CHECK(work.count(SLOTQ_EVENT_STUCK) == 1);
    CHECK(work.count(SLOTQ_EVENT_DEAD) == 1);
    CHECK(queue.status(id).is_dead);
    CHECK(queue.status(id).reason == SLOTQ_REASON_TIME_LIMIT);
    CHECK(queue.stats().acked == 0);
}

TEST_CASE("a run that is stuck has another attempt, a lease later at least", "[worker]")
{
    Live queue(Kind::memory);
    std::atomic<int> ran{0};
    using Clock = std::chrono::steady_clock;
    Clock::time_point first;
    Clock::time_point second;
    Working work;
    work.options.threads = 1;
    work.options.lease_ms = 600;
    slotq_handler how = limited(20);
    how.backoff_least_ms = how.backoff_most_ms = 10;
    work.handle(
        "a:once",
        [&](slotq_task *task) {
            if (ran++ == 0) {
                first = Clock::now();
                wait_until_told(task, SLOTQ_TOLD_LOST);
                return slotq_result_dead(9); /* too late */
            }
            second = Clock::now();
            return slotq_result_done();
        },
        how);
    push_task(queue, "a:once");
    work.add(queue);
    work.start();
    CHECK(eventually([&] { return work.stats().done == 1; }));
    work.stop_and_join();
    /* The limit, a third of the lease, the delay; less a tick. */
    CHECK(second - first >= std::chrono::milliseconds(20 + 200 + 600 - 10));
    CHECK(work.stats().retried == 1);
    CHECK(queue.stats().acked == 1);
    CHECK(queue.stats().died == 0);
}

TEST_CASE("a handler sets the limit of its run, and tells that it is alive", "[worker]")
{
    Live queue(Kind::memory);
    std::atomic<int> told{0};
    Working work;
    work.options.threads = 1;
    work.options.lease_ms = 60000;
    slotq_handler silent = limited(SLOTQ_NO_LIMIT);
    silent.silence_ms = 400;
    work.handle("a:set", [&](slotq_task *task) {
        slotq_task_set_limit(task, 20);
        wait_until_told(task, SLOTQ_TOLD_LIMIT);
        told += 1;
        return slotq_result_done();
    });
    work.handle(
        "a:silent",
        [&](slotq_task *task) {
            wait_until_told(task, SLOTQ_TOLD_LIMIT);
            told += 10;
            return slotq_result_done();
        },
        silent);
    push_task(queue, "a:set");
    push_task(queue, "a:silent");
    work.add(queue);
    work.start();
    CHECK(eventually([&] { return work.stats().done == 2; }));
    work.stop_and_join();
    CHECK(told == 11);
}
