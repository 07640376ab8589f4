/* test_fan.cpp: handlers that push into the queue that they are run from, also when it is full.
 */
#include "catch.hpp"

#include <atomic>
#include <deque>

#include "live.hpp"

using namespace any_queue;
using namespace working;

namespace
{

slotq_outcome push_range(slotq *queue, int from, int to)
{
    const std::string body = std::to_string(from) + " " + std::to_string(to);
    slotq_task_spec task = {};
    task.type = "fan:out";
    task.body = body.data();
    task.body_bytes = static_cast<uint32_t>(body.size());
    return slotq_task_push(queue, &task, nullptr);
}

} // namespace

TEST_CASE("fan: a push into the full queue of the handler is FULL at once", "[worker][fan]")
{
    const Kind kind = each_shared_kind();
    INFO(kind);
    Geometry small = real_geometry(5);
    small.raw.aside_slots = 0;
    Live queue(kind, small);
    Live again(queue);
    std::atomic<slotq_outcome> outcome{SLOTQ_OK};
    Working work;
    work.options.threads = 1;
    work.handle("fan:out", [&](slotq_task *) {
        if (outcome == SLOTQ_OK) {
            outcome = push_range(again, 0, 1);
        }
        return slotq_result_done();
    });
    for (int i = 0; i < 4; i++) {
        CHECK(push_range(queue, 0, 1) == SLOTQ_OK);
    }
    work.add(queue);
    work.start();
    CHECK(eventually([&] { return work.stats().done == 4; }));
    work.stop_and_join();
    CHECK(outcome == SLOTQ_FULL);
    CHECK(queue.stats().unfinished == 0);
}

TEST_CASE("fan: ten thousand tasks through a hundred slots end", "[worker][fan]")
{
    const Kind kind = each_shared_kind();
    INFO(kind);
    constexpr int leaves = 10000;
    constexpr uint32_t threads = 4;
    Live queue(kind);
    std::deque<Live> handles; /* one for each call at a time */
    std::mutex lock;
    std::vector<slotq *> free_handles;
    for (uint32_t i = 0; i < threads; i++) {
        handles.emplace_back(queue);
        free_handles.push_back(handles.back());
    }
    std::vector<std::atomic<int>> seen(leaves);
    std::atomic<int> full{0};
    Working work;
    work.options.threads = threads;
    work.options.lease_ms = 60000;
    work.handle("fan:out", [&](slotq_task *task) {
        const slotq_task_info *info = slotq_task_info_of(task);
        const std::string body(static_cast<const char *>(info->body), info->body_bytes);
        int from = 0;
        int to = 0;
        sscanf(body.c_str(), "%d %d", &from, &to);
        slotq *handle = nullptr;
        {
            const std::lock_guard<std::mutex> guard(lock);
            handle = free_handles.back();
            free_handles.pop_back();
        }
        while (to - from > 1) { /* a half for another one, while there is room */
            const int middle = from + (to - from) / 2;
            if (push_range(handle, middle, to) != SLOTQ_OK) {
                full++;
                break;
            }
            to = middle;
        }
        for (int i = from; i < to; i++) {
            seen[static_cast<size_t>(i)]++;
        }
        const std::lock_guard<std::mutex> guard(lock);
        free_handles.push_back(handle);
        return slotq_result_done();
    });
    REQUIRE(push_range(queue, 0, leaves) == SLOTQ_OK);
    work.add(queue);
    slotq_worker_drain(work.worker());
    CHECK(slotq_worker_run(work.worker()) == SLOTQ_OK);
    int once = 0;
    for (const std::atomic<int> &count : seen) {
        once += count == 1 ? 1 : 0;
    }
    CHECK(once == leaves);
    CHECK(work.stats().done > 100);
    CHECK(queue.stats().unfinished == 0);
}
