/* test_functions.cpp: verbs called by FCALL, where scripts are refused or not wanted: users with
 * real ACLs, a library that is missing, flushed, or of another version. Knows the public calls.
 */
#include "catch.hpp"

#include <cstdlib>
#include <string>

#include <hiredis/hiredis.h>

#include "own_handle.hpp"
#include "served.hpp"

namespace
{

const slotq_data hello = {"hello", 5};
const std::string library = slotq_redis_functions_name();

bool has(const std::string &text, const std::string &part)
{
    return text.find(part) != std::string::npos;
}

/* A server with the library, and a user whose rights are given besides what every user needs. */
struct Guarded : Served {
    Guarded()
    {
        load();
    }
    void load()
    {
        size_t length = 0;
        char *text = slotq_redis_functions_text(&length);
        REQUIRE(text != nullptr);
        const redis::Reply reply = server.command({"FUNCTION", "LOAD", {text, length}});
        std::free(text);
        REQUIRE(reply.text == library);
    }
    void user(const redis::Arguments &rights)
    {
        redis::Arguments words = {"ACL",       "SETUSER", "user",     "reset",     "on",
                                  ">p",        "~jobs",   "&slotq*",  "+strlen",   "+getrange",
                                  "+setrange", "+time",   "+publish", "+subscribe"};
        words.insert(words.end(), rights.begin(), rights.end());
        REQUIRE(server.command(words).is_status("OK"));
    }
    /* calls that ran, and those that the ACL refused */
    long count(const std::string &command, const std::string &field = "calls")
    {
        const std::string stats = server.command({"INFO", "commandstats"}).text;
        const size_t line = stats.find("cmdstat_" + command + ":");
        const size_t at = line == std::string::npos ? line : stats.find(field + "=", line);
        return at == std::string::npos ? 0 : std::stol(stats.substr(at + field.size() + 1));
    }
};

struct Handle : OwnHandle {
    slotq_outcome opened;

    explicit Handle(const std::string &url, slotq_functions functions = SLOTQ_FUNCTIONS_IF_NEEDED,
                    bool read_only = false)
    {
        slotq_redis_options redis = {};
        slotq_options options = {};
        redis.functions = functions;
        options.redis = &redis;
        options.read_only = read_only;
        opened = slotq_open(url.c_str(), "jobs", &options, &queue, &error);
    }

    std::string text() const
    {
        return slotq_error_of(queue)->text;
    }
    uint32_t used() const
    {
        slotq_stats stats = {};
        REQUIRE(slotq_get_stats(queue, 0, &stats) == SLOTQ_OK);
        return stats.used;
    }
};

std::string as_user(const redis::Server &server)
{
    return server.url() + "?user=user&password=p";
}

} // namespace

TEST_CASE("functions: a user without commands of scripts works, by what FCALL allows")
{
    Guarded guarded;
    guarded.user({"+fcall", "+fcall_ro"});
    guarded.server.command({"CONFIG", "RESETSTAT"});
    {
        Handle handle(as_user(guarded.server));
        REQUIRE(handle.opened == SLOTQ_OK);
        CHECK(handle.push() == SLOTQ_OK);
        CHECK(slotq_schedule(handle.queue, &hello, 1, 4000000000000, 0, nullptr) == SLOTQ_OK);
        slotq_settled settled = {};
        CHECK(slotq_next(handle.queue, 0, 5, 30000, 0, handle.batch, &settled) == SLOTQ_OK);
        CHECK(slotq_next(handle.queue, 0, 5, 30000, 1, handle.batch, &settled) == SLOTQ_EMPTY);
        CHECK(settled.ok_count == 1);
    } /* and gives up its place */
    CHECK(guarded.count("evalsha") == 0);
    CHECK(guarded.count("script|load") == 0);
    CHECK(guarded.count("evalsha", "rejected_calls") == 1); /* it is learned once */
    CHECK(guarded.count("fcall") >= 4);
    slotq_error error = {};
    const slotq_geometry geometry = SLOTQ_GEOMETRY_DEFAULT;
    REQUIRE(guarded.server.command({"DEL", "jobs"}).is_integer(1));
    CHECK(slotq_create(as_user(guarded.server).c_str(), "jobs", &geometry, nullptr, &error) ==
          SLOTQ_OK);
}

TEST_CASE("functions: always asks for no script, never asks for no function")
{
    Guarded guarded;
    guarded.server.command({"CONFIG", "RESETSTAT"});
    Handle always(guarded.server.url(), SLOTQ_FUNCTIONS_ALWAYS);
    CHECK(always.push() == SLOTQ_OK);
    Handle by_url(guarded.server.url() + "?functions=always");
    CHECK(by_url.push() == SLOTQ_OK);
    CHECK(guarded.count("evalsha") == 0);
    CHECK(guarded.count("evalsha", "rejected_calls") == 0);
    guarded.user({"+fcall"});
    Handle never(as_user(guarded.server) + "&functions=never");
    CHECK(never.push() == SLOTQ_IO);
    CHECK(slotq_error_of(never.queue)->cause == SLOTQ_CAUSE_RIGHTS);
    const Handle wrong(guarded.server.url() + "?functions=perhaps");
    CHECK(wrong.opened == SLOTQ_INVALID);
}

TEST_CASE("functions: a missing library, or another version, is told from a missing right")
{
    Guarded guarded;
    guarded.user({"+fcall"});
    Handle handle(as_user(guarded.server));
    CHECK(handle.push() == SLOTQ_OK);
    REQUIRE(guarded.server.command({"FUNCTION", "FLUSH"}).is_status("OK"));
    REQUIRE(guarded.server
                .command({"FUNCTION", "LOAD",
                          "#!lua name=slotq_00000000\n"
                          "redis.register_function('slotq_00000000_push_packed', "
                          "function() return redis.error_reply('old') end)"})
                .text == "slotq_00000000");
    CHECK(handle.push() == SLOTQ_UNSUPPORTED);
    CHECK(has(handle.text(), library));
    CHECK(has(handle.text(), "slotq functions load"));
    const Handle forced(as_user(guarded.server), SLOTQ_FUNCTIONS_ALWAYS);
    CHECK(forced.opened == SLOTQ_UNSUPPORTED);
    CHECK(has(forced.error.text, library));
    guarded.load(); /* beside the other one */
    CHECK(handle.push() == SLOTQ_OK);
    CHECK(Handle(as_user(guarded.server), SLOTQ_FUNCTIONS_ALWAYS).used() == 2);

    guarded.user({});
    CHECK(handle.push() == SLOTQ_IO);
    CHECK(slotq_error_of(handle.queue)->cause == SLOTQ_CAUSE_RIGHTS);
    Handle late(as_user(guarded.server));
    CHECK(late.push() == SLOTQ_IO);
    CHECK(has(late.text(), "evalsha")); /* which is what users are given first */
    guarded.user({"+evalsha", "+script|load"});
    CHECK(late.push() == SLOTQ_OK);
}

TEST_CASE("functions: a right for a key that is missing does not change the way of calling")
{
    Guarded guarded;
    guarded.user({"+fcall", "+evalsha", "+script|load"});
    Handle handle(as_user(guarded.server));
    CHECK(handle.push() == SLOTQ_OK);
    guarded.user({"+fcall", "+evalsha", "+script|load", "resetkeys"});
    guarded.server.command({"CONFIG", "RESETSTAT"});
    CHECK(handle.push() == SLOTQ_IO);
    CHECK(guarded.count("fcall", "rejected_calls") == 0);
}

TEST_CASE("functions: a user that may not load a script calls its function")
{
    Guarded guarded;
    guarded.user({"+evalsha", "+fcall"});
    guarded.server.command({"SCRIPT", "FLUSH"});
    Handle handle(as_user(guarded.server));
    CHECK(handle.push() == SLOTQ_OK);
    CHECK(guarded.count("fcall") == 1);
    CHECK(handle.used() == 1);
}

TEST_CASE("functions: a reader needs FCALL_RO only, on a replica too")
{
    Guarded guarded;
    Handle writer(guarded.server.url());
    REQUIRE(writer.push() == SLOTQ_OK);
    guarded.user({"+fcall_ro"});
    const Handle reader(as_user(guarded.server), SLOTQ_FUNCTIONS_IF_NEEDED, true);
    REQUIRE(reader.opened == SLOTQ_OK);
    CHECK(reader.used() == 1);
    CHECK(guarded.count("fcall_ro") == 1);
    guarded.user({"+fcall"});
    const Handle as_worker(as_user(guarded.server), SLOTQ_FUNCTIONS_IF_NEEDED, true);
    CHECK(as_worker.used() == 1);
    CHECK(guarded.count("fcall") >= 1);
}

TEST_CASE("functions: pipelines, and event loops that learn it from a reply")
{
    Guarded guarded;
    guarded.user({"+fcall"});
    Handle handle(as_user(guarded.server));
    slotq_pipeline *pipeline = nullptr;
    REQUIRE(slotq_pipeline_new(handle.queue, &pipeline, nullptr) == SLOTQ_OK);
    redisContext *context = redisConnectUnix(guarded.server.socket_path().c_str());
    REQUIRE(context != nullptr);
    freeReplyObject(redisCommand(context, "AUTH user p"));
    const slotq_outcome wanted[] = {SLOTQ_AGAIN, SLOTQ_OK};
    for (const slotq_outcome outcome : wanted) {
        const void *bytes = nullptr;
        size_t size = 0;
        uint32_t replies = 0;
        bool done = false;
        REQUIRE(slotq_pipeline_push(pipeline, &hello, 1, nullptr) == SLOTQ_OK);
        REQUIRE(slotq_pipeline_build(pipeline, true, &bytes, &size, &replies) == SLOTQ_OK);
        redisAppendFormattedCommand(context, static_cast<const char *>(bytes), size);
        for (uint32_t i = 0; i < replies; i++) {
            void *reply = nullptr;
            REQUIRE(redisGetReply(context, &reply) == REDIS_OK);
            (void)slotq_pipeline_parse(pipeline, static_cast<redisReply *>(reply), &done);
            freeReplyObject(reply);
        }
        REQUIRE(done);
        slotq_pipeline_result result = {};
        REQUIRE(slotq_pipeline_get(pipeline, 0, &result) == SLOTQ_OK);
        CHECK(result.outcome == outcome);
        CHECK(replies == (outcome == SLOTQ_OK ? 1 : 5));
    }
    redisFree(context);
    REQUIRE(slotq_pipeline_push(pipeline, &hello, 1, nullptr) == SLOTQ_OK);
    REQUIRE(slotq_pipeline_push(pipeline, &hello, 1, nullptr) == SLOTQ_OK);
    CHECK(slotq_pipeline_run(pipeline) == SLOTQ_OK);
    CHECK(handle.used() == 3);
    slotq_pipeline_free(pipeline);
    Handle fresh(as_user(guarded.server)); /* learns it by several verbs at a time */
    REQUIRE(slotq_pipeline_new(fresh.queue, &pipeline, nullptr) == SLOTQ_OK);
    for (int i = 0; i < 3; i++) {
        REQUIRE(slotq_pipeline_push(pipeline, &hello, 1, nullptr) == SLOTQ_OK);
    }
    CHECK(slotq_pipeline_run(pipeline) == SLOTQ_OK);
    CHECK(fresh.used() == 6);
    slotq_pipeline_free(pipeline);
}

TEST_CASE("functions: a server whose SCRIPT is renamed away is one of functions")
{
    redis::Server server({"--rename-command", "SCRIPT", ""});
    size_t length = 0;
    char *text = slotq_redis_functions_text(&length);
    REQUIRE(server.command({"FUNCTION", "LOAD", {text, length}}).text == library);
    std::free(text);
    make_queue(server);
    Handle handle(server.url());
    REQUIRE(handle.opened == SLOTQ_OK);
    CHECK(handle.push() == SLOTQ_OK);
    CHECK(Handle(server.url(), SLOTQ_FUNCTIONS_NEVER).opened == SLOTQ_UNSUPPORTED);
}
