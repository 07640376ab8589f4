/* test_give_back.cpp: a thread may hold many messages, but none waits long behind one that runs:
 * the keeper acks those before it and gives back those behind it.
 */
#include "catch.hpp"

#include <atomic>
#include <csignal>

#include <unistd.h>

#include "live.hpp"
#include "process.hpp"

using namespace any_queue;
using namespace working;

namespace
{

using Words = std::vector<std::string>;
constexpr uint32_t GROW = 200;
constexpr uint32_t BEFORE = 10;
constexpr uint32_t BEHIND = 50;

slotq_data task_of(const char *type)
{
    return {type, static_cast<uint32_t>(std::string(type).size() + 1)};
}

/* What a thread takes at once: some short, one long, and some short again. Its id. */
uint64_t push_one_long(slotq *queue)
{
    std::vector<slotq_data> tasks(BEFORE, task_of("p:done"));
    tasks.push_back(task_of("p:lost"));
    tasks.resize(BEFORE + 1 + BEHIND, task_of("p:done"));
    uint64_t first = 0;
    REQUIRE(slotq_push(queue, tasks.data(), static_cast<uint32_t>(tasks.size()), &first) ==
            SLOTQ_OK);
    return first + BEFORE;
}

} // namespace

TEST_CASE("behind a long run others get the messages, and those before it are acked", "[worker]")
{
    const Kind kind = GENERATE(Kind::file, Kind::redis);
    INFO(kind);
    Live queue(kind, real_geometry(401));
    ProcessPlan plan;
    plan.prefetch_most = 64;
    plan.lease_ms = 30000;
    for (uint32_t i = 0; i < GROW; i++) {
        push_task(queue, "p:done");
    }
    Process slow(queue, plan);
    REQUIRE(eventually([&] { return queue.stats().acked == GROW; }));
    const uint64_t id = push_one_long(queue);
    Words began;
    while (began.empty() || began[0] != std::to_string(id)) {
        began = slow.next("began");
        REQUIRE(began.size() == 3);
    }
    CHECK(eventually([&] { return queue.stats().acked == GROW + BEFORE; }));
    CHECK(eventually([&] { return queue.stats().ready == BEHIND; }));
    CHECK(queue.stats().leased == 1);
    for (uint64_t behind = id + 1; behind <= id + BEHIND; behind++) {
        CHECK(queue.status(behind).attempts == 0);
    }
    std::atomic<int> again{0};
    Working work;
    work.options.threads = 2;
    work.handle("p:done", [&](slotq_task *task) {
        again += slotq_task_info_of(task)->attempts > 1 ? 1 : 0;
        return slotq_result_done();
    });
    work.add(queue);
    work.start();
    CHECK(eventually([&] { return work.stats().done == BEHIND; }));
    work.stop_and_join();
    slow.signal(SIGKILL);
    slow.wait();
    CHECK(again == 0);
    CHECK(queue.stats().unfinished == 1);
    CHECK(queue.status(id).attempts == 1);
    CHECK(queue.stats().acked == GROW + BEFORE + BEHIND);
}

TEST_CASE("with a prefetch of one a worker holds no more than it runs", "[worker]")
{
    const Kind kind = each_shared_kind();
    INFO(kind);
    Live queue(kind);
    constexpr size_t WORKERS = 5;
    std::atomic<size_t> begun{0};
    std::atomic<bool> may_end{false};
    std::atomic<int> ran[WORKERS];
    std::vector<std::unique_ptr<Working>> all;
    slotq_worker_queue how = {};
    how.prefetch_most = 1;
    for (size_t i = 0; i < WORKERS; i++) {
        ran[i] = 0;
        all.push_back(std::make_unique<Working>());
        Working &work = *all.back();
        work.options.threads = 1;
        work.handle("a:ticket", [&, i](slotq_task *task) {
            const uint8_t body = *static_cast<const uint8_t *>(slotq_task_info_of(task)->body);
            begun++;
            ran[i]++;
            while (body == 'w' && !may_end) {
                usleep(1000);
            }
            return slotq_result_done();
        });
        work.add(queue, "q", how);
    }
    for (int i = 0; i < 20; i++) {
        push_task(queue, "a:ticket", "q");
    }
    all[0]->start(); /* it alone: would have learnt to take many */
    REQUIRE(eventually([&] { return all[0]->stats().done == 20; }));
    for (int i = 0; i < 30; i++) {
        push_task(queue, "a:ticket", "w");
    }
    for (size_t i = 1; i < WORKERS; i++) {
        all[i]->start();
    }
    CHECK(eventually([&] { return begun == 20 + WORKERS; }));
    CHECK(queue.stats().leased == WORKERS);
    CHECK(queue.stats().ready == 30 - WORKERS);
    for (size_t i = 0; i < WORKERS; i++) {
        CHECK(ran[i] == (i == 0 ? 21 : 1));
    }
    may_end = true;
    CHECK(eventually([&] { return queue.stats().acked == 50; }));
    for (const auto &work : all) {
        work->stop_and_join();
    }
}
