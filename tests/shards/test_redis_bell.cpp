/* test_redis_bell.cpp: consumers of a sharded queue on a real server sleep at the bell: a push to
 * any shard wakes one of them, for a few script calls, and none sleeps beside a message.
 */
#include <atomic>
#include <cstring>
#include <thread>

#include "at_redis.hpp"
#include "server/riding.hpp"

#include "slotq_clone.h"

using namespace at_redis;
using riding::Queue;
using riding::url_of;

namespace
{

/* Script calls that the server has run. */
uint64_t script_calls(redis::Server &server)
{
    const std::string text = server.command({"INFO", "commandstats"}).text;
    uint64_t sum = 0;
    for (const char *name : {"cmdstat_evalsha:calls=", "cmdstat_fcall:calls="}) {
        const size_t at = text.find(name);
        sum += at != std::string::npos ? std::stoull(text.substr(at + strlen(name))) : 0;
    }
    return sum;
}

struct Consumers {
    std::vector<slotq *> queues;
    std::vector<std::thread> threads;
    std::atomic<uint32_t> taken{0}, failed{0};
    std::atomic<bool> ends{false};

    Consumers(slotq *of, uint32_t count)
    {
        for (uint32_t i = 0; i < count; i++) {
            slotq *queue = nullptr;
            slotq_error error = {};
            REQUIRE(slotq_clone(of, &queue, &error) == SLOTQ_OK);
            queues.push_back(queue);
            threads.emplace_back([this, queue] { run(queue); });
        }
    }
    void run(slotq *queue)
    {
        slotq_batch *batch = slotq_batch_new();
        while (!ends) {
            const slotq_outcome outcome = slotq_reserve(queue, 0, 1, 30000, 600000, batch);
            if (outcome == SLOTQ_OK) {
                failed += slotq_ack_batch(queue, batch) != SLOTQ_OK;
                taken++;
            } else {
                failed += outcome != SLOTQ_EMPTY || !ends;
            }
        }
        slotq_batch_free(batch);
    }
    ~Consumers()
    {
        ends = true;
        for (size_t i = 0; i < queues.size(); i++) {
            slotq_interrupt(queues[i]);
            threads[i].join();
            slotq_close(queues[i]);
        }
    }
};

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

} // namespace

TEST_CASE("sharded in Redis: idle consumers sleep at the bell, and a push costs few calls")
{
    enum { CONSUMERS = 40, SHARDS = 16, MESSAGES = 300 };
    redis::Server server;
    Sharded made(url_of(server), SHARDS);
    Queue queue(url_of(server));
    REQUIRE(queue.opened() == SLOTQ_OK);
    Consumers consumers(queue.get(), CONSUMERS);
    REQUIRE(comes([&] {
        return server.command({"PUBSUB", "SHARDCHANNELS"}).items.size() >= CONSUMERS;
    }));
    uint32_t late = 0;
    const uint64_t before = script_calls(server);
    for (uint32_t i = 0; i < MESSAGES && late <= MESSAGES / 20; i++) {
        const slotq_data data = {"x", 1};
        REQUIRE(slotq_push(queue.get(), &data, 1, nullptr) == SLOTQ_OK);
        uint32_t waited_ms = 0;
        while (consumers.taken <= i && waited_ms < 60000) {
            usleep(1000);
            waited_ms++;
        }
        REQUIRE(consumers.taken > i);
        late += waited_ms > 2000;
    }
    const double calls = static_cast<double>(script_calls(server) - before) / MESSAGES;
    CHECK(calls < 12);            /* 5, and what rounds and polls cost in the meantime */
    CHECK(late <= MESSAGES / 20); /* a message that no consumer was told of waits for a round */
    CHECK(consumers.failed == 0);
}
