/* test_lies.cpp: servers that lie where a cluster, functions and confirmations are read: calls end,
 * with an outcome and a text that people can read. Knows the public calls.
 */
#include "catch.hpp"

#include <atomic>
#include <string>
#include <vector>

#include <poll.h>

#include "inside.hpp"
#include "server/liar.hpp"

#include "server/redis_server.hpp"

extern "C" {
#include "../../../../engine/slotq_redis.h"
#define export export_
#include "../../../../engine/backend/redis/waiter.h"
#undef export
}
#include "../../../support/faults/faults.hpp"

using inside::bulk;

namespace
{

const std::string none = "$-1\r\n";

/* What any server says when it is greeted, of a key that it does not have. */
std::string greeting(const Liar::Words &words, const std::string &mode)
{
    const std::string &first = words[0];
    if (first == "INFO" && words[1] == "server") {
        return bulk("redis_version:7.0.15\r\nredis_mode:" + mode + "\r\n");
    }
    return first == "INFO"                            ? bulk("role:master\r\n")
           : first == "SCRIPT"                        ? "*1\r\n:0\r\n"
           : first == "SLOTQ.ABOUT"                   ? "-ERR unknown command 'SLOTQ.ABOUT'\r\n"
           : first == "TYPE"                          ? "+none\r\n"
           : first == "PTTL"                          ? ":-2\r\n"
           : first == "STRLEN"                        ? ":0\r\n"
           : first == "GETRANGE"                      ? bulk("")
           : first == "TIME"                          ? "*2\r\n" + bulk("1") + bulk("1")
           : first == "ASKING" || first == "READONLY" ? "+OK\r\n"
                                                      : "";
}

slotq_outcome create(const Liar &liar, slotq_error *error)
{
    slotq_geometry geometry = {};
    slotq_redis_options redis = {};
    slotq_options options = {};
    redis.reconnect_ms = 1;
    options.redis = &redis;
    geometry.ring_slots = 8;
    geometry.payload_bytes = 8;
    geometry.tick_ms = 100;
    geometry.groups = 1;
    return slotq_create(liar.url().c_str(), "jobs", &geometry, &options, error);
}

} // namespace

TEST_CASE("lies: a server that refuses another command than was sent ends creating")
{
    const char *refused = GENERATE("evalsha", "evalsha_ro", "fcall", "fcall_ro", "script|load");
    slotq_error error = {};
    Liar liar([&](const Liar::Words &words) {
        return words[0] == "EVALSHA" || words[0] == "FCALL"
                   ? (liar.heard() > 200 ? ""
                                         : std::string("-NOPERM this user has no permissions to "
                                                       "run the '") +
                                               refused + "' command\r\n")
                   : greeting(words, "standalone");
    });
    INFO(refused);
    CHECK(create(liar, &error) == SLOTQ_IO);
    CHECK(liar.heard() < 30);
}

namespace
{

/* As the server wrote it. */
std::string again(const redisReply &reply)
{
    std::string made;
    switch (reply.type) {
    case REDIS_REPLY_STATUS:
    case REDIS_REPLY_ERROR:
        return (reply.type == REDIS_REPLY_ERROR ? "-" : "+") + std::string(reply.str, reply.len) +
               "\r\n";
    case REDIS_REPLY_INTEGER:
        return ":" + std::to_string(reply.integer) + "\r\n";
    case REDIS_REPLY_STRING:
        return bulk(std::string(reply.str, reply.len));
    case REDIS_REPLY_ARRAY:
        made = "*" + std::to_string(reply.elements) + "\r\n";
        for (size_t i = 0; i < reply.elements; i++) {
            made += again(*reply.element[i]);
        }
        return made;
    default:
        return none;
    }
}

/* What a real server says to a command. */
std::string honest(redisContext *context, const Liar::Words &words)
{
    std::vector<const char *> arguments;
    std::vector<size_t> lengths;
    for (const std::string &word : words) {
        arguments.push_back(word.data());
        lengths.push_back(word.size());
    }
    const inside::Reply reply(static_cast<redisReply *>(redisCommandArgv(
        context, static_cast<int>(words.size()), arguments.data(), lengths.data())));
    return reply == nullptr ? "" : again(*reply);
}

} // namespace

TEST_CASE("lies: more disks and replicas than there can be confirm nothing")
{
    const std::string said =
        GENERATE(as<std::string>{}, "*2\r\n:1\r\n:9223372036854775807\r\n", "*2\r\n:0\r\n:5\r\n",
                 "*2\r\n:1\r\n:-1\r\n", "*2\r\n:1\r\n$1\r\n1\r\n", "*1\r\n:1\r\n", ":-7\r\n",
                 ":9223372036854775807\r\n", "+OK\r\n", "-ERR \x1b[31m\r\n");
    const bool of_disks = GENERATE(false, true);
    redis::Server server;
    bool lies = false;
    redisContext *context = redisConnectUnix(server.socket_path().c_str());
    REQUIRE((context != nullptr && context->err == 0));
    {
        Liar liar([&](const Liar::Words &words) {
            return words[0] == "WAITAOF" || words[0] == "WAIT"
                       ? (lies ? said : std::string("*2\r\n:1\r\n:0\r\n"))
                       : honest(context, words);
        });
        slotq *queue = nullptr;
        slotq_redis_options redis = {};
        slotq_options options = {};
        const slotq_data hello = {"hello", 5};
        redis.wait_ms = 1;
        (of_disks ? redis.wait_fsynced : redis.wait_replicas) = 2;
        options.redis = &redis;
        INFO(said);
        REQUIRE(create(liar, nullptr) == SLOTQ_OK);
        REQUIRE(slotq_open(liar.url().c_str(), "jobs", &options, &queue, nullptr) == SLOTQ_OK);
        lies = true;
        CHECK(slotq_push(queue, &hello, 1, nullptr) == SLOTQ_UNCONFIRMED);
        const std::string text = slotq_error_of(queue)->text;
        CHECK(text.find('\x1b') == std::string::npos);
        CHECK(text.find("0 of 2") != std::string::npos);
        slotq_close(queue);
    }
    redisFree(context);
}

namespace
{

/* Calls that look for a queue end, with a text of printable characters and no password. */
void look_around(const Liar &liar)
{
    slotq *queue = nullptr;
    slotq_error error = {};
    slotq_redis_options redis = {};
    slotq_options options = {};
    redis.reconnect_ms = 50;
    redis.connect_timeout_ms = 500;
    redis.timeout_ms = 500;
    options.redis = &redis;
    const std::string url = "redis://user:sekret@127.0.0.1:" + liar.port();
    CHECK(slotq_open(url.c_str(), "jobs", &options, &queue, &error) != SLOTQ_OK);
    const std::string opened = error.text;
    const auto visit = [](void *, const char *) { return true; };
    const auto visit_primary = [](void *context, const slotq_redis_primary *primary) {
        *static_cast<std::string *>(context) += primary->address;
        return true;
    };
    CHECK(create(liar, &error) != SLOTQ_OK);
    std::string said = opened + error.text;
    (void)slotq_list(url.c_str(), visit, nullptr, &error);
    said += error.text;
    (void)slotq_redis_visit(url.c_str(), &options, visit_primary, &said, &error);
    said += error.text;
    for (const char c : said) {
        CHECK((c >= ' ' && c <= '~'));
    }
    INFO(said);
    CHECK(said.find("sekret") == std::string::npos);
}

} // namespace

TEST_CASE("lies: redirections that lead nowhere or in a circle end")
{
    std::string port = "0";
    const std::string how = GENERATE("MOVED", "ASK");
    const std::string where =
        GENERATE(as<std::string>{}, "5 127.0.0.1:PORT", "5 :PORT", "5 :0", "5 127.0.0.1:70000",
                 "5 a\x1b[31m:7000", "5 ?:7000", "16384 127.0.0.1:PORT", "-1 127.0.0.1:PORT", "5",
                 "5 ", "5 127.0.0.1:PORT@17000", "5 /etc/passwd:1", "5 @:1");
    Liar liar([&](const Liar::Words &words) {
        const std::string at = where.find("PORT") == std::string::npos
                                   ? where
                                   : std::string(where).replace(where.find("PORT"), 4, port);
        if (words[0] == "AUTH") {
            return std::string("+OK\r\n");
        }
        if (words[0] == "CLUSTER") {
            return "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n" + bulk("127.0.0.1") + ":" + port + "\r\n";
        }
        return words[0] == "STRLEN" || words[0] == "EVALSHA" ? "-" + how + " " + at + "\r\n"
                                                             : greeting(words, "cluster");
    });
    port = liar.port();
    INFO(how << " " << where);
    look_around(liar);
    CHECK(liar.heard() < 3000);
}

TEST_CASE("lies: CLUSTER SLOTS of all shapes")
{
    const std::string slots =
        GENERATE(as<std::string>{}, "*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n$1\r\na\r\n:1\r\n",
                 "*1\r\n*3\r\n:-1\r\n:5\r\n*2\r\n$1\r\na\r\n:1\r\n", "*1048577\r\n", "*-1\r\n",
                 "*0\r\n", "*1\r\n*2\r\n:0\r\n:1\r\n", "*1\r\n:5\r\n", "$-1\r\n", "+OK\r\n",
                 "-ERR no\r\n", "*1\r\n*3\r\n:0\r\n:5\r\n*0\r\n",
                 "*1\r\n*3\r\n:0\r\n:5\r\n*2\r\n" + bulk(std::string("a\0b", 3)) + ":1\r\n",
                 "*1\r\n*3\r\n:0\r\n:5\r\n*2\r\n$3\r\n\x1b[m\r\n:1\r\n",
                 "*1\r\n*3\r\n:0\r\n:5\r\n*2\r\n$1\r\na\r\n:70000\r\n",
                 "*1\r\n*3\r\n:0\r\n:5\r\n*2\r\n$1\r\na\r\n:-9223372036854775808\r\n",
                 "*1\r\n*3\r\n:0\r\n:5\r\n*4\r\n$1\r\n?\r\n:1\r\n$1\r\nx\r\n*1\r\n$2\r\nip\r\n",
                 "*1\r\n*4\r\n:0\r\n:5\r\n*2\r\n$-1\r\n:1\r\n+no\r\n");
    Liar liar([&](const Liar::Words &words) {
        return words[0] == "AUTH"      ? std::string("+OK\r\n")
               : words[0] == "CLUSTER" ? slots
               : words[0] == "SCAN"    ? std::string("*2\r\n$1\r\n0\r\n*0\r\n")
                                       : greeting(words, "cluster");
    });
    INFO(slots);
    look_around(liar);
}

TEST_CASE("lies: no memory for the second of two primaries leaves the first one closed, once")
{
    REQUIRE(faults::linked());
    std::string port;
    Liar liar([&](const Liar::Words &words) {
        const std::string node = ":" + port + "\r\n";
        return words[0] == "CLUSTER"
                   ? "*2\r\n*3\r\n:0\r\n:8000\r\n*2\r\n" + bulk("127.0.0.1") + node +
                         "*3\r\n:8001\r\n:16383\r\n*2\r\n" + bulk("localhost") + node
                   : greeting(words, "cluster");
    });
    port = liar.port();
    const auto visit = [](void *, const slotq_redis_primary *) { return true; };
    uint64_t struck = 1;
    for (uint64_t at = 1; struck > 0; at++) {
        faults::arm(faults::CALL_calloc, at, false);
        (void)slotq_redis_visit(liar.url().c_str(), nullptr, visit, nullptr, nullptr);
        struck = faults::struck();
        faults::disarm();
        REQUIRE(at < 100);
    }
}

namespace
{

/* A waiter, and the server's connection of the calls, which is not opened. */
struct Waiting {
    redis_waiter waiter = {};
    redis_connection model = {};

    explicit Waiting(const Liar &liar, uint32_t places)
    {
        store_fault fault = {};
        REQUIRE(redis_address_parse(liar.url().c_str(), &model.address, &fault) == SLOTQ_OK);
        model.connect_timeout_ms = model.timeout_ms = 10000;
        redis_waiter_init(&waiter);
        waiter.places = places;
    }
    ~Waiting()
    {
        redis_waiter_free(&waiter);
    }
    int listen()
    {
        return redis_waiter_listen(&waiter, &model, "jobs", 4);
    }
};

std::string subscribed()
{
    return "*3\r\n" + bulk("subscribe") + bulk("slotq:jobs") + ":1\r\n";
}

/* More than sockets hold. */
std::string messages_for_long()
{
    const std::string one = "*3\r\n" + bulk("message") + bulk("slotq:jobs") + bulk("");
    std::string many;
    while (many.size() < 32U << 20) {
        many += one;
    }
    return many;
}

} // namespace

TEST_CASE("lies: a server that never stops waking does not hold a listener")
{
    const std::string many = messages_for_long();
    Liar liar([&](const Liar::Words &words) {
        return words[0] == "SUBSCRIBE" ? subscribed() + many : greeting(words, "standalone");
    });
    Waiting world(liar, 0);
    pollfd waited = {world.listen(), POLLIN, 0};
    REQUIRE(waited.fd >= 0);
    const int greeted = liar.answered();
    for (int i = 0; i < 3; i++) { /* the rest is for later, and the descriptor tells of it */
        REQUIRE(poll(&waited, 1, 60000) == 1);
        CHECK(world.listen() == waited.fd);
        CHECK(world.waiter.woken);
    }
    CHECK(poll(&waited, 1, 60000) == 1);
    CHECK(liar.answered() == greeted);
}

TEST_CASE("lies: a server that never ends a subscription does not hold a leaver")
{
    const std::string many = messages_for_long();
    std::atomic<int> cut_off{0}; /* answers, until the newest subscription */
    Liar liar([&](const Liar::Words &words) {
        cut_off = words[0] == "SUBSCRIBE" ? liar.heard() - 1 - liar.answered() : cut_off.load();
        return words[0] == "SUBSCRIBE"     ? subscribed()
               : words[0] == "UNSUBSCRIBE" ? many
               : words[0] == "PUBSUB"      ? std::string("-ERR no\r\n")
                                           : greeting(words, "standalone");
    });
    Waiting world(liar, 8);
    REQUIRE(world.listen() >= 0);
    const int32_t place = world.waiter.place;
    world.waiter.vain = 1;
    world.waiter.woken = true;
    CHECK(world.listen() >= 0); /* it subscribed anew, at another place */
    CHECK(world.waiter.place != place);
    CHECK(cut_off == 1);
}
