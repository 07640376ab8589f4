/* test_module.cpp: the library on servers with the module: found at opening, used in place of
 * scripts, and left where it is not there (any more), may not be called, or has other words. Knows
 * the public calls.
 */
#include "catch.hpp"

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <thread>

#include <hiredis/hiredis.h>

#include "../../../support/server/failover.hpp"
#include "../../../support/skip.hpp"
#include "../../../../engine/slotq_shards.h"
#include "own_handle.hpp"
#include "served.hpp"

namespace
{

const slotq_data hello = {"hello", 5};

redis::Arguments with_module(const std::string &path = redis::module_path())
{
    if (path.empty()) {
        support::skip("the module is not built: make module");
    }
    return {"--loadmodule", path, "--enable-module-command", "yes"};
}

/* Commands of one kind that ran since RESETSTAT: those whose names begin so. */
long ran(redis::Server &server, const std::string &begin)
{
    const std::string stats = server.command({"INFO", "commandstats"}).text;
    const std::string mark = "cmdstat_" + begin;
    long sum = 0;
    for (size_t at = stats.find(mark); at != std::string::npos; at = stats.find(mark, at + 1)) {
        sum += std::stol(stats.substr(stats.find(":calls=", at) + 7));
    }
    return sum;
}

struct Handle : OwnHandle {
    slotq_outcome opened;

    explicit Handle(const std::string &url, const slotq_options &given = {},
                    const char *name = "jobs")
    {
        opened = slotq_open(url.c_str(), name, &given, &queue, &error);
    }
    uint32_t used() const
    {
        slotq_stats stats = {};
        REQUIRE(slotq_get_stats(queue, 0, &stats) == SLOTQ_OK);
        return stats.used;
    }
    slotq_redis_calls calls() const
    {
        slotq_redis_calls calls = {};
        REQUIRE(slotq_redis_calls_of(queue, &calls) == SLOTQ_OK);
        return calls;
    }
    /* Reserve and ack all that is ready: the ids, each once. */
    std::set<uint64_t> drain()
    {
        std::set<uint64_t> ids;
        slotq_message message = {};
        while (slotq_reserve(queue, 0, 4, 30000, 0, batch) == SLOTQ_OK) {
            while (slotq_batch_next(batch, &message)) {
                CHECK(ids.insert(message.id).second);
            }
            CHECK(slotq_ack_batch(queue, batch) == SLOTQ_OK);
        }
        return ids;
    }
};

/* A server with the module, and the queue jobs. */
struct Moduled {
    redis::Server server;

    explicit Moduled(const std::string &path = redis::module_path()) : server(with_module(path))
    {
        make_queue(server);
        server.command({"SCRIPT", "FLUSH"});
        server.command({"CONFIG", "RESETSTAT"});
    }
    void unload()
    {
        REQUIRE(server.command({"MODULE", "UNLOAD", "slotq"}).is_status("OK"));
    }
    std::string as_user() const
    {
        return server.url() + "?user=user&password=p";
    }
    void user(const redis::Arguments &rights)
    {
        redis::Arguments words = {"ACL",   "SETUSER", "user",    "reset",     "on",        ">p",
                                  "~jobs", "&slotq*", "+strlen", "+getrange", "+subscribe"};
        words.insert(words.end(), rights.begin(), rights.end());
        REQUIRE(server.command(words).is_status("OK"));
    }
};

void settle_one(Handle &handle, uint32_t ok)
{
    slotq_settled settled = {};
    (void)slotq_next(handle.queue, 0, 1, 30000, 0, handle.batch, &settled);
    CHECK(settled.ok_count == ok);
}

} // namespace

TEST_CASE("module: it is found at opening, and runs the verbs in place of scripts")
{
    Moduled at;
    Handle handle(at.server.url());
    REQUIRE(handle.opened == SLOTQ_OK);
    CHECK(ran(at.server, "slotq.about:") == 1);
    CHECK(handle.calls().way == SLOTQ_WAY_MODULE);
    CHECK(handle.calls().module_version == std::string(SLOTQ_VERSION_TEXT));
    CHECK(handle.push() == SLOTQ_OK);
    CHECK(handle.push() == SLOTQ_OK);
    settle_one(handle, 0);
    settle_one(handle, 1);
    CHECK(slotq_schedule(handle.queue, &hello, 1, 4000000000000, 0, nullptr) == SLOTQ_OK);
    CHECK(slotq_pause(handle.queue, SLOTQ_PAUSE_IN) == SLOTQ_OK);
    CHECK(handle.push() == SLOTQ_PAUSED);
    CHECK(slotq_resume(handle.queue, SLOTQ_PAUSE_IN) == SLOTQ_OK);
    CHECK(slotq_purge(handle.queue) == SLOTQ_OK);
    CHECK(slotq_check(handle.queue) == SLOTQ_OK);
    CHECK(ran(at.server, "evalsha") == 0);
    CHECK(ran(at.server, "script|load") == 0);
    CHECK(ran(at.server, "slotq.push_packed.at:") == 3);
    CHECK(ran(at.server, "slotq.about:") == 1); /* of a connection, not of a call */
}

TEST_CASE("module: it makes queues")
{
    Moduled at;
    const slotq_geometry geometry = SLOTQ_GEOMETRY_DEFAULT;
    CHECK(slotq_create(at.server.url().c_str(), "more", &geometry, nullptr, nullptr) == SLOTQ_OK);
    CHECK(slotq_create(at.server.url().c_str(), "more", &geometry, nullptr, nullptr) == SLOTQ_OK);
    CHECK(ran(at.server, "slotq.create.at:") == 2);
    CHECK(ran(at.server, "eval") == 0);
}

TEST_CASE("module: turned off by the URL or the options")
{
    Moduled at;
    slotq_redis_options redis = {};
    slotq_options options = {};
    redis.no_module = true;
    options.redis = &redis;
    Handle by_url(at.server.url() + "?module=no");
    Handle by_option(at.server.url(), options);
    const Handle wrong(at.server.url() + "?module=perhaps");
    CHECK(by_url.push() == SLOTQ_OK);
    CHECK(by_option.push() == SLOTQ_OK);
    CHECK(by_url.calls().way == SLOTQ_WAY_SCRIPTS);
    CHECK(by_url.calls().module_version == std::string(SLOTQ_VERSION_TEXT));
    CHECK(wrong.opened == SLOTQ_INVALID);
    CHECK(ran(at.server, "slotq.push") == 0);
    Handle wanted(at.server.url() + "?module=yes");
    CHECK(wanted.drain().size() == 2); /* one queue, by both */
    CHECK(ran(at.server, "slotq.reserve") > 0);
}

TEST_CASE("module: unloaded while a handle is open, it is left, and nothing is doubled")
{
    Moduled at;
    Handle handle(at.server.url());
    CHECK(handle.push() == SLOTQ_OK);
    settle_one(handle, 0);
    at.unload();
    settle_one(handle, 1); /* several in one round trip */
    CHECK(handle.push() == SLOTQ_OK);
    CHECK(handle.calls().way == SLOTQ_WAY_SCRIPTS);
    CHECK(handle.drain() == std::set<uint64_t>{2});
    CHECK(ran(at.server, "evalsha") > 0);
    REQUIRE(at.server.command({"MODULE", "LOAD", redis::module_path()}).is_status("OK"));
    CHECK(handle.push() == SLOTQ_OK); /* until it connects anew */
    CHECK(Handle(at.server.url()).calls().way == SLOTQ_WAY_MODULE);
}

TEST_CASE("module: a pipeline whose module has gone runs as scripts, each verb once")
{
    Moduled at;
    Handle handle(at.server.url());
    slotq_pipeline *pipeline = nullptr;
    slotq_pipeline_result result = {};
    REQUIRE(slotq_pipeline_new(handle.queue, &pipeline, nullptr) == SLOTQ_OK);
    for (uint32_t i = 0; i < 6; i++) {
        REQUIRE(slotq_pipeline_push(pipeline, &hello, 1, nullptr) == SLOTQ_OK);
        if (i == 2) {
            CHECK(slotq_pipeline_run(pipeline) == SLOTQ_OK);
            at.unload();
        }
    }
    CHECK(slotq_pipeline_run(pipeline) == SLOTQ_OK);
    REQUIRE(slotq_pipeline_get(pipeline, 2, &result) == SLOTQ_OK);
    CHECK(result.first_id == 6); /* in order */
    CHECK(handle.used() == 6);
    slotq_pipeline_free(pipeline);
}

TEST_CASE("module: an event loop learns from a reply that it has gone")
{
    Moduled at;
    Handle handle(at.server.url());
    slotq_pipeline *pipeline = nullptr;
    REQUIRE(slotq_pipeline_new(handle.queue, &pipeline, nullptr) == SLOTQ_OK);
    redisContext *context = redisConnectUnix(at.server.socket_path().c_str());
    REQUIRE(context != nullptr);
    const slotq_outcome wanted[] = {SLOTQ_OK, SLOTQ_AGAIN, SLOTQ_OK};
    const uint32_t expected[] = {1, 1, 5}; /* replies: the last loads four scripts */
    for (uint32_t turn = 0; turn < 3; turn++) {
        const void *bytes = nullptr;
        size_t size = 0;
        uint32_t replies = 0;
        bool done = false;
        REQUIRE(slotq_pipeline_push(pipeline, &hello, 1, nullptr) == SLOTQ_OK);
        REQUIRE(slotq_pipeline_build(pipeline, true, &bytes, &size, &replies) == SLOTQ_OK);
        CHECK(replies == expected[turn]);
        if (turn == 1) {
            at.unload();
        }
        redisAppendFormattedCommand(context, static_cast<const char *>(bytes), size);
        for (uint32_t i = 0; i < replies; i++) {
            void *reply = nullptr;
            REQUIRE(redisGetReply(context, &reply) == REDIS_OK);
            (void)slotq_pipeline_parse(pipeline, static_cast<redisReply *>(reply), &done);
            freeReplyObject(reply);
        }
        slotq_pipeline_result result = {};
        REQUIRE(done);
        REQUIRE(slotq_pipeline_get(pipeline, 0, &result) == SLOTQ_OK);
        CHECK(result.outcome == wanted[turn]);
    }
    CHECK(handle.used() == 2);
    redisFree(context);
    slotq_pipeline_free(pipeline);
}

TEST_CASE("module: a user that may call it needs no scripts, and one that may not calls scripts")
{
    Moduled at;
    at.user({"+slotq.about", "+slotq.push_packed.at", "+slotq.reserve_packed.at",
             "+slotq.settle_packed.at", "+slotq.stats.at"});
    Handle handle(at.as_user());
    REQUIRE(handle.opened == SLOTQ_OK);
    CHECK(handle.push() == SLOTQ_OK);
    CHECK(handle.used() == 1);
    CHECK(handle.drain().size() == 1);
    const redis::Arguments scripts = {"+evalsha", "+script|load", "+setrange", "+time", "+publish"};
    at.user(scripts); /* while it is open */
    CHECK(handle.push() == SLOTQ_OK);
    CHECK(handle.calls().way == SLOTQ_WAY_SCRIPTS);
    Handle late(at.as_user());
    CHECK(late.calls().module_version[0] == '\0');
    CHECK(late.push() == SLOTQ_OK);
    at.user({"+slotq.about", "+fcall"});
    Handle none(at.as_user());
    CHECK(none.push() == SLOTQ_UNSUPPORTED); /* the library of functions is not there */
    at.user({});
    Handle least(at.as_user());
    CHECK(least.push() == SLOTQ_IO);
    CHECK(slotq_error_of(least.queue)->cause == SLOTQ_CAUSE_RIGHTS);
    CHECK(Handle(at.server.url()).used() == 2);
}

TEST_CASE("module: a key that the user may not touch does not change the way of calling")
{
    Moduled at;
    at.user({"+slotq.about", "+slotq.push_packed.at", "+evalsha", "+script|load"});
    Handle handle(at.as_user());
    CHECK(handle.push() == SLOTQ_OK);
    at.user({"+slotq.about", "+slotq.push_packed.at", "+evalsha", "+script|load", "resetkeys"});
    CHECK(handle.push() == SLOTQ_IO);
    CHECK(slotq_error_of(handle.queue)->cause == SLOTQ_CAUSE_RIGHTS);
    CHECK(handle.calls().way == SLOTQ_WAY_MODULE);
}

/* The module of another version says another sum for a command whose words have changed. */
TEST_CASE("module: of another version only the commands with the same words are called")
{
    with_module();
    std::stringstream file;
    file << std::ifstream(redis::module_path(), std::ios::binary).rdbuf();
    std::string bytes = file.str();
    const size_t at_words = bytes.find(std::string("\0push_packed ", 13));
    REQUIRE(at_words != std::string::npos);
    std::string &sum = bytes;
    sum.replace(at_words + 13, 8, "00000000");
    redis::Server folder; /* for the file */
    const std::string path = folder.folder() + "/other.so";
    std::ofstream(path, std::ios::binary) << bytes;
    REQUIRE(chmod(path.c_str(), 0755) == 0);

    Moduled other(path);
    Handle handle(other.server.url());
    CHECK(handle.push() == SLOTQ_OK);
    CHECK(handle.drain().size() == 1);
    CHECK(handle.calls().way == SLOTQ_WAY_MODULE);
    CHECK(ran(other.server, "slotq.push_packed.at") == 0);
    CHECK(ran(other.server, "evalsha") > 0);
    CHECK(ran(other.server, "slotq.reserve_packed.at") == 2);
}

TEST_CASE("module: a server without scripts is one of the module")
{
    redis::Arguments words = with_module();
    words.insert(words.end(),
                 {"--rename-command", "SCRIPT", "", "--rename-command", "EVALSHA", ""});
    redis::Server server(words);
    make_queue(server);
    Handle handle(server.url());
    CHECK(handle.push() == SLOTQ_OK);
    CHECK(handle.drain().size() == 1);
    CHECK(Handle(server.url() + "?module=no&functions=never").opened == SLOTQ_UNSUPPORTED);
}

TEST_CASE("module: a reader on a replica calls it")
{
    with_module();
    failover::Pair pair({"--enable-module-command", "yes"});
    (void)pair.first.command({"MODULE", "UNLOAD", "slotq"}); /* an error where it has none */
    (void)pair.second.command({"MODULE", "LOAD", redis::module_path()});
    make_queue(pair.first);
    Handle writer(pair.first.url());
    CHECK(writer.push() == SLOTQ_OK);
    CHECK(writer.calls().way == SLOTQ_WAY_SCRIPTS);
    REQUIRE(riding::comes_true([&] {
        return pair.second.command({"STRLEN", "jobs"}).integer > 0;
    }));
    slotq_options options = {};
    options.read_only = true;
    const Handle reader(pair.second.url(), options);
    REQUIRE(reader.opened == SLOTQ_OK);
    CHECK(reader.calls().way == SLOTQ_WAY_MODULE);
    CHECK(riding::comes_true([&] { return reader.used() == 1; }));
    CHECK(ran(pair.second, "slotq.stats.at") >= 1);
}

/* From one to the other way, at the same address, while a handle is open. */
TEST_CASE("module: a failover to a server without it, and back to one with it", "[failover]")
{
    with_module();
    const bool first_has = GENERATE(true, false);
    failover::Pair pair({"--enable-module-command", "yes"});
    redis::Server &has = first_has ? pair.first : pair.second;
    redis::Server &lacks = first_has ? pair.second : pair.first;
    (void)has.command({"MODULE", "LOAD", redis::module_path()});
    (void)lacks.command({"MODULE", "UNLOAD", "slotq"});
    make_queue(pair.first);
    Handle handle(pair.address.url());
    const slotq_redis_way before = handle.calls().way;
    CHECK(before == (first_has ? SLOTQ_WAY_MODULE : SLOTQ_WAY_SCRIPTS));
    std::set<uint64_t> pushed;
    for (int i = 0; i < 20; i++) {
        uint64_t id = 0;
        REQUIRE(slotq_push(handle.queue, &hello, 1, &id) == SLOTQ_OK);
        CHECK(pushed.insert(id).second);
        if (i == 9) {
            pair.fail_over();
            pair.address.lead_to(pair.second.socket_path());
        }
    }
    CHECK(handle.calls().way != before);
    CHECK(handle.drain() == pushed);
}

TEST_CASE("module: a consumer sleeps at its place, and a push wakes it")
{
    Moduled at;
    Handle sleeper(at.server.url());
    Handle pusher(at.server.url());
    slotq_outcome woken = SLOTQ_MORE;
    std::thread waits(
        [&] { woken = slotq_reserve(sleeper.queue, 0, 1, 30000, 60000, sleeper.batch); });
    CHECK(riding::comes_true([&] { /* it looks once more, when it listens */
                                   return ran(at.server, "subscribe:") > 0 &&
                                          ran(at.server, "slotq.reserve_packed.at:") > 1;
    }));
    const auto begun = riding::Clock::now();
    CHECK(pusher.push() == SLOTQ_OK);
    waits.join();
    CHECK(woken == SLOTQ_OK);
    CHECK(riding::since_ms(begun) < 4000); /* before its next poll */
    CHECK(ran(at.server, "evalsha") == 0);
}

/* Until the module rings the bell of sharded queues, they run as scripts. */
TEST_CASE("module: a sharded queue is run by a module that has its bell, else by scripts")
{
    Moduled at;
    const slotq_geometry geometry = SLOTQ_GEOMETRY_DEFAULT;
    bool has_bell = false;
    for (const redis::Reply &item : at.server.command({"SLOTQ.ABOUT"}).items) {
        has_bell = has_bell || item.text.rfind("nudge ", 0) == 0;
    }
    REQUIRE(slotq_shards_create(at.server.url().c_str(), "wide", 3, &geometry, nullptr, nullptr) ==
            SLOTQ_OK);
    at.server.command({"CONFIG", "RESETSTAT"});
    Handle wide(at.server.url(), {}, "wide");
    REQUIRE(wide.opened == SLOTQ_OK);
    std::set<uint64_t> pushed;
    for (int i = 0; i < 12; i++) {
        uint64_t id = 0;
        REQUIRE(slotq_push(wide.queue, &hello, 1, &id) == SLOTQ_OK);
        pushed.insert(id);
    }
    CHECK(wide.drain() == pushed);
    CHECK((ran(at.server, "slotq.push_packed.at") > 0) == has_bell);
    CHECK((ran(at.server, "evalsha") > 0) == !has_bell);
}
