/* test_met.cpp: what a connecting handle looks at: which users may log in, which servers are safe,
 * what kind of key it is; and queues created, imported, listed, removed there.
 */
#include "catch.hpp"

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../../../engine/slotq_redis.h"
#include "any_queue.hpp"
#include "../../../support/server/redis_server.hpp"

namespace
{

slotq_geometry small()
{
    slotq_geometry geometry = {};
    geometry.ring_slots = 10;
    geometry.payload_bytes = 16;
    geometry.tick_ms = 100;
    geometry.groups = 1;
    return geometry;
}

struct Met {
    slotq_outcome outcome;
    std::string text;
};

Met create(const std::string &url, const std::string &name = "jobs", bool force = false)
{
    const slotq_geometry geometry = small();
    slotq_redis_options redis = {};
    slotq_options options = {};
    slotq_error error = {};
    redis.force = force;
    options.redis = &redis;
    const slotq_outcome outcome =
        slotq_create(url.c_str(), name.c_str(), &geometry, &options, &error);
    return {outcome, error.text};
}

Met open(const std::string &url, const std::string &name = "jobs", bool force = false,
         bool read_only = false)
{
    slotq_redis_options redis = {};
    slotq_options options = {};
    slotq_error error = {};
    slotq *queue = nullptr;
    redis.force = force;
    options.redis = &redis;
    options.read_only = read_only;
    const slotq_outcome outcome = slotq_open(url.c_str(), name.c_str(), &options, &queue, &error);
    slotq_close(queue);
    return {outcome, error.text};
}

bool names(const Met &met, const std::string &word)
{
    return met.text.find(word) != std::string::npos;
}

long connections(redis::Server &server)
{
    const std::string info = server.command({"INFO", "stats"}).text;
    const std::string name = "total_connections_received:";
    return std::stol(info.substr(info.find(name) + name.size()));
}

/* A handle on a queue that was removed and made with larger payloads since. */
slotq *open_and_remake(const std::string &url)
{
    REQUIRE(create(url).outcome == SLOTQ_OK);
    slotq *queue = nullptr;
    REQUIRE(slotq_open(url.c_str(), "jobs", nullptr, &queue, nullptr) == SLOTQ_OK);
    REQUIRE(slotq_remove_queue(url.c_str(), "jobs", nullptr) == SLOTQ_OK);
    slotq_geometry other = small();
    other.payload_bytes = 99;
    REQUIRE(slotq_create(url.c_str(), "jobs", &other, nullptr, nullptr) == SLOTQ_OK);
    return queue;
}

} // namespace

TEST_CASE("no server, no socket, no host: CONNECT")
{
    unsetenv("REDISCLI_AUTH");
    CHECK(open("unix:///nowhere/at/all.sock").outcome == SLOTQ_CONNECT);
    CHECK(open("redis://127.0.0.1:1").outcome == SLOTQ_CONNECT);
    CHECK(open("redis://no.such.host.invalid").outcome == SLOTQ_CONNECT);
    CHECK(open("redis://localhost:x").outcome == SLOTQ_INVALID);
}

TEST_CASE("a socket where many wait already is waited for, as long as told")
{
    const any_queue::Folder folder;
    const std::string path = folder.file("s");
    sockaddr_un place = {};
    place.sun_family = AF_UNIX;
    path.copy(place.sun_path, sizeof place.sun_path - 1);
    const auto *address = reinterpret_cast<const sockaddr *>(&place);
    const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(bind(listener, address, sizeof place) == 0);
    REQUIRE(listen(listener, 0) == 0);
    std::vector<int> waiting;
    do {
        waiting.push_back(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        REQUIRE(waiting.size() < 100);
    } while (connect(waiting.back(), address, sizeof place) == 0);
    slotq *queue = nullptr;
    slotq_error error = {};
    std::string url = "unix://" + path + "?connect_timeout_ms=50";
    CHECK(slotq_open(url.c_str(), "jobs", nullptr, &queue, &error) == SLOTQ_CONNECT);
    CHECK(error.system_errno == ETIMEDOUT);
    std::thread server([&] { /* takes all that wait, and the next one */
                             std::this_thread::sleep_for(std::chrono::milliseconds(100));
                             for (size_t i = 0; i < waiting.size(); i++) {
                                 close(accept(listener, nullptr, nullptr));
                             }
    });
    url = "unix://" + path + "?connect_timeout_ms=120000";
    CHECK(slotq_open(url.c_str(), "jobs", nullptr, &queue, &error) == SLOTQ_CONNECT);
    CHECK(std::string(error.text).find("cannot connect") == std::string::npos);
    shutdown(listener, SHUT_RDWR); /* it would wait for ever for a client that did not come */
    server.join();
    for (const int each : waiting) {
        close(each);
    }
    close(listener);
}

TEST_CASE("a server that answers late is not taken for one with another clock")
{
    const auto wall_ms = [] {
        const auto since = std::chrono::system_clock::now().time_since_epoch();
        return static_cast<uint64_t>(
            std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
    };
    redis::Server server;
    const std::string url = server.url() + "?timeout_ms=120000";
    REQUIRE(create(url).outcome == SLOTQ_OK);
    server.stop();
    std::thread later([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(400));
        server.go_on();
    });
    slotq *queue = nullptr;
    const slotq_outcome outcome = slotq_open(url.c_str(), "jobs", nullptr, &queue, nullptr);
    later.join();
    REQUIRE(outcome == SLOTQ_OK);
    const uint64_t before_ms = wall_ms();
    const uint64_t now_ms = slotq_now_ms(queue);
    const uint64_t after_ms = wall_ms();
    CHECK(now_ms >= before_ms);
    CHECK(now_ms <= after_ms);
    slotq_close(queue);
}

TEST_CASE("passwords, users and databases")
{
    unsetenv("REDISCLI_AUTH");
    redis::Server server;
    const std::string url = server.url();
    REQUIRE(create(url + "?db=3").outcome == SLOTQ_OK);
    CHECK(open(url + "?db=3").outcome == SLOTQ_OK);
    CHECK(open(url).outcome == SLOTQ_NOQUEUE);
    CHECK(names(open(url), "create jobs"));
    CHECK(open(url + "?db=99").outcome == SLOTQ_CONNECT);
    CHECK(open(url + "?password=x").outcome == SLOTQ_CONNECT); /* the server has none */
    REQUIRE(create(url).outcome == SLOTQ_OK);
    server.command({"ACL", "SETUSER", "worker", "on", ">pa ss", "~*", "&*", "+@all"});
    CHECK(open(url + "?user=worker&password=pa%20ss").outcome == SLOTQ_OK);
    CHECK(open(url + "?user=worker&password=wrong").outcome == SLOTQ_CONNECT);
    server.command({"CONFIG", "SET", "requirepass", "secret"});
    CHECK(open(url).outcome == SLOTQ_CONNECT);
    CHECK(names(open(url), "REDISCLI_AUTH"));
    CHECK(open(url + "?password=secret").outcome == SLOTQ_OK);
    setenv("REDISCLI_AUTH", "secret", 1);
    CHECK(open(url).outcome == SLOTQ_OK);
    setenv("REDISCLI_AUTH", "wrong-one", 1);
    CHECK(open(url).outcome == SLOTQ_CONNECT);
    CHECK_FALSE(names(open(url), "wrong-one"));
    unsetenv("REDISCLI_AUTH");
}

TEST_CASE("a server that could evict the queue is refused, but by force")
{
    redis::Server server;
    const std::string url = server.url();
    REQUIRE(create(url).outcome == SLOTQ_OK);
    for (const char *policy : {"allkeys-lru", "allkeys-random"}) {
        server.command({"CONFIG", "SET", "maxmemory-policy", policy});
        CHECK(open(url).outcome == SLOTQ_UNSUPPORTED);
        CHECK(names(open(url), "noeviction"));
        CHECK(open(url, "jobs", true).outcome == SLOTQ_OK);
        CHECK(open(url, "jobs", false, true).outcome == SLOTQ_OK);
        CHECK(create(url, "more").outcome == SLOTQ_UNSUPPORTED);
        CHECK(create(url, "more", true).outcome == SLOTQ_OK);
    }
    server.command({"CONFIG", "SET", "maxmemory-policy", "volatile-lru"});
    CHECK(open(url).outcome == SLOTQ_OK);
}

TEST_CASE("a password that is a word of ours")
{
    redis::Server server;
    server.command({"ACL", "SETUSER", "eve", "on", ">KEY", "~*", "&*", "+@all"});
    CHECK(create(server.url() + "?user=eve&password=KEY").outcome == SLOTQ_OK);
}

TEST_CASE("an open handle goes on where its key got a time to live, connected anew or not")
{
    redis::Server server;
    const std::string url = server.url();
    REQUIRE(create(url).outcome == SLOTQ_OK);
    slotq *queue = nullptr;
    REQUIRE(slotq_open(url.c_str(), "jobs", nullptr, &queue, nullptr) == SLOTQ_OK);
    const slotq_data data = {"x", 1};
    server.command({"EXPIRE", "jobs", "1000"});
    CHECK(slotq_push(queue, &data, 1, nullptr) == SLOTQ_OK);
    usleep(250000); /* so that it looks at its connection before it uses it */
    server.command({"CLIENT", "KILL", "TYPE", "normal"});
    CHECK(slotq_push(queue, &data, 1, nullptr) == SLOTQ_OK);
    CHECK(open(url).outcome == SLOTQ_UNSUPPORTED);
    slotq_close(queue);
}

TEST_CASE("a key with a time to live, a replica, another type, another text: refused")
{
    redis::Server server;
    const std::string url = server.url();
    REQUIRE(create(url).outcome == SLOTQ_OK);
    CHECK(create(url).outcome == SLOTQ_OK);
    server.command({"EXPIRE", "jobs", "1000"});
    CHECK(open(url, "jobs", true).outcome == SLOTQ_UNSUPPORTED);
    CHECK(names(open(url), "PERSIST"));
    server.command({"PERSIST", "jobs"});
    CHECK(open(url).outcome == SLOTQ_OK);
    server.command({"RPUSH", "list", "x"});
    CHECK(open(url, "list").outcome == SLOTQ_CORRUPT);
    CHECK(create(url, "list").outcome == SLOTQ_CORRUPT);
    server.command({"SET", "text", std::string(300, 'x')});
    CHECK(open(url, "text").outcome == SLOTQ_CORRUPT);
    CHECK(slotq_remove_queue(url.c_str(), "text", nullptr) == SLOTQ_CORRUPT);
    CHECK(server.command({"EXISTS", "text"}).is_integer(1));
    server.command({"SET", "text", std::string(50, 'x')});
    CHECK(slotq_remove_queue(url.c_str(), "text", nullptr) == SLOTQ_CORRUPT);
    CHECK(server.command({"EXISTS", "text"}).is_integer(1));
    server.command({"REPLICAOF", "127.0.0.1", "1"});
    CHECK(open(url).outcome == SLOTQ_UNSUPPORTED);
    CHECK(names(open(url), "primary"));
    CHECK(open(url, "jobs", false, true).outcome == SLOTQ_OK);
    server.command({"REPLICAOF", "NO", "ONE"});
    CHECK(open(url).outcome == SLOTQ_OK);
}

TEST_CASE("a user that may not ask about the server goes on; one without scripts does not")
{
    redis::Server server({"--rename-command", "INFO", "", "--rename-command", "CONFIG", ""});
    REQUIRE(create(server.url()).outcome == SLOTQ_OK);
    CHECK(open(server.url()).outcome == SLOTQ_OK);
    redis::Server old({"--rename-command", "INFO", "", "--rename-command", "EVALSHA_RO", ""});
    REQUIRE(create(old.url()).outcome == SLOTQ_OK);
    slotq_options options = {};
    slotq_stats stats = {};
    slotq *queue = nullptr;
    options.read_only = true;
    REQUIRE(slotq_open(old.url().c_str(), "jobs", &options, &queue, nullptr) == SLOTQ_OK);
    CHECK(slotq_get_stats(queue, 0, &stats) == SLOTQ_OK);
    CHECK(stats.capacity == 9);
    slotq_close(queue);
    redis::Server without({"--rename-command", "SCRIPT", ""});
    CHECK(create(without.url()).outcome == SLOTQ_UNSUPPORTED);
    CHECK(names(create(without.url()), "functions load"));
}

TEST_CASE("the least permissions are enough, for a worker and for a reader")
{
    redis::Server server;
    const slotq_data message = {"x", 1};
    slotq_batch *batch = slotq_batch_new();
    slotq *queue = nullptr;
    server.command({"ACL", "SETUSER", "worker", "on", ">p", "~jobs", "resetchannels", "&slotq:jobs",
                    "+script|load", "+evalsha", "+strlen", "+getrange", "+setrange", "+time",
                    "+publish", "+subscribe"});
    const std::string worker = server.url() + "?user=worker&password=p";
    REQUIRE(create(worker).outcome == SLOTQ_OK);
    server.command({"SCRIPT", "FLUSH"});
    REQUIRE(slotq_open(worker.c_str(), "jobs", nullptr, &queue, nullptr) == SLOTQ_OK);
    CHECK(slotq_reserve(queue, 0, 1, 30000, 1, batch) == SLOTQ_EMPTY);
    CHECK(slotq_push(queue, &message, 1, nullptr) == SLOTQ_OK);
    CHECK(slotq_reserve(queue, 0, 1, 30000, 1, batch) == SLOTQ_OK);
    CHECK(slotq_ack_batch(queue, batch) == SLOTQ_OK);
    int fd = -1;
    CHECK(slotq_redis_listen(queue, &fd) == SLOTQ_OK);
    slotq_close(queue);
    server.command({"ACL", "SETUSER", "monitor", "on", ">p", "%R~jobs", "+script|load",
                    "+evalsha_ro", "+strlen", "+getrange", "+time"});
    const std::string monitor = server.url() + "?user=monitor&password=p";
    slotq_options options = {};
    options.read_only = true;
    REQUIRE(slotq_open(monitor.c_str(), "jobs", &options, &queue, nullptr) == SLOTQ_OK);
    slotq_stats stats = {};
    CHECK(slotq_get_stats(queue, 0, &stats) == SLOTQ_OK);
    CHECK(stats.acked == 1);
    slotq_close(queue);
    server.command({"ACL", "SETUSER", "other", "on", ">p", "~other", "+@all"});
    CHECK(open(server.url() + "?user=other&password=p").outcome == SLOTQ_IO);
    CHECK(names(open(server.url() + "?user=other&password=p"), "ACL"));
    slotq_batch_free(batch);
}

TEST_CASE("for reading only nothing is written")
{
    redis::Server server;
    REQUIRE(create(server.url()).outcome == SLOTQ_OK);
    slotq_options options = {};
    options.read_only = true;
    slotq *queue = nullptr;
    REQUIRE(slotq_open(server.url().c_str(), "jobs", &options, &queue, nullptr) == SLOTQ_OK);
    const slotq_data message = {"x", 1};
    CHECK(slotq_push(queue, &message, 1, nullptr) == SLOTQ_UNSUPPORTED);
    slotq_stats stats = {};
    CHECK(slotq_get_stats(queue, 0, &stats) == SLOTQ_OK);
    CHECK(slotq_check(queue) == SLOTQ_OK);
    slotq_close(queue);
}

TEST_CASE("a handle that connects again says at once that the queue was made anew")
{
    redis::Server server;
    slotq *const queue = open_and_remake(server.url());
    server.command({"CLIENT", "KILL", "TYPE", "normal"});
    const long before = connections(server);
    const slotq_data message = {"x", 1};
    CHECK(slotq_push(queue, &message, 1, nullptr) == SLOTQ_REMADE);
    CHECK(connections(server) - before == 2); /* the push's, and the counting one */
    CHECK(slotq_geometry_of(queue)->payload_bytes == 99);
    CHECK(slotq_push(queue, &message, 1, nullptr) == SLOTQ_OK);
    CHECK(connections(server) - before == 3); /* the counting one, again */
    slotq_close(queue);
}

TEST_CASE("queues of a server are listed by name, copied out and in, removed")
{
    redis::Server server;
    const std::string url = server.url();
    for (const char *name : {"b", "a b", "z/ü", "-x"}) {
        REQUIRE(create(url, name).outcome == SLOTQ_OK);
    }
    server.command({"SET", "foreign", "x"});
    server.command({"RPUSH", "list", "x"});
    std::vector<std::string> found;
    const auto visit = [](void *context, const char *name) {
        static_cast<std::vector<std::string> *>(context)->push_back(name);
        return true;
    };
    REQUIRE(slotq_list(url.c_str(), visit, &found, nullptr) == SLOTQ_OK);
    CHECK(found == std::vector<std::string>{"-x", "a b", "b", "z/ü"});
    slotq *queue = nullptr;
    REQUIRE(slotq_open(url.c_str(), "b", nullptr, &queue, nullptr) == SLOTQ_OK);
    const slotq_data message = {"kept", 4};
    REQUIRE(slotq_push(queue, &message, 1, nullptr) == SLOTQ_OK);
    std::vector<uint64_t> room(slotq_image_bytes(queue) / 8 + 2);
    auto *image = reinterpret_cast<uint8_t *>(room.data()) + 1; /* aligned to nothing */
    REQUIRE(slotq_export(queue, image, slotq_image_bytes(queue)) == SLOTQ_OK);
    CHECK(slotq_import(url.c_str(), "b", image, slotq_image_bytes(queue), nullptr) == SLOTQ_EXISTS);
    CHECK(slotq_import(url.c_str(), "c", image, slotq_image_bytes(queue), nullptr) == SLOTQ_OK);
    CHECK(slotq_import(url.c_str(), "d", image, slotq_image_bytes(queue) - 1, nullptr) ==
          SLOTQ_CORRUPT);
    CHECK(open(url, "c").outcome == SLOTQ_OK);
    CHECK(slotq_remove_queue(url.c_str(), "b", nullptr) == SLOTQ_OK);
    CHECK(slotq_remove_queue(url.c_str(), "b", nullptr) == SLOTQ_NOQUEUE);
    CHECK(slotq_push(queue, &message, 1, nullptr) == SLOTQ_NOQUEUE);
    CHECK(std::string(slotq_error_of(queue)->text).find("create") != std::string::npos);
    CHECK(open(url, std::string(201, 'n')).outcome == SLOTQ_INVALID);
    CHECK(create(url, std::string(200, 'n')).outcome == SLOTQ_OK);
    slotq_close(queue);
}
