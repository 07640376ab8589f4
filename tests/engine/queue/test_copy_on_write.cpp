/* test_copy_on_write.cpp: queue files on a real btrfs, mounted from a file in a mount namespace
 * that ends with its process.
 */
#include "catch.hpp"

#include <cstdlib>
#include <functional>
#include <string>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "any_queue.hpp"
#include "child.hpp"
#include "skip.hpp"
#include "slotq_files.h"

using namespace any_queue;

namespace
{

constexpr int SKIPPED = 250;
constexpr off_t DISK_BYTES = 128 << 20;

bool runs(const std::string &command)
{
    return system((command + " >/dev/null 2>&1").c_str()) == 0;
}

/* In a child whose mounts end with it: a new btrfs at `at`. */
bool mount_btrfs(const Folder &folder, const std::string &at)
{
    const std::string disk = folder.file("disk");
    const int made = open(disk.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    const bool sized = made >= 0 && ftruncate(made, DISK_BYTES) == 0;
    close(made);
    return sized && mkdir(at.c_str(), 0700) == 0 && unshare(CLONE_NEWNS) == 0 &&
           mount("none", "/", "none", MS_REC | MS_PRIVATE, nullptr) == 0 &&
           runs("mkfs.btrfs -q " + disk) && runs("mount -o loop " + disk + " " + at);
}

void on_btrfs(const std::function<int(const std::string &)> &work)
{
    const Folder folder;
    const std::string at = folder.file("mounted");
    const int answer = in_child([&] { return mount_btrfs(folder, at) ? work(at) : SKIPPED; });
    rmdir(at.c_str());
    unlink(folder.file("disk").c_str());
    if (answer == SKIPPED) {
        support::skip("btrfs cannot be made and mounted here");
    }
    CHECK(answer == 0);
}

slotq_outcome open_at(const std::string &folder, bool read_only, slotq **queue, slotq_error *error)
{
    slotq_options options = {};
    options.read_only = read_only;
    return slotq_open(folder.c_str(), "q", &options, queue, error);
}

} // namespace

TEST_CASE("a queue on btrfs is only read, and makes no file there", "[places][btrfs]")
{
    Queue original(Kind::file);
    original.fill(3);
    original.close();
    const std::string file = original.folder().file("q.slotq");
    on_btrfs([&](const std::string &at) {
        const Geometry geometry;
        const std::vector<uint8_t> image = read_file(file);
        slotq *queue = nullptr;
        slotq_error error = {};
        slotq_stats stats = {};
        slotq_folder_facts facts = {};
        NEED(slotq_look_at_folder(at.c_str(), &facts, nullptr) == SLOTQ_OK);
        NEED(facts.needs_room && std::string(facts.file_system) == "btrfs");
        NEED(slotq_create(at.c_str(), "q", geometry, nullptr, &error) == SLOTQ_UNSUPPORTED);
        NEED(std::string(error.text).find("lies on btrfs") != std::string::npos);
        NEED(slotq_import(at.c_str(), "q", image.data(), image.size(), &error) ==
             SLOTQ_UNSUPPORTED);
        NEED(runs("test -z \"$(ls -A " + at + ")\""));
        NEED(runs("cp " + file + " " + at + "/q.slotq"));
        NEED(open_at(at, false, &queue, &error) == SLOTQ_UNSUPPORTED);
        NEED(open_at(at, true, &queue, &error) == SLOTQ_OK);
        NEED(slotq_get_stats(queue, 0, &stats) == SLOTQ_OK);
        NEED(stats.ready == 3);
        slotq_close(queue);
        NEED(access((at + "/q.slotq-journal").c_str(), F_OK) != 0);
        NEED(read_file(at + "/q.slotq") == image);
        return 0;
    });
}
