/* test_crash_world.hpp: a queue file under attack: made of any image, opened, verbs fired at it
 * through the library, put back to the bytes a crash left. Knows slotq.h and the file's names.
 */
#ifndef SLOTQ_TESTS_CRASH_WORLD_HPP
#define SLOTQ_TESTS_CRASH_WORLD_HPP

#include <memory>
#include <string>

#include "../../../../engine/slotq.h"
#include "../../../support/crash/folder.hpp"
#include "../../../support/crash/states.hpp"

namespace crash
{

struct closer {
    void operator()(slotq *queue) const
    {
        slotq_close(queue);
    }
    void operator()(slotq_batch *batch) const
    {
        slotq_batch_free(batch);
    }
};
using handle = std::unique_ptr<slotq, closer>;
using batch_handle = std::unique_ptr<slotq_batch, closer>;

/* What both files held at an instant. */
struct crash_state {
    bytes image;
    bytes journal;
};

/* What opening the queue after a crash came to. */
struct recovered {
    slotq_outcome outcome = SLOTQ_IO;
    std::string text; /* of the error; or what is unsound */
    bytes state;      /* canonical */
};

/* Check and export by a handle that is open. */
recovered look(slotq *queue);

class queue_file
{
public:
    /* A queue of this image; its clock stands. */
    explicit queue_file(const bytes &image, const slotq_geometry &shape);

    slotq_options options(slotq_sync sync = SLOTQ_SYNC_OS);
    handle open(const slotq_options &how, slotq_error *error = nullptr);
    handle open()
    {
        return open(options());
    }
    crash_state now() const;
    /* Both files as they were, in the same inodes. */
    void put(const crash_state &state);
    /* Open as the next process would, check, export, close. */
    recovered recover();

    std::string folder_path() const
    {
        return where.path();
    }
    std::string image_path() const
    {
        return where.file("q.slotq");
    }
    std::string journal_path() const
    {
        return where.file("q.slotq-journal");
    }

    uint64_t now_ms = 1700000000000;

private:
    folder where;
};

/* The verb through the library, all arguments being there. */
slotq_outcome fire(slotq *queue, prepared &call, slotq_batch *batch);

/* A number from the environment; else so many in a plain run, or so many under SLOTQ_PROVE. */
uint64_t how_many(const char *variable, uint64_t plain, uint64_t prove);
/* Of things tried one by one take each so-manieth: SLOTQ_CRASH_EVERY, or so; fewer of them where
 * sanitizers make each instruction ten. The first of them is drawn by the seed, below `every`. */
uint64_t each_of(uint64_t plain, uint64_t prove);
uint64_t first_of(const char *test, uint64_t every);
/* SLOTQ_SEED, or a new one; printed, so that a run can be had again. */
uint64_t seed_for(const char *test);
/* SLOTQ_TORTURE_SECONDS, 0 without. */
uint64_t torture_seconds();

} // namespace crash

#endif
