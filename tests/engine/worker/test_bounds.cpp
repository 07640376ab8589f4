/* test_bounds.cpp: a worker at its bounds.
 */
#include "catch.hpp"

#include "live.hpp"

using namespace any_queue;
using namespace working;

TEST_CASE("bounds: a queue with few threads is worked on at once", "[worker][bounds]")
{
    constexpr uint32_t WARM = 20;
    constexpr uint32_t ROUNDS = 20;
    const Kind kind = each_shared_kind();
    INFO(kind);
    Live queue(kind);
    Working work;
    work.options.threads = 2;
    work.handle("a:b", [](slotq_task *) { return slotq_result_done(); });
    slotq_worker_queue how = {};
    how.threads_most = 1;
    work.add(queue, "q", how);
    for (uint32_t i = 0; i < WARM; i++) { /* after them more than one is asked for */
        push_task(queue, "a:b");
    }
    work.start();
    CHECK(eventually([&] { return work.stats().done == WARM; }));
    for (uint32_t i = 1; i <= ROUNDS; i++) {
        push_task(queue, "a:b");
        CHECK(eventually([&] { return work.stats().done == WARM + i; }));
    }
    work.stop_and_join();
    CHECK(queue.stats().redelivered == 0); /* not leased and given back */
}
