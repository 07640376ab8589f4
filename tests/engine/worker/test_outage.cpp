/* test_outage.cpp: a server that refuses for a while, or dies: no task is lost, none is run twice,
 * and the wait costs no processor.
 */
#include "catch.hpp"

#include <atomic>
#include <chrono>
#include <map>
#include <thread>

#include <sys/resource.h>

#include "live.hpp"
#include "server/redis_server.hpp"
#include "server/riding.hpp"
#include "waits.hpp"

using namespace any_queue;
using namespace working;

namespace
{

constexpr int TASKS = 60;

uint64_t microseconds(const timeval &time)
{
    return static_cast<uint64_t>(time.tv_sec) * 1000000 + static_cast<uint64_t>(time.tv_usec);
}

uint64_t processor_us()
{
    rusage used;
    getrusage(RUSAGE_SELF, &used);
    return microseconds(used.ru_utime) + microseconds(used.ru_stime);
}

/* This process, which waits for its queue, used at most 2 % of a processor for half a second, and
 * woke 200 times. A worker that spins does not do so at any time. */
bool waits_cheaply()
{
    const auto begun = std::chrono::steady_clock::now();
    const uint64_t used_us = processor_us();
    const uint64_t waits_before = waits();
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    const uint64_t us = processor_us() - used_us;
    const uint64_t waited = waits() - waits_before;
    const auto passed = std::chrono::steady_clock::now() - begun;
    return us * 50 * 1000 <= static_cast<uint64_t>(passed.count()) && waited <= 200;
}

bool says(Working &work, const std::string &word)
{
    slotq_error error = {};
    slotq_worker_error(work.worker(), &error);
    return std::string(error.text).find(word) != std::string::npos;
}

/* Tasks are worked in a server that goes away in their middle, for which the worker has this word,
 * and comes back. */
void ride(redis::Server &server, const std::string &word, const std::function<void()> &go,
          const std::function<void(Working &)> &come)
{
    Live queue(server.url());
    const riding::Queue handle(server.url(), 1); /* the worker waits, not a call */
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
    CHECK(says(work, word));
    CHECK(eventually(waits_cheaply));
    come(work);
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
        server, "replica",
        [&] {
            server.command({"REPLICAOF", "127.0.0.1", "1"});
        },
        [&](Working &) {
            server.command({"REPLICAOF", "NO", "ONE"});
        });
}

TEST_CASE("outage: a server that wants replicas and has none", "[worker][outage]")
{
    redis::Server server;
    ride(
        server, "NOREPLICAS",
        [&] {
            server.command({"CONFIG", "SET", "min-replicas-to-write", "1"});
        },
        [&](Working &) {
            server.command({"CONFIG", "SET", "min-replicas-to-write", "0"});
        });
}

TEST_CASE("outage: a server that is killed, and started again with its log", "[worker][outage]")
{
    redis::Server server({"--appendonly", "yes", "--appendfsync", "always"});
    ride(
        server, "connect", [&] { server.kill(); }, [&](Working &) { server.start(); });
}

TEST_CASE("outage: a server that is busy with a script", "[worker][outage]")
{
    redis::Server server;
    server.command({"CONFIG", "SET", "busy-reply-threshold", "20"});
    const auto other = server.connect();
    ride(
        server, "BUSY",
        [&] {
            other->append({"EVAL", "while true do end", "0"});
            REQUIRE(other->send());
        },
        [&](Working &) {
            server.command({"SCRIPT", "KILL"});
        });
}

TEST_CASE("outage: a server that cannot save", "[worker][outage]")
{
    redis::Server server({"--enable-protected-configs", "yes"});
    const auto stop_writes = [&](const char *how) {
        server.command({"CONFIG", "SET", "stop-writes-on-bgsave-error", how});
    };
    riding::fail_to_save(server);
    stop_writes("no");
    ride(
        server, "MISCONF", [&] { stop_writes("yes"); }, [&](Working &) { stop_writes("no"); });
}

TEST_CASE("outage: a server that is killed, and loads its data for long", "[worker][outage]")
{
    redis::Server server({"--appendonly", "yes", "--appendfsync", "always", "--key-load-delay",
                          "20000", "--loading-process-events-interval-bytes", "1024"});
    server.command(
        {"EVAL", "for i = 1, 1000 do redis.call('SET', i, string.rep('x', 1000)) end", "0"});
    server.command({"BGREWRITEAOF"});
    REQUIRE(
        riding::comes_true([&] { return riding::info(server, "aof_rewrite_in_progress") == "0"; }));
    bool loads = false;
    ride(
        server, "connect", [&] { server.kill(); },
        [&](Working &work) {
            std::thread other([&] { /* a server dies with the thread that started it */
                                    loads = eventually([&] { return says(work, "LOADING"); }, 15);
                                    server.command({"CONFIG", "SET", "key-load-delay", "0"});
            });
            server.start();
            other.join();
        });
    CHECK(loads);
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
    work.handle_done("a:b");
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

TEST_CASE("outage: a queue that is given up is not the end of a worker that has another one",
          "[worker][outage]")
{
    redis::Server server;
    Live queue(server.url());
    Live other(Kind::memory);
    const riding::Queue handle(server.url(), 200);
    Working work;
    work.options.patience_ms = 300;
    work.handle_done("a:b");
    work.add(handle.get(), "far");
    work.add(other, "near");
    work.start();
    server.kill();
    CHECK(eventually([&] { return work.count(SLOTQ_EVENT_QUEUE_FAILED) == 1; }, 30));
    push_task(other, "a:b");
    CHECK(eventually([&] { return work.stats().done == 1; }));
    slotq_worker_stop(work.worker());
    CHECK(slotq_worker_join(work.worker(), UINT64_MAX, nullptr) == SLOTQ_OK);
}
