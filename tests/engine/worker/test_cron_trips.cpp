/* test_cron_trips.cpp: how many trips cron entries make while the keeper holds the queue's lock,
 * which threads wait for: a few at a time, and none after one without an answer.
 */
#include "catch.hpp"

#include <algorithm>
#include <atomic>

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
thread_local uint32_t trips = 0;

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
    return __real_slotq_task_push(queue, task, id);
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
    work.start();
    CHECK(eventually([&] { return work.stats().cron_pushed == ENTRIES; }));
    work.stop_and_join();
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
