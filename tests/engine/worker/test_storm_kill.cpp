/* test_storm_kill.cpp: processes of workers that are killed, stopped, halted and ended while tasks
 * run: each task is run, and acked once. SLOTQ_PROVE: a hundred rounds.
 */
#include "catch.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>

#include <signal.h>
#include <unistd.h>

#include "counted.hpp"
#include "process.hpp"

using namespace any_queue;
using namespace working;

namespace
{

constexpr uint32_t TASKS = 2000;

/* Until so many more are acked, or nothing is left. */
void let_work(Live &queue, uint64_t tasks)
{
    const uint64_t wanted = std::min<uint64_t>(queue.stats().acked + tasks, TASKS);
    CHECK(eventually([&] { return queue.stats().acked >= wanted; }, 60));
}

/* What happens to a process in the middle of its work. False: it has ended. */
bool disturb(Process &process, Live &queue, std::mt19937 &random)
{
    switch (random() % 5) {
    case 0:
        process.stop(); /* up to two leases */
        usleep(random() % 200000);
        process.go_on();
        return true;
    case 1:
        CHECK(slotq_pause(queue, SLOTQ_PAUSE_OUT) == SLOTQ_OK);
        CHECK(slotq_resume(queue, SLOTQ_PAUSE_OUT) == SLOTQ_OK);
        return true;
    case 2:
        CHECK(process.end() == 0);
        return false;
    default:
        process.signal(SIGKILL);
        CHECK(WIFSIGNALED(process.wait()));
        return false;
    }
}

void round(Kind kind, std::mt19937 &random)
{
    Live queue(kind, real_geometry(TASKS + 1));
    for (uint32_t i = 0; i < TASKS; i++) {
        push_task(queue, "brief", std::to_string(i));
    }
    const Folder folder;
    ProcessPlan plan;
    plan.marks_path = std::string(folder.path()) + "/marks";
    REQUIRE(std::ofstream(plan.marks_path).good());
    plan.threads = 4;
    plan.lease_ms = 100;
    plan.prefetch_most = 64;
    uint32_t left = 8; /* so that no task has as many attempts as it may */
    while (queue.stats().unfinished != 0) {
        Process process(queue, plan);
        bool lives = true;
        while (lives && left > 0) {
            left--;
            let_work(queue, random() % 300);
            lives = disturb(process, queue, random);
        }
        if (lives) {
            let_work(queue, TASKS);
            CHECK(process.end() == 0);
        }
    }
    const slotq_stats stats = queue.stats();
    CHECK(stats.acked == TASKS);
    CHECK(stats.died == 0);
    std::ifstream in(plan.marks_path);
    const std::string marks((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    CHECK(std::count(marks.begin(), marks.end(), 'x') == TASKS); /* each has run */
}

} // namespace

TEST_CASE("storm: killed processes lose no task", "[worker][storm][deep]")
{
    const int rounds = std::getenv("SLOTQ_PROVE") != nullptr ? 50 : 3;
    for (const Kind kind : {Kind::file, Kind::redis}) {
        std::mt19937 random(11);
        for (int i = 0; i < rounds; i++) {
            CAPTURE(kind, i);
            round(kind, random);
        }
        support::counted(static_cast<uint64_t>(rounds) * TASKS, "messages");
    }
}
