// test_locked.cpp: the command on a queue that another process holds exclusively: each command
// that would work it answers LOCKED, and changes nothing.
#include "catch.hpp"

#include <cstdlib>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include "slotq.h"

namespace {

std::string command()
{
    const char *named = std::getenv("SLOTQ");
    return named != nullptr ? named : SLOTQ_SOURCE_DIR "/build/bin/slotq";
}

int run(const std::string &folder, const std::string &words)
{
    const std::string line = command() + " -u " + folder + " " + words + " >/dev/null 2>&1";
    const int status = std::system(line.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

} // namespace

TEST_CASE("a queue that is held exclusively is refused with exit 9")
{
    char folder[] = "/tmp/slotq-locked-XXXXXX";
    REQUIRE(mkdtemp(folder) != nullptr);
    const slotq_geometry geometry = SLOTQ_GEOMETRY_DEFAULT;
    slotq_options options = {};
    options.exclusive = true;
    slotq *queue = nullptr;
    REQUIRE(slotq_create(folder, "jobs", &geometry, nullptr, nullptr) == SLOTQ_OK);
    REQUIRE(slotq_open(folder, "jobs", &options, &queue, nullptr) == SLOTQ_OK);
    const slotq_data data = {"x", 1};
    REQUIRE(slotq_push(queue, &data, 1, nullptr) == SLOTQ_OK);
    for (const char *words : {"push jobs y", "reserve jobs", "ack jobs 1:5", "stats jobs",
                              "peek jobs", "check jobs", "export jobs", "purge jobs -y",
                              "rm jobs -y", "work jobs --drain -- true", "pause jobs", "ls"}) {
        INFO(words);
        CHECK(run(folder, words) == 9);
    }
    CHECK(run(folder, "doctor jobs") == 1);
    slotq_stats stats = {};
    CHECK(slotq_get_stats(queue, 0, &stats) == SLOTQ_OK);
    CHECK(stats.ready == 1);
    CHECK(stats.last_id == 1);
    slotq_close(queue);
    CHECK(run(folder, "push jobs y") == 0);
    CHECK(run(folder, "rm jobs -y") == 0);
    CHECK(rmdir(folder) == 0);
}
