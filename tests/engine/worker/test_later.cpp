/* test_later.cpp: tasks that answer LATER: finished by another thread, early, twice, after a lost
 * lease, or never.
 */
#include "catch.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <set>
#include <thread>

#include "live.hpp"

using namespace any_queue;
using namespace working;

namespace
{

/* What a handler handed out. */
struct Handed {
    std::mutex lock;
    std::vector<slotq_task *> tasks;

    void note(slotq_task *task)
    {
        const std::lock_guard<std::mutex> guard(lock);
        tasks.push_back(task);
    }
    size_t count()
    {
        const std::lock_guard<std::mutex> guard(lock);
        return tasks.size();
    }
    slotq_task *at(size_t i)
    {
        const std::lock_guard<std::mutex> guard(lock);
        return tasks.at(i);
    }
    Handler handler()
    {
        return [this](slotq_task *task) {
            note(task);
            return slotq_result_later();
        };
    }
};

bool all_are_kept(Working &work, uint32_t count)
{
    return eventually([&] { return work.stats().pending == count; });
}

uint32_t token_of(slotq *queue, uint64_t id)
{
    const Batch looked = batch();
    slotq_message message = {};
    REQUIRE(slotq_peek(queue, 0, id, 1, looked.get()) == SLOTQ_OK);
    REQUIRE(slotq_batch_next(looked.get(), &message));
    REQUIRE(message.id == id);
    return message.token;
}

/* A worker of one thread, and one task that it keeps. */
struct OneKept {
    Live queue;
    Handed handed;
    Working work;
    uint64_t id = 0;

    explicit OneKept(Kind kind) : queue(kind)
    {
        work.options.threads = 1;
    }
    slotq_task *begin(slotq_handler how = {})
    {
        work.handle("a:later", handed.handler(), how);
        id = push_task(queue, "a:later");
        work.add(queue);
        work.start();
        REQUIRE(all_are_kept(work, 1));
        return handed.at(0);
    }
};

} // namespace

TEST_CASE("later: finished by another thread, with its payload kept", "[worker][later]")
{
    const Kind kind = each_shared_kind();
    INFO(kind);
    Live queue(kind);
    Handed handed;
    Working work;
    work.options.threads = 2;
    work.handle("a:later", handed.handler());
    work.handle_done("a:b");
    for (int i = 0; i < 8; i++) {
        push_task(queue, "a:later", "body " + std::to_string(i));
    }
    work.add(queue);
    work.start();
    REQUIRE(all_are_kept(work, 8));
    for (int i = 0; i < 50; i++) { /* batches are used again */
        push_task(queue, "a:b", "other body");
    }
    CHECK(eventually([&] { return work.stats().done == 50; }));
    std::set<std::string> bodies;
    for (size_t i = 0; i < 8; i++) {
        const slotq_task_info *info = slotq_task_info_of(handed.at(i));
        CHECK(std::string(info->type) == "a:later");
        bodies.insert(std::string(static_cast<const char *>(info->body), info->body_bytes));
        CHECK(slotq_task_told(handed.at(i)) == 0);
    }
    CHECK(bodies.size() == 8);
    CHECK(bodies.count("body 7") == 1);
    for (size_t i = 0; i < 8; i++) {
        CHECK(slotq_task_finish(handed.at(i), slotq_result_done()) == SLOTQ_OK);
    }
    CHECK(eventually([&] { return work.stats().done == 58; }));
    work.stop_and_join();
    CHECK(queue.stats().acked == 58);
    CHECK(queue.stats().unfinished == 0);
}

TEST_CASE("later: its lease is extended", "[worker][later]")
{
    const Kind kind = each_shared_kind();
    INFO(kind);
    OneKept kept(kind);
    kept.work.options.lease_ms = 900;
    slotq_task *task = kept.begin();
    const uint32_t token = token_of(kept.queue, kept.id);
    CHECK(eventually([&] { return token_of(kept.queue, kept.id) != token; }));
    CHECK(slotq_task_confirm(task) == SLOTQ_OK);
    CHECK(slotq_task_finish(task, slotq_result_done()) == SLOTQ_OK);
    CHECK(eventually([&] { return kept.work.stats().done == 1; }));
    kept.work.stop_and_join();
    CHECK(kept.queue.stats().redelivered == 0);
}

TEST_CASE("later: finished before its handler has returned", "[worker][later]")
{
    const Kind kind = each_shared_kind();
    INFO(kind);
    Queue queue(kind, real_geometry());
    std::atomic<slotq_task *> running{nullptr};
    std::atomic<bool> finished{false};
    std::atomic<slotq_outcome> first{SLOTQ_EMPTY};
    std::atomic<slotq_outcome> second{SLOTQ_EMPTY};
    Working work;
    work.options.threads = 2;
    work.handle("a:other", [&](slotq_task *task) {
        running = task;
        eventually([&] { return finished.load(); });
        return slotq_result_later();
    });
    work.handle("a:own", [&](slotq_task *task) {
        first = slotq_task_finish(task, slotq_result_dead(7));
        second = slotq_task_finish(task, slotq_result_done());
        return slotq_result_later();
    });
    const uint64_t own = push_task(queue, "a:own");
    push_task(queue, "a:other");
    work.add(queue);
    work.start();
    REQUIRE(eventually([&] { return running != nullptr; }));
    CHECK(slotq_task_finish(running, slotq_result_later()) == SLOTQ_INVALID);
    CHECK(slotq_task_finish(running, slotq_result_done()) == SLOTQ_OK);
    CHECK(slotq_task_finish(running, slotq_result_done()) == SLOTQ_INVALID);
    finished = true;
    CHECK(eventually([&] { return work.stats().done == 1 && work.stats().died == 1; }));
    work.stop_and_join();
    CHECK(queue.status(own).reason == 7);
    CHECK(first == SLOTQ_OK);
    CHECK(second == SLOTQ_INVALID);
    CHECK(queue.stats().acked == 1);
    CHECK(work.stats().pending == 0);
}

TEST_CASE("later: finished twice, the second is refused", "[worker][later]")
{
    OneKept kept(Kind::memory);
    slotq_task *task = kept.begin();
    CHECK(slotq_task_finish(task, slotq_result_later()) == SLOTQ_INVALID);
    CHECK(slotq_task_finish(task, slotq_result_done()) == SLOTQ_OK);
    CHECK(slotq_task_finish(task, slotq_result_dead(1)) == SLOTQ_INVALID);
    CHECK(eventually([&] { return kept.work.stats().done == 1; }));
    CHECK(slotq_task_finish(task, slotq_result_dead(1)) == SLOTQ_INVALID);
    kept.work.stop_and_join();
    CHECK(kept.work.stats().died == 0);
    CHECK(kept.queue.stats().acked == 1);
}

TEST_CASE("later: finished after its lease was lost", "[worker][later]")
{
    const Kind kind = each_shared_kind();
    INFO(kind);
    OneKept kept(kind);
    static std::atomic<int> stale;
    stale = 0;
    kept.work.options.lease_ms = 600;
    slotq_handler how = {};
    how.settled = [](void *, const slotq_task_info *, slotq_result, slotq_outcome outcome) {
        stale += outcome == SLOTQ_STALE ? 1 : 100;
    };
    slotq_task *task = kept.begin(how);
    REQUIRE(eventually([&] {
        return slotq_ack(kept.queue, 0, kept.id, token_of(kept.queue, kept.id)) == SLOTQ_OK;
    }));
    CHECK(eventually([&] { return (slotq_task_told(task) & SLOTQ_TOLD_LOST) != 0; }));
    CHECK(slotq_task_confirm(task) == SLOTQ_STALE);
    CHECK(kept.work.stats().pending == 1); /* its owner has it still */
    CHECK(slotq_task_finish(task, slotq_result_dead(3)) == SLOTQ_STALE);
    CHECK(eventually([&] { return kept.work.stats().pending == 0; }));
    kept.work.stop_and_join();
    CHECK(stale == 1);
    CHECK(kept.work.stats().lost == 1);
    CHECK(kept.work.stats().died == 0);
    CHECK(kept.queue.stats().acked == 1);
}

TEST_CASE("later: not more at a time than pending_most", "[worker][later]")
{
    Live queue(Kind::memory);
    Handed handed;
    Working work;
    work.options.threads = 1;
    work.options.pending_most = 2;
    std::atomic<int> most_attempts{0};
    work.handle("a:later", [&](slotq_task *task) {
        most_attempts = std::max<int>(most_attempts, slotq_task_info_of(task)->attempts);
        handed.note(task);
        return slotq_result_later();
    });
    for (int i = 0; i < 5; i++) {
        push_task(queue, "a:later");
    }
    work.add(queue);
    work.start();
    for (size_t i = 0; i < 5; i++) {
        CHECK(eventually([&] { return handed.count() == (i < 3 ? i + 2 : 5); }));
        const slotq_worker_stats stats = work.stats();
        CHECK(stats.pending <= 2);
        CHECK(slotq_task_finish(handed.at(i), slotq_result_done()) == SLOTQ_OK);
        CHECK(handed.count() <= i + 3);
    }
    CHECK(eventually([&] { return work.stats().done == 5; }));
    work.stop_and_join();
    CHECK(queue.stats().acked == 5);
    CHECK(most_attempts == 1);
}

TEST_CASE("later: a release leaves the queue alone for a while", "[worker][later]")
{
    OneKept kept(Kind::memory);
    slotq_task *task = kept.begin();
    const auto before = std::chrono::steady_clock::now();
    CHECK(slotq_task_finish(task, slotq_result_release()) == SLOTQ_OK);
    CHECK(eventually([&] { return kept.handed.count() == 2; }));
    CHECK(std::chrono::steady_clock::now() - before >= std::chrono::milliseconds(990));
    CHECK(slotq_task_info_of(kept.handed.at(1))->attempts == 1);
    REQUIRE(all_are_kept(kept.work, 1));
    CHECK(slotq_task_finish(kept.handed.at(1), slotq_result_done()) == SLOTQ_OK);
    CHECK(eventually([&] { return kept.work.stats().done == 1; }));
    kept.work.stop_and_join();
}

TEST_CASE("later: never finished, it is left at the end of a stop", "[worker][later]")
{
    OneKept kept(Kind::file);
    static std::atomic<int> stale;
    stale = 0;
    kept.work.options.stop_ms = 1;
    slotq_handler how = {};
    how.settled = [](void *, const slotq_task_info *, slotq_result, slotq_outcome outcome) {
        stale += outcome == SLOTQ_STALE ? 1 : 0;
    };
    slotq_task *task = kept.begin(how);
    uint32_t left = 0;
    slotq_worker_stop(kept.work.worker());
    CHECK(slotq_worker_join(kept.work.worker(), UINT64_MAX, &left) == SLOTQ_LEASED);
    CHECK(left == 1);
    CHECK(kept.queue.status(kept.id).state == SLOTQ_STATE_READY); /* given back, not counted */
    CHECK(kept.queue.status(kept.id).attempts == 0);
    CHECK(slotq_worker_free(kept.work.worker()) == SLOTQ_INVALID);
    CHECK((slotq_task_told(task) & SLOTQ_TOLD_LOST) != 0);
    CHECK(slotq_task_finish(task, slotq_result_done()) == SLOTQ_STALE);
    CHECK(slotq_worker_join(kept.work.worker(), UINT64_MAX, &left) == SLOTQ_OK);
    CHECK(left == 0);
    CHECK(stale == 1);
    CHECK(kept.work.stats().pending == 0);
    CHECK(kept.queue.status(kept.id).state == SLOTQ_STATE_READY);
}
