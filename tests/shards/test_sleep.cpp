/* test_sleep.cpp: consumers and producers of a sharded queue in files and in memory that sleep on
 * all shards at once: each push wakes one of them, whatever shard it is to, and none is lost.
 */
#include <atomic>
#include <fstream>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#endif

#include "sharded.hpp"
#include "skip.hpp"

extern "C" {
#define export export_
#include "backend/shards/inside.h"
#undef export
}

using namespace sharded_store;

#ifdef SYS_futex_waitv

namespace
{

enum { BOUND_MS = 30000, NEVER_MS = 3600000, TURNS = 40 };

thread_local uint64_t calls; /* of this thread, in single shards: each asks for the time */

uint64_t count_calls(void *context)
{
    calls++;
    return read_clock(context);
}

/* In the system call that sleeps on several words. */
bool is_thread_asleep(pid_t id)
{
    std::ifstream file("/proc/self/task/" + std::to_string(id) + "/syscall");
    std::string number;
    return (file >> number) && number == std::to_string(SYS_futex_waitv);
}

/* A thread with a handle. It takes one message each time that it is told to. */
struct Sleeper {
    Handle handle;
    std::atomic<pid_t> id{0};
    std::atomic<uint32_t> wanted{0}, taken{0};
    std::atomic<uint64_t> looks{0};
    std::atomic<bool> failed{false}, ends{false};
    std::thread thread;

    void run(int policy)
    {
        const sched_param none = {};
        const any_queue::Batch batch = any_queue::batch();
        (void)sched_setscheduler(0, policy, &none);
        id = static_cast<pid_t>(syscall(SYS_gettid));
        while (!ends) {
            if (taken == wanted) {
                sched_yield();
                continue;
            }
            const slotq_outcome outcome =
                slotq_reserve(handle.get(), 0, 1, 30000, BOUND_MS, batch.get());
            looks = calls;
            failed = failed || outcome != SLOTQ_OK;
            taken++;
        }
    }

    bool is_asleep() const
    {
        return is_thread_asleep(id);
    }

    void begin(slotq *of, int policy = SCHED_OTHER)
    {
        slotq *other = nullptr;
        slotq_error error = {};
        REQUIRE(slotq_clone(of, &other, &error) == SLOTQ_OK);
        handle.reset(other);
        thread = std::thread([this, policy] { run(policy); });
    }
    ~Sleeper()
    {
        ends = true;
        slotq_interrupt(handle.get());
        thread.join();
    }
};

/* Waits until it holds. false: it does not, for longer than any machine takes. */
template <typename Holds>
bool comes(Holds holds)
{
    for (uint32_t i = 0; i < 2 * BOUND_MS; i++) {
        if (holds()) {
            return true;
        }
        usleep(500);
    }
    return false;
}

bool can_see_sleepers()
{
    std::ifstream file("/proc/self/syscall");
    std::string word;
    return static_cast<bool>(file >> word) &&
           (syscall(SYS_futex_waitv, nullptr, 0, 0, nullptr, 0) != 0 && errno != ENOSYS);
}

store *shard_of_handle(slotq *queue, uint32_t shard)
{
    return shards_store_of(queue->store)->shards[shard];
}

/* Into one shard, whatever the handle would choose. */
void push_into(slotq *queue, uint32_t shard)
{
    const slotq_data data = {"x", 1};
    slotq_call call;
    store_fault fault;
    store *at = shard_of_handle(queue, shard);
    at->owner = queue->store->owner;
    at->handle = queue->store->handle;
    slotq_core_begin(&call, SLOTQ_PUSH, STORE_TIME);
    call.push = {};
    call.push.messages = &data;
    call.push.count = 1;
    REQUIRE(at->ops->call(at, &call, nullptr, &fault) == SLOTQ_OK);
}

void skip_unless_seen()
{
    if (!can_see_sleepers()) {
        support::skip("this system shows no sleepers, or cannot sleep on several words");
    }
}

} // namespace

TEST_CASE("sharded sleep: a push to any shard wakes one sleeper, and no other", "[sharded]")
{
    skip_unless_seen();
    for (const bool in_files : {false, true}) {
        auto made = sharded(in_files, 5);
        slotq *queue = made->open(NEVER_MS, count_calls);
        Sleeper sleepers[4];
        for (Sleeper &sleeper : sleepers) {
            sleeper.begin(queue);
            sleeper.wanted = 1;
        }
        REQUIRE(comes([&] {
            return std::all_of(std::begin(sleepers), std::end(sleepers),
                               [](const Sleeper &one) { return one.is_asleep(); });
        }));
        for (uint32_t woken = 1; woken <= 4; woken++) {
            push_into(queue, woken); /* the first four pushes are to shards 1 to 4 */
            REQUIRE(comes([&] {
                uint32_t sum = 0;
                for (const Sleeper &sleeper : sleepers) {
                    sum += sleeper.taken;
                }
                return sum == woken;
            }));
            for (const Sleeper &sleeper : sleepers) {
                CHECK((sleeper.taken == 1 || sleeper.is_asleep()));
            }
        }
        for (const Sleeper &sleeper : sleepers) {
            CHECK(!sleeper.failed);
            /* two rounds to fall asleep; the one that found, and a look at shards that had news */
            CHECK(sleeper.looks <= 10 + 5 + 5);
        }
    }
}

TEST_CASE("sharded sleep: one that two pushes wake at a time hands the second over", "[sharded]")
{
    skip_unless_seen();
    cpu_set_t all, one;
    REQUIRE(sched_getaffinity(0, sizeof all, &all) == 0);
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    for (const bool in_files : {false, true}) {
        auto made = std::make_unique<Sharded>(in_files);
        for (uint32_t i = 0; i < 3; i++) {
            slotq_geometry geometry = geometry_of(i);
            geometry.ring_slots = 2 * TURNS;
            made->add(geometry);
        }
        slotq *queue = made->open(NEVER_MS);
        Sleeper sleepers[2];
        /* on one processor, where a woken thread of this policy does not interrupt the one that
         * wakes: both pushes come before the first sleeper runs */
        REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
        sleepers[0].begin(queue, SCHED_BATCH);
        sleepers[1].begin(queue, SCHED_BATCH);
        for (uint32_t turn = 1; turn <= TURNS; turn++) {
            for (Sleeper &sleeper : sleepers) {
                sleeper.wanted = turn;
                REQUIRE(comes([&] { return sleeper.is_asleep(); }));
            }
            push_into(queue, turn % 3);
            push_into(queue, (turn + 1) % 3);
            const bool both =
                comes([&] { return sleepers[0].taken == turn && sleepers[1].taken == turn; });
            CHECK(both);
            CHECK(!sleepers[0].failed);
            CHECK(!sleepers[1].failed);
            if (!both || sleepers[0].failed || sleepers[1].failed) {
                break;
            }
        }
        REQUIRE(sched_setaffinity(0, sizeof all, &all) == 0);
    }
}

namespace
{

/* One consumer, and a push to each shard in turn. */
bool hears_all(uint32_t shards)
{
    auto made = sharded(false, shards);
    slotq *queue = made->open(NEVER_MS);
    Sleeper sleeper;
    sleeper.begin(queue);
    for (uint32_t turn = 1; turn <= 5; turn++) {
        sleeper.wanted = turn;
        usleep(2000); /* asleep, in most cases: it must hear the push in all */
        push_into(queue, turn * 31 % shards);
        if (!comes([&] { return sleeper.taken == turn; }) || sleeper.failed) {
            return false;
        }
    }
    return true;
}

/* From now on this process has no system call that sleeps on several words. */
bool make_older()
{
    sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex_waitv, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program = {sizeof steps / sizeof *steps, steps};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

} // namespace

TEST_CASE("sharded sleep: more shards than can be slept on at once", "[sharded]")
{
    CHECK(hears_all(150));
}

TEST_CASE("sharded sleep: a system that cannot sleep on several words", "[sharded]")
{
    enum { HEARS = 0, IS_DEAF = 1, CANNOT = 2 };
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        _exit(!make_older() ? CANNOT : hears_all(3) ? HEARS : IS_DEAF);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == CANNOT) {
        support::skip("this process may not filter system calls");
    }
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == HEARS);
}

TEST_CASE("sharded sleep: a producer that waits for room is woken by any shard", "[sharded]")
{
    skip_unless_seen();
    for (const bool in_files : {false, true}) {
        auto made = sharded(in_files, 3);
        slotq *queue = made->open(NEVER_MS);
        fill(queue, 3);
        slotq *other = nullptr;
        slotq_error error = {};
        REQUIRE(slotq_clone(queue, &other, &error) == SLOTQ_OK);
        const Handle clone(other);
        std::atomic<pid_t> id{0};
        std::atomic<uint32_t> pushed{0};
        std::atomic<bool> failed{false};
        std::thread producer([&] {
            const slotq_data data = {"y", 1};
            id = static_cast<pid_t>(syscall(SYS_gettid));
            while (pushed < 3 && !failed) {
                uint64_t first = 0;
                failed = slotq_push_wait(other, &data, 1, BOUND_MS, &first) != SLOTQ_OK;
                pushed++;
            }
        });
        for (uint32_t turn = 0; turn < 3; turn++) {
            CHECK(comes([&] { return is_thread_asleep(id); }));
            const auto batch = reserve(queue, 1);
            CHECK(batch.size() == 1);
            const slotq_run run = {batch[0].id, batch[0].token, 1};
            CHECK(slotq_settle(queue, SLOTQ_SETTLE_ACK, 0, &run, 1, 0, 0, nullptr, nullptr) ==
                  SLOTQ_OK);
            CHECK(comes([&] { return pushed == turn + 1; }));
        }
        producer.join();
        CHECK(!failed);
    }
}

#endif
