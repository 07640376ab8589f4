/* test_lock_torture.cpp: threads of processes in three PID namespaces take the lock in turns, while
 * the processes are killed and stopped at random, leave children with their descriptors, and leave
 * recoveries undone. Never may two be inside, and all must get in. Knows lock.h and life.h; no
 * queue.
 */
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../support/catch.hpp"
#include "../../../support/counted.hpp"
#include "test_crash_world.hpp"
#include "test_namespaces.hpp"

extern "C" {
#include "../../../../engine/backend/file/life.h"
#include "../../../../engine/backend/file/lock.h"
}

using namespace crash;

namespace
{

constexpr int PROCESSES = 6;
constexpr int THREADS = 2;

/* What all processes share. */
struct arena {
    alignas(64) uint32_t word;
    uint32_t next_id;
    alignas(64) uint64_t inside; /* number of the thread that is inside; 0: none */
    uint64_t entered;
    uint64_t recovered;
    uint64_t left_due;
    uint64_t violations;
    uint64_t starved;
};

void count(uint64_t &what)
{
    __atomic_fetch_add(&what, 1, __ATOMIC_RELAXED);
}

struct member {
    arena *all;
    life own;
    int descriptor;
};

bool is_dead(const void *context, uint32_t owner)
{
    const member *self = static_cast<const member *>(context);
    return life_is_over(self->descriptor, self->own.id, owner);
}

bool is_too_long(const void *, uint64_t waited_ms)
{
    return waited_ms > 60000;
}

/* Mostly a moment; sometimes long enough to be killed or stopped in. */
void stay(std::mt19937_64 &random)
{
    if (random() % 64 == 0) {
        usleep(static_cast<useconds_t>(random() % 5000));
    }
    for (uint64_t i = random() % 2000; i > 0; i--) {
        __asm__ volatile("" ::: "memory");
    }
}

void be_inside(member &self, uint64_t number, lock_entry entry, std::mt19937_64 &random)
{
    arena *all = self.all;
    const uint64_t found = __atomic_load_n(&all->inside, __ATOMIC_RELAXED);
    if (entry == LOCK_ENTERED && found != 0) {
        count(all->violations);
    }
    __atomic_store_n(&all->inside, number, __ATOMIC_RELAXED);
    stay(random);
    count(all->entered);
    if (__atomic_load_n(&all->inside, __ATOMIC_RELAXED) != number) {
        count(all->violations);
    }
    if (entry == LOCK_INHERITED && random() % 4 == 0) { /* as if it could not recover */
        count(all->left_due);
        lock_leave_due(&all->word);
        return;
    }
    if (entry == LOCK_INHERITED) {
        count(all->recovered);
    }
    __atomic_store_n(&all->inside, 0, __ATOMIC_RELAXED);
    lock_leave(&all->word, self.own.id);
}

void take_turns(member &self, uint64_t number, uint64_t seed)
{
    std::mt19937_64 random(seed);
    const lock_watch watch = {is_dead, is_too_long, &self};
    for (;;) {
        lock_entry entry = LOCK_ENTERED;
        if (!lock_try(&self.all->word, self.own.id)) {
            entry = lock_wait(&self.all->word, self.own.id, &watch);
        }
        if (entry == LOCK_GIVEN_UP) {
            count(self.all->starved);
            continue;
        }
        be_inside(self, number, entry, random);
        if (random() % 2000 == 0 && fork() == 0) { /* it keeps all descriptors for a while */
            usleep(100000);
            _exit(0);
        }
    }
}

int live(arena *all, const std::string &folder_path, uint64_t number, uint64_t seed)
{
    static member self;
    const int where = open(folder_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    self.all = all;
    self.descriptor = openat(where, "main", O_RDWR | O_CLOEXEC);
    const life_place place = {self.descriptor, where, "main", &all->next_id, &all->word};
    if (life_take(&self.own, &place) != LIFE_TAKEN) {
        return 1;
    }
    std::vector<std::thread> threads;
    for (int i = 0; i < THREADS; i++) {
        threads.emplace_back([&, i] {
            const uint64_t thread_number = number * THREADS + static_cast<uint64_t>(i);
            take_turns(self, thread_number, seed + static_cast<uint64_t>(i));
        });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    return 0;
}

class arena_memory
{
public:
    arena_memory()
        : all(static_cast<arena *>(mmap(nullptr, sizeof(arena), PROT_READ | PROT_WRITE,
                                        MAP_SHARED | MAP_ANONYMOUS, -1, 0)))
    {
        all->next_id = 1;
    }
    ~arena_memory()
    {
        munmap(all, sizeof(arena));
    }
    arena_memory(const arena_memory &) = delete;
    arena_memory &operator=(const arena_memory &) = delete;

    arena *const all;
};

/* The processes, killed, stopped, started anew. */
class tormented
{
public:
    tormented(arena *shared, const std::string &folder_path, uint64_t seed)
        : all(shared), where(folder_path), random(seed)
    {
        for (auto &one : homes) {
            one = std::make_unique<spaces::space>();
        }
        for (int place = 0; place < PROCESSES; place++) {
            start(place);
        }
    }
    ~tormented()
    {
        for (const pid_t pid : pids) {
            if (pid > 0) {
                spaces::end(pid);
            }
        }
    }
    tormented(const tormented &) = delete;
    tormented &operator=(const tormented &) = delete;

    void kill_one()
    {
        const int place = static_cast<int>(random() % PROCESSES);
        if (pids[place] > 0) {
            spaces::end(pids[place]);
            start(place);
        }
    }

    void stop_one(uint64_t most_us)
    {
        const pid_t pid = pids[random() % PROCESSES];
        if (pid > 0) {
            kill(pid, SIGSTOP);
            usleep(static_cast<useconds_t>(random() % most_us));
            kill(pid, SIGCONT);
        }
    }

    bool all_started = true;

private:
    void start(int place)
    {
        const uint64_t number = ++started;
        const uint64_t seed = random();
        pids[place] = homes[place % 3]->start([&] { return live(all, where, number, seed); });
        all_started = all_started && pids[place] > 0;
    }

    arena *all;
    std::string where;
    std::mt19937_64 random;
    std::unique_ptr<spaces::space> homes[3];
    pid_t pids[PROCESSES] = {};
    uint64_t started = 0;
};

} // namespace

TEST_CASE("never two inside: processes in three PID namespaces, killed and stopped", "[torture]")
{
    if (spaces::cannot_make()) {
        return;
    }
    const folder where;
    const int made = open(where.file("main").c_str(), O_RDWR | O_CREAT, 0600);
    REQUIRE(ftruncate(made, 4096) == 0);
    close(made);
    const arena_memory memory;
    const uint64_t seed = seed_for("lock torture");
    std::mt19937_64 random(seed);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(torture_seconds());
    uint64_t kills = 0;
    {
        tormented crowd(memory.all, where.path(), seed);
        while (kills < 200 || std::chrono::steady_clock::now() < end) {
            usleep(static_cast<useconds_t>(random() % 10000));
            if (random() % 10 == 0) {
                crowd.stop_one(torture_seconds() > 0 ? 1000000 : 60000);
            }
            crowd.kill_one();
            kills++;
        }
        REQUIRE(crowd.all_started);
        const uint64_t before = __atomic_load_n(&memory.all->entered, __ATOMIC_RELAXED);
        while (__atomic_load_n(&memory.all->entered, __ATOMIC_RELAXED) < before + 100) {
            usleep(1000); /* all that was killed is overcome */
        }
    }
    fprintf(stderr, "lock torture: %llu kills, %llu entered, %llu recovered, %llu left due\n",
            static_cast<unsigned long long>(kills),
            static_cast<unsigned long long>(memory.all->entered),
            static_cast<unsigned long long>(memory.all->recovered),
            static_cast<unsigned long long>(memory.all->left_due));
    support::counted(kills, "kills");
    CHECK(memory.all->violations == 0);
    CHECK(memory.all->starved == 0);
    CHECK(memory.all->recovered > 0);
}
