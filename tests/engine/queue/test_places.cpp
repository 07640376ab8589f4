/* test_places.cpp: queues where the system is in the way: no permission, a full disk, a network
 * file system. Each a clear answer, nothing left behind, nothing changed.
 */
#include "catch.hpp"

#include <cerrno>
#include <functional>
#include <sched.h>

#include <dirent.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "any_queue.hpp"

using namespace any_queue;

namespace
{

long pretended_type;     /* of the file system; 0: the real one */
int pretended_fallocate; /* what posix_fallocate answers; 0: the truth */
int pretended_linkat;    /* the same for linkat's errno */

constexpr uid_t NOBODY = 65534;
constexpr int SKIPPED = 77;

/* Run in a child; 0 when all it needed was so, SKIPPED, or the line that failed. */
int in_child(const std::function<int()> &work)
{
    const pid_t pid = fork();
    if (pid == 0) {
        _exit(work());
    }
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) {
        continue;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The same as a user whom permissions hold. */
int as_user(const std::function<int()> &work)
{
    return in_child([&work] {
        if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)) {
            return SKIPPED;
        }
        return work();
    });
}

/* The child found all as it should be, or could not become another user. */
void expect_fine(int answer)
{
    if (answer == SKIPPED) {
        WARN("this user cannot become another one: not tried");
        return;
    }
    CHECK(answer == 0);
}

#define NEED(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            return (__LINE__ % 200) + 1;                                                           \
        }                                                                                          \
    } while (0)

slotq_outcome open_queue(const char *folder, bool read_only, slotq **queue, slotq_error *error)
{
    slotq_options options = {};
    options.read_only = read_only;
    return slotq_open(folder, "q", &options, queue, error);
}

size_t entries(const std::string &folder)
{
    size_t count = 0;
    DIR *open = opendir(folder.c_str());
    while (open != nullptr && readdir(open) != nullptr) {
        count++;
    }
    closedir(open);
    return count - 2;
}

} // namespace

extern "C" int __real_fstatfs(int descriptor, struct statfs *facts);
extern "C" int __wrap_fstatfs(int descriptor, struct statfs *facts)
{
    const int answer = __real_fstatfs(descriptor, facts);
    if (pretended_type != 0) {
        facts->f_type = static_cast<decltype(facts->f_type)>(pretended_type);
    }
    return answer;
}

extern "C" int __real_posix_fallocate(int descriptor, off_t offset, off_t length);
extern "C" int __wrap_posix_fallocate(int descriptor, off_t offset, off_t length)
{
    return pretended_fallocate != 0 ? pretended_fallocate
                                    : __real_posix_fallocate(descriptor, offset, length);
}

extern "C" int __real_linkat(int from, const char *old_name, int to, const char *name, int flags);
extern "C" int __wrap_linkat(int from, const char *old_name, int to, const char *name, int flags)
{
    if (pretended_linkat != 0) {
        errno = pretended_linkat;
        return -1;
    }
    return __real_linkat(from, old_name, to, name, flags);
}

TEST_CASE("a file and folder that may only be read", "[places]")
{
    Queue queue(Kind::file);
    queue.fill(3);
    const std::string folder = queue.folder().path();
    REQUIRE(chmod(queue.folder().file("q.slotq").c_str(), 0444) == 0);
    REQUIRE(chmod(queue.folder().file("q.slotq-journal").c_str(), 0444) == 0);
    REQUIRE(chmod(folder.c_str(), 0555) == 0);
    const auto read_it = [&](slotq_outcome wanted) {
        return as_user([&] {
            slotq *mine = nullptr;
            slotq_error error = {};
            slotq_stats stats = {};
            NEED(open_queue(folder.c_str(), false, &mine, &error) == SLOTQ_IO);
            NEED(error.system_errno == EACCES);
            NEED(std::string(error.text).find("read only") != std::string::npos);
            NEED(open_queue(folder.c_str(), true, &mine, &error) == wanted);
            if (wanted != SLOTQ_OK) {
                return 0;
            }
            NEED(slotq_get_stats(mine, 0, &stats) == SLOTQ_OK);
            NEED(stats.ready == 3);
            NEED(slotq_check(mine) == SLOTQ_OK);
            NEED(slotq_purge(mine) == SLOTQ_UNSUPPORTED);
            slotq_close(mine);
            return 0;
        });
    };
    expect_fine(read_it(SLOTQ_UNSUPPORTED)); /* a writer is in, and the lock cannot be shared */
    queue.close();
    expect_fine(read_it(SLOTQ_OK));
    expect_fine(as_user([&] {
        slotq_error error = {};
        const Geometry geometry;
        NEED(slotq_create(folder.c_str(), "new", geometry, nullptr, &error) == SLOTQ_IO);
        NEED(slotq_remove_queue(folder.c_str(), "q", &error) == SLOTQ_IO);
        return 0;
    }));
    CHECK(entries(folder) == 2);
    REQUIRE(chmod(folder.c_str(), 0755) == 0);
}

TEST_CASE("a reader without a journal keeps writers out while it reads", "[places]")
{
    Queue queue(Kind::file);
    const std::string folder = queue.folder().path();
    REQUIRE(chmod(folder.c_str(), 0755) == 0);
    REQUIRE(chmod(queue.folder().file("q.slotq").c_str(), 0444) == 0);
    queue.close();
    int ready[2];
    int finish[2];
    REQUIRE(pipe(ready) == 0);
    REQUIRE(pipe(finish) == 0);
    const pid_t reader = fork();
    if (reader == 0) {
        char byte = 0;
        slotq *mine = nullptr;
        const bool held = geteuid() != 0 || (setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
        const bool open = held && open_queue(folder.c_str(), true, &mine, nullptr) == SLOTQ_OK;
        (void)!write(ready[1], open ? "y" : "n", 1);
        close(finish[1]);
        (void)!read(finish[0], &byte, 1);
        _exit(0);
    }
    char answer = 0;
    REQUIRE(read(ready[0], &answer, 1) == 1);
    CHECK(answer == 'y');
    REQUIRE(chmod(queue.folder().file("q.slotq").c_str(), 0644) == 0);
    slotq *mine = nullptr;
    slotq_error error = {};
    CHECK(open_queue(folder.c_str(), false, &mine, &error) == SLOTQ_LOCKED);
    CHECK(std::string(error.text).find("read-only handle") != std::string::npos);
    for (const int end : {ready[0], ready[1], finish[0], finish[1]}) {
        close(end);
    }
    waitpid(reader, nullptr, 0);
    queue.reopen();
    CHECK(queue.push("again") == SLOTQ_OK);
}

TEST_CASE("a full disk is said before anything appears", "[places]")
{
    const Folder folder;
    const int answer = in_child([&] {
        if (unshare(CLONE_NEWNS) != 0 ||
            mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            mount("none", folder.path(), "tmpfs", 0, "size=64k") != 0) {
            return SKIPPED;
        }
        slotq_error error = {};
        const Geometry large(1000, 1000);
        const Geometry small(9, 100);
        NEED(slotq_create(folder.path(), "q", large, nullptr, &error) == SLOTQ_IO);
        NEED(error.system_errno == ENOSPC);
        NEED(std::string(error.text).find("1022144 bytes") != std::string::npos ||
             std::string(error.text).find("bytes, which the disk has not") != std::string::npos);
        NEED(entries(folder.path()) == 0);
        NEED(slotq_create(folder.path(), "q", small, nullptr, &error) == SLOTQ_OK);
        slotq *queue = nullptr;
        NEED(open_queue(folder.path(), false, &queue, &error) == SLOTQ_OK);
        slotq_close(queue);
        return 0;
    });
    if (answer == SKIPPED) {
        WARN("no file system can be mounted here: not tried");
    } else {
        CHECK(answer == 0);
    }
}

TEST_CASE("no room for the journal is said before the queue appears", "[places]")
{
    const Folder folder;
    const int answer = in_child([&] {
        if (unshare(CLONE_NEWNS) != 0 ||
            mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            mount("none", folder.path(), "tmpfs", 0, "size=8k") != 0) {
            return SKIPPED;
        }
        slotq_error error = {};
        const Geometry geometry(70, 100); /* two pages: all there are */
        NEED(slotq_create(folder.path(), "q", geometry, nullptr, &error) == SLOTQ_IO);
        NEED(error.system_errno == ENOSPC);
        NEED(std::string(error.text).find("q.slotq-journal needs 4096") == 0);
        NEED(entries(folder.path()) == 0);
        return 0;
    });
    if (answer == SKIPPED) {
        WARN("no file system can be mounted here: not tried");
    } else {
        CHECK(answer == 0);
    }
}

TEST_CASE("a network file system is refused, with the remedy", "[places]")
{
    Queue queue(Kind::file);
    queue.close();
    slotq *mine = nullptr;
    slotq_error error = {};
    const Geometry geometry;
    pretended_type = 0x6969; /* NFS */
    const slotq_outcome opened = open_queue(queue.folder().path(), false, &mine, &error);
    const std::string text = error.text;
    const slotq_outcome created =
        slotq_create(queue.folder().path(), "new", geometry, nullptr, &error);
    pretended_type = 0;
    CHECK(opened == SLOTQ_UNSUPPORTED);
    CHECK(text.find("local disk") != std::string::npos);
    CHECK(created == SLOTQ_UNSUPPORTED);
    CHECK(entries(queue.folder().path()) == 2);
    queue.reopen();
    CHECK(queue.push("fine") == SLOTQ_OK);
}

TEST_CASE("a file system that cannot take room beforehand gets zeros written", "[places]")
{
    const Folder folder;
    const Geometry geometry(200, 200);
    slotq_error error = {};
    struct stat facts;
    pretended_fallocate = EOPNOTSUPP;
    const slotq_outcome created = slotq_create(folder.path(), "q", geometry, nullptr, &error);
    pretended_fallocate = 0;
    REQUIRE(created == SLOTQ_OK);
    REQUIRE(stat(folder.file("q.slotq").c_str(), &facts) == 0);
    CHECK(facts.st_blocks * 512 >= facts.st_size);
    slotq *queue = nullptr;
    REQUIRE(open_queue(folder.path(), false, &queue, &error) == SLOTQ_OK);
    CHECK(slotq_check(queue) == SLOTQ_OK);
    slotq_close(queue);
    pretended_fallocate = EFBIG;
    CHECK(slotq_create(folder.path(), "w", geometry, nullptr, &error) == SLOTQ_IO);
    pretended_fallocate = 0;
    CHECK(error.system_errno == EFBIG);
    CHECK(entries(folder.path()) == 2);
}

TEST_CASE("a file system without hard links still lets one creator win", "[places]")
{
    const Folder folder;
    const Geometry geometry;
    slotq_error error = {};
    pretended_linkat = EPERM;
    const slotq_outcome created = slotq_create(folder.path(), "q", geometry, nullptr, &error);
    pretended_linkat = EIO;
    const slotq_outcome failed = slotq_create(folder.path(), "w", geometry, nullptr, &error);
    pretended_linkat = 0;
    CHECK(created == SLOTQ_OK);
    CHECK(failed == SLOTQ_IO);
    CHECK(error.system_errno == EIO);
    CHECK(entries(folder.path()) == 2);
}
