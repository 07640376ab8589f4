/* test_gone.cpp: what a server does to keys and clients while clients sleep: it empties, swaps and
 * replaces values, becomes a replica, and loses clients. Each sleeper is answered, and no message
 * is kept for a client that never got it.
 */
#include <cstdlib>

#include "stage.hpp"

using on_stage::served;
using on_stage::Stage;
using redis::Arguments;
using redis::Reply;

namespace
{

redis::Server &own_server()
{
    static redis::Server server({"--loadmodule", redis::module_path()});
    return server;
}

} // namespace

TEST_CASE("gone: a value that is emptied, moved or replaced ends a sleep")
{
    const std::string what =
        GENERATE(as<std::string>(), "FLUSHALL", "FLUSHDB", "FLUSHALL ASYNC", "SWAPDB", "MOVE",
                 "SUNIONSTORE", "ZUNIONSTORE", "SORT", "UNLINK", "PEXPIRE");
    Stage here(own_server());
    CAPTURE(what);
    here.command({"SADD", "set", "1", "2"});
    const auto first = here.sleeper();
    const auto second = here.sleeper("1");
    const bool flushes = what.compare(0, 5, "FLUSH") == 0;
    std::string code = "SLOTQNOQUEUE";
    if (what == "FLUSHALL ASYNC") {
        here.command({"FLUSHALL", "ASYNC"});
    } else if (flushes) {
        here.command({what});
    } else if (what == "SWAPDB") {
        here.command({"SWAPDB", "0", "5"});
    } else if (what == "MOVE") {
        here.command({"MOVE", here.key(), "7"});
    } else if (what == "SUNIONSTORE") {
        here.command({what, here.key(), "set"});
        code = "WRONGTYPE";
    } else if (what == "ZUNIONSTORE") {
        here.command({what, here.key(), "1", "set"});
        code = "WRONGTYPE";
    } else if (what == "SORT") {
        here.command({what, "set", "STORE", here.key()});
        code = "WRONGTYPE";
    } else if (what == "UNLINK") {
        here.command({what, here.key()});
    } else {
        here.command({what, here.key(), "1"});
    }
    CHECK(first->next().word() == code);
    CHECK(second->next().word() == code);
    CHECK(here.asleep() == 0);
    here.command({"FLUSHALL"});
}

TEST_CASE("gone: a value that another one replaces is looked at")
{
    const std::string what =
        GENERATE(as<std::string>(), "SWAPDB", "RENAME", "COPY", "RESTORE", "SET");
    Stage here(own_server());
    Stage other(own_server());
    CAPTURE(what);
    other.run("push", {"from there"});
    const std::string bytes = other.command({"GET", other.key()}).text;
    const std::string dumped = other.command({"DUMP", other.key()}).text;
    if (what == "SWAPDB") {
        here.command({"SELECT", "5"});
        here.command({"SET", here.key(), bytes});
        here.command({"SELECT", "0"});
    }
    const auto client = here.sleeper();
    if (what == "SWAPDB") {
        here.command({"SWAPDB", "5", "0"});
    } else if (what == "RENAME") {
        here.command({what, other.key(), here.key()});
    } else if (what == "COPY") {
        here.command({what, other.key(), here.key(), "REPLACE"});
    } else if (what == "RESTORE") {
        here.command({what, here.key(), "0", dumped, "REPLACE"});
    } else {
        here.command({what, here.key(), bytes});
    }
    CHECK(served(*client) == "from there");
    here.command({"FLUSHALL"});
}

/* The server ends the client in the turn in which it is served: no reply goes out. */
TEST_CASE("gone: a message that was leased for a client that has gone is for the next one")
{
    const std::string command = GENERATE(as<std::string>(), "reserve", "reserve_packed");
    const std::string port = redis::free_port();
    redis::Server server({"--loadmodule", redis::module_path(), "--bind", "127.0.0.1", "--port",
                          port, "--repl-diskless-sync-delay", "0"});
    redis::Server replica({"--replicaof", "127.0.0.1", port});
    Stage here(server);
    here.command({"SET", "x", "y"});
    while (!here.command({"WAIT", "1", "1000"}).is_integer(1)) {
        here.command({"SET", "x", "y"});
    }
    const auto gone = here.sleeper("0", "0", command);
    const std::string listed = here.command({"CLIENT", "LIST"}).text;
    const std::string line =
        listed.substr(listed.rfind("id=", listed.find("cmd=slotq." + command)));
    const std::string id = line.substr(3, line.find(' ') - 3);
    const auto next = here.sleeper("0", "60000");
    const auto writer = server.connect();
    writer->append({"slotq.push", here.key(), "job"});
    writer->append({"CLIENT", "KILL", "ID", id});
    REQUIRE(writer->send()); /* both in one turn of the server */
    CHECK(writer->next().is_integer(1));
    CHECK(writer->next().is_integer(1));
    CHECK(gone->next().kind == Reply::Kind::closed);
    const Reply served = next->next();
    REQUIRE(served.items.size() == 4);
    CHECK(served.items[3].text == "job");
    CHECK(served.items[2].is_integer(1)); /* the lost lease was no attempt */
    here.command({"SET", "x", "z"});
    REQUIRE(here.command({"WAIT", "1", "60000"}).is_integer(1));
    CHECK((replica.command({"GET", here.key()}).text == here.command({"GET", here.key()}).text));
    CHECK(here.asleep() == 0);
}

TEST_CASE("gone: a client that goes with its message keeps the lease")
{
    Stage here(own_server());
    auto client = here.sleeper("0", "0", "reserve_packed");
    here.run("push", {"job"});
    const Reply reply = client->next();
    REQUIRE(reply.items.size() == 2);
    CHECK(reply.items[0].text.size() == 12);
    client.reset();
    const auto clients = [&] {
        const std::string info = here.command({"INFO", "clients"}).text;
        return std::stoul(info.substr(info.find("connected_clients:") + 18));
    };
    while (clients() > 1) {
    }
    CHECK(here.run("reserve", {"0", "1", "1000", "BLOCK", "20"}).items.empty());
    CHECK(here.run("status", {"0", "1"}).items.at(0).text == "LEASED");
}

/* The time of the first one is over; as the key is opened for its answer, the server finds that it
 * has expired. */
TEST_CASE("gone: a key that expires as it is opened for a sleeper")
{
    redis::Server server({"--loadmodule", redis::module_path(), "--enable-debug-command", "yes"});
    Stage here(server);
    REQUIRE(here.command({"DEBUG", "SET-ACTIVE-EXPIRE", "0"}).is_status("OK"));
    const auto other = here.sleeper("1");
    const auto third = here.sleeper("0");
    const auto first = here.sleeper("0", "100");
    here.command({"PEXPIRE", here.key(), "1"});
    const Reply reply = first->next();
    /* a machine that is slow ends its time before that */
    CHECK((reply.word() == "SLOTQNOQUEUE" || reply.kind == Reply::Kind::array));
    CHECK(first->command({"PING"}).is_status("PONG")); /* it was answered once */
    here.command({"GET", here.key()});
    const auto late = [&](redis::Connection &client) {
        CHECK(client.next().word() == "SLOTQNOQUEUE");
        CHECK(client.command({"PING"}).is_status("PONG"));
    };
    late(*other);
    late(*third);
    CHECK(here.asleep() == 0);
}

TEST_CASE("gone: a server that becomes a replica sends its sleepers away")
{
    redis::Server server({"--loadmodule", redis::module_path()});
    Stage here(server);
    const auto client = here.sleeper();
    here.command({"REPLICAOF", "127.0.0.1", "1"});
    CHECK(client->next().word() == "UNBLOCKED");
    CHECK(here.run("push", {"a"}).word() == "READONLY");
    here.command({"REPLICAOF", "NO", "ONE"});
    CHECK(here.asleep() == 0);
    const auto next = here.sleeper();
    here.run("push", {"a"});
    CHECK(served(*next) == "a");
}

TEST_CASE("gone: the server tells sizes and encodings of a queue")
{
    Stage here(own_server());
    const size_t size = here.command({"GET", here.key()}).text.size();
    CHECK(here.command({"OBJECT", "ENCODING", here.key()}).text == "raw");
    CHECK(here.command({"MEMORY", "USAGE", here.key()}).integer >= static_cast<int64_t>(size));
    here.run("push", {"a"});
    CHECK(here.command({"TYPE", here.key()}).text == "string");
    CHECK(here.command({"STRLEN", here.key()}).is_integer(static_cast<int64_t>(size)));
}
