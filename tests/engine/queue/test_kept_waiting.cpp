/* test_kept_waiting.cpp: verbs that another handle keeps waiting reckon with the time at which they
 * get in, not with that at which they were called. Knows that the clock of a handle is asked when
 * the others are kept out.
 */
#include "catch.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

#include "any_queue.hpp"

using namespace any_queue;

namespace
{

constexpr uint64_t START_MS = 1700000000000;
constexpr uint64_t KEPT_MS = 5000;

/* What the clock of all handles says; the thread that wants to holds the others up there. */
struct World {
    std::atomic<uint64_t> now_ms{START_MS};
    std::atomic<bool> holds{false};
    std::atomic<bool> go_on{false};
    static thread_local bool stops;

    static uint64_t clock(void *own)
    {
        World *self = static_cast<World *>(own);
        if (stops) {
            stops = false;
            self->holds = true;
            while (!self->go_on) {
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
            }
        }
        return self->now_ms;
    }
};

thread_local bool World::stops;

/* A queue with a handle for each of two threads. */
class Kept
{
public:
    explicit Kept(Kind kind)
    {
        Geometry shape(9, 16);
        shape.flags(SLOTQ_FLAG_STAMPS).dead(4).tick(1);
        slotq_options options = {};
        options.clock_ms = World::clock;
        options.clock_context = &world;
        if (kind == Kind::memory) {
            REQUIRE(slotq_create_memory(shape, &options, &queue, nullptr) == SLOTQ_OK);
        } else {
            REQUIRE(slotq_create(folder.path(), "q", shape, nullptr, nullptr) == SLOTQ_OK);
            REQUIRE(slotq_open(folder.path(), "q", &options, &queue, nullptr) == SLOTQ_OK);
        }
        if (kind == Kind::file) { /* of another image, so of another id */
            REQUIRE(slotq_open(folder.path(), "q", &options, &holder, nullptr) == SLOTQ_OK);
        } else {
            REQUIRE(slotq_clone(queue, &holder, nullptr) == SLOTQ_OK);
        }
        const slotq_data data = {"first", 5};
        REQUIRE(slotq_push(queue, &data, 1, nullptr) == SLOTQ_OK);
    }
    ~Kept()
    {
        slotq_close(holder);
        slotq_close(queue);
    }
    Kept(const Kept &) = delete;
    Kept &operator=(const Kept &) = delete;

    /* Call a verb on the queue while the other handle keeps it waiting for KEPT_MS. */
    void call(const std::function<void()> &verb)
    {
        world.holds = false;
        world.go_on = false;
        std::thread holding([&] {
            slotq_stats stats;
            World::stops = true;
            slotq_get_stats(holder, 0, &stats);
        });
        while (!world.holds) {
            std::this_thread::yield();
        }
        std::thread kept(verb);
        std::this_thread::sleep_for(std::chrono::milliseconds(50)); /* the verb waits by now */
        world.now_ms += KEPT_MS;
        world.go_on = true;
        holding.join();
        kept.join();
    }

    uint32_t taken_back()
    {
        uint32_t ready = 0;
        CHECK(slotq_reclaim(queue, 0, &ready, nullptr) == SLOTQ_OK);
        return ready;
    }

    slotq_message reserve(uint64_t lease_ms)
    {
        slotq_message message = {};
        CHECK(slotq_reserve(queue, 0, 1, lease_ms, 0, given.get()) == SLOTQ_OK);
        CHECK(slotq_batch_next(given.get(), &message));
        return message;
    }

    Folder folder;
    World world;
    slotq *queue = nullptr;
    slotq *holder = nullptr;
    const Batch given = batch();
};

Kind either()
{
    return GENERATE(Kind::memory, Kind::file);
}

} // namespace

TEST_CASE("a lease begins when its reserve got in", "[kept]")
{
    Kept kept(either());
    kept.call(
        [&] { CHECK(slotq_reserve(kept.queue, 0, 1, 1000, 0, kept.given.get()) == SLOTQ_OK); });
    kept.world.now_ms += 900;
    CHECK(kept.taken_back() == 0);
    kept.world.now_ms += 200;
    CHECK(kept.taken_back() == 1);
}

TEST_CASE("an extended lease begins when the extend got in", "[kept]")
{
    Kept kept(either());
    const slotq_message message = kept.reserve(20000);
    uint32_t token = 0;
    kept.call([&] {
        CHECK(slotq_extend(kept.queue, 0, message.id, message.token, 20000, &token) == SLOTQ_OK);
    });
    kept.world.now_ms += 19900;
    CHECK(kept.taken_back() == 0);
    kept.world.now_ms += 200;
    CHECK(kept.taken_back() == 1);
}

TEST_CASE("a delay begins when the nack got in", "[kept]")
{
    Kept kept(either());
    const slotq_message message = kept.reserve(20000);
    kept.call(
        [&] { CHECK(slotq_nack(kept.queue, 0, message.id, message.token, 1000, 1) == SLOTQ_OK); });
    kept.world.now_ms += 900;
    CHECK(slotq_reserve(kept.queue, 0, 1, 1000, 0, kept.given.get()) == SLOTQ_EMPTY);
    kept.world.now_ms += 200;
    CHECK(slotq_reserve(kept.queue, 0, 1, 1000, 0, kept.given.get()) == SLOTQ_OK);
}

TEST_CASE("push times and times of death are those of getting in", "[kept]")
{
    Kept kept(either());
    const slotq_data data = {"second", 6};
    uint64_t id = 0;
    slotq_message message = {};
    kept.call([&] { CHECK(slotq_push(kept.queue, &data, 1, &id) == SLOTQ_OK); });
    REQUIRE(slotq_peek(kept.queue, 0, id, 1, kept.given.get()) == SLOTQ_OK);
    REQUIRE(slotq_batch_next(kept.given.get(), &message));
    CHECK(message.pushed_ms == START_MS + KEPT_MS);
    const slotq_message leased = kept.reserve(20000);
    kept.call([&] { CHECK(slotq_kill(kept.queue, 0, leased.id, leased.token, 1) == SLOTQ_OK); });
    REQUIRE(slotq_dead_list(kept.queue, 0, 1, kept.given.get()) == SLOTQ_OK);
    REQUIRE(slotq_batch_next(kept.given.get(), &message));
    CHECK(message.died_at_ms == START_MS + 2 * KEPT_MS);
}

TEST_CASE("reclaim takes back what ended while it was kept waiting", "[kept]")
{
    Kept kept(either());
    kept.reserve(1000);
    uint32_t ready = 0;
    kept.call([&] { CHECK(slotq_reclaim(kept.queue, 0, &ready, nullptr) == SLOTQ_OK); });
    CHECK(ready == 1);
}

TEST_CASE("a call made again after a wait asks for the time again", "[kept]")
{
    Kept kept(either());
    kept.reserve(1000);
    const Batch later = batch();
    std::atomic<int> outcome{-1};
    std::thread waiting(
        [&] { outcome = slotq_reserve(kept.queue, 0, 1, 1000, 60000, later.get()); });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    kept.world.now_ms += KEPT_MS; /* the first lease is over */
    const slotq_data data = {"wake", 4};
    CHECK(slotq_push(kept.holder, &data, 1, nullptr) == SLOTQ_OK);
    waiting.join();
    CHECK(outcome == SLOTQ_OK);
    CHECK(kept.taken_back() == 0);
}

TEST_CASE("an interrupt that ends a wait for the lock ends no other wait", "[kept]")
{
    Kept kept(Kind::file);
    const slotq_message first = kept.reserve(1000);
    REQUIRE(slotq_ack(kept.queue, 0, first.id, first.token) == SLOTQ_OK);
    std::thread holding([&] {
        slotq_stats stats;
        World::stops = true;
        slotq_get_stats(kept.holder, 0, &stats);
    });
    while (!kept.world.holds) {
        std::this_thread::yield();
    }
    slotq_interrupt(kept.queue);
    CHECK(slotq_reserve(kept.queue, 0, 1, 1000, 600000, kept.given.get()) == SLOTQ_IO);
    kept.world.go_on = true;
    holding.join();
    const auto begun = std::chrono::steady_clock::now();
    CHECK(slotq_reserve(kept.queue, 0, 1, 1000, 60, kept.given.get()) == SLOTQ_EMPTY);
    CHECK(std::chrono::steady_clock::now() - begun >= std::chrono::milliseconds(60));
}
