/* test_filesystem.cpp: locks of open file descriptions, files that appear whole, kinds of file
 * systems. Knows backend's own helpers; no queue.
 */
#include "catch.hpp"

#include <cerrno>
#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

extern "C" {
#include "../../../../engine/backend/file/filesystem.h"
#include "../../../../engine/backend/file/locks.h"
}

namespace
{

struct Place {
    std::string path;
    int folder;
    Place() : path("/tmp/slotq-files-XXXXXX")
    {
        folder = mkdtemp(&path[0]) != nullptr ? open(path.c_str(), O_RDONLY | O_DIRECTORY) : -1;
        REQUIRE(folder >= 0);
    }
    ~Place()
    {
        unlinkat(folder, "x", 0);
        close(folder);
        rmdir(path.c_str());
    }
    int opened() const
    {
        return openat(folder, "x", O_RDWR | O_CREAT, 0600);
    }
};

} // namespace

TEST_CASE("presence is shared or exclusive, by open file and not by process", "[locks]")
{
    const Place place;
    const int one = place.opened();
    const int two = place.opened();
    CHECK(lock_presence(one, true) == LOCK_TAKEN);
    CHECK(lock_presence(two, false) == LOCK_REFUSED);
    CHECK(lock_presence_is_exclusive(two));
    CHECK_FALSE(lock_is_marked_exclusive(two));
    CHECK(lock_mark_exclusive(one) == LOCK_TAKEN);
    CHECK(lock_is_marked_exclusive(two));
    CHECK_FALSE(lock_is_marked_exclusive(one)); /* its own */
    CHECK(lock_presence(one, false) == LOCK_TAKEN);
    CHECK(lock_presence(two, false) == LOCK_TAKEN);
    CHECK(lock_presence(two, true) == LOCK_REFUSED);
    CHECK_FALSE(lock_presence_is_exclusive(two));
    close(one);
    CHECK(lock_presence(two, true) == LOCK_TAKEN);
    lock_leave_presence(two);
    close(two);
    CHECK(lock_presence(-1, true) == LOCK_FAILED);
}

TEST_CASE("the journal in use is told by its inode", "[locks]")
{
    const Place place;
    const int one = place.opened();
    const int two = place.opened();
    const uint64_t inode = UINT64_MAX; /* any number fits */
    CHECK_FALSE(lock_any_journal_is_held(two));
    CHECK(lock_journal(one, inode) == LOCK_TAKEN);
    CHECK(lock_journal_is_held(two, inode));
    CHECK_FALSE(lock_journal_is_held(two, 5));
    CHECK(lock_any_journal_is_held(two));
    CHECK_FALSE(lock_any_journal_is_held(one));
    CHECK_FALSE(lock_other_journal_is_held(two, inode));
    CHECK(lock_other_journal_is_held(two, 0)); /* the first and the last that there are */
    CHECK(lock_other_journal_is_held(two, inode - 1));
    CHECK_FALSE(lock_other_journal_is_held(one, 5));
    CHECK(lock_journal(two, inode) == LOCK_TAKEN);
    close(one);
    CHECK_FALSE(lock_journal_is_held(two, inode));
    close(two);
}

TEST_CASE("a fresh file appears whole, once", "[files]")
{
    const Place place;
    file_names names;
    store_fault fault;
    fresh_file file;
    struct stat facts;
    file_names_make(&names, "jobs\033[2J");
    CHECK(std::string(names.main) == "jobs\033[2J.slotq");
    CHECK(std::string(names.shown) == "jobs?[2J.slotq");
    CHECK(std::string(names.journal) == "jobs\033[2J.slotq-journal");
    REQUIRE(fresh_file_make(place.folder, 5000, names.shown, &file, &fault) == SLOTQ_OK);
    CHECK(fstat(file.descriptor, &facts) == 0);
    CHECK(facts.st_size == 5000);
    CHECK(facts.st_blocks * 512 >= 5000);
    CHECK(fstatat(place.folder, "x", &facts, 0) != 0);
    CHECK(fresh_file_publish(place.folder, &file, "x", false, &fault) == SLOTQ_OK);
    fresh_file_drop(place.folder, &file);
    CHECK(fstatat(place.folder, "x", &facts, 0) == 0);
    CHECK(facts.st_nlink == 1);
    const ino_t first = facts.st_ino;
    REQUIRE(fresh_file_make(place.folder, 7000, names.shown, &file, &fault) == SLOTQ_OK);
    CHECK(fresh_file_publish(place.folder, &file, "x", false, &fault) == SLOTQ_EXISTS);
    fresh_file_drop(place.folder, &file);
    CHECK(fstatat(place.folder, "x", &facts, 0) == 0);
    CHECK(facts.st_ino == first);
    REQUIRE(fresh_file_make(place.folder, 7000, names.shown, &file, &fault) == SLOTQ_OK);
    CHECK(fresh_file_publish(place.folder, &file, "x", true, &fault) == SLOTQ_OK);
    fresh_file_drop(place.folder, &file);
    CHECK(fstatat(place.folder, "x", &facts, 0) == 0);
    CHECK(facts.st_size == 7000);
}

TEST_CASE("network and user-space file systems are told from disks", "[files]")
{
    for (const long type : {0x6969L, 0x517BL, 0xFE534D42L, 0x01021997L, 0x65735546L}) {
        CHECK(filesystem_is_network(type));
        CHECK(filesystem_is_network(static_cast<int32_t>(type))); /* signed on some machines */
    }
    for (const long type : {0xEF53L, 0x58465342L, 0x9123683EL, 0x01021994L, 0x794C7630L}) {
        CHECK_FALSE(filesystem_is_network(type)); /* ext4, xfs, btrfs, tmpfs, overlay */
    }
    store_fault fault;
    file_names names;
    file_names_make(&names, "q");
    CHECK(filesystem_refuse_network(-1, &names, &fault) == SLOTQ_IO);
    CHECK(fault.system_errno == EBADF);
}
