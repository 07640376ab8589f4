/* test_faults_calls.cpp: each allocation and each system call of a whole life of a queue fails,
 * once and for good: every library call answers one of its documented outcomes, nothing leaks,
 * no acked message comes back, and the file opens afterwards.
 */
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <dirent.h>

#include "../../../support/catch.hpp"
#include "../../../support/counted.hpp"
#include "../../../support/faults/faults.hpp"
#include "test_crash_world.hpp"

using namespace crash;

namespace
{

/* What one life did, as the caller was told. */
struct record {
    bool created = false;
    bool remove_tried = false;
    uint64_t last_pushed = 0;     /* newest id that a push gave */
    std::set<uint64_t> acked;     /* answered OK */
    std::vector<std::string> odd; /* answers that no document names */
    uint64_t answers = 0;
};

using outcomes = std::set<slotq_outcome>;

/* Besides these, a call answers only what slotq.h lists with it. */
bool any_call_may(slotq_outcome outcome, slotq_sync sync)
{
    return outcome == SLOTQ_OK || outcome == SLOTQ_IO || outcome == SLOTQ_NOMEMORY ||
           (outcome == SLOTQ_OUTCOME_UNKNOWN && sync == SLOTQ_SYNC_ALWAYS);
}

class life
{
public:
    life(const std::string &folder_path, slotq_options how) : where(folder_path), options(how)
    {
        options.clock_ms = standing_clock;
        options.clock_context = this;
        options.poll_ms = 5;
        options.should_stop = has_slept;
        options.stop_context = this;
    }
    life(const life &) = delete;
    life &operator=(const life &) = delete;

    record run()
    {
        create();
        if (open()) {
            produce();
            consume();
            settle_rest();
            now_ms += 2000;
            look();
            administer();
            second_handle();
        }
        slotq_batch_free(batch);
        slotq_close(queue);
        listing();
        return told;
    }

private:
    /* It goes on when told to: calls look at their file once a second. */
    static uint64_t standing_clock(void *own)
    {
        return static_cast<life *>(own)->now_ms;
    }

    /* A waiting call sleeps once: by the clock a busy machine would make lives of unequal calls. */
    static bool has_slept(void *own)
    {
        enum { ASKED_BEFORE_SLEEP = 2 };
        return ++static_cast<life *>(own)->asked > ASKED_BEFORE_SLEEP;
    }

    slotq_outcome note(const char *call, slotq_outcome outcome, const outcomes &documented = {},
                       const slotq_error *error = nullptr)
    {
        told.answers++;
        const bool locks_fail = faults::struck_call() == faults::CALL_fcntl;
        if ((!any_call_may(outcome, options.sync) && documented.count(outcome) == 0) ||
            (outcome == SLOTQ_LOCKED && !locks_fail)) {
            told.odd.push_back(std::string(call) + " answers " + slotq_outcome_name(outcome));
        }
        judge_sync(call, outcome, error == nullptr);
        if (error == nullptr && queue != nullptr) {
            error = slotq_error_of(queue);
        }
        if (outcome >= SLOTQ_FAILURES && error != nullptr && strlen(error->text) < 10) {
            told.odd.push_back(std::string(call) + " fails without a text");
        }
        return outcome;
    }

    /* A call whose sync failed says so, and then the handle answers IO for good. */
    void judge_sync(const char *call, slotq_outcome outcome, bool of_handle)
    {
        const int what = faults::struck_call();
        const bool is_sync = what == faults::CALL_msync || what == faults::CALL_fdatasync ||
                             what == faults::CALL_fsync;
        if (poisoned && of_handle && outcome != SLOTQ_IO) {
            told.odd.push_back(std::string(call) + " works on a poisoned handle");
        }
        if (is_sync && faults::struck() > struck_before) {
            poisoned = poisoned || of_handle;
            if (outcome < SLOTQ_FAILURES) {
                told.odd.push_back(std::string(call) + " hides a failed sync");
            }
        }
        struck_before = faults::struck();
    }

    void create()
    {
        slotq_geometry shape = geometry(6, 40, 2);
        shape.flags = SLOTQ_FLAG_STAMPS | SLOTQ_FLAG_CHECKS;
        slotq_error error = {};
        told.created =
            note("create", slotq_create(where.c_str(), "q", &shape, &options, &error),
                 {SLOTQ_UNSUPPORTED, SLOTQ_LOCKED, SLOTQ_OUTCOME_UNKNOWN}, &error) == SLOTQ_OK;
    }

    bool open()
    {
        slotq_error error = {};
        batch = slotq_batch_new();
        const slotq_outcome outcome = slotq_open(where.c_str(), "q", &options, &queue, &error);
        outcomes documented{SLOTQ_UNSUPPORTED, SLOTQ_LOCKED};
        if (!told.created) {
            documented.insert(SLOTQ_NOQUEUE);
        }
        note("open", outcome, documented, &error);
        if (outcome != SLOTQ_OK && queue != nullptr) {
            told.odd.push_back("a failed open gives a handle");
        }
        return outcome == SLOTQ_OK && batch != nullptr;
    }

    void push(uint32_t count)
    {
        const slotq_data message = {"a payload of some length", 24};
        const std::vector<slotq_data> messages(count, message);
        uint64_t first_id = 0;
        if (note("push", slotq_push(queue, messages.data(), count, &first_id), {SLOTQ_FULL}) ==
            SLOTQ_OK) {
            told.last_pushed = first_id + count - 1;
        }
    }

    void produce()
    {
        push(1);
        push(3);
    }

    slotq_outcome reserve(uint8_t group, uint32_t limit)
    {
        const slotq_outcome outcome =
            note("reserve", slotq_reserve(queue, group, limit, 30000, 0, batch), {SLOTQ_EMPTY});
        if (outcome != SLOTQ_OK && slotq_batch_count(batch) != 0) {
            told.odd.push_back("a failed reserve leaves a batch");
        }
        return outcome;
    }

    void consume()
    {
        slotq_message message;
        const outcomes refused{SLOTQ_STALE, SLOTQ_GONE, SLOTQ_DEADFULL};
        if (reserve(0, 4) != SLOTQ_OK) {
            return;
        }
        for (uint32_t place = 0; slotq_batch_next(batch, &message); place++) {
            uint32_t token = message.token;
            if (message.payload_bytes != 24 || memcmp(message.payload, "a payload", 9) != 0) {
                told.odd.push_back("a wrong payload");
            }
            if (place == 0) {
                ack(0, message.id, token);
            } else if (place == 1) {
                note("nack", slotq_nack(queue, 0, message.id, token, 0, 1), refused);
            } else if (place == 2) {
                note("kill", slotq_kill(queue, 0, message.id, token, 2), refused);
            } else {
                note("extend", slotq_extend(queue, 0, message.id, token, 60000, &token), refused);
                note("release", slotq_release(queue, 0, message.id, token, 0), refused);
            }
        }
    }

    void ack(uint8_t group, uint64_t id, uint32_t token)
    {
        if (note("ack", slotq_ack(queue, group, id, token), {SLOTQ_STALE, SLOTQ_GONE}) ==
            SLOTQ_OK) {
            told.acked.insert(id);
        }
    }

    void settle_rest()
    {
        if (reserve(0, 4) == SLOTQ_OK) {
            std::set<uint64_t> ids;
            slotq_message message;
            while (slotq_batch_next(batch, &message)) {
                ids.insert(message.id);
            }
            if (note("ack_batch", slotq_ack_batch(queue, batch), {SLOTQ_STALE, SLOTQ_GONE}) ==
                SLOTQ_OK) {
                told.acked.insert(ids.begin(), ids.end());
            }
        }
        asked = 0;
        note("reserve", slotq_reserve(queue, 0, 1, 30000, 60000, batch), {SLOTQ_EMPTY});
        note("reserve", slotq_reserve(queue, 1, 2, 30000, 0, batch), {SLOTQ_EMPTY});
        note("remove", slotq_remove(queue, 1, 4), {SLOTQ_LEASED, SLOTQ_GONE, SLOTQ_NOTFOUND});
        push(1);
    }

    void look()
    {
        slotq_status status;
        slotq_stats stats;
        uint32_t position = 0;
        note("status", slotq_get_status(queue, 0, 1, &status), {SLOTQ_FINISHED, SLOTQ_NOTFOUND});
        note("position", slotq_position(queue, 1, 3, &position), {SLOTQ_FINISHED, SLOTQ_NOTFOUND});
        note("stats", slotq_get_stats(queue, 0, &stats));
        note("peek", slotq_peek(queue, 0, 0, 10, batch), {SLOTQ_EMPTY});
        note("dead_list", slotq_dead_list(queue, 0, 10, batch), {SLOTQ_EMPTY});
        note("check", slotq_check(queue));
        bytes image(slotq_image_bytes(queue));
        if (note("export", slotq_export(queue, image.data(), image.size())) == SLOTQ_OK) {
            slotq_error error = {};
            note("import", slotq_import(where.c_str(), "copy", image.data(), image.size(), &error),
                 {SLOTQ_UNSUPPORTED, SLOTQ_LOCKED, SLOTQ_OUTCOME_UNKNOWN}, &error);
        }
    }

    void administer()
    {
        uint32_t count = 0;
        uint32_t dead = 0;
        note("pause", slotq_pause(queue, SLOTQ_PAUSE_IN));
        note("resume", slotq_resume(queue, SLOTQ_PAUSE_BOTH));
        note("redrive", slotq_dead_redrive(queue, 0, nullptr, &count, nullptr),
             {SLOTQ_FULL, SLOTQ_PAUSED});
        note("reclaim", slotq_reclaim(queue, 0, &count, &dead));
        note("dead purge", slotq_dead_purge(queue, &count));
    }

    void second_handle()
    {
        slotq *other = nullptr;
        slotq_error error = {};
        if (note("clone", slotq_clone(queue, &other, &error), {SLOTQ_UNSUPPORTED, SLOTQ_LOCKED},
                 &error) == SLOTQ_OK) {
            slotq_stats stats;
            const slotq_outcome outcome = slotq_get_stats(other, 0, &stats);
            note("stats of a clone", outcome, {}, slotq_error_of(other));
        }
        slotq_close(other);
    }

    void listing()
    {
        slotq_error error = {};
        queue = nullptr;
        struck_before = faults::struck(); /* slotq_close cannot say so */
        note("list",
             slotq_list(
                 where.c_str(), [](void *, const char *) { return true; }, nullptr, &error),
             {}, &error);
        note("remove_queue", slotq_remove_queue(where.c_str(), "copy", &error),
             {SLOTQ_NOQUEUE, SLOTQ_LOCKED, SLOTQ_UNSUPPORTED, SLOTQ_OUTCOME_UNKNOWN}, &error);
    }

    std::string where;
    slotq_options options;
    slotq *queue = nullptr;
    slotq_batch *batch = nullptr;
    bool poisoned = false;
    uint64_t now_ms = 1700000000000;
    uint32_t asked = 0;
    uint64_t struck_before = 0;
    record told;
};

/* Files that have no business in the folder. */
std::string strange_files(const std::string &path)
{
    std::string strange;
    DIR *listing = opendir(path.c_str());
    while (const dirent *entry = readdir(listing)) {
        const std::string name = entry->d_name;
        const std::string base = name.substr(0, name.find('.'));
        const std::string rest = name.substr(base.size());
        if (name != "." && name != ".." &&
            ((base != "q" && base != "copy") || (rest != ".slotq" && rest != ".slotq-journal"))) {
            strange += name + " ";
        }
    }
    closedir(listing);
    return strange;
}

/* After the fault: opens, is sound, has what was pushed, has not what was acked. */
std::string what_is_wrong(const std::string &path, const record &told)
{
    slotq_error error = {};
    slotq *queue = nullptr;
    const slotq_outcome opened = slotq_open(path.c_str(), "q", nullptr, &queue, &error);
    const handle owner(queue);
    if (opened != SLOTQ_OK) {
        return opened == SLOTQ_NOQUEUE && !told.created ? "" : std::string("open: ") + error.text;
    }
    if (slotq_check(queue) != SLOTQ_OK) {
        return std::string("check: ") + slotq_error_of(queue)->text;
    }
    slotq_stats stats;
    slotq_get_stats(queue, 0, &stats);
    if (stats.last_id < told.last_pushed) {
        return "a push that was answered OK is lost";
    }
    for (const uint64_t id : told.acked) {
        slotq_status status = {};
        const slotq_outcome outcome = slotq_get_status(queue, 0, id, &status);
        if (outcome != SLOTQ_FINISHED &&
            !(outcome == SLOTQ_OK && status.state == SLOTQ_STATE_DONE)) {
            return "an acked message is back";
        }
    }
    return "";
}

struct fault {
    int call;
    uint64_t at;
    bool for_good;
    int error;
};

/* One life with one fault; the number of answers it had. */
void live_with(const fault &one, const slotq_options &how)
{
    const folder where;
    const int descriptors = open_descriptors();
    faults::arm(one.call, one.at, one.for_good, one.error);
    const record told = life(where.path(), how).run();
    const int64_t allocations = faults::allocations_left();
    const int64_t mapped = faults::mapped_left();
    const uint64_t struck = faults::struck();
    faults::disarm();
    INFO(faults::name_of(one.call)
         << " number " << one.at << (one.for_good ? " and all after" : " once") << " errno "
         << one.error << " sync " << how.sync << " exclusive " << how.exclusive);
    CHECK(struck > 0);
    for (const std::string &odd : told.odd) {
        CHECK(odd == "");
    }
    CHECK(allocations == 0);
    CHECK(mapped == 0);
    CHECK(open_descriptors() == descriptors);
    const std::string name = faults::name_of(one.call);
    if (name != "unlink" && name != "unlinkat") {
        CHECK(strange_files(where.path()) == "");
    }
    CHECK(what_is_wrong(where.path(), told) == "");
}

/* How often each call is made in a life without faults. */
std::map<int, uint64_t> count_calls(const slotq_options &how)
{
    const folder where;
    faults::arm(0, 0, false);
    const record told = life(where.path(), how).run();
    std::map<int, uint64_t> made;
    for (int call = 0; call < faults::CALL_COUNT; call++) {
        made[call] = faults::calls(call);
    }
    const int64_t allocations = faults::allocations_left();
    faults::disarm();
    CHECK(told.odd == std::vector<std::string>{});
    CHECK(told.acked.size() >= 3);
    CHECK(allocations == 0);
    CHECK(what_is_wrong(where.path(), told) == "");
    return made;
}

void fail_each(const char *what, const slotq_options &how)
{
    REQUIRE(faults::linked());
    uint64_t lives = 0;
    for (const auto &made : count_calls(how)) {
        for (uint64_t at = 1; at <= made.second; at++) {
            live_with({made.first, at, false, 0}, how);
            live_with({made.first, at, true, 0}, how);
            lives += 2;
        }
    }
    fprintf(stderr, "faults, %s: %llu lives with one call failing\n", what,
            static_cast<unsigned long long>(lives));
    support::counted(lives, "failing calls");
    CHECK(lives > 50);
}

} // namespace

TEST_CASE("each allocation and system call fails: shared file", "[faults]")
{
    fail_each("shared", slotq_options{});
}

TEST_CASE("each allocation and system call fails: exclusive file", "[faults]")
{
    slotq_options how = {};
    how.exclusive = true;
    fail_each("exclusive", how);
}

TEST_CASE("each allocation and system call fails: sync=always", "[faults]")
{
    slotq_options how = {};
    how.sync = SLOTQ_SYNC_ALWAYS;
    fail_each("sync=always", how);
}

TEST_CASE("a system call that a signal interrupts", "[faults]")
{
    REQUIRE(faults::linked());
    const slotq_options how = {};
    const std::set<std::string> interruptible{
        "open", "openat", "posix_fallocate", "fcntl",     "write",    "pwrite",
        "read", "pread",  "syscall",         "ftruncate", "fallocate"};
    uint64_t lives = 0;
    for (const auto &made : count_calls(how)) {
        if (interruptible.count(faults::name_of(made.first)) != 0) {
            for (uint64_t at = 1; at <= made.second; at++, lives++) {
                live_with({made.first, at, false, EINTR}, how);
            }
        }
    }
    CHECK(lives > 0);
}
