/* test_watch.cpp: the thread that waits for a queue's messages: how old the lease is that it gets,
 * and what becomes of messages that it may not run.
 */
#include "catch.hpp"

#include <atomic>
#include <ctime>

#include <unistd.h>

#include "live.hpp"

using namespace any_queue;
using namespace working;

namespace
{

std::atomic<int64_t> slept_s{0};

constexpr int TRIES = 5;
constexpr int SOON_S = 3;

uint32_t token_of(slotq *queue, uint64_t id)
{
    const Batch looked = batch();
    slotq_message message;
    REQUIRE(slotq_peek(queue, 0, id, 1, looked.get()) == SLOTQ_OK);
    REQUIRE(slotq_batch_next(looked.get(), &message));
    return message.state == SLOTQ_STATE_LEASED && message.id == id ? message.token : 0;
}

} // namespace

extern "C" int __real_clock_gettime(clockid_t clock, struct timespec *now);
extern "C" int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
extern "C" int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    const int answer = __real_clock_gettime(clock, now);
    if (clock == CLOCK_BOOTTIME) {
        now->tv_sec += slept_s;
    }
    return answer;
}

/* A lease of ninety seconds is extended after thirty: here at once, as it may be forty old. A try
 * in vain: the watcher did not wait yet when the machine slept. */
TEST_CASE("a lease counts from before the wait: the machine may have slept before its answer",
          "[worker]")
{
    const Kind kind = each_shared_kind();
    INFO(kind);
    Live queue(kind);
    Live mine(queue);
    Working work;
    std::atomic<uint32_t> token{0};
    std::atomic<bool> may_end{false};
    bool extended = false;
    work.options.threads = 1;
    work.options.lease_ms = 90000;
    work.handle("a:wait", [&](slotq_task *task) {
        token = token_of(mine, slotq_task_info_of(task)->id);
        while (!may_end) {
            usleep(1000);
        }
        return slotq_result_done();
    });
    work.add(queue);
    work.start();
    for (int i = 1; i <= TRIES && !extended; i++) {
        usleep(100000);
        slept_s += 40;
        token = 0;
        may_end = false;
        const uint64_t id = push_task(queue, "a:wait");
        REQUIRE(eventually([&] { return token != 0; }));
        extended = eventually([&] { return token_of(queue, id) != token; }, SOON_S);
        may_end = true;
        REQUIRE(eventually([&] { return work.stats().done == static_cast<uint64_t>(i); }));
    }
    CHECK(extended);
    work.stop_and_join();
    slept_s = 0;
}

/* A try in vain: the watcher of b did not wait yet when the only permit was taken. */
TEST_CASE("what a watcher may not run is given back, and counted", "[worker]")
{
    const Kind kind = each_shared_kind();
    INFO(kind);
    Live a(kind);
    Live b(kind);
    Working work;
    std::atomic<uint32_t> begun{0};
    std::atomic<uint32_t> ended{0};
    std::atomic<bool> may_end{false};
    bool came_back = false;
    work.options.threads = 1;
    work.handle("a:wait", [&](slotq_task *) {
        begun++;
        while (!may_end) {
            usleep(1000);
        }
        ended++;
        return slotq_result_done();
    });
    work.handle("b:short", [&](slotq_task *) { return slotq_result_done(); });
    work.add(a, "a");
    work.add(b, "b");
    work.start();
    for (uint32_t i = 1; i <= TRIES && !came_back; i++) {
        usleep(100000);
        may_end = false;
        push_task(a, "a:wait");
        REQUIRE(eventually([&] { return begun == i; }));
        const uint64_t id = push_task(b, "b:short");
        came_back = eventually([&] { return work.stats().given_back == 1; }, SOON_S);
        CHECK(work.stats().done == 2 * (i - 1));
        CHECK(b.status(id).state == SLOTQ_STATE_READY);
        CHECK(b.status(id).attempts == 0);
        may_end = true;
        REQUIRE(eventually([&] { return work.stats().done == 2 * i; }));
    }
    CHECK(came_back);
    work.stop_and_join();
}
