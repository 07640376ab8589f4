/* test_syncs.cpp: syncs that fail: what the caller is told fits what the disk may hold, the handle
 * answers IO from then on, and handles that did not fail go on. Knows slotq.h and journal.h.
 */
#include <cstring>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

extern "C" {
#include "../../../../engine/backend/file/journal.h"
}
#include "../../../support/catch.hpp"
#include "../../../support/faults/faults.hpp"
#include "test_crash_world.hpp"

using namespace crash;

namespace
{

/* A queue under sync=always with some messages pushed. */
struct synced_queue {
    folder where;
    slotq_options how = {};
    handle queue;
    batch_handle batch{slotq_batch_new()};

    explicit synced_queue(uint32_t count = 4)
    {
        const slotq_geometry shape = geometry(9, 40, 1);
        slotq_error error = {};
        how.sync = SLOTQ_SYNC_ALWAYS;
        REQUIRE(slotq_create(where.path().c_str(), "q", &shape, &how, &error) == SLOTQ_OK);
        queue = open();
        REQUIRE(queue != nullptr);
        for (uint32_t i = 0; i < count; i++) {
            REQUIRE(push(queue.get()) == SLOTQ_OK);
        }
    }

    handle open()
    {
        slotq *opened = nullptr;
        slotq_error error = {};
        const slotq_outcome outcome = slotq_open(where.path().c_str(), "q", &how, &opened, &error);
        INFO(error.text);
        CHECK(outcome == SLOTQ_OK);
        return handle(opened);
    }

    static slotq_outcome push(slotq *to)
    {
        const slotq_data message = {"payload", 7};
        return slotq_push(to, &message, 1, nullptr);
    }

    slotq_outcome reserve(slotq *from)
    {
        return slotq_reserve(from, 0, 1, 30000, 0, batch.get());
    }

    bool record_is_live() const
    {
        return journal_is_live(read_file(where.file("q.slotq-journal")).data());
    }

    std::string told() const
    {
        return slotq_error_of(queue.get())->text;
    }
};

/* The next sync of that kind fails, but once. */
template <typename Work>
slotq_outcome with_failing(int call, uint64_t at, Work work)
{
    faults::arm(call, at, false);
    const slotq_outcome outcome = work();
    CHECK(faults::struck() == 1);
    faults::disarm();
    return outcome;
}

bool has(const std::string &text, const char *words)
{
    return text.find(words) != std::string::npos;
}

} // namespace

TEST_CASE("a record whose own sync fails may be on the disk, and the caller is told", "[syncs]")
{
    REQUIRE(faults::linked());
    synced_queue it;
    slotq *made = nullptr;
    REQUIRE(slotq_clone(it.queue.get(), &made, nullptr) == SLOTQ_OK);
    const handle clone(made);
    const slotq_outcome outcome =
        with_failing(faults::CALL_msync, 1, [&] { return it.reserve(it.queue.get()); });
    CHECK(outcome == SLOTQ_OUTCOME_UNKNOWN);
    CHECK(has(it.told(), "the disk may hold its record"));
    CHECK_FALSE(it.record_is_live()); /* the step was not done here */
    CHECK(it.reserve(it.queue.get()) == SLOTQ_IO);
    CHECK(has(it.told(), "a sync failed before"));
    slotq_stats stats = {};
    CHECK(slotq_get_stats(clone.get(), 0, &stats) == SLOTQ_IO); /* also where it only looks */
    const handle other = it.open();
    REQUIRE(slotq_get_stats(other.get(), 0, &stats) == SLOTQ_OK);
    CHECK(stats.ready == 4);
    CHECK(stats.leased == 0);
    CHECK(it.reserve(other.get()) == SLOTQ_OK);
    CHECK(slotq_check(other.get()) == SLOTQ_OK);
}

TEST_CASE("a record that could not be retired stays for the next handle to retire", "[syncs]")
{
    REQUIRE(faults::linked());
    synced_queue it;
    const handle other = it.open();
    REQUIRE(it.reserve(it.queue.get()) == SLOTQ_OK);
    REQUIRE(it.record_is_live()); /* the disk's only copy of the lease */
    const int call = GENERATE(faults::CALL_fdatasync, faults::CALL_msync);
    const slotq_outcome outcome =
        with_failing(call, 1, [&] { return slotq_pause(it.queue.get(), SLOTQ_PAUSE_IN); });
    CHECK(outcome == SLOTQ_IO);
    CHECK(has(it.told(), "Nothing was done"));
    CHECK(it.record_is_live());
    slotq_stats stats = {};
    REQUIRE(slotq_get_stats(other.get(), 0, &stats) == SLOTQ_OK);
    CHECK(stats.paused == 0);
    CHECK(slotq_pause(other.get(), SLOTQ_PAUSE_IN) == SLOTQ_OK);
    CHECK_FALSE(it.record_is_live());
    CHECK(slotq_pause(it.queue.get(), SLOTQ_PAUSE_OUT) == SLOTQ_IO);
}

TEST_CASE("a recovery whose sync fails does not say that nothing was done", "[syncs]")
{
    REQUIRE(faults::linked());
    synced_queue it;
    REQUIRE(it.reserve(it.queue.get()) == SLOTQ_OK);
    const std::string path = it.where.file("q.slotq-journal");
    const bytes live = read_file(path);
    it.queue.reset();
    bytes cut = read_file(path);
    std::memcpy(cut.data() + JOURNAL_AT_LIVE, live.data() + JOURNAL_AT_LIVE,
                JOURNAL_BYTES - JOURNAL_AT_LIVE);
    write_file(path, cut);
    slotq *opened = nullptr;
    slotq_error error = {};
    const slotq_outcome outcome = with_failing(faults::CALL_fdatasync, 1, [&] {
        return slotq_open(it.where.path().c_str(), "q", &it.how, &opened, &error);
    });
    CHECK(outcome == SLOTQ_IO);
    CHECK(has(error.text, "The unfinished step of an ended process was completed"));
    CHECK(it.record_is_live());
    const handle again = it.open();
    CHECK(slotq_check(again.get()) == SLOTQ_OK);
}

TEST_CASE("a name that may not outlive a power loss: made or removed, outcome unknown", "[syncs]")
{
    REQUIRE(faults::linked());
    const folder where;
    const slotq_geometry shape = geometry(9, 40, 1);
    slotq_error error = {};
    const slotq_outcome made =
        with_failing(faults::CALL_fsync, 3, [&] { /* of the folder */
                                                  return slotq_create(where.path().c_str(), "q",
                                                                      &shape, nullptr, &error);
        });
    CHECK(made == SLOTQ_OUTCOME_UNKNOWN);
    CHECK(has(error.text, "q.slotq was made, but its folder could not be synced"));
    CHECK(access(where.file("q.slotq").c_str(), F_OK) == 0);
    const slotq_outcome removed = with_failing(faults::CALL_fsync, 1, [&] {
        return slotq_remove_queue(where.path().c_str(), "q", &error);
    });
    CHECK(removed == SLOTQ_OUTCOME_UNKNOWN);
    CHECK(has(error.text, "q.slotq was removed, but"));
    CHECK(access(where.file("q.slotq").c_str(), F_OK) != 0);
}
