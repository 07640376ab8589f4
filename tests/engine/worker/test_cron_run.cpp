/* test_cron_run.cpp: workers that run place the entries of cron: each time once, however many of
 * them there are, and whatever stands still. The rules of placing are in test_place.cpp.
 */
#include "catch.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <thread>

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
    made.raw.later_slots = 64;
    return made;
}

/* How often each time of each entry ran. */
class Runs
{
public:
    using One = std::pair<uint64_t, std::string>;

    void note(uint64_t due_ms, const std::string &name)
    {
        const std::lock_guard<std::mutex> guard(lock_);
        runs_[{due_ms, name}]++;
    }
    std::map<One, int> all()
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
        const std::map<One, int> runs = all();
        return std::all_of(runs.begin(), runs.end(),
                           [](const auto &one) { return one.second == 1; });
    }
    size_t before(uint64_t ms)
    {
        const std::map<One, int> runs = all();
        return static_cast<size_t>(std::distance(runs.begin(), runs.lower_bound({ms, ""})));
    }

private:
    std::mutex lock_;
    std::map<One, int> runs_;
};

/* Pushes other tasks meanwhile, while there is room, and counts them. */
class Load
{
public:
    explicit Load(const Live &queue) : queue_(queue), thread_([this] { run(); })
    {
    }
    uint64_t end()
    {
        ends_ = true;
        if (thread_.joinable()) {
            thread_.join();
        }
        return pushed_;
    }
    ~Load()
    {
        end();
    }
    Load(const Load &) = delete;
    Load &operator=(const Load &) = delete;

private:
    void run()
    {
        while (!ends_) {
            for (int i = 0; i < 20; i++) {
                pushed_ += slotq_push(queue_, &noop_, 1, nullptr) == SLOTQ_OK ? 1 : 0;
            }
            usleep(1000);
        }
    }
    const slotq_data noop_ = {"noop", 5};
    Live queue_;
    uint64_t pushed_ = 0;
    std::atomic<bool> ends_{false};
    std::thread thread_;
};

void add_entry(Working &work, slotq *queue, const std::string &name, const char *type,
               slotq_cron_missed missed)
{
    slotq_cron entry = {};
    entry.name = name.c_str();
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
        const void *name = nullptr;
        uint32_t bytes = 0;
        slotq_task_header(task, "cron", &name, &bytes);
        runs.note(slotq_task_info_of(task)->due_ms,
                  std::string(static_cast<const char *>(name), bytes));
        return slotq_result_done();
    });
}

} // namespace

TEST_CASE("two workers and one that stands still run each time of cron once, under load",
          "[worker]")
{
    constexpr uint32_t ENTRIES = 20;
    Live queue(Kind::file, cron_geometry());
    ProcessPlan plan;
    plan.cron_entries = ENTRIES;
    plan.prefetch_most = 8;
    plan.lease_ms = 30000; /* what it runs while it stands still is not another's */
    Process other(queue, plan);
    Runs runs;
    Working work;
    work.options.threads = 1;
    work.options.lease_ms = 30000;
    handle(work, "p:done", runs);
    work.handle_done("noop");
    work.add(queue);
    for (uint32_t i = 0; i < ENTRIES; i++) {
        add_entry(work, queue, "tick" + std::to_string(i), "p:done", SLOTQ_CRON_SKIP);
    }
    work.start();
    Load load(queue);
    REQUIRE(eventually([&] { return runs.count() >= 1; }));
    other.stop();
    const size_t before = runs.count();
    CHECK(eventually([&] { return runs.count() >= before + 2 * ENTRIES; }));
    other.go_on();
    CHECK(eventually([&] { return runs.count() >= before + 3 * ENTRIES; }));
    const uint64_t pushed = load.end();
    CHECK(other.end() == 0);
    CHECK(eventually([&] { return queue.stats().unfinished == 0; }));
    work.stop_and_join();
    for (auto due = other.next("due"); due.size() == 2; due = other.next("due")) {
        runs.note(std::stoull(due[0]), due[1]);
    }
    CHECK(runs.are_single());
    for (const auto &[one, count] : runs.all()) {
        CHECK(one.first % 1000 == 0);
    }
    CHECK(queue.stats().acked == runs.count() + pushed);
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
