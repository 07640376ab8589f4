/* test_recovery.cpp: what openers and handles do with a journal in each state it can be in, and
 * with others that open, create and remove at the same time. Knows journal.h, to put steps there.
 */
#include "catch.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "any_queue.hpp"
#include "../../support/image/image.hpp"

extern "C" {
#include "../../../engine/backend/file/journal.h"
#include "../../../engine/backend/file/lock.h"
}

using namespace any_queue;

namespace
{

/* A file mapped as the queue maps it. */
struct Mapped {
    uint8_t *bytes;
    size_t size;
    explicit Mapped(const std::string &path)
    {
        const int file = open(path.c_str(), O_RDWR);
        struct stat facts = {};
        fstat(file, &facts);
        size = static_cast<size_t>(facts.st_size);
        void *mapped = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        REQUIRE(mapped != MAP_FAILED);
        bytes = static_cast<uint8_t *>(mapped);
        close(file);
    }
    ~Mapped()
    {
        munmap(bytes, size);
    }
    Mapped(const Mapped &) = delete;
    Mapped &operator=(const Mapped &) = delete;
};

Mapped journal_of(Queue &queue)
{
    return Mapped(queue.folder().file("q.slotq-journal"));
}

/* A live record of one byte at an offset; beyond the image it breaks the rules. */
void leave_step(uint8_t *journal, uint32_t offset, uint8_t byte)
{
    static slotq_step step;
    std::memset(&step, 0, sizeof step);
    step.patch_count = 1;
    step.visible_count = 1;
    step.scratch_used = 1;
    step.scratch[0] = byte;
    step.patches[0] = {offset, 1, 0, SLOTQ_PATCH_BYTES};
    journal_write(journal, &step, false);
}

/* A process takes the lock, begins a step, and is gone. */
void die_in_step(Queue &queue, uint32_t offset, uint8_t byte)
{
    const pid_t pid = fork();
    if (pid == 0) {
        const Mapped journal = journal_of(queue);
        const uint32_t id = __atomic_fetch_add(journal_next_id(journal.bytes), 1, __ATOMIC_RELAXED);
        if (!lock_try(journal_lock_word(journal.bytes), id)) {
            _exit(1);
        }
        leave_step(journal.bytes, offset, byte);
        _exit(0);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    REQUIRE(status == 0);
}

slotq_outcome try_open(const Folder &folder, slotq **queue, slotq_error *error,
                       bool read_only = false, bool synced = false)
{
    slotq_options options = {};
    options.read_only = read_only;
    options.sync = synced ? SLOTQ_SYNC_ALWAYS : SLOTQ_SYNC_OS;
    *queue = nullptr;
    return slotq_open(folder.path(), "q", &options, queue, error);
}

constexpr uint32_t PAUSED_AT = support::field::shared_paused.offset;

} // namespace

TEST_CASE("the first opener finishes a step that was cut short", "[recovery]")
{
    Queue queue(Kind::file);
    queue.fill(2);
    queue.close();
    leave_step(journal_of(queue).bytes, PAUSED_AT, SLOTQ_PAUSE_OUT);
    slotq *reader = nullptr;
    slotq_error error = {};
    CHECK(try_open(queue.folder(), &reader, &error, true) == SLOTQ_UNSUPPORTED);
    CHECK(std::string(error.text).find("once for writing") != std::string::npos);
    queue.reopen();
    CHECK(queue.stats().paused == SLOTQ_PAUSE_OUT);
    CHECK_FALSE(journal_is_live(journal_of(queue).bytes));
    CHECK(slotq_check(queue) == SLOTQ_OK);
}

TEST_CASE("the next process after a dead owner finishes its step, a reader too", "[recovery]")
{
    Queue queue(Kind::file);
    queue.fill(2);
    slotq *reader = nullptr;
    slotq_error error = {};
    REQUIRE(try_open(queue.folder(), &reader, &error, true) == SLOTQ_OK);
    slotq_stats stats = {};
    die_in_step(queue, PAUSED_AT, SLOTQ_PAUSE_IN);
    CHECK(slotq_get_stats(reader, 0, &stats) == SLOTQ_OK);
    CHECK(stats.paused == SLOTQ_PAUSE_IN);
    CHECK(queue.push("x") == SLOTQ_PAUSED);
    die_in_step(queue, PAUSED_AT, 0);
    CHECK(queue.push("x") == SLOTQ_OK);
    CHECK(slotq_check(reader) == SLOTQ_OK);
    slotq_close(reader);
}

TEST_CASE("a step that breaks the format is not applied, and no process goes on", "[recovery]")
{
    Queue queue(Kind::file);
    queue.fill(2);
    const std::vector<uint8_t> before = read_file(queue.folder().file("q.slotq"));
    die_in_step(queue, 1u << 30, 1);
    slotq_stats stats = {};
    CHECK(slotq_get_stats(queue, 0, &stats) == SLOTQ_CORRUPT);
    CHECK(queue.error().find("breaks the format") != std::string::npos);
    CHECK(slotq_get_stats(queue, 0, &stats) == SLOTQ_CORRUPT); /* and so for all others */
    CHECK((*journal_lock_word(journal_of(queue).bytes) & LOCK_ID_MASK) == LOCK_DUE);
    queue.close();
    slotq *other = nullptr;
    slotq_error error = {};
    CHECK(try_open(queue.folder(), &other, &error) == SLOTQ_CORRUPT);
    CHECK(read_file(queue.folder().file("q.slotq")) == before);
    REQUIRE(rename(queue.folder().file("q.slotq-journal").c_str(),
                   queue.folder().file("aside").c_str()) == 0);
    queue.reopen();
    CHECK(queue.stats().ready == 2);
}

TEST_CASE("a journal of another file: at rest replaced, with a step refused", "[recovery]")
{
    Queue queue(Kind::file);
    Queue other(Kind::file);
    queue.fill(2);
    queue.close();
    other.close();
    const bool live = GENERATE(false, true);
    std::vector<uint8_t> foreign = read_file(other.folder().file("q.slotq-journal"));
    if (live) {
        leave_step(foreign.data(), PAUSED_AT, SLOTQ_PAUSE_IN);
    }
    write_file(queue.folder().file("q.slotq-journal"), foreign);
    slotq *opened = nullptr;
    slotq_error error = {};
    CHECK(try_open(queue.folder(), &opened, &error) == (live ? SLOTQ_IO : SLOTQ_OK));
    slotq_close(opened);
    CHECK((std::string(error.text).find("another queue") != std::string::npos) == live);
}

TEST_CASE("a journal of another build", "[recovery]")
{
    Queue queue(Kind::file);
    queue.fill(2);
    slotq *other = nullptr;
    slotq_error error = {};
    const auto rewrite = [&](size_t at) {
        Mapped journal = journal_of(queue);
        journal_owner owner;
        const int file = open(queue.folder().file("q.slotq").c_str(), O_RDONLY);
        REQUIRE(journal_owner_of(file, Mapped(queue.folder().file("q.slotq")).bytes, &owner));
        close(file);
        CHECK(journal_judge(journal.bytes, &owner) == JOURNAL_OURS);
        journal.bytes[at] ^= 0x10;
        const uint32_t check = support::xxh32(journal.bytes, 40);
        std::memcpy(journal.bytes + 40, &check, sizeof check);
    };
    SECTION("another byte order: not shared, but made anew by a first opener")
    {
        rewrite(8);
        CHECK(try_open(queue.folder(), &other, &error) == SLOTQ_UNSUPPORTED);
        CHECK(std::string(error.text).find("byte order") != std::string::npos);
        queue.reopen();
        CHECK(queue.stats().ready == 2);
        CHECK(try_open(queue.folder(), &other, &error) == SLOTQ_OK);
        slotq_close(other);
    }
    SECTION("another version of the journal is left alone")
    {
        rewrite(4);
        CHECK(try_open(queue.folder(), &other, &error) == SLOTQ_VERSION);
        CHECK(std::string(error.text).find("another version") != std::string::npos);
        queue.close();
        CHECK(try_open(queue.folder(), &other, &error) == SLOTQ_VERSION);
    }
    SECTION("version 1, which had a mutex, is replaced unless a step is in it")
    {
        queue.close();
        Mapped journal = journal_of(queue);
        journal.bytes[4] = 1;
        const uint32_t check = support::xxh32(journal.bytes, 40);
        std::memcpy(journal.bytes + 40, &check, sizeof check);
        const bool live = GENERATE(false, true);
        if (live) {
            leave_step(journal.bytes, PAUSED_AT, SLOTQ_PAUSE_IN);
        }
        CHECK(try_open(queue.folder(), &other, &error) == (live ? SLOTQ_VERSION : SLOTQ_OK));
        slotq_close(other);
        CHECK(journal_of(queue).bytes[4] == (live ? 1 : 2));
        CHECK((std::string(error.text).find("unfinished step") != std::string::npos) == live);
    }
}

TEST_CASE("cut or extended while open", "[recovery]")
{
    Queue queue(Kind::file);
    queue.fill(1);
    const bool journal = GENERATE(false, true);
    const std::string path = queue.folder().file(journal ? "q.slotq-journal" : "q.slotq");
    REQUIRE(truncate(path.c_str(), 100000) == 0);
    queue.now_ms += 1000;
    CHECK(queue.push("x") == SLOTQ_IO);
    const char *wanted = journal ? "was removed or truncated" : "changed to 100000 bytes";
    CHECK(queue.error().find(wanted) != std::string::npos);
}

TEST_CASE("all processes that open at once get in, and one recovers", "[recovery]")
{
    Queue queue(Kind::file);
    queue.fill(2);
    queue.close();
    for (int round = 0; round < 20; round++) {
        leave_step(journal_of(queue).bytes, PAUSED_AT, static_cast<uint8_t>(round % 4));
        std::atomic<uint32_t> sound(0);
        std::vector<std::thread> threads;
        for (int i = 0; i < 6; i++) {
            threads.emplace_back([&] {
                slotq *mine = nullptr;
                slotq_error error = {};
                slotq_stats stats = {};
                if (try_open(queue.folder(), &mine, &error) == SLOTQ_OK &&
                    slotq_get_stats(mine, 0, &stats) == SLOTQ_OK && stats.paused == round % 4) {
                    sound++;
                }
                slotq_close(mine);
            });
        }
        for (std::thread &thread : threads) {
            thread.join();
        }
        CHECK(sound == 6);
    }
}

TEST_CASE("create, open, push and remove by many at once", "[recovery]")
{
    const Folder folder;
    std::atomic<uint32_t> odd(0);
    std::atomic<uint32_t> pushed(0);
    const auto work = [&](int rounds) {
        const Geometry geometry;
        const slotq_data data = {"x", 1};
        for (int i = 0; i < rounds; i++) {
            slotq *mine = nullptr;
            slotq_error error = {};
            const slotq_outcome made = slotq_create(folder.path(), "q", geometry, nullptr, &error);
            odd += made != SLOTQ_OK;
            const slotq_outcome opened = try_open(folder, &mine, &error);
            odd += opened != SLOTQ_OK && opened != SLOTQ_NOQUEUE && opened != SLOTQ_LOCKED;
            if (opened == SLOTQ_OK) {
                const slotq_outcome outcome = slotq_push(mine, &data, 1, nullptr);
                odd += outcome != SLOTQ_OK && outcome != SLOTQ_FULL;
                pushed += outcome == SLOTQ_OK;
            }
            slotq_close(mine);
            const slotq_outcome removed = slotq_remove_queue(folder.path(), "q", &error);
            odd += removed != SLOTQ_OK && removed != SLOTQ_NOQUEUE && removed != SLOTQ_LOCKED;
        }
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++) {
        threads.emplace_back(work, 40);
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    CHECK(odd == 0);
    CHECK(pushed > 0);
}

TEST_CASE("sync=always leaves no step for the next opener", "[recovery]")
{
    Queue queue(Kind::file_synced);
    queue.fill(3);
    const std::vector<Message> got = queue.reserve(2);
    CHECK(journal_is_live(journal_of(queue).bytes)); /* one sync a verb: it stays */
    SECTION("a handle with sync=os retires it before its own")
    {
        slotq *other = nullptr;
        slotq_error error = {};
        REQUIRE(try_open(queue.folder(), &other, &error) == SLOTQ_OK);
        CHECK(slotq_ack(other, 0, got[0].id, got[0].token) == SLOTQ_OK);
        slotq_close(other);
        CHECK_FALSE(journal_is_live(journal_of(queue).bytes));
    }
    SECTION("closing retires it")
    {
        queue.close();
        CHECK_FALSE(journal_is_live(journal_of(queue).bytes));
    }
    SECTION("a pause, which has no journal, is not undone by a replay of it")
    {
        CHECK(slotq_kill(queue, 0, got[0].id, got[0].token, 1) == SLOTQ_OK);
        CHECK(slotq_pause(queue, SLOTQ_PAUSE_IN) == SLOTQ_OK);
        CHECK_FALSE(journal_is_live(journal_of(queue).bytes));
    }
}
