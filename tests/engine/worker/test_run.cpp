/* test_run.cpp: a worker on each kind of queue: every message is run and settled as its handler
 * says.
 */
#include "catch.hpp"

#include <atomic>

#include "working.hpp"

using namespace any_queue;
using namespace working;

namespace
{

/* Kinds that several handles may have open. */
Kind shared_kind()
{
    return GENERATE(Kind::memory, Kind::file, Kind::redis);
}

} // namespace

TEST_CASE("a worker runs each message once and acks it", "[worker]")
{
    const Kind kind = shared_kind();
    INFO(kind);
    Queue queue(kind, real_geometry());
    std::atomic<int> ran{0};
    Working work;
    work.options.threads = 4;
    work.handle("mail:send", [&](slotq_task *) {
        ran++;
        return slotq_result_done();
    });
    for (int i = 0; i < 50; i++) {
        push_task(queue, "mail:send", std::to_string(i));
    }
    work.add(queue);
    work.start();
    CHECK(eventually([&] { return work.stats().done == 50; }));
    for (int i = 0; i < 50; i++) {
        push_task(queue, "mail:send", std::to_string(i));
    }
    CHECK(eventually([&] { return work.stats().done == 100; }));
    work.stop_and_join();
    CHECK(ran == 100);
    CHECK(queue.stats().unfinished == 0);
    CHECK(queue.stats().acked == 100);
}

TEST_CASE("a result is settled as the handler says", "[worker]")
{
    const Kind kind = shared_kind();
    INFO(kind);
    Queue queue(kind, real_geometry());
    queue.now_ms = 1700000000000; /* stands still: delays do not end */
    Working work;
    work.options.threads = 1;
    work.handle_done("a:done");
    work.handle("a:retry", [](slotq_task *) { return slotq_result_retry_after(60000, 7); });
    work.handle("a:dead", [](slotq_task *) { return slotq_result_dead(9); });
    work.handle("a:snooze", [](slotq_task *) { return slotq_result_snooze(60000); });
    push_task(queue, "a:done");
    const uint64_t retry = push_task(queue, "a:retry");
    const uint64_t dead = push_task(queue, "a:dead");
    const uint64_t snooze = push_task(queue, "a:snooze");
    const uint64_t unknown = push_task(queue, "a:unknown");
    work.add(queue);
    work.start();
    CHECK(eventually([&] {
        const slotq_worker_stats stats = work.stats();
        return stats.done == 1 && stats.retried == 1 && stats.died == 1 && stats.snoozed == 2;
    }));
    work.stop_and_join();
    CHECK(queue.stats().acked == 1);
    CHECK(queue.status(retry).state == SLOTQ_STATE_WAITING);
    CHECK(queue.status(retry).attempts == 1);
    CHECK(queue.status(dead).is_dead);
    CHECK(queue.status(dead).reason == 9);
    CHECK(queue.status(snooze).state == SLOTQ_STATE_WAITING);
    CHECK(queue.status(snooze).attempts == 0);
    CHECK(queue.status(unknown).state == SLOTQ_STATE_WAITING);
    CHECK(queue.status(unknown).attempts == 0);
}

TEST_CASE("a retry and a snooze are told with their delay", "[worker]")
{
    Queue queue(Kind::memory, real_geometry());
    queue.now_ms = 1700000000000; /* stands still: delays do not end */
    Working work;
    work.options.threads = 1;
    slotq_handler fixed = {};
    fixed.backoff_least_ms = fixed.backoff_most_ms = 4321;
    work.handle("a:after", [](slotq_task *) { return slotq_result_retry_after(60000, 7); });
    work.handle(
        "a:backoff", [](slotq_task *) { return slotq_result_retry(7); }, fixed);
    work.handle("a:snooze", [](slotq_task *) { return slotq_result_snooze(50000); });
    work.handle("a:dead", [](slotq_task *) { return slotq_result_dead(9); });
    const std::vector<std::pair<std::string, uint64_t>> delays = {
        {"a:after", 60000}, {"a:backoff", 4321}, {"a:snooze", 50000}, {"a:dead", 0}};
    for (const auto &one : delays) {
        push_task(queue, one.first);
    }
    work.add(queue);
    work.start();
    CHECK(eventually([&] {
        const slotq_worker_stats stats = work.stats();
        return stats.retried == 2 && stats.snoozed == 1 && stats.died == 1;
    }));
    work.stop_and_join();
    std::vector<std::pair<std::string, uint64_t>> told;
    for (const Told &one : work.told()) {
        if (one.kind != SLOTQ_EVENT_STATE) {
            told.emplace_back(one.type, one.delay_ms);
        }
    }
    CHECK(told == delays);
}

TEST_CASE("events and states have names, and a change of state is told by its name", "[worker]")
{
    CHECK(std::string(slotq_event_name(SLOTQ_EVENT_START)) == "START");
    CHECK(std::string(slotq_event_name(SLOTQ_EVENT_CRON_MISSED)) == "CRON_MISSED");
    CHECK(std::string(slotq_event_name(SLOTQ_EVENT_STATE)) == "STATE");
    CHECK(std::string(slotq_event_name(static_cast<slotq_event_kind>(18))) == "?");
    CHECK(std::string(slotq_worker_state_name(SLOTQ_WORKER_NEW)) == "NEW");
    CHECK(std::string(slotq_worker_state_name(static_cast<slotq_worker_state>(6))) == "?");
    Queue queue(Kind::memory, real_geometry());
    Working work;
    work.handle_done("a:done");
    work.add(queue);
    work.start();
    work.stop_and_join();
    std::vector<std::string> states;
    for (const Told &one : work.told()) {
        if (one.kind == SLOTQ_EVENT_STATE) {
            states.push_back(one.text);
        }
    }
    CHECK(states == std::vector<std::string>{"RUNNING", "STOPPING", "ENDED"});
}
