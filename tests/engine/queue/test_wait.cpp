/* test_wait.cpp: slotq_wait waits for a message and leases none. The handles that sleep never poll:
 * a wake-up that does not come hangs the test.
 */
#include "catch.hpp"

#include <atomic>
#include <chrono>
#include <thread>

#include "any_queue.hpp"

using namespace any_queue;

namespace
{

constexpr uint64_t HOUR_MS = 3600000;

const Kind kinds[] = {Kind::memory, Kind::file, Kind::file_exclusive};

/* Another handle that never polls. */
class Sleeper
{
public:
    explicit Sleeper(Kind kind, const Geometry &geometry = Geometry().tick(10)) : made_(kind)
    {
        slotq_options options = {};
        options.poll_ms = UINT32_MAX;
        made_.close();
        if (kind == Kind::memory) {
            REQUIRE(slotq_create_memory(geometry, &options, &queue, nullptr) == SLOTQ_OK);
        } else {
            options.exclusive = kind == Kind::file_exclusive;
            REQUIRE(slotq_create(made_.url().c_str(), "waited", geometry, nullptr, nullptr) ==
                    SLOTQ_OK);
            REQUIRE(slotq_open(made_.url().c_str(), "waited", &options, &queue, nullptr) ==
                    SLOTQ_OK);
        }
        REQUIRE(slotq_clone(queue, &other, nullptr) == SLOTQ_OK);
    }
    ~Sleeper()
    {
        slotq_close(other);
        slotq_close(queue);
    }
    Sleeper(const Sleeper &) = delete;
    Sleeper &operator=(const Sleeper &) = delete;

    uint64_t push()
    {
        const slotq_data data = {"a", 1};
        uint64_t id = 0;
        REQUIRE(slotq_push(other, &data, 1, &id) == SLOTQ_OK);
        return id;
    }
    /* What a wait without end returns while `act` runs. */
    template <typename Act>
    slotq_outcome wait_while(Act act)
    {
        slotq_outcome outcome = SLOTQ_INVALID;
        std::thread waiter([&] { outcome = slotq_wait(queue, 0, UINT64_MAX); });
        act();
        waiter.join();
        return outcome;
    }

    slotq *queue = nullptr;
    slotq *other = nullptr;

private:
    Queue made_;
};

} // namespace

TEST_CASE("wait: looks, and changes nothing", "[wait]")
{
    for (const Kind kind : {Kind::memory, Kind::buffer, Kind::file, Kind::file_exclusive}) {
        CAPTURE(kind);
        Queue queue(kind, Geometry().tick(10));
        CHECK(slotq_wait(queue, 0, 0) == SLOTQ_EMPTY);
        uint64_t id = 0;
        REQUIRE(queue.push("a", &id) == SLOTQ_OK);
        const std::vector<uint8_t> before = queue.image();
        CHECK(slotq_wait(queue, 0, 0) == SLOTQ_OK);
        CHECK(slotq_wait(queue, 0, 1000) == SLOTQ_OK);
        CHECK(queue.image() == before);
        CHECK(queue.reserve_one().attempts == 1);
        CHECK(slotq_wait(queue, 0, 0) == SLOTQ_EMPTY);
        queue.now_ms += 30001; /* the lease is over: a reserve would sweep */
        CHECK(slotq_wait(queue, 0, 0) == SLOTQ_OK);
        CHECK(queue.reserve_one().attempts == 2);
        REQUIRE(slotq_pause(queue, SLOTQ_PAUSE_OUT) == SLOTQ_OK);
        CHECK(slotq_wait(queue, 0, 1000) == SLOTQ_PAUSED);
        CHECK(slotq_check(queue) == SLOTQ_OK);
    }
}

TEST_CASE("wait: finds a message that is due, and leaves it where it is", "[wait]")
{
    for (const Kind kind : {Kind::memory, Kind::buffer, Kind::file, Kind::file_exclusive}) {
        CAPTURE(kind);
        Geometry geometry = Geometry().tick(10);
        geometry.raw.later_slots = 4;
        Queue queue(kind, geometry);
        const slotq_data data = {"a", 1};
        REQUIRE(slotq_schedule(queue, &data, 1, queue.now_ms + 1000, 0, nullptr) == SLOTQ_OK);
        CHECK(slotq_wait(queue, 0, 0) == SLOTQ_EMPTY);
        queue.now_ms += 1000;
        const std::vector<uint8_t> before = queue.image();
        CHECK(slotq_wait(queue, 0, 0) == SLOTQ_OK);
        CHECK(queue.image() == before);
        CHECK(queue.stats().later == 1);
        queue.reserve_one();
    }
}

TEST_CASE("wait: uses up no rate", "[wait]")
{
    for (const Kind kind : {Kind::memory, Kind::file}) {
        CAPTURE(kind);
        Queue queue(kind, Geometry().tick(10));
        slotq_limits limits = {};
        limits.rate_interval_us = 1000000;
        limits.rate_burst = 1;
        REQUIRE(slotq_limit(queue, 0, SLOTQ_LIMIT_RATE, &limits) == SLOTQ_OK);
        queue.now_ms += HOUR_MS;
        queue.fill(3);
        for (int i = 0; i < 3; i++) {
            CHECK(slotq_wait(queue, 0, 0) == SLOTQ_OK);
        }
        queue.reserve_one();
        CHECK(slotq_wait(queue, 0, 0) == SLOTQ_LIMITED);
        queue.now_ms += 1000;
        CHECK(slotq_wait(queue, 0, 0) == SLOTQ_OK);
        queue.reserve_one();
        CHECK(slotq_wait(queue, 0, 0) == SLOTQ_LIMITED);
        queue.now_ms -= HOUR_MS; /* the clock is set back: a reserve begins the rate anew */
        CHECK(slotq_wait(queue, 0, 0) == SLOTQ_OK);
        const Batch none = batch();
        CHECK(slotq_reserve(queue, 0, 1, 1000, 0, none.get()) == SLOTQ_LIMITED);
        CHECK(slotq_wait(queue, 0, 0) == SLOTQ_LIMITED);
        queue.now_ms += 1000;
        CHECK(slotq_wait(queue, 0, 0) == SLOTQ_OK);
        queue.reserve_one();
    }
}

TEST_CASE("wait: ends when a message comes, in whatever way", "[wait]")
{
    for (const Kind kind : kinds) {
        CAPTURE(kind);
        Geometry geometry = Geometry().tick(10);
        geometry.raw.later_slots = 4;
        Sleeper sleeper(kind, geometry);
        const Batch got = batch();
        CHECK(sleeper.wait_while([&] { sleeper.push(); }) == SLOTQ_OK);
        REQUIRE(slotq_reserve(sleeper.other, 0, 1, 60000, 0, got.get()) == SLOTQ_OK);
        CHECK(sleeper.wait_while([&] {
            slotq_settle_batch(sleeper.other, SLOTQ_SETTLE_RELEASE, got.get(), 0, 0);
        }) == SLOTQ_OK);
        REQUIRE(slotq_reserve(sleeper.other, 0, 1, 60000, 0, got.get()) == SLOTQ_OK);
        slotq_settle_batch(sleeper.other, SLOTQ_SETTLE_NACK, got.get(), 30, 1);
        CHECK(sleeper.wait_while([] {}) == SLOTQ_OK); /* the delay ends */
        REQUIRE(slotq_reserve(sleeper.other, 0, 1, 20, 0, got.get()) == SLOTQ_OK);
        CHECK(sleeper.wait_while([] {}) == SLOTQ_OK); /* the lease does */
        REQUIRE(slotq_reserve(sleeper.other, 0, 1, 60000, 0, got.get()) == SLOTQ_OK);
        REQUIRE(slotq_ack_batch(sleeper.other, got.get()) == SLOTQ_OK);
        CHECK(sleeper.wait_while([&] {
            const slotq_data data = {"b", 1};
            REQUIRE(slotq_schedule(sleeper.other, &data, 1, slotq_now_ms(sleeper.other) + 20, 0,
                                   nullptr) == SLOTQ_OK);
        }) == SLOTQ_OK);
    }
}

TEST_CASE("wait: is ended by an interrupt", "[wait]")
{
    for (const Kind kind : kinds) {
        CAPTURE(kind);
        Sleeper sleeper(kind);
        for (int i = 0; i < 20; i++) {
            CHECK(sleeper.wait_while([&] { slotq_interrupt(sleeper.queue); }) == SLOTQ_EMPTY);
        }
    }
}

/* A message that came while it was woken for another reason is reported, not left to the poll. */
TEST_CASE("wait: looks once more when it is over", "[wait]")
{
    for (const Kind kind : {Kind::memory, Kind::file}) {
        CAPTURE(kind);
        slotq *other = nullptr;
        slotq *queue = nullptr;
        slotq_options options = {};
        options.should_stop = [](void *context) {
            const slotq_data data = {"a", 1};
            return slotq_push(*static_cast<slotq **>(context), &data, 1, nullptr) == SLOTQ_OK;
        };
        options.stop_context = &other;
        Queue made(kind);
        const std::string url = made.url();
        made.close();
        if (kind == Kind::memory) {
            const Geometry geometry;
            REQUIRE(slotq_create_memory(geometry, &options, &queue, nullptr) == SLOTQ_OK);
            REQUIRE(slotq_clone(queue, &other, nullptr) == SLOTQ_OK);
        } else {
            REQUIRE(slotq_open(url.c_str(), made.name().c_str(), &options, &queue, nullptr) ==
                    SLOTQ_OK);
            REQUIRE(slotq_open(url.c_str(), made.name().c_str(), nullptr, &other, nullptr) ==
                    SLOTQ_OK);
        }
        CHECK(slotq_wait(queue, 0, UINT64_MAX) == SLOTQ_OK);
        slotq_close(other);
        slotq_close(queue);
    }
}

/* The one that has slept longer is woken by the push, and does not reserve. */
TEST_CASE("wait: a look wakes another caller in its place", "[wait]")
{
    for (const Kind kind : {Kind::memory, Kind::file}) {
        CAPTURE(kind);
        Sleeper sleeper(kind);
        slotq *third = nullptr;
        REQUIRE(slotq_clone(sleeper.queue, &third, nullptr) == SLOTQ_OK);
        std::atomic<bool> waited{false};
        std::atomic<bool> got_it{false};
        std::thread waiter([&] {
            slotq_wait(sleeper.queue, 0, UINT64_MAX);
            waited = true;
        });
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        std::thread consumer([&] {
            const Batch got = batch();
            slotq_reserve(third, 0, 1, 60000, UINT64_MAX, got.get());
            got_it = true;
        });
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        sleeper.push();
        while (!waited && !got_it) {
            std::this_thread::yield();
        }
        if (!waited) { /* the consumer was woken: not what is tested */
            slotq_interrupt(sleeper.queue);
        }
        waiter.join();
        slotq_wait(sleeper.queue, 0, 0);
        consumer.join();
        slotq_close(third);
    }
}

TEST_CASE("wait: refusals", "[wait]")
{
    Queue queue(Kind::memory, Geometry().groups(2));
    CHECK(slotq_wait(nullptr, 0, 0) == SLOTQ_INVALID);
    CHECK(slotq_wait(queue, 1, 0) == SLOTQ_EMPTY);
    CHECK(slotq_wait(queue, 2, 0) == SLOTQ_INVALID);
    CHECK(queue.error().find("group") != std::string::npos);
    Queue far(Kind::redis);
    CHECK(slotq_wait(far, 0, 1000) == SLOTQ_UNSUPPORTED);
    CHECK(far.error().find("slotq_redis_listen") != std::string::npos);
}
