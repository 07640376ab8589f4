/* test_interrupt.cpp: slotq_interrupt ends the wait of its handle from another thread and from a
 * signal handler. Nothing else would: the waits have no end, and no poll comes. A wait that is not
 * ended hangs.
 */
#include "catch.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>

#include <pthread.h>

#include "any_queue.hpp"

using namespace any_queue;

namespace
{

/* A handle that never polls. */
class Sleeper
{
public:
    explicit Sleeper(Kind kind) : made_(kind == Kind::file_exclusive ? Kind::file : kind)
    {
        slotq_options options = made_.options();
        options.poll_ms = UINT32_MAX;
        if (kind == Kind::memory) {
            REQUIRE(slotq_create_memory(Geometry(3), &options, &queue, nullptr) == SLOTQ_OK);
            return;
        }
        options.exclusive = kind == Kind::file_exclusive;
        made_.close();
        REQUIRE(slotq_open(made_.url().c_str(), made_.name().c_str(), &options, &queue, nullptr) ==
                SLOTQ_OK);
    }
    ~Sleeper()
    {
        slotq_close(queue);
    }
    Sleeper(const Sleeper &) = delete;
    Sleeper &operator=(const Sleeper &) = delete;

    slotq_outcome wait(uint64_t wait_ms = UINT64_MAX)
    {
        const Batch got = batch();
        return slotq_reserve(queue, 0, 1, 30000, wait_ms, got.get());
    }
    slotq_outcome push()
    {
        const slotq_data data = {"a", 1};
        return slotq_push(queue, &data, 1, nullptr);
    }
    void fill()
    {
        while (push() == SLOTQ_OK) {
        }
    }

    slotq *queue = nullptr;

private:
    Queue made_;
};

const Kind kinds[] = {Kind::memory, Kind::file, Kind::file_exclusive, Kind::redis};

std::atomic<slotq *> signalled;

void interrupt_from_handler(int)
{
    slotq_interrupt(signalled);
}

} // namespace

TEST_CASE("interrupt: from another thread, at every moment of a wait", "[interrupt]")
{
    for (const Kind kind : kinds) {
        CAPTURE(kind);
        Sleeper sleeper(kind);
        std::atomic<uint32_t> ended{0};
        const uint32_t times = 60;
        std::thread waiter([&] {
            for (uint32_t i = 0; i < times; i++) {
                if (sleeper.wait() == SLOTQ_EMPTY) {
                    ended++;
                }
            }
        });
        for (uint32_t i = 0; i < times; i++) {
            std::this_thread::sleep_for(std::chrono::microseconds(50 * (i % 40)));
            slotq_interrupt(sleeper.queue);
            while (ended == i) {
                std::this_thread::yield();
            }
        }
        waiter.join();
        CHECK(ended == times);
        CHECK(sleeper.push() == SLOTQ_OK);
        CHECK(sleeper.wait() == SLOTQ_OK);
        CHECK(slotq_check(sleeper.queue) == SLOTQ_OK);
    }
}

TEST_CASE("interrupt: from a signal handler of the waiting thread", "[interrupt]")
{
    for (const Kind kind : kinds) {
        CAPTURE(kind);
        Sleeper sleeper(kind);
        signalled = sleeper.queue;
        struct sigaction action = {};
        struct sigaction before = {};
        action.sa_handler = interrupt_from_handler;
        action.sa_flags = SA_RESTART; /* which alone would end nothing */
        REQUIRE(sigaction(SIGUSR1, &action, &before) == 0);
        std::atomic<uint32_t> ended{0};
        const uint32_t times = 30;
        std::thread waiter([&] {
            for (uint32_t i = 0; i < times; i++) {
                if (sleeper.wait() == SLOTQ_EMPTY) {
                    ended++;
                }
            }
        });
        for (uint32_t i = 0; i < times; i++) {
            std::this_thread::sleep_for(std::chrono::microseconds(50 * (i % 40)));
            pthread_kill(waiter.native_handle(), SIGUSR1);
            while (ended == i) {
                std::this_thread::yield();
            }
        }
        waiter.join();
        CHECK(ended == times);
        REQUIRE(sigaction(SIGUSR1, &before, nullptr) == 0);
    }
}

TEST_CASE("interrupt: before a wait ends the next one, and only that", "[interrupt]")
{
    for (const Kind kind : kinds) {
        CAPTURE(kind);
        Sleeper sleeper(kind);
        slotq_interrupt(sleeper.queue);
        slotq_interrupt(sleeper.queue); /* the same one */
        CHECK(sleeper.push() == SLOTQ_OK); /* no wait: not touched, and takes nothing back */
        CHECK(sleeper.wait(0) == SLOTQ_OK);
        CHECK(sleeper.wait(0) == SLOTQ_EMPTY);
        CHECK(sleeper.wait() == SLOTQ_EMPTY);
        const auto begun = std::chrono::steady_clock::now();
        CHECK(sleeper.wait(60) == SLOTQ_EMPTY); /* waits its time again */
        CHECK(std::chrono::steady_clock::now() - begun >= std::chrono::milliseconds(60));
    }
}

TEST_CASE("interrupt: ends a push that waits for room", "[interrupt]")
{
    for (const Kind kind : kinds) {
        CAPTURE(kind);
        Sleeper sleeper(kind);
        sleeper.fill();
        std::thread other([&] { slotq_interrupt(sleeper.queue); });
        const slotq_data data = {"b", 1};
        CHECK(slotq_push_wait(sleeper.queue, &data, 1, UINT64_MAX, nullptr) == SLOTQ_FULL);
        other.join();
    }
}

TEST_CASE("interrupt: of no handle does nothing", "[interrupt]")
{
    slotq_interrupt(nullptr);
}
