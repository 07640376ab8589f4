/* test_stuck.cpp: handlers that hang: other threads take their place, up to a number; then the
 * worker takes nothing more. When they return in the end, nothing is left behind.
 */
#include "catch.hpp"

#include <atomic>

#include <unistd.h>

#include "live.hpp"

using namespace any_queue;
using namespace working;

namespace
{

/* Handlers wait in it until it is opened. */
class Gate
{
public:
    Gate()
    {
        REQUIRE(pipe(ends_) == 0);
    }
    ~Gate()
    {
        open();
        close(ends_[0]);
    }
    void pass() const
    {
        char byte;
        while (read(ends_[0], &byte, 1) > 0) {
        }
    }
    void open()
    {
        if (ends_[1] >= 0) {
            close(ends_[1]);
            ends_[1] = -1;
        }
    }

private:
    int ends_[2];
};

slotq_handler short_limit()
{
    slotq_handler how = {};
    how.limit_ms = 20;
    how.backoff_least_ms = how.backoff_most_ms = 10; /* a lease at least, as they hang */
    return how;
}

} // namespace

TEST_CASE("threads whose handlers hang are replaced, up to stuck_most", "[worker]")
{
    const Kind kind = each_shared_kind();
    INFO(kind);
    Live queue(kind);
    Gate gate;
    std::atomic<int> hung{0};
    Working work;
    work.options.threads = 2;
    work.options.stuck_most = 2;
    work.options.lease_ms = 300;
    work.handle(
        "a:hang",
        [&](slotq_task *task) {
            if (slotq_task_info_of(task)->attempts == 1) {
                hung++;
                gate.pass();
                CHECK((slotq_task_told(task) & SLOTQ_TOLD_LOST) != 0);
                hung--;
            }
            return slotq_result_done();
        },
        short_limit());
    work.handle_done("a:quick");
    work.add(queue);
    push_task(queue, "a:hang");
    push_task(queue, "a:hang");
    work.start();
    CHECK(eventually([&] { return work.count(SLOTQ_EVENT_STUCK) == 2; }));
    CHECK(work.stats().stuck == 2);
    CHECK(work.stats().state == SLOTQ_WORKER_RUNNING);
    for (int i = 0; i < 20; i++) {
        push_task(queue, "a:quick");
    }
    CHECK(eventually([&] { return work.stats().done >= 20; }));
    push_task(queue, "a:hang");
    CHECK(eventually([&] { return work.stats().state == SLOTQ_WORKER_QUIET; }));
    CHECK(eventually([&] { return work.count(SLOTQ_EVENT_STUCK) == 3; }));
    int without = 0;
    for (const Told &told : work.told()) {
        without +=
            told.kind == SLOTQ_EVENT_STUCK && told.text.find("end the process") != std::string::npos
                ? 1
                : 0;
    }
    CHECK(without == 1);
    CHECK(hung == 3);
    gate.open();
    CHECK(eventually([&] { return work.stats().stuck == 0; }));
    slotq_worker_resume(work.worker());
    CHECK(eventually([&] { return work.stats().done == 23; }));
    work.stop_and_join();
    CHECK(hung == 0);
    CHECK(queue.stats().acked == 23);
    CHECK(queue.stats().unfinished == 0);
}

TEST_CASE("a handler that returns in the end frees its place", "[worker]")
{
    const uint32_t stuck_most = GENERATE(1u, 2u);
    Live queue(Kind::memory);
    Working work;
    work.options.threads = 1;
    work.options.stuck_most = stuck_most;
    work.options.lease_ms = 300;
    work.handle(
        "a:hang",
        [&](slotq_task *task) {
            while (slotq_task_info_of(task)->attempts == 1 &&
                   (slotq_task_told(task) & SLOTQ_TOLD_LOST) == 0) {
                usleep(1000);
            }
            return slotq_result_done();
        },
        short_limit());
    work.add(queue);
    work.start();
    for (size_t i = 1; i <= 4; i++) {
        push_task(queue, "a:hang");
        CHECK(eventually(
            [&] { return work.count(SLOTQ_EVENT_STUCK) == i && work.stats().stuck == 0; }));
        CHECK(work.stats().state == SLOTQ_WORKER_RUNNING);
    }
    CHECK(eventually([&] { return work.stats().done == 4; }));
    work.stop_and_join();
    CHECK(queue.stats().acked == 4);
}

TEST_CASE("the end does not wait for handlers that hang", "[worker]")
{
    Live queue(Kind::memory);
    Gate gate;
    Working work;
    work.options.threads = 2;
    work.options.lease_ms = 300;
    work.options.stop_ms = 100;
    work.handle(
        "a:hang",
        [&](slotq_task *) {
            gate.pass();
            return slotq_result_done();
        },
        short_limit());
    push_task(queue, "a:hang");
    work.add(queue);
    work.start();
    CHECK(eventually([&] { return work.stats().stuck == 1; }));
    slotq_worker_stop(work.worker());
    uint32_t left = 0;
    CHECK(slotq_worker_join(work.worker(), UINT64_MAX, &left) == SLOTQ_LEASED);
    CHECK(left == 1);
    CHECK(slotq_worker_free(work.worker()) == SLOTQ_INVALID);
    gate.open();
    CHECK(eventually(
        [&] { return slotq_worker_join(work.worker(), UINT64_MAX, &left) == SLOTQ_OK; }));
    CHECK(left == 0);
}
