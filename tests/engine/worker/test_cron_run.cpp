/* test_cron_run.cpp: workers that run place the entries of cron: each time once, however many of
 * them there are, and whatever stands still. The rules of placing are in test_place.cpp.
 */
#include "catch.hpp"

#include <algorithm>
#include <map>
#include <mutex>

#include <unistd.h>

#include "live.hpp"
#include "process.hpp"

using namespace any_queue;
using namespace working;

namespace
{

Geometry cron_geometry()
{
    Geometry made = real_geometry(101, 128);
    made.raw.flags |= SLOTQ_FLAG_KEYS;
    made.raw.later_slots = 16;
    return made;
}

/* How often each time of an entry ran. */
class Runs
{
public:
    void note(uint64_t due_ms)
    {
        const std::lock_guard<std::mutex> guard(lock_);
        runs_[due_ms]++;
    }
    std::map<uint64_t, int> all()
    {
        const std::lock_guard<std::mutex> guard(lock_);
        return runs_;
    }
    size_t count()
    {
        return all().size();
    }
    bool are_single()
    {
        const std::map<uint64_t, int> runs = all();
        return std::all_of(runs.begin(), runs.end(),
                           [](const auto &one) { return one.second == 1; });
    }
    size_t before(uint64_t ms)
    {
        const std::map<uint64_t, int> runs = all();
        return static_cast<size_t>(std::distance(runs.begin(), runs.lower_bound(ms)));
    }

private:
    std::mutex lock_;
    std::map<uint64_t, int> runs_;
};

void add_entry(Working &work, slotq *queue, const char *name, const char *type,
               slotq_cron_missed missed)
{
    slotq_cron entry = {};
    entry.name = name;
    entry.spec = "@every 1s";
    entry.type = type;
    entry.missed = missed;
    slotq_error error = {};
    const slotq_outcome added = slotq_worker_add_cron(work.worker(), queue, &entry, &error);
    INFO(error.text);
    REQUIRE(added == SLOTQ_OK);
}

void handle(Working &work, const std::string &type, Runs &runs)
{
    work.handle(type, [&runs](slotq_task *task) {
        runs.note(slotq_task_info_of(task)->due_ms);
        return slotq_result_done();
    });
}

} // namespace

TEST_CASE("two workers and one that stands still run each time of cron once", "[worker]")
{
    Live queue(Kind::file, cron_geometry());
    ProcessPlan plan;
    plan.has_cron = true;
    plan.lease_ms = 30000; /* what it runs while it stands still is not another's */
    Process other(queue, plan);
    Runs runs;
    Working work;
    work.options.threads = 1;
    work.options.lease_ms = 30000;
    handle(work, "p:done", runs);
    work.add(queue);
    add_entry(work, queue, "tick", "p:done", SLOTQ_CRON_SKIP);
    work.start();
    REQUIRE(eventually([&] { return queue.stats().acked >= 1; }));
    other.stop();
    const size_t before = runs.count();
    CHECK(eventually([&] { return runs.count() >= before + 2; }));
    other.go_on();
    CHECK(other.end() == 0);
    CHECK(eventually([&] { return runs.count() >= before + 3; }));
    work.stop_and_join();
    for (auto due = other.next("due"); due.size() == 1; due = other.next("due")) {
        runs.note(std::stoull(due[0]));
    }
    CHECK(runs.are_single());
    for (const auto &[due_ms, count] : runs.all()) {
        CHECK(due_ms % 1000 == 0);
    }
    CHECK(queue.stats().acked == runs.count());
}

TEST_CASE("what cron missed while no worker ran", "[worker]")
{
    Live queue(Kind::file, cron_geometry());
    Runs skip;
    Runs one;
    size_t left = 0; /* placed before the end: these run late, and no other that was missed */
    for (int life = 0; life < 2; life++) {
        const uint64_t begun_ms = slotq_now_ms(queue);
        const size_t skips = skip.count();
        const size_t ones = one.count();
        Working work;
        work.options.threads = 1;
        work.options.lease_ms = 30000;
        handle(work, "a:skip", skip);
        handle(work, "a:one", one);
        work.add(queue);
        add_entry(work, queue, "skip", "a:skip", SLOTQ_CRON_SKIP);
        add_entry(work, queue, "one", "a:one", SLOTQ_CRON_ONE);
        work.start();
        CHECK(eventually([&] { return skip.count() > skips && one.count() > ones; }));
        work.stop_and_join();
        CHECK(work.count(SLOTQ_EVENT_CRON) == work.stats().cron_pushed);
        if (life == 0) {
            const slotq_stats stats = queue.stats();
            left = stats.later + stats.unfinished;
            CHECK(left <= 2); /* the next time of each entry */
            usleep(1200000);
        } else {
            CHECK(skip.before(begun_ms) + one.before(begun_ms) == skips + ones + left);
        }
    }
    CHECK(skip.are_single());
    CHECK(one.are_single());
}
