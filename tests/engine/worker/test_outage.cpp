/* test_outage.cpp: a server that refuses for a while, or dies: no task is lost, none is run twice,
 * and the wait costs no processor.
 */
#include "catch.hpp"

#include <atomic>
#include <map>
#include <thread>

#include <sys/resource.h>

#include "live.hpp"
#include "server/redis_server.hpp"
#include "server/riding.hpp"

using namespace any_queue;
using namespace working;

namespace
{

constexpr int TASKS = 60;

int64_t processor_ms()
{
    rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
           (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
}

void pause_ms(int ms)
{
    std::this_thread::sleep_for(std::chrono::milliseconds(ms));
}

/* Tasks are worked in a server that goes away in their middle, and comes back. */
void ride(redis::Server &server, const std::function<void()> &go, const std::function<void()> &come)
{
    Live queue(server.url());
    const riding::Queue handle(server.url(), 200); /* how long a call tries again */
    std::mutex lock;
    std::map<uint64_t, int> runs;
    std::atomic<int> begun{0};
    Working work;
    work.options.threads = 2;
    work.options.lease_ms = 60000; /* no lease ends */
    work.handle("a:b", [&](slotq_task *task) {
        const std::lock_guard<std::mutex> guard(lock);
        runs[slotq_task_info_of(task)->id]++;
        begun++;
        return slotq_result_done();
    });
    for (int i = 0; i < TASKS; i++) {
        push_task(queue, "a:b");
    }
    slotq_worker_queue how = {};
    how.prefetch_most = 4;
    how.rate_interval_us = 10000;
    work.add(handle.get(), "q", how);
    work.start();
    CHECK(eventually([&] { return begun >= 10; }));
    go();
    CHECK(eventually([&] { return work.count(SLOTQ_EVENT_AWAY) == 1; }));
    CHECK(work.stats().away);
    const int64_t before_ms = processor_ms();
    pause_ms(500);
    CHECK(processor_ms() - before_ms <= 150); /* a loop that spins takes 500 and more */
    come();
    CHECK(eventually([&] { return work.stats().done + work.stats().unknown == TASKS; }));
    CHECK(work.count(SLOTQ_EVENT_BACK) >= 1);
    work.stop_and_join();
    CHECK(work.stats().done == TASKS);
    CHECK(work.stats().lost == 0);
    CHECK(work.count(SLOTQ_EVENT_QUEUE_FAILED) == 0);
    CHECK(runs.size() == TASKS);
    for (const auto &one : runs) {
        CHECK(one.second == 1);
    }
    CHECK(queue.stats().acked == TASKS);
    CHECK(queue.stats().unfinished == 0);
}

} // namespace

TEST_CASE("outage: a server that becomes a replica, and a primary again", "[worker][outage]")
{
    redis::Server server;
    ride(
        server,
        [&] {
            server.command({"REPLICAOF", "127.0.0.1", "1"});
        },
        [&] {
            server.command({"REPLICAOF", "NO", "ONE"});
        });
}

TEST_CASE("outage: a server that wants replicas and has none", "[worker][outage]")
{
    redis::Server server;
    ride(
        server,
        [&] {
            server.command({"CONFIG", "SET", "min-replicas-to-write", "1"});
        },
        [&] {
            server.command({"CONFIG", "SET", "min-replicas-to-write", "0"});
        });
}

TEST_CASE("outage: a server that is killed, and started again with its log", "[worker][outage]")
{
    redis::Server server({"--appendonly", "yes", "--appendfsync", "always"});
    ride(
        server, [&] { server.kill(); }, [&] { server.start(); });
}

TEST_CASE("outage: after patience_ms the queue is given up, and with all of them the worker",
          "[worker][outage]")
{
    redis::Server server;
    Live queue(server.url());
    const riding::Queue handle(server.url(), 200);
    Working work;
    work.options.threads = 2;
    work.options.patience_ms = 300;
    work.handle("a:b", [](slotq_task *) { return slotq_result_done(); });
    work.add(handle.get());
    work.start();
    push_task(queue, "a:b");
    CHECK(eventually([&] { return work.stats().done == 1; }));
    server.kill();
    slotq_worker *worker = work.worker();
    const slotq_outcome outcome = slotq_worker_join(worker, UINT64_MAX, nullptr);
    CHECK(outcome == SLOTQ_CONNECT);
    CHECK(slotq_worker_error(worker, nullptr) == SLOTQ_CONNECT);
    CHECK(work.count(SLOTQ_EVENT_QUEUE_FAILED) == 1);
}
