/* test_loop_later.cpp: tasks that a loop's handler begins and the loop finishes: kept, told, lost,
 * stopped and drained as those of threads are.
 */
#include "catch.hpp"

#include <map>
#include <thread>

#include "looping.hpp"
#include "server/redis_server.hpp"

using namespace any_queue;
using namespace working;

namespace
{

/* A loop whose handler keeps all tasks. */
class Keeping : public Looping
{
public:
    explicit Keeping(slotq_handler how = {})
    {
        how.settled = note_settled; /* its context is the function */
        handle(
            "a:b",
            [this](slotq_task *task) {
                tasks.push_back(task);
                return slotq_result_later();
            },
            how);
        current() = this;
    }
    void begin(slotq *queue, slotq_worker_queue how = {})
    {
        add(queue, "q", how);
        start();
    }
    /* One message, until it is kept; its id. */
    uint64_t begin_one(slotq *queue)
    {
        const uint64_t id = push_task(queue, "a:b");
        begin(queue);
        CHECK(drive([&] { return tasks.size() == 1; }));
        return id;
    }
    slotq_outcome finish(slotq_result result)
    {
        slotq_task *task = tasks.back();
        tasks.pop_back();
        return slotq_task_finish(task, result);
    }

    std::vector<slotq_task *> tasks;
    std::vector<slotq_outcome> settled;

private:
    static Keeping *&current()
    {
        static Keeping *one;
        return one;
    }
    static void note_settled(void *, const slotq_task_info *info, slotq_result,
                             slotq_outcome outcome)
    {
        CHECK(info->body == nullptr);
        current()->settled.push_back(outcome);
    }
};

slotq_worker_queue one_at_a_time()
{
    slotq_worker_queue how = {};
    how.prefetch_most = 1;
    return how;
}

/* Another process would: take the message as soon as its lease is over, and ack it. */
void take_over(slotq *queue)
{
    const Batch got = batch();
    REQUIRE(slotq_reserve(queue, 0, 1, 60000, 10000, got.get()) == SLOTQ_OK);
    REQUIRE(slotq_ack_batch(queue, got.get()) == SLOTQ_OK);
}

} // namespace

TEST_CASE("loop, later: finished from the loop, in every way", "[loop]")
{
    const Kind kind = each_shared_kind();
    CAPTURE(kind);
    Live queue(kind);
    Keeping loop;
    std::vector<uint64_t> ids;
    for (int i = 0; i < 5; i++) {
        ids.push_back(push_task(queue, "a:b", std::to_string(i)));
    }
    loop.begin(queue, one_at_a_time());
    CHECK(loop.drive([&] { return loop.tasks.size() == 5; }));
    CHECK(loop.stats().pending == 5);
    CHECK(queue.stats().leased == 5);
    const slotq_task_info *info = slotq_task_info_of(loop.tasks[3]);
    CHECK(std::string(static_cast<const char *>(info->body), info->body_bytes) == "3");
    CHECK(std::string(info->type) == "a:b");
    slotq_task *first = loop.tasks.front();
    CHECK(slotq_task_finish(first, slotq_result_later()) == SLOTQ_INVALID);
    CHECK(loop.finish(slotq_result_snooze(60000)) == SLOTQ_OK);
    CHECK(loop.finish(slotq_result_release()) == SLOTQ_OK);
    CHECK(loop.finish(slotq_result_dead(9)) == SLOTQ_OK);
    CHECK(loop.finish(slotq_result_retry_after(60000, 7)) == SLOTQ_OK);
    CHECK(loop.finish(slotq_result_done()) == SLOTQ_OK);
    CHECK(slotq_task_finish(first, slotq_result_done()) == SLOTQ_INVALID); /* twice */
    CHECK(loop.wakes_by_fd());
    CHECK(loop.drive([&] { return loop.settled.size() == 5; }));
    CHECK(loop.settled == std::vector<slotq_outcome>(5, SLOTQ_OK));
    CHECK(queue.status(ids[1]).state == SLOTQ_STATE_WAITING);
    CHECK(queue.status(ids[1]).attempts == 1);
    CHECK(queue.status(ids[2]).is_dead);
    CHECK(queue.status(ids[2]).reason == 9);
    CHECK(queue.status(ids[4]).state == SLOTQ_STATE_WAITING);
    CHECK(queue.status(ids[4]).attempts == 0);
    CHECK(loop.drive([&] { return loop.tasks.size() == 1; })); /* the released one */
    CHECK(slotq_task_info_of(loop.tasks[0])->id == ids[3]);
    CHECK(slotq_task_info_of(loop.tasks[0])->attempts == 1);
    CHECK(loop.finish(slotq_result_done()) == SLOTQ_OK);
    loop.settle_down();
    CHECK(queue.stats().acked == 2);
}

TEST_CASE("loop, later: leases are extended while it is stepped", "[loop]")
{
    const Kind kind = each_shared_kind();
    CAPTURE(kind);
    Live queue(kind);
    Keeping loop;
    loop.options.lease_ms = 300;
    loop.begin_one(queue);
    loop.polls = 0;
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(700);
    while (std::chrono::steady_clock::now() < until) {
        loop.poll_once(700);
        loop.step();
    }
    CHECK(loop.polls < 40); /* an extension takes a poll or two */
    CHECK(slotq_task_confirm(loop.tasks[0]) == SLOTQ_OK);
    CHECK(loop.finish(slotq_result_done()) == SLOTQ_OK);
    CHECK(loop.drive([&] { return loop.settled.size() == 1; }));
    CHECK(loop.settled[0] == SLOTQ_OK);
    CHECK(queue.stats().acked == 1);
    CHECK(queue.stats().redelivered == 0);
}

/* T1. A loop that is not stepped is one whose process was stopped. */
TEST_CASE("loop, later: a lease that is lost is told, and the result dropped", "[loop]")
{
    const Kind kind = each_shared_kind();
    const bool asks = GENERATE(false, true);
    CAPTURE(kind, asks);
    Live queue(kind);
    Live other(queue);
    Keeping loop;
    loop.options.lease_ms = 300;
    loop.begin_one(queue);
    slotq_task *task = loop.tasks[0];
    CHECK(slotq_task_told(task) == 0);
    take_over(other);
    if (asks) {
        const slotq_outcome outcome = slotq_task_confirm(task);
        CHECK((outcome == SLOTQ_STALE || outcome == SLOTQ_GONE));
        CHECK(slotq_task_told(task) == SLOTQ_TOLD_LOST);
    } else {
        CHECK(loop.drive([&] { return slotq_task_told(task) == SLOTQ_TOLD_LOST; }));
    }
    CHECK(loop.finish(slotq_result_done()) == SLOTQ_STALE);
    CHECK(loop.drive([&] { return loop.settled.size() == 1; }));
    CHECK(loop.settled[0] == SLOTQ_STALE);
    CHECK(loop.stats().done == 0);
    CHECK(loop.stats().lost == 1);
    CHECK(loop.stats().pending == 0);
    CHECK(queue.stats().acked == 1);
}

/* T3. */
TEST_CASE("loop, later: a time limit is told, and what still ends counts", "[loop]")
{
    const Kind kind = each_shared_kind();
    CAPTURE(kind);
    Live queue(kind);
    slotq_handler how = {};
    how.limit_ms = 50;
    Keeping loop(how);
    loop.options.lease_ms = 60000;
    loop.begin_one(queue);
    slotq_task *task = loop.tasks[0];
    CHECK(loop.drive([&] { return slotq_task_told(task) == SLOTQ_TOLD_LIMIT; }));
    CHECK(slotq_task_left_ms(task) == 0);
    CHECK(loop.finish(slotq_result_done()) == SLOTQ_OK);
    CHECK(loop.drive([&] { return loop.settled.size() == 1; }));
    CHECK(loop.stats().limits == 1);
    CHECK(queue.stats().acked == 1);
}

TEST_CASE("loop, later: one that is stuck beyond its limit is given up", "[loop]")
{
    const Kind kind = each_shared_kind();
    CAPTURE(kind);
    Live queue(kind);
    slotq_handler how = {};
    how.limit_ms = 50;
    how.attempts_most = 1;
    Keeping loop(how);
    loop.options.lease_ms = 300;
    const uint64_t id = loop.begin_one(queue);
    CHECK(loop.drive([&] { return loop.count(SLOTQ_EVENT_STUCK) == 1; }));
    CHECK(queue.status(id).is_dead);
    CHECK(queue.status(id).reason == SLOTQ_REASON_TIME_LIMIT);
    CHECK((slotq_task_told(loop.tasks[0]) & SLOTQ_TOLD_LOST) != 0);
    CHECK(loop.stats().pending == 1); /* until it is finished */
    CHECK(loop.finish(slotq_result_done()) == SLOTQ_STALE);
    loop.settle_down();
    CHECK(loop.stats().pending == 0);
    CHECK(loop.stats().died == 1);
    CHECK(queue.stats().acked == 0);
}

/* T6. */
TEST_CASE("loop, later: a stop gives back what does not end in time", "[loop]")
{
    const Kind kind = each_shared_kind();
    CAPTURE(kind);
    Live queue(kind);
    Keeping loop;
    loop.options.stop_ms = 200;
    loop.options.pending_most = 8;
    for (int i = 0; i < 20; i++) {
        push_task(queue, "a:b");
    }
    loop.begin(queue);
    CHECK(loop.drive([&] { return loop.tasks.size() == 8; }));
    loop.settle_down();
    CHECK(queue.stats().leased == 8); /* what cannot be begun is not held */
    slotq_worker_stop(loop.worker());
    CHECK(loop.wakes_by_fd());
    slotq_task *task = loop.tasks.back();
    CHECK((slotq_task_told(task) & SLOTQ_TOLD_STOPPING) != 0);
    CHECK(slotq_task_left_ms(task) <= 200);
    CHECK(loop.step() == SLOTQ_EMPTY);
    CHECK(loop.finish(slotq_result_done()) == SLOTQ_OK); /* one ends in time, or not */
    loop.polls = 0;
    CHECK(loop.drive([&] { return queue.stats().leased == 0; }));
    while (!loop.tasks.empty()) {
        const slotq_outcome outcome = loop.finish(slotq_result_done());
        CHECK((outcome == SLOTQ_STALE || outcome == SLOTQ_INVALID));
    }
    CHECK(loop.drive([&] { return loop.step() == SLOTQ_GONE; }));
    CHECK(loop.polls < 30);
    CHECK(loop.stats().state == SLOTQ_WORKER_ENDED);
    CHECK(slotq_worker_due_ms(loop.worker()) == 0);
    CHECK(queue.stats().acked + queue.stats().ready == 20);
    CHECK(queue.stats().acked <= 1);
    const Batch got = batch();
    REQUIRE(slotq_reserve(queue, 0, 20, 60000, 0, got.get()) == SLOTQ_OK);
    for (const Message &message : messages(got.get())) {
        CHECK(message.attempts == 1); /* none was counted */
    }
}

TEST_CASE("loop, later: a second signal ends it at once", "[loop]")
{
    Live queue(Kind::memory);
    Keeping loop;
    loop.options.stop_ms = 3600000;
    loop.begin_one(queue);
    slotq_worker_signalled(loop.worker());
    CHECK(loop.wakes_by_fd());
    loop.step();
    CHECK(loop.stats().state == SLOTQ_WORKER_STOPPING);
    CHECK(queue.stats().leased == 1);
    slotq_worker_signalled(loop.worker());
    loop.step();
    CHECK(queue.stats().leased == 0);
    CHECK(loop.finish(slotq_result_done()) == SLOTQ_STALE);
    CHECK(loop.drive([&] { return loop.step() == SLOTQ_GONE; }));
}

/* T10. */
TEST_CASE("loop, later: a task that is kept holds no other message up", "[loop]")
{
    const Kind kind = each_shared_kind();
    CAPTURE(kind);
    Live queue(kind);
    Keeping loop;
    loop.handle_done("a:short");
    for (int i = 0; i < 7; i++) { /* a batch of 8 is next */
        push_task(queue, "a:short");
    }
    loop.begin(queue);
    CHECK(loop.drive([&] { return loop.stats().done == 7; }));
    push_task(queue, "a:b");
    for (int i = 0; i < 63; i++) {
        push_task(queue, "a:short");
    }
    CHECK(loop.drive([&] { return queue.stats().acked == 70; }));
    CHECK(queue.stats().leased == 1);
    CHECK(loop.finish(slotq_result_done()) == SLOTQ_OK);
    CHECK(loop.drive([&] { return queue.stats().acked == 71; }));
    CHECK(queue.stats().redelivered == 0);
}

TEST_CASE("loop, later: drained when the last one is finished", "[loop]")
{
    const Kind kind = each_shared_kind();
    CAPTURE(kind);
    Live queue(kind);
    Keeping loop;
    push_task(queue, "a:b");
    push_task(queue, "a:b");
    slotq_worker_drain(loop.worker());
    loop.begin(queue);
    CHECK(loop.drive([&] { return loop.tasks.size() == 2; }));
    CHECK(loop.finish(slotq_result_done()) == SLOTQ_OK);
    CHECK(loop.finish(slotq_result_retry_after(40, 1)) == SLOTQ_OK);
    CHECK(loop.drive([&] { return loop.tasks.size() == 1; })); /* it comes back */
    CHECK(loop.finish(slotq_result_done()) == SLOTQ_OK);
    CHECK(loop.drive([&] { return loop.step() == SLOTQ_GONE; }));
    CHECK(queue.stats().acked == 2);
}

TEST_CASE("loop, later: one that failed comes back after its delay", "[loop]")
{
    const Kind kind = each_shared_kind();
    CAPTURE(kind);
    Live queue(kind);
    Keeping loop;
    loop.options.lease_ms = 20000;
    loop.begin_one(queue);
    loop.settle_down();
    const auto begun = std::chrono::steady_clock::now();
    CHECK(loop.finish(slotq_result_retry_after(40, 1)) == SLOTQ_OK);
    CHECK(loop.drive([&] { return loop.tasks.size() == 1; }));
    CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(4)); /* else 5 s */
    CHECK(slotq_task_info_of(loop.tasks[0])->attempts == 2);
    CHECK(loop.finish(slotq_result_done()) == SLOTQ_OK);
    CHECK(loop.drive([&] { return loop.settled.size() == 2; }));
}

TEST_CASE("loop, later: finished by another thread, it wakes the loop", "[loop]")
{
    const Kind kind = each_shared_kind();
    CAPTURE(kind);
    Geometry geometry = real_geometry();
    geometry.raw.places = 255;
    Live queue(kind, geometry);
    Keeping loop;
    loop.options.pending_most = 1; /* it gives its place up each time */
    loop.begin(queue);
    for (uint32_t i = 1; i <= 20; i++) {
        loop.settle_down();
        push_task(queue, "a:b");
        REQUIRE(loop.wakes_by_fd()); /* also after it changed its place */
        CHECK(loop.drive([&] { return loop.tasks.size() == 1; }));
        loop.settle_down();
        slotq_outcome outcome = SLOTQ_EMPTY;
        std::thread other([&] { outcome = loop.finish(slotq_result_done()); });
        CHECK(loop.wakes_by_fd());
        other.join();
        CHECK(outcome == SLOTQ_OK);
        CHECK(loop.drive([&] { return loop.settled.size() == i; }));
    }
}

TEST_CASE("loop, later: of a queue that is made anew, none is settled in the new one", "[loop]")
{
    redis::Server server;
    Live queue(server.url());
    Keeping loop;
    loop.options.lease_ms = 60000;
    for (int i = 0; i < 3; i++) {
        push_task(queue, "a:b");
    }
    loop.begin(queue);
    CHECK(loop.drive([&] { return loop.tasks.size() == 3; }));
    REQUIRE(slotq_remove_queue(server.url().c_str(), "q", nullptr) == SLOTQ_OK);
    Live anew(server.url());
    slotq_task *running = loop.tasks[0];
    CHECK(loop.finish(slotq_result_done()) == SLOTQ_OK);
    CHECK(loop.finish(slotq_result_dead(9)) == SLOTQ_OK);
    CHECK(loop.drive([&] { return loop.settled.size() == 2; }));
    CHECK(loop.settled == std::vector<slotq_outcome>(2, SLOTQ_REMADE));
    CHECK(loop.drive([&] { return slotq_task_told(running) == SLOTQ_TOLD_LOST; }));
    CHECK(loop.count(SLOTQ_EVENT_REMADE) == 1);
    CHECK(slotq_task_confirm(running) != SLOTQ_OK);
    CHECK(loop.finish(slotq_result_done()) == SLOTQ_STALE);
    push_task(anew, "a:b");
    CHECK(loop.drive([&] { return loop.tasks.size() == 1; }));
    CHECK(loop.finish(slotq_result_done()) == SLOTQ_OK);
    CHECK(loop.drive([&] { return loop.settled.size() == 4; }));
    CHECK(loop.settled[3] == SLOTQ_OK);
    CHECK(anew.stats().acked == 1);
    CHECK(anew.stats().dead == 0);
}
