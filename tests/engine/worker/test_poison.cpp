/* test_poison.cpp: a message that ends each process that runs it dies at its last attempt, and
 * takes no others along: with some attempts it runs with nothing beside it.
 */
#include "catch.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>

#include <unistd.h>

#include "live.hpp"
#include "process.hpp"

using namespace any_queue;
using namespace working;

namespace
{

constexpr uint32_t OTHERS = 200;

/* The most attempts of each message that the processes told. */
struct Seen {
    std::map<uint64_t, unsigned> attempts;
    void add(Process &process)
    {
        for (auto words = process.next("began"); words.size() == 3; words = process.next("began")) {
            unsigned &most = attempts[std::stoull(words[0])];
            most = std::max(most, static_cast<unsigned>(std::stoul(words[1])));
        }
    }
};

/* Starts processes, and starts them again as they crash: each alone, or all together. */
class Supervisor
{
public:
    Supervisor(Live &queue, const ProcessPlan &plan, size_t count, bool together)
        : queue_(queue), plan_(plan), running_(count), together_(together)
    {
    }
    /* True: there is nothing more to do. */
    bool look()
    {
        bool crashed = false;
        for (auto &process : running_) {
            if (process != nullptr && process->has_ended()) {
                crashed = true;
                crashes_++;
                seen_.add(*process);
                process = nullptr;
            }
        }
        if (crashed && together_) {
            end();
        }
        for (auto &process : running_) {
            if (process == nullptr) {
                process = std::make_unique<Process>(queue_, plan_);
            }
        }
        return queue_.stats().unfinished == 0;
    }
    void end()
    {
        for (auto &process : running_) {
            if (process != nullptr) {
                process->end();
                seen_.add(*process);
                process = nullptr;
            }
        }
    }
    int crashes() const
    {
        return crashes_;
    }
    std::map<uint64_t, unsigned> &attempts()
    {
        return seen_.attempts;
    }

private:
    Live &queue_;
    ProcessPlan plan_;
    std::vector<std::unique_ptr<Process>> running_;
    bool together_;
    Seen seen_;
    int crashes_ = 0;
};

} // namespace

TEST_CASE("a message that ends processes dies, and no other with it", "[worker]")
{
    const auto [processes, together] =
        GENERATE(table<size_t, bool>({{1, true}, {2, true}, {2, false}}));
    INFO(processes << (together ? " together" : " apart"));
    Geometry geometry = real_geometry(401);
    geometry.attempts(6);
    Live queue(Kind::file, geometry);
    ProcessPlan plan;
    plan.threads = 4;
    plan.lease_ms = 600;
    plan.prefetch_most = 64;
    const uint64_t poison = push_task(queue, "p:beside");
    for (uint32_t i = 0; i < OTHERS; i++) {
        push_task(queue, "p:short");
    }
    Supervisor supervisor{queue, plan, processes, together};
    REQUIRE(eventually([&] { return supervisor.look(); }, 60));
    supervisor.end();
    std::map<uint64_t, unsigned> most;
    /* If each restarts alone, what ran beside the poison comes back with it, and a few may die. */
    const uint64_t died = queue.stats().died;
    CHECK(died >= 1);
    CHECK(died <= (together ? 1 : plan.threads));
    CHECK(queue.stats().acked == OTHERS + 1 - died);
    CHECK(queue.status(poison).is_dead);
    CHECK(supervisor.attempts()[poison] == 6);
    for (const auto &[id, attempts] : supervisor.attempts()) {
        INFO(id);
        /* One that has run for longer than its first leases does not keep others away from the
         * poison; if each restarts alone, there is nearly always such a one. */
        CHECK((id == poison || !together || attempts <= 4));
    }
}

/* What the rule is for. */
TEST_CASE("without alone_attempts such a message takes those beside it along", "[worker]")
{
    Geometry geometry = real_geometry();
    geometry.attempts(6);
    Live queue(Kind::file, geometry);
    ProcessPlan plan;
    plan.threads = 4;
    plan.alone_attempts = 255;
    plan.prefetch_most = 64;
    push_task(queue, "p:crowd");
    for (int i = 0; i < 3; i++) {
        push_task(queue, "p:neighbour");
    }
    Supervisor supervisor(queue, plan, 1, true);
    REQUIRE(eventually([&] { return supervisor.look(); }, 60));
    supervisor.end();
    CHECK(supervisor.crashes() == 6);
    CHECK(queue.stats().died == 4);
}

TEST_CASE("in the first leases messages of many attempts run with nothing beside them", "[worker]")
{
    const Kind kind = each_shared_kind();
    INFO(kind);
    Live queue(kind);
    std::atomic<int> running{0};
    std::atomic<int> beside{0};
    std::atomic<int> ran{0};
    constexpr uint32_t SUSPECTS = 5;
    for (uint32_t i = 0; i < SUSPECTS; i++) {
        push_task(queue, "a:suspect");
    }
    for (int attempt = 0; attempt < 2; attempt++) {
        std::vector<Message> taken;
        for (uint32_t i = 0; i < SUSPECTS; i++) {
            taken.push_back(queue.take());
        }
        for (const Message &one : taken) {
            REQUIRE(slotq_nack(queue, 0, one.id, one.token, 0, 9) == SLOTQ_OK);
        }
    }
    for (int i = 0; i < 40; i++) {
        push_task(queue, "a:other");
    }
    Working work;
    work.options.threads = 4;
    work.options.lease_ms = 60000; /* 90 s in which they run alone */
    work.handle("a:suspect", [&](slotq_task *task) {
        beside += ++running > 1 ? 1 : 0;
        CHECK(slotq_task_info_of(task)->attempts == 3);
        usleep(10000);
        beside += running > 1 ? 1 : 0;
        running--;
        ran++;
        return slotq_result_done();
    });
    work.handle("a:other", [&](slotq_task *) {
        running++;
        usleep(1000);
        running--;
        ran++;
        return slotq_result_done();
    });
    work.add(queue);
    work.start();
    CHECK(eventually([&] { return work.stats().done == 40 + SUSPECTS; }));
    work.stop_and_join();
    CHECK(beside == 0);
    CHECK(ran == 40 + SUSPECTS);
    CHECK(queue.stats().acked == 40 + SUSPECTS);
}

TEST_CASE("a suspect that hangs, or ends its thread, lets the others run", "[worker]")
{
    const bool hangs = GENERATE(false, true);
    INFO(hangs);
    Live queue(Kind::memory);
    std::atomic<int> ran{0};
    for (int attempt = 0; attempt < 3; attempt++) {
        if (attempt == 0) {
            push_task(queue, "a:suspect");
        }
        const Message taken = queue.take();
        REQUIRE(slotq_nack(queue, 0, taken.id, taken.token, 0, 9) == SLOTQ_OK);
    }
    Working work;
    work.options.threads = 2;
    work.options.lease_ms = hangs ? 3000 : 60000;
    slotq_handler how = {};
    how.limit_ms = hangs ? 20 : 0;
    how.attempts_most = 4;
    work.handle(
        "a:suspect",
        [&](slotq_task *) {
            if (!hangs) {
                pthread_exit(nullptr);
            }
            while (ran == 0) {
                usleep(1000);
            }
            return slotq_result_done();
        },
        how);
    work.handle("a:other", [&](slotq_task *) {
        ran++;
        return slotq_result_done();
    });
    work.add(queue);
    work.start();
    CHECK(eventually([&] { return work.stats().limits + work.stats().threads_ended == 1; }));
    push_task(queue, "a:other");
    CHECK(eventually([&] { return ran == 1; }));
    CHECK(eventually([&] { return work.stats().died == 1 && work.stats().stuck == 0; }));
    work.stop_and_join();
}
