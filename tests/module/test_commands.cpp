/* test_commands.cpp: the module's commands in the form for people, on a real server: what each
 * does, what they refuse, and that they are commands like others: in transactions, in scripts, for
 * access lists, at maxmemory. The form of the scripts is tested by tests/lua.
 */
#include <string>
#include <vector>

#include "../support/catch.hpp"
#include "../../engine/slotq_types.h"
#include "../support/server/redis_server.hpp"

namespace
{

using redis::Arguments;
using redis::Reply;

/* A queue made by the module, at a separate key. */
class Queue
{
public:
    explicit Queue(uint32_t flags = 0, uint32_t ring_slots = 9,
                   redis::Server &server = redis::module_server())
        : connection_(server.connect()), key_("queue:" + std::to_string(made_++))
    {
        const Reply reply = run("create", {std::to_string(ring_slots), "32", "3", "3", "2",
                                           std::to_string(flags), "3", "100", "0", "0", "16", "7"});
        REQUIRE(reply.is_status("OK"));
    }
    Reply run(const std::string &name, const Arguments &words)
    {
        Arguments all = {"slotq." + name, key_};
        all.insert(all.end(), words.begin(), words.end());
        return command(all);
    }
    Reply command(const Arguments &all)
    {
        return connection_->command(all);
    }
    std::string bytes()
    {
        return command({"GET", key_}).text;
    }
    std::string state_of(const std::string &id)
    {
        return run("status", {"0", id}).items.at(0).text;
    }
    const std::string &key() const
    {
        return key_;
    }

private:
    static uint32_t made_;
    std::unique_ptr<redis::Connection> connection_;
    std::string key_;
};

uint32_t Queue::made_ = 0;

std::string token_of(const Reply &reserved, size_t message = 0)
{
    return std::to_string(reserved.items.at(4 * message + 1).integer);
}

/* Its code is SLOTQ… and the queue is as it was. */
void check_refused(Queue &queue, const std::string &name, const Arguments &words,
                   const std::string &code)
{
    const std::string before = queue.bytes();
    const Reply reply = queue.run(name, words);
    CAPTURE(name, reply.told());
    CHECK(reply.word() == code);
    CHECK(queue.bytes() == before);
}

} // namespace

TEST_CASE("commands: a message's way, verb by verb")
{
    Queue queue;
    CHECK(queue.run("push", {"a", "b", "c", "d", "e"}).is_integer(1));
    const Reply taken = queue.run("reserve", {"0", "5", "60000"});
    REQUIRE(taken.items.size() == 20);
    CHECK(taken.items[0].is_integer(1));
    CHECK(taken.items[2].is_integer(1)); /* attempts */
    CHECK(taken.items[3].text == "a");
    CHECK(queue.run("ack", {"0", "1", token_of(taken)}).items.at(0).is_status("OK"));
    CHECK(queue.run("ack", {"0", "1", token_of(taken)}).items.at(0).is_status("GONE"));
    CHECK(queue.run("nack", {"0", "0", "5", "2", token_of(taken, 1)}).items.at(0).is_status("OK"));
    CHECK(queue.state_of("2") == "READY");
    CHECK(queue.run("release", {"0", "9000", "3", token_of(taken, 2)}).items.at(0).text == "OK");
    CHECK(queue.state_of("3") == "WAITING");
    const Reply longer = queue.run("extend", {"0", "90000", "4", token_of(taken, 3)});
    REQUIRE(longer.items.at(0).kind == Reply::Kind::integer);
    CHECK(queue.run("kill", {"0", "9", "5", token_of(taken, 4), "note", "why"}).items.size() == 1);
    const Reply dead = queue.run("dead_list", {"0", "9"});
    REQUIRE(dead.items.size() == 7);
    CHECK(dead.items[4].is_integer(9));
    CHECK(dead.items[5].text == "e");
    CHECK(dead.items[6].text == "why");
    CHECK(queue.run("redrive", {"9"}).items.at(1).is_integer(1));
    CHECK(queue.run("schedule", {"140000000000000", "0", "later"}).is_integer(1));
    CHECK(queue.run("later_list", {"0", "9"}).items.size() == 3);
    CHECK(queue.run("cancel", {"1"}).is_status("OK"));
    CHECK(queue.run("stats", {"0"}).items.at(1).is_integer(6));
}

/* A script cannot compute checks; the core can. */
TEST_CASE("commands: payloads in a queue with checks")
{
    Queue queue(SLOTQ_FLAG_CHECKS);
    CHECK(queue.run("push", {"one", ""}).is_integer(1));
    const Reply taken = queue.run("reserve", {"0", "2", "60000"});
    REQUIRE(taken.items.size() == 8);
    CHECK(taken.items[3].text == "one");
    CHECK(queue.run("kill", {"0", "1", "1", token_of(taken)}).items.size() == 1);
    CHECK(queue.run("redrive", {"1"}).items.at(1).is_integer(1));
    check_refused(queue, "push.at", {"", "x"}, "SLOTQINVALID");
}

TEST_CASE("commands: what they refuse changes nothing")
{
    Queue queue;
    queue.run("push", {"a"});
    check_refused(queue, "push", {}, "ERR"); /* by the server, which knows how many words it has */
    check_refused(queue, "stats", {"0", "1"}, "ERR");
    check_refused(queue, "push", {std::string(33, 'x')}, "SLOTQTOOBIG");
    check_refused(queue, "push", Arguments(9, "x"), "SLOTQTOOBIG");
    check_refused(queue, "push", Arguments(1000000, ""), "SLOTQINVALID");
    check_refused(queue, "push", Arguments(8, "x"), "SLOTQFULL");
    check_refused(queue, "reserve", {"2", "1", "1000"}, "SLOTQINVALID");
    check_refused(queue, "reserve", {"0", "1.0", "1000"}, "SLOTQINVALID");
    check_refused(queue, "reserve", {"0", "4097", "1000"}, "SLOTQINVALID");
    check_refused(queue, "ack", {"0", "1"}, "ERR");
    check_refused(queue, "ack", {"0", "1", "2", "3"}, "SLOTQINVALID");
    check_refused(queue, "ack", {"0", "1.0", "2"}, "SLOTQINVALID");
    check_refused(queue, "kill", {"0", "256", "1", "2"}, "SLOTQINVALID");
    check_refused(queue, "kill", {"0", "1", "1", "2", "note", std::string(256, 'n')},
                  "SLOTQINVALID");
    check_refused(queue, "ack", Arguments(1 + 2 * 4097, "1"), "SLOTQINVALID");
    queue.run("pause", {"3"});
    check_refused(queue, "push", {"x"}, "SLOTQPAUSED");
    check_refused(queue, "reserve", {"0", "1", "1000"}, "SLOTQPAUSED");
}

TEST_CASE("commands: in a transaction, in a script, and for a client that watches")
{
    Queue queue;
    queue.command({"MULTI"});
    queue.run("push", {"a"});
    queue.run("reserve", {"0", "1", "1000"});
    const Reply both = queue.command({"EXEC"});
    REQUIRE(both.items.size() == 2);
    CHECK(both.items[0].is_integer(1));
    CHECK(both.items[1].items.size() == 4);
    const std::string script = "return {redis.call('slotq.push', KEYS[1], 'b'), "
                               "redis.pcall('slotq.push', KEYS[1], string.rep('x', 33)).err}";
    const Reply from_script = queue.command({"EVAL", script, "1", queue.key()});
    REQUIRE(from_script.items.size() == 2);
    CHECK(from_script.items[0].is_integer(2));
    CHECK(from_script.items[1].word() == "SLOTQTOOBIG");
    const auto watches = [&](const std::string &name, const Arguments &words) {
        queue.command({"WATCH", queue.key()});
        queue.run(name, words);
        queue.command({"MULTI"});
        queue.command({"PING"});
        return queue.command({"EXEC"}).kind == Reply::Kind::nil;
    };
    CHECK(watches("push", {"c"}));
    CHECK_FALSE(watches("push", {std::string(33, 'x')}));
    CHECK_FALSE(watches("stats", {"0"}));
    queue.run("reserve", {"0", "9", "60000"});
    CHECK_FALSE(watches("reserve", {"0", "9", "60000"})); /* it finds nothing */
}

TEST_CASE("commands: scripts and module work one queue, whatever its name and database")
{
    Queue queue;
    const std::string script = redis::Scripts::text("plain", "push");
    CHECK(queue.command({"EVAL", script, "1", queue.key(), "", "by a script"}).is_integer(1));
    CHECK(queue.run("push", {"by the module"}).is_integer(2));
    const std::string odd("odd\0\r\n key", 10);
    CHECK(queue.command({"RENAME", queue.key(), odd}).is_status("OK"));
    CHECK(queue.command({"SLOTQ.RESERVE", odd, "0", "9", "60000"}).items.size() == 8);
    CHECK(queue.command({"COPY", odd, "copy"}).is_integer(1));
    CHECK(queue.command({"SLOTQ.PUSH", "copy", "x"}).is_integer(3));
    CHECK(queue.command({"SLOTQ.PUSH", odd, "y"}).is_integer(3));
    CHECK(queue.command({"GET", odd}).text != queue.command({"GET", "copy"}).text);
    queue.command({"SWAPDB", "0", "1"});
    CHECK(queue.command({"SLOTQ.PUSH", odd, "x"}).word() == "SLOTQNOQUEUE");
    queue.command({"SWAPDB", "0", "1"});
    CHECK(queue.command({"SLOTQ.PUSH", odd, "z"}).is_integer(4));
    const std::string dumped = queue.command({"DUMP", odd}).text;
    CHECK(queue.command({"RESTORE", "restored", "0", dumped}).is_status("OK"));
    CHECK(queue.command({"SLOTQ.STATS", "restored", "0"}).items.at(1).is_integer(4));
    queue.command({"SET", "number", "12345"}); /* which the server holds as one */
    CHECK(queue.command({"SLOTQ.PUSH", "number", "x"}).word() == "SLOTQCORRUPT");
    CHECK(queue.command({"GET", "number"}).text == "12345");
    queue.command({"RPUSH", "list", "x"});
    CHECK(queue.command({"SLOTQ.PUSH", "list", "x"}).word() == "WRONGTYPE");
    queue.command({"DEL", odd, "copy", "restored", "number", "list"});
}

TEST_CASE("commands: at maxmemory all but create go on")
{
    redis::Server server({"--loadmodule", redis::module_path()});
    Queue queue(0, 9, server);
    queue.run("push", {"a"});
    queue.command({"CONFIG", "SET", "maxmemory", "1"});
    CHECK(queue.command({"XADD", "stream", "*", "a", "b"}).word() == "OOM");
    CHECK(queue
              .command({"slotq.create", "other", "9", "32", "0", "0", "1", "0", "0", "100", "0",
                        "0", "0", "1"})
              .word() == "OOM");
    CHECK(queue.run("push", {"b"}).is_integer(2));
    const Reply taken = queue.run("reserve", {"0", "2", "60000"});
    REQUIRE(taken.items.size() == 8);
    CHECK(queue.run("ack", {"0", "1", token_of(taken)}).items.at(0).is_status("OK"));
    CHECK(queue.run("stats", {"0"}).items.size() > 20);
}

TEST_CASE("commands: the server knows what each reads and writes")
{
    Queue queue;
    const auto flags_of = [&](const std::string &name) {
        std::string all;
        const Reply info = queue.command({"COMMAND", "INFO", name});
        for (const Reply &flag : info.items.at(0).items.at(2).items) {
            all += flag.text + " ";
        }
        return all;
    };
    CHECK(flags_of("slotq.push") == "write module ");
    CHECK(flags_of("slotq.create") == "write denyoom module ");
    CHECK(flags_of("slotq.stats") == "readonly module ");
    CHECK(flags_of("slotq.stats.at") == "readonly module ");
    CHECK(queue.command({"COMMAND", "GETKEYS", "slotq.ack", "a", "0", "1", "2"}).items.size() == 1);
    CHECK(queue.command({"ACL", "SETUSER", "looker", "on", "nopass", "~*", "+slotq.stats"})
              .is_status("OK"));
    CHECK(queue.command({"AUTH", "looker", ""}).is_status("OK"));
    CHECK(queue.run("push", {"x"}).word() == "NOPERM");
    CHECK(queue.run("stats", {"0"}).items.size() > 20);
}

TEST_CASE("commands: the module is loaded once, without arguments, and leaves when it is told")
{
    redis::Server server({"--loadmodule", redis::module_path(), "--enable-module-command", "yes"});
    const auto connection = server.connect();
    CHECK(connection->command({"MODULE", "LOAD", redis::module_path()}).is_error());
    CHECK(connection->command({"MODULE", "UNLOAD", "slotq"}).is_status("OK"));
    CHECK(connection->command({"SLOTQ.STATS", "x", "0"}).word() == "ERR");
    CHECK(connection->command({"MODULE", "LOAD", redis::module_path(), "x"}).is_error());
    CHECK(connection->command({"MODULE", "LOAD", redis::module_path()}).is_status("OK"));
    CHECK(connection->command({"SLOTQ.STATS", "x", "0"}).word() == "SLOTQNOQUEUE");
}
