/* test_renamed.cpp: queue files that are renamed, with and without their journal, open and closed:
 * no step is lost or left half done, and no handle goes on in a file that lost its name.
 */
#include "catch.hpp"

#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include "../../support/image/fields.hpp"
#include "any_queue.hpp"

extern "C" {
#include "../../../engine/backend/file/journal.h"
}

using namespace any_queue;

namespace
{

constexpr uint32_t PAUSED_AT = support::field::shared_paused.offset;

/* The journal holds a step that was cut short: pause for consumers. */
void leave_step(const std::string &path)
{
    static slotq_step step;
    std::vector<uint8_t> journal = read_file(path);
    std::memset(&step, 0, sizeof step);
    step.patch_count = 1;
    step.visible_count = 1;
    step.scratch_used = 1;
    step.scratch[0] = SLOTQ_PAUSE_OUT;
    step.patches[0] = {PAUSED_AT, 1, 0, SLOTQ_PATCH_BYTES};
    journal_write(journal.data(), &step, false);
    write_file(path, journal);
}

void rename_file(Queue &queue, const char *from, const char *to)
{
    REQUIRE(rename(queue.folder().file(from).c_str(), queue.folder().file(to).c_str()) == 0);
}

bool is_there(Queue &queue, const char *name)
{
    return access(queue.folder().file(name).c_str(), F_OK) == 0;
}

slotq_outcome open_renamed(Queue &queue, bool read_only, slotq **opened, std::string *told)
{
    slotq_options options = {};
    slotq_error error = {};
    options.read_only = read_only;
    *opened = nullptr;
    const slotq_outcome outcome = slotq_open(queue.folder().path(), "r", &options, opened, &error);
    *told = error.text;
    return outcome;
}

/* Queue q, left in mid-step, whose main file is r.slotq now. */
struct Renamed {
    Queue queue{Kind::file};
    Renamed()
    {
        queue.fill(2);
        queue.close();
        leave_step(queue.folder().file("q.slotq-journal"));
        rename_file(queue, "q.slotq", "r.slotq");
    }
    bool has_birth()
    {
        journal_owner owner = {};
        const std::string path = queue.folder().file("r.slotq");
        const int file = open(path.c_str(), O_RDONLY);
        REQUIRE(journal_owner_of(file, read_file(path).data(), &owner));
        close(file);
        return owner.birth_ns != 0;
    }
};

} // namespace

TEST_CASE("a main file renamed in mid-step: its journal follows", "[renamed]")
{
    Renamed it;
    if (!it.has_birth()) {
        WARN("the file system keeps no times of birth: not tried");
        return;
    }
    if (GENERATE(false, true)) { /* a journal at rest of another queue has the new name */
        const Queue other(Kind::file);
        write_file(it.queue.folder().file("r.slotq-journal"),
                   read_file(const_cast<Queue &>(other).folder().file("q.slotq-journal")));
    }
    slotq *opened = nullptr;
    std::string told;
    REQUIRE(open_renamed(it.queue, false, &opened, &told) == SLOTQ_OK);
    slotq_stats stats = {};
    CHECK(slotq_get_stats(opened, 0, &stats) == SLOTQ_OK);
    CHECK(stats.paused == SLOTQ_PAUSE_OUT);
    CHECK(slotq_check(opened) == SLOTQ_OK);
    CHECK(is_there(it.queue, "r.slotq-journal"));
    CHECK_FALSE(is_there(it.queue, "q.slotq-journal"));
    slotq_close(opened);
}

TEST_CASE("a reader does not pass over the journal of a renamed file", "[renamed]")
{
    Renamed it;
    slotq *opened = nullptr;
    std::string told;
    CHECK(open_renamed(it.queue, true, &opened, &told) == SLOTQ_UNSUPPORTED);
    CHECK(told.find("open the queue once for writing") != std::string::npos);
    CHECK(is_there(it.queue, "q.slotq-journal"));
    CHECK_FALSE(is_there(it.queue, "r.slotq-journal"));
}

TEST_CASE("two journals of one renamed file are for the user to judge", "[renamed]")
{
    Renamed it;
    const std::vector<uint8_t> journal = read_file(it.queue.folder().file("q.slotq-journal"));
    const std::vector<uint8_t> image = read_file(it.queue.folder().file("r.slotq"));
    write_file(it.queue.folder().file("old.slotq-journal"), journal);
    slotq *opened = nullptr;
    std::string told;
    CHECK(open_renamed(it.queue, false, &opened, &told) == SLOTQ_IO);
    CHECK(told.find("was renamed without its journal") != std::string::npos);
    CHECK(told.find("to r.slotq-journal") != std::string::npos);
    CHECK(read_file(it.queue.folder().file("r.slotq")) == image);
    CHECK(read_file(it.queue.folder().file("q.slotq-journal")) == journal);
    unlink(it.queue.folder().file("old.slotq-journal").c_str());
    rename_file(it.queue, "q.slotq-journal", "r.slotq-journal"); /* what the text says */
    REQUIRE(open_renamed(it.queue, false, &opened, &told) == SLOTQ_OK);
    slotq_close(opened);
}

TEST_CASE("a handle whose file lost its name goes on in no other file", "[renamed]")
{
    Queue queue(Kind::file);
    queue.fill(2);
    const bool replaced = GENERATE(false, true);
    rename_file(queue, "q.slotq", "r.slotq");
    rename_file(queue, "q.slotq-journal", "r.slotq-journal");
    const Geometry geometry;
    if (replaced) {
        REQUIRE(slotq_create(queue.folder().path(), "q", geometry, nullptr, nullptr) == SLOTQ_OK);
    }
    const std::vector<uint8_t> renamed = read_file(queue.folder().file("r.slotq"));
    queue.now_ms += 2000; /* it looks once a second */
    CHECK(queue.push("x") == SLOTQ_IO);
    CHECK(queue.error().find("was renamed, or another file took its name") != std::string::npos);
    CHECK(slotq_check(queue) == SLOTQ_IO);
    CHECK(read_file(queue.folder().file("r.slotq")) == renamed);
    queue.close();
    slotq *opened = nullptr;
    std::string told;
    REQUIRE(open_renamed(queue, false, &opened, &told) == SLOTQ_OK);
    slotq_stats stats = {};
    CHECK(slotq_get_stats(opened, 0, &stats) == SLOTQ_OK);
    CHECK(stats.ready == 2);
    slotq_close(opened);
}
