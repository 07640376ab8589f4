/* test_lock_owners.cpp: what processes see of the one that has the lock: stopped inside a verb,
 * killed inside, forked, its descriptors kept or closed, in PID namespaces of their own. The clock
 * of a handle is asked with the lock held, so it is where these tests stop and kill.
 */
#include <csignal>
#include <functional>
#include <string>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sched.h>
#include <unistd.h>

#include "../../../support/catch.hpp"
#include "../../../support/image/fields.hpp"
#include "test_crash_world.hpp"
#include "test_namespaces.hpp"

extern "C" {
#include "../../../../engine/backend/file/journal.h"
#include "../../../../engine/backend/file/life.h"
#include "../../../../engine/backend/file/lock.h"
#include "../../../../engine/backend/file/locks.h"
}

using namespace crash;
using spaces::signal_pipe;

namespace
{

/* A handle with a clock that runs body, once, with the lock held. */
struct inside {
    std::function<void()> body;
    uint64_t now_ms = 1700000000000;

    static uint64_t clock(void *own)
    {
        inside *self = static_cast<inside *>(own);
        const std::function<void()> once = std::move(self->body);
        self->body = nullptr;
        if (once) {
            once();
        }
        return self->now_ms;
    }
};

slotq_options options_of(inside &clock)
{
    slotq_options how = {};
    how.clock_ms = inside::clock;
    how.clock_context = &clock;
    return how;
}

slotq_outcome push(slotq *queue)
{
    const slotq_data data = {"x", 1};
    return slotq_push(queue, &data, 1, nullptr);
}

/* A handle that waits for ever is a test that never ends: this one gives up after a second. */
bool at_once(void *)
{
    return true;
}

slotq_options impatient(queue_file &file)
{
    slotq_options how = file.options();
    how.should_stop = at_once;
    return how;
}

bool is_kept_out(slotq *queue, slotq_outcome outcome)
{
    const slotq_error *error = slotq_error_of(queue);
    return outcome == SLOTQ_IO && error->passes &&
           std::string(error->text).find("held the lock") != std::string::npos;
}

uint32_t word_of(const queue_file &file)
{
    uint32_t word = 0;
    const int journal = open(file.journal_path().c_str(), O_RDONLY);
    CHECK(pread(journal, &word, sizeof word, JOURNAL_AT_LOCK) == sizeof word);
    close(journal);
    return word;
}

/* Open the queue, say so, and do body inside a push. The exit code is the push's outcome. */
int push_inside(queue_file &file, const signal_pipe &opened, const std::function<void()> &body)
{
    inside clock;
    const handle queue = file.open(options_of(clock));
    if (queue == nullptr) {
        return 100;
    }
    opened.tell();
    clock.body = body;
    return push(queue.get());
}

/* The same in a child. */
pid_t start_inside(queue_file &file, const std::function<void()> &body)
{
    const pid_t holder = fork();
    if (holder == 0) {
        const signal_pipe opened;
        _exit(push_inside(file, opened, body));
    }
    return holder;
}

/* Wait in a push; killed there. */
int push_plain(queue_file &file, const signal_pipe &opened)
{
    return push_inside(file, opened, [] {});
}

uint64_t count_of(queue_file &file)
{
    slotq_stats stats = {};
    const handle queue = file.open();
    CHECK(queue != nullptr);
    CHECK(slotq_check(queue.get()) == SLOTQ_OK);
    CHECK(slotq_get_stats(queue.get(), 0, &stats) == SLOTQ_OK);
    return stats.unfinished;
}

} // namespace

TEST_CASE("a stopped owner keeps all out, whatever dies in other PID namespaces", "[lock]")
{
    if (spaces::cannot_make()) {
        return;
    }
    queue_file file(fresh(geometry(9, 16)), geometry(9, 16));
    const spaces::space first;
    const spaces::space second;
    const signal_pipe opened;
    const signal_pipe entered;
    const signal_pipe go_on;
    const handle third = file.open(impatient(file));
    REQUIRE(third != nullptr);
    const pid_t holder = first.start([&] {
        return push_inside(file, opened, [&] {
            entered.tell();
            go_on.await();
        });
    });
    REQUIRE(holder > 0);
    opened.await();
    entered.await();
    spaces::stop(holder);
    for (int i = 0; i < 3; i++) { /* in the other one all thread ids come again */
        const pid_t waiter = second.start([&] { return push_plain(file, opened); });
        REQUIRE(waiter > 0);
        usleep(100000);
        spaces::end(waiter);
    }
    CHECK(is_kept_out(third.get(), push(third.get())));
    const batch_handle batch(slotq_batch_new());
    CHECK(is_kept_out(third.get(), slotq_reserve(third.get(), 0, 1, 1000, 10, batch.get())));
    CHECK(slotq_batch_count(batch.get()) == 0);
    kill(holder, SIGCONT);
    go_on.tell();
    CHECK(spaces::exit_of(holder) == SLOTQ_OK);
    CHECK(push(third.get()) == SLOTQ_OK);
    CHECK(count_of(file) == 2);
}

TEST_CASE("an owner killed inside in another PID namespace is followed", "[lock]")
{
    if (spaces::cannot_make()) {
        return;
    }
    queue_file file(fresh(geometry(9, 16)), geometry(9, 16));
    const spaces::space other;
    const handle mine = file.open(impatient(file));
    REQUIRE(mine != nullptr);
    for (int i = 0; i < 3; i++) {
        const signal_pipe opened;
        const pid_t holder =
            other.start([&] { return push_inside(file, opened, [] { kill(getpid(), SIGKILL); }); });
        REQUIRE(holder > 0);
        CHECK(spaces::exit_of(holder) == -1);
        CHECK((word_of(file) & LOCK_ID_MASK) != 0);
        CHECK(push(mine.get()) == SLOTQ_OK);
        CHECK(word_of(file) == 0);
    }
    CHECK(count_of(file) == 3);
}

TEST_CASE("a child that keeps the descriptors of a killed owner locks no process out", "[lock]")
{
    queue_file file(fresh(geometry(9, 16)), geometry(9, 16));
    const handle mine = file.open(impatient(file));
    REQUIRE(mine != nullptr);
    const signal_pipe entered;
    int child_of_holder[2];
    REQUIRE(pipe(child_of_holder) == 0);
    const pid_t holder = start_inside(file, [&] {
        const pid_t child = fork();
        if (child == 0) {
            for (;;) {
                pause();
            }
        }
        (void)!write(child_of_holder[1], &child, sizeof child);
        entered.tell();
        pause();
    });
    entered.await();
    pid_t child = -1;
    REQUIRE(read(child_of_holder[0], &child, sizeof child) == sizeof child);
    spaces::end(holder);
    CHECK(push(mine.get()) == SLOTQ_OK);
    kill(child, SIGKILL);
    close(child_of_holder[0]);
    close(child_of_holder[1]);
    CHECK(count_of(file) == 1);
}

TEST_CASE("a child uses the handle under a new id", "[lock]")
{
    queue_file file(fresh(geometry(9, 16)), geometry(9, 16));
    inside clock;
    slotq_options how = options_of(clock);
    how.should_stop = at_once;
    const handle queue = file.open(how);
    REQUIRE(queue != nullptr);
    uint32_t own_id = 0;
    clock.body = [&] { own_id = word_of(file) & LOCK_ID_MASK; };
    REQUIRE(push(queue.get()) == SLOTQ_OK);
    CHECK(own_id != 0);
    const signal_pipe entered;
    const signal_pipe go_on;
    const pid_t child = fork();
    if (child == 0) {
        clock.body = [&] {
            entered.tell();
            go_on.await();
            kill(getpid(), SIGKILL);
        };
        (void)push(queue.get());
        _exit(1);
    }
    entered.await();
    CHECK((word_of(file) & LOCK_ID_MASK) != own_id);
    CHECK(is_kept_out(queue.get(), push(queue.get()))); /* the child lives */
    go_on.tell();
    spaces::exit_of(child);
    CHECK(push(queue.get()) == SLOTQ_OK);
    CHECK(count_of(file) == 2);
}

TEST_CASE("a child that cannot open the file once more is refused, and its close is its own",
          "[lock]")
{
    queue_file file(fresh(geometry(9, 16)), geometry(9, 16));
    slotq *queue = file.open(impatient(file)).release();
    REQUIRE(queue != nullptr);
    const pid_t child = fork();
    if (child == 0) {
        const std::string moved = file.image_path() + "-moved";
        const bool renamed = rename(file.image_path().c_str(), moved.c_str()) == 0;
        const slotq_outcome outcome = push(queue);
        const std::string text = slotq_error_of(queue)->text;
        rename(moved.c_str(), file.image_path().c_str());
        const bool told = text.find("before the process forked") != std::string::npos;
        slotq_close(queue);
        _exit(renamed && outcome == SLOTQ_UNSUPPORTED && told ? 0 : 1);
    }
    CHECK(spaces::exit_of(child) == 0);
    const handle other = file.open(impatient(file));
    CHECK(push(queue) == SLOTQ_OK); /* still alive in the eyes of others */
    CHECK(push(other.get()) == SLOTQ_OK);
    slotq_close(queue);
    CHECK(count_of(file) == 2);
}

TEST_CASE("an owner that closed its descriptors by mistake is not taken for dead", "[lock]")
{
    queue_file file(fresh(geometry(9, 16)), geometry(9, 16));
    const handle mine = file.open(impatient(file));
    REQUIRE(mine != nullptr);
    const signal_pipe entered;
    const signal_pipe go_on;
    const pid_t holder = start_inside(file, [&] {
        struct stat queue_facts;
        stat(file.image_path().c_str(), &queue_facts);
        for (int descriptor = 3; descriptor < 1024; descriptor++) {
            struct stat facts;
            if (fstat(descriptor, &facts) == 0 && facts.st_ino == queue_facts.st_ino &&
                facts.st_dev == queue_facts.st_dev) {
                close(descriptor);
            }
        }
        entered.tell();
        go_on.await();
    });
    entered.await();
    CHECK(is_kept_out(mine.get(), push(mine.get())));
    slotq_error error = {};
    CHECK(slotq_remove_queue(file.folder_path().c_str(), "q", &error) == SLOTQ_LOCKED);
    go_on.tell();
    CHECK(spaces::exit_of(holder) != -1);
    CHECK(push(mine.get()) == SLOTQ_OK);
}

namespace
{

/* A dead owner that began a step. */
void die_in_step(const queue_file &file)
{
    static slotq_step step;
    step = {};
    step.patch_count = 1;
    step.visible_count = 1;
    step.scratch_used = 1;
    step.scratch[0] = SLOTQ_PAUSE_OUT;
    step.patches[0] = {support::field::shared_paused.offset, 1, 0, SLOTQ_PATCH_BYTES};
    const pid_t owner = fork();
    if (owner == 0) {
        const int journal = open(file.journal_path().c_str(), O_RDWR);
        void *mapped = mmap(nullptr, JOURNAL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, journal, 0);
        uint8_t *bytes = static_cast<uint8_t *>(mapped);
        const uint32_t id = __atomic_fetch_add(journal_next_id(bytes), 1, __ATOMIC_RELAXED);
        if (!lock_try(journal_lock_word(bytes), id)) {
            _exit(1);
        }
        journal_write(bytes, &step, false);
        _exit(0);
    }
    REQUIRE(spaces::exit_of(owner) == 0);
}

} // namespace

TEST_CASE("a reader without memory to recover leaves it to the next handle", "[lock]")
{
    queue_file file(fresh(geometry(9, 16)), geometry(9, 16));
    const handle writer = file.open(impatient(file));
    REQUIRE(writer != nullptr);
    const signal_pipe opened;
    const signal_pipe died;
    const pid_t reader = fork();
    if (reader == 0) {
        slotq_options how = impatient(file);
        slotq_stats stats = {};
        how.read_only = true;
        const handle queue = file.open(how);
        opened.tell();
        died.await();
        rlimit before = {};
        getrlimit(RLIMIT_AS, &before);
        rlimit none = before;
        none.rlim_cur = 1;
        setrlimit(RLIMIT_AS, &none);
        const slotq_outcome failed = slotq_get_stats(queue.get(), 0, &stats);
        setrlimit(RLIMIT_AS, &before);
        const bool is_due = (word_of(file) & LOCK_ID_MASK) == LOCK_DUE;
        _exit(failed != SLOTQ_NOMEMORY ? 1 : !is_due ? 2 : 0);
    }
    opened.await();
    die_in_step(file);
    died.tell();
    CHECK(spaces::exit_of(reader) == 0);
    slotq_stats stats = {};
    CHECK(slotq_get_stats(writer.get(), 0, &stats) == SLOTQ_OK);
    CHECK(stats.paused == SLOTQ_PAUSE_OUT);
    CHECK(push(writer.get()) == SLOTQ_OK);
    CHECK(word_of(file) == 0);
}

TEST_CASE("on overlayfs a thread holds the id", "[lock]")
{
    const folder where;
    const pid_t child = fork();
    if (child == 0) {
        const std::string base = where.path();
        for (const char *part : {"/lower", "/upper", "/work", "/merged"}) {
            mkdir((base + part).c_str(), 0755);
        }
        const std::string layers =
            "lowerdir=" + base + "/lower,upperdir=" + base + "/upper,workdir=" + base + "/work";
        const std::string merged = base + "/merged";
        if (unshare(CLONE_NEWNS) != 0 ||
            mount("none", "/", "none", MS_REC | MS_PRIVATE, nullptr) != 0 ||
            mount("overlay", merged.c_str(), "overlay", 0, layers.c_str()) != 0) {
            _exit(77);
        }
        const slotq_geometry shape = geometry(9, 16);
        inside clock;
        slotq_options how = options_of(clock);
        slotq *queue = nullptr;
        slotq *other = nullptr;
        how.should_stop = at_once;
        if (slotq_create(merged.c_str(), "q", &shape, nullptr, nullptr) != SLOTQ_OK ||
            slotq_open(merged.c_str(), "q", &how, &queue, nullptr) != SLOTQ_OK ||
            slotq_open(merged.c_str(), "q", &how, &other, nullptr) != SLOTQ_OK) {
            _exit(1);
        }
        uint32_t id = 0;
        clock.body = [&] {
            const int journal = open((merged + "/q.slotq-journal").c_str(), O_RDONLY);
            (void)!pread(journal, &id, sizeof id, JOURNAL_AT_LOCK);
            close(journal);
        };
        if (push(queue) != SLOTQ_OK || (id & LIFE_OF_THREAD) == 0) {
            _exit(2);
        }
        const pid_t holder = fork(); /* takes another id, by another thread */
        if (holder == 0) {
            clock.body = [] { kill(getpid(), SIGKILL); };
            _exit(push(queue));
        }
        if (spaces::exit_of(holder) != -1 || push(other) != SLOTQ_OK) {
            _exit(3);
        }
        slotq_close(queue);
        slotq_close(other);
        _exit(slotq_remove_queue(merged.c_str(), "q", nullptr) == SLOTQ_OK ? 0 : 4);
    }
    const int answer = spaces::exit_of(child);
    if (answer == 77) {
        fprintf(stderr, "skipped: no overlayfs can be mounted here\n");
        return;
    }
    CHECK(answer == 0);
}
