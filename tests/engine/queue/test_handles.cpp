/* test_handles.cpp: many handles on one queue: threads with a clone each, processes with an open
 * each, waiting and being woken, a process killed with the lock held.
 */
#include "catch.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <set>
#include <thread>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "any_queue.hpp"

using namespace any_queue;

namespace
{

constexpr uint64_t LONG_MS = 60000; /* a safety: no test waits for its end */

Kind each_kind()
{
    return GENERATE(from_range(all_kinds()));
}

slotq *clone(slotq *queue)
{
    slotq *other = nullptr;
    REQUIRE(slotq_clone(queue, &other, nullptr) == SLOTQ_OK);
    return other;
}

uint64_t elapsed_ms(std::chrono::steady_clock::time_point since)
{
    return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                     std::chrono::steady_clock::now() - since)
                                     .count());
}

/* Reserve until told messages were acked by all together; their payloads add up. */
void consume(slotq *queue, std::atomic<uint32_t> &left, std::atomic<uint64_t> &sum)
{
    const Batch given = batch();
    while (left > 0) {
        const slotq_outcome outcome = slotq_reserve(queue, 0, 7, LONG_MS, 20, given.get());
        if (outcome != SLOTQ_OK) {
            continue;
        }
        for (const Message &message : messages(given.get())) {
            sum += std::stoul(message.payload);
            left--;
        }
        if (slotq_ack_batch(queue, given.get()) != SLOTQ_OK) {
            sum += 1u << 30;
        }
    }
}

void produce(slotq *queue, uint32_t count)
{
    for (uint32_t i = 1; i <= count; i++) {
        const std::string text = std::to_string(i);
        const slotq_data data = {text.data(), static_cast<uint32_t>(text.size())};
        while (slotq_push_wait(queue, &data, 1, LONG_MS, nullptr) != SLOTQ_OK) {
            continue;
        }
    }
}

/* Memory that a forked process shares. */
template <typename Value>
Value *shared()
{
    void *bytes =
        mmap(nullptr, sizeof(Value), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return new (bytes) Value();
}

/* A child that opens the queue anew and does something; never returns there. */
template <typename Work>
pid_t child(Queue &queue, Work work)
{
    const pid_t pid = fork();
    if (pid == 0) {
        slotq *mine = nullptr;
        slotq_options options = queue.options();
        if (slotq_open(queue.folder().path(), "q", &options, &mine, nullptr) != SLOTQ_OK) {
            _exit(9);
        }
        work(mine);
        slotq_close(mine);
        _exit(0);
    }
    return pid;
}

int end_of(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) {
        continue;
    }
    return status;
}

} // namespace

TEST_CASE("threads with a clone each lose nothing", "[handles]")
{
    Queue queue(each_kind(), Geometry(33, 8));
    const uint32_t count = queue.kind() == Kind::file_synced ? 30 : 1500;
    std::atomic<uint32_t> left(3 * count);
    std::atomic<uint64_t> sum(0);
    std::vector<slotq *> handles;
    for (int i = 0; i < 6; i++) {
        handles.push_back(clone(queue));
    }
    std::vector<std::thread> threads;
    for (size_t i = 0; i < 3; i++) {
        threads.emplace_back([&, i] { produce(handles[i], count); });
        threads.emplace_back([&, i] { consume(handles[i + 3], left, sum); });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    CHECK(sum == 3 * (static_cast<uint64_t>(count) * (count + 1) / 2));
    CHECK(queue.stats().acked == 3 * count);
    CHECK(queue.stats().unfinished == 0);
    for (slotq *handle : handles) {
        slotq_close(handle);
    }
    CHECK(slotq_check(queue) == SLOTQ_OK);
    CHECK(queue.push("again") == SLOTQ_OK); /* alone, without a lock */
}

TEST_CASE("handles come and go while others work", "[handles]")
{
    Queue queue(each_kind(), Geometry(9, 8));
    const int rounds = queue.kind() == Kind::file_synced ? 10 : 300;
    for (int round = 0; round < rounds; round++) {
        slotq *other = clone(queue);
        std::thread thread([other] {
            const slotq_data data = {"there", 5};
            slotq_push(other, &data, 1, nullptr);
            slotq_close(other);
        });
        queue.push("here");
        thread.join();
        REQUIRE(queue.reserve(8).size() == 2);
        REQUIRE(slotq_purge(queue) == SLOTQ_OK);
    }
    CHECK(queue.stats().last_id == 2u * static_cast<uint32_t>(rounds));
}

TEST_CASE("a waiting reserve is woken by a push", "[handles]")
{
    Queue queue(each_kind());
    slotq *other = clone(queue);
    std::atomic<bool> waiting(false);
    slotq_outcome outcome = SLOTQ_EMPTY;
    const auto start = std::chrono::steady_clock::now();
    std::thread thread([&] {
        const Batch given = batch();
        waiting = true;
        outcome = slotq_reserve(other, 0, 1, 1000, LONG_MS, given.get());
    });
    while (!waiting) {
        std::this_thread::yield();
    }
    CHECK(queue.push("now") == SLOTQ_OK);
    thread.join();
    CHECK(outcome == SLOTQ_OK);
    CHECK(elapsed_ms(start) < LONG_MS);
    slotq_close(other);
}

TEST_CASE("a waiting push is woken by an ack", "[handles]")
{
    Queue queue(each_kind(), Geometry(3, 8));
    queue.fill(2);
    const Message got = queue.reserve_one(LONG_MS);
    slotq *other = clone(queue);
    slotq_outcome outcome = SLOTQ_FULL;
    std::thread thread([&] {
        const slotq_data data = {"x", 1};
        outcome = slotq_push_wait(other, &data, 1, LONG_MS, nullptr);
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    CHECK(slotq_ack(queue, 0, got.id, got.token) == SLOTQ_OK);
    thread.join();
    CHECK(outcome == SLOTQ_OK);
    slotq_close(other);
}

TEST_CASE("a wait ends at its timeout with EMPTY or FULL", "[handles]")
{
    Queue queue(each_kind(), Geometry(2, 8));
    const Batch given = batch();
    auto start = std::chrono::steady_clock::now();
    CHECK(slotq_reserve(queue, 0, 1, 1000, 30, given.get()) == SLOTQ_EMPTY);
    CHECK(elapsed_ms(start) >= 20); /* two clocks, whole milliseconds: not to the last one */
    queue.fill(1);
    const slotq_data data = {"x", 1};
    start = std::chrono::steady_clock::now();
    CHECK(slotq_push_wait(queue, &data, 1, 30, nullptr) == SLOTQ_FULL);
    CHECK(elapsed_ms(start) >= 20); /* two clocks, whole milliseconds: not to the last one */
}

TEST_CASE("a wait looks again when a lease ends", "[handles]")
{
    const Kind kind = each_kind();
    const Geometry geometry = Geometry(5, 8).tick(1);
    slotq *queue = nullptr;
    Folder folder;
    if (kind == Kind::memory || kind == Kind::buffer) {
        REQUIRE(slotq_create_memory(geometry, nullptr, &queue, nullptr) == SLOTQ_OK);
    } else {
        REQUIRE(slotq_create(folder.path(), "q", geometry, nullptr, nullptr) == SLOTQ_OK);
        REQUIRE(slotq_open(folder.path(), "q", nullptr, &queue, nullptr) == SLOTQ_OK);
    }
    const slotq_data data = {"x", 1};
    const Batch given = batch();
    REQUIRE(slotq_push(queue, &data, 1, nullptr) == SLOTQ_OK);
    REQUIRE(slotq_reserve(queue, 0, 1, 50, 0, given.get()) == SLOTQ_OK);
    REQUIRE(slotq_reserve(queue, 0, 1, 50, LONG_MS, given.get()) == SLOTQ_OK);
    CHECK(messages(given.get())[0].attempts == 2);
    slotq_close(queue);
}

TEST_CASE("two processes work on one file", "[handles]")
{
    Queue queue(Kind::file, Geometry(17, 8));
    constexpr uint32_t COUNT = 2000;
    const pid_t producer = child(queue, [](slotq *mine) { produce(mine, COUNT); });
    std::atomic<uint32_t> left(COUNT);
    std::atomic<uint64_t> sum(0);
    consume(queue, left, sum);
    CHECK(end_of(producer) == 0);
    CHECK(sum == static_cast<uint64_t>(COUNT) * (COUNT + 1) / 2);
    CHECK(slotq_check(queue) == SLOTQ_OK);
}

TEST_CASE("processes killed at any moment leave a sound queue", "[handles]")
{
    Queue queue(GENERATE(Kind::file, Kind::file_synced), Geometry(33, 8).groups(2).dead(4));
    for (int round = 0; round < 25; round++) {
        auto *done = shared<std::atomic<uint32_t>>();
        const pid_t worker = child(queue, [done](slotq *mine) {
            const Batch given = batch();
            const slotq_data data[3] = {{"one", 3}, {"two", 3}, {"three", 5}};
            for (;;) {
                slotq_push(mine, data, 3, nullptr);
                for (uint8_t group = 0; group < 2; group++) {
                    if (slotq_reserve(mine, group, 5, LONG_MS, 0, given.get()) == SLOTQ_OK) {
                        slotq_ack_batch(mine, given.get());
                    }
                }
                (*done)++;
            }
        });
        while (*done < 3) { /* it works */
            std::this_thread::yield();
        }
        std::this_thread::sleep_for(std::chrono::microseconds(300 * round));
        REQUIRE(kill(worker, SIGKILL) == 0);
        end_of(worker);
        munmap(done, sizeof *done);
        REQUIRE(slotq_check(queue) == SLOTQ_OK);
        REQUIRE(slotq_purge(queue) == SLOTQ_OK);
        if (round % 5 == 4) {
            queue.reopen(); /* recovered by a first opener, too */
        }
    }
}

TEST_CASE("a wait in another process is woken by a push here", "[handles]")
{
    Queue queue(Kind::file);
    auto *outcome = shared<std::atomic<int>>();
    *outcome = -1;
    const pid_t waiter = child(queue, [outcome](slotq *mine) {
        const Batch given = batch();
        *outcome = -2;
        *outcome = slotq_reserve(mine, 0, 1, 1000, LONG_MS, given.get());
    });
    while (*outcome == -1) {
        std::this_thread::yield();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    CHECK(queue.push("wake") == SLOTQ_OK);
    CHECK(end_of(waiter) == 0);
    CHECK(*outcome == SLOTQ_OK);
    munmap(outcome, sizeof *outcome);
}
