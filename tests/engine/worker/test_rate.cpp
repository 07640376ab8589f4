/* test_rate.cpp: rates: of a queue for all workers, of a worker alone, and a rest that a handler
 * asks for. Upper bounds are by the clock that each run reads after the fact: a slow machine only
 * makes them easier.
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

using Clock = std::chrono::steady_clock;

int64_t ms_between(Clock::time_point from, Clock::time_point to)
{
    return std::chrono::duration_cast<std::chrono::milliseconds>(to - from).count();
}

/* When runs began, and whether each was the first attempt. */
struct Starts {
    std::mutex lock;
    std::vector<Clock::time_point> at;
    std::atomic<int> again{0};

    Handler handler()
    {
        return [this](slotq_task *task) {
            note(task);
            return slotq_result_done();
        };
    }
    size_t note(slotq_task *task)
    {
        const std::lock_guard<std::mutex> guard(lock);
        at.push_back(Clock::now());
        again += slotq_task_info_of(task)->attempts != 1 ? 1 : 0;
        return at.size();
    }
    size_t count()
    {
        const std::lock_guard<std::mutex> guard(lock);
        return at.size();
    }
};

/* No more than `burst` at once, then one in interval_ms; slack_ms: how coarse the clock is. */
void check_rate(Starts &starts, Clock::time_point begun, int64_t interval_ms, int64_t burst,
                int64_t slack_ms)
{
    int64_t late = 0;
    for (size_t i = 0; i < starts.at.size(); i++) {
        const int64_t may_ms = (static_cast<int64_t>(i) - burst) * interval_ms - slack_ms;
        late += ms_between(begun, starts.at[i]) < may_ms ? 1 : 0;
    }
    INFO("starts that were too early: " << late);
    CHECK(late == 0);
}

} // namespace

TEST_CASE("rate: a queue's limit holds over two workers, and costs no attempt", "[worker][rate]")
{
    const Kind kind = each_shared_kind();
    INFO(kind);
    Live queue(kind, real_geometry(401));
    slotq_limits limits = {};
    limits.rate_interval_us = 5000;
    limits.rate_burst = 5;
    REQUIRE(slotq_limit(queue, 0, SLOTQ_LIMIT_RATE | SLOTQ_LIMIT_BURST, &limits) == SLOTQ_OK);
    Live other(queue);
    Starts starts;
    for (int i = 0; i < 100; i++) {
        push_task(queue, "a:b");
    }
    const Clock::time_point begun = Clock::now();
    {
        Working first;
        Working second;
        for (Working *work : {&first, &second}) {
            work->options.threads = 2;
            work->handle("a:b", starts.handler());
        }
        first.add(queue);
        second.add(other);
        first.start();
        second.start();
        CHECK(eventually([&] { return first.stats().done + second.stats().done == 100; }));
        first.stop_and_join();
        second.stop_and_join();
    }
    CHECK(starts.again == 0);
    check_rate(starts, begun, 5, 5, 20); /* two ticks: a token counts from the tick's begin on */
}

TEST_CASE("rate: a worker's limit holds over its threads", "[worker][rate]")
{
    Live queue(Kind::memory, real_geometry(401));
    Starts starts;
    Working work;
    work.options.threads = 3;
    work.handle("a:b", starts.handler());
    slotq_worker_queue how = {};
    how.rate_interval_us = 10000;
    how.rate_burst = 10;
    work.add(queue, "q", how);
    Clock::time_point begun = Clock::now();
    SECTION("from the start on")
    {
        for (int i = 0; i < 50; i++) {
            push_task(queue, "a:b");
        }
        begun = Clock::now();
        work.start();
    }
    SECTION("after a wait for messages, that is not paid for twice")
    {
        work.start();
        push_task(queue, "a:b"); /* its watcher has learnt to take more than one */
        push_task(queue, "a:b");
        push_task(queue, "a:b");
        CHECK(eventually([&] { return work.stats().done == 3; }));
        std::this_thread::sleep_for(std::chrono::milliseconds(150));
        std::vector<slotq_data> messages(47, slotq_data{"a:b", 4}); /* frames of form A */
        const Clock::time_point again = Clock::now();
        REQUIRE(slotq_push(queue, messages.data(), 47, nullptr) == SLOTQ_OK);
        CHECK(eventually([&] { return work.stats().done == 50; }));
        work.stop_and_join();
        REQUIRE(starts.at.size() == 50);
        starts.at.erase(starts.at.begin(), starts.at.begin() + 3);
        check_rate(starts, again, 10, 10, 1);
        return;
    }
    CHECK(eventually([&] { return work.stats().done == 50; }));
    work.stop_and_join();
    CHECK(starts.again == 0);
    check_rate(starts, begun, 10, 10, 1);
}

TEST_CASE("rate: a rest that a handler asks for", "[worker][rate]")
{
    Live queue(Kind::memory); /* the worker rests, whatever the queue is */
    Live other(Kind::memory);
    Starts starts;
    std::atomic<int64_t> rested_ms{-1};
    Clock::time_point refused;
    Working work;
    work.options.threads = 1;
    work.handle("a:b", [&](slotq_task *task) {
        const size_t number = starts.note(task);
        if (number == 20) { /* 429, Retry-After: more than the second of a release */
            refused = Clock::now();
            slotq_task_rest_queue(task, 1300);
            return slotq_result_release();
        }
        if (number == 21) {
            rested_ms = ms_between(refused, Clock::now());
        }
        return slotq_result_done();
    });
    std::atomic<int> beside{0};
    work.handle("a:other", [&](slotq_task *) {
        beside++;
        return slotq_result_done();
    });
    for (int i = 0; i < 40; i++) {
        push_task(queue, "a:b");
    }
    slotq_worker_queue how = {};
    how.prefetch_ms = 600000; /* so that it holds some when it is to rest */
    work.add(queue, "q", how);
    work.add(other, "other");
    work.start();
    CHECK(eventually([&] { return starts.count() == 20; }));
    push_task(other, "a:other"); /* other queues go on */
    CHECK(eventually([&] { return beside == 1; }));
    CHECK(eventually([&] { return queue.stats().leased == 0; }));
    CHECK(eventually([&] { return work.stats().done == 41; }));
    work.stop_and_join();
    CHECK(rested_ms >= 1299);
    CHECK(starts.again == 0); /* nor those that were held, and given back */
    CHECK(work.stats().released == 1);
    CHECK(queue.stats().unfinished == 0);
}
