/* test_sharded.cpp: a name that is that of a sharded queue: a client that works on single queues
 * says so, whatever it wants of it, and leaves every byte.
 */
#include "catch.hpp"

#include <cstring>
#include <sys/stat.h>

#include "any_queue.hpp"
#include "server/redis_server.hpp"

using namespace any_queue;

namespace
{

const std::string begin = std::string(8, '\0') + "SLQS";
/* The shortest, and one as long as a queue. */
const std::string descriptors[] = {begin + std::string(104 - 12, '\1'),
                                   begin + std::string(4096 - 12, '\1')};

std::vector<uint8_t> bytes_of(const std::string &text)
{
    return std::vector<uint8_t>(text.begin(), text.end());
}

/* Every call that takes a name refuses this one, which is damaged, and its text says what to do. */
void all_refuse(const std::string &url, const std::string &image)
{
    slotq_error error = {};
    const auto refused = [&error](slotq_outcome wanted, slotq_outcome outcome, const char *text) {
        INFO(error.text);
        CHECK(outcome == wanted);
        CHECK(error.outcome == wanted);
        CHECK(!error.passes);
        CHECK(std::string(error.text).find(text) != std::string::npos);
    };
    const Geometry geometry;
    const char *other = "a client that knows sharded queues", *damaged = "slotq shards repair";
    slotq *queue = nullptr;
    refused(SLOTQ_SHARDED, slotq_create(url.c_str(), "q", geometry, nullptr, &error), other);
    refused(SLOTQ_CORRUPT, slotq_open(url.c_str(), "q", nullptr, &queue, &error), damaged);
    CHECK(queue == nullptr);
    refused(SLOTQ_UNSUPPORTED, slotq_resize(url.c_str(), "q", geometry, &error), "one by one");
    refused(SLOTQ_CORRUPT, slotq_remove_queue(url.c_str(), "q", &error), damaged);
    refused(SLOTQ_SHARDED, slotq_import(url.c_str(), "other", image.data(), image.size(), &error),
            other);
    CHECK(slotq_open(url.c_str(), "other", nullptr, &queue, &error) == SLOTQ_NOQUEUE);
}

} // namespace

TEST_CASE("sharded: a file that is a descriptor is refused, and stays", "[sharded]")
{
    for (const std::string &descriptor : descriptors) {
        Folder folder;
        write_file(folder.file("q.slotq"), bytes_of(descriptor));
        all_refuse(folder.path(), descriptor);
        CHECK(read_file(folder.file("q.slotq")) == bytes_of(descriptor));
        struct stat journal;
        CHECK(stat(folder.file("q.slotq-journal").c_str(), &journal) != 0);
    }
}

TEST_CASE("sharded: a buffer that holds a descriptor", "[sharded]")
{
    alignas(8) uint8_t buffer[104] = {};
    memcpy(buffer, descriptors[0].data(), sizeof buffer);
    slotq_error error = {};
    slotq *queue = nullptr;
    CHECK(slotq_open_memory(buffer, sizeof buffer, nullptr, nullptr, &queue, &error) ==
          SLOTQ_SHARDED);
}

TEST_CASE("sharded: a key that is a descriptor is refused, and stays", "[sharded]")
{
    redis::Server server;
    for (const std::string &descriptor : descriptors) {
        server.command({"SET", "q", descriptor});
        all_refuse(server.url(), descriptor);
        CHECK(server.command({"GET", "q"}).text == descriptor);
    }
}

TEST_CASE("sharded: a queue that became sharded under an open handle", "[sharded]")
{
    redis::Server server;
    slotq_error error = {};
    slotq *queue = nullptr;
    const Geometry geometry;
    const slotq_data data = {"x", 1};
    REQUIRE(slotq_create(server.url().c_str(), "q", geometry, nullptr, &error) == SLOTQ_OK);
    REQUIRE(slotq_open(server.url().c_str(), "q", nullptr, &queue, &error) == SLOTQ_OK);
    REQUIRE(slotq_push(queue, &data, 1, nullptr) == SLOTQ_OK);
    const std::string sound = server.command({"GET", "q"}).text;
    server.command({"SET", "q", descriptors[1]});
    const Batch one = batch();
    CHECK(slotq_push(queue, &data, 1, nullptr) == SLOTQ_SHARDED);
    CHECK(slotq_reserve(queue, 0, 1, 1000, 0, one.get()) == SLOTQ_SHARDED);
    CHECK(std::string(slotq_error_of(queue)->text).find("sharded") != std::string::npos);
    CHECK(server.command({"GET", "q"}).text == descriptors[1]);
    server.command({"SET", "q", sound}); /* the same queue again */
    CHECK(slotq_push(queue, &data, 1, nullptr) == SLOTQ_OK);
    slotq_close(queue);
}
