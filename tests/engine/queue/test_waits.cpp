/* test_waits.cpp: a wait lasts at least its time, whatever part of a millisecond it begins in.
 */
#include "catch.hpp"

#include <chrono>
#include <thread>

#include "any_queue.hpp"
#include "each_verb.hpp"

TEST_CASE("wait: is not over before its time", "[wait]")
{
    const any_queue::Queue made(any_queue::Kind::memory);
    for (uint32_t i = 0; i < 100; i++) {
        std::this_thread::sleep_for(std::chrono::microseconds(10 * i));
        const auto begun = std::chrono::steady_clock::now();
        const queue_wait wait = queue_wait_begin(made, 3);
        while (!queue_wait_is_over(&wait)) {
        }
        CHECK(std::chrono::steady_clock::now() - begun >= std::chrono::milliseconds(3));
    }
}
