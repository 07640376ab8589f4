/* test_unknown.cpp: types without a handler: left to a worker that has it, and dead when too old.
 */
#include "catch.hpp"

#include <atomic>

#include "live.hpp"

using namespace any_queue;
using namespace working;

namespace
{

slotq_worker_queue unknown_for(uint64_t ms, uint64_t most_ms = 0)
{
    slotq_worker_queue how = {};
    how.unknown_ms = ms;
    how.unknown_most_ms = most_ms;
    return how;
}

} // namespace

TEST_CASE("unknown: an old worker leaves it to the new one beside it", "[worker][unknown]")
{
    const Kind kind = each_shared_kind();
    INFO(kind);
    slotq_options options = {};
    options.poll_ms = 50; /* that a task will be there again wakes only the one that snoozed it */
    Live queue(kind, real_geometry(), &options);
    Live other(queue);
    std::atomic<int> by_new{0};
    std::atomic<int> attempts{0};
    std::atomic<int> by_old{0};
    Working old;
    Working young;
    old.options.threads = young.options.threads = 2;
    old.handle("a:b", [&](slotq_task *) {
        by_old++;
        return slotq_result_done();
    });
    young.handle("a:bc", [&](slotq_task *task) {
        by_new++;
        attempts += slotq_task_info_of(task)->attempts;
        return slotq_result_done();
    });
    for (int i = 0; i < 20; i++) {
        push_task(queue, "a:bc"); /* an exact name is not a prefix */
    }
    old.add(queue, "q", unknown_for(30));
    old.start();
    CHECK(eventually([&] { return old.stats().snoozed >= 25; })); /* some of them twice */
    young.add(other, "q", unknown_for(30));
    young.start();
    CHECK(eventually([&] { return young.stats().done == 20; }));
    old.stop_and_join();
    young.stop_and_join();
    CHECK(by_new == 20);
    CHECK(by_old == 0);
    CHECK(attempts == 20); /* each the first */
    CHECK(queue.stats().acked == 20);
}

TEST_CASE("unknown: it dies when it is too old, not by attempts", "[worker][unknown]")
{
    const Kind kind = each_shared_kind();
    INFO(kind);
    Queue queue(kind, real_geometry()); /* its clock is ours */
    const uint64_t old = push_task(queue, "a:b");
    queue.now_ms += 2000;
    const uint64_t young = push_task(queue, "a:b");
    queue.now_ms += 59000;
    Working work;
    work.options.threads = 1;
    work.handle_done("a:bc");
    work.add(queue, "q", unknown_for(5000, 60000));
    work.start();
    CHECK(eventually([&] { return work.stats().died == 1 && work.stats().snoozed == 1; }));
    work.stop_and_join();
    for (const Told &told : work.told()) {
        if (told.kind == SLOTQ_EVENT_SNOOZE || told.kind == SLOTQ_EVENT_DEAD) {
            CHECK(told.result.reason == SLOTQ_REASON_NO_HANDLER);
        }
    }
    CHECK(work.count(SLOTQ_EVENT_SNOOZE) == 1);
    CHECK(queue.status(old).is_dead);
    CHECK(queue.status(old).reason == SLOTQ_REASON_NO_HANDLER);
    CHECK(queue.status(young).state == SLOTQ_STATE_WAITING);
    CHECK(queue.status(young).attempts == 0);
    const uint64_t due_ms = queue.status(young).deadline_ms;
    CHECK(due_ms >= queue.now_ms + 3750); /* a quarter more or less */
    CHECK(due_ms <= queue.now_ms + 6260);
}

TEST_CASE("unknown: without stamps it has its attempts, and dies at the last", "[worker][unknown]")
{
    Geometry geometry(101, 64);
    geometry.tick(10).attempts(2).dead(100);
    Live queue(Kind::memory, geometry);
    const uint64_t id = push_task(queue, "a:b");
    Working work;
    work.options.threads = 1;
    slotq_worker_queue how = unknown_for(20);
    work.handle_done("a:bc");
    work.add(queue, "q", how);
    work.start();
    CHECK(eventually([&] { return work.stats().died == 1; }));
    work.stop_and_join();
    CHECK(work.stats().retried == 1);
    CHECK(queue.status(id).is_dead);
    CHECK(queue.status(id).reason == SLOTQ_REASON_NO_HANDLER);
}

TEST_CASE("unknown: plain payloads without a handler, and those that must be frames",
          "[worker][unknown]")
{
    const slotq_frame_rule rule = GENERATE(SLOTQ_FRAME_AUTO, SLOTQ_FRAME_TYPED, SLOTQ_FRAME_PLAIN);
    Queue queue(Kind::memory, real_geometry());
    uint64_t plain = 0;
    REQUIRE(queue.push("{\"no\": \"frame\"}", &plain) == SLOTQ_OK);
    const uint64_t typed = push_task(queue, "a:b");
    Working work;
    work.options.threads = 1;
    work.handle_done("a:b");
    slotq_worker_queue how = {};
    how.frame = rule;
    work.add(queue, "q", how);
    work.start();
    CHECK(eventually([&] {
        const slotq_worker_stats stats = work.stats();
        return stats.done + stats.snoozed + stats.died == 2;
    }));
    work.stop_and_join();
    const slotq_worker_stats stats = work.stats();
    CHECK(stats.done == (rule == SLOTQ_FRAME_PLAIN ? 0 : 1));
    CHECK(stats.died == (rule == SLOTQ_FRAME_TYPED ? 1 : 0));
    if (rule == SLOTQ_FRAME_TYPED) {
        CHECK(queue.status(plain).reason == SLOTQ_REASON_BAD_FRAME);
    } else {
        CHECK(queue.status(plain).attempts == 0);
    }
    if (rule == SLOTQ_FRAME_PLAIN) {
        CHECK(queue.status(typed).attempts == 0);
    }
}
