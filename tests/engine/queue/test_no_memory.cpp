/* test_no_memory.cpp: settles for which there is no memory: the batch has every message as before,
 * with its mark and its token, and is told so.
 */
#include "catch.hpp"

#include <cstdlib>
#include <cstring>
#include <vector>

#include "any_queue.hpp"

using namespace any_queue;

namespace
{

/* The allocations that still succeed; negative: all. The next one fails, and then all succeed. */
thread_local int allocations_left = -1;

} // namespace

extern "C" void *__real_malloc(size_t bytes);
extern "C" void *__wrap_malloc(size_t bytes)
{
    if (allocations_left >= 0 && allocations_left-- == 0) {
        return nullptr;
    }
    void *made = __real_malloc(bytes);
    if (made != nullptr && bytes <= 4096) {
        memset(made, 0xA5, bytes); /* what a program may have left there */
    }
    return made;
}

namespace
{

struct Marked {
    Queue queue = Queue(Kind::memory, Geometry(20, 16).dead(8));
    Batch given = batch();
    std::vector<uint32_t> tokens;
    Marked()
    {
        slotq_message message;
        queue.fill(12);
        REQUIRE(slotq_reserve(queue, 0, 8, 30000, 0, given.get()) == SLOTQ_OK);
        while (slotq_batch_next(given.get(), &message)) {
            tokens.push_back(message.token);
        }
        REQUIRE(slotq_mark(queue, SLOTQ_SETTLE_EXTEND, given.get(), 2, 90000, 0, nullptr) ==
                SLOTQ_OK);
        REQUIRE(slotq_mark(queue, SLOTQ_SETTLE_KILL, given.get(), 7, 0, 3, nullptr) == SLOTQ_OK);
    }
    slotq_outcome settle(bool by_next)
    {
        slotq_settled settled;
        return by_next ? slotq_next(queue, 0, 2, 30000, 0, given.get(), &settled)
                       : slotq_ack_batch(queue, given.get());
    }
};

} // namespace

TEST_CASE("without memory a marked batch keeps its messages, marks and tokens", "[mark]")
{
    const bool by_next = GENERATE(false, true);
    slotq_outcome outcome = SLOTQ_NOMEMORY;
    int failures = 0;
    for (; outcome == SLOTQ_NOMEMORY; failures++) {
        CAPTURE(failures);
        Marked it;
        allocations_left = failures;
        outcome = it.settle(by_next);
        allocations_left = -1;
        if (outcome != SLOTQ_NOMEMORY) {
            break;
        }
        REQUIRE(slotq_batch_count(it.given.get()) == 8);
        slotq_settled_message told;
        uint32_t count = 0;
        for (; slotq_batch_settled(it.given.get(), count, &told); count++) {
            const bool is_marked = told.id == 2 || told.id == 7;
            const slotq_settle_how marked = told.id == 2 ? SLOTQ_SETTLE_EXTEND : SLOTQ_SETTLE_KILL;
            CHECK(told.id == count + 1);
            CHECK(told.token == it.tokens[count]);
            CHECK(told.how == (is_marked ? marked : SLOTQ_SETTLE_ACK));
            CHECK(told.outcome == SLOTQ_NOMEMORY);
        }
        CHECK((count == 8 || count == 0));
        CHECK(it.settle(by_next) == SLOTQ_OK);
        const slotq_stats stats = it.queue.stats();
        CHECK(stats.acked == 6);
        CHECK(stats.died == 1);
        CHECK(it.queue.status(2).deadline_ms == it.queue.now_ms + 90000);
    }
    CHECK(outcome == SLOTQ_OK);
    CHECK(failures >= 4);
}
