/* test_openers.cpp: many processes that open one queue file at once, and openers that a busy
 * machine keeps from going on: each gets in; only one that never goes on keeps the others out.
 */
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern "C" {
#include "../../../../engine/backend/file/locks.h"
}
#include "../../../support/catch.hpp"
#include "../../../support/faults/faults.hpp"
#include "test_crash_world.hpp"

using namespace crash;

namespace
{

/* What an opener holds that has not found out yet whether anybody uses the journal. */
class stuck_opener
{
public:
    explicit stuck_opener(const queue_file &file)
        : descriptor(open((file.folder_path() + "/q.slotq").c_str(), O_RDWR | O_CLOEXEC))
    {
        REQUIRE(lock_presence(descriptor, false) == LOCK_TAKEN);
    }
    ~stuck_opener()
    {
        close(descriptor);
    }
    void go_on(const queue_file &file)
    {
        struct stat facts;
        REQUIRE(stat(file.journal_path().c_str(), &facts) == 0);
        REQUIRE(lock_journal(descriptor, facts.st_ino) == LOCK_TAKEN);
    }
    stuck_opener(const stuck_opener &) = delete;
    stuck_opener &operator=(const stuck_opener &) = delete;

private:
    int descriptor;
};

/* What the engine's steady clock is ahead: it jumps whenever it is asked, as it does for a process
 * that is not let go on in between. */
class jumping_clock
{
public:
    explicit jumping_clock(uint64_t jump_ms, std::function<void(int)> seen = {})
        : on_asked(std::move(seen)), jump(jump_ms)
    {
        running = this;
    }
    ~jumping_clock()
    {
        running = nullptr;
    }
    jumping_clock(const jumping_clock &) = delete;
    jumping_clock &operator=(const jumping_clock &) = delete;

    uint64_t ahead_ms()
    {
        asked++;
        if (on_asked) {
            on_asked(asked);
        }
        return jump * static_cast<uint64_t>(asked);
    }

    static jumping_clock *running;

private:
    std::function<void(int)> on_asked;
    uint64_t jump;
    int asked = 0;
};

jumping_clock *jumping_clock::running;

} // namespace

extern "C" uint64_t __real_monotonic_ms(void);
extern "C" uint64_t __wrap_monotonic_ms(void);
extern "C" uint64_t __wrap_monotonic_ms(void)
{
    jumping_clock *const clock = jumping_clock::running;
    return __real_monotonic_ms() + (clock != nullptr ? clock->ahead_ms() : 0);
}

TEST_CASE("an opener that goes on late locks no process out", "[openers]")
{
    queue_file file(fresh(geometry(9, 16)), geometry(9, 16));
    auto stuck = std::make_unique<stuck_opener>(file);
    std::thread later([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(1500));
        stuck.reset();
    });
    slotq_error error = {};
    const handle queue = file.open(file.options(), &error);
    later.join();
    INFO(error.text);
    CHECK(queue != nullptr);
}

/* The only user ended between: the first opener saw its journal in use, the second did not. */
TEST_CASE("an opener between another one's two looks at the journal is not taken for a loss",
          "[openers]")
{
    REQUIRE(faults::linked());
    static const queue_file *at;
    static stuck_opener *other;
    queue_file file(fresh(geometry(9, 16)), geometry(9, 16));
    stuck_opener slow(file);
    at = &file;
    other = &slow;
    faults::on_lock_question([](uint64_t from) {
        if (from >> 62 != 0 && other != nullptr) {
            other->go_on(*at);
            other = nullptr;
        }
    });
    slotq_error error = {};
    const handle queue = file.open(file.options(), &error);
    faults::on_lock_question(nullptr);
    INFO(error.text);
    CHECK(other == nullptr);
    CHECK(queue != nullptr);
}

TEST_CASE("an opener that is kept waiting tries again", "[openers]")
{
    queue_file file(fresh(geometry(9, 16)), geometry(9, 16));
    auto stuck = std::make_unique<stuck_opener>(file);
    const jumping_clock clock(60000, [&](int asked) {
        if (asked == 5) {
            stuck.reset();
        }
    });
    slotq_error error = {};
    const handle queue = file.open(file.options(), &error);
    INFO(error.text);
    CHECK(stuck == nullptr);
    CHECK(queue != nullptr);
}

TEST_CASE("an opener that never goes on is said to be in the way", "[openers]")
{
    queue_file file(fresh(geometry(9, 16)), geometry(9, 16));
    slotq_error error = {};
    {
        const stuck_opener stuck(file);
        const jumping_clock clock(1000); /* its patience ends sooner */
        CHECK(file.open(file.options(), &error) == nullptr);
        CHECK(error.outcome == SLOTQ_LOCKED);
        CHECK(std::string(error.text).find("stopped") != std::string::npos);
    }
    CHECK(file.open() != nullptr);
}

TEST_CASE("a stray close of the file loses no presence: its mapping keeps it", "[openers]")
{
    queue_file file(fresh(geometry(9, 16)), geometry(9, 16));
    handle victim = file.open();
    REQUIRE(victim != nullptr);
    struct stat queue_facts = {};
    REQUIRE(stat(file.image_path().c_str(), &queue_facts) == 0);
    int closed = 0;
    for (int descriptor = 3; descriptor < 256; descriptor++) {
        struct stat facts = {};
        if (fstat(descriptor, &facts) == 0 && facts.st_ino == queue_facts.st_ino &&
            facts.st_dev == queue_facts.st_dev) {
            closed += close(descriptor) == 0 ? 1 : 0;
        }
    }
    CHECK(closed == 1);
    slotq_error error = {};
    slotq_options alone = file.options();
    alone.exclusive = true;
    CHECK(slotq_remove_queue(file.folder_path().c_str(), "q", &error) == SLOTQ_LOCKED);
    CHECK(file.open(alone, &error) == nullptr);
    CHECK(error.outcome == SLOTQ_LOCKED);
    const handle other = file.open();
    CHECK(other != nullptr);
    CHECK(slotq_check(other.get()) == SLOTQ_OK);
}

TEST_CASE("forty processes that open and close one file all get in", "[openers]")
{
    enum { PROCESSES = 40, TURNS = 20 };
    queue_file file(fresh(geometry(9, 16)), geometry(9, 16));
    std::vector<pid_t> pids;
    for (int i = 0; i < PROCESSES; i++) {
        pids.push_back(fork());
        if (pids.back() == 0) {
            for (int turn = 0; turn < TURNS; turn++) {
                slotq_error error = {};
                if (file.open(file.options(), &error) == nullptr) {
                    fprintf(stderr, "openers: %s\n", error.text);
                    _exit(1);
                }
            }
            _exit(0);
        }
    }
    for (const pid_t pid : pids) {
        int status = 0;
        REQUIRE(waitpid(pid, &status, 0) == pid);
        CHECK(status == 0);
    }
}
