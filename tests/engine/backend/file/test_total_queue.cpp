/* test_total_queue.cpp: processes push, reserve and settle on one file while they are killed and
 * stopped at random, in one PID namespace or in three. Each writes down what it is about to do and
 * what came of it; in the end these books must balance: what was pushed was acked, nothing else
 * was, every repeat has its reason.
 */
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <string>
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
#include "test_total_books.hpp"

using namespace crash;
using namespace total;

namespace
{

constexpr int PRODUCERS = 2;
constexpr int PROCESSES = 5;

/* What all processes share. */
struct shared {
    volatile uint32_t stop_pushing;
    volatile uint32_t stop_all;
    volatile uint64_t next_serial;
    volatile uint64_t pushed;
    volatile uint32_t answered[PROCESSES]; /* calls of the process that is there now */
    char said[1100];                       /* by the last one that met an error */
};

/* Not the system's clock: this one is not set while the test runs. */
uint64_t steady_ms(void *)
{
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return 1700000000000 +
           static_cast<uint64_t>(
               std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
}

class worker
{
public:
    worker(const std::string &folder_path, const std::string &book_path, shared *all, int place,
           uint64_t own_number, uint64_t seed)
        : common(all), at(place), number(own_number), random(seed), batch(slotq_batch_new()),
          book(open(book_path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600))
    {
        slotq_options how = {};
        how.clock_ms = steady_ms;
        how.poll_ms = 20;
        how.sync = seed % 3 == 0 ? SLOTQ_SYNC_ALWAYS : SLOTQ_SYNC_OS; /* they may be mixed */
        slotq *opened = nullptr;
        slotq_error error = {};
        if (slotq_open(folder_path.c_str(), "q", &how, &opened, &error) != SLOTQ_OK) {
            snprintf(common->said, sizeof common->said, "open: %s", error.text);
        }
        queue.reset(opened);
    }

    /* The exit code. */
    int produce()
    {
        if (queue == nullptr) {
            return 10;
        }
        while (!common->stop_pushing) {
            const uint64_t count = 1 + random() % 8;
            const uint64_t serial =
                __atomic_fetch_add(&common->next_serial, count, __ATOMIC_RELAXED);
            const int failed = push(serial, count);
            if (failed != 0) {
                return failed;
            }
        }
        return 0;
    }

    int consume()
    {
        if (queue == nullptr) {
            return 10;
        }
        while (!common->stop_all) {
            const uint64_t lease_ms = 100 + random() % 300;
            const uint64_t asked_ms = steady_ms(nullptr);
            const uint32_t limit = static_cast<uint32_t>(1 + random() % 8);
            if (random() % 64 == 0) {
                leave_child();
            }
            const slotq_outcome outcome =
                slotq_reserve(queue.get(), 0, limit, lease_ms, 20, batch.get());
            note_answer();
            if (outcome == SLOTQ_OK) {
                settle_batch(asked_ms, lease_ms);
            } else if (outcome != SLOTQ_EMPTY) {
                return complain("reserve", outcome, 11);
            }
        }
        return 0;
    }

private:
    /* It keeps all descriptors for a while, maybe for longer than this process lives. */
    static void leave_child()
    {
        if (fork() == 0) {
            usleep(200000);
            _exit(0);
        }
    }

    void write_down(event what, line &entry)
    {
        entry.at_ms = steady_ms(nullptr);
        entry.what = what;
        if (write(book, &entry, sizeof entry) != static_cast<ssize_t>(sizeof entry)) {
            _exit(12);
        }
    }

    void note_answer()
    {
        common->answered[at] = common->answered[at] + 1;
    }

    int complain(const char *call, slotq_outcome outcome, int code)
    {
        snprintf(common->said, sizeof common->said, "%s answers %s: %s", call,
                 slotq_outcome_name(outcome), slotq_error_of(queue.get())->text);
        return code;
    }

    int push(uint64_t serial, uint64_t count)
    {
        std::vector<uint64_t> payloads(count);
        std::vector<slotq_data> messages(count);
        for (size_t i = 0; i < count; i++) {
            payloads[i] = serial + i;
            messages[i] = {&payloads[i], sizeof payloads[i]};
        }
        line entry = {};
        entry.serial = serial;
        entry.count = count;
        write_down(event::pushing, entry);
        slotq_outcome outcome = SLOTQ_FULL;
        while (outcome == SLOTQ_FULL && !common->stop_pushing) {
            outcome = slotq_push_wait(queue.get(), messages.data(), static_cast<uint32_t>(count),
                                      20, &entry.id);
            note_answer();
        }
        entry.outcome = outcome;
        write_down(event::pushed, entry);
        if (outcome == SLOTQ_OK) {
            __atomic_fetch_add(&common->pushed, count, __ATOMIC_RELAXED);
        } else if (outcome != SLOTQ_FULL) {
            return complain("push", outcome, 13);
        }
        return 0;
    }

    void settle_batch(uint64_t asked_ms, uint64_t lease_ms)
    {
        slotq_message message;
        std::vector<line> lines;
        std::vector<uint32_t> tokens;
        while (slotq_batch_next(batch.get(), &message)) {
            line entry = {};
            entry.id = message.id;
            entry.delivery = number << 32 | ++deliveries;
            entry.asked_ms = asked_ms;
            entry.hold_ms = lease_ms;
            entry.serial = UINT64_MAX;
            if (message.payload_bytes == sizeof entry.serial) {
                memcpy(&entry.serial, message.payload, sizeof entry.serial);
            }
            write_down(event::delivered, entry);
            lines.push_back(entry);
            tokens.push_back(message.token);
        }
        for (size_t i = 0; i < lines.size(); i++) {
            settle(lines[i], tokens[i]);
        }
    }

    /* Mostly an ack; one in 25 is forgotten, so that its lease runs out. */
    void settle(line entry, uint32_t token)
    {
        const uint64_t chance = random() % 100;
        if (chance >= 96) {
            return;
        }
        entry.verb = chance < 80   ? SLOTQ_ACK
                     : chance < 88 ? SLOTQ_NACK
                     : chance < 91 ? SLOTQ_RELEASE
                     : chance < 94 ? SLOTQ_EXTEND
                                   : SLOTQ_KILL;
        entry.hold_ms = entry.verb == SLOTQ_EXTEND ? 150 : entry.verb == SLOTQ_NACK ? 30 : 0;
        write_down(event::settling, entry);
        const slotq_run run = {entry.id, token, 1};
        const auto how = static_cast<slotq_settle_how>(entry.verb - SLOTQ_ACK);
        entry.asked_ms = entry.at_ms;
        entry.outcome = slotq_settle(queue.get(), how, 0, &run, 1, entry.hold_ms, 5, nullptr,
                                     how == SLOTQ_SETTLE_EXTEND ? &token : nullptr);
        write_down(event::settled, entry);
        note_answer();
        if (entry.verb == SLOTQ_EXTEND && entry.outcome == SLOTQ_OK) {
            settle(entry, token);
        }
        if (entry.outcome > SLOTQ_GONE) {
            _exit(complain("settle", static_cast<slotq_outcome>(entry.outcome), 14));
        }
    }

    shared *common;
    int at;
    uint64_t number; /* no other process has it, in whatever namespace */
    std::mt19937_64 random;
    batch_handle batch;
    handle queue;
    int book;
    uint32_t deliveries = 0;
};

/* The processes, killed and started anew. */
class crowd
{
public:
    /* In so many PID namespaces; 0: in that of the test. */
    crowd(const std::string &folder_path, shared *all, uint64_t seed, size_t namespaces)
        : where(folder_path), common(all), random(seed)
    {
        for (size_t i = 0; i < namespaces; i++) {
            spaces.push_back(std::make_unique<spaces::space>());
        }
        for (int place = 0; place < PROCESSES; place++) {
            start(place);
        }
    }

    ~crowd()
    {
        for (int place = 0; place < PROCESSES; place++) {
            kill_at(place);
        }
    }

    void kill_one()
    {
        const int place = static_cast<int>(random() % PROCESSES);
        let_work(place);
        if (kill_at(place)) {
            start(place);
        }
    }

    /* Often in the midst of a verb, with the lock in its hands. */
    void stop_one()
    {
        const int place = static_cast<int>(random() % PROCESSES);
        if (pids[place] > 0) {
            kill(pids[place], SIGSTOP);
            usleep(static_cast<useconds_t>(random() % 300000));
            kill(pids[place], SIGCONT);
        }
    }

    /* All at once: the next to open the file is the first in it. */
    void kill_all()
    {
        bool killed[PROCESSES];
        let_work(static_cast<int>(random() % PROCESSES));
        for (int place = 0; place < PROCESSES; place++) {
            killed[place] = kill_at(place);
        }
        for (int place = 0; place < PROCESSES; place++) {
            if (killed[place]) {
                start(place);
            }
        }
    }

    /* Wait for those from one place up to another to end by themselves. */
    void join(int from, int to)
    {
        for (int place = from; place < to; place++) {
            reap(place);
        }
    }

    std::vector<std::string> books;
    std::string complaint; /* a process that ended with an error */
    uint64_t kills = 0;

private:
    void start(int place)
    {
        const uint64_t number = books.size() + 1;
        books.push_back(where + "/book" + std::to_string(number));
        const uint64_t seed = random();
        const auto body = [&] {
            worker one(where, books.back(), common, place, number, seed);
            return place < PRODUCERS ? one.produce() : one.consume();
        };
        common->answered[place] = 0;
        if (!spaces.empty()) {
            pids[place] = spaces[static_cast<size_t>(place) % spaces.size()]->start(body);
        } else {
            pids[place] = fork();
            if (pids[place] == 0) {
                _exit(body());
            }
        }
        if (pids[place] < 0) {
            complaint = "a process could not be started";
        }
    }

    /* Mostly until it did something: on a slow machine, where a process takes longer to begin than
     * it is from kill to kill, nothing would ever get done. */
    void let_work(int place)
    {
        const uint32_t wanted = static_cast<uint32_t>(random() % 4);
        const auto longest = std::chrono::steady_clock::now() + std::chrono::seconds(5);
        while (pids[place] > 0 && common->answered[place] < wanted &&
               std::chrono::steady_clock::now() < longest) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }

    /* The one place that kills. Only a child that was not reaped: a number of 0 or below would
     * mean whole groups of processes, or all there are. false: no such process. */
    bool kill_at(int place)
    {
        if (pids[place] <= 0) {
            return false;
        }
        kill(pids[place], SIGKILL);
        reap(place);
        kills++;
        return true;
    }

    void reap(int place)
    {
        int status = 0;
        if (pids[place] <= 0) {
            return;
        }
        waitpid(pids[place], &status, 0);
        pids[place] = 0;
        const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
        if (!killed && status != 0) {
            complaint = "process " + std::to_string(place) + " ended with status " +
                        std::to_string(status) + ": " + common->said;
        }
    }

    std::string where;
    shared *common;
    std::mt19937_64 random;
    std::vector<std::unique_ptr<spaces::space>> spaces;
    pid_t pids[PROCESSES] = {};
};

/* Serial -> id of what lies in the dead section. */
std::map<uint64_t, uint64_t> dead_ones(slotq *queue)
{
    std::map<uint64_t, uint64_t> dead;
    const batch_handle batch(slotq_batch_new());
    slotq_message message;
    for (uint32_t skip = 0; slotq_dead_list(queue, skip, 500, batch.get()) == SLOTQ_OK;
         skip += 500) {
        while (slotq_batch_next(batch.get(), &message)) {
            uint64_t serial = UINT64_MAX;
            memcpy(&serial, message.payload, sizeof serial);
            dead[serial] = message.id;
        }
    }
    return dead;
}

/* Messages that are not finished yet, seen by a separate handle. */
uint64_t unfinished(queue_file &file)
{
    const handle queue = file.open();
    slotq_stats stats = {};
    if (queue == nullptr || slotq_get_stats(queue.get(), 0, &stats) != SLOTQ_OK) {
        return UINT64_MAX;
    }
    return stats.unfinished;
}

/* The byte aside_count, as it is just now. */
uint32_t aside_count(const queue_file &file)
{
    const bytes image = read_file(file.image_path());
    return image.size() > 45 ? image[45] : 0;
}

/* Kill until told messages are pushed, and some processes were killed while they were, then until
 * all are finished. false: it took for ever. aside: the most messages that were seen aside. */
bool torment(crowd &processes, queue_file &file, shared *common, uint64_t messages,
             std::mt19937_64 &random, uint32_t &aside)
{
    const uint64_t kills_least = 3;
    const auto too_long = std::chrono::steady_clock::now() + std::chrono::minutes(15);
    while (std::chrono::steady_clock::now() < too_long && processes.complaint.empty()) {
        std::this_thread::sleep_for(std::chrono::milliseconds(random() % 20));
        aside = std::max(aside, aside_count(file));
        if (common->pushed >= messages && processes.kills >= kills_least &&
            common->stop_pushing == 0) {
            common->stop_pushing = 1;
            processes.join(0, PRODUCERS);
            continue;
        }
        if (common->stop_pushing != 0 && unfinished(file) == 0) {
            common->stop_all = 1;
            processes.join(PRODUCERS, PROCESSES);
            return true;
        }
        const uint64_t chance = random() % 12;
        if (chance == 0) {
            processes.kill_all();
        } else if (chance == 1) {
            processes.stop_one();
        } else {
            processes.kill_one();
        }
    }
    return false;
}

slotq_geometry total_shape()
{
    slotq_geometry shape = geometry(257, 8);
    shape.dead_slots = 4000;
    shape.max_attempts = 0;
    shape.tick_ms = 10;
    shape.aside_slots = 16;
    return shape;
}

void one_round(shared *common, uint64_t messages, std::mt19937_64 &random, size_t namespaces)
{
    *common = {};
    queue_file file(fresh(total_shape()), total_shape());
    crowd processes(file.folder_path(), common, random(), namespaces);
    uint32_t aside = 0;
    const bool finished = torment(processes, file, common, messages, random, aside);
    REQUIRE(processes.complaint == "");
    REQUIRE(finished);

    const handle queue = file.open();
    REQUIRE(queue != nullptr);
    CHECK(slotq_check(queue.get()) == SLOTQ_OK);
    const std::map<uint64_t, uint64_t> dead = dead_ones(queue.get());
    const balance sum = settle_books(read_books(processes.books), dead);
    fprintf(
        stderr,
        "total queue: pushed %llu, acked %llu, dead %llu, repeats %llu, kills %llu, lost "
        "%llu, unexpected %llu, up to %u aside\n",
        static_cast<unsigned long long>(common->pushed), static_cast<unsigned long long>(sum.acked),
        static_cast<unsigned long long>(dead.size()), static_cast<unsigned long long>(sum.repeats),
        static_cast<unsigned long long>(processes.kills), static_cast<unsigned long long>(sum.lost),
        static_cast<unsigned long long>(sum.unexpected), aside);
    support::counted(common->pushed, "messages");
    support::counted(processes.kills, "kills");
    CHECK(sum.lost == 0);
    CHECK(sum.unexpected == 0);
    CHECK(sum.halves == 0);
    CHECK(sum.first_odd == "");
    CHECK(sum.acked > 0);
    CHECK(processes.kills > 0); /* torment waits for some */
}

void torture(const char *name, uint64_t messages, size_t namespaces)
{
    auto *const common = static_cast<shared *>(
        mmap(nullptr, sizeof(shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    REQUIRE(common != MAP_FAILED);
    std::mt19937_64 random(seed_for(name));
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(torture_seconds());
    do {
        one_round(common, messages, random, namespaces);
    } while (std::chrono::steady_clock::now() < end);
    munmap(common, sizeof(shared));
}

} // namespace

TEST_CASE("five processes on one file, killed at random, lose nothing", "[total][deep]")
{
    torture("total queue", how_many("SLOTQ_TOTAL_MESSAGES", 2000, 10000), 0);
}

TEST_CASE("five processes in three PID namespaces, killed at random, lose nothing", "[total][deep]")
{
    if (spaces::cannot_make()) {
        return;
    }
    torture("total queue in namespaces", how_many("SLOTQ_TOTAL_MESSAGES", 1000, 10000), 3);
}
