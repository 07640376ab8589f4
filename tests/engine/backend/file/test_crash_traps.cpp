/* test_crash_traps.cpp: what goes wrong around a queue file that several have open: journals
 * deleted, foreign, cut short; the file removed; exclusive use. Clear answers, nothing lost.
 */
#include <cstdio>
#include <functional>

#include <sys/wait.h>
#include <unistd.h>

#include "../../../support/catch.hpp"
#include "test_crash_trace.hpp"

using namespace crash;

namespace
{

slotq_outcome push_one(slotq *queue)
{
    const slotq_data message = {"message", 7};
    return slotq_push(queue, &message, 1, nullptr);
}

uint64_t last_id(slotq *queue)
{
    slotq_stats stats = {};
    return slotq_get_stats(queue, 0, &stats) == SLOTQ_OK ? stats.last_id : UINT64_MAX;
}

/* In another process, for locks are held by processes' open files; its answer. */
int elsewhere(const std::function<int()> &body)
{
    const pid_t pid = fork();
    if (pid == 0) {
        _exit(body());
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

slotq_outcome open_elsewhere(queue_file &file, const slotq_options &how)
{
    return static_cast<slotq_outcome>(elsewhere([&] {
        slotq *queue = nullptr;
        const slotq_outcome outcome =
            slotq_open(file.folder_path().c_str(), "q", &how, &queue, nullptr);
        slotq_close(queue);
        return static_cast<int>(outcome);
    }));
}

} // namespace

TEST_CASE("the journal is deleted while the queue is open", "[crash][traps]")
{
    queue_file file(fresh(geometry(9, 16)), geometry(9, 16));
    handle first = file.open();
    REQUIRE(first != nullptr);
    REQUIRE(push_one(first.get()) == SLOTQ_OK);
    REQUIRE(unlink(file.journal_path().c_str()) == 0);

    slotq_error error = {};
    const handle second = file.open(file.options(), &error);
    CHECK(second == nullptr);
    CHECK(error.outcome != SLOTQ_OK);
    CHECK(std::string(error.text).size() > 20);

    CHECK(push_one(first.get()) == SLOTQ_OK);
    first.reset();
    const handle third = file.open();
    REQUIRE(third != nullptr);
    CHECK(slotq_check(third.get()) == SLOTQ_OK);
    CHECK(last_id(third.get()) == 2);
}

TEST_CASE("the journal is replaced by another while the queue is open", "[crash][traps]")
{
    queue_file file(fresh(geometry(9, 16)), geometry(9, 16));
    handle first = file.open();
    REQUIRE(first != nullptr);
    REQUIRE(push_one(first.get()) == SLOTQ_OK);
    const bytes journal = read_file(file.journal_path());
    REQUIRE(unlink(file.journal_path().c_str()) == 0);
    REQUIRE(write_file(file.journal_path(), journal));

    slotq_error error = {};
    const handle second = file.open(file.options(), &error);
    CHECK(second == nullptr);
    CHECK(std::string(error.text).size() > 20);
    first.reset();
    const handle third = file.open();
    REQUIRE(third != nullptr);
    CHECK(last_id(third.get()) == 1);
}

TEST_CASE("the queue file is removed while open", "[crash][traps]")
{
    queue_file file(fresh(geometry(9, 16)), geometry(9, 16));
    const handle queue = file.open();
    REQUIRE(queue != nullptr);
    REQUIRE(push_one(queue.get()) == SLOTQ_OK);
    REQUIRE(unlink(file.image_path().c_str()) == 0);

    file.now_ms += 5000;
    const batch_handle batch(slotq_batch_new());
    slotq_outcome outcome = slotq_reserve(queue.get(), 0, 1, 30000, 0, batch.get());
    if (outcome == SLOTQ_OK) {
        file.now_ms += 5000;
        outcome = slotq_reserve(queue.get(), 0, 1, 30000, 20, batch.get());
    }
    CHECK(outcome == SLOTQ_IO);
    CHECK(std::string(slotq_error_of(queue.get())->text).size() > 20);
    slotq_error error = {};
    CHECK(file.open(file.options(), &error) == nullptr);
    CHECK(error.outcome == SLOTQ_NOQUEUE);
}

TEST_CASE("a second opener of an exclusive file, and an exclusive one of a shared file",
          "[crash][traps]")
{
    queue_file file(fresh(geometry(9, 16)), geometry(9, 16));
    slotq_options exclusive = file.options();
    exclusive.exclusive = true;
    {
        const handle owner = file.open(exclusive);
        REQUIRE(owner != nullptr);
        CHECK(file.open() == nullptr);
        CHECK(file.open(exclusive) == nullptr);
        CHECK(open_elsewhere(file, file.options()) == SLOTQ_LOCKED);
        CHECK(open_elsewhere(file, exclusive) == SLOTQ_LOCKED);
        slotq_error error = {};
        CHECK(slotq_remove_queue(file.folder_path().c_str(), "q", &error) == SLOTQ_LOCKED);
        CHECK(std::string(error.text).size() > 20);
    }
    {
        const handle sharer = file.open();
        REQUIRE(sharer != nullptr);
        CHECK(open_elsewhere(file, file.options()) == SLOTQ_OK);
        CHECK(open_elsewhere(file, exclusive) == SLOTQ_LOCKED);
        CHECK(push_one(sharer.get()) == SLOTQ_OK);
    }
    CHECK(open_elsewhere(file, exclusive) == SLOTQ_OK);
}

TEST_CASE("the journal of another queue", "[crash][traps]")
{
    need_stepping();
    const auto cut = cut_short();
    REQUIRE(cut != nullptr);
    queue_file other(cut->before.image, cut->world.shape);
    const crash_state mixed = {cut->before.image, cut->state.journal};
    other.put(mixed);
    const recovered got = other.recover();
    CAPTURE(got.text);
    if (got.outcome != SLOTQ_OK) {
        CHECK(got.text.size() > 20);
        CHECK((other.now().image == mixed.image));
    } else {
        CHECK((got.state == cut->call.legal.front()));
    }
    unlink(other.journal_path().c_str());
    CHECK((other.recover().state == cut->call.legal.front()));
}

TEST_CASE("a journal with a record to finish, cut short", "[crash][traps][deep]")
{
    need_stepping();
    const auto cut = cut_short();
    REQUIRE(cut != nullptr);
    cut->file.put(cut->state);
    REQUIRE((cut->file.recover().state == cut->call.legal.back()));

    const size_t whole = cut->state.journal.size();
    const size_t step = each_of(97, 31);
    for (size_t size = 0; size < whole; size += step) {
        crash_state shorter = cut->state;
        shorter.journal.resize(size);
        cut->file.put(shorter);
        const recovered got = cut->file.recover();
        INFO("journal of " << size << " bytes of " << whole << ": " << got.text);
        if (got.outcome == SLOTQ_OK) {
            REQUIRE(among(got.state, cut->call.legal));
        } else {
            REQUIRE(got.text.size() > 20);
            REQUIRE((cut->file.now().image == shorter.image));
        }
    }
}

TEST_CASE("a read-only opener of a queue that was cut short", "[crash][traps]")
{
    need_stepping();
    const auto cut = cut_short();
    REQUIRE(cut != nullptr);
    cut->file.put(cut->state);
    slotq_options how = cut->file.options();
    how.read_only = true;
    slotq_error error = {};
    const handle reader = cut->file.open(how, &error);
    CHECK(reader == nullptr);
    CHECK(error.outcome >= SLOTQ_OK);
    CHECK(std::string(error.text).size() > 20);
    CHECK((cut->file.now().image == cut->state.image));
    CHECK((cut->file.recover().state == cut->call.legal.back()));
}
