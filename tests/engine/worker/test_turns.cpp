/* test_turns.cpp: which queue a worker takes from: by weight, in order, and with threads that are
 * kept for a queue.
 */
#include "catch.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>

#include "live.hpp"

using namespace any_queue;
using namespace working;

namespace
{

/* Handlers that wait at it, and how many of each queue do. */
struct Gate {
    std::atomic<bool> open{false};
    std::mutex lock;
    std::map<std::string, int> waiting, most;

    int count(const std::string &queue)
    {
        const std::lock_guard<std::mutex> guard(lock);
        return waiting[queue];
    }
    int most_of(const std::string &queue)
    {
        const std::lock_guard<std::mutex> guard(lock);
        return most[queue];
    }
    Handler handler()
    {
        return [this](slotq_task *task) {
            const std::string queue = slotq_task_info_of(task)->queue;
            {
                const std::lock_guard<std::mutex> guard(lock);
                most[queue] = std::max(most[queue], ++waiting[queue]);
            }
            eventually([&] { return open.load(); });
            const std::lock_guard<std::mutex> guard(lock);
            waiting[queue]--;
            return slotq_result_done();
        };
    }
};

void push_many(slotq *queue, const std::string &type, int count)
{
    for (int i = 0; i < count; i++) {
        push_task(queue, type);
    }
}

} // namespace

TEST_CASE("turns: weights are shares of the turns", "[worker][turns]")
{
    const uint32_t weights[] = {6, 3, 1};
    std::list<Live> queues;
    std::mutex lock;
    std::vector<std::string> order;
    Working work;
    work.options.threads = 1;
    work.handle("a:b", [&](slotq_task *task) {
        const std::lock_guard<std::mutex> guard(lock);
        order.push_back(slotq_task_info_of(task)->queue);
        return slotq_result_done();
    });
    slotq_worker_queue how = {};
    how.prefetch_most = 1;
    for (const uint32_t weight : weights) {
        queues.emplace_back(Kind::memory, real_geometry(1001));
        push_many(queues.back(), "a:b", 700);
        how.weight = weight;
        work.add(queues.back(), std::to_string(weight), how);
    }
    work.start();
    CHECK(eventually([&] { return work.stats().done >= 1000; }));
    work.stop_and_join();
    order.resize(1000);
    for (const uint32_t weight : weights) {
        const auto runs = std::count(order.begin(), order.end(), std::to_string(weight));
        INFO(weight << ": " << runs);
        CHECK(runs >= 90 * weight);
        CHECK(runs <= 110 * weight);
        /* Not in blocks: a share in each hundred, too. */
        const auto early = std::count(order.begin(), order.begin() + 100, std::to_string(weight));
        CHECK(early >= 9 * weight - 1);
    }
}

TEST_CASE("turns: in order, the first queue is asked first, and none starves", "[worker][turns]")
{
    const Kind kind = each_shared_kind();
    INFO(kind);
    Live high(kind);
    Live low(kind);
    Live again(high); /* for the handler */
    std::atomic<int> high_runs{0};
    std::atomic<int> low_runs{0};
    std::atomic<int64_t> low_ms{0};
    Working work;
    work.options.threads = 1;
    work.options.strict = true;
    work.options.starve_ms = 150;
    const auto begun = std::chrono::steady_clock::now();
    work.handle("a:high", [&](slotq_task *) {
        high_runs++;
        slotq_task_spec task = {};
        task.type = "a:high"; /* never empty */
        return slotq_task_push(again, &task, nullptr) == SLOTQ_OK ? slotq_result_done()
                                                                  : slotq_result_dead(1);
    });
    work.handle("a:low", [&](slotq_task *) {
        if (low_runs++ == 0) {
            low_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                         std::chrono::steady_clock::now() - begun)
                         .count();
        }
        return slotq_result_done();
    });
    push_many(high, "a:high", 50);
    push_many(low, "a:low", 3);
    slotq_worker_queue how = {};
    how.prefetch_most = 4;
    work.add(high, "high", how);
    how.prefetch_most = 1;
    work.add(low, "low", how);
    work.start();
    CHECK(eventually([&] { return low_runs == 3; }));
    work.stop_and_join();
    CHECK(low_ms >= 149); /* in order: not before it starved */
    CHECK(high_runs > 10);
    CHECK(work.stats().died == 0);
}

TEST_CASE("turns: without a starve_ms the order is all", "[worker][turns]")
{
    Live high(Kind::memory);
    Live low(Kind::memory);
    std::mutex lock;
    std::vector<std::string> order;
    Working work;
    work.options.threads = 1;
    work.options.strict = true;
    work.options.starve_ms = SLOTQ_NO_LIMIT;
    work.handle("a:b", [&](slotq_task *task) {
        const std::lock_guard<std::mutex> guard(lock);
        order.push_back(slotq_task_info_of(task)->queue);
        return slotq_result_done();
    });
    push_many(high, "a:b", 60);
    push_many(low, "a:b", 60);
    work.add(high, "1");
    work.add(low, "2");
    work.start();
    CHECK(eventually([&] { return work.stats().done == 120; }));
    work.stop_and_join();
    CHECK(order.size() == 120);
    CHECK(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE("turns: kept threads work for no other queue", "[worker][turns]")
{
    const Kind kind = each_shared_kind();
    INFO(kind);
    Live bulk(kind);
    Live critical(kind);
    Gate gate;
    Working work;
    work.options.threads = 4;
    work.handle("a:wait", gate.handler());
    work.handle_done("a:b");
    push_many(bulk, "a:wait", 10);
    slotq_worker_queue how = {};
    how.prefetch_most = 1;
    work.add(bulk, "bulk", how);
    how.threads_kept = 1;
    work.add(critical, "critical", how);
    work.start();
    CHECK(eventually([&] { return gate.count("bulk") == 3; }));
    push_many(critical, "a:b", 5);
    CHECK(eventually([&] { return work.stats().done == 5; }));
    CHECK(gate.count("bulk") == 3);
    gate.open = true;
    CHECK(eventually([&] { return work.stats().done == 15; }));
    work.stop_and_join();
    CHECK(gate.most_of("bulk") == 3);
}

TEST_CASE("turns: a queue has no more threads than its most", "[worker][turns]")
{
    const Kind kind = each_shared_kind();
    INFO(kind);
    Live narrow(kind);
    Live wide(kind);
    Gate gate;
    Working work;
    work.options.threads = 5;
    work.handle("a:wait", gate.handler());
    push_many(narrow, "a:wait", 10);
    push_many(wide, "a:wait", 10);
    slotq_worker_queue how = {};
    how.prefetch_most = 1;
    work.add(wide, "wide", how);
    how.threads_most = 2;
    how.weight = 10;
    work.add(narrow, "narrow", how);
    work.start();
    CHECK(eventually([&] { return gate.count("narrow") == 2 && gate.count("wide") == 3; }));
    gate.open = true;
    CHECK(eventually([&] { return work.stats().done == 20; }));
    work.stop_and_join();
    CHECK(gate.most_of("narrow") <= 2);
    CHECK(work.stats().done == 20);
}
