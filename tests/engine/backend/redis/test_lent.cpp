/* test_lent.cpp: connections that are lent to a handle: by their owner, and out of a plain
 * connection of the library's own, which may break under the handle. Knows the public headers and
 * a private server.
 */
#include "catch.hpp"

#include <string>

#include <hiredis/hiredis.h>
#include <sys/wait.h>
#include <unistd.h>

#include "served.hpp"

namespace
{

const slotq_data hello = {"hello", 5};

/* A plain connection, and a handle over what it lends. */
struct Lent {
    slotq_redis_connection *connection = nullptr;
    slotq *queue = nullptr;

    explicit Lent(const redis::Server &server)
    {
        make_queue(server);
        REQUIRE(slotq_redis_connect(server.url().c_str(), nullptr, &connection, nullptr) ==
                SLOTQ_OK);
        REQUIRE(slotq_redis_attach(slotq_redis_context(connection), "jobs", nullptr, &queue,
                                   nullptr) == SLOTQ_OK);
    }
    ~Lent()
    {
        slotq_close(queue);
        slotq_redis_close(connection);
    }
    Lent(const Lent &) = delete;
    Lent &operator=(const Lent &) = delete;

    slotq_outcome push()
    {
        return slotq_push(queue, &hello, 1, nullptr);
    }
    slotq_outcome ping()
    {
        const char *words[] = {"PING"};
        redisReply *reply = nullptr;
        const slotq_outcome outcome =
            slotq_redis_command(connection, 1, words, nullptr, &reply, nullptr);
        freeReplyObject(reply);
        return outcome;
    }
};

/* Whether a context still answers. */
bool answers(redisContext *context)
{
    auto *reply = static_cast<redisReply *>(redisCommand(context, "PING"));
    const bool good = reply != nullptr && std::string(reply->str) == "PONG";
    freeReplyObject(reply);
    return good;
}

} // namespace

TEST_CASE("a plain connection that breaks leaves the handle over it what it was lent")
{
    redis::Server server;
    Lent lent(server);
    redisContext *context = slotq_redis_context(lent.connection);
    REQUIRE(lent.push() == SLOTQ_OK);
    REQUIRE(lent.ping() == SLOTQ_OK);
    server.kill();
    CHECK(lent.ping() >= SLOTQ_FAILURES);
    CHECK(context->err == REDIS_ERR_IO); /* it is there, and marked */
    CHECK(slotq_redis_context(lent.connection) == nullptr);
    CHECK(lent.ping() == SLOTQ_CONNECT);
    CHECK(lent.push() == SLOTQ_CONNECT);
    CHECK(lent.push() == SLOTQ_CONNECT);
}

TEST_CASE("a forked child that asks for the context leaves its handle what it was lent")
{
    redis::Server server;
    Lent lent(server);
    REQUIRE(lent.push() == SLOTQ_OK);
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        bool good = slotq_redis_context(lent.connection) == nullptr;
        good = good && lent.ping() == SLOTQ_CONNECT && lent.push() == SLOTQ_CONNECT;
        slotq_close(lent.queue);
        slotq_redis_close(lent.connection);
        _exit(good ? 0 : 1);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK(lent.push() == SLOTQ_OK);
    CHECK(lent.ping() == SLOTQ_OK);
}

TEST_CASE("a connection that is whole stays so where the server refuses the queue")
{
    redis::Server server;
    make_queue(server);
    server.command({"ACL", "SETUSER", "guest", "on", "nopass", "~*", "+ping", "+auth"});
    redisContext *context = redisConnectUnix(server.socket_path().c_str());
    REQUIRE((context != nullptr && context->err == 0));
    freeReplyObject(redisCommand(context, "AUTH guest x"));
    slotq *queue = nullptr;
    slotq_error error = {};
    CHECK(slotq_redis_attach(context, "jobs", nullptr, &queue, &error) == SLOTQ_IO);
    CHECK(std::string(error.text).find("NOPERM") != std::string::npos);
    CHECK(context->err == 0);
    CHECK(answers(context));
    freeReplyObject(redisCommand(context, "AUTH default x"));
    server.command({"ACL", "SETUSER", "guest", "+@all"});
    CHECK(slotq_redis_attach(context, "jobs", nullptr, &queue, nullptr) == SLOTQ_OK);
    slotq_close(queue);
    redisFree(context);
}
