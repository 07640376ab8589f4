/* test_public.cpp: slotq_redis.h as its users call it: pipelines, event loops, lent connections,
 * scripts, waiting, replicas. Knows the public headers and a private server.
 */
#include "catch.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <hiredis/hiredis.h>
#include <poll.h>
#include <unistd.h>

#include "served.hpp"

namespace
{

struct World : Opened {
    slotq_batch *batch = slotq_batch_new();

    using Opened::Opened;
    ~World()
    {
        slotq_batch_free(batch);
    }

    long stat(const std::string &name)
    {
        const std::string info = server.command({"INFO", "stats"}).text;
        return std::stol(info.substr(info.find(name + ":") + name.size() + 1));
    }
    long commands()
    {
        return stat("total_commands_processed");
    }
};

struct Pipeline {
    slotq_pipeline *raw = nullptr;
    explicit Pipeline(slotq *queue)
    {
        REQUIRE(slotq_pipeline_new(queue, &raw, nullptr) == SLOTQ_OK);
    }
    ~Pipeline()
    {
        slotq_pipeline_free(raw);
    }
    Pipeline(const Pipeline &) = delete;
    Pipeline &operator=(const Pipeline &) = delete;
    slotq_pipeline_result result(uint32_t index) const
    {
        slotq_pipeline_result result = {};
        REQUIRE(slotq_pipeline_get(raw, index, &result) == SLOTQ_OK);
        return result;
    }
};

const slotq_data hello = {"hello", 5};

/* A connection that lay idle is looked at before it is used, one used just now is not. */
void lie_idle(bool long_enough)
{
    std::this_thread::sleep_for(std::chrono::milliseconds(long_enough ? 300 : 0));
}

} // namespace

TEST_CASE("a pipeline runs verbs in order, each with its own outcome")
{
    World world;
    Pipeline pipeline(world.queue);
    std::vector<slotq_data> many(600, hello);
    uint32_t index = 9;
    REQUIRE(slotq_pipeline_push(pipeline.raw, many.data(), 600, &index) == SLOTQ_OK);
    CHECK(index == 0);
    REQUIRE(slotq_pipeline_push(pipeline.raw, many.data(), 600, &index) == SLOTQ_OK);
    REQUIRE(slotq_pipeline_reserve(pipeline.raw, 0, 50, 30000, world.batch, &index) == SLOTQ_OK);
    CHECK(slotq_pipeline_reserve(pipeline.raw, 1, 50, 30000, world.batch, &index) == SLOTQ_INVALID);
    slotq_pipeline_result early = {};
    CHECK(slotq_pipeline_get(pipeline.raw, 0, &early) == SLOTQ_INVALID);
    REQUIRE(slotq_pipeline_run(pipeline.raw) == SLOTQ_OK);
    CHECK(pipeline.result(0).outcome == SLOTQ_OK);
    CHECK(pipeline.result(0).first_id == 1);
    CHECK(pipeline.result(1).outcome == SLOTQ_FULL);
    CHECK(pipeline.result(2).count == 50);
    CHECK(slotq_batch_count(world.batch) == 50);
    REQUIRE(slotq_pipeline_settle_batch(pipeline.raw, SLOTQ_SETTLE_ACK, world.batch, 0, 0,
                                        &index) == SLOTQ_OK);
    CHECK(index == 0); /* begun anew */
    CHECK(slotq_batch_count(world.batch) == 0);
    REQUIRE(slotq_pipeline_reserve(pipeline.raw, 0, 10, 30000, world.batch, nullptr) == SLOTQ_OK);
    REQUIRE(slotq_pipeline_run(pipeline.raw) == SLOTQ_OK);
    CHECK(pipeline.result(0).count == 50);
    slotq_message message;
    REQUIRE(slotq_batch_next(world.batch, &message));
    CHECK(message.id == 51);
    const slotq_run run = {message.id, message.token, 1};
    const slotq_run wrong = {message.id + 1, 1, 1};
    uint32_t token = 0;
    uint8_t outcomes[1] = {9};
    REQUIRE(slotq_pipeline_settle(pipeline.raw, SLOTQ_SETTLE_EXTEND, 0, &run, 1, 60000, 0, nullptr,
                                  &token, nullptr) == SLOTQ_OK);
    REQUIRE(slotq_pipeline_settle(pipeline.raw, SLOTQ_SETTLE_ACK, 0, &wrong, 1, 0, 0, outcomes,
                                  nullptr, nullptr) == SLOTQ_OK);
    REQUIRE(slotq_pipeline_run(pipeline.raw) == SLOTQ_OK);
    CHECK(slotq_ack(world.queue, 0, message.id, token) == SLOTQ_OK);
    CHECK(pipeline.result(1).outcome == SLOTQ_STALE);
    CHECK(outcomes[0] == SLOTQ_STALE);
}

TEST_CASE("a pipeline's verbs keep their order where the server knows some of the scripts only")
{
    World world;
    const slotq_data data = {"x", 1};
    for (int round = 0; round < 2; round++) {
        if (round == 0) {
            slotq *other = nullptr;
            world.server.command({"SCRIPT", "FLUSH"});
            REQUIRE(slotq_clone(world.queue, &other, nullptr) == SLOTQ_OK);
            REQUIRE(slotq_reserve(other, 0, 1, 1000, 0, world.batch) == SLOTQ_EMPTY);
            slotq_close(other);
        }
        Pipeline pipeline(world.queue);
        REQUIRE(slotq_pipeline_push(pipeline.raw, &data, 1, nullptr) == SLOTQ_OK);
        REQUIRE(slotq_pipeline_reserve(pipeline.raw, 0, 1, 30000, world.batch, nullptr) ==
                SLOTQ_OK);
        REQUIRE(slotq_pipeline_run(pipeline.raw) == SLOTQ_OK);
        CHECK(slotq_batch_count(world.batch) == 1);
    }
}

TEST_CASE("a pipeline is for Redis")
{
    slotq_geometry geometry = SLOTQ_GEOMETRY_DEFAULT;
    slotq *queue = nullptr;
    slotq_pipeline *pipeline = nullptr;
    REQUIRE(slotq_create_memory(&geometry, nullptr, &queue, nullptr) == SLOTQ_OK);
    CHECK(slotq_pipeline_new(queue, &pipeline, nullptr) == SLOTQ_UNSUPPORTED);
    int fd = 0;
    CHECK(slotq_redis_listen(queue, &fd) == SLOTQ_UNSUPPORTED);
    slotq_close(queue);
}

TEST_CASE("an event loop sends the bytes and hands in the replies")
{
    World world;
    Pipeline pipeline(world.queue);
    redisContext *context = redisConnectUnix(world.server.socket_path().c_str());
    REQUIRE((context != nullptr && context->err == 0));
    for (const bool load : {false, true}) {
        const void *bytes = nullptr;
        size_t size = 0;
        uint32_t replies = 0;
        bool done = false;
        REQUIRE(slotq_pipeline_push(pipeline.raw, &hello, 1, nullptr) == SLOTQ_OK);
        REQUIRE(slotq_pipeline_reserve(pipeline.raw, 0, 5, 30000, world.batch, nullptr) ==
                SLOTQ_OK);
        REQUIRE(slotq_pipeline_build(pipeline.raw, load, &bytes, &size, &replies) == SLOTQ_OK);
        REQUIRE(redisAppendFormattedCommand(context, static_cast<const char *>(bytes), size) ==
                REDIS_OK);
        for (uint32_t i = 0; i < replies; i++) {
            void *reply = nullptr;
            CHECK_FALSE(done);
            REQUIRE(redisGetReply(context, &reply) == REDIS_OK);
            CHECK(slotq_pipeline_parse(pipeline.raw, static_cast<redisReply *>(reply), &done) ==
                  SLOTQ_OK);
            freeReplyObject(reply);
        }
        CHECK(done);
        CHECK(pipeline.result(0).outcome == (load ? SLOTQ_OK : SLOTQ_AGAIN));
        CHECK(pipeline.result(1).count == (load ? 1 : 0));
        CHECK(slotq_pipeline_parse(pipeline.raw, nullptr, &done) == SLOTQ_INVALID);
    }
    const void *bytes = nullptr;
    size_t size = 0;
    uint32_t replies = 0;
    bool done = false;
    REQUIRE(slotq_pipeline_push(pipeline.raw, &hello, 1, nullptr) == SLOTQ_OK);
    REQUIRE(slotq_pipeline_build(pipeline.raw, false, &bytes, &size, &replies) == SLOTQ_OK);
    CHECK(slotq_pipeline_parse(pipeline.raw, nullptr, &done) == SLOTQ_OUTCOME_UNKNOWN);
    CHECK(done);
    redisFree(context);
}

TEST_CASE("a lent connection is used and left; one that broke stays so")
{
    const bool idle = GENERATE(false, true);
    World world;
    redisContext *context = redisConnectUnix(world.server.socket_path().c_str());
    slotq *lent = nullptr;
    slotq *other = nullptr;
    REQUIRE(slotq_redis_attach(context, "jobs", nullptr, &lent, nullptr) == SLOTQ_OK);
    CHECK(slotq_push(lent, &hello, 1, nullptr) == SLOTQ_OK);
    CHECK(slotq_clone(lent, &other, nullptr) == SLOTQ_UNSUPPORTED);
    auto *reply = static_cast<redisReply *>(redisCommand(context, "STRLEN jobs"));
    REQUIRE(reply != nullptr);
    CHECK(reply->integer == static_cast<long long>(slotq_image_bytes(lent)));
    freeReplyObject(reply);
    CHECK(slotq_reserve(lent, 0, 5, 30000, 0, world.batch) == SLOTQ_OK);
    CHECK(slotq_reserve(lent, 0, 5, 30000, 50, world.batch) == SLOTQ_EMPTY);
    slotq_close(lent);
    reply = static_cast<redisReply *>(redisCommand(context, "PING"));
    REQUIRE(reply != nullptr);
    freeReplyObject(reply);
    CHECK(slotq_redis_attach(context, "none", nullptr, &lent, nullptr) == SLOTQ_NOQUEUE);
    redisFree(context);
    context = redisConnectUnix(world.server.socket_path().c_str());
    REQUIRE(slotq_redis_attach(context, "jobs", nullptr, &lent, nullptr) == SLOTQ_OK);
    world.server.kill();
    lie_idle(idle);
    const slotq_outcome outcome = slotq_push(lent, &hello, 1, nullptr);
    CHECK((outcome == SLOTQ_OUTCOME_UNKNOWN || outcome == SLOTQ_CONNECT));
    CHECK(slotq_push(lent, &hello, 1, nullptr) == SLOTQ_CONNECT);
    CHECK(context->err != 0);
    slotq_close(lent);
    redisFree(context);
}

TEST_CASE("a user's own script is loaded once and found again")
{
    const bool idle = GENERATE(false, true);
    redis::Server server;
    slotq_redis_connection *connection = nullptr;
    REQUIRE(slotq_redis_connect(server.url().c_str(), nullptr, &connection, nullptr) == SLOTQ_OK);
    const std::string text = "return {KEYS[1], ARGV[2], #ARGV}";
    slotq_script *script = slotq_script_new(text.data(), text.size());
    const slotq_data key = {"k", 1};
    const slotq_data arguments[] = {{"a", 1}, {"b\0c", 3}};
    redisReply *reply = nullptr;
    for (int i = 0; i < 3; i++) {
        REQUIRE(slotq_script_run(script, slotq_redis_context(connection), 1, &key, 2, arguments,
                                 &reply, nullptr) == SLOTQ_OK);
        REQUIRE(reply->elements == 3);
        CHECK(std::string(reply->element[1]->str, reply->element[1]->len) ==
              std::string("b\0c", 3));
        freeReplyObject(reply);
        if (i == 1) {
            server.command({"SCRIPT", "FLUSH"});
        }
    }
    slotq_script_free(script);
    script = slotq_script_new("return (", 8);
    REQUIRE(slotq_script_run(script, slotq_redis_context(connection), 0, nullptr, 0, nullptr,
                             &reply, nullptr) == SLOTQ_OK);
    CHECK(reply->type == REDIS_REPLY_ERROR);
    freeReplyObject(reply);
    slotq_script_free(script);
    const char *ping[] = {"PING"};
    CHECK(slotq_redis_command(connection, 0, ping, nullptr, &reply, nullptr) == SLOTQ_INVALID);
    server.kill();
    lie_idle(idle);
    CHECK(slotq_redis_command(connection, 1, ping, nullptr, &reply, nullptr) >= SLOTQ_FAILURES);
    CHECK(slotq_redis_command(connection, 1, ping, nullptr, &reply, nullptr) == SLOTQ_CONNECT);
    CHECK(reply == nullptr);
    CHECK(slotq_redis_context(connection) == nullptr);
    slotq_redis_close(connection);
}

TEST_CASE("a waiting consumer is woken by a push, and costs next to nothing until then")
{
    World world;
    slotq *other = nullptr;
    REQUIRE(slotq_clone(world.queue, &other, nullptr) == SLOTQ_OK);
    CHECK(slotq_reserve(world.queue, 0, 1, 30000, 1, world.batch) == SLOTQ_EMPTY);
    const long before = world.commands();
    std::thread pusher([other] {
        std::this_thread::sleep_for(std::chrono::milliseconds(1500));
        (void)slotq_push(other, &hello, 1, nullptr);
    });
    CHECK(slotq_reserve(world.queue, 0, 1, 30000, 60000, world.batch) == SLOTQ_OK);
    pusher.join();
    /* two looks, the subscription, a push and the last look: none of them by the clock */
    CHECK(world.commands() - before < 45);
    slotq_close(other);
}

TEST_CASE("a wait ends when it is told to")
{
    World world;
    slotq_options options = {};
    int asked = 0;
    options.poll_ms = 20;
    options.stop_context = &asked;
    options.should_stop = [](void *context) { return ++*static_cast<int *>(context) > 5; };
    slotq *patient = nullptr;
    REQUIRE(slotq_open(world.server.url().c_str(), "jobs", &options, &patient, nullptr) ==
            SLOTQ_OK);
    CHECK(slotq_reserve(patient, 0, 1, 30000, UINT32_MAX, world.batch) == SLOTQ_EMPTY);
    CHECK(asked > 5);
    slotq_close(patient);
}

TEST_CASE("a poll loop hears that there is something")
{
    World world;
    slotq *other = nullptr;
    REQUIRE(slotq_clone(world.queue, &other, nullptr) == SLOTQ_OK);
    int fd = -1;
    REQUIRE(slotq_redis_listen(world.queue, &fd) == SLOTQ_OK);
    CHECK(slotq_reserve(world.queue, 0, 1, 30000, 1, world.batch) == SLOTQ_EMPTY);
    REQUIRE(slotq_push(other, &hello, 1, nullptr) == SLOTQ_OK);
    pollfd waited = {fd, POLLIN, 0};
    CHECK(poll(&waited, 1, 60000) == 1);
    REQUIRE(slotq_redis_listen(world.queue, &fd) == SLOTQ_OK);
    waited = {fd, POLLIN, 0};
    CHECK(poll(&waited, 1, 0) == 0); /* it was taken */
    CHECK(slotq_reserve(world.queue, 0, 1, 30000, 0, world.batch) == SLOTQ_OK);
    slotq_close(other);
}

TEST_CASE("a push that too few replicas confirm is in, and said not to be confirmed")
{
    slotq_redis_options redis = {};
    redis.wait_replicas = 1;
    redis.wait_ms = 50;
    World world(redis);
    uint64_t id = 0;
    CHECK(slotq_push(world.queue, &hello, 1, &id) == SLOTQ_UNCONFIRMED);
    CHECK(id == 1);
    CHECK(std::string(slotq_error_of(world.queue)->text).find("0 of 1 replicas") !=
          std::string::npos);
    Pipeline pipeline(world.queue);
    REQUIRE(slotq_pipeline_push(pipeline.raw, &hello, 1, nullptr) == SLOTQ_OK);
    REQUIRE(slotq_pipeline_reserve(pipeline.raw, 0, 5, 30000, world.batch, nullptr) == SLOTQ_OK);
    CHECK(slotq_pipeline_run(pipeline.raw) == SLOTQ_OK);
    CHECK(pipeline.result(0).outcome == SLOTQ_UNCONFIRMED);
    CHECK(pipeline.result(0).first_id == 2);
    CHECK(pipeline.result(1).count == 2);
}

TEST_CASE("a plain connection judges replies, and waits for refusals where it is told to")
{
    redis::Server server;
    slotq_redis_options redis = {};
    redis.reconnect_ms = 60000;
    slotq_options options = {};
    options.redis = &redis;
    slotq_redis_connection *brief = nullptr;
    slotq_redis_connection *patient = nullptr;
    REQUIRE(slotq_redis_connect(server.url().c_str(), nullptr, &brief, nullptr) == SLOTQ_OK);
    REQUIRE(slotq_redis_connect(server.url().c_str(), &options, &patient, nullptr) == SLOTQ_OK);
    server.command({"CONFIG", "SET", "min-replicas-to-write", "1"});
    const char *set[] = {"SET", "x", "y"};
    redisReply *reply = nullptr;
    slotq_error error = {};
    REQUIRE(slotq_redis_command(brief, 3, set, nullptr, &reply, &error) == SLOTQ_OK);
    CHECK(slotq_redis_judge(reply, &error) == SLOTQ_IO);
    CHECK(error.passes);
    CHECK(error.cause == SLOTQ_CAUSE_REFUSED);
    freeReplyObject(reply);
    std::thread other([&] {
        usleep(300000);
        server.command({"CONFIG", "SET", "min-replicas-to-write", "0"});
    });
    REQUIRE(slotq_redis_command(patient, 3, set, nullptr, &reply, &error) == SLOTQ_OK);
    other.join();
    CHECK(slotq_redis_judge(reply, &error) == SLOTQ_OK);
    freeReplyObject(reply);
    CHECK(slotq_redis_judge(nullptr, &error) == SLOTQ_INVALID);
    const char *unknown[] = {"NO-SUCH-COMMAND"};
    REQUIRE(slotq_redis_command(patient, 1, unknown, nullptr, &reply, &error) == SLOTQ_OK);
    CHECK(slotq_redis_judge(reply, &error) == SLOTQ_UNSUPPORTED);
    CHECK(error.cause == SLOTQ_CAUSE_COMMAND);
    freeReplyObject(reply);
    slotq_redis_close(brief);
    slotq_redis_close(patient);
}

TEST_CASE("a user that may not subscribe keeps no connection for it")
{
    World world;
    int fd = -1;
    world.server.command({"ACL", "SETUSER", "default", "-subscribe"});
    CHECK(slotq_redis_listen(world.queue, &fd) == SLOTQ_UNSUPPORTED);
    CHECK(fd == -1);
    const std::string clients = world.server.command({"CLIENT", "LIST"}).text;
    const auto count = std::count(clients.begin(), clients.end(), '\n');
    CHECK(count == 2); /* the handle's, and the asking one */
}

/* A push that marks the queue as waited for takes the whole path of its script. */
TEST_CASE("where there is room a push that may wait says to the server what a push does")
{
    World world;
    const slotq_data message = {"message", 7};
    const auto said_by = [&](uint64_t wait_ms) {
        const long before = world.stat("total_net_input_bytes");
        REQUIRE(slotq_push_wait(world.queue, &message, 1, wait_ms, nullptr) == SLOTQ_OK);
        return world.stat("total_net_input_bytes") - before;
    };
    REQUIRE(slotq_push(world.queue, &message, 1, nullptr) == SLOTQ_OK); /* loads the script */
    const long bytes = said_by(0);
    CHECK(said_by(60000) == bytes);
}
