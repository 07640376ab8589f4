/* test_stop.cpp: a worker that stops gives back first what was not begun, lets handlers run for a
 * while, and then gives back what they have; with a server that does not answer, too.
 */
#include "catch.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <memory>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

#include "live.hpp"
#include "process.hpp"
#include "server/redis_server.hpp"

using namespace any_queue;
using namespace working;

namespace
{

using Clock = std::chrono::steady_clock;
using Words = std::vector<std::string>;

long since_ms(Clock::time_point begun)
{
    return static_cast<long>(
        std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun).count());
}

/* A worker whose threads have each taken many messages, and wait in the first of them. */
struct Full {
    static constexpr uint32_t THREADS = 2;
    static constexpr uint32_t COUNT = 150; /* more than two hands */
    Live queue;
    std::atomic<uint32_t> begun{0};
    std::atomic<uint32_t> told{0};
    std::atomic<bool> may_end{false};
    std::atomic<bool> waits_for_lost{true};
    uint64_t first_id = 0;
    Working work;

    /* where: a kind, or the address of a server */
    template <typename Where>
    explicit Full(const Where &where) : queue(where, real_geometry(401))
    {
        work.options.threads = THREADS;
        work.options.lease_ms = 30000;
        work.options.stop_ms = 600000;
        work.options.give_back_ms = 600000;
        work.handle_done("a:quick");
        work.handle("a:long", [this](slotq_task *task) {
            begun++;
            while (!may_end &&
                   !(waits_for_lost && (slotq_task_told(task) & SLOTQ_TOLD_LOST) != 0)) {
                told |= slotq_task_told(task);
                usleep(1000);
            }
            told |= slotq_task_told(task);
            return slotq_result_done();
        });
    }
    /* Prefetch grows by quick messages; then the long ones come at once. */
    void fill()
    {
        slotq_worker_queue how = {};
        how.prefetch_ms = 600000;
        work.add(queue, "q", how);
        work.start();
        uint64_t done = 0;
        for (int i = 0; i < 5; i++) {
            for (int j = 0; j < 50; j++) {
                push_task(queue, "a:quick");
                done++;
            }
            REQUIRE(eventually([&] { return work.stats().done == done; }));
        }
        const std::string frame("a:long\0", 7);
        const std::vector<slotq_data> tasks(COUNT, {frame.data(), 7});
        REQUIRE(slotq_push(queue, tasks.data(), COUNT, &first_id) == SLOTQ_OK);
        REQUIRE(eventually([&] { return begun == THREADS; }));
        REQUIRE(eventually([&] { return work.stats().held > THREADS; }));
    }
    uint32_t count_in(slotq_state state, uint8_t attempts)
    {
        uint32_t count = 0;
        for (uint64_t id = first_id; id < first_id + COUNT; id++) {
            const slotq_status status = queue.status(id);
            count += status.state == state && status.attempts == attempts ? 1 : 0;
        }
        return count;
    }
};

} // namespace

TEST_CASE("a stop gives back at once what was not begun", "[worker]")
{
    Full full(each_shared_kind());
    full.fill();
    slotq_worker_stop(full.work.worker());
    CHECK(eventually(
        [&] { return full.count_in(SLOTQ_STATE_READY, 0) == Full::COUNT - Full::THREADS; }));
    CHECK(full.count_in(SLOTQ_STATE_LEASED, 1) == Full::THREADS);
    CHECK(eventually([&] { return full.told == SLOTQ_TOLD_STOPPING; }));
    CHECK(slotq_worker_join(full.work.worker(), 0, nullptr) == SLOTQ_AGAIN);
    full.may_end = true;
    CHECK(slotq_worker_join(full.work.worker(), UINT64_MAX, nullptr) == SLOTQ_OK);
    CHECK(full.queue.stats().acked == 250 + Full::THREADS);
    CHECK(full.begun == Full::THREADS);
    CHECK(full.queue.stats().unfinished == Full::COUNT - Full::THREADS);
}

TEST_CASE("quiet gives back what was not begun, and resume takes it again", "[worker]")
{
    Full full(each_shared_kind());
    full.fill();
    slotq_worker_quiet(full.work.worker());
    CHECK(eventually(
        [&] { return full.count_in(SLOTQ_STATE_READY, 0) == Full::COUNT - Full::THREADS; }));
    CHECK(full.told == 0);
    full.may_end = true;
    CHECK(eventually([&] { return full.queue.stats().acked == 250 + Full::THREADS; }));
    CHECK(full.begun == Full::THREADS);
    slotq_worker_resume(full.work.worker());
    CHECK(eventually([&] { return full.work.stats().done == 250 + Full::COUNT; }));
    full.work.stop_and_join();
}

TEST_CASE("at the end of a stop the running are given back, not counted", "[worker]")
{
    Full full(each_shared_kind());
    full.work.options.stop_ms = 100;
    full.waits_for_lost = false;
    full.fill();
    const Clock::time_point begun = Clock::now();
    slotq_worker_stop(full.work.worker());
    uint32_t left = 0;
    CHECK(slotq_worker_join(full.work.worker(), UINT64_MAX, &left) == SLOTQ_LEASED);
    CHECK(since_ms(begun) >= 99); /* both clocks are cut to milliseconds */
    CHECK(left == Full::THREADS);
    CHECK(full.count_in(SLOTQ_STATE_READY, 0) == Full::COUNT);
    full.may_end = true;
    CHECK(eventually(
        [&] { return slotq_worker_join(full.work.worker(), UINT64_MAX, &left) == SLOTQ_OK; }));
    CHECK((full.told & SLOTQ_TOLD_LOST) != 0);
    CHECK(full.queue.stats().acked == 250); /* results are dropped */
    CHECK(full.work.stats().done == 250);
}

TEST_CASE("the second signal ends the grace at once", "[worker]")
{
    Full full(each_shared_kind());
    full.fill();
    slotq_worker_signalled(full.work.worker());
    CHECK(eventually([&] { return full.told == SLOTQ_TOLD_STOPPING; }));
    CHECK(slotq_worker_join(full.work.worker(), 0, nullptr) == SLOTQ_AGAIN);
    slotq_worker_signalled(full.work.worker());
    CHECK(eventually(
        [&] { return slotq_worker_join(full.work.worker(), UINT64_MAX, nullptr) == SLOTQ_OK; }));
    CHECK(full.count_in(SLOTQ_STATE_READY, 0) == Full::COUNT);
}

TEST_CASE("a stop ends in time with a server that stands still", "[worker]")
{
    redis::Server server;
    Full full(server.url());
    full.work.options.stop_ms = 100;
    full.fill();
    server.stop();
    const Clock::time_point begun = Clock::now();
    slotq_worker_stop(full.work.worker());
    const slotq_outcome joined = slotq_worker_join(full.work.worker(), UINT64_MAX, nullptr);
    CHECK((joined == SLOTQ_OK || joined == SLOTQ_LEASED)); /* a trip may not be over */
    CHECK((full.told & SLOTQ_TOLD_LOST) != 0);
    CHECK(since_ms(begun) < 100 + 2000 + 5000); /* the promise is 2100; a machine may be slow */
    server.go_on();
    CHECK(eventually(
        [&] { return slotq_worker_join(full.work.worker(), UINT64_MAX, nullptr) == SLOTQ_OK; }));
}

TEST_CASE("a process stops at SIGTERM, and at once at the second", "[worker]")
{
    Live queue(Kind::file);
    ProcessPlan plan;
    plan.catches_signals = true;
    plan.stop_ms = 600000;
    plan.lease_ms = 30000;
    const uint64_t one = push_task(queue, "p:stopping");
    Process process(queue, plan);
    REQUIRE(process.next("began").size() == 3);
    SECTION("handlers return")
    {
        process.signal(SIGTERM);
        CHECK(process.next("told") == Words({std::to_string(one), "8"}));
        CHECK(process.wait() == 0);
        CHECK(queue.stats().acked == 1);
    }
    SECTION("a handler waits on")
    {
        const uint64_t two = push_task(queue, "p:lost");
        queue.status(two);
        process.signal(SIGINT);
        REQUIRE(process.next("told").size() == 2);
        CHECK(process.wait() == 0);
        plan.prefetch_most = 1;
        Process other(queue, plan);
        REQUIRE(other.next("began").at(0) == std::to_string(two));
        other.signal(SIGTERM);
        CHECK(eventually([&] { return queue.status(two).state == SLOTQ_STATE_LEASED; }));
        usleep(50000); /* two signals that come together are one */
        other.signal(SIGTERM);
        const Words told = other.next("told");
        REQUIRE(told.size() == 2);
        CHECK((std::stoul(told[1]) & SLOTQ_TOLD_LOST) != 0);
        other.wait();
        CHECK(queue.status(two).state == SLOTQ_STATE_READY);
        CHECK(queue.status(two).attempts == 0);
    }
}

TEST_CASE("a worker is not freed under a call that stops it", "[worker][stop]")
{
    Live queue(Kind::memory, real_geometry());
    std::atomic<bool> ended{false};
    std::atomic<bool> returns{false};
    const std::thread::id main_thread = std::this_thread::get_id();
    auto work = std::make_unique<Working>();
    work->on_told = [&](slotq_event_kind kind) {
        if (kind == SLOTQ_EVENT_STATE && std::this_thread::get_id() != main_thread && !ended) {
            while (!ended) {
                usleep(1000);
            }
            usleep(50000); /* into slotq_worker_free */
            returns = true;
        }
    };
    work->handle_done("a:quick");
    work->add(queue);
    work->start();
    std::thread stopper([&] { slotq_worker_stop(work->worker()); });
    REQUIRE(slotq_worker_join(work->worker(), UINT64_MAX, nullptr) == SLOTQ_OK);
    ended = true;
    work.reset();
    CHECK(returns);
    stopper.join();
}
