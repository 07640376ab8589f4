/* test_unanswered.cpp: the connection ends before the queue answered a settlement: it is repeated
 * with the same token, and what became of the first is found out or said to be unknown.
 */
#include "catch.hpp"

#include <atomic>

#include <unistd.h>

#include "live.hpp"
#include "server/proxy.hpp"
#include "server/redis_server.hpp"

using namespace any_queue;
using namespace working;

namespace
{

/* A server behind a proxy, and a worker of one thread that reaches it so. */
struct Behind {
    redis::Server server;
    Proxy proxy{server.socket_path()};
    Live queue{server.url()};
    Handle through{queue.open_at(proxy.url())};
    std::atomic<int> ran{0};
    Working work;

    explicit Behind(uint64_t lease_ms)
    {
        work.options.threads = 1;
        work.options.lease_ms = lease_ms;
        work.options.stop_ms = 200;
    }
    /* One message, whose handler lets something happen to the connection, and answers so. */
    uint64_t start(const std::function<void()> &happens, slotq_result result)
    {
        work.handle("a:b", [this, happens, result](slotq_task *) {
            ran++;
            happens();
            return result;
        });
        return start();
    }
    uint64_t start()
    {
        const uint64_t id = push_task(queue, "a:b");
        work.add(through.get());
        work.start();
        return id;
    }
    /* Another one takes the message when its lease is over. */
    Message take_over(uint64_t id)
    {
        Message taken;
        REQUIRE(eventually([&] { return ran == 1; }));
        REQUIRE(eventually([&] { return (taken = queue.take()).id == id; }));
        return taken;
    }
};

} // namespace

TEST_CASE("an ack whose answer was lost counts once", "[worker]")
{
    Behind behind(30000);
    behind.start([&] { behind.proxy.cut_after(0); }, slotq_result_done());
    CHECK(eventually([&] { return behind.work.stats().done == 1; }));
    CHECK(behind.proxy.disarm());
    behind.work.stop_and_join();
    CHECK(behind.ran == 1);
    CHECK(behind.work.stats().lost == 0);
    CHECK(behind.work.stats().unknown == 0);
    CHECK(behind.queue.stats().acked == 1);
    CHECK(behind.queue.stats().unfinished == 0);
}

TEST_CASE("an ack that never came is lost when another has the message", "[worker]")
{
    Behind behind(300);
    const uint64_t id = behind.start([&] { behind.proxy.lose(true); }, slotq_result_done());
    const Message taken = behind.take_over(id);
    behind.proxy.lose(false);
    CHECK(eventually([&] { return behind.work.stats().lost == 1; }));
    CHECK(behind.work.count(SLOTQ_EVENT_LOST) == 1);
    CHECK(slotq_ack(behind.queue, 0, taken.id, taken.token) == SLOTQ_OK);
    behind.work.stop_and_join();
    CHECK(behind.ran == 1);
    CHECK(behind.work.stats().done == 0);
    CHECK(behind.queue.stats().acked == 1);
}

TEST_CASE("an ack that was not answered before another killed the message is lost", "[worker]")
{
    Behind behind(300);
    const uint64_t id = behind.start([&] { behind.proxy.lose(true); }, slotq_result_done());
    const Message taken = behind.take_over(id);
    REQUIRE(slotq_kill(behind.queue, 0, taken.id, taken.token, 5) == SLOTQ_OK);
    behind.proxy.lose(false);
    CHECK(eventually([&] { return behind.work.stats().lost == 1; }));
    behind.work.stop_and_join();
    CHECK(behind.work.stats().done == 0);
    CHECK(behind.queue.status(id).reason == 5);
}

TEST_CASE("a retry whose answer was lost is unknown", "[worker]")
{
    Behind behind(30000);
    const uint64_t id =
        behind.start([&] { behind.proxy.cut_after(0); }, slotq_result_retry_after(60000, 7));
    CHECK(eventually([&] { return behind.work.stats().unknown == 1; }));
    behind.work.stop_and_join();
    CHECK(behind.work.stats().retried == 0);
    CHECK(behind.work.count(SLOTQ_EVENT_UNKNOWN) == 1);
    CHECK(behind.queue.status(id).state == SLOTQ_STATE_WAITING);
    CHECK(behind.queue.status(id).attempts == 1);
}

TEST_CASE("a settlement that is never answered is unknown when the worker ends", "[worker]")
{
    Behind behind(30000);
    behind.start([&] { behind.proxy.lose(true); }, slotq_result_done());
    REQUIRE(eventually([&] { return behind.ran == 1; }));
    REQUIRE(eventually([&] { return behind.work.stats().away; }));
    slotq_worker_stop(behind.work.worker());
    CHECK(eventually(
        [&] { return slotq_worker_join(behind.work.worker(), UINT64_MAX, nullptr) == SLOTQ_OK; }));
    CHECK(behind.work.stats().done == 0);
    CHECK(behind.work.stats().unknown == 1);
    CHECK(behind.work.count(SLOTQ_EVENT_UNKNOWN) == 1);
}

TEST_CASE("an extension whose answer was lost does not lose the lease", "[worker]")
{
    Behind behind(3000);
    behind.work.handle("a:b", [&](slotq_task *task) {
        behind.ran++;
        CHECK(slotq_task_confirm(task) == SLOTQ_OK); /* the server knows the script now */
        usleep(30000); /* in the same tick the token would be the same */
        behind.proxy.cut_after(0);
        CHECK(slotq_task_confirm(task) == SLOTQ_OUTCOME_UNKNOWN);
        CHECK(behind.proxy.disarm());
        return slotq_result_done();
    });
    behind.start();
    CHECK(eventually([&] { return behind.work.stats().done == 1; }));
    behind.work.stop_and_join();
    CHECK(behind.ran == 1);
    CHECK(behind.work.stats().lost == 0);
    CHECK(behind.queue.stats().acked == 1);
}
