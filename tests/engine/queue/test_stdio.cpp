/* test_stdio.cpp: a process that closed its standard streams opens queues: no descriptor of the
 * library is 0, 1 or 2, so what the process prints changes no file and no connection.
 */
#include "catch.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include "any_queue.hpp"
#include "child.hpp"

using namespace any_queue;

namespace
{

constexpr uint64_t SOON_MS = 50; /* long enough to subscribe, and to sleep once */

void close_standard_streams()
{
    for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; descriptor++) {
        close(descriptor);
    }
}

/* What a careless daemon does: it prints although nothing is open. */
void print()
{
    std::printf("a line of a log, long enough to reach across header and lock\n");
    std::fputs("and another one\n", stdout);
    std::fflush(stdout);
    std::fprintf(stderr, "an error\n");
    (void)!pwrite(STDIN_FILENO, "input", 5, 0);
}

bool standard_streams_are_closed()
{
    for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; descriptor++) {
        if (fcntl(descriptor, F_GETFD) >= 0) {
            return false;
        }
    }
    return true;
}

/* A queue of that name is made and used; 0, or the line of what went wrong. */
int work(const char *url, const char *name, const slotq_options &options)
{
    const Geometry geometry;
    const Batch given = batch();
    const slotq_data data = {"payload", 7};
    slotq *queue = nullptr;
    slotq *other = nullptr;
    slotq_error error = {};
    NEED(slotq_create(url, name, geometry, nullptr, &error) == SLOTQ_OK);
    print();
    NEED(slotq_open(url, name, &options, &queue, &error) == SLOTQ_OK);
    NEED(standard_streams_are_closed());
    print();
    NEED(slotq_reserve(queue, 0, 1, 30000, SOON_MS, given.get()) == SLOTQ_EMPTY);
    NEED(standard_streams_are_closed());
    print();
    NEED(slotq_check(queue) == SLOTQ_OK);
    NEED(slotq_push(queue, &data, 1, nullptr) == SLOTQ_OK);
    NEED(slotq_clone(queue, &other, &error) == SLOTQ_OK);
    NEED(slotq_reserve(other, 0, 1, 30000, 0, given.get()) == SLOTQ_OK);
    NEED(standard_streams_are_closed());
    print();
    slotq_close(other);
    slotq_close(queue);
    NEED(slotq_open(url, name, &options, &queue, &error) == SLOTQ_OK); /* the journal is sound */
    NEED(slotq_check(queue) == SLOTQ_OK);
    slotq_close(queue);
    NEED(standard_streams_are_closed());
    return 0;
}

} // namespace

TEST_CASE("a process without standard streams prints into no queue", "[stdio]")
{
    for (const Kind kind : {Kind::file, Kind::file_exclusive, Kind::file_synced, Kind::redis}) {
        Queue place(kind);
        place.close();
        INFO(kind);
        slotq_options options = place.options();
        options.clock_ms = nullptr; /* of the parent */
        CHECK(in_child([&] {
                  close_standard_streams();
                  return work(place.url().c_str(), "printed", options);
              }) == 0);
    }
}
