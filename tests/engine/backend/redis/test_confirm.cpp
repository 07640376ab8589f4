/* test_confirm.cpp: what a handle with wait_replicas or wait_fsynced calls confirmed, on real
 * servers with and without a replica, and after they were killed. Knows the public calls.
 */
#include "catch.hpp"

#include <string>

#include "server/failover.hpp"
#include "own_handle.hpp"
#include "served.hpp"
#include "skip.hpp"

namespace
{

const slotq_data hello = {"hello", 5};

slotq_redis_options waiting(uint32_t replicas, uint32_t fsynced = 0, uint32_t ms = 1)
{
    slotq_redis_options redis = {};
    redis.wait_replicas = replicas;
    redis.wait_fsynced = fsynced;
    redis.wait_ms = ms;
    return redis;
}

/* A handle on the queue "jobs" of a server. */
struct Handle : OwnHandle {
    slotq_outcome opened;

    Handle(const redis::Server &server, const slotq_redis_options &redis)
    {
        slotq_options options = {};
        options.redis = &redis;
        opened = slotq_open(server.url().c_str(), "jobs", &options, &queue, &error);
    }

    slotq_pushed push_key(const char *name, slotq_outcome wanted, uint64_t due_ms = 0)
    {
        const uint64_t key = slotq_key(name, std::string(name).size());
        slotq_push_options options = {};
        slotq_pushed pushed = {};
        options.keys = &key;
        options.key_mode = SLOTQ_KEY_ONCE;
        options.due_ms = due_ms;
        CHECK(slotq_push_with(queue, &hello, 1, &options, &pushed) == wanted);
        return pushed;
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

bool has(const std::string &text, const std::string &part)
{
    return text.find(part) != std::string::npos;
}

/* Only a server with WAITAOF can run the test. */
void need_waitaof(redis::Server &server)
{
    if (server.command({"WAITAOF", "0", "0", "1"}).is_error()) {
        support::skip("the server has no WAITAOF: name a redis-server of 7.2 or newer in "
                      "SLOTQ_REDIS_SERVER");
    }
}

} // namespace

TEST_CASE("confirm: pushes with keys and schedules are said not to be confirmed, and are in")
{
    Served served;
    Handle handle(served.server, waiting(1));
    CHECK(handle.push_key("one", SLOTQ_UNCONFIRMED).first_id == 1);
    CHECK(handle.push_key("two", SLOTQ_UNCONFIRMED, 4000000000000).first_id == 1);
    uint64_t later_id = 0;
    CHECK(slotq_schedule(handle.queue, &hello, 1, 4000000000000, 0, &later_id) ==
          SLOTQ_UNCONFIRMED);
    CHECK(later_id == 2);
    CHECK(has(handle.text(), "0 of 1 replicas"));
    CHECK(handle.used() == 1);
}

TEST_CASE("confirm: a message that has the key may be no more confirmed than the one refused")
{
    Served served;
    Handle handle(served.server, waiting(1));
    Handle at_ease(served.server, waiting(0));
    CHECK(!handle.push_key("one", SLOTQ_UNCONFIRMED).unconfirmed);
    const slotq_pushed again = handle.push_key("one", SLOTQ_DUPLICATE);
    CHECK(again.unconfirmed);
    CHECK(again.holder.id == 1);
    handle.push_key("two", SLOTQ_UNCONFIRMED, 4000000000000);
    CHECK(handle.push_key("two", SLOTQ_DUPLICATE, 4000000000000).unconfirmed);
    CHECK(!at_ease.push_key("one", SLOTQ_DUPLICATE).unconfirmed);
}

TEST_CASE("confirm: acks, and what stays on one server, are not waited for")
{
    Served served;
    Handle handle(served.server, waiting(1));
    slotq_batch *batch = slotq_batch_new();
    CHECK(handle.push() == SLOTQ_UNCONFIRMED);
    served.server.command({"CONFIG", "RESETSTAT"});
    CHECK(slotq_reserve(handle.queue, 0, 1, 30000, 0, batch) == SLOTQ_OK);
    CHECK(slotq_ack_batch(handle.queue, batch) == SLOTQ_OK);
    uint32_t count = 0;
    uint64_t ids[4];
    CHECK(slotq_dead_redrive(handle.queue, 0, ids, &count, nullptr) == SLOTQ_OK);
    slotq_batch_free(batch);
    CHECK(slotq_pause(handle.queue, SLOTQ_PAUSE_OUT) == SLOTQ_OK);
    CHECK(!has(served.server.command({"INFO", "commandstats"}).text, "cmdstat_wait:"));
}

TEST_CASE("confirm: a move acks nothing whose push is not confirmed, however often it is tried")
{
    Served served;
    Served other;
    Handle from(served.server, waiting(0));
    Handle to(other.server, waiting(1));
    Handle at_ease(other.server, waiting(0));
    slotq_batch *batch = slotq_batch_new();
    slotq_message held = {};
    uint64_t id = 0;
    REQUIRE(from.push() == SLOTQ_OK);
    REQUIRE(slotq_reserve(from.queue, 0, 1, 600000, 0, batch) == SLOTQ_OK);
    REQUIRE(slotq_batch_next(batch, &held));
    const auto move = [&](const Handle &there) {
        id = 0;
        return slotq_move(from.queue, 0, held.id, held.token, there.queue, nullptr, &id);
    };
    for (int tries = 0; tries < 3; tries++) { /* the second finds its key, not confirmed either */
        CHECK(move(to) == SLOTQ_UNCONFIRMED);
        CHECK(id == 1);
        slotq_status status = {};
        REQUIRE(slotq_get_status(from.queue, 0, held.id, &status) == SLOTQ_OK);
        CHECK(status.state == SLOTQ_STATE_LEASED);
    }
    CHECK(move(at_ease) == SLOTQ_OK);
    CHECK(id == 1);
    CHECK(at_ease.used() == 1);
    slotq_batch_free(batch);
}

TEST_CASE("confirm: a user without WAIT is told so, and nothing is called confirmed")
{
    Served served;
    served.server.command({"ACL", "SETUSER", "default", "-wait"});
    Handle handle(served.server, waiting(1));
    CHECK(handle.push() == SLOTQ_UNCONFIRMED);
    CHECK(has(handle.text(), "NOPERM"));
}

TEST_CASE("confirm: what replicas confirmed is there after the primary was killed")
{
    failover::Pair pair;
    make_queue(pair.first);
    Handle handle(pair.first, waiting(1, 0, 60000));
    for (uint32_t i = 1; i <= 200; i++) {
        CHECK(handle.push() == SLOTQ_OK);
    }
    pair.first.kill();
    REQUIRE(pair.second.command({"REPLICAOF", "NO", "ONE"}).is_status("OK"));
    const Handle survivor(pair.second, waiting(0));
    CHECK(survivor.used() == 200);
    CHECK(slotq_check(survivor.queue) == SLOTQ_OK);
}

TEST_CASE("confirm: a server that cannot say what its disk has is refused at opening")
{
    Served served;
    const bool is_new = !served.server.command({"WAITAOF", "0", "0", "1"}).is_error();
    const Handle handle(served.server, waiting(0, 1));
    CHECK(handle.opened == SLOTQ_UNSUPPORTED);
    CHECK(has(handle.error.text, is_new ? "appendonly" : "Redis 7.2 or newer"));
    slotq_redis_options redis = waiting(0, 1);
    slotq_options options = {};
    options.redis = &redis;
    options.read_only = true; /* pushes nothing, so there is nothing to confirm */
    slotq *reader = nullptr;
    CHECK(slotq_open(served.server.url().c_str(), "jobs", &options, &reader, nullptr) == SLOTQ_OK);
    slotq_close(reader);
}

TEST_CASE("confirm: what the disk confirmed is there after the server was killed")
{
    redis::Server server({"--appendonly", "yes", "--appendfsync", "everysec"});
    need_waitaof(server);
    make_queue(server);
    {
        Handle handle(server, waiting(0, 1, 60000));
        REQUIRE(handle.opened == SLOTQ_OK);
        for (int i = 0; i < 3; i++) {
            CHECK(handle.push() == SLOTQ_OK);
        }
    }
    server.kill();
    server.start();
    CHECK(Handle(server, waiting(0)).used() == 3);
    /* one disk is not two, and one that never syncs confirms nothing */
    Handle two(server, waiting(0, 2, 10));
    CHECK(two.push() == SLOTQ_UNCONFIRMED);
    CHECK(has(two.text(), "of 2 servers"));
    server.command({"CONFIG", "SET", "appendfsync", "no"});
    Handle one(server, waiting(0, 1, 10));
    CHECK(one.push() == SLOTQ_UNCONFIRMED);
    CHECK(has(one.text(), "0 of 1 servers"));
}
