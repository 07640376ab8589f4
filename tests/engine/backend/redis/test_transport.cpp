/* test_transport.cpp: a connection over a transport that holds bytes inside, as one that decrypts
 * does: its descriptor is silent while there is something to read. A real server, a real socket.
 */
#include <algorithm>
#include <cerrno>
#include <string>

#include "catch.hpp"
#include "inside.hpp"
#include "server/riding.hpp"
#include "server/redis_server.hpp"

extern "C" {
#include "../../../../engine/backend/redis/wire/plain_socket.h"
}

namespace
{

/* Reads all that has come, and gives it out five bytes at a time. */
struct Hoard {
    redis_transport socket = {};
    std::string held;

    static Hoard &of(redis_transport *self)
    {
        return *static_cast<Hoard *>(self->state);
    }
    static ssize_t read(redis_transport *self, void *bytes, size_t room, bool may_wait)
    {
        Hoard &hoard = of(self);
        char fresh[4096];
        if (hoard.held.empty()) {
            const ssize_t got =
                hoard.socket.ops->read(&hoard.socket, fresh, sizeof fresh, may_wait);
            if (got <= 0) {
                return got;
            }
            hoard.held.assign(fresh, static_cast<size_t>(got));
        }
        const size_t given = std::min<size_t>({room, hoard.held.size(), 5});
        hoard.held.copy(static_cast<char *>(bytes), given);
        hoard.held.erase(0, given);
        return static_cast<ssize_t>(given);
    }
    static ssize_t write(redis_transport *self, const void *bytes, size_t count)
    {
        return of(self).socket.ops->write(&of(self).socket, bytes, count);
    }
    static redis_sight peek(redis_transport *self)
    {
        Hoard &hoard = of(self);
        return hoard.held.empty() ? hoard.socket.ops->peek(&hoard.socket) : REDIS_SIGHT_BYTES;
    }
    static int wait(redis_transport *self, uint32_t wanted, uint64_t timeout_ms, int bell_fd)
    {
        Hoard &hoard = of(self);
        const bool readable = (wanted & REDIS_READABLE) != 0 && !hoard.held.empty();
        return readable ? 1 : hoard.socket.ops->wait(&hoard.socket, wanted, timeout_ms, bell_fd);
    }
    static void close(redis_transport *self)
    {
        of(self).held.clear();
        of(self).socket.ops->close(&of(self).socket);
        self->ops = nullptr;
        self->fd = -1;
    }
};

const redis_transport_ops hoard_ops = {Hoard::read, Hoard::write, Hoard::peek,
                                       Hoard::wait, Hoard::close, nullptr};

/* A connection to a server over a hoard. */
struct Hoarding {
    redis::Server server;
    Hoard hoard;
    redis_connection connection = {};
    store_fault fault = {};

    Hoarding()
    {
        REQUIRE(redis_address_parse(server.url().c_str(), &connection.address, &fault) == SLOTQ_OK);
        connection.connect_timeout_ms = 5000;
        connection.timeout_ms = 5000;
        REQUIRE(redis_connection_open(&connection, &fault) == SLOTQ_OK);
        hoard.socket = connection.transport;
        connection.transport.ops = &hoard_ops;
        connection.transport.state = &hoard;
    }
    ~Hoarding()
    {
        redis_connection_free(&connection);
    }
    Hoarding(const Hoarding &) = delete;
    Hoarding &operator=(const Hoarding &) = delete;

    void add(std::vector<const char *> words)
    {
        std::vector<size_t> lengths;
        for (const char *word : words) {
            lengths.push_back(std::strlen(word));
        }
        REQUIRE(redis_outbox_add(&connection.outbox, static_cast<int>(words.size()), words.data(),
                                 lengths.data()));
    }
    void send()
    {
        REQUIRE(redis_connection_send(&connection, &fault));
        redis_outbox_clear(&connection.outbox);
    }
    inside::Reply next(uint32_t extra_ms)
    {
        redisReply *reply = nullptr;
        const bool came = redis_connection_next(&connection, extra_ms, &reply, &fault);
        INFO(fault.text);
        REQUIRE(came);
        return inside::Reply(reply);
    }
    /* All that has come on a subscription. */
    int heard()
    {
        int count = 0;
        redisReply *reply = nullptr;
        REQUIRE(redis_connection_listen(&connection, 0, -1, &reply, &fault));
        while (reply != nullptr) {
            freeReplyObject(reply);
            count++;
            REQUIRE(redis_connection_listen(&connection, 0, -1, &reply, &fault));
        }
        CHECK(hoard.held.empty()); /* or poll would not see it */
        return count;
    }
};

} // namespace

TEST_CASE_METHOD(Hoarding,
                 "transport: replies that are held inside are read, with a wait or without")
{
    add({"INFO", "replication"});
    send();
    CHECK(std::string(next(0)->str).find("role:master") != std::string::npos);
    for (const char *word : {"one", "two", "three"}) {
        add({"ECHO", word});
    }
    send();
    CHECK(std::string(next(0)->str) == "one");
    CHECK_FALSE(hoard.held.empty());
    CHECK(std::string(next(1000)->str) == "two");
    CHECK(std::string(next(0)->str) == "three");
    CHECK(hoard.held.empty());
}

TEST_CASE_METHOD(Hoarding, "transport: a listener leaves nothing inside")
{
    add({"SUBSCRIBE", "channel"});
    send();
    (void)next(0);
    for (int i = 0; i < 3; i++) {
        CHECK(server.command({"PUBLISH", "channel", "message"}).is_integer(1));
    }
    int count = 0;
    CHECK(riding::comes_true([&] { return (count += heard()) == 3; }));
    CHECK(hoard.held.empty());
    CHECK(heard() == 0);
}

TEST_CASE_METHOD(Hoarding, "transport: a reply that is left inside makes a connection stale")
{
    add({"PING"});
    add({"PING"});
    send();
    (void)next(0);
    CHECK(riding::comes_true([&] {
        return connection.transport.ops->peek(&connection.transport) == REDIS_SIGHT_BYTES;
    }));
    CHECK_FALSE(redis_connection_is_stale(&connection)); /* it answered just now */
    connection.used_ms = 0;
    CHECK(redis_connection_is_stale(&connection));
    CHECK(connection.context != nullptr);
    (void)next(0);
    connection.used_ms = 0;
    CHECK_FALSE(redis_connection_is_stale(&connection));
    server.kill();
    CHECK(riding::comes_true([&] {
        connection.used_ms = 0;
        return redis_connection_is_stale(&connection);
    }));
    CHECK(connection.context == nullptr);
    CHECK(connection.transport.ops == nullptr);
}
