// test_place.cpp: schedulers of cron entries on a queue whose clock the test moves: how often each
// time runs, when it runs, and what is told.
#include "catch.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "any_queue.hpp"

extern "C" {
#include "engine/slotq_frame.h"
#include "engine/slotq_keys.h"
#include "engine/worker/place.h"
}

using namespace any_queue;

namespace
{

constexpr uint64_t START_MS = UINT64_C(1800000000000); // a whole hour

Geometry geometry(uint16_t later_slots, uint16_t slots = 100)
{
    Geometry made(slots, 128);
    made.flags(SLOTQ_FLAG_KEYS).tick(1);
    made.raw.later_slots = later_slots;
    return made;
}

struct Plan {
    cron_plan *plan = nullptr;
    explicit Plan(const char *spec)
    {
        REQUIRE(cron_plan_make(spec, nullptr, &plan, nullptr) == SLOTQ_OK);
    }
    ~Plan()
    {
        cron_plan_free(plan);
    }
    Plan(const Plan &) = delete;
};

slotq_cron entry(const char *name, slotq_cron_missed missed = SLOTQ_CRON_SKIP)
{
    slotq_cron made = {};
    made.name = name;
    made.type = "test:cron";
    made.body = "body";
    made.body_bytes = 4;
    made.missed = missed;
    return made;
}

// A process with some entries: its clock may differ from the queue's.
struct Scheduler {
    std::vector<place_entry> entries;
    std::vector<uint64_t> look_ms;
    std::vector<place_told> told;
    int64_t skew_ms = 0;

    void add(const slotq_cron &cron, const cron_plan *plan)
    {
        entries.emplace_back();
        place_begin(&entries.back(), &cron, plan);
        look_ms.push_back(0);
    }
    void step(Queue &queue)
    {
        const uint64_t now_ms = queue.now_ms + static_cast<uint64_t>(skew_ms);
        for (size_t i = 0; i < entries.size(); i++) {
            for (int calls = 0; look_ms[i] <= now_ms; calls++) {
                place_told one;
                REQUIRE(calls < 10);
                look_ms[i] = place_step(&entries[i], queue, now_ms, &one);
                if (one.what != PLACE_NOTHING) {
                    told.push_back(one);
                }
            }
        }
    }
    size_t count(place_what what) const
    {
        size_t sum = 0;
        for (const place_told &one : told) {
            sum += one.what == what;
        }
        return sum;
    }
};

struct Run {
    int count = 0;
    uint64_t late_ms = 0;
};
using Runs = std::map<std::pair<std::string, uint64_t>, Run>;

// Take everything that is ready, ack it, and note the tasks of entries.
void work(Queue &queue, Runs &runs)
{
    for (;;) {
        const std::vector<Message> messages = queue.reserve(100);
        if (messages.empty()) {
            return;
        }
        for (const Message &message : messages) {
            slotq_task_info info;
            const void *name = nullptr;
            uint32_t bytes = 0;
            if (slotq_frame_read(message.payload.data(),
                                 static_cast<uint32_t>(message.payload.size()),
                                 &info) == SLOTQ_OK &&
                slotq_frame_header(message.payload.data(),
                                   static_cast<uint32_t>(message.payload.size()), "cron", &name,
                                   &bytes)) {
                CHECK(std::string(info.type) == "test:cron");
                CHECK(std::string(static_cast<const char *>(info.body), info.body_bytes) == "body");
                Run &run = runs[{std::string(static_cast<const char *>(name), bytes), info.due_ms}];
                run.count++;
                run.late_ms = queue.now_ms - info.due_ms;
            }
            CHECK(slotq_ack(queue, 0, message.id, message.token) == SLOTQ_OK);
        }
    }
}

// So many other messages that no slot is remembered for long.
void load(Queue &queue, Runs &runs, uint32_t count)
{
    for (uint32_t left = count; left > 0;) {
        const uint32_t some = std::min(left, 60u);
        queue.fill(some);
        work(queue, runs);
        left -= some;
    }
}

int most_runs(const Runs &runs)
{
    int most = 0;
    for (const auto &one : runs) {
        most = one.second.count > most ? one.second.count : most;
    }
    return most;
}

} // namespace

// A thousand messages in each 50 ms: 20,000 a second, through 100 slots.
TEST_CASE("place: two schedulers whose clocks differ run each time once, under load", "[place]")
{
    const Plan every("@every 1s");
    Queue queue(Kind::memory, geometry(160)); // 5 s ahead, there are 6 of each entry
    queue.now_ms = START_MS;
    std::vector<std::string> names;
    std::vector<slotq_cron> crons;
    Runs runs;
    for (int i = 0; i < 20; i++) {
        names.push_back("entry" + std::to_string(i));
    }
    for (const std::string &name : names) {
        crons.push_back(entry(name.c_str()));
    }
    Scheduler ahead;
    Scheduler behind;
    ahead.skew_ms = 5000;
    behind.skew_ms = -5000;
    for (const slotq_cron &cron : crons) {
        ahead.add(cron, every.plan);
        behind.add(cron, every.plan);
    }
    for (uint64_t ms = 0; ms < 20000; ms += 50, queue.now_ms += 50) {
        ahead.step(queue);
        // One is stopped for a while, and goes on as if nothing had been.
        if (ms < 8000 || ms > 15000) {
            behind.step(queue);
        }
        load(queue, runs, 1000);
    }
    CHECK(most_runs(runs) == 1);
    for (const std::string &name : names) {
        for (uint64_t due_ms = START_MS + 6000; due_ms < START_MS + 20000; due_ms += 1000) {
            INFO(name << " " << due_ms);
            CHECK(runs.count({name, due_ms}) == 1);
        }
    }
}

TEST_CASE("place: without not_past a late scheduler doubles, whatever the key", "[place]")
{
    Queue queue(Kind::memory, geometry(60));
    queue.now_ms = START_MS;
    Runs runs;
    const auto push_naively = [&](uint64_t due_ms) {
        const std::string text = std::to_string(due_ms);
        const slotq_header headers[] = {{"due", text.data(), static_cast<uint32_t>(text.size())},
                                        {"cron", "naive", 5}};
        slotq_task_spec task = {};
        task.type = "test:cron";
        task.body = "body";
        task.body_bytes = 4;
        task.headers = headers;
        task.header_count = 2;
        task.at_ms = due_ms;
        task.key = text.data();
        task.key_bytes = static_cast<uint32_t>(text.size());
        task.key_mode = SLOTQ_KEY_ONCE;
        return slotq_task_push(queue, &task, nullptr);
    };
    CHECK(push_naively(START_MS + 1000) == SLOTQ_OK);
    CHECK(push_naively(START_MS + 1000) == SLOTQ_DUPLICATE);
    queue.now_ms += 5000;
    load(queue, runs, 240);
    CHECK(push_naively(START_MS + 1000) == SLOTQ_OK);
    work(queue, runs);
    CHECK(most_runs(runs) == 2);
}

TEST_CASE("place: what was missed while all were down", "[place]")
{
    const Plan every("@every 5m");
    for (const slotq_cron_missed missed : {SLOTQ_CRON_SKIP, SLOTQ_CRON_ONE}) {
        INFO("missed " << missed);
        const slotq_cron cron = entry("nightly", missed);
        Queue queue(Kind::memory, geometry(8));
        queue.now_ms = START_MS + 10;
        Runs runs;
        Scheduler first;
        first.add(cron, every.plan);
        for (uint64_t ms = 0; ms < 150000; ms += 1000, queue.now_ms += 1000) {
            first.step(queue);
            work(queue, runs);
        }
        // Down from 150 s before a time to 5 s after the one behind it.
        queue.now_ms = START_MS + 605000;
        Scheduler second;
        second.add(cron, every.plan);
        second.step(queue);
        work(queue, runs);
        if (missed == SLOTQ_CRON_SKIP) {
            CHECK(runs.empty());
        } else {
            REQUIRE(runs.size() == 1);
            CHECK(runs.begin()->first.second == START_MS + 300000);
            CHECK(runs.begin()->second.late_ms == 305000);
        }
        for (; queue.now_ms < START_MS + 1000000; queue.now_ms += 1000) {
            second.step(queue);
            work(queue, runs);
        }
        CHECK(runs.count({"nightly", START_MS + 900000}) == 1);
        CHECK(runs.count({"nightly", START_MS + 600000}) == 0);
        CHECK(most_runs(runs) == 1);
        CHECK(second.count(PLACE_MISSED) == 0);
    }
}

TEST_CASE("place: one is placed when the one before is due, or 60 s before its time", "[place]")
{
    const Plan every("@every 5m");
    for (const slotq_cron_missed missed : {SLOTQ_CRON_SKIP, SLOTQ_CRON_ONE}) {
        const slotq_cron cron = entry("e", missed);
        const bool skips = missed == SLOTQ_CRON_SKIP;
        Queue queue(Kind::memory, geometry(8));
        queue.now_ms = START_MS;
        place_entry one;
        place_told told;
        place_begin(&one, &cron, every.plan);
        if (skips) {
            CHECK(place_step(&one, queue, queue.now_ms, &told) == START_MS + 240000);
            CHECK(told.what == PLACE_NOTHING);
            CHECK(queue.stats().later == 0);
            queue.now_ms = START_MS + 240000;
        }
        CHECK(place_step(&one, queue, queue.now_ms, &told) == START_MS + 300000);
        CHECK(told.what == PLACE_PLACED);
        CHECK(told.time_ms == START_MS + 300000);
        CHECK(queue.stats().later_due_ms == START_MS + 300000);
        // Only the next: until it is due there is nothing to do.
        CHECK(place_step(&one, queue, START_MS + 299999, &told) == START_MS + 300000);
        CHECK(told.what == PLACE_NOTHING);
        queue.now_ms = START_MS + 300000;
        CHECK(place_step(&one, queue, queue.now_ms, &told) == START_MS + (skips ? 540000 : 600000));
        CHECK(told.what == (skips ? PLACE_NOTHING : PLACE_PLACED));
    }
}

TEST_CASE("place: a clock that goes back 10 s runs nothing twice", "[place]")
{
    const Plan every("@every 1s");
    const slotq_cron cron = entry("back");
    Queue queue(Kind::memory, geometry(8));
    queue.now_ms = START_MS;
    Runs runs;
    Scheduler one;
    one.add(cron, every.plan);
    for (int round = 0; round < 2; round++) {
        for (uint64_t ms = 0; ms < 15000; ms += 50, queue.now_ms += 50) {
            one.step(queue);
            load(queue, runs, 240);
            one.look_ms[0] = 0; // look at any time: more often does not harm
        }
        queue.now_ms -= 10000;
    }
    CHECK(most_runs(runs) == 1);
    CHECK(runs.size() == 19);
    // After an hour and more it was wrong before, and the entry begins anew.
    queue.now_ms -= 2 * 3600000;
    const size_t before = one.count(PLACE_PLACED);
    one.look_ms[0] = 0;
    one.step(queue);
    CHECK(one.count(PLACE_PLACED) == before + 1);
    // Also if it goes back in two parts, neither of which is an hour.
    for (int part = 0; part < 2; part++) {
        queue.now_ms -= 2400000;
        one.look_ms[0] = 0;
        one.step(queue);
    }
    CHECK(one.count(PLACE_PLACED) == before + 2);
}

TEST_CASE("place: a clock that goes back over a time does not mislead a new process", "[place]")
{
    const Plan every("@every 1m");
    const slotq_cron cron = entry("back");
    Queue queue(Kind::memory, geometry(8));
    Runs runs;
    for (int process = 0; process < 2; process++) {
        Scheduler one;
        one.add(cron, every.plan);
        queue.now_ms = START_MS + 50000;
        one.step(queue);
        CHECK(one.count(PLACE_PLACED) == (process == 0 ? 1 : 0));
        queue.now_ms = START_MS + 61000;
        work(queue, runs);
    }
    CHECK(runs.size() == 1);
    CHECK(most_runs(runs) == 1);
}

TEST_CASE("place: a time that is due and waits for a worker overlaps the next", "[place]")
{
    const Plan every("@every 1m");
    slotq_cron cron = entry("waiting");
    cron.no_overlap = true;
    Queue queue(Kind::memory, geometry(8));
    queue.now_ms = START_MS + 1;
    Scheduler one;
    one.add(cron, every.plan);
    for (; queue.now_ms < START_MS + 125000; queue.now_ms += 100) {
        one.step(queue);
    }
    CHECK(one.count(PLACE_PLACED) == 1);
    REQUIRE(one.count(PLACE_MISSED) == 1);
    CHECK(one.told.back().time_ms == START_MS + 120000);
    CHECK(one.told.back().outcome == SLOTQ_DUPLICATE);
    CHECK(queue.stats().later == 1);
}

TEST_CASE("place: a refusal is tried again until the time, then told", "[place]")
{
    const Plan every("@every 5m");
    const slotq_cron cron = entry("refused");
    for (const bool ends : {true, false}) {
        Queue queue(Kind::memory, geometry(8));
        queue.now_ms = START_MS + 1;
        Runs runs;
        Scheduler one;
        one.add(cron, every.plan);
        REQUIRE(slotq_pause(queue, SLOTQ_PAUSE_IN) == SLOTQ_OK);
        int looks = 0;
        while (one.look_ms[0] < START_MS + 310000) {
            queue.now_ms = one.look_ms[0] > queue.now_ms ? one.look_ms[0] : queue.now_ms;
            if (ends && queue.now_ms >= START_MS + 299000 && queue.now_ms < START_MS + 300000) {
                REQUIRE(slotq_resume(queue, SLOTQ_PAUSE_IN) == SLOTQ_OK);
            }
            one.step(queue);
            looks++;
            work(queue, runs);
        }
        CHECK(looks < 60);
        CHECK(one.count(PLACE_PLACED) == (ends ? 1 : 0));
        CHECK(one.count(PLACE_MISSED) == (ends ? 0 : 1));
        if (!ends) {
            CHECK(one.told[0].time_ms == START_MS + 300000);
            CHECK(one.told[0].outcome == SLOTQ_PAUSED);
        }
    }
}

TEST_CASE("place: a time that another worker placed is not told as missed", "[place]")
{
    const Plan every("@every 5m");
    const slotq_cron cron = entry("seen");
    for (const bool is_placed : {true, false}) {
        Queue queue(Kind::memory, geometry(8));
        queue.now_ms = START_MS + 1;
        Runs runs;
        Scheduler sleeper;
        Scheduler other;
        sleeper.add(cron, every.plan);
        other.add(cron, every.plan);
        sleeper.step(queue);
        queue.now_ms = START_MS + 299000;
        if (is_placed) {
            other.step(queue);
        }
        queue.now_ms = START_MS + 301000;
        work(queue, runs);
        sleeper.step(queue);
        CHECK(runs.size() == (is_placed ? 1 : 0));
        CHECK(sleeper.count(PLACE_MISSED) == (is_placed ? 0 : 1));
        if (!is_placed) {
            CHECK(sleeper.told[0].outcome == SLOTQ_EMPTY);
            CHECK(sleeper.told[0].time_ms == START_MS + 300000);
        }
        // The next one as always.
        queue.now_ms = START_MS + 599000;
        sleeper.step(queue);
        CHECK(sleeper.count(PLACE_PLACED) == 1);
    }
}

TEST_CASE("place: times of an entry that must not overlap", "[place]")
{
    const Plan every("@every 1m");
    for (const slotq_cron_missed missed : {SLOTQ_CRON_SKIP, SLOTQ_CRON_ONE}) {
        INFO("missed " << missed);
        slotq_cron cron = entry("slow", missed);
        cron.no_overlap = true;
        Queue queue(Kind::memory, geometry(8));
        queue.now_ms = START_MS + 1;
        Runs others; // so that a message's id is not its later id
        queue.fill(3);
        work(queue, others);
        Scheduler one;
        Scheduler two;
        one.add(cron, every.plan);
        two.add(cron, every.plan);
        const auto go_until = [&](uint64_t until_ms) {
            for (; queue.now_ms < until_ms; queue.now_ms += 100) {
                one.step(queue);
                two.step(queue);
            }
        };
        go_until(START_MS + 60001);
        CHECK(one.count(PLACE_PLACED) == 1);
        CHECK(two.count(PLACE_PLACED) == 0);
        // It runs for 90 s: over the second time, not over the third.
        const Message message = queue.reserve_one(600000);
        go_until(START_MS + 150001);
        CHECK(one.count(PLACE_PLACED) == 1);
        CHECK(one.count(PLACE_MISSED) == 1);
        CHECK(one.told.back().time_ms == START_MS + 120000);
        CHECK(one.told.back().outcome == SLOTQ_DUPLICATE);
        CHECK(two.count(PLACE_MISSED) == 1);
        CHECK(queue.reserve(1).empty());
        REQUIRE(slotq_ack(queue, 0, message.id, message.token) == SLOTQ_OK);
        go_until(START_MS + 180001);
        CHECK(queue.reserve(2).size() == 1);
        CHECK(one.count(PLACE_PLACED) + two.count(PLACE_PLACED) == 2);
        CHECK(one.count(PLACE_MISSED) == 1);
    }
}

TEST_CASE("place: a spec without a time is never looked at", "[place]")
{
    const Plan never("0 0 31 2 *");
    const slotq_cron cron = entry("never");
    Queue queue(Kind::memory, geometry(8));
    place_entry one;
    place_told told;
    place_begin(&one, &cron, never.plan);
    CHECK(place_step(&one, queue, START_MS, &told) == UINT64_MAX);
    CHECK(told.what == PLACE_NOTHING);
}
