/* test_blocking.cpp: SLOTQ.RESERVE … BLOCK on a real server: which client is served, in which
 * order, and what ends a sleep. No case asks how long something took.
 */
#include <string>
#include <vector>

#include "stage.hpp"

using on_stage::served;
using on_stage::Stage;
using redis::Arguments;
using redis::Connection;
using redis::Reply;

TEST_CASE("blocking: one client a message, first come first served, each group alone")
{
    Stage stage;
    const auto first = stage.sleeper();
    const auto other = stage.sleeper("1");
    const auto second = stage.sleeper();
    const auto third = stage.sleeper();
    stage.run("push", {"a"});
    CHECK(served(*first) == "a");
    CHECK(served(*other) == "a");
    CHECK(stage.asleep() == 2);
    stage.run("push", {"b", "c", "d"});
    CHECK(served(*second) == "b");
    CHECK(served(*third) == "c");
    CHECK(stage.asleep() == 0);
    CHECK(stage.run("reserve", {"0", "9", "1000", "BLOCK", "0"}).items.at(3).text == "d");
}

TEST_CASE("blocking: what is there is taken at once, and a time that is over ends a sleep")
{
    Stage stage;
    stage.run("push", {"a"});
    CHECK(stage.run("reserve", {"0", "1", "600000", "block", "0"}).items.size() == 4);
    const Reply none = stage.run("reserve", {"0", "1", "600000", "BLOCK", "20"});
    CHECK((none.kind == Reply::Kind::array && none.items.empty()));
    CHECK(stage.asleep() == 0);
    const std::string id = std::to_string(
        stage.command({"CLIENT", "ID"}).integer); /* it does not sleep: nothing to unblock */
    CHECK(stage.command({"CLIENT", "UNBLOCK", id}).is_integer(0));
    CHECK(stage.run("reserve", {"0", "1", "1000", "BLOCK", "x"}).word() == "SLOTQINVALID");
    CHECK(stage.run("reserve", {"0", "1", "1000", "NOBLOCK", "1"}).word() == "SLOTQINVALID");
}

/* No command comes meanwhile: the server's timer wakes the client. */
TEST_CASE("blocking: a lease, a delay and a scheduled message end a sleep")
{
    const std::string what = GENERATE(as<std::string>(), "lease", "delay", "later");
    Stage stage;
    CAPTURE(what);
    if (what == "later") {
        const Reply time = stage.command({"TIME"});
        stage.run("schedule",
                  {std::to_string(std::stoull(time.items[0].text) * 1000 + 1300), "0", "job"});
    } else {
        stage.run("push", {"job"});
        const Reply taken = stage.run("reserve", {"0", "1", what == "lease" ? "150" : "600000"});
        if (what == "delay") {
            stage.run("nack", {"0", "150", "0", "1", std::to_string(taken.items[1].integer)});
        }
    }
    CHECK(served(*stage.sleeper()) == "job");
}

/* The first client learns of a lease that began after it slept; when it goes, the next one does. */
TEST_CASE("blocking: a lease that begins while clients sleep")
{
    Stage stage;
    auto first = stage.sleeper();
    const auto second = stage.sleeper();
    stage.command({"MULTI"}); /* so that no sleeper is offered it in between */
    stage.run("push", {"job"});
    stage.run("reserve", {"0", "1", "150"});
    stage.command({"EXEC"});
    first.reset();
    CHECK(served(*second) == "job");
}

TEST_CASE("blocking: pushes by scripts, and values that are put there, are heard")
{
    Stage stage;
    const std::string empty = stage.command({"GET", stage.key()}).text;
    auto client = stage.sleeper();
    stage.command({"EVAL", redis::Scripts::text("plain", "push"), "1", stage.key(), "", "script"});
    CHECK(served(*client) == "script");
    stage.run("purge", {});
    client = stage.sleeper();
    Stage other;
    other.run("push", {"copied"});
    const std::string full = stage.command({"GET", other.key()}).text;
    stage.command({"SETRANGE", stage.key(), "0", full});
    CHECK(served(*client) == "copied");
    stage.command({"SET", stage.key(), empty});
    client = stage.sleeper();
    stage.command({"COPY", other.key(), stage.key(), "REPLACE"});
    CHECK(served(*client) == "copied");
}

TEST_CASE("blocking: a queue that goes, changes or pauses ends the sleep of all")
{
    const std::string what = GENERATE(as<std::string>(), "DEL", "RENAME", "SET", "pause");
    Stage stage;
    const auto first = stage.sleeper();
    const auto second = stage.sleeper();
    CAPTURE(what);
    if (what == "SET") {
        stage.command({"SET", stage.key(), "other"});
    } else if (what == "pause") {
        stage.run("pause", {"2"});
    } else if (what == "RENAME") {
        stage.command({"RENAME", stage.key(), stage.key() + ":away"});
    } else {
        stage.command({"DEL", stage.key()});
    }
    const std::string code = what == "SET"     ? "SLOTQCORRUPT"
                             : what == "pause" ? "SLOTQPAUSED"
                                               : "SLOTQNOQUEUE";
    CHECK(first->next().word() == code);
    CHECK(second->next().word() == code);
    CHECK(stage.asleep() == 0);
}

TEST_CASE("blocking: a client that has gone takes no message")
{
    Stage stage;
    auto first = stage.sleeper();
    const auto second = stage.sleeper();
    first.reset();
    while (stage.asleep() == 2) {
    }
    stage.run("push", {"a"});
    CHECK(served(*second) == "a");
}

TEST_CASE("blocking: CLIENT UNBLOCK ends a sleep, with or without an error")
{
    Stage stage;
    for (const char *how : {"TIMEOUT", "ERROR"}) {
        auto client = stage.server().connect();
        const std::string id = std::to_string(client->command({"CLIENT", "ID"}).integer);
        client->append({"slotq.reserve", stage.key(), "0", "1", "1000", "BLOCK", "0"});
        client->send();
        while (!stage.command({"CLIENT", "UNBLOCK", id, how}).is_integer(1)) {
        }
        const Reply reply = client->next();
        CHECK((std::string(how) == "ERROR" ? reply.word() == "UNBLOCKED" : reply.items.empty()));
    }
    stage.run("push", {"a"});
    CHECK(stage.run("stats", {"0"}).items.at(13).is_integer(0)); /* leased */
}

TEST_CASE("blocking: not in a transaction, and not in a script")
{
    Stage stage;
    stage.command({"MULTI"});
    stage.run("reserve", {"0", "1", "1000", "BLOCK", "0"});
    CHECK(stage.command({"EXEC"}).items.at(0).items.empty());
    const Reply reply = stage.command(
        {"EVAL", "return redis.call('slotq.reserve', KEYS[1], 0, 1, 1000, 'BLOCK', 0)", "1",
         stage.key()});
    CHECK((reply.kind == Reply::Kind::array && reply.items.empty()));
}

TEST_CASE("blocking: the module stays while clients sleep; what they are served is replicated")
{
    const std::string port = redis::free_port();
    redis::Server server({"--loadmodule", redis::module_path(), "--enable-module-command", "yes",
                          "--bind", "127.0.0.1", "--port", port, "--repl-diskless-sync-delay",
                          "0"});
    redis::Server replica({"--replicaof", "127.0.0.1", port});
    Stage stage(server);
    const auto writer = server.connect();
    writer->command({"SET", "x", "y"});
    while (!writer->command({"WAIT", "1", "1000"}).is_integer(1)) {
        writer->command({"SET", "x", "y"});
    }
    const auto client = stage.sleeper();
    CHECK(stage.command({"MODULE", "UNLOAD", "slotq"}).is_error());
    CHECK(writer->command({"SLOTQ.PUSH", stage.key(), "a"}).is_integer(1));
    CHECK(served(*client) == "a");
    writer->command({"SET", "x", "z"});
    REQUIRE(writer->command({"WAIT", "1", "60000"}).is_integer(1));
    const std::string here = stage.command({"GET", stage.key()}).text;
    CHECK((replica.command({"GET", stage.key()}).text == here));
    CHECK(stage.run("stats", {"0"}).items.at(13).is_integer(1)); /* leased */
    CHECK(stage.command({"MODULE", "UNLOAD", "slotq"}).is_status("OK"));
}
