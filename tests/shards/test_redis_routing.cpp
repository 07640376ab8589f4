/* test_redis_routing.cpp: where pushes into a sharded queue on a real server go: by what replies
 * say of how full shards are, to the bell while consumers sleep there, and how they wait for room
 * (SHARDS.md, rules 30, 31 and 33).
 */
#include <atomic>
#include <cstring>
#include <thread>

#include "at_redis.hpp"
#include "server/riding.hpp"

extern "C" {
#include "layout/fields.h"
}
#include "slotq_clone.h"
#include "slotq_keys.h"
#include "slotq_pause.h"

using namespace at_redis;
using riding::Queue;
using riding::url_of;

namespace
{

enum { NONE = 1024, CAPACITY = RING_SLOTS - 1 };

uint32_t push(slotq *queue) /* the shard that took it, or NONE */
{
    const slotq_data data = {"x", 1};
    uint64_t id = 0;
    return slotq_push(queue, &data, 1, &id) == SLOTQ_OK ? static_cast<uint32_t>(id >> 48) - 1
                                                        : uint32_t{NONE};
}

/* One shard by its key. */
class Shard
{
public:
    Shard(redis::Server &server, const Sharded &made, uint32_t shard)
    {
        slotq_error error = {};
        REQUIRE(slotq_open(url_of(server).c_str(), made.key(shard).c_str(), nullptr, &queue_,
                           &error) == SLOTQ_OK);
    }
    ~Shard()
    {
        slotq_close(queue_);
    }
    Shard(const Shard &) = delete;
    Shard &operator=(const Shard &) = delete;
    slotq *get() const
    {
        return queue_;
    }

private:
    slotq *queue_ = nullptr;
};

void fill(const Shard &shard, uint32_t count)
{
    const slotq_data data = {"x", 1};
    for (uint32_t i = 0; i < count; i++) {
        REQUIRE(slotq_push(shard.get(), &data, 1, nullptr) == SLOTQ_OK);
    }
}

void take(slotq *queue, uint32_t count)
{
    slotq_batch *batch = slotq_batch_new();
    for (uint32_t i = 0; i < count; i++) {
        REQUIRE(slotq_reserve(queue, 0, 1, 30000, 0, batch) == SLOTQ_OK);
        REQUIRE(slotq_ack_batch(queue, batch) == SLOTQ_OK);
    }
    slotq_batch_free(batch);
}

uint32_t wake_of(redis::Server &server, const std::string &key)
{
    const std::string at = std::to_string(AT_shared_wake);
    const std::string byte = server.command({"GETRANGE", key, at, at}).text;
    return byte.empty() ? 0 : static_cast<uint8_t>(byte[0]);
}

std::vector<uint32_t> with_bit(redis::Server &server, const Sharded &made, uint32_t bit)
{
    std::vector<uint32_t> found;
    for (uint32_t i = 0; i < made.now->count; i++) {
        if ((wake_of(server, made.key(i)) & bit) != 0) {
            found.push_back(i);
        }
    }
    return found;
}

uint64_t script_calls(redis::Server &server)
{
    const std::string text = server.command({"INFO", "commandstats"}).text;
    const std::string name = "cmdstat_evalsha:calls=";
    const size_t at = text.find(name);
    return at == std::string::npos ? 0 : std::stoull(text.substr(at + name.size()));
}

/* false: not for longer than any machine takes. */
template <typename Holds>
bool comes(Holds holds)
{
    for (uint32_t i = 0; i < 60000; i++) {
        if (holds()) {
            return true;
        }
        usleep(1000);
    }
    return false;
}

/* A consumer that waits, until it is ended. */
struct Consumer {
    slotq *queue = nullptr;
    std::atomic<bool> ends{false};
    std::atomic<uint32_t> taken{0};
    std::thread thread;

    explicit Consumer(slotq *of)
    {
        slotq_error error = {};
        REQUIRE(slotq_clone(of, &queue, &error) == SLOTQ_OK);
        thread = std::thread([this] {
            slotq_batch *batch = slotq_batch_new();
            while (!ends) {
                if (slotq_reserve(queue, 0, 1, 30000, 600000, batch) == SLOTQ_OK) {
                    slotq_ack_batch(queue, batch);
                    taken++;
                }
            }
            slotq_batch_free(batch);
        });
    }
    ~Consumer()
    {
        ends = true;
        slotq_interrupt(queue);
        thread.join();
        slotq_close(queue);
    }
};

/* A push that waits for room. */
struct Waiting {
    std::atomic<bool> over{false};
    slotq_outcome outcome = SLOTQ_MORE;
    uint64_t id = 0;
    std::thread thread;

    explicit Waiting(slotq *queue)
    {
        thread = std::thread([this, queue] {
            const slotq_data data = {"y", 1};
            outcome = slotq_push_wait(queue, &data, 1, 600000, &id);
            over = true;
        });
    }
    void join()
    {
        thread.join();
    }
};

uint64_t stopped_clock(void *context)
{
    return *static_cast<uint64_t *>(context);
}

} // namespace

TEST_CASE("sharded in Redis: replies say how full a shard is, also by what others pushed")
{
    redis::Server server;
    Sharded made(url_of(server), 2);
    Queue queue(url_of(server));
    REQUIRE(queue.opened() == SLOTQ_OK);
    const Shard first(server, made, 0);
    fill(first, 16);
    std::vector<uint32_t> pushed(2);
    while (pushed[0] == 0) {
        const uint32_t shard = push(queue.get());
        REQUIRE(shard < 2);
        pushed[shard]++;
    }
    for (uint32_t i = pushed[1]; i < 5; i++) { /* shard 0 has 17 messages: the handle knows it */
        REQUIRE(push(queue.get()) == 1);
    }
    take(first.get(), 17); /* which it learns by its next push there */
    pushed[0] = 0;
    while (pushed[0] == 0) {
        const uint32_t shard = push(queue.get());
        REQUIRE(shard < 2);
        pushed[shard]++;
    }
    for (uint32_t i = 0; i < 2; i++) {
        CHECK(push(queue.get()) == 0);
    }
}

TEST_CASE("sharded in Redis: a push prefers the bell while consumers sleep there")
{
    enum { SHARDS = 8, MESSAGES = 12 };
    const bool is_limited = GENERATE(false, true);
    redis::Server server;
    Sharded made(url_of(server), SHARDS);
    uint64_t now_ms = 1700000000000;
    slotq_options options = {};
    options.clock_ms = stopped_clock;
    options.clock_context = &now_ms;
    slotq *producer = nullptr;
    slotq_error error = {};
    Queue queue(url_of(server));
    REQUIRE(queue.opened() == SLOTQ_OK);
    REQUIRE(slotq_open(url_of(server).c_str(), "q", &options, &producer, &error) == SLOTQ_OK);
    if (is_limited) {
        slotq_limits limits = {};
        limits.max_leased = 100;
        REQUIRE(slotq_limit(queue.get(), 0, SLOTQ_LIMIT_LEASED, &limits) == SLOTQ_OK);
    }
    const auto is_asleep = [&] { return (wake_of(server, made.key(0)) & 1) != 0; };
    uint32_t at_bell = 0;
    {
        Consumer one(queue.get()), other(queue.get());
        const auto push_to_idle = [&] {
            const uint32_t before = one.taken + other.taken;
            REQUIRE(comes(is_asleep));
            now_ms += 10;
            const uint32_t shard = push(producer);
            REQUIRE(shard < SHARDS);
            REQUIRE(comes([&] { return one.taken + other.taken > before; }));
            return shard;
        };
        for (uint32_t i = 0; i < 1000 && push_to_idle() != 0; i++) { /* till it draws the bell */
        }
        for (uint32_t i = 0; i < MESSAGES; i++) {
            at_bell += push_to_idle() == 0;
        }
        if (is_limited) {
            CHECK(at_bell < MESSAGES);
        } else {
            CHECK(at_bell == MESSAGES);
            at_bell = 0;
            for (uint32_t i = 0; i < MESSAGES; i++) { /* no 10 ms: it has much to push */
                at_bell += push(producer) == 0;
            }
            CHECK(at_bell < MESSAGES);
        }
    }
    at_bell = 0;
    for (uint32_t i = 0; i < 4 * SHARDS; i++) { /* all are gone */
        now_ms += 10;
        at_bell += push(producer) == 0;
    }
    CHECK(at_bell < 2 * SHARDS);
    slotq_close(producer);
}

TEST_CASE("sharded in Redis: a push that waits for room is registered in two shards")
{
    enum { SHARDS = 6 };
    redis::Server server;
    Sharded made(url_of(server), SHARDS);
    Queue queue(url_of(server));
    REQUIRE(queue.opened() == SLOTQ_OK);
    while (push(queue.get()) != NONE) {
    }
    Waiting waiting(queue.get());
    REQUIRE(comes([&] { return with_bit(server, made, WAKE_FOR_ROOM).size() == 2; }));
    const std::vector<uint32_t> rooms = with_bit(server, made, WAKE_FOR_ROOM);
    const uint64_t before = script_calls(server);
    const time_t begun = time(nullptr);
    usleep(1500000);
    const auto seconds = static_cast<uint64_t>(time(nullptr) - begun);
    CHECK(script_calls(server) - before <= SHARDS * (seconds + 3)); /* once a second */
    CHECK(with_bit(server, made, WAKE_FOR_ROOM) == rooms);
    CHECK_FALSE(waiting.over);
    const Shard shard(server, made, rooms[1]);
    take(shard.get(), 1);
    waiting.join();
    CHECK(waiting.outcome == SLOTQ_OK);
    CHECK(waiting.id >> 48 == rooms[1] + 1);
    for (uint32_t i = 0; i < SHARDS; i++) { /* it has given its places up: none is told */
        const Shard at(server, made, i);
        take(at.get(), 1);
    }
    CHECK(with_bit(server, made, WAKE_FOR_ROOM).empty());
}

TEST_CASE("sharded in Redis: a push that waits for room is interrupted, and ends in time")
{
    redis::Server server;
    Sharded made(url_of(server), 3);
    Queue queue(url_of(server));
    REQUIRE(queue.opened() == SLOTQ_OK);
    while (push(queue.get()) != NONE) {
    }
    const slotq_data data = {"y", 1};
    CHECK(slotq_push_wait(queue.get(), &data, 1, 50, nullptr) == SLOTQ_FULL);
    Waiting waiting(queue.get());
    REQUIRE(comes([&] { return with_bit(server, made, WAKE_FOR_ROOM).size() == 2; }));
    slotq_interrupt(queue.get());
    waiting.join();
    CHECK(waiting.outcome == SLOTQ_FULL);
}
