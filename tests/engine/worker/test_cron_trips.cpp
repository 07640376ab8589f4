/* test_cron_trips.cpp: how many trips cron entries make while the keeper holds the queue's lock,
 * which threads wait for: a few at a time, and none after one without an answer.
 */
#include "catch.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <set>

#include <unistd.h>

#include "live.hpp"
#include "server/redis_server.hpp"

using namespace any_queue;
using namespace working;

namespace
{

constexpr uint32_t ENTRIES = 40;
constexpr uint32_t TRIPS_MOST = 16;

std::atomic<uint32_t> trips_most{0}; /* of one turn */
std::atomic<uint32_t> turns{0};      /* that made trips */
std::atomic<uint32_t> trip_ms{0};    /* each takes so long */
std::atomic<uint32_t> restless{0};   /* that went on at once after so many */
thread_local uint32_t trips = 0;
thread_local uint64_t trip_end_ms = 0;

/* The keeper's clock. */
uint64_t now_ms()
{
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

struct Slow {
    explicit Slow(uint32_t ms)
    {
        trip_ms = ms;
    }
    ~Slow()
    {
        trip_ms = 0;
    }
};

void add_entries(Working &work, slotq *queue, const char *spec, slotq_cron_missed missed)
{
    for (uint32_t i = 0; i < ENTRIES; i++) {
        const std::string name = "entry" + std::to_string(i);
        slotq_cron entry = {};
        entry.name = name.c_str();
        entry.spec = spec;
        entry.type = "cron:tick";
        entry.missed = missed;
        REQUIRE(slotq_worker_add_cron(work.worker(), queue, &entry, nullptr) == SLOTQ_OK);
    }
}

Geometry geometry()
{
    Geometry made = real_geometry();
    made.raw.flags |= SLOTQ_FLAG_KEYS;
    made.raw.later_slots = 2 * ENTRIES;
    return made;
}

} // namespace

struct worker_queue;
extern "C" uint64_t __real_cron_turn(struct worker_queue *queue, uint64_t now_ms);
extern "C" uint64_t __wrap_cron_turn(struct worker_queue *queue, uint64_t now_ms);
extern "C" uint64_t __wrap_cron_turn(struct worker_queue *queue, uint64_t now_ms)
{
    trips = 0;
    const uint64_t next_ms = __real_cron_turn(queue, now_ms);
    trips_most = std::max(trips_most.load(), trips);
    turns += trips != 0 ? 1 : 0;
    restless += trips == TRIPS_MOST && next_ms <= trip_end_ms ? 1 : 0;
    return next_ms;
}

extern "C" slotq_outcome __real_slotq_task_push(slotq *queue, const slotq_task_spec *task,
                                                uint64_t *id);
extern "C" slotq_outcome __wrap_slotq_task_push(slotq *queue, const slotq_task_spec *task,
                                                uint64_t *id);
extern "C" slotq_outcome __wrap_slotq_task_push(slotq *queue, const slotq_task_spec *task,
                                                uint64_t *id)
{
    trips++;
    usleep(trip_ms * 1000);
    const slotq_outcome outcome = __real_slotq_task_push(queue, task, id);
    trip_end_ms = now_ms();
    return outcome;
}

TEST_CASE("cron: many entries are placed a few at a time", "[worker]")
{
    const Kind kind = each_shared_kind();
    INFO(kind);
    Live queue(kind, geometry());
    Working work;
    work.handle("cron:tick", [](slotq_task *) { return slotq_result_done(); });
    work.add(queue);
    add_entries(work, queue, "@yearly", SLOTQ_CRON_ONE); /* placed at once */
    trips_most = 0;
    restless = 0;
    work.start();
    CHECK(eventually([&] { return work.stats().cron_pushed == ENTRIES; }));
    work.stop_and_join();
    CHECK(restless == 0); /* threads that wait get the lock */
    CHECK(trips_most > 1);
    CHECK(trips_most <= TRIPS_MOST);
    CHECK(queue.stats().later == ENTRIES);
}

TEST_CASE("cron: a server that does not answer is asked once, and told", "[worker]")
{
    redis::Server server;
    Live queue(server.url(), geometry());
    Working work;
    work.options.lease_ms = 600; /* a keeper's trip takes 100 ms at most */
    work.handle("cron:tick", [](slotq_task *) { return slotq_result_done(); });
    work.add(queue);
    add_entries(work, queue, "@every 1s", SLOTQ_CRON_SKIP); /* all at the same times */
    work.start();
    REQUIRE(eventually([&] { return work.stats().cron_pushed >= ENTRIES; }));
    server.stop();
    CHECK(eventually([&] { return work.count(SLOTQ_EVENT_AWAY) == 1; }));
    const uint32_t before = turns;
    CHECK(eventually([&] { return turns > before + 1; }, 30)); /* one may have had answers */
    trips_most = 0;
    const uint32_t from = turns;
    CHECK(eventually([&] { return turns > from + 2; }, 30));
    CHECK(trips_most == 1);
    server.go_on();
    const uint64_t placed = work.stats().cron_pushed;
    CHECK(eventually([&] { return work.stats().cron_pushed >= placed + ENTRIES; }, 30));
    work.stop_and_join();
}

/* Sixteen entries of each second take longer than that. */
TEST_CASE("cron: every entry has its turn, however long the trips of others take", "[worker]")
{
    const Slow slow(70);
    Live queue(Kind::memory, geometry());
    Working work;
    work.handle("cron:tick", [](slotq_task *) { return slotq_result_done(); });
    work.add(queue);
    add_entries(work, queue, "@every 1s", SLOTQ_CRON_ONE);
    work.start();
    CHECK(eventually(
        [&] {
            std::set<std::string> placed;
            for (const Told &told : work.told()) {
                if (told.kind == SLOTQ_EVENT_CRON) {
                    placed.insert(told.cron);
                }
            }
            return placed.size() == ENTRIES;
        },
        30));
    work.stop_and_join();
}

TEST_CASE("cron: a stop does not wait for the other entries", "[worker]")
{
    const Slow slow(200);
    Live queue(Kind::memory, geometry());
    Working work;
    work.handle("cron:tick", [](slotq_task *) { return slotq_result_done(); });
    work.add(queue);
    add_entries(work, queue, "@yearly", SLOTQ_CRON_ONE);
    work.start();
    REQUIRE(eventually([&] { return work.stats().cron_pushed == 1; }));
    work.stop_and_join();
    CHECK(work.stats().cron_pushed < TRIPS_MOST);
}

/* After patience_ms, for good. Another queue of the worker is there and tells that time passes. */
TEST_CASE("cron: a queue that was given up is not asked any more", "[worker]")
{
    redis::Server server;
    Live lost(server.url(), geometry());
    Live other(Kind::memory, geometry());
    Working work;
    work.options.lease_ms = 600; /* a keeper's trip takes 100 ms at most */
    work.options.patience_ms = 300;
    work.handle("cron:tick", [](slotq_task *) { return slotq_result_done(); });
    work.add(lost, "lost");
    work.add(other, "other");
    slotq_cron entry = {};
    entry.name = "each";
    entry.spec = "@every 1s";
    entry.type = "cron:tick";
    REQUIRE(slotq_worker_add_cron(work.worker(), lost, &entry, nullptr) == SLOTQ_OK);
    REQUIRE(slotq_worker_add_cron(work.worker(), other, &entry, nullptr) == SLOTQ_OK);
    const auto placed = [&](const std::string &queue) {
        size_t count = 0;
        for (const Told &told : work.told()) {
            count += told.kind == SLOTQ_EVENT_CRON && told.queue == queue;
        }
        return count;
    };
    const auto passes = [&](size_t more) {
        const size_t from = placed("other");
        return eventually([&] { return placed("other") >= from + more; }, 60);
    };
    work.start();
    REQUIRE(eventually([&] { return placed("lost") > 0; }));
    server.stop();
    REQUIRE(eventually([&] { return work.count(SLOTQ_EVENT_QUEUE_FAILED) == 1; }, 60));
    server.go_on();
    CHECK(passes(1)); /* a trip that was under way has ended */
    const size_t before = placed("lost");
    CHECK(passes(2));
    CHECK(placed("lost") == before);
    work.stop_and_join();
}

/* What was placed is gone with the old queue. */
TEST_CASE("cron: entries are placed again in a queue that is made anew", "[worker]")
{
    redis::Server server;
    Live old(server.url(), geometry());
    std::atomic<bool> runs{false};
    std::atomic<bool> may_end{false};
    Working work;
    work.options.alone_attempts = 255;
    work.handle("a:wait", [&](slotq_task *) { /* nothing asks while there is no queue */
                                              for (runs = true; !may_end;) {
                                                  usleep(1000);
                                              }
                                              return slotq_result_done();
    });
    work.options.threads = 1;
    work.add(old);
    add_entries(work, old, "@yearly", SLOTQ_CRON_ONE);
    work.start();
    REQUIRE(eventually([&] { return work.stats().cron_pushed == ENTRIES; }));
    push_task(old, "a:wait");
    REQUIRE(eventually([&] { return runs.load(); }));
    REQUIRE(slotq_remove_queue(server.url().c_str(), "q", nullptr) == SLOTQ_OK);
    Live queue(server.url(), geometry());
    may_end = true;
    CHECK(eventually([&] { return queue.stats().later == ENTRIES; }, 20));
    CHECK(eventually([&] { return work.stats().cron_pushed == 2 * ENTRIES; }));
    work.stop_and_join();
}
