/* test_clone.cpp: the options of a clone: payloads that are copies on every kind of store, and a
 * timeout.
 */
#include "catch.hpp"

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "any_queue.hpp"
#include "slotq_redis.h"
#include "../../support/server/redis_server.hpp"

using namespace any_queue;

namespace
{

struct Close {
    void operator()(slotq *queue) const
    {
        slotq_close(queue);
    }
};
using Handle = std::unique_ptr<slotq, Close>;

Handle clone(slotq *queue, const slotq_clone_options &options)
{
    slotq *other = nullptr;
    slotq_error error = {};
    const slotq_outcome outcome = slotq_clone_with(queue, &options, &other, &error);
    INFO(error.text);
    REQUIRE(outcome == SLOTQ_OK);
    return Handle(other);
}

std::string text_of(const slotq_message &message)
{
    return {static_cast<const char *>(message.payload), message.payload_bytes};
}

} // namespace

TEST_CASE("copies outlive their messages, the slots and the handle", "[clone]")
{
    Queue queue(GENERATE(from_range(all_kinds())), Geometry(9, 16));
    queue.fill(6);
    slotq_clone_options options = {};
    options.copies = true;
    Handle first = clone(queue, options);
    const bool twice = GENERATE(false, true); /* a clone of it has copies too */
    Handle other = twice ? clone(first.get(), {}) : std::move(first);
    first.reset();
    queue.close(); /* it is alone, so that without copies bytes would keep still */
    const Batch given = batch();
    REQUIRE(slotq_reserve(other.get(), 0, 2, 30000, 0, given.get()) == SLOTQ_OK);
    REQUIRE(slotq_ack_batch(other.get(), given.get()) == SLOTQ_OK);
    slotq_settled settled = {}; /* the second time into a batch that was used */
    REQUIRE(slotq_next(other.get(), 0, 4, 30000, 0, given.get(), &settled) == SLOTQ_OK);
    std::vector<slotq_message> messages(4);
    for (slotq_message &message : messages) {
        REQUIRE(slotq_batch_next(given.get(), &message));
    }
    REQUIRE(slotq_ack_batch(other.get(), given.get()) == SLOTQ_OK);
    for (int i = 0; i < 8; i++) { /* over all slots */
        const slotq_data data = {"overwritten", 11};
        REQUIRE(slotq_push(other.get(), &data, 1, nullptr) == SLOTQ_OK);
    }
    for (size_t i = 0; i < 4; i++) {
        CHECK(text_of(messages[i]) == std::to_string(i + 3));
    }
    other.reset();
    for (size_t i = 0; i < 4; i++) {
        CHECK(text_of(messages[i]) == std::to_string(i + 3));
    }
}

TEST_CASE("copies can be asked for when a queue is made", "[clone]")
{
    const Geometry geometry(9, 16);
    slotq_options options = {};
    slotq *queue = nullptr;
    options.copies = true;
    REQUIRE(slotq_create_memory(geometry, &options, &queue, nullptr) == SLOTQ_OK);
    const Handle handle(queue);
    const Batch given = batch();
    slotq_message message = {};
    const slotq_data data = {"first", 5};
    const std::vector<slotq_data> others(8, slotq_data{"other", 5});
    REQUIRE(slotq_push(queue, &data, 1, nullptr) == SLOTQ_OK);
    REQUIRE(slotq_reserve(queue, 0, 1, 30000, 0, given.get()) == SLOTQ_OK);
    REQUIRE(slotq_batch_next(given.get(), &message));
    REQUIRE(slotq_ack_batch(queue, given.get()) == SLOTQ_OK);
    REQUIRE(slotq_push(queue, others.data(), 8, nullptr) == SLOTQ_OK);
    REQUIRE(slotq_ack_batch(queue, given.get()) == SLOTQ_OK);
    CHECK(text_of(message) == "first");
}

TEST_CASE("options of a clone are judged", "[clone]")
{
    Queue queue(Kind::memory);
    slotq_clone_options options = {};
    slotq_error error = {};
    slotq *other = queue;
    options.reserved[1] = 1;
    CHECK(slotq_clone_with(queue, &options, &other, &error) == SLOTQ_INVALID);
    CHECK(other == nullptr);
    CHECK(std::string(error.text).find("clone options") != std::string::npos);
    CHECK(slotq_clone_with(nullptr, nullptr, &other, &error) == SLOTQ_INVALID);
    CHECK(slotq_clone_with(queue, nullptr, nullptr, &error) == SLOTQ_INVALID);
    REQUIRE(slotq_clone_with(queue, nullptr, &other, nullptr) == SLOTQ_OK);
    slotq_close(other);
}

TEST_CASE("a clone waits for its server as long as it was told", "[clone][redis]")
{
    redis::Server server;
    const Geometry geometry(9, 16);
    slotq *queue = nullptr;
    const slotq_data data = {"x", 1};
    REQUIRE(slotq_create(server.url().c_str(), "q", geometry, nullptr, nullptr) == SLOTQ_OK);
    REQUIRE(slotq_open(server.url().c_str(), "q", nullptr, &queue, nullptr) == SLOTQ_OK);
    const Handle handle(queue);
    slotq_clone_options options = {};
    options.timeout_ms = 2000;
    const Handle patient = clone(queue, options);
    const Handle heir = clone(patient.get(), {}); /* as the one that was cloned */
    options.timeout_ms = 500;
    const Handle hasty = clone(patient.get(), options);
    server.stop();
    const auto told = [&](slotq *other) {
        CHECK(slotq_push(other, &data, 1, nullptr) == SLOTQ_OUTCOME_UNKNOWN);
        return std::string(slotq_error_of(other)->text);
    };
    CHECK(told(hasty.get()).find("within 500 ms") != std::string::npos);
    CHECK(told(heir.get()).find("within 2000 ms") != std::string::npos);
    server.go_on();
    CHECK(slotq_push(queue, &data, 1, nullptr) == SLOTQ_OK);
}

namespace
{

/* The clock of a handle, which keeps the lock while others wait. */
struct Keeper {
    std::atomic<bool> has{false};
    std::atomic<bool> lets_go{false};

    static uint64_t clock(void *own)
    {
        Keeper *self = static_cast<Keeper *>(own);
        self->has = true;
        for (int i = 0; i < 60000 && !self->lets_go; i++) { /* a minute, if nothing gives up */
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        return 1700000000000;
    }
};

} // namespace

TEST_CASE("a clone gives up a lock that is kept for longer than it was told", "[clone]")
{
    Queue queue(Kind::file);
    Keeper keeper;
    slotq_options options = {};
    options.clock_ms = Keeper::clock;
    options.clock_context = &keeper;
    slotq *kept = nullptr;
    REQUIRE(slotq_open(queue.url().c_str(), queue.name().c_str(), &options, &kept, nullptr) ==
            SLOTQ_OK);
    const Handle keeping(kept);
    slotq_clone_options hasty = {};
    hasty.timeout_ms = 1;
    const Handle other = clone(queue, hasty);
    slotq_stats stats = {};
    std::thread holds([&] { (void)slotq_reclaim(kept, 0, nullptr, nullptr); });
    while (!keeper.has) {
        std::this_thread::yield();
    }
    CHECK(slotq_get_stats(other.get(), 0, &stats) == SLOTQ_IO);
    CHECK(slotq_error_of(other.get())->passes);
    keeper.lets_go = true;
    holds.join();
    CHECK(slotq_get_stats(other.get(), 0, &stats) == SLOTQ_OK);
}
