/* test_limits.cpp: the limits of a group through slotq.h, on every kind of store; and over eight
 * processes at once, which count what they hold in memory that they share.
 */
#include "catch.hpp"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include <sys/mman.h>
#include <time.h>

#include "any_queue.hpp"
#include "child.hpp"

using namespace any_queue;

namespace
{

slotq_limits limits(uint16_t max_leased, uint64_t interval_us = 0, uint16_t burst = 0)
{
    slotq_limits made = {};
    made.max_leased = max_leased;
    made.rate_interval_us = interval_us;
    made.rate_burst = burst;
    return made;
}

slotq_outcome take(slotq *queue, uint32_t limit, uint64_t wait_ms = 0)
{
    const Batch got = batch();
    return slotq_reserve(queue, 0, limit, 30000, wait_ms, got.get());
}

} // namespace

TEST_CASE("limits: in flight, on every store", "[limits]")
{
    for (const Kind kind : all_kinds()) {
        CAPTURE(kind);
        Queue queue(kind);
        queue.fill(6);
        const slotq_limits two = limits(2);
        REQUIRE(slotq_limit(queue, 0, SLOTQ_LIMIT_LEASED, &two) == SLOTQ_OK);
        const std::vector<Message> held = queue.reserve(5);
        REQUIRE(held.size() == 2);
        CHECK(take(queue, 1) == SLOTQ_LIMITED);
        CHECK(queue.error().find("limit") != std::string::npos);
        CHECK(take(queue, 1, 20) == SLOTQ_LIMITED); /* also after waiting in vain */
        CHECK(queue.stats().limits.max_leased == 2);
        CHECK(queue.stats().limited_until_ms == queue.now_ms + 30000);
        CHECK(slotq_release(queue, 0, held[0].id, held[0].token, 5000) == SLOTQ_OK);
        CHECK(queue.stats().limited_until_ms == 0);
        CHECK(queue.reserve(5).size() == 1);
        const slotq_limits none = limits(0);
        REQUIRE(slotq_limit(queue, 0, SLOTQ_LIMIT_ALL, &none) == SLOTQ_OK);
        CHECK(queue.reserve(9).size() == 3);
        CHECK(take(queue, 1) == SLOTQ_EMPTY);
        CHECK(slotq_check(queue) == SLOTQ_OK);
    }
}

TEST_CASE("limits: a rate, on every store", "[limits]")
{
    for (const Kind kind : all_kinds()) {
        CAPTURE(kind);
        Queue queue(kind);
        queue.fill(8);
        const slotq_limits rate = limits(0, 1500000, 2);
        REQUIRE(slotq_limit(queue, 0, SLOTQ_LIMIT_ALL, &rate) == SLOTQ_OK);
        CHECK(queue.reserve(5).size() == 2);
        CHECK(take(queue, 1) == SLOTQ_LIMITED);
        CHECK(queue.stats().limited_until_ms == queue.now_ms + 1500);
        queue.now_ms += 1499;
        CHECK(take(queue, 1) == SLOTQ_LIMITED);
        queue.now_ms += 1;
        CHECK(queue.reserve(5).size() == 1);
        CHECK(queue.stats().limits.rate_interval_us == 1500000);
        CHECK(queue.stats().limits.rate_burst == 2);
    }
}

TEST_CASE("limits: what cannot be is refused with its limit, and changes nothing", "[limits]")
{
    for (const Kind kind : {Kind::memory, Kind::file, Kind::redis}) {
        CAPTURE(kind);
        Queue queue(kind);
        const slotq_limits burst = limits(0, 0, 3);
        const slotq_limits slow = limits(1, SLOTQ_RATE_INTERVAL_US_MAX + 1);
        const std::vector<uint8_t> before = queue.image();
        CHECK(slotq_limit(queue, 0, SLOTQ_LIMIT_BURST, &burst) == SLOTQ_INVALID);
        CHECK(queue.error().find("needs a rate") != std::string::npos);
        CHECK(slotq_limit(queue, 0, SLOTQ_LIMIT_ALL, &slow) == SLOTQ_INVALID);
        CHECK(queue.error().find("2147483647000") != std::string::npos);
        CHECK(slotq_limit(queue, 0, 0, &slow) == SLOTQ_INVALID);
        CHECK(slotq_limit(queue, 0, 8, &slow) == SLOTQ_INVALID);
        CHECK(slotq_limit(queue, 1, 1, &slow) == SLOTQ_INVALID);
        CHECK(slotq_limit(queue, 0, 1, nullptr) == SLOTQ_INVALID);
        CHECK(queue.image() == before);
    }
}

/* The waits have no end and no poll: only the end of a lease, or of a limit, lets them go on. */
TEST_CASE("limits: a waiting reserve goes on when a lease is settled, or the limit changes",
          "[limits]")
{
    for (const Kind kind : {Kind::file, Kind::redis}) {
        CAPTURE(kind);
        Queue queue(kind);
        queue.fill(3);
        const slotq_limits one = limits(1);
        const slotq_limits none = limits(0);
        REQUIRE(slotq_limit(queue, 0, SLOTQ_LIMIT_LEASED, &one) == SLOTQ_OK);
        Message held = queue.reserve_one(UINT64_C(1) << 20);
        for (const bool settles : {true, false}) {
            CAPTURE(settles);
            slotq_options options = queue.options();
            options.poll_ms = UINT32_MAX;
            slotq *other = nullptr;
            REQUIRE(slotq_open(queue.url().c_str(), queue.name().c_str(), &options, &other,
                               nullptr) == SLOTQ_OK);
            slotq_outcome outcome = SLOTQ_MORE;
            std::thread waiter([&] {
                const Batch got = batch();
                outcome = slotq_reserve(other, 0, 1, UINT64_C(1) << 20, UINT64_MAX, got.get());
                slotq_message message;
                if (slotq_batch_next(got.get(), &message)) {
                    held.id = message.id;
                    held.token = message.token;
                }
            });
            if (settles) {
                const Message mine = held;
                CHECK(slotq_ack(queue, 0, mine.id, mine.token) == SLOTQ_OK);
            } else {
                CHECK(slotq_limit(queue, 0, SLOTQ_LIMIT_LEASED, &none) == SLOTQ_OK);
            }
            waiter.join();
            CHECK(outcome == SLOTQ_OK);
            slotq_close(other);
        }
    }
}

namespace
{

uint64_t monotonic_us()
{
    timespec now = {};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1000000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
}

struct Lease {
    uint64_t before_us; /* it was leased between the two */
    uint64_t after_us;
};

/* What the processes share. */
struct Tally {
    std::atomic<uint32_t> held;
    std::atomic<uint32_t> most;
    std::atomic<uint32_t> count;
    Lease leases[4096];
};

constexpr uint32_t processes = 8;
constexpr uint32_t messages_in_all = 160;
constexpr uint32_t in_flight = 3;
constexpr uint32_t burst = 5;
constexpr uint64_t interval_us = 4000;

/* A worker in a process apart: until nothing is left. */
int work(const Queue &queue, Tally &tally, uint32_t number)
{
    slotq *own = nullptr;
    NEED(slotq_open(queue.url().c_str(), queue.name().c_str(), nullptr, &own, nullptr) == SLOTQ_OK);
    const Batch got = batch();
    for (;;) {
        const uint64_t before_us = monotonic_us();
        const slotq_outcome outcome =
            slotq_reserve(own, 0, 1 + number % 3, 600000, 0, got.get());
        const uint64_t after_us = monotonic_us();
        if (outcome == SLOTQ_EMPTY) {
            break;
        }
        if (outcome == SLOTQ_LIMITED || outcome == SLOTQ_AGAIN) {
            continue;
        }
        NEED(outcome == SLOTQ_OK);
        const uint32_t count = slotq_batch_count(got.get());
        const uint32_t held = tally.held.fetch_add(count) + count;
        uint32_t most = tally.most;
        while (held > most && !tally.most.compare_exchange_weak(most, held)) {
        }
        const uint32_t at = tally.count.fetch_add(count);
        NEED(at + count <= 4096);
        for (uint32_t i = 0; i < count; i++) {
            tally.leases[at + i] = {before_us, after_us};
        }
        tally.held.fetch_sub(count); /* before the ack lets others go */
        NEED(slotq_ack_batch(own, got.get()) == SLOTQ_OK);
    }
    slotq_close(own);
    return 0;
}

} // namespace

TEST_CASE("limits: eight processes never hold more, nor take faster", "[limits]")
{
    for (const Kind kind : {Kind::file, Kind::redis}) {
        CAPTURE(kind);
        Queue queue(kind, Geometry(301));
        queue.fill(messages_in_all);
        const slotq_limits both = limits(in_flight, interval_us, burst);
        queue.now_ms = 0; /* no clock of a worker is behind it */
        REQUIRE(slotq_limit(queue, 0, SLOTQ_LIMIT_ALL, &both) == SLOTQ_OK);
        queue.close();
        void *shared = mmap(nullptr, sizeof(Tally), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        REQUIRE(shared != MAP_FAILED);
        Tally &tally = *static_cast<Tally *>(shared);
        std::vector<pid_t> children;
        for (uint32_t i = 0; i < processes; i++) {
            const pid_t pid = fork();
            if (pid == 0) {
                _exit(work(queue, tally, i));
            }
            children.push_back(pid);
        }
        for (const pid_t pid : children) {
            int status = -1;
            while (waitpid(pid, &status, 0) < 0) {
            }
            CHECK(status == 0);
        }
        CHECK(tally.count == messages_in_all);
        CHECK(tally.most <= in_flight);
        CHECK(tally.most >= 1);
        /* all that was taken within a time, however it is cut */
        std::vector<Lease> leases(tally.leases, tally.leases + tally.count);
        std::sort(leases.begin(), leases.end(),
                  [](const Lease &a, const Lease &b) { return a.after_us < b.after_us; });
        uint32_t faults = 0;
        for (size_t i = 0; i < leases.size(); i++) {
            uint64_t from_us = leases[i].before_us;
            for (size_t k = i; k < leases.size(); k++) {
                from_us = std::min(from_us, leases[k].before_us);
                /* a millisecond more at both ends: the queue's clock has no smaller unit */
                const uint64_t window_us = leases[k].after_us - from_us + 2000;
                faults += k - i + 1 > burst + window_us / interval_us + 1;
            }
        }
        CHECK(faults == 0);
        munmap(shared, sizeof(Tally));
    }
}
