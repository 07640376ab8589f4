/* test_cron_turn.cpp: cron entries of a worker: what is refused, what is too late, and loop mode.
 * (Entries that run: test_cron_run.cpp. Which time is placed when: test_place.cpp.)
 */
#include "catch.hpp"

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>

#include "looping.hpp"

using namespace any_queue;
using namespace working;

namespace
{

/* So long that no run is repeated, however busy the machine is. */
constexpr uint64_t LEASE_MS = 600000;

Geometry geometry(uint16_t later_slots = 16)
{
    Geometry made = real_geometry();
    made.raw.flags |= SLOTQ_FLAG_KEYS;
    made.raw.later_slots = later_slots;
    return made;
}

slotq_cron every_second(const char *name = "tick")
{
    slotq_cron made = {};
    made.name = name;
    made.spec = "@every 1s";
    made.type = "cron:tick";
    return made;
}

std::string refused(Working &work, slotq *queue, const slotq_cron &entry, slotq_outcome outcome)
{
    slotq_error error = {};
    CHECK(slotq_worker_add_cron(work.worker(), queue, &entry, nullptr) == outcome);
    CHECK(slotq_worker_add_cron(work.worker(), queue, &entry, &error) == outcome);
    CHECK(error.outcome == outcome);
    return error.text;
}

bool has(const std::string &text, const std::string &part)
{
    return text.find(part) != std::string::npos;
}

/* The runs of each time. */
struct Runs {
    std::mutex lock;
    std::map<uint64_t, int> of;
    slotq_result note(slotq_task *task)
    {
        const std::lock_guard<std::mutex> held(lock);
        of[slotq_task_info_of(task)->due_ms]++;
        return slotq_result_done();
    }
    size_t times()
    {
        const std::lock_guard<std::mutex> held(lock);
        return of.size();
    }
};

/* The machine's clock, and as much more as it leaps. */
uint64_t leaping_clock(void *context)
{
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
    return static_cast<uint64_t>(ms + *static_cast<std::atomic<int64_t> *>(context));
}

} // namespace

TEST_CASE("cron: entries that are refused", "[worker]")
{
    Live queue(Kind::memory, geometry(4));
    Working work;
    CHECK(has(refused(work, queue, every_second(), SLOTQ_INVALID), "was not given"));
    work.add(queue, "jobs");
    slotq_error error;
    CHECK(slotq_worker_add_cron(nullptr, queue, nullptr, &error) == SLOTQ_INVALID);
    CHECK(slotq_worker_add_cron(work.worker(), queue, nullptr, &error) == SLOTQ_INVALID);

    slotq_cron entry = every_second();
    entry.name = nullptr;
    CHECK(has(refused(work, queue, entry, SLOTQ_INVALID), "name of a cron entry"));
    entry.name = "a b";
    CHECK(has(refused(work, queue, entry, SLOTQ_INVALID), "name of a cron entry"));
    const std::string long_name(65, 'n');
    entry.name = long_name.c_str();
    CHECK(has(refused(work, queue, entry, SLOTQ_INVALID), "1 to 64"));
    entry = every_second();
    entry.spec = nullptr;
    CHECK(has(refused(work, queue, entry, SLOTQ_INVALID), "spec is NULL"));
    entry.spec = "60 * * * *";
    CHECK(refused(work, queue, entry, SLOTQ_INVALID) == "tick: minute 60 is out of range: 0 to 59");
    entry.spec = "0 0 31 2 *";
    CHECK(has(refused(work, queue, entry, SLOTQ_INVALID), "no time in the next 8 years"));
    entry = every_second();
    entry.zone = "../etc/passwd";
    CHECK(has(refused(work, queue, entry, SLOTQ_INVALID), "Europe/Berlin"));
    CHECK(refused(work, queue, entry, SLOTQ_INVALID).substr(0, 6) == "tick: ");
    entry = every_second();
    entry.type = "a";
    CHECK(has(refused(work, queue, entry, SLOTQ_INVALID), "type is NULL, or not a type"));
    entry.type = NULL;
    CHECK(has(refused(work, queue, entry, SLOTQ_INVALID), "type is NULL, or not a type"));
    entry = every_second();
    entry.body_bytes = 1;
    CHECK(has(refused(work, queue, entry, SLOTQ_INVALID), "body is NULL, or too large"));
    entry = every_second();
    entry.reserved[1] = 1;
    CHECK(has(refused(work, queue, entry, SLOTQ_INVALID), "reserved"));
    entry = every_second();
    entry.missed = static_cast<slotq_cron_missed>(2);
    CHECK(has(refused(work, queue, entry, SLOTQ_INVALID), "missed"));

    /* A later section of four has room for two. */
    entry = every_second();
    CHECK(slotq_worker_add_cron(work.worker(), queue, &entry, &error) == SLOTQ_OK);
    CHECK(has(refused(work, queue, entry, SLOTQ_EXISTS), "tick already"));
    const slotq_cron second = every_second("second");
    CHECK(slotq_worker_add_cron(work.worker(), queue, &second, &error) == SLOTQ_OK);
    CHECK(has(refused(work, queue, every_second("third"), SLOTQ_UNSUPPORTED), "3 entries need 6"));
    work.start();
    CHECK(has(refused(work, queue, every_second("late"), SLOTQ_INVALID), "has started"));
}

TEST_CASE("cron: a queue without keys is refused", "[worker]")
{
    Live queue(Kind::memory);
    Working work;
    work.add(queue, "jobs");
    CHECK(has(refused(work, queue, every_second(), SLOTQ_UNSUPPORTED), "jobs has no keys"));
}

TEST_CASE("cron: a task that no message of the queue can hold is refused", "[worker]")
{
    Live queue(Kind::memory, geometry()); /* 64 bytes */
    Working work;
    work.add(queue, "jobs");
    /* 01 cron:tick 00 due= and 13 digits 00 cron=tick 00 00: 40 bytes besides the body. */
    const std::string body(25, 'b');
    slotq_cron entry = every_second();
    entry.body = body.data();
    entry.body_bytes = 25;
    const std::string text = refused(work, queue, entry, SLOTQ_TOOBIG);
    CHECK(has(text, "tick"));
    CHECK(has(text, "65 bytes"));
    CHECK(has(text, "64"));
    entry.body_bytes = 24;
    CHECK(slotq_worker_add_cron(work.worker(), queue, &entry, nullptr) == SLOTQ_OK);
}

TEST_CASE("cron: in loop mode", "[worker]")
{
    for (const Kind kind : {Kind::memory, Kind::redis}) {
        CAPTURE(kind);
        Live queue(kind, geometry());
        Runs runs;
        Looping loop;
        loop.options.lease_ms = LEASE_MS;
        const slotq_cron entry = every_second();
        loop.handle("cron:tick", [&](slotq_task *task) { return runs.note(task); });
        loop.add(queue);
        REQUIRE(slotq_worker_add_cron(loop.worker(), queue, &entry, nullptr) == SLOTQ_OK);
        loop.start();
        CHECK(loop.drive([&] { return runs.times() >= 2; }));
        for (const auto &run : runs.of) {
            CHECK(run.second == 1);
        }
    }
}

/* The queue's clock may leap, and nothing tells of it. */
TEST_CASE("cron: a loop that nothing else wakes looks at its entries every 30 s", "[worker]")
{
    Live queue(Kind::memory, geometry());
    Looping loop;
    loop.options.lease_ms = LEASE_MS;
    slotq_cron entry = every_second("yearly");
    entry.spec = "@yearly";
    loop.handle("a:rest", [](slotq_task *task) {
        slotq_task_rest_queue(task, 3600000);
        return slotq_result_done();
    });
    loop.add(queue);
    REQUIRE(slotq_worker_add_cron(loop.worker(), queue, &entry, nullptr) == SLOTQ_OK);
    push_task(queue, "a:rest");
    loop.start();
    CHECK(loop.drive([&] { return loop.stats().done == 1; }));
    loop.settle_down();
    CHECK(slotq_worker_due_ms(loop.worker()) <= 30000);
}

/* An occurrence that has waited in the queue since 2020, as an entry with this name pushed it. */
TEST_CASE("cron: a run that starts too late is acked without being run", "[worker]")
{
    for (const bool many : {false, true}) {
        CAPTURE(many);
        Live queue(Kind::memory, geometry());
        std::atomic<int> runs{0};
        Working work;
        if (many) {
            work.handle_many("cron:tick", [&](slotq_task **, uint32_t count, slotq_result *) {
                runs += static_cast<int>(count);
            });
        } else {
            work.handle("cron:tick", [&](slotq_task *) {
                runs++;
                return slotq_result_done();
            });
        }
        slotq_cron entry = every_second("yearly");
        entry.spec = "@yearly";
        entry.late_most_ms = 60000;
        const std::string due = "1577836800000";
        const slotq_header headers[] = {{"due", due.data(), static_cast<uint32_t>(due.size())},
                                        {"cron", "yearly", 6}};
        slotq_task_spec task = {};
        task.type = "cron:tick";
        task.headers = headers;
        task.header_count = 2;
        REQUIRE(slotq_task_push(queue, &task, nullptr) == SLOTQ_OK);
        work.add(queue);
        REQUIRE(slotq_worker_add_cron(work.worker(), queue, &entry, nullptr) == SLOTQ_OK);
        work.start();
        CHECK(eventually([&] { return queue.stats().acked == 1; }));
        work.stop_and_join();
        CHECK(runs == 0);
        CHECK(work.stats().cron_missed == 1);
        CHECK(work.count(SLOTQ_EVENT_CRON_MISSED) == 1);
    }
}

TEST_CASE("cron: an entry goes on after a clock that was two hours ahead", "[worker]")
{
    constexpr int64_t AHEAD_MS = 7200000;
    std::atomic<int64_t> ahead_ms{AHEAD_MS};
    slotq_options options = {};
    options.clock_ms = leaping_clock;
    options.clock_context = &ahead_ms;
    Live queue(Kind::memory, geometry(), &options);
    std::atomic<uint64_t> last_ms{0};
    Working work;
    const slotq_cron entry = every_second();
    work.options.lease_ms = LEASE_MS;
    work.handle("cron:tick", [&](slotq_task *task) {
        last_ms = slotq_task_info_of(task)->due_ms;
        return slotq_result_done();
    });
    work.add(queue);
    REQUIRE(slotq_worker_add_cron(work.worker(), queue, &entry, nullptr) == SLOTQ_OK);
    work.start();
    CHECK(eventually([&] { return last_ms != 0; }));
    const uint64_t wrong_ms = last_ms;
    ahead_ms = 0;
    CHECK(eventually([&] { return last_ms < wrong_ms - AHEAD_MS / 2; }, 30));
}

/* Else the keeper sleeps for as long as it may, 30 s: nothing else wakes it. */
TEST_CASE("cron: a clock that is set back while an entry is placed is seen at once", "[worker]")
{
    std::atomic<int64_t> ahead_ms{7200000};
    slotq_options options = {};
    options.clock_ms = leaping_clock;
    options.clock_context = &ahead_ms;
    Live queue(Kind::memory, geometry(), &options);
    Working work;
    const slotq_cron entry = every_second();
    work.options.lease_ms = LEASE_MS;
    work.on_told = [&](slotq_event_kind kind) {
        ahead_ms = kind == SLOTQ_EVENT_CRON ? 0 : ahead_ms.load();
    };
    work.handle_done("cron:tick");
    work.add(queue);
    REQUIRE(slotq_worker_add_cron(work.worker(), queue, &entry, nullptr) == SLOTQ_OK);
    work.start();
    CHECK(eventually([&] { return work.count(SLOTQ_EVENT_CRON) >= 2; }, 20));
}
