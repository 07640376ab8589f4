/* test_lease.cpp: the lease of a message that runs is kept; if it is lost anyhow, its handler
 * is told, and its result is dropped.
 */
#include "catch.hpp"

#include <atomic>
#include <chrono>
#include <thread>

#include "process.hpp"
#include "working.hpp"

using namespace any_queue;
using namespace working;

namespace
{

using Words = std::vector<std::string>;

Kind stored_kind()
{
    return GENERATE(Kind::file, Kind::redis);
}

void rest(int ms)
{
    std::this_thread::sleep_for(std::chrono::milliseconds(ms));
}

} // namespace

TEST_CASE("a process that stood still is told LOST, and its result is dropped", "[worker]")
{
    const Kind kind = stored_kind();
    INFO(kind);
    Live queue(kind);
    const uint64_t id = push_task(queue, "p:lost");
    Process slow(queue, ProcessPlan());
    REQUIRE(slow.next("began") == Words({std::to_string(id), "1", "1"}));
    slow.stop();
    Working work;
    work.options.threads = 1;
    work.handle_done("p:lost");
    work.add(queue);
    work.start();
    CHECK(eventually([&] { return work.stats().done == 1; }));
    slow.go_on();
    const Words told = slow.next("told");
    REQUIRE(told.size() == 2);
    CHECK((std::stoul(told[1]) & SLOTQ_TOLD_LOST) != 0);
    CHECK(slow.next("event") == Words({"LOST", std::to_string(id)}));
    CHECK(slow.next("settled") == Words({std::to_string(id), "STALE"}));
    CHECK(slow.end() == 0);
    CHECK(slow.next("ended") == Words({"0", "1"}));
    CHECK(queue.stats().acked == 1);
    work.stop_and_join();
}

TEST_CASE("confirm says that the lease is another's", "[worker]")
{
    const Kind kind = stored_kind();
    INFO(kind);
    Live queue(kind);
    const uint64_t id = push_task(queue, "p:confirm");
    Process slow(queue, ProcessPlan());
    REQUIRE(slow.next("began").size() == 3);
    slow.stop();
    Message taken;
    REQUIRE(eventually([&] { return (taken = queue.take()).id == id; }));
    CHECK(taken.attempts == 2);
    slow.go_on();
    CHECK(slow.next("confirmed") == Words({std::to_string(id), "STALE"}));
    CHECK(slow.next("event") == Words({"LOST", std::to_string(id)}));
    CHECK(slow.next("settled") == Words({std::to_string(id), "STALE"}));
    CHECK(slow.end() == 0);
    CHECK(slow.next("ended") == Words({"0", "1"}));
    CHECK(slotq_ack(queue, 0, taken.id, taken.token) == SLOTQ_OK);
    CHECK(queue.stats().acked == 1);
}

TEST_CASE("a handler that runs for many leases keeps its message", "[worker]")
{
    const Kind kind = each_shared_kind();
    INFO(kind);
    Live queue(kind);
    std::atomic<bool> may_end{false};
    Working work;
    work.options.threads = 1;
    work.options.lease_ms = 600;
    work.handle("a:long", [&](slotq_task *task) {
        while (!may_end) {
            rest(1);
        }
        CHECK(slotq_task_told(task) == 0);
        CHECK(slotq_task_confirm(task) == SLOTQ_OK);
        return slotq_result_done();
    });
    const uint64_t id = push_task(queue, "a:long");
    work.add(queue);
    work.start();
    REQUIRE(eventually([&] { return queue.status(id).state == SLOTQ_STATE_LEASED; }));
    const uint64_t first_ms = queue.status(id).deadline_ms;
    CHECK(eventually([&] { return queue.status(id).deadline_ms >= first_ms + 300; }));
    may_end = true;
    CHECK(eventually([&] { return work.stats().done == 1; }));
    work.stop_and_join();
    CHECK(work.stats().lost == 0);
    CHECK(queue.stats().redelivered == 0);
}

TEST_CASE("a task that waits for finish keeps its message", "[worker]")
{
    const Kind kind = each_shared_kind();
    INFO(kind);
    Live queue(kind);
    std::atomic<slotq_task *> later{nullptr};
    Working work;
    work.options.threads = 1;
    work.options.lease_ms = 600;
    work.handle("a:later", [&](slotq_task *task) {
        later = task;
        return slotq_result_later();
    });
    const uint64_t id = push_task(queue, "a:later");
    work.add(queue);
    work.start();
    REQUIRE(eventually([&] { return work.stats().pending == 1; }));
    const uint64_t first_ms = queue.status(id).deadline_ms;
    CHECK(eventually([&] { return queue.status(id).deadline_ms >= first_ms + 300; }));
    CHECK(slotq_task_confirm(later) == SLOTQ_OK);
    CHECK(slotq_task_finish(later, slotq_result_done()) == SLOTQ_OK);
    CHECK(eventually([&] { return work.stats().done == 1; }));
    work.stop_and_join();
    CHECK(queue.stats().acked == 1);
    CHECK(queue.stats().redelivered == 0);
}
