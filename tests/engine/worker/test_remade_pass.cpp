/* test_remade_pass.cpp: a queue is made anew, and a trip in the middle of a keeper's pass finds
 * out: what the pass has yet to do for leases of the old queue is not done in the new one.
 */
#include "catch.hpp"

#include <atomic>
#include <functional>

#include "live.hpp"
#include "server/redis_server.hpp"

using namespace any_queue;
using namespace working;

namespace
{

constexpr uint64_t LEASE_MS = 600;
constexpr uint64_t LONG_MS = 600000;

enum Place : uint32_t { NOWHERE, BEFORE_EXTEND, BEFORE_SETTLE };

std::atomic<uint32_t> strikes{NOWHERE};
std::function<void()> strike;
std::atomic<slotq *> keepers{nullptr}; /* the keeper's handle */
thread_local bool extends = false;

/* The queue is another one now, and the keeper's handle knows it. */
void come_to(Place place)
{
    uint32_t expected = place;
    if (strikes.compare_exchange_strong(expected, NOWHERE)) {
        slotq_stats stats;
        strike();
        (void)slotq_get_stats(keepers, 0, &stats);
    }
}

std::atomic<uint32_t> told_as{SLOTQ_OK};

void note_settled(void *, const slotq_task_info *, slotq_result, slotq_outcome outcome)
{
    told_as = outcome;
}

/* A LATER task of which the lease was extended, and then a queue that is made anew on the way. */
struct Kept {
    redis::Server server;
    Live old{server.url()};
    std::unique_ptr<Live> anew;
    Message taken; /* of the new queue, with the id of the old one */
    std::atomic<slotq_task *> task{nullptr};
    Working work;

    Kept()
    {
        keepers = nullptr;
        told_as = SLOTQ_OK;
        strike = [this] {
            (void)slotq_remove_queue(server.url().c_str(), "q", nullptr);
            anew.reset(new Live(server.url()));
            push_task(*anew, "a:later");
            taken = anew->take(LONG_MS);
        };
        slotq_handler how = {};
        how.settled = note_settled;
        work.options.threads = 1;
        work.options.pending_most = 1; /* so nothing asks while there is no queue */
        work.options.lease_ms = LEASE_MS;
        work.handle(
            "a:later",
            [this](slotq_task *kept) {
                task = kept;
                return slotq_result_later();
            },
            how);
        push_task(old, "a:later");
        work.add(old);
        work.start();
        REQUIRE(eventually([] { return keepers != nullptr; }));
        REQUIRE(work.stats().pending == 1);
    }
    ~Kept()
    {
        strikes = NOWHERE;
    }
    void check_untouched()
    {
        REQUIRE(anew != nullptr);
        CHECK(slotq_ack(*anew, 0, taken.id, taken.token) == SLOTQ_OK);
    }
};

} // namespace

struct worker_queue;
extern "C" void __real_owed_extend(struct worker_queue *queue, uint32_t count, uint64_t now_ms);
extern "C" void __wrap_owed_extend(struct worker_queue *queue, uint32_t count, uint64_t now_ms);
extern "C" void __wrap_owed_extend(struct worker_queue *queue, uint32_t count, uint64_t now_ms)
{
    if (count != 0) {
        come_to(BEFORE_EXTEND);
    }
    extends = true;
    __real_owed_extend(queue, count, now_ms);
    extends = false;
}

extern "C" bool __real_owed_settle(struct worker_queue *queue, uint32_t count);
extern "C" bool __wrap_owed_settle(struct worker_queue *queue, uint32_t count);
extern "C" bool __wrap_owed_settle(struct worker_queue *queue, uint32_t count)
{
    come_to(BEFORE_SETTLE);
    return __real_owed_settle(queue, count);
}

extern "C" void __real_away_note(struct worker_queue *queue, slotq *handle, slotq_outcome outcome);
extern "C" void __wrap_away_note(struct worker_queue *queue, slotq *handle, slotq_outcome outcome);
extern "C" void __wrap_away_note(struct worker_queue *queue, slotq *handle, slotq_outcome outcome)
{
    if (extends) {
        keepers = handle;
    }
    __real_away_note(queue, handle, outcome);
}

TEST_CASE("pass: a lease of the queue before is not extended in the one made anew", "[worker]")
{
    Kept kept;
    strikes = BEFORE_EXTEND;
    REQUIRE(eventually([&] { return kept.work.count(SLOTQ_EVENT_LOST) == 1; }));
    CHECK(strikes == NOWHERE);
    for (const Told &told : kept.work.told()) {
        if (told.kind == SLOTQ_EVENT_LOST) {
            CHECK(told.outcome == SLOTQ_REMADE);
        }
    }
    CHECK(slotq_task_finish(kept.task, slotq_result_done()) == SLOTQ_STALE);
    kept.work.stop_and_join();
    kept.check_untouched();
}

TEST_CASE("pass: a task of the queue before is not settled in the one made anew", "[worker]")
{
    Kept kept;
    strikes = BEFORE_SETTLE;
    REQUIRE(slotq_task_finish(kept.task, slotq_result_done()) == SLOTQ_OK);
    REQUIRE(eventually([&] { return told_as != SLOTQ_OK; }));
    CHECK(strikes == NOWHERE);
    CHECK(told_as == SLOTQ_REMADE);
    kept.work.stop_and_join();
    CHECK(kept.work.stats().done == 0);
    kept.check_untouched();
}
