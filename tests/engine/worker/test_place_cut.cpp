/* test_place_cut.cpp: a connection that ends at any byte of the answers that a scheduler of cron
 * waits for: what it does not know is not taken for missed, nor for placed.
 */
#include "catch.hpp"

#include "live.hpp"
#include "server/proxy.hpp"
#include "server/riding.hpp"

extern "C" {
#include "engine/slotq_keys.h"
#include "engine/worker/place.h"
}

using namespace any_queue;
using namespace working;

namespace
{

constexpr long CUTS_MOST = 1000; /* bytes: more than the answers have */

Geometry geometry()
{
    Geometry made = real_geometry(101, 128);
    made.raw.flags |= SLOTQ_FLAG_KEYS;
    made.raw.later_slots = 8;
    return made;
}

struct Plan {
    cron_plan *plan = nullptr;
    Plan()
    {
        REQUIRE(cron_plan_make("@every 1h", nullptr, &plan, nullptr) == SLOTQ_OK);
    }
    ~Plan()
    {
        cron_plan_free(plan);
    }
    Plan(const Plan &) = delete;
    Plan &operator=(const Plan &) = delete;
};

/* A task with this key, as another scheduler has pushed it; it is not finished. */
void push_with_key(slotq *queue, const std::string &key)
{
    slotq_task_spec task = {};
    task.type = "a:b";
    task.key = key.data();
    task.key_bytes = static_cast<uint32_t>(key.size());
    task.key_mode = SLOTQ_KEY_ONCE;
    REQUIRE(slotq_task_push(queue, &task, nullptr) == SLOTQ_OK);
}

/* A server, an entry of each hour, and a scheduler whose connection is cut after some bytes. */
struct Cut {
    redis::Server server;
    Proxy proxy{server.socket_path()};
    Live queue{server.url(), geometry()};
    riding::Queue through{proxy.url(), 1};
    Plan plan;
    slotq_cron cron = {};

    Cut()
    {
        cron.name = "tick";
        cron.type = "a:b";
    }
    /* A new scheduler looks for the first time. False: nothing was cut. */
    bool look(long bytes, uint64_t now_ms, place_entry *entry, place_told *told, uint64_t *next_ms)
    {
        place_begin(entry, &cron, plan.plan);
        slotq_stats stats;
        REQUIRE(slotq_get_stats(through.get(), 0, &stats) == SLOTQ_OK); /* it is connected */
        proxy.cut_after(bytes);
        proxy.lead_to(server.folder() + "/none"); /* a question is not repeated with success */
        *next_ms = place_step(entry, through.get(), now_ms, told);
        const bool was_cut = proxy.disarm();
        proxy.lead_to(server.socket_path());
        return was_cut;
    }
};

} // namespace

TEST_CASE("place: what became of a past time is asked again if the answer was cut", "[place]")
{
    constexpr uint64_t PAST_MS = UINT64_C(1600002000000);
    const bool is_placed = GENERATE(true, false);
    CAPTURE(is_placed);
    Cut cut;
    if (is_placed) {
        push_with_key(cut.queue, std::string("cron\0tick\0", 10) + std::to_string(PAST_MS));
    }
    bool was_cut = true;
    int retries = 0;
    long bytes = 0;
    for (; was_cut && bytes < CUTS_MOST; bytes++) {
        INFO(bytes);
        place_entry entry;
        place_told told;
        uint64_t now_ms = PAST_MS - 1000;
        uint64_t next_ms;
        was_cut = cut.look(bytes, now_ms, &entry, &told, &next_ms);
        retries += next_ms > now_ms ? 1 : 0;
        int missed = told.what == PLACE_MISSED ? 1 : 0;
        while (next_ms > now_ms && next_ms <= PAST_MS) {
            now_ms = next_ms;
            next_ms = place_step(&entry, cut.through.get(), now_ms, &told);
            missed += told.what == PLACE_MISSED ? 1 : 0;
        }
        CHECK(missed == (is_placed ? 0 : 1));
    }
    CHECK_FALSE(was_cut);
    CHECK(retries > 8);
}

TEST_CASE("place: a time is not placed because the question for the one before was cut", "[place]")
{
    Cut cut;
    cut.cron.no_overlap = true;
    push_with_key(cut.queue, std::string("cron\0tick\0", 10));
    const uint64_t now_ms = slotq_now_ms(cut.queue);
    const uint64_t due_ms = (now_ms / 3600000 + 1) * 3600000;
    bool was_cut = true;
    long bytes = 0;
    for (; was_cut && bytes < CUTS_MOST; bytes++) {
        INFO(bytes);
        place_entry entry;
        place_told told;
        uint64_t next_ms;
        was_cut = cut.look(bytes, due_ms - 1000, &entry, &told, &next_ms);
        CHECK(told.what == PLACE_NOTHING);
        CHECK(next_ms < due_ms);
        place_step(&entry, cut.through.get(), due_ms, &told);
        CHECK(told.what == PLACE_MISSED);
        CHECK(told.outcome == SLOTQ_DUPLICATE);
    }
    CHECK_FALSE(was_cut);
    CHECK(bytes > 8);
}
