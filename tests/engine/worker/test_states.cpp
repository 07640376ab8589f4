/* test_states.cpp: quiet and resume, and draining: a worker that ends when its queues have nothing
 * unfinished.
 */
#include "catch.hpp"

#include <atomic>
#include <mutex>

#include "live.hpp"

using namespace any_queue;
using namespace working;

TEST_CASE("drain: retries that are delayed are waited for", "[worker][states]")
{
    const Kind kind = each_shared_kind();
    INFO(kind);
    Live queue(kind);
    std::atomic<int> runs{0};
    Working work;
    work.options.threads = 2;
    slotq_handler how = {};
    how.backoff_least_ms = 60;
    how.backoff_most_ms = 60;
    work.handle(
        "a:fails",
        [&](slotq_task *task) {
            runs++;
            return slotq_task_info_of(task)->attempts < 3 ? slotq_result_retry(1)
                                                          : slotq_result_done();
        },
        how);
    for (int i = 0; i < 10; i++) {
        push_task(queue, "a:fails");
    }
    work.add(queue);
    slotq_worker_drain(work.worker()); /* before the start */
    CHECK(slotq_worker_run(work.worker()) == SLOTQ_OK);
    CHECK(runs == 30);
    CHECK(work.stats().done == 10);
    CHECK(work.stats().retried == 20);
    CHECK(work.stats().state == SLOTQ_WORKER_ENDED);
    CHECK(queue.stats().unfinished == 0);
}

TEST_CASE("drain: queues that feed each other are drained together", "[worker][states]")
{
    const Kind kind = each_shared_kind();
    INFO(kind);
    constexpr int hops = 60;
    Live even(kind);
    Live odd(kind);
    Live to_even(even);
    Live to_odd(odd);
    std::mutex lock; /* a handle is for one thread at a time, and the next hop overtakes a reply */
    std::atomic<int> runs{0};
    Working work;
    work.options.threads = 2;
    work.handle("a:hop", [&](slotq_task *task) {
        const slotq_task_info *info = slotq_task_info_of(task);
        const int hop =
            std::stoi(std::string(static_cast<const char *>(info->body), info->body_bytes));
        if (hop + 1 < hops) {
            const std::string body = std::to_string(hop + 1);
            slotq_task_spec next = {};
            next.type = "a:hop";
            next.body = body.data();
            next.body_bytes = static_cast<uint32_t>(body.size());
            const std::lock_guard<std::mutex> guard(lock);
            if (slotq_task_push(hop % 2 == 0 ? to_odd : to_even, &next, nullptr) != SLOTQ_OK) {
                return slotq_result_dead(1);
            }
        }
        runs++;
        return slotq_result_done();
    });
    push_task(even, "a:hop", "0");
    work.add(even, "even");
    work.add(odd, "odd");
    slotq_worker_drain(work.worker());
    CHECK(slotq_worker_run(work.worker()) == SLOTQ_OK);
    CHECK(runs == hops);
    CHECK(even.stats().unfinished == 0);
    CHECK(odd.stats().unfinished == 0);
}

TEST_CASE("drain: a queue that was drained is looked at again after a task that feeds it",
          "[worker][states]")
{
    Live feeding(Kind::memory);
    Live fed(Kind::memory);
    Live to_fed(fed);
    push_task(feeding, "a:feed"); /* comes when both queues were seen to have none */
    const Message first = feeding.take();
    REQUIRE(slotq_nack(feeding, 0, first.id, first.token, 200, 1) == SLOTQ_OK);
    std::atomic<bool> is_fed{false};
    Working work;
    work.options.threads = 2;
    work.handle("a:feed", [&](slotq_task *) {
        slotq_task_spec next = {};
        next.type = "a:fed";
        is_fed = slotq_pause(to_fed, SLOTQ_PAUSE_OUT) == SLOTQ_OK && /* so that it stays there */
                 slotq_task_push(to_fed, &next, nullptr) == SLOTQ_OK;
        return slotq_result_done();
    });
    work.handle_done("a:fed");
    work.add(feeding, "feeding");
    work.add(fed, "fed");
    slotq_worker_drain(work.worker());
    work.start();
    REQUIRE(eventually([&] { return feeding.stats().acked == 1; }));
    CHECK(is_fed);
    CHECK(slotq_worker_join(work.worker(), 50, nullptr) == SLOTQ_AGAIN);
    CHECK(slotq_resume(fed, SLOTQ_PAUSE_OUT) == SLOTQ_OK);
    CHECK(slotq_worker_join(work.worker(), UINT64_MAX, nullptr) == SLOTQ_OK);
    CHECK(fed.stats().acked == 1);
}

TEST_CASE("drain: what another one has leased, and LATER tasks, are waited for", "[worker][states]")
{
    const Kind kind = each_shared_kind();
    INFO(kind);
    Live queue(kind);
    std::atomic<slotq_task *> later{nullptr};
    Working work;
    work.options.threads = 2;
    work.handle_done("a:b");
    work.handle("a:later", [&](slotq_task *task) {
        later = task;
        return slotq_result_later();
    });
    push_task(queue, "a:b");
    const Batch held = batch();
    REQUIRE(slotq_reserve(queue, 0, 1, 60000, 0, held.get()) == SLOTQ_OK);
    push_task(queue, "a:later");
    push_task(queue, "a:b");
    work.add(queue);
    work.start();
    slotq_worker_drain(work.worker());
    CHECK(eventually([&] { return work.stats().done == 1 && later != nullptr; }));
    CHECK(slotq_worker_join(work.worker(), 50, nullptr) == SLOTQ_AGAIN);
    CHECK(slotq_ack_batch(queue, held.get()) == SLOTQ_OK);
    CHECK(slotq_worker_join(work.worker(), 50, nullptr) == SLOTQ_AGAIN);
    CHECK(eventually([&] { return work.stats().pending == 1; }));
    CHECK(slotq_task_finish(later, slotq_result_done()) == SLOTQ_OK);
    CHECK(slotq_worker_join(work.worker(), UINT64_MAX, nullptr) == SLOTQ_OK);
    CHECK(queue.stats().acked == 3);
    CHECK(work.stats().done == 2);
}

TEST_CASE("quiet: what was not begun is given back, what runs goes on", "[worker][states]")
{
    const Kind kind = each_shared_kind();
    INFO(kind);
    Live queue(kind);
    std::atomic<bool> open{false};
    std::atomic<int> runs{0};
    std::atomic<bool> waits{false};
    Working work;
    work.options.threads = 1;
    work.options.give_back_ms = 600000; /* only quiet gives back */
    work.options.lease_ms = 60000;
    slotq_worker_queue how = {};
    how.prefetch_ms = 600000;
    work.handle("a:b", [&](slotq_task *) {
        runs++;
        return slotq_result_done();
    });
    work.handle("a:wait", [&](slotq_task *) {
        waits = true;
        eventually([&] { return open.load(); });
        return slotq_result_done();
    });
    for (int i = 0; i < 15; i++) {
        push_task(queue, "a:b"); /* 1, 2, 4, 8 */
    }
    const uint64_t running = push_task(queue, "a:wait");
    for (int i = 0; i < 10; i++) {
        push_task(queue, "a:b");
    }
    work.add(queue, "q", how);
    work.start();
    CHECK(eventually([&] { return waits.load(); }));
    CHECK(queue.stats().leased == 11);
    slotq_worker_quiet(work.worker());
    CHECK(work.stats().state == SLOTQ_WORKER_QUIET);
    CHECK(eventually([&] { return queue.stats().leased == 1; }));
    CHECK(queue.stats().ready == 10);
    for (uint64_t id = running + 1; id <= running + 10; id++) {
        CHECK(queue.status(id).attempts == 0);
    }
    CHECK(runs == 15);
    open = true;
    CHECK(eventually([&] { return work.stats().done == 16; }));
    push_task(queue, "a:b");
    CHECK(eventually([&] { return work.stats().running == 0; }));
    CHECK(runs == 15);
    CHECK(queue.stats().ready == 11);
    slotq_worker_resume(work.worker());
    CHECK(work.stats().state == SLOTQ_WORKER_RUNNING);
    CHECK(eventually([&] { return work.stats().done == 27; }));
    work.stop_and_join();
    CHECK(work.stats().given_back == 10);
    CHECK(queue.stats().unfinished == 0);
}

TEST_CASE("states: they go one way, but for quiet, and each is told once", "[worker][states]")
{
    Live queue(Kind::memory);
    Working work;
    work.options.threads = 2;
    work.handle_done("a:b");
    work.add(queue);
    slotq_worker *worker = work.worker();
    slotq_worker_resume(worker);
    slotq_worker_quiet(worker);
    slotq_worker_stop(worker);
    CHECK(work.stats().state == SLOTQ_WORKER_NEW);
    work.start();
    CHECK(work.stats().state == SLOTQ_WORKER_RUNNING);
    slotq_worker_resume(worker);
    slotq_worker_quiet(worker);
    slotq_worker_quiet(worker);
    CHECK(work.stats().state == SLOTQ_WORKER_QUIET);
    slotq_worker_resume(worker);
    CHECK(work.stats().state == SLOTQ_WORKER_RUNNING);
    slotq_worker_stop(worker);
    slotq_worker_quiet(worker);
    slotq_worker_resume(worker);
    slotq_worker_drain(worker);
    CHECK(slotq_worker_join(worker, UINT64_MAX, nullptr) == SLOTQ_OK);
    CHECK(work.stats().state == SLOTQ_WORKER_ENDED);
    CHECK(work.count(SLOTQ_EVENT_STATE) == 5); /* running, quiet, running, stopping, ended */
}
