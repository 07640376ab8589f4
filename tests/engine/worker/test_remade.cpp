/* test_remade.cpp: a queue is made anew while messages run: ids and tokens of the old one, which
 * may be those of the new one, do nothing there.
 */
#include "catch.hpp"

#include <atomic>

#include <unistd.h>

#include "live.hpp"
#include "server/redis_server.hpp"

using namespace any_queue;
using namespace working;

namespace
{

constexpr uint32_t MINUTE_MS = 60000;
constexpr uint32_t LEASE_MS = 10 * MINUTE_MS;

/* With a tick of a minute, leases of the same length have the same token. */
Geometry slow_geometry()
{
    Geometry made = real_geometry();
    made.tick(MINUTE_MS);
    return made;
}

/* Two handlers that run, each with the message of a hand. */
struct Two {
    redis::Server server;
    Live old{server.url(), slow_geometry()};
    std::atomic<slotq_task *> tasks[2] = {};
    std::atomic<uint32_t> begun{0};
    std::atomic<bool> may_end{false};
    Working work;

    Two()
    {
        work.options.threads = 2;
        work.options.lease_ms = LEASE_MS;
        work.options.alone_attempts = 255;
        work.handle("a:wait", [this](slotq_task *task) {
            const bool is_new = slotq_task_info_of(task)->payload_bytes == 0;
            tasks[begun++] = is_new ? nullptr : task;
            while (!may_end) {
                usleep(1000);
            }
            return slotq_result_done();
        });
        push_task(old, "a:wait");
        push_task(old, "a:wait");
        work.add(old);
        work.start();
        REQUIRE(
            eventually([&] { return begun == 2 && tasks[0] != nullptr && tasks[1] != nullptr; }));
        REQUIRE(slotq_remove_queue(server.url().c_str(), "q", nullptr) == SLOTQ_OK);
    }
    ~Two()
    {
        may_end = true;
    }
};

/* Messages with the ids of the old ones, leased by another consumer. */
struct Anew {
    Live queue;
    Message taken[2];

    explicit Anew(const Two &two) : queue(two.server.url(), slow_geometry())
    {
        push_task(queue, "a:wait");
        push_task(queue, "a:wait");
        taken[0] = queue.take(LEASE_MS);
        taken[1] = queue.take(LEASE_MS);
    }
    void check_untouched()
    {
        for (const Message &message : taken) {
            CHECK(slotq_ack(queue, 0, message.id, message.token) == SLOTQ_OK);
        }
    }
};

} // namespace

TEST_CASE("confirm: a lease of the queue before is not one of the queue made anew", "[worker]")
{
    Two two;
    Anew anew(two);
    CHECK(slotq_task_confirm(two.tasks[0]) == SLOTQ_REMADE);
    CHECK(slotq_task_confirm(two.tasks[1]) == SLOTQ_REMADE);
    for (slotq_task *task : two.tasks) {
        CHECK((slotq_task_told(task) & SLOTQ_TOLD_LOST) != 0);
    }
    anew.check_untouched();
    two.may_end = true;
    two.work.stop_and_join();
    CHECK(two.work.stats().done == 0);
    CHECK(two.work.stats().lost == 2);
}

TEST_CASE("stop: what runs is not given back to a queue made anew", "[worker]")
{
    Two two;
    Anew anew(two);
    slotq_worker_stop_now(two.work.worker());
    CHECK(eventually([&] { return two.work.stats().lost == 2; }));
    anew.check_untouched();
    CHECK(two.work.stats().released == 0);
}
