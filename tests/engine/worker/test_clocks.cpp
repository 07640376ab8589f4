/* test_clocks.cpp: the queue's clock leaps while messages run, or the machine sleeps: what was
 * leased may be lost, and is acked once.
 */
#include "catch.hpp"

#include <atomic>
#include <chrono>
#include <set>

#include <unistd.h>

#include "live.hpp"

extern "C" {
#include "../../../engine/worker/pace.h"
}

using namespace any_queue;
using namespace working;

namespace
{

constexpr int TASKS = 8;
constexpr int64_t HOUR_MS = 3600000;

/* The machine's, and as much more as it leaps. */
uint64_t leaping_clock(void *context)
{
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
    return static_cast<uint64_t>(ms + *static_cast<std::atomic<int64_t> *>(context));
}

struct Leaping {
    std::atomic<int64_t> ahead_ms{0};
    slotq_options options = {};
    Leaping()
    {
        options.clock_ms = leaping_clock;
        options.clock_context = &ahead_ms;
    }
};

/* Eight handlers that wait. */
struct Waiting {
    std::atomic<int> begun{0};
    std::atomic<bool> may_end{false};
    Working work;

    explicit Waiting(uint64_t lease_ms)
    {
        work.options.threads = TASKS;
        work.options.lease_ms = lease_ms;
        work.handle("a:wait", [this](slotq_task *) {
            begun++;
            while (!may_end) {
                usleep(1000);
            }
            return slotq_result_done();
        });
    }
    void begin(slotq *queue)
    {
        for (int i = 0; i < TASKS; i++) {
            push_task(queue, "a:wait");
        }
        work.add(queue);
        work.start();
        REQUIRE(eventually([&] { return begun == TASKS; }));
    }
};

} // namespace

TEST_CASE("a clock that leaps ahead ends leases, and each message is acked once", "[worker]")
{
    const Kind kind = GENERATE(Kind::memory, Kind::file);
    INFO(kind);
    Leaping leaping;
    Live queue(kind, real_geometry(), &leaping.options);
    Waiting first(30000);
    first.begin(queue);
    leaping.ahead_ms += HOUR_MS;
    std::atomic<int> ran{0};
    Working second;
    second.options.threads = 2;
    second.handle("a:wait", [&](slotq_task *) {
        ran++;
        return slotq_result_done();
    });
    second.add(queue);
    second.start();
    CHECK(eventually([&] { return second.stats().done == TASKS; }));
    first.may_end = true;
    CHECK(eventually([&] { return first.work.stats().lost == TASKS; }));
    first.work.stop_and_join();
    second.stop_and_join();
    CHECK(ran == TASKS);
    CHECK(first.work.stats().done == 0);
    CHECK(queue.stats().acked == TASKS);
    CHECK(queue.stats().unfinished == 0);
}

TEST_CASE("a clock that leaps back loses no message", "[worker]")
{
    const Kind kind = GENERATE(Kind::memory, Kind::file);
    INFO(kind);
    Leaping leaping;
    Live queue(kind, real_geometry(), &leaping.options);
    Waiting first(600);
    first.begin(queue);
    leaping.ahead_ms -= HOUR_MS;
    usleep(400000); /* leases are extended meanwhile, from the new time on */
    first.may_end = true;
    CHECK(eventually([&] { return first.work.stats().done == TASKS; }));
    push_task(queue, "a:wait");
    CHECK(eventually([&] { return first.work.stats().done == TASKS + 1; }));
    first.work.stop_and_join();
    CHECK(first.work.stats().lost == 0);
    CHECK(queue.stats().acked == TASKS + 1);
    CHECK(queue.stats().redelivered == 0);
}

/* Of a lease of 30 s, asked for 2 s ago by the clock that stands still while the machine sleeps. */
TEST_CASE("a lease ages while the machine sleeps", "[worker]")
{
    const uint64_t now_ms = 500000;
    CHECK(pace_renew_at_ms(30000, 2000, 0, now_ms) == now_ms + 8000);
    CHECK(pace_renew_at_ms(30000, 9999, 0, now_ms) == now_ms + 1);
    CHECK(pace_renew_at_ms(30000, 2000 + 8000, 0, now_ms) == now_ms);
    CHECK(pace_renew_at_ms(30000, 2000 + HOUR_MS, 0, now_ms) == now_ms);
    CHECK(pace_renew_at_ms(30000, 2000 + HOUR_MS, now_ms + 70, now_ms) == now_ms + 70);
    CHECK(pace_renew_at_ms(30000, 2000, now_ms + 70, now_ms) == now_ms + 8000);
}
