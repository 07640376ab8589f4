/* test_lock_turns.cpp: a batch settled in many ways does not keep others from a file until all are
 * done. Knows that the clock of a handle is asked with the lock held, and the word of the lock.
 */
#include "catch.hpp"

#include <atomic>
#include <chrono>
#include <thread>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "any_queue.hpp"

extern "C" {
#include "../../../engine/backend/file/journal.h"
#include "../../../engine/backend/file/lock.h"
}

using namespace any_queue;

namespace
{

/* The journal as the queue maps it. */
class Journal
{
public:
    explicit Journal(const std::string &path)
    {
        const int file = open(path.c_str(), O_RDWR);
        struct stat facts = {};
        REQUIRE(fstat(file, &facts) == 0);
        size_ = static_cast<size_t>(facts.st_size);
        bytes_ = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        close(file);
        REQUIRE(bytes_ != MAP_FAILED);
    }
    ~Journal()
    {
        munmap(bytes_, size_);
    }
    Journal(const Journal &) = delete;
    Journal &operator=(const Journal &) = delete;
    bool is_hungry() const
    {
        const uint32_t *word = journal_lock_word(static_cast<uint8_t *>(bytes_));
        return (__atomic_load_n(word, __ATOMIC_ACQUIRE) & LOCK_HUNGRY) != 0;
    }

private:
    size_t size_ = 0;
    void *bytes_ = nullptr;
};

/* The clock of the handle that settles. Its first question waits until another one waits
 * for the lock and is the next to get it, and longer where at_least says so. */
struct Clock {
    const Journal *journal = nullptr;
    std::atomic<bool> holds{false};
    bool stops = false;
    std::chrono::milliseconds at_least{0};

    static uint64_t ask(void *own)
    {
        Clock *self = static_cast<Clock *>(own);
        if (self->stops) {
            self->stops = false;
            self->holds = true;
            while (!self->journal->is_hungry()) {
                std::this_thread::yield();
            }
            std::this_thread::sleep_for(self->at_least);
        }
        return 1700000000000;
    }
};

/* Settle two messages in two ways, while another handle waits to look: true if it looked between
 * them. */
bool gets_between(bool syncs, bool by_next)
{
    Folder folder;
    Clock clock;
    slotq_options options = {};
    options.clock_ms = Clock::ask;
    options.clock_context = &clock;
    options.sync = syncs ? SLOTQ_SYNC_ALWAYS : SLOTQ_SYNC_OS;
    clock.at_least = std::chrono::milliseconds(syncs ? 0 : 50);
    slotq *queue = nullptr;
    slotq *other = nullptr;
    REQUIRE(slotq_create(folder.path(), "q", Geometry(9, 16), nullptr, nullptr) == SLOTQ_OK);
    REQUIRE(slotq_open(folder.path(), "q", &options, &queue, nullptr) == SLOTQ_OK);
    options = {};
    options.clock_ms = [](void *) -> uint64_t { return 1700000000000; };
    REQUIRE(slotq_open(folder.path(), "q", &options, &other, nullptr) == SLOTQ_OK);
    const Journal journal(folder.file("q.slotq-journal"));
    clock.journal = &journal;
    const Batch given = batch();
    const slotq_data data[2] = {{"a", 1}, {"b", 1}};
    REQUIRE(slotq_push(queue, data, 2, nullptr) == SLOTQ_OK);
    REQUIRE(slotq_reserve(queue, 0, 2, 30000, 0, given.get()) == SLOTQ_OK);
    REQUIRE(slotq_mark(queue, SLOTQ_SETTLE_NACK, given.get(), 1, 1000, 0, nullptr) == SLOTQ_OK);
    REQUIRE(slotq_mark(queue, SLOTQ_SETTLE_NACK, given.get(), 2, 2000, 0, nullptr) == SLOTQ_OK);
    slotq_stats seen = {};
    slotq_outcome outcome = SLOTQ_INVALID;
    std::thread looks([&] {
        while (!clock.holds) {
            std::this_thread::yield();
        }
        outcome = slotq_get_stats(other, 0, &seen);
    });
    clock.stops = true;
    slotq_settled settled = {};
    CHECK((by_next ? slotq_next(queue, 0, 1, 30000, 0, given.get(), &settled) == SLOTQ_EMPTY
                   : slotq_ack_batch(queue, given.get()) == SLOTQ_OK));
    looks.join();
    CHECK(outcome == SLOTQ_OK);
    const bool between = seen.waiting == 1 && seen.leased == 1;
    CHECK(slotq_get_stats(other, 0, &seen) == SLOTQ_OK);
    CHECK(seen.waiting == 2);
    slotq_close(other);
    slotq_close(queue);
    return between;
}

} // namespace

/* The lock waits for a hungry handle only for a moment, which a busy machine can miss; a batch that
 * keeps the lock misses always. */
TEST_CASE("others get in between two ways that take long", "[mark]")
{
    const bool syncs = GENERATE(true, false);
    const bool by_next = GENERATE(true, false);
    bool between = false;
    for (uint32_t i = 0; i < 50 && !between; i++) {
        between = gets_between(syncs, by_next);
    }
    CHECK(between);
}
