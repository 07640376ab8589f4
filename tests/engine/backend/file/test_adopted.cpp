/* test_adopted.cpp: a queue copied together with its journal, which holds a step that was cut
 * short: refused, both files as they were, or the step is done in the copy on the user's word.
 */
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>

#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

extern "C" {
#include "../../../../engine/backend/file/journal.h"
#include "../../../../engine/layout/checksum.h"
}
#include "../../../support/catch.hpp"
#include "../../../support/counted.hpp"
#include "../../../support/faults/faults.hpp"
#include "test_crash_trace.hpp"

using namespace crash;

namespace
{

constexpr size_t AT_VERSION = 4; /* as journal.h says */
constexpr size_t AT_HEADER_CHECK = 40;
constexpr size_t AT_SCRATCH_COUNT = JOURNAL_AT_RECORD + 4;

void put_word(bytes &journal, size_t at, uint32_t word)
{
    for (size_t i = 0; i < 4; i++) {
        journal[at + i] = static_cast<uint8_t>(word >> 8 * i);
    }
}

slotq_options adopting(queue_file &file, slotq_sync sync = SLOTQ_SYNC_OS)
{
    slotq_options how = file.options(sync);
    how.adopt_journal = true;
    return how;
}

bool is_same(const crash_state &left, const crash_state &right)
{
    return left.image == right.image && left.journal == right.journal;
}

/* What the queue holds, opened so; empty where it does not open. */
bytes state_of(queue_file &file, const slotq_options &how)
{
    slotq_error error = {};
    const handle queue = file.open(how, &error);
    INFO(error.text);
    CHECK(queue != nullptr);
    if (queue == nullptr || slotq_check(queue.get()) != SLOTQ_OK) {
        return {};
    }
    bytes image(slotq_image_bytes(queue.get()));
    CHECK(slotq_export(queue.get(), image.data(), image.size()) == SLOTQ_OK);
    return canonical(image);
}

/* Why it does not open; both files stay as they are. */
slotq_error refusal(queue_file &file, const slotq_options &how)
{
    const crash_state before = file.now();
    slotq_error error = {};
    CHECK(file.open(how, &error) == nullptr);
    INFO(error.text);
    CHECK(std::string(error.text).size() > 60);
    CHECK(is_same(file.now(), before));
    return error;
}

bool names(const slotq_error &error, const std::string &words)
{
    return std::string(error.text).find(words) != std::string::npos;
}

/* A queue and its journal as they were cut short, copied to another folder. */
struct copied {
    std::unique_ptr<half_done> cut;
    std::unique_ptr<queue_file> file;
    bytes wanted; /* after the step */

    explicit copied(slotq_sync sync) : cut(cut_short(sync))
    {
        REQUIRE(cut != nullptr);
        REQUIRE(journal_is_live(cut->state.journal.data()));
        file = std::make_unique<queue_file>(cut->before.image, cut->world.shape);
        file->put(cut->state);
        wanted = cut->call.legal.back();
    }
};

void kill_in_child(const std::function<void()> &body)
{
    const pid_t pid = fork();
    if (pid == 0) {
        body();
        raise(SIGKILL);
    }
    int status = 0;
    REQUIRE(waitpid(pid, &status, 0) == pid);
    REQUIRE(WIFSIGNALED(status));
}

/* Message 2 was acked under sync=always, then the power went: of the ack the disk has the record
 * alone. */
crash_state ack_of_which_only_the_record_is_left(queue_file &file)
{
    const std::string before = file.folder_path() + "/before";
    kill_in_child([&] {
        slotq *queue = file.open(file.options(SLOTQ_SYNC_ALWAYS)).release(); /* never closed */
        const batch_handle batch(slotq_batch_new());
        const slotq_data messages[] = {{"a", 1}, {"b", 1}, {"c", 1}};
        slotq_message message = {};
        slotq_push(queue, messages, 3, nullptr);
        slotq_reserve(queue, 0, 2, 30000, 0, batch.get());
        slotq_batch_next(batch.get(), &message);
        slotq_batch_next(batch.get(), &message);
        write_file(before, read_file(file.image_path()));
        if (slotq_ack(queue, 0, message.id, message.token) != SLOTQ_OK) {
            _exit(1);
        }
    });
    return {read_file(before), read_file(file.journal_path())};
}

uint8_t state_of_message(queue_file &file, const slotq_options &how, uint64_t id)
{
    const handle queue = file.open(how);
    slotq_status status = {};
    REQUIRE(queue != nullptr);
    REQUIRE(slotq_get_status(queue.get(), 0, id, &status) == SLOTQ_OK);
    return static_cast<uint8_t>(status.state);
}

/* Each time, one call that adopting makes of the system fails: adopting again mends it. */
void adopt_with(const copied &copy, int call, uint64_t at, bool for_good)
{
    queue_file &file = *copy.file;
    slotq_error error = {};
    file.put(copy.cut->state);
    const int descriptors = open_descriptors();
    faults::arm(call, at, for_good);
    const bool opened = file.open(adopting(file), &error) != nullptr;
    const uint64_t struck = faults::struck();
    const int64_t allocations = faults::allocations_left();
    const int64_t mapped = faults::mapped_left();
    faults::disarm();
    INFO(faults::name_of(call) << " number " << at << (for_good ? " and all after: " : " once: ")
                               << error.text);
    CHECK(struck > 0);
    CHECK((opened || std::string(error.text).size() > 20));
    CHECK(allocations == 0);
    CHECK(mapped == 0);
    CHECK(open_descriptors() == descriptors);
    const bool synced = strcmp(faults::name_of(call), "fdatasync") != 0;
    CHECK((synced || journal_is_live(file.now().journal.data())));
    CHECK((state_of(file, adopting(file)) == copy.wanted));
}

} // namespace

TEST_CASE("a copied queue with a step cut short opens on the user's word", "[adopted]")
{
    need_stepping();
    copied copy(GENERATE(SLOTQ_SYNC_OS, SLOTQ_SYNC_ALWAYS));
    queue_file &file = *copy.file;

    const slotq_error unasked = refusal(file, file.options());
    CHECK(unasked.outcome == SLOTQ_IO);
    CHECK(names(unasked, "slotq doctor --adopt-journal q "));
    slotq_options reading = adopting(file);
    reading.read_only = true;
    const slotq_error unwritable = refusal(file, reading);
    CHECK(unwritable.outcome == SLOTQ_UNSUPPORTED);
    CHECK(names(unwritable, "open it once for writing"));

    CHECK((state_of(file, adopting(file)) == copy.wanted));
    const bytes own = file.now().journal;
    CHECK_FALSE(journal_is_live(own.data()));
    CHECK((state_of(file, file.options()) == copy.wanted));
    CHECK((state_of(file, adopting(file)) == copy.wanted)); /* nothing is left to be adopted */
}

TEST_CASE("an ack that only the copied journal knows is not lost", "[adopted]")
{
    const slotq_geometry shape = geometry(9, 16);
    queue_file original(fresh(shape), shape);
    const crash_state left = ack_of_which_only_the_record_is_left(original);
    REQUIRE(journal_is_live(left.journal.data()));
    queue_file copy(left.image, shape);
    CHECK(state_of_message(copy, copy.options(), 2) == SLOTQ_STATE_LEASED);
    copy.put(left);
    refusal(copy, copy.options(SLOTQ_SYNC_ALWAYS));
    CHECK(state_of_message(copy, adopting(copy, SLOTQ_SYNC_ALWAYS), 2) == SLOTQ_STATE_DONE);
    CHECK(state_of_message(copy, copy.options(), 2) == SLOTQ_STATE_DONE);
}

TEST_CASE("the journal of another queue is adopted only where its step fits", "[adopted]")
{
    need_stepping();
    copied copy(GENERATE(SLOTQ_SYNC_OS, SLOTQ_SYNC_ALWAYS));
    const slotq_geometry &shape = copy.cut->world.shape;

    queue_file empty(fresh(shape), shape);
    empty.put({fresh(shape), copy.cut->state.journal});
    const slotq_error unsound = refusal(empty, adopting(empty));
    CHECK(unsound.outcome == SLOTQ_CORRUPT);
    CHECK(names(unsound, "would be damaged at byte " + std::to_string(unsound.offset)));
    unlink(empty.journal_path().c_str());
    CHECK((state_of(empty, adopting(empty)) == canonical(fresh(shape))));

    queue_file alike(copy.cut->before.image, shape); /* that is the user's word */
    alike.put({copy.cut->before.image, copy.cut->state.journal});
    CHECK((state_of(alike, adopting(alike)) == copy.wanted));
}

TEST_CASE("a journal of another geometry or size is not adopted", "[adopted]")
{
    need_stepping();
    copied copy(SLOTQ_SYNC_ALWAYS);
    slotq_geometry other = copy.cut->world.shape;
    if (GENERATE(false, true)) {
        other.tick_ms = static_cast<uint16_t>(other.tick_ms + 1); /* of the same size */
    } else {
        other.ring_slots = static_cast<uint16_t>(other.ring_slots + 1);
    }
    queue_file file(fresh(other), other);
    file.put({fresh(other), copy.cut->state.journal});
    for (const bool asked : {false, true}) {
        const slotq_error error = refusal(file, asked ? adopting(file) : file.options());
        CHECK(error.outcome == SLOTQ_IO);
        CHECK(names(error, "another generation, geometry or size"));
        CHECK_FALSE(names(error, "--adopt-journal"));
    }
}

TEST_CASE("a copied journal that is torn, broken, damaged or of another version", "[adopted]")
{
    need_stepping();
    copied synced(SLOTQ_SYNC_ALWAYS);
    copied plain(SLOTQ_SYNC_OS);
    const auto spoiled = [](copied &copy, const std::function<void(bytes &)> &spoil) {
        crash_state state = copy.cut->state;
        spoil(state.journal);
        copy.file->put(state);
        return refusal(*copy.file, adopting(*copy.file));
    };
    for (size_t at = JOURNAL_AT_RECORD + JOURNAL_RECORD_HEAD_BYTES; at < 300; at += 7) {
        const slotq_error torn = spoiled(synced, [at](bytes &journal) { journal[at] ^= 1; });
        CHECK(torn.outcome == SLOTQ_CORRUPT);
        CHECK(names(torn, "an incomplete step"));
    }
    const slotq_error broken =
        spoiled(plain, [](bytes &journal) { put_word(journal, AT_SCRATCH_COUNT, 0xFFFFFFFF); });
    CHECK(broken.outcome == SLOTQ_CORRUPT);
    CHECK(names(broken, "breaks the format"));
    const slotq_error damaged = spoiled(plain, [](bytes &journal) { journal[AT_VERSION] = 3; });
    CHECK(damaged.outcome == SLOTQ_CORRUPT);
    CHECK(names(damaged, "not a sound journal"));
    const slotq_error newer = spoiled(plain, [](bytes &journal) {
        journal[AT_VERSION] = 3;
        put_word(journal, AT_HEADER_CHECK, checksum_xxh32(journal.data(), AT_HEADER_CHECK));
    });
    CHECK(newer.outcome == SLOTQ_VERSION);
    const slotq_error shorter = spoiled(plain, [](bytes &journal) { journal.resize(4000); });
    CHECK(shorter.outcome == SLOTQ_CORRUPT);
}

TEST_CASE("adopting that is cut short itself is mended by adopting again", "[adopted]")
{
    need_stepping();
    copied copy(GENERATE(SLOTQ_SYNC_OS, SLOTQ_SYNC_ALWAYS));
    queue_file &file = *copy.file;
    const trace seen = step_open(file, adopting(file));
    REQUIRE(seen.exit_code == 0);
    uint64_t live = 0;
    for (const crash_state &half : seen.states) {
        INFO("state " << &half - seen.states.data() << " of " << seen.states.size());
        file.put(half);
        if (journal_is_live(half.journal.data())) {
            refusal(file, file.options());
            CHECK((state_of(file, adopting(file)) == copy.wanted));
            live++;
        } else { /* the step was done, and only the queue's own journal was missing */
            CHECK((state_of(file, file.options()) == copy.wanted));
        }
    }
    CHECK(live >= 2);
    CHECK(live < seen.states.size());

    file.put(copy.cut->state);
    kill_in_child([&] { file.open(adopting(file)).release(); });
    CHECK((state_of(file, file.options()) == copy.wanted));
}

TEST_CASE("each system call of adopting fails, and adopting again mends it", "[adopted][faults]")
{
    need_stepping();
    REQUIRE(faults::linked());
    copied copy(SLOTQ_SYNC_ALWAYS);
    faults::arm(0, 0, false);
    CHECK(copy.file->open(adopting(*copy.file)) != nullptr);
    uint64_t made[faults::CALL_COUNT];
    for (int call = 0; call < faults::CALL_COUNT; call++) {
        made[call] = faults::calls(call);
    }
    faults::disarm();
    uint64_t tried = 0;
    for (int call = 0; call < faults::CALL_COUNT; call++) {
        for (uint64_t at = 1; at <= made[call]; at++, tried++) {
            adopt_with(copy, call, at, false);
            adopt_with(copy, call, at, true);
        }
    }
    support::counted(tried, "failing calls");
    CHECK(tried > 20);
}
