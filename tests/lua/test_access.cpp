/* test_access.cpp: the least that a worker and a monitor must be allowed, as lua/README.md and the
 * manual say it: it suffices, and without any single permission of it something fails.
 */
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "../../engine/slotq.h"
#include "../support/catch.hpp"
#include "on_server.hpp"

namespace
{

using on_server::Queue;
using redis::Arguments;
using redis::Connection;
using redis::Reply;

/* Pushes, waits, works, wakes: with a server's time and a listener. KEY stands for the queue. */
const Arguments worker_permissions = {"~KEY",     "&slotq#*:KEY", "+script|load", "+evalsha",
                                      "+strlen",  "+getrange",    "+setrange",    "+time",
                                      "+publish", "+subscribe"};
/* Looks, and can change nothing. */
const Arguments monitor_permissions = {"%R~KEY",  "+script|load", "+evalsha_ro",
                                       "+strlen", "+getrange",    "+time"};

redis::Server &guarded_server()
{
    static redis::Server server;
    return server;
}

/* A user with these permissions, but for the one left out. */
void allow(Queue &queue, const std::string &user, const Arguments &permissions, size_t left_out)
{
    Arguments command = {"ACL", "SETUSER", user, "reset", "on", ">secret"};
    for (size_t i = 0; i < permissions.size(); i++) {
        std::string permission = permissions[i];
        const size_t at = permission.find("KEY");
        if (at != std::string::npos) {
            permission.replace(at, 3, queue.key());
        }
        if (i != left_out) {
            command.push_back(permission);
        }
    }
    const Reply reply = queue.command(command);
    if (!reply.is_status("OK")) {
        throw std::runtime_error(reply.told());
    }
}

std::unique_ptr<Connection> log_in(const std::string &user)
{
    std::unique_ptr<Connection> connection = guarded_server().connect();
    if (!connection->command({"AUTH", user, "secret"}).is_status("OK")) {
        throw std::runtime_error("cannot log in");
    }
    return connection;
}

void must(bool holds, const std::string &what)
{
    if (!holds) {
        throw std::runtime_error(what);
    }
}

uint32_t heard(Connection &listener)
{
    uint32_t count = 0;
    listener.append({"PING"}); /* allowed to all listeners */
    for (;;) {
        const Reply reply = listener.next();
        if (reply.items.empty() || reply.items[0].text == "pong") {
            return count;
        }
        count++;
    }
}

void work(const std::string &key)
{
    const auto connection = log_in("worker");
    const auto listener = log_in("worker");
    redis::Scripts scripts(*connection, "redis7");
    Reply reply = scripts.run("create", key,
                              {"", "9", "16", "0", "3", "1", "16", "0", "100", "0", "8", "0", "1"});
    must(reply.is_status("OK"), "create: " + reply.told());
    reply = listener->command({"SUBSCRIBE", "slotq#3:" + key});
    must(reply.kind == Reply::Kind::array, "subscribe: " + reply.told());
    reply = scripts.run("reserve", key, {"", "0", "1", "30000", "1", "3"});
    must(reply.items.size() == 4 && reply.items[0].is_integer(-1), "reserve: " + reply.told());
    reply = scripts.run("push", key, {"", "payload"});
    must(reply.kind == Reply::Kind::integer, "push: " + reply.told());
    must(heard(*listener) == 1, "no client was woken");
    reply = scripts.run("reserve", key, {"", "0", "1", "30000"});
    must(reply.items.size() == 4, "reserve: " + reply.told());
    reply = scripts.run("settle", key,
                        {"", "ack", "0", "0", "0", std::to_string(reply.items[0].integer),
                         std::to_string(reply.items[1].integer)});
    must(reply.items.size() == 1 && reply.items[0].text == "OK", "ack: " + reply.told());
}

void monitor(Queue &queue)
{
    const auto connection = log_in("monitor");
    redis::Scripts scripts(*connection, "redis7");
    for (const std::string &script : on_server::all_scripts()) {
        Arguments arguments = queue.sample(script);
        arguments.insert(arguments.begin(), "");
        Arguments call = scripts.call(script, queue.key(), arguments);
        call[0] = "EVALSHA_RO";
        const Reply reply = connection->command(call);
        must(reply.is_error() != on_server::only_reads(script), script + ": " + reply.told());
    }
}

/* "" or what went wrong. */
template <typename Story>
std::string outcome_of(const Story &story)
{
    try {
        story();
    } catch (const std::exception &error) {
        return error.what();
    }
    return "";
}

} // namespace

TEST_CASE("access: what a worker needs, and no more")
{
    for (size_t left_out = 0; left_out <= worker_permissions.size(); left_out++) {
        on_server::Shape shape;
        shape.flags = 16;
        Queue queue(guarded_server(), "redis7", shape);
        queue.command({"DEL", queue.key()});
        allow(queue, "worker", worker_permissions, left_out);
        const std::string fault = outcome_of([&] { work(queue.key()); });
        const bool whole = left_out == worker_permissions.size();
        CAPTURE(fault, whole ? "" : worker_permissions[left_out]);
        CHECK(fault.empty() == whole);
    }
}

TEST_CASE("access: what a monitor needs, and no more")
{
    on_server::Shape shape;
    shape.flags = 20;
    for (size_t left_out = 0; left_out <= monitor_permissions.size(); left_out++) {
        Queue queue(guarded_server(), "redis7", shape);
        queue.prepare();
        const std::string before = queue.bytes();
        allow(queue, "monitor", monitor_permissions, left_out);
        const std::string fault = outcome_of([&] { monitor(queue); });
        const bool whole = left_out == monitor_permissions.size();
        CAPTURE(fault, whole ? "" : monitor_permissions[left_out]);
        CHECK(fault.empty() == whole);
        CHECK(queue.bytes() == before);
    }
}

/* It asks more at connecting, and does without where that is not allowed. */
TEST_CASE("access: the library works with a worker's permissions")
{
    Queue queue(guarded_server());
    allow(queue, "worker", worker_permissions, worker_permissions.size());
    const std::string url = guarded_server().url() + "?user=worker&password=secret";
    slotq *opened = nullptr;
    slotq_error error = {};
    const slotq_outcome outcome =
        slotq_open(url.c_str(), queue.key().c_str(), nullptr, &opened, &error);
    CAPTURE(error.text);
    REQUIRE(outcome == SLOTQ_OK);
    slotq_batch *batch = slotq_batch_new();
    const slotq_data data = {"payload", 7};
    uint64_t id = 0;
    CHECK(slotq_reserve(opened, 0, 1, 30000, 1, batch) == SLOTQ_EMPTY); /* waits a millisecond */
    CHECK(slotq_push(opened, &data, 1, &id) == SLOTQ_OK);
    CHECK(slotq_reserve(opened, 0, 1, 30000, 0, batch) == SLOTQ_OK);
    CHECK(slotq_ack_batch(opened, batch) == SLOTQ_OK);
    CAPTURE(slotq_error_of(opened)->text);
    CHECK(queue.run("stats", {"0"}).items.at(19).is_integer(1)); /* acked */
    slotq_batch_free(batch);
    slotq_close(opened);
}

TEST_CASE("access: lua/README.md and the man page name these permissions")
{
    const std::string page = GENERATE(as<std::string>{}, "lua/README.md", "tools/man/slotq.1.scd");
    const std::string margin = page == "lua/README.md" ? "    " : "";
    std::ifstream in(std::string(SLOTQ_SOURCE_DIR) + "/" + page);
    std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const std::string goes_on = "\n" + margin + "ACL SETUSER worker +"; /* it stands in two lines */
    CAPTURE(page);
    for (size_t at; (at = text.find(goes_on)) != std::string::npos;) {
        text.replace(at, goes_on.size(), " +");
    }
    for (const Arguments &permissions : {worker_permissions, monitor_permissions}) {
        std::string line = "on >secret";
        for (std::string permission : permissions) {
            const size_t at = permission.find("KEY");
            line +=
                " " + (at == std::string::npos ? permission : permission.replace(at, 3, "jobs"));
        }
        CAPTURE(line);
        CHECK(text.find(line + "\n") != std::string::npos);
    }
}

TEST_CASE("access: a worker of one queue cannot touch another, nor anything else")
{
    Queue own(guarded_server());
    Queue foreign(guarded_server());
    allow(own, "worker", worker_permissions, worker_permissions.size());
    const auto connection = log_in("worker");
    redis::Scripts scripts(*connection, "redis7");
    CHECK(scripts.run("push", own.key(), {"", "x"}).is_integer(1));
    CHECK(scripts.run("push", foreign.key(), {"", "x"}).word() == "NOPERM");
    CHECK(connection->command({"GET", own.key()}).word() == "NOPERM");
    CHECK(connection->command({"DEL", own.key()}).word() == "NOPERM");
    CHECK(connection->command({"SUBSCRIBE", "slotq:" + foreign.key()}).word() == "NOPERM");
    CHECK(connection->command({"CONFIG", "GET", "*"}).word() == "NOPERM");
}
