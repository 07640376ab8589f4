/* test_sleepers.cpp: many callers sleep in one queue, in memory and in a file: what comes wakes few
 * of them, and none sleeps over what it could have. No poll comes to help but where a process is
 * killed. A wake-up that is lost makes a wait end empty after a minute.
 */
#include "catch.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <thread>

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "any_queue.hpp"

using namespace any_queue;

namespace
{

constexpr uint64_t LONG_MS = 60000;
constexpr uint64_t LEASE_MS = 600000;

/* Each reserve that has the lock asks for the time once: so these are looks. */
std::atomic<uint64_t> looks{0};
thread_local bool is_counted = false;

uint64_t counting_clock(void *)
{
    looks += is_counted ? 1 : 0;
    return 1700000000000;
}

struct Close {
    void operator()(slotq *queue) const
    {
        slotq_close(queue);
    }
};
using Handle = std::unique_ptr<slotq, Close>;

/* A queue, and handles on it for threads. */
class Shared
{
public:
    Shared(Kind kind, const Geometry &geometry) : kind_(kind), made_(Kind::file, geometry)
    {
        options_ = made_.options();
        options_.poll_ms = UINT32_MAX;
        options_.clock_ms = counting_clock;
        made_.close();
        slotq *opened = nullptr;
        if (kind == Kind::memory) {
            REQUIRE(slotq_create_memory(geometry, &options_, &opened, nullptr) == SLOTQ_OK);
        } else {
            REQUIRE(slotq_open(made_.url().c_str(), made_.name().c_str(), &options_, &opened,
                               nullptr) == SLOTQ_OK);
        }
        first_.reset(opened);
    }
    Handle open()
    {
        slotq *opened = nullptr;
        const slotq_outcome outcome = kind_ == Kind::memory
                                          ? slotq_clone(first_.get(), &opened, nullptr)
                                          : slotq_open(made_.url().c_str(), made_.name().c_str(),
                                                       &options_, &opened, nullptr);
        return Handle(outcome == SLOTQ_OK ? opened : nullptr);
    }
    slotq *queue() const
    {
        return first_.get();
    }
    Queue &made()
    {
        return made_;
    }

private:
    Kind kind_;
    Queue made_;
    slotq_options options_;
    Handle first_;
};

/* The thread is inside of a futex call that waits for a kind. */
bool sleeps(long thread)
{
    char path[64];
    char line[256] = "";
    std::snprintf(path, sizeof path, "/proc/self/task/%ld/syscall", thread);
    FILE *file = std::fopen(path, "r");
    if (file == nullptr) {
        return false;
    }
    const bool read = std::fgets(line, sizeof line, file) != nullptr;
    std::fclose(file);
    long number = -1;
    unsigned long word = 0;
    unsigned long operation = 0;
    const int fields = std::sscanf(line, "%ld %lx %lx", &number, &word, &operation);
    return read && fields == 3 && number == SYS_futex && (operation & 0x7F) == 9;
}

bool can_see_sleep()
{
    char path[64];
    std::snprintf(path, sizeof path, "/proc/self/task/%ld/syscall", syscall(SYS_gettid));
    return access(path, R_OK) == 0;
}

slotq_outcome push(slotq *queue, uint32_t count, uint64_t wait_ms = 0)
{
    const std::vector<slotq_data> messages(count, slotq_data{"m", 1});
    return slotq_push_wait(queue, messages.data(), count, wait_ms, nullptr);
}

slotq_outcome take(slotq *queue)
{
    const Batch got = batch();
    return slotq_reserve(queue, 0, 1, LEASE_MS, LONG_MS, got.get());
}

slotq_outcome give(slotq *queue)
{
    return push(queue, 1, LONG_MS);
}

/* Callers that take or give one message each, and then end. */
class Crowd
{
public:
    Crowd(Shared &shared, uint32_t count, slotq_outcome (*act)(slotq *) = take)
        : act_(act), ids_(count), ended_(count)
    {
        for (uint32_t i = 0; i < count; i++) {
            threads_.emplace_back([this, i, handle = shared.open()] { run(i, handle.get()); });
        }
    }
    ~Crowd()
    {
        for (std::thread &thread : threads_) {
            thread.join();
        }
    }
    Crowd(const Crowd &) = delete;
    Crowd &operator=(const Crowd &) = delete;

    /* All have ended or sleep, and `got` have ended. */
    void settle(uint32_t got)
    {
        while (taken < got) {
            usleep(1000);
        }
        for (size_t i = 0; i < ids_.size(); i++) {
            while (!ended_[i] && !sleeps(ids_[i])) {
                usleep(1000);
            }
        }
    }

    std::atomic<uint32_t> taken{0};
    std::atomic<uint32_t> empty{0};

private:
    void run(uint32_t i, slotq *queue)
    {
        is_counted = true;
        ids_[i] = syscall(SYS_gettid);
        empty += act_(queue) == SLOTQ_OK ? 0 : 1;
        ended_[i] = true;
        taken++;
    }

    slotq_outcome (*act_)(slotq *);
    std::vector<std::atomic<long>> ids_;
    std::vector<std::atomic<bool>> ended_;
    std::vector<std::thread> threads_;
};

/* Producers of one to three messages a push in a ring that is mostly full, and consumers of two
 * groups, one of them limited, which nack now and then. */
class Torture
{
public:
    explicit Torture(Shared &shared) : shared_(shared)
    {
    }

    void run()
    {
        for (uint32_t i = 0; i < PRODUCERS + CONSUMERS; i++) {
            handles_.push_back(shared_.open());
        }
        for (uint32_t i = 0; i < PRODUCERS; i++) {
            threads_.emplace_back([this, i] { produce(handles_[i].get(), 1 + i % 3); });
        }
        for (uint32_t i = 0; i < CONSUMERS; i++) {
            threads_.emplace_back([this, i] {
                consume(handles_[PRODUCERS + i].get(), static_cast<uint8_t>(i % 2), i);
            });
        }
        for (std::thread &thread : threads_) {
            thread.join();
        }
    }

    std::atomic<uint32_t> lost{0}; /* waits that ended empty */
    std::atomic<uint32_t> acked[2] = {{0}, {0}};
    static constexpr uint32_t PRODUCERS = 9, CONSUMERS = 10, PUSHES = 300;
    static constexpr uint32_t TOTAL = PUSHES * PRODUCERS * 2;

private:
    void produce(slotq *queue, uint32_t count)
    {
        for (uint32_t i = 0; i < PUSHES && lost == 0; i++) {
            lost += push(queue, count, LONG_MS) == SLOTQ_OK ? 0 : 1;
        }
    }

    void consume(slotq *queue, uint8_t group, uint32_t seed)
    {
        const Batch got = batch();
        while (acked[group] < TOTAL && lost == 0) {
            const uint32_t limit = 1 + seed % 3;
            const slotq_outcome outcome =
                slotq_reserve(queue, group, limit, LEASE_MS, LONG_MS, got.get());
            if (acked[group] == TOTAL) { /* woken to end */
                return;
            }
            if (outcome != SLOTQ_OK) {
                lost++;
                return;
            }
            settle(queue, group, ++seed, got.get());
        }
    }

    void settle(slotq *queue, uint8_t group, uint32_t seed, slotq_batch *got)
    {
        if (seed % 16 == 0) {
            (void)slotq_settle_batch(queue, SLOTQ_SETTLE_NACK, got, 0, 0);
            return;
        }
        const auto count = static_cast<uint32_t>(messages(got).size());
        (void)slotq_ack_batch(queue, got);
        if ((acked[group] += count) == TOTAL) {
            for (uint32_t i = group; i < CONSUMERS; i += 2) {
                slotq_interrupt(handles_[PRODUCERS + i].get());
            }
        }
    }

    Shared &shared_;
    std::vector<Handle> handles_;
    std::vector<std::thread> threads_;
};

const Kind kinds[] = {Kind::memory, Kind::file};

} // namespace

TEST_CASE("sleepers: of a hundred that sleep a push wakes few", "[sleepers]")
{
    constexpr uint32_t CROWD = 100;
    if (!can_see_sleep()) {
        WARN("/proc does not tell which threads sleep");
        return;
    }
    for (const Kind kind : kinds) {
        CAPTURE(kind);
        Shared shared(kind, Geometry(201));
        Crowd crowd(shared, CROWD);
        crowd.settle(0);
        looks = 0;
        REQUIRE(push(shared.queue(), 1) == SLOTQ_OK);
        crowd.settle(1);
        CHECK(looks == 1);
        looks = 0;
        REQUIRE(push(shared.queue(), 10) == SLOTQ_OK); /* four, and they wake the others */
        crowd.settle(11);
        CHECK(looks >= 10);
        CHECK(looks <= 10 + 4);
        REQUIRE(push(shared.queue(), CROWD - 11) == SLOTQ_OK);
        crowd.settle(CROWD);
        CHECK(crowd.empty == 0);
    }
}

TEST_CASE("sleepers: a nack wakes one, also after a push whose ring cleared the mark", "[sleepers]")
{
    if (!can_see_sleep()) {
        return;
    }
    for (const Kind kind : kinds) {
        CAPTURE(kind);
        Shared shared(kind, Geometry(20));
        const Batch got = batch();
        REQUIRE(push(shared.queue(), 1) == SLOTQ_OK);
        REQUIRE(slotq_reserve(shared.queue(), 0, 1, LEASE_MS, 0, got.get()) == SLOTQ_OK);
        Crowd crowd(shared, 10);
        crowd.settle(0);
        REQUIRE(push(shared.queue(), 1) == SLOTQ_OK);
        crowd.settle(1);
        looks = 0;
        REQUIRE(slotq_settle_batch(shared.queue(), SLOTQ_SETTLE_NACK, got.get(), 0, 0) == SLOTQ_OK);
        crowd.settle(2);
        CHECK(looks == 1);
        REQUIRE(push(shared.queue(), 8) == SLOTQ_OK);
    }
}

TEST_CASE("sleepers: a push that finds room and leaves some wakes another", "[sleepers]")
{
    if (!can_see_sleep()) {
        return;
    }
    for (const Kind kind : kinds) {
        CAPTURE(kind);
        Shared shared(kind, Geometry(11));
        const Batch got = batch();
        REQUIRE(push(shared.queue(), 10) == SLOTQ_OK);
        REQUIRE(slotq_reserve(shared.queue(), 0, 10, LEASE_MS, 0, got.get()) == SLOTQ_OK);
        Crowd crowd(shared, 10, give);
        crowd.settle(0);
        REQUIRE(slotq_ack_batch(shared.queue(), got.get()) == SLOTQ_OK); /* wakes four */
        crowd.settle(10);
        CHECK(crowd.empty == 0);
    }
}

TEST_CASE("sleepers: room wakes one for a scheduled message that waited for it", "[sleepers]")
{
    if (!can_see_sleep()) {
        return;
    }
    for (const Kind kind : kinds) {
        CAPTURE(kind);
        Geometry geometry(3);
        geometry.raw.later_slots = 1;
        Shared shared(kind, geometry);
        const Batch got = batch();
        const slotq_data late = {"l", 1};
        REQUIRE(push(shared.queue(), 2) == SLOTQ_OK);
        REQUIRE(slotq_reserve(shared.queue(), 0, 2, LEASE_MS, 0, got.get()) == SLOTQ_OK);
        REQUIRE(slotq_schedule(shared.queue(), &late, 1, 1, 0, nullptr) == SLOTQ_OK);
        Crowd crowd(shared, 2);
        crowd.settle(0);
        looks = 0;
        REQUIRE(slotq_ack_batch(shared.queue(), got.get()) == SLOTQ_OK);
        crowd.settle(1);
        CHECK(looks == 1);
        REQUIRE(push(shared.queue(), 1) == SLOTQ_OK);
    }
}

TEST_CASE("sleepers: no wake-up is lost among producers, two groups, limits and nacks",
          "[sleepers]")
{
    for (const Kind kind : kinds) {
        for (const uint8_t aside : {0, 4}) {
            CAPTURE(kind, aside);
            Geometry geometry(8);
            geometry.groups(2).raw.aside_slots = aside;
            Shared shared(kind, geometry);
            slotq_limits limits = {};
            limits.max_leased = 2;
            REQUIRE(slotq_limit(shared.queue(), 1, SLOTQ_LIMIT_LEASED, &limits) == SLOTQ_OK);
            Torture torture(shared);
            torture.run();
            CHECK(torture.lost == 0);
            CHECK(torture.acked[0] == Torture::TOTAL);
            CHECK(torture.acked[1] == Torture::TOTAL);
        }
    }
}

TEST_CASE("sleepers: what a killed process was woken for is found by a poll", "[sleepers]")
{
    constexpr uint32_t WORKERS = 4, MESSAGES = 60;
    Queue made(Kind::file, Geometry(101));
    slotq_options options = made.options();
    options.clock_ms = nullptr; /* the leases of the killed must end */
    options.poll_ms = 100;
    made.close();
    const auto work = [&] {
        slotq *queue = nullptr;
        const Batch got = batch();
        if (slotq_open(made.url().c_str(), made.name().c_str(), &options, &queue, nullptr) != 0) {
            _exit(1);
        }
        for (;;) {
            if (slotq_reserve(queue, 0, 1, 200, LONG_MS, got.get()) == SLOTQ_OK) {
                (void)slotq_ack_batch(queue, got.get());
            }
        }
    };
    const auto start = [&] {
        const pid_t process = fork();
        if (process == 0) {
            work();
        }
        return process;
    };
    std::vector<pid_t> workers;
    for (uint32_t i = 0; i < WORKERS; i++) {
        workers.push_back(start());
    }
    slotq *opened = nullptr;
    REQUIRE(slotq_open(made.url().c_str(), made.name().c_str(), &options, &opened, nullptr) ==
            SLOTQ_OK);
    const Handle queue(opened);
    for (uint32_t i = 0; i < MESSAGES; i++) {
        REQUIRE(push(queue.get(), 1) == SLOTQ_OK);
        kill(workers[i % WORKERS], SIGKILL);
        while (waitpid(workers[i % WORKERS], nullptr, 0) < 0) {
        }
        workers[i % WORKERS] = start();
    }
    slotq_stats stats = {};
    do {
        usleep(10000);
        REQUIRE(slotq_get_stats(queue.get(), 0, &stats) == SLOTQ_OK);
    } while (stats.unfinished > 0);
    CHECK(stats.acked == MESSAGES);
    for (const pid_t worker : workers) {
        kill(worker, SIGKILL);
        while (waitpid(worker, nullptr, 0) < 0) {
        }
    }
}
