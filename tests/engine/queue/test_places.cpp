/* test_places.cpp: queues where the system is in the way: no permission, a full disk, a network
 * file system. Each a clear answer, nothing left behind, nothing changed.
 */
#include "catch.hpp"

#include <cerrno>
#include <functional>
#include <sched.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "any_queue.hpp"
#include "child.hpp"
#include "skip.hpp"

using namespace any_queue;

namespace
{

long pretended_type;     /* of the file system; 0: the real one */
int pretended_fallocate; /* what posix_fallocate answers; 0: the truth */
int pretended_linkat;    /* the same for linkat's errno */
int pretended_times;     /* how often linkat does so; 0: always */
int pretended_room;      /* fallocate's errno … */
off_t pretended_length;  /* … for so many bytes */
int pretended_sync;      /* fsync's errno for folders */

constexpr uid_t NOBODY = 65534;
constexpr int SKIPPED = 77;

/* In a child, as a user whom permissions hold. */
int as_user(const std::function<int()> &work)
{
    return in_child([&work] {
        if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)) {
            return SKIPPED;
        }
        return work();
    });
}

/* The child found everything as it should be, or could not try. */
void expect_fine(int answer, const char *obstacle = "this user cannot become another one")
{
    if (answer == SKIPPED) {
        support::skip(obstacle);
    }
    CHECK(answer == 0);
}

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
        pretended_linkat = pretended_times > 0 && --pretended_times == 0 ? 0 : pretended_linkat;
        return -1;
    }
    return __real_linkat(from, old_name, to, name, flags);
}

extern "C" int __real_fallocate(int descriptor, int mode, off_t offset, off_t length);
extern "C" int __wrap_fallocate(int descriptor, int mode, off_t offset, off_t length)
{
    if (pretended_room != 0 && length == pretended_length) {
        errno = pretended_room;
        return -1;
    }
    return __real_fallocate(descriptor, mode, offset, length);
}

extern "C" int __real_fsync(int descriptor);
extern "C" int __wrap_fsync(int descriptor)
{
    struct stat facts;
    if (pretended_sync != 0 && fstat(descriptor, &facts) == 0 && S_ISDIR(facts.st_mode)) {
        errno = pretended_sync;
        return -1;
    }
    return __real_fsync(descriptor);
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
            NEED(std::string(error.text).find("read-only") != std::string::npos);
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
            mount("none", "/", "none", MS_REC | MS_PRIVATE, nullptr) != 0 ||
            mount("none", folder.path(), "tmpfs", 0, "size=64k") != 0) {
            return SKIPPED;
        }
        slotq_error error = {};
        const Geometry large(1000, 1000);
        const Geometry small(9, 100);
        NEED(slotq_create(folder.path(), "q", large, nullptr, &error) == SLOTQ_IO);
        NEED(error.system_errno == ENOSPC);
        NEED(std::string(error.text).find("1022144 bytes") != std::string::npos ||
             std::string(error.text).find("bytes, and the disk has less") != std::string::npos);
        NEED(entries(folder.path()) == 0);
        NEED(slotq_create(folder.path(), "q", small, nullptr, &error) == SLOTQ_OK);
        slotq *queue = nullptr;
        NEED(open_queue(folder.path(), false, &queue, &error) == SLOTQ_OK);
        slotq_close(queue);
        return 0;
    });
    expect_fine(answer, "no file system can be mounted here");
}

TEST_CASE("no room for the journal is said before the queue appears", "[places]")
{
    const Folder folder;
    const int answer = in_child([&] {
        if (unshare(CLONE_NEWNS) != 0 ||
            mount("none", "/", "none", MS_REC | MS_PRIVATE, nullptr) != 0 ||
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
    expect_fine(answer, "no file system can be mounted here");
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

TEST_CASE("a file system that copies on write is only read, with the remedy", "[places]")
{
    struct Copying {
        long type;
        const char *says;
    };
    const Copying kinds[] = {{0x2FC12FC1, "lies on zfs"},
                             {static_cast<long>(0x9123683E), "lies on btrfs"},
                             {static_cast<long>(0xCA451A4E), "lies on bcachefs"},
                             {0x3434, "lies on nilfs2"},
                             {0x24051905, "lies on ubifs"}};
    for (const Copying &kind : kinds) {
        INFO(kind.says);
        Queue queue(Kind::file);
        queue.fill(3);
        queue.close();
        const std::vector<uint8_t> before = read_file(queue.folder().file("q.slotq"));
        slotq *mine = nullptr;
        slotq_error error = {};
        slotq_error create_error = {};
        slotq_stats stats = {};
        const Geometry geometry;
        pretended_type = kind.type;
        const slotq_outcome opened = open_queue(queue.folder().path(), false, &mine, &error);
        const slotq_outcome created =
            slotq_create(queue.folder().path(), "new", geometry, nullptr, &create_error);
        const slotq_outcome looked = open_queue(queue.folder().path(), true, &mine, nullptr);
        pretended_type = 0;
        CHECK(opened == SLOTQ_UNSUPPORTED);
        CHECK(std::string(error.text).find(kind.says) != std::string::npos);
        CHECK(std::string(error.text).find("slotq copy") != std::string::npos);
        CHECK(created == SLOTQ_UNSUPPORTED);
        CHECK(std::string(create_error.text).find(kind.says) != std::string::npos);
        REQUIRE(looked == SLOTQ_OK);
        CHECK(slotq_get_stats(mine, 0, &stats) == SLOTQ_OK);
        CHECK(stats.ready == 3);
        slotq_close(mine);
        CHECK(entries(queue.folder().path()) == 2);
        CHECK(read_file(queue.folder().file("q.slotq")) == before);
    }
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

TEST_CASE("a creator that finds the name taken and then free tries again", "[places]")
{
    const Folder folder;
    const Geometry geometry;
    slotq_error error = {};
    pretended_linkat = EEXIST; /* as if another one were there, and gone at the next look */
    pretended_times = 30;
    CHECK(slotq_create(folder.path(), "q", geometry, nullptr, &error) == SLOTQ_OK);
    CHECK(pretended_linkat == 0);
    pretended_linkat = EEXIST;
    const slotq_outcome endless = slotq_create(folder.path(), "w", geometry, nullptr, &error);
    pretended_linkat = 0;
    CHECK(endless == SLOTQ_LOCKED);
    CHECK(std::string(error.text).find("try again") != std::string::npos);
    CHECK(entries(folder.path()) == 2);
}

/* Fill the file system of a folder; all its room but what is taken already. */
static bool fill_up(const std::string &path)
{
    const std::vector<char> bytes(4096, 'x');
    const int descriptor = open(path.c_str(), O_WRONLY | O_CREAT, 0600);
    while (write(descriptor, bytes.data(), bytes.size()) > 0) {
        continue;
    }
    return close(descriptor) == 0;
}

TEST_CASE("a file with holes on a full disk is refused before anything is written", "[places]")
{
    const Folder folder;
    const int answer = in_child([&] {
        if (unshare(CLONE_NEWNS) != 0 ||
            mount("none", "/", "none", MS_REC | MS_PRIVATE, nullptr) != 0 ||
            mount("none", folder.path(), "tmpfs", 0, "size=256k") != 0) {
            return SKIPPED;
        }
        slotq_error error = {};
        const Geometry geometry(400, 100);
        const std::string path = folder.file("q.slotq");
        NEED(slotq_create(folder.path(), "q", geometry, nullptr, &error) == SLOTQ_OK);
        const uint64_t bytes = slotq_geometry_bytes(geometry, nullptr);
        const int descriptor = open(path.c_str(), O_RDWR);
        NEED(fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 8192, 24576) == 0);
        close(descriptor);
        NEED(fill_up(folder.file("other")));
        slotq *queue = nullptr;
        NEED(open_queue(folder.path(), false, &queue, &error) == SLOTQ_IO);
        NEED(error.system_errno == ENOSPC);
        const std::string text = error.text;
        NEED(text.find("q.slotq needs " + std::to_string(bytes) + " bytes") == 0);
        NEED(text.find("free some") != std::string::npos);
        NEED(open_queue(folder.path(), true, &queue, &error) == SLOTQ_OK); /* it writes nothing */
        slotq_close(queue);
        NEED(unlink(folder.file("other").c_str()) == 0);
        NEED(open_queue(folder.path(), false, &queue, &error) == SLOTQ_OK);
        NEED(fill_up(folder.file("other"))); /* too late to hurt */
        const slotq_data data = {"a payload in what was a hole", 28};
        for (int i = 0; i < 399; i++) {
            NEED(slotq_push(queue, &data, 1, nullptr) == SLOTQ_OK);
        }
        slotq_close(queue);
        NEED(open_queue(folder.path(), false, &queue, &error) == SLOTQ_OK); /* full, but ours */
        NEED(slotq_check(queue) == SLOTQ_OK);
        slotq_close(queue);
        return 0;
    });
    expect_fine(answer, "no file system can be mounted here");
}

TEST_CASE("file systems that cannot say whether room is taken do not hinder an open", "[places]")
{
    Queue queue(Kind::file);
    queue.fill(3);
    const std::vector<uint8_t> image = queue.image();
    const char *folder = queue.folder().path();
    const bool of_journal = GENERATE(false, true);
    slotq_error error = {};
    slotq *mine = nullptr;
    pretended_length = of_journal ? 4096 : static_cast<off_t>(slotq_image_bytes(queue));
    queue.close();
    for (const int allowed : {EOPNOTSUPP, EINVAL, ENOSYS, ENOSPC}) { /* all room is there */
        pretended_room = allowed;
        CHECK(open_queue(folder, false, &mine, &error) == SLOTQ_OK);
        slotq_close(mine);
    }
    pretended_room = EFBIG;
    CHECK(open_queue(folder, false, &mine, &error) == SLOTQ_IO);
    CHECK(error.system_errno == EFBIG);
    pretended_room = 0;
    const std::string named = of_journal ? "q.slotq-journal (4096 bytes)" : "q.slotq (";
    CHECK(std::string(error.text).find(named) != std::string::npos);
    queue.reopen();
    CHECK(queue.image() == image);
}

TEST_CASE("folders that cannot be synced hinder no open, failed syncs do", "[places]")
{
    Queue queue(Kind::file_synced);
    queue.close();
    const char *folder = queue.folder().path();
    slotq_options options = {};
    options.sync = SLOTQ_SYNC_ALWAYS;
    slotq *first = nullptr;
    slotq *second = nullptr;
    slotq *third = nullptr;
    slotq_error error = {};
    pretended_sync = EINVAL;
    CHECK(slotq_open(folder, "q", &options, &first, &error) == SLOTQ_OK);
    CHECK(slotq_open(folder, "q", &options, &second, &error) == SLOTQ_OK);
    pretended_sync = EIO;
    CHECK(slotq_open(folder, "q", &options, &third, &error) == SLOTQ_IO);
    slotq_close(second);
    slotq_close(first);
    CHECK(slotq_open(folder, "q", &options, &third, &error) == SLOTQ_IO);
    pretended_sync = 0;
    CHECK(error.system_errno == EIO);
    CHECK(third == nullptr);
}
