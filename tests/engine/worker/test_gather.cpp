/* test_gather.cpp: run_many: tasks of a type are gathered, run together, and each is settled by its
 * result.
 */
#include "catch.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <set>

#include <pthread.h>
#include <signal.h>

#include "live.hpp"
#include "process.hpp"

using namespace any_queue;
using namespace working;

namespace
{

slotq_handler many_of(uint32_t most, uint64_t wait_ms)
{
    slotq_handler how = {};
    how.many_most = most;
    how.many_wait_ms = wait_ms;
    return how;
}

/* The ids of each call, and the result of all. */
struct Calls {
    std::mutex lock;
    std::vector<std::vector<uint64_t>> made;

    void note(slotq_task **tasks, uint32_t count)
    {
        const std::lock_guard<std::mutex> guard(lock);
        made.emplace_back();
        for (uint32_t i = 0; i < count; i++) {
            made.back().push_back(slotq_task_info_of(tasks[i])->id);
        }
    }
    std::vector<std::vector<uint64_t>> all()
    {
        const std::lock_guard<std::mutex> guard(lock);
        return made;
    }
    size_t sum()
    {
        size_t count = 0;
        for (const auto &call : all()) {
            count += call.size();
        }
        return count;
    }
    ManyHandler handler(slotq_result result = slotq_result_done())
    {
        return [this, result](slotq_task **tasks, uint32_t count, slotq_result *results) {
            note(tasks, count);
            std::fill(results, results + count, result);
        };
    }
};

/* Ack a leased message over the worker's head: its token is taken by a look. */
void ack_from_outside(slotq *queue, uint64_t id)
{
    const Batch looked = batch();
    REQUIRE(eventually([&] {
        slotq_message message;
        return slotq_peek(queue, 0, id, 1, looked.get()) == SLOTQ_OK &&
               slotq_batch_next(looked.get(), &message) && message.id == id &&
               slotq_ack(queue, 0, id, message.token) == SLOTQ_OK;
    }));
}

} // namespace

TEST_CASE("gather: a full number runs at once, in one call", "[worker][gather]")
{
    const Kind kind = each_shared_kind();
    INFO(kind);
    Live queue(kind);
    Calls calls;
    Working work;
    work.options.threads = 2;
    work.handle_many("mail:send", calls.handler(), many_of(3, SLOTQ_NO_LIMIT));
    work.add(queue);
    work.start();
    const uint64_t first = push_task(queue, "mail:send", "1");
    push_task(queue, "mail:send", "2");
    CHECK(eventually([&] { return work.stats().pending == 2; }));
    CHECK(calls.sum() == 0);
    push_task(queue, "mail:send", "3");
    CHECK(eventually([&] { return work.stats().done == 3; }));
    const auto made = calls.all();
    REQUIRE(made.size() == 1);
    REQUIRE(made[0].size() == 3);
    CHECK(std::set<uint64_t>(made[0].begin(), made[0].end()) ==
          std::set<uint64_t>{first, first + 1, first + 2});
    work.stop_and_join();
    CHECK(queue.stats().acked == 3);
    CHECK(queue.stats().unfinished == 0);
}

TEST_CASE("gather: fewer run when they have waited, in any thread", "[worker][gather]")
{
    const Kind kind = each_shared_kind();
    INFO(kind);
    Live queue(kind);
    Calls calls;
    Working work;
    work.options.threads = 1; /* it is the one that watches the queue */
    work.handle_many("mail:send", calls.handler(), many_of(32, 60));
    work.add(queue);
    work.start();
    const auto before = std::chrono::steady_clock::now();
    push_task(queue, "mail:send");
    CHECK(eventually([&] { return calls.sum() == 1; }));
    CHECK(std::chrono::steady_clock::now() - before >= std::chrono::milliseconds(59));
    for (int i = 0; i < 5; i++) {
        push_task(queue, "mail:send");
    }
    CHECK(eventually([&] { return work.stats().done == 6; }));
    work.stop_and_join();
    CHECK(queue.stats().acked == 6);
}

TEST_CASE("gather: a thread that waited before knows when they are due", "[worker][gather]")
{
    Live queue(Kind::memory);
    Live other(Kind::memory);
    Calls calls;
    std::atomic<bool> open{false};
    Working work;
    work.options.threads = 2;
    work.handle_many("mail:send", calls.handler(), many_of(32, 200));
    work.handle("a:wait", [&](slotq_task *) {
        eventually([&] { return open.load(); });
        return slotq_result_done();
    });
    work.add(queue, "q");
    work.add(other, "other");
    work.start();
    push_task(queue, "mail:send");
    CHECK(eventually([&] { return work.stats().pending == 1; }));
    push_task(other, "a:wait"); /* perhaps taken by the thread that gathered */
    CHECK(eventually([&] { return calls.sum() == 1; }));
    open = true;
    work.stop_and_join();
    CHECK(work.stats().done == 2);
}

TEST_CASE("gather: each task is settled by its result, and one not set is a retry",
          "[worker][gather]")
{
    Queue queue(Kind::file, real_geometry()); /* its clock stands still */
    std::atomic<uint32_t> told_or_lost{0};
    Working work;
    work.options.threads = 1;
    work.handle_many(
        "mail:send",
        [&](slotq_task **tasks, uint32_t count, slotq_result *results) {
            for (uint32_t i = 0; i < count; i++) {
                const slotq_task_info *info = slotq_task_info_of(tasks[i]);
                const std::string body(static_cast<const char *>(info->body), info->body_bytes);
                told_or_lost += slotq_task_told(tasks[i]);
                told_or_lost += slotq_task_confirm(tasks[i]) != SLOTQ_OK ? 1 : 0;
                if (body == "done") {
                    results[i] = slotq_result_done();
                } else if (body == "dead") {
                    results[i] = slotq_result_dead(9);
                } else if (body == "snooze") {
                    results[i] = slotq_result_snooze(60000);
                } else if (body == "later") {
                    results[i] = slotq_result_later();
                }
            }
        },
        many_of(5, SLOTQ_NO_LIMIT));
    push_task(queue, "mail:send", "done");
    const uint64_t dead = push_task(queue, "mail:send", "dead");
    const uint64_t snooze = push_task(queue, "mail:send", "snooze");
    const uint64_t later = push_task(queue, "mail:send", "later");
    const uint64_t none = push_task(queue, "mail:send", "none");
    work.add(queue);
    work.start();
    CHECK(eventually([&] {
        const slotq_worker_stats stats = work.stats();
        return stats.done == 1 && stats.died == 1 && stats.snoozed == 1 && stats.retried == 2;
    }));
    CHECK(told_or_lost == 0);
    work.stop_and_join();
    CHECK(queue.stats().acked == 1);
    CHECK(queue.status(dead).reason == 9);
    CHECK(queue.status(snooze).attempts == 0);
    for (const uint64_t id : {later, none}) {
        CHECK(queue.status(id).state == SLOTQ_STATE_WAITING);
        CHECK(queue.status(id).attempts == 1);
    }
    CHECK(work.stats().pending == 0);
}

TEST_CASE("gather: one whose lease was lost is not run", "[worker][gather]")
{
    const Kind kind = each_shared_kind();
    INFO(kind);
    Live queue(kind);
    Calls calls;
    std::mutex lock;
    std::vector<uint64_t> settled;
    struct Seen {
        std::mutex *lock;
        std::vector<uint64_t> *ids;
    };
    static Seen seen;
    seen = {&lock, &settled};
    Working work;
    work.options.threads = 1;
    work.options.lease_ms = 600;
    slotq_handler how = many_of(3, SLOTQ_NO_LIMIT);
    how.settled = [](void *, const slotq_task_info *task, slotq_result, slotq_outcome outcome) {
        const std::lock_guard<std::mutex> guard(*seen.lock);
        seen.ids->push_back(outcome == SLOTQ_OK ? task->id : 0);
    };
    work.handle_many("mail:send", calls.handler(), how);
    const uint64_t lost = push_task(queue, "mail:send", "lost");
    const uint64_t kept = push_task(queue, "mail:send", "kept");
    work.add(queue);
    work.start();
    CHECK(eventually([&] { return work.stats().pending == 2; }));
    ack_from_outside(queue, lost);
    CHECK(eventually([&] { return work.stats().lost == 1; }));
    CHECK(calls.sum() == 0);
    const uint64_t last = push_task(queue, "mail:send", "last");
    CHECK(eventually([&] { return work.stats().done == 2; }));
    CHECK(eventually([&] { return work.stats().pending == 0; }));
    work.stop_and_join();
    CHECK(calls.all() == std::vector<std::vector<uint64_t>>{{kept, last}});
    CHECK(work.stats().lost == 1);
    CHECK(work.count(SLOTQ_EVENT_LOST) == 1);
    CHECK(queue.stats().acked == 3);
    std::sort(settled.begin(), settled.end());
    CHECK(settled == std::vector<uint64_t>{kept, last});
}

TEST_CASE("gather: a stop gives back what waits, not counted", "[worker][gather]")
{
    const Kind kind = each_shared_kind();
    INFO(kind);
    Live queue(kind);
    Calls calls;
    static std::atomic<int> settled;
    settled = 0;
    Working work;
    work.options.threads = 2;
    slotq_handler how = many_of(32, SLOTQ_NO_LIMIT);
    how.settled = [](void *, const slotq_task_info *, slotq_result, slotq_outcome) { settled++; };
    work.handle_many("mail:send", calls.handler(), how);
    std::vector<uint64_t> ids;
    for (int i = 0; i < 10; i++) {
        ids.push_back(push_task(queue, "mail:send"));
    }
    work.add(queue);
    work.start();
    CHECK(eventually([&] { return work.stats().pending == 10; }));
    work.stop_and_join();
    CHECK(calls.sum() == 0);
    CHECK(settled == 0);
    CHECK(work.stats().given_back >= 10); /* a call that was under way may take some again */
    CHECK(work.stats().released == 0);
    CHECK(work.count(SLOTQ_EVENT_RELEASE) == 0);
    for (const uint64_t id : ids) {
        CHECK(queue.status(id).state == SLOTQ_STATE_READY);
        CHECK(queue.status(id).attempts == 0);
    }
}

TEST_CASE("gather: a handler that ends its thread fails all its tasks", "[worker][gather]")
{
    Queue queue(Kind::memory, real_geometry());
    std::atomic<int> calls{0};
    Working work;
    work.options.threads = 1;
    work.handle_many(
        "mail:send",
        [&](slotq_task **, uint32_t count, slotq_result *results) {
            std::fill(results, results + count, slotq_result_done());
            if (++calls == 1) {
                pthread_exit(nullptr);
            }
        },
        many_of(2, SLOTQ_NO_LIMIT));
    const uint64_t one = push_task(queue, "mail:send");
    const uint64_t two = push_task(queue, "mail:send");
    work.add(queue);
    work.start();
    CHECK(eventually([&] { return work.stats().retried == 2; }));
    CHECK(work.stats().threads_ended == 1);
    push_task(queue, "mail:send"); /* another thread has its place */
    push_task(queue, "mail:send");
    CHECK(eventually([&] { return work.stats().done == 2; }));
    work.stop_and_join();
    for (const Told &told : work.told()) {
        if (told.kind == SLOTQ_EVENT_RETRY) {
            CHECK(told.result.reason == SLOTQ_REASON_THREAD_ENDED);
        }
    }
    CHECK(queue.status(one).state == SLOTQ_STATE_WAITING);
    CHECK(queue.status(two).state == SLOTQ_STATE_WAITING);
}

TEST_CASE("gather: a handler that does not return loses its tasks, and its thread is replaced",
          "[worker][gather]")
{
    Queue queue(Kind::memory, real_geometry());
    std::atomic<bool> open{false};
    std::atomic<int> calls{0};
    std::atomic<uint32_t> told{0};
    Working work;
    work.options.threads = 1;
    work.options.lease_ms = 300; /* stuck: 100 after the limit */
    slotq_handler how = many_of(2, SLOTQ_NO_LIMIT);
    how.limit_ms = 50;
    work.handle_many(
        "mail:send",
        [&](slotq_task **tasks, uint32_t count, slotq_result *results) {
            std::fill(results, results + count, slotq_result_done());
            if (++calls == 1) {
                eventually([&] { return open.load(); });
                told = slotq_task_told(tasks[0]);
            }
        },
        how);
    std::atomic<int> others{0};
    work.handle("a:b", [&](slotq_task *) {
        others++;
        return slotq_result_done();
    });
    const uint64_t one = push_task(queue, "mail:send");
    const uint64_t two = push_task(queue, "mail:send");
    work.add(queue);
    work.start();
    CHECK(eventually([&] { return work.count(SLOTQ_EVENT_STUCK) == 2; }));
    CHECK(work.stats().stuck == 1);
    push_task(queue, "a:b");
    CHECK(eventually([&] { return others == 1; }));
    CHECK(work.stats().running <= 1);
    open = true;
    CHECK(eventually([&] { return work.stats().stuck == 0 && work.stats().pending == 0; }));
    work.stop_and_join();
    CHECK(told == (SLOTQ_TOLD_LOST | SLOTQ_TOLD_LIMIT));
    CHECK(work.stats().limits == 2);
    CHECK(work.stats().retried == 2);
    CHECK(work.stats().done == 1);
    for (const uint64_t id : {one, two}) {
        CHECK(queue.status(id).state == SLOTQ_STATE_WAITING);
        CHECK(queue.status(id).attempts == 1);
    }
}

TEST_CASE("gather: tens of thirty, three failures each, and a killed worker", "[worker][gather]")
{
    const Kind kind = GENERATE(Kind::file, Kind::redis);
    INFO(kind);
    Live queue(kind);
    for (int i = 0; i < 30; i++) {
        push_task(queue, "many", std::to_string(i));
    }
    ProcessPlan plan;
    plan.threads = 2;
    plan.prefetch_most = 16;
    {
        Process first(queue, plan);
        int calls = 0;
        while (calls < 4) { /* in the middle of some run, or between two */
            const std::vector<std::string> words = first.next("many");
            REQUIRE(words.size() == 1);
            CHECK(std::stoi(words[0]) <= 10);
            calls++;
        }
        first.signal(SIGKILL);
        first.wait();
    }
    CHECK(queue.stats().acked < 30);
    Process second(queue, plan);
    CHECK(eventually([&] { return queue.stats().acked == 30; }));
    CHECK(queue.stats().unfinished == 0);
    CHECK(queue.stats().died == 0);
    CHECK(second.end() == 0);
}
