/* test_crash_wakes.cpp: a push that wakes a sleeper is killed after each change that it makes: what
 * is pushed after it by another process must still wake the sleeper.
 */
#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>

#include <unistd.h>

#include "../../../support/catch.hpp"
#include "../../../support/counted.hpp"
#include "test_crash_trace.hpp"

using namespace crash;

namespace
{

constexpr uint64_t LONG_MS =
    40000; /* the sleeper would sleep on; a test that fails takes so long */
constexpr int PATIENCE_MS = 10000;

slotq_outcome push(slotq *queue)
{
    const slotq_data data = {"x", 1};
    return slotq_push(queue, &data, 1, nullptr);
}

/* A thread that waits for a message and does not look for one unless woken. */
class sleeper
{
public:
    explicit sleeper(queue_file &file)
        : queue(file.open(patient(file))), image(file), waits([this] { sleep(); })
    {
        while (!image.changed() && !awake) { /* it marks the queue as waited for, then sleeps */
            usleep(1000);
        }
        usleep(20000);
    }
    ~sleeper()
    {
        waits.join();
    }
    sleeper(const sleeper &) = delete;
    sleeper &operator=(const sleeper &) = delete;

    bool wakes() const
    {
        for (int waited_ms = 0; waited_ms < PATIENCE_MS && !awake; waited_ms += 10) {
            usleep(10000);
        }
        return awake;
    }

private:
    static slotq_options patient(queue_file &file)
    {
        slotq_options how = file.options();
        how.poll_ms = LONG_MS;
        return how;
    }

    void sleep()
    {
        const batch_handle batch(slotq_batch_new());
        (void)slotq_reserve(queue.get(), 0, 1, 1000, LONG_MS, batch.get());
        awake = true;
    }

    handle queue;
    watched image;
    std::atomic<bool> awake{false};
    std::thread waits;
};

/* false: the push changes less often, and came to its end. */
bool kill_push_at(queue_file &file, uint64_t changes)
{
    stepper::child child([&] {
        const handle queue = file.open();
        stepper::mark();
        const slotq_outcome outcome = push(queue.get());
        stepper::mark();
        return outcome == SLOTQ_OK ? 0 : 4;
    });
    REQUIRE(child.run_to_mark());
    watched files(file);
    for (uint64_t seen = 0; seen < changes;) {
        if (child.step() != stepper::stop::stepped) {
            child.kill();
            return false;
        }
        seen += files.changed() ? 1 : 0;
    }
    child.kill();
    return true;
}

} // namespace

TEST_CASE("a push killed before its wake-up leaves no sleeper asleep", "[crash]")
{
    need_stepping();
    uint64_t killed = 0;
    for (bool more = true; more; killed += more ? 1 : 0) {
        queue_file file(fresh(geometry(9, 16)), geometry(9, 16));
        const handle other = file.open();
        REQUIRE(other != nullptr);
        sleeper waiting(file);
        more = kill_push_at(file, killed + 1);
        INFO("killed at change " << killed + 1);
        CHECK(push(other.get()) == SLOTQ_OK);
        REQUIRE(waiting.wakes());
    }
    support::counted(killed, "crash states");
    CHECK(killed >= 3); /* the lock, the message, the word that sleepers wait on */
}
