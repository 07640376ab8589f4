/* test_storm.cpp: many short lives of workers, that are stopped, halted and stopped at once while
 * all kinds of handlers run: every message is settled, and each that is done was acked once.
 * SLOTQ_PROVE: a hundred rounds.
 */
#include "catch.hpp"

#include <atomic>
#include <cstdlib>
#include <random>
#include <thread>

#include <pthread.h>

#include "counted.hpp"
#include "live.hpp"

using namespace any_queue;
using namespace working;

namespace
{

constexpr int TASKS = 1000;

/* Another thread that finishes LATER tasks. */
class Finisher
{
public:
    Finisher() : thread_([this] { run(); })
    {
    }
    ~Finisher()
    {
        ends_ = true;
        thread_.join();
    }
    Finisher(const Finisher &) = delete;
    Finisher &operator=(const Finisher &) = delete;

    void give(slotq_task *task)
    {
        const std::lock_guard<std::mutex> guard(lock_);
        tasks_.push_back(task);
    }

private:
    void run()
    {
        while (!ends_) {
            std::vector<slotq_task *> taken;
            {
                const std::lock_guard<std::mutex> guard(lock_);
                taken.swap(tasks_);
            }
            for (slotq_task *task : taken) {
                slotq_task_finish(task, slotq_result_done());
            }
            std::this_thread::sleep_for(std::chrono::microseconds(200));
        }
    }
    std::mutex lock_;
    std::vector<slotq_task *> tasks_;
    std::atomic<bool> ends_{false};
    std::thread thread_;
};

/* What all lives of a round count together. */
struct Round {
    Finisher finisher;
    std::atomic<uint32_t> chance{1};
    uint64_t done = 0;
    uint64_t died = 0;
    uint64_t not_known = 0;

    slotq_result answer(slotq_task *task)
    {
        switch ((chance++ * 2654435761u >> 16) % 64) {
        case 0:
            return slotq_result_retry_after(1, 1);
        case 1:
            return slotq_result_dead(2);
        case 2:
            std::this_thread::sleep_for(std::chrono::microseconds(1500));
            return slotq_result_done();
        case 3:
        case 4:
        case 5:
            finisher.give(task);
            return slotq_result_later();
        case 6:
            slotq_task_confirm(task);
            return slotq_result_done();
        case 7:
            return slotq_result_snooze(1);
        default:
            return slotq_result_done();
        }
    }
};

void set_up(Working &work, Round &round, slotq *queue)
{
    work.options.threads = 4;
    work.options.lease_ms = 60000; /* no lease ends in time */
    work.options.give_back_ms = 1;
    work.options.pending_most = 20;
    work.handle("a:b", [&round](slotq_task *task) { return round.answer(task); });
    slotq_handler at_once = {};
    at_once.backoff_least_ms = at_once.backoff_most_ms = 1;
    work.handle(
        "a:exit",
        [](slotq_task *task) {
            if (slotq_task_info_of(task)->attempts == 1) {
                pthread_exit(nullptr);
            }
            return slotq_result_done();
        },
        at_once);
    slotq_handler many = {};
    many.many_most = 7;
    many.many_wait_ms = 1;
    work.handle_many(
        "a:many",
        [](slotq_task **, uint32_t count, slotq_result *results) {
            for (uint32_t i = 0; i < count; i++) {
                results[i] = slotq_result_done();
            }
        },
        many);
    slotq_worker_queue how = {};
    how.prefetch_ms = 600000;
    work.add(queue, "q", how);
}

/* Until all LATER tasks are finished. */
void join_all(Working &work)
{
    CHECK(eventually(
        [&] { return slotq_worker_join(work.worker(), UINT64_MAX, nullptr) == SLOTQ_OK; }));
}

/* One life, of which some part is worked. */
void live(Round &round, Live &queue, std::mt19937 &random)
{
    Working work;
    set_up(work, round, queue);
    work.start();
    for (uint32_t i = random() % 4; i > 0; i--) {
        const uint64_t wanted = work.stats().done + random() % 100;
        for (int wait = 0; wait < 20 && work.stats().done < wanted; wait++) {
            std::this_thread::sleep_for(std::chrono::microseconds(100));
        }
        if (random() % 2 == 0) {
            slotq_worker_quiet(work.worker());
            slotq_worker_resume(work.worker());
        } else {
            CHECK(slotq_pause(queue, SLOTQ_PAUSE_OUT) == SLOTQ_OK);
            CHECK(slotq_resume(queue, SLOTQ_PAUSE_OUT) == SLOTQ_OK);
        }
    }
    if (random() % 2 == 0) {
        slotq_worker_stop_now(work.worker());
    } else {
        slotq_worker_stop(work.worker());
    }
    join_all(work);
    const slotq_worker_stats stats = work.stats();
    round.done += stats.done;
    round.died += stats.died;
    round.not_known += stats.unknown;
    const slotq_stats now = queue.stats();
    INFO("acked " << now.acked << " of done " << round.done << ", this life " << stats.done
                  << ", lost " << stats.lost << ", given back " << stats.given_back << ", released "
                  << stats.released << ", retried " << stats.retried << ", snoozed "
                  << stats.snoozed << ", ended " << stats.threads_ended);
    CHECK(round.done == now.acked);
    CHECK(round.died == now.died);
    CHECK(stats.lost == 0);
    CHECK(round.done == queue.stats().acked);
    CHECK(round.died == queue.stats().died);
    CHECK(stats.lost == 0);
    CHECK(stats.pending == 0);
    CHECK(stats.running == 0);
    CHECK(queue.stats().leased == 0); /* all was settled, or given back */
}

void finish_round(Round &round, Live &queue)
{
    Working work;
    set_up(work, round, queue);
    slotq_worker_drain(work.worker());
    work.start();
    REQUIRE(slotq_worker_join(work.worker(), 60000, nullptr) == SLOTQ_OK);
    round.done += work.stats().done;
    round.died += work.stats().died;
    round.not_known += work.stats().unknown;
}

} // namespace

TEST_CASE("storm: done and dead together are what was pushed", "[worker][storm][deep]")
{
    const Kind kind = each_shared_kind();
    INFO(kind);
    std::mt19937 random(7);
    const int rounds = std::getenv("SLOTQ_PROVE") != nullptr ? 34 : 6;
    for (int i = 0; i < rounds; i++) {
        Live queue(kind, real_geometry(TASKS + 1));
        Round round;
        round.chance = random();
        for (int task = 0; task < TASKS; task++) {
            const uint32_t type = random() % 100;
            push_task(queue, type == 0 ? "a:exit" : type < 15 ? "a:many" : "a:b");
        }
        for (int lives = 0; lives < 5; lives++) {
            live(round, queue, random);
        }
        finish_round(round, queue);
        const slotq_stats stats = queue.stats();
        CHECK(stats.unfinished == 0);
        CHECK(stats.acked + stats.died == TASKS);
        CHECK(round.done == stats.acked);
        CHECK(round.died == stats.died);
        CHECK(round.not_known == 0);
    }
    support::counted(static_cast<uint64_t>(rounds) * TASKS, "messages");
}
