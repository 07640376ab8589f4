/* test_server_states.cpp: a server that is full, read only, busy, has forgotten its scripts, or is
 * killed: what the verbs do then, and that nothing which was answered is lost.
 */
#include <atomic>
#include <functional>
#include <map>
#include <set>
#include <thread>

#include <signal.h>

#include "../support/catch.hpp"
#include "../support/model/game.hpp"
#include "on_server.hpp"

namespace
{

using on_server::Queue;
using redis::Reply;

bool is_create(const std::string &script)
{
    return script == "create";
}

} // namespace

/* ---- maxmemory ---- */

TEST_CASE("server full: every verb but create goes on with the redis7 scripts")
{
    redis::Server server({"--maxmemory-policy", "noeviction"});
    for (const std::string &script : on_server::all_scripts()) {
        Queue queue(server, "redis7");
        queue.prepare();
        queue.command({"CONFIG", "SET", "maxmemory", "1"});
        CHECK(queue.command({"LPUSH", "list", "x"}).word() == "OOM");
        CHECK(queue.command({"SETRANGE", queue.key(), "0", "x"}).word() == "OOM");
        const Reply reply = queue.run(script, queue.sample(script));
        CAPTURE(script, reply.told());
        CHECK(reply.is_error() == is_create(script));
        CHECK(on_server::check(queue.bytes()) == "");
        queue.command({"CONFIG", "SET", "maxmemory", "0"});
    }
}

TEST_CASE("server full: a queue is filled and emptied, woken and swept")
{
    redis::Server server({"--maxmemory-policy", "noeviction"});
    on_server::Shape shape;
    shape.max_attempts = 1;
    Queue queue(server, "redis7", shape);
    queue.command({"CONFIG", "SET", "maxmemory", "1"});
    CHECK(queue.run("reserve", {"0", "1", "1000", "1"}).is_integer(-1));
    for (int64_t id = 1; id <= 8; id++) {
        CHECK(queue.run("push", {"payload"}).is_integer(id));
    }
    CHECK(queue.run("push", {"payload"}).word() == "SLOTQFULL");
    CHECK(queue.run("reserve", {"0", "8", "1000"}).items.size() == 32);
    const uint64_t later = on_server::now_ms + 10000;
    CHECK(queue.run_at(later, "reclaim", {"0"}).items.at(2).is_integer(3));
    CHECK(queue.run_at(later, "redrive", {"9"}).items.at(1).is_integer(3));
    CHECK(on_server::check(queue.bytes()) == "");
}

/* The plain scripts of older servers cannot say that they need no memory: refused by the server,
 * before anything is written. */
TEST_CASE("server full: what a plain script would write is refused")
{
    redis::Server server({"--maxmemory-policy", "noeviction"});
    for (const std::string &script : on_server::all_scripts()) {
        Queue plain(server, "plain");
        plain.prepare();
        const std::string before = plain.bytes();
        plain.run(script, plain.sample(script));
        const bool changes = plain.bytes() != before;
        plain.set(before);
        plain.command({"CONFIG", "SET", "maxmemory", "1"});
        const Reply reply = plain.run(script, plain.sample(script));
        CAPTURE(script, reply.told());
        CHECK((reply.is_error() && reply.text.find("OOM") != std::string::npos) == changes);
        CHECK(plain.bytes() == before);
        plain.command({"CONFIG", "SET", "maxmemory", "0"});
    }
}

/* Up to 7.2 a full server refuses whatever is queued in a transaction, and with it the whole; from
 * 7.4 on the script's own flag counts there too. */
TEST_CASE("server full: a transaction is refused whole, or done whole")
{
    redis::Server server({"--maxmemory-policy", "noeviction"});
    for (const std::string &script : on_server::all_scripts()) {
        Queue queue(server, "redis7");
        queue.prepare();
        const std::string before = queue.bytes();
        queue.command({"CONFIG", "SET", "maxmemory", "1"});
        CHECK(queue.command({"MULTI"}).is_status("OK"));
        const Reply queued = queue.run(script, queue.sample(script));
        const Reply reply = queue.command({"EXEC"});
        CAPTURE(script, queued.told(), reply.told());
        if (queued.word() == "OOM") {
            CHECK(reply.word() == "EXECABORT");
            CHECK(queue.bytes() == before);
        } else {
            CHECK(queued.is_status("QUEUED"));
            REQUIRE(reply.items.size() == 1);
            CHECK_FALSE(reply.items[0].is_error());
            CHECK(on_server::check(queue.bytes()) == "");
        }
        queue.command({"CONFIG", "SET", "maxmemory", "0"});
    }
}

/* ---- scripts forgotten, read only, busy ---- */

TEST_CASE("server: SCRIPT FLUSH between any two verbs")
{
    redis::Server server;
    for (const std::string &script : on_server::all_scripts()) {
        CAPTURE(script);
        Queue queue(server);
        queue.prepare();
        const std::string before = queue.bytes();
        CHECK(queue.command({"SCRIPT", "FLUSH"}).is_status("OK"));
        CHECK(queue.run(script, queue.sample(script)).word() == "NOSCRIPT");
        CHECK(queue.bytes() == before);
        queue.scripts().load();
        CHECK_FALSE(queue.run(script, queue.sample(script)).is_error());
        CHECK(on_server::check(queue.bytes()) == "");
    }
}

TEST_CASE("server: a read-only replica lets the looking verbs through, and no other")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    redis::Server server;
    Queue queue(server, variant);
    queue.prepare();
    const std::string before = queue.bytes();
    /* a master that is not there: what it has, it keeps */
    REQUIRE(queue.command({"REPLICAOF", "127.0.0.1", "1"}).is_status("OK"));
    for (const std::string &script : on_server::all_scripts()) {
        const Reply reply = queue.run(script, queue.sample(script));
        CAPTURE(variant, script, reply.told());
        const bool refused = reply.is_error() && reply.text.find("READONLY") != std::string::npos;
        const bool idle = on_server::has_idle_sample(script) && variant == "plain";
        const bool may_run = on_server::only_reads(script) || idle;
        CHECK(refused == !may_run);
        CHECK(reply.is_error() == refused);
        CHECK(queue.bytes() == before);
    }
}

TEST_CASE("server: BUSY while a slow script runs changes nothing")
{
    redis::Server server({"--busy-reply-threshold", "1"});
    Queue queue(server);
    queue.prepare();
    const std::string before = queue.bytes();
    const auto slow = server.connect();
    slow->append({"EVAL", "while true do end", "0"});
    REQUIRE(slow->send());
    bool busy = false;
    for (uint32_t i = 0; i < 1000000 && !busy; i++) { /* until the slow one has begun */
        busy = queue.command({"PING"}).word() == "BUSY";
    }
    REQUIRE(busy);
    for (const std::string &script : on_server::all_scripts()) {
        CAPTURE(script);
        CHECK(queue.run(script, queue.sample(script)).word() == "BUSY");
    }
    CHECK(queue.command({"SCRIPT", "KILL"}).is_status("OK"));
    CHECK(slow->next().is_error());
    CHECK(queue.bytes() == before);
    CHECK_FALSE(queue.run("push", {"x"}).is_error());
}

/* ---- killed ---- */

namespace
{

/* What is known of a message by its payload, a number that no other has. */
struct Known {
    bool push_answered = false;
    bool ack_sent = false;
    bool ack_answered = false;
    uint64_t id = 0;
    uint32_t delivered = 0;
};

/* Pushes, reserves and acks until the server is gone; what was answered is noted. */
class Load
{
public:
    std::map<uint64_t, Known> known; /* by payload */
    std::string fault;
    uint64_t now_ms = on_server::now_ms;

    /* One round trip of each; false: the server is gone. */
    bool round(redis::Scripts &scripts, redis::Connection &connection, const std::string &key)
    {
        for (uint32_t i = 0; i < 8; i++) {
            connection.append(scripts.call(
                "push", key, {std::to_string(now_ms), std::to_string(next_payload_ + i)}));
            known[next_payload_ + i];
        }
        connection.append(
            scripts.call("reserve", key, {std::to_string(now_ms), "0", "6", "30000"}));
        bool there = true;
        for (uint32_t i = 0; i < 8; i++) {
            note_push(next_payload_ + i, connection.next(), there);
        }
        next_payload_ += 8;
        const Reply reserved = connection.next();
        there = there && reserved.kind != Reply::Kind::closed;
        return there && settle(scripts, connection, key, reserved);
    }
    bool settle(redis::Scripts &scripts, redis::Connection &connection, const std::string &key,
                const Reply &reserved)
    {
        redis::Arguments arguments = {std::to_string(now_ms), "ack", "0", "0", "0"};
        std::vector<uint64_t> payloads;
        for (size_t i = 0; i + 3 < reserved.items.size(); i += 4) {
            const uint64_t payload = std::stoull(reserved.items[i + 3].text);
            note_delivery(payload, static_cast<uint64_t>(reserved.items[i].integer));
            if (payload % 7 == 0 && known[payload].delivered == 1) {
                continue; /* left leased at first */
            }
            arguments.push_back(std::to_string(reserved.items[i].integer));
            arguments.push_back(std::to_string(reserved.items[i + 1].integer));
            payloads.push_back(payload);
            known[payload].ack_sent = true;
        }
        if (payloads.empty()) {
            return true;
        }
        const Reply reply = connection.command(scripts.call("settle", key, arguments));
        for (size_t i = 0; i < payloads.size() && i < reply.items.size(); i++) {
            known[payloads[i]].ack_answered = reply.items[i].text == "OK";
        }
        return reply.kind != Reply::Kind::closed;
    }

private:
    void note_push(uint64_t payload, const Reply &reply, bool &there)
    {
        there = there && reply.kind != Reply::Kind::closed;
        if (reply.kind == Reply::Kind::integer) {
            known[payload].push_answered = true;
            known[payload].id = static_cast<uint64_t>(reply.integer);
        } else if (reply.kind != Reply::Kind::closed && reply.word() != "SLOTQFULL") {
            fault = "push: " + reply.told();
        }
    }
    void note_delivery(uint64_t payload, uint64_t id)
    {
        Known &message = known[payload];
        message.delivered++;
        if (message.ack_answered) {
            fault = "acked, and delivered again: " + std::to_string(payload);
        } else if (message.push_answered && message.id != id) {
            fault = "another id than was answered: " + std::to_string(payload);
        }
        message.id = id;
    }
    uint64_t next_payload_ = 1;
};

/* Not before some rounds are answered: a slow machine would be killed before it did anything. */
void kill_soon(pid_t pid, const std::atomic<uint32_t> &rounds, uint64_t wait_us)
{
    const timespec pause = {0, static_cast<long>(wait_us * 1000)};
    do {
        nanosleep(&pause, nullptr);
    } while (rounds < 2);
    if (pid > 1) {
        ::kill(pid, SIGKILL);
    }
}

} // namespace

TEST_CASE("server: killed under load with appendfsync always, nothing answered is lost")
{
    redis::Server server({"--appendonly", "yes", "--appendfsync", "always"});
    on_server::Shape shape;
    shape.ring_slots = 200;
    const std::string key = Queue(server, "redis7", shape).key();
    support::RandomChoices choices(7);
    Load load;
    const uint32_t kills = 8;
    for (uint32_t i = 0; i <= kills && load.fault.empty(); i++) {
        const auto connection = server.connect();
        redis::Scripts scripts(*connection, "redis7");
        if (i < kills) {
            std::atomic<uint32_t> rounds(0);
            std::thread killer(kill_soon, server.pid(), std::cref(rounds),
                               choices.between(2000, 60000));
            while (load.round(scripts, *connection, key) && load.fault.empty()) {
                load.now_ms += 10;
                rounds++;
            }
            rounds = UINT32_MAX;
            killer.join();
            server.kill(); /* reaped */
            server.start();
            load.now_ms += 60000; /* the leases of before end */
            continue;
        }
        REQUIRE(on_server::check(connection->command({"GET", key}).text) == "");
        for (uint32_t left = 0; left < 2000 && load.fault.empty(); left++) {
            const Reply reply = connection->command(
                scripts.call("reserve", key, {std::to_string(load.now_ms), "0", "50", "30000"}));
            load.now_ms += reply.items.empty() ? 60000 : 0; /* what was left leased comes again */
            left += reply.items.empty() ? 900 : 0;
            REQUIRE(load.settle(scripts, *connection, key, reply));
        }
    }
    INFO(load.fault);
    REQUIRE(load.fault.empty());
    uint32_t answered = 0, acked = 0;
    for (const auto &entry : load.known) {
        const Known &message = entry.second;
        CAPTURE(entry.first, message.id, message.delivered);
        /* an ack whose answer was lost may have happened, so only that explains a loss */
        CHECK((!message.push_answered || message.ack_answered || message.ack_sent));
        answered += message.push_answered ? 1 : 0;
        acked += message.ack_answered ? 1 : 0;
    }
    CHECK(answered > 8 * kills);
    CHECK(acked > 0);
}
