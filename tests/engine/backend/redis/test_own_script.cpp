/* test_own_script.cpp: the library's script in a script of the caller: both do what they do in one
 * step, or neither. Knows the public headers and a private server.
 */
#include "catch.hpp"

#include <string>

#include <hiredis/hiredis.h>

#include "served.hpp"

namespace
{

/* Admits a user once, and pushes its name: the script of lua/README.md. */
std::string admit()
{
    return std::string("local function push(KEYS, ARGV)\n") +
           slotq_redis_script_text("push", false) +
           "end\n"
           "if redis.call('SISMEMBER', KEYS[1], ARGV[1]) == 1 then return false end\n"
           "local id = push({KEYS[2]}, {'', 'mail to ' .. ARGV[1]})\n"
           "if type(id) == 'table' then return id end\n"
           "redis.call('SADD', KEYS[1], ARGV[1])\n"
           "return id\n";
}

std::string run(slotq_redis_connection *connection, slotq_script *script, const std::string &user)
{
    const slotq_data keys[] = {{"admitted", 8}, {"jobs", 4}};
    const slotq_data argument = {user.data(), static_cast<uint32_t>(user.size())};
    redisReply *reply = nullptr;
    REQUIRE(slotq_script_run(script, slotq_redis_context(connection), 2, keys, 1, &argument, &reply,
                             nullptr) == SLOTQ_OK);
    REQUIRE(reply != nullptr);
    const std::string said = reply->type == REDIS_REPLY_NIL       ? "no"
                             : reply->type == REDIS_REPLY_INTEGER ? std::to_string(reply->integer)
                                                                  : reply->str;
    freeReplyObject(reply);
    return said;
}

} // namespace

TEST_CASE("a caller's script pushes by the text of the library's script, or changes nothing")
{
    Opened world;
    slotq_redis_connection *connection = nullptr;
    slotq_batch *batch = slotq_batch_new();
    slotq_message message = {};
    const std::string url = world.server.url();
    REQUIRE(slotq_redis_connect(url.c_str(), nullptr, &connection, nullptr) == SLOTQ_OK);
    const std::string text = admit();
    slotq_script *script = slotq_script_new(text.data(), text.size());
    CHECK(run(connection, script, "ann") == "1");
    CHECK(run(connection, script, "ann") == "no");
    CHECK(run(connection, script, "bob") == "2");
    REQUIRE(slotq_reserve(world.queue, 0, 10, 30000, 0, batch) == SLOTQ_OK);
    REQUIRE(slotq_batch_count(batch) == 2);
    REQUIRE(slotq_batch_next(batch, &message));
    CHECK(std::string(static_cast<const char *>(message.payload), message.payload_bytes) ==
          "mail to ann");

    REQUIRE(slotq_pause(world.queue, SLOTQ_PAUSE_IN) == SLOTQ_OK);
    CHECK(run(connection, script, "cid").substr(0, 11) == "SLOTQPAUSED");
    CHECK(world.server.command({"SISMEMBER", "admitted", "cid"}).integer == 0);
    REQUIRE(slotq_resume(world.queue, SLOTQ_PAUSE_IN) == SLOTQ_OK);
    CHECK(run(connection, script, std::string(65535, 'x')).substr(0, 11) == "SLOTQTOOBIG");
    CHECK(run(connection, script, "cid") == "3");
    CHECK(world.server.command({"SCARD", "admitted"}).integer == 3);
    CHECK(slotq_check(world.queue) == SLOTQ_OK);
    slotq_script_free(script);
    slotq_batch_free(batch);
    slotq_redis_close(connection);
}

TEST_CASE("the text of a script is found by its name, in both variants")
{
    CHECK(slotq_redis_script_text("no such", false) == nullptr);
    CHECK(slotq_redis_script_text("", false) == nullptr);
    CHECK(slotq_redis_script_text(nullptr, true) == nullptr);
    const std::string plain = slotq_redis_script_text("reserve_packed", false);
    CHECK("#!lua flags=allow-oom\n" + plain == slotq_redis_script_text("reserve_packed", true));
}
