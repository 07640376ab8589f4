/* test_remade_larger.cpp: a queue is made anew for larger payloads: tasks that outlive their
 * handler's call keep all of theirs.
 */
#include "catch.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>

#include <unistd.h>

#include "live.hpp"
#include "server/redis_server.hpp"

using namespace any_queue;
using namespace working;

namespace
{

constexpr uint16_t SMALL_BYTES = 64;
constexpr uint16_t LARGE_BYTES = 4096;
constexpr size_t BODY_BYTES = 4000;
constexpr size_t TASKS = 3;

std::string body_of(const slotq_task *task)
{
    const slotq_task_info *info = slotq_task_info_of(task);
    return std::string(static_cast<const char *>(info->body), info->body_bytes);
}

/* Every body once, whole. */
void check_bodies(std::vector<std::string> bodies)
{
    REQUIRE(bodies.size() == TASKS);
    std::sort(bodies.begin(), bodies.end());
    for (size_t i = 0; i < TASKS; i++) {
        CHECK(bodies[i] == std::string(BODY_BYTES, static_cast<char>('a' + i)));
    }
}

/* The worker has begun with the queue for small payloads, and has it for large ones now. It asks
 * nothing while there is none: its only thread is in a handler. */
struct Larger {
    redis::Server server;
    Live old{server.url(), real_geometry(101, SMALL_BYTES)};
    std::atomic<bool> runs{false};
    std::atomic<bool> may_end{false};
    Working work;
    std::unique_ptr<Live> queue;

    void make()
    {
        work.options.threads = 1;
        work.options.alone_attempts = 255;
        work.handle("a:small", [this](slotq_task *) {
            for (runs = true; !may_end;) {
                usleep(1000);
            }
            return slotq_result_done();
        });
        push_task(old, "a:small");
        work.add(old);
        work.start();
        REQUIRE(eventually([&] { return runs.load(); }));
        REQUIRE(slotq_remove_queue(server.url().c_str(), "q", nullptr) == SLOTQ_OK);
        queue = std::make_unique<Live>(server.url(), real_geometry(101, LARGE_BYTES));
        for (size_t i = 0; i < TASKS; i++) {
            push_task(*queue, "a:large", std::string(BODY_BYTES, static_cast<char>('a' + i)));
        }
        may_end = true;
    }
    ~Larger()
    {
        may_end = true;
    }
};

} // namespace

TEST_CASE("later: a queue made anew may have larger payloads", "[worker]")
{
    Larger larger;
    std::mutex lock;
    std::vector<slotq_task *> kept;
    larger.work.handle("a:large", [&](slotq_task *task) {
        const std::lock_guard<std::mutex> held(lock);
        kept.push_back(task);
        return slotq_result_later();
    });
    larger.make();
    REQUIRE(eventually([&] { return larger.work.stats().pending == TASKS; }, 30));
    std::vector<std::string> bodies;
    for (const slotq_task *task : kept) {
        bodies.push_back(body_of(task));
    }
    check_bodies(bodies);
    for (slotq_task *task : kept) {
        CHECK(slotq_task_finish(task, slotq_result_done()) == SLOTQ_OK);
    }
    CHECK(eventually([&] { return larger.work.stats().done == TASKS; }));
    larger.work.stop_and_join();
}

TEST_CASE("run_many: a queue made anew may have larger payloads", "[worker]")
{
    Larger larger;
    std::mutex lock;
    std::vector<std::string> bodies;
    larger.work.handle_many("a:large",
                            [&](slotq_task **tasks, uint32_t count, slotq_result *results) {
                                const std::lock_guard<std::mutex> held(lock);
                                for (uint32_t i = 0; i < count; i++) {
                                    bodies.push_back(body_of(tasks[i]));
                                    results[i] = slotq_result_done();
                                }
                            });
    larger.make();
    CHECK(eventually([&] { return larger.work.stats().done == TASKS; }, 30));
    larger.work.stop_and_join();
    check_bodies(bodies);
}
