/* test_redis_cluster.cpp: a sharded queue over the nodes of a real cluster: one connection a node,
 * slots that move, nodes that die, shards that are added and drained under traffic.
 */
#include <csignal>
#include <atomic>
#include <thread>

#include "at_redis.hpp"
#include "server/cluster_traffic.hpp"

#include "slotq_pause.h"
#include "slotq_shards.h"

using namespace at_redis;
using redis::Cluster;
using redis::Node;
using riding::comes_true;
using riding::drained;
using riding::Queue;

namespace
{

uint32_t slot_of(Cluster &cluster, const std::string &key)
{
    return Cluster::slot_of(cluster.node(0), key);
}

std::vector<int> clients(Cluster &cluster)
{
    std::vector<int> counts;
    for (size_t i = 0; i < cluster.size(); i++) {
        counts.push_back(std::stoi(riding::info(cluster.node(i).server(), "connected_clients")));
    }
    return counts;
}

void give_away(Cluster &cluster, const std::string &key)
{
    Node &from = cluster.owner(slot_of(cluster, key));
    cluster.move(slot_of(cluster, key), key, from, cluster.other_than(from));
}

std::set<uint32_t> push_many(Queue &queue, int count)
{
    std::set<uint32_t> shards;
    for (int i = 0; i < count; i++) {
        uint64_t id = 0;
        const std::string text = std::to_string(i);
        const slotq_data data = {text.data(), static_cast<uint32_t>(text.size())};
        const slotq_outcome pushed = slotq_push(queue.get(), &data, 1, &id);
        INFO(queue.error().text);
        REQUIRE(pushed == SLOTQ_OK);
        shards.insert(static_cast<uint32_t>(id >> 48) - 1);
    }
    return shards;
}

} // namespace

TEST_CASE("sharded in a cluster: shards on all nodes, one connection for each node")
{
    Cluster cluster(3);
    Sharded made(cluster.url(), 12);
    std::set<std::string> nodes;
    for (uint32_t i = 0; i < 12; i++) {
        const std::string node = made.place.node(made.key(i));
        CHECK(node == "127.0.0.1:" + cluster.owner(slot_of(cluster, made.key(i))).port());
        nodes.insert(node);
    }
    CHECK(nodes.size() == 3);
    CHECK(made.place.list().size() >= 12);
    const std::vector<int> before = clients(cluster);
    for (size_t any = 0; any < 3; any++) {
        Queue queue(cluster.node(any).url());
        INFO(queue.error().text);
        REQUIRE(queue.opened() == SLOTQ_OK);
        CHECK(push_many(queue, 100).size() == 12);
        CHECK(drained(queue.get()).size() == 100);
        const std::vector<int> now = clients(cluster);
        for (size_t i = 0; i < 3; i++) {
            CHECK(now[i] == before[i] + 1);
        }
    }
    /* slots move under an open handle, to the same nodes */
    Queue queue(cluster.url());
    for (uint32_t i = 0; i < 12; i++) {
        CHECK(push_many(queue, 10).size() > 1);
        give_away(cluster, made.key(i));
    }
    CHECK(push_many(queue, 100).size() == 12);
    CHECK(drained(queue.get()).size() == 220);
    /* nodes keep connections of MIGRATE, so they do not tell */
    CHECK(redis_pool_count(redis_store_of(inside(queue.get())->shards[0])->pool) == 3);
    for (uint32_t i = 0; i < 12; i++) { /* and the place goes along */
        slotq_geometry geometry = geometry_of(SET, i);
        CHECK(made.place.create(made.key(i), geometry) == SLOTQ_OK);
        CHECK(comes_true([&] {
            return made.place.node(made.key(i)) ==
                   "127.0.0.1:" + cluster.owner(slot_of(cluster, made.key(i))).port();
        }));
        CHECK(made.place.remove(made.key(i), SET, i, true) == SLOTQ_AGAIN);
    }
    give_away(cluster, "q");
    made.write();
    /* in the midst of a move: the key is at the new node, which wants ASKING */
    const uint32_t slot = slot_of(cluster, made.key(0));
    Node &from = cluster.owner(slot);
    Node &to = cluster.other_than(from);
    cluster.open(slot, from, to);
    cluster.migrate(from, to, made.key(0));
    CHECK(push_many(queue, 300).size() == 12);
    CHECK(drained(queue.get()).size() == 300);
    CHECK(made.place.remove(made.key(0), SET, 0, true) == SLOTQ_AGAIN);
    cluster.close(slot, from, to);
    CHECK(push_many(queue, 300).size() == 12);
    CHECK(drained(queue.get()).size() == 300);
}

namespace
{

/* A channel of a place of this key that has a subscriber here. */
bool is_heard_at(Node &node, const std::string &key)
{
    for (const redis::Reply &channel :
         node.server().command({"PUBSUB", "SHARDCHANNELS", "slotq#*"}).items) {
        const size_t at = channel.text.find(':');
        if (at != std::string::npos && channel.text.substr(at + 1) == key) {
            return true;
        }
    }
    return false;
}

} // namespace

TEST_CASE("sharded in a cluster: a consumer subscribes where the bell's key has gone by ASKING")
{
    Cluster cluster(3);
    Sharded made(cluster.url(), 3);
    const std::string key = made.key(0);
    const uint32_t slot = slot_of(cluster, key);
    Node &from = cluster.owner(slot);
    Node &to = cluster.other_than(from);
    slotq *queue = nullptr;
    slotq_error error = {};
    slotq_options options = {};
    options.poll_ms = 200;
    REQUIRE(slotq_open(cluster.url().c_str(), "q", &options, &queue, &error) == SLOTQ_OK);
    std::atomic<uint32_t> taken{0};
    std::atomic<bool> ends{false};
    std::thread consumer([&] {
        slotq_batch *batch = slotq_batch_new();
        while (!ends) {
            if (slotq_reserve(queue, 0, 1, 30000, 600000, batch) == SLOTQ_OK) {
                slotq_ack_batch(queue, batch);
                taken++;
            }
        }
        slotq_batch_free(batch);
    });
    CHECK(comes_true([&] { return is_heard_at(from, key); }));
    cluster.open(slot, from, to);
    cluster.migrate(from, to, key);
    CHECK(comes_true([&] { return is_heard_at(to, key); }));
    CHECK_FALSE(is_heard_at(from, key));
    Queue producer(cluster.url());
    push_many(producer, 20);
    CHECK(comes_true([&] { return taken == 20; }));
    cluster.close(slot, from, to);
    CHECK(comes_true([&] { return is_heard_at(to, key); }));
    push_many(producer, 20);
    CHECK(comes_true([&] { return taken == 40; }));
    ends = true;
    slotq_interrupt(queue);
    consumer.join();
    slotq_close(queue);
}

TEST_CASE("sharded in a cluster: while a node is away, the shards of the others go on")
{
    Cluster cluster(3, false, {"--cluster-require-full-coverage", "no"});
    Sharded made(cluster.url(), 6);
    Node &away = cluster.owner(slot_of(cluster, made.key(0)));
    size_t other = 0;
    while (&cluster.node(other) == &away) {
        other++;
    }
    std::set<uint32_t> lost;
    for (uint32_t i = 0; i < 6; i++) {
        if (&cluster.owner(slot_of(cluster, made.key(i))) == &away) {
            lost.insert(i);
        }
    }
    REQUIRE((!lost.empty() && lost.size() < 6));
    Queue queue(cluster.node(other).url(), 600000); /* it would wait for ten minutes */
    REQUIRE(queue.opened() == SLOTQ_OK);
    push_many(queue, 60);
    CHECK(drained(queue.get()).size() == 60);
    away.server().kill();
    int unknown = 0;
    for (int pushed = 0; pushed < 60;) {
        uint64_t id = 0;
        const slotq_data data = {"x", 1};
        const slotq_outcome outcome = slotq_push(queue.get(), &data, 1, &id);
        INFO(queue.error().text);
        REQUIRE((outcome == SLOTQ_OK || outcome == SLOTQ_OUTCOME_UNKNOWN));
        CHECK(lost.count(static_cast<uint32_t>(id >> 48) - 1) == 0);
        pushed += outcome == SLOTQ_OK;
        unknown += outcome != SLOTQ_OK;
    }
    CHECK(unknown <= 1); /* on the connection that the kill broke */
    size_t seen = 0;
    while (seen < 60) { /* waiting, so what may be in the others is left */
        REQUIRE(slotq_reserve(queue.get(), 0, 100, 30000, 10000, queue.batch()) == SLOTQ_OK);
        slotq_message message;
        while (slotq_batch_next(queue.batch(), &message)) {
            seen++;
        }
    }
    CHECK(slotq_reserve(queue.get(), 0, 100, 30000, 1, queue.batch()) == SLOTQ_EMPTY);
}

TEST_CASE("sharded in a cluster: a node that does not answer is waited for once for all its shards")
{
    enum { SHARDS = 24, CALLS = 6 };
    Cluster cluster(3, false,
                    {"--cluster-require-full-coverage", "no", "--cluster-node-timeout", "60000"});
    Sharded made(cluster.url(), SHARDS);
    Node &silent = cluster.owner(slot_of(cluster, made.key(0)));
    Node &other = cluster.other_than(silent);
    slotq *queue = nullptr;
    slotq_error error = {};
    slotq_options options = {};
    slotq_redis_options redis = {};
    redis.connect_timeout_ms = 200;
    redis.timeout_ms = 200;
    redis.reconnect_ms = 600000;
    options.redis = &redis;
    REQUIRE(slotq_open(other.url().c_str(), "q", &options, &queue, &error) == SLOTQ_OK);
    const auto connections = [&] {
        return std::stoul(riding::info(silent.server(), "total_connections_received"));
    };
    const unsigned long before = connections();
    const time_t begun = time(nullptr);
    REQUIRE(kill(silent.server().pid(), SIGSTOP) == 0);
    uint32_t pushed = 0;
    for (int i = 0; i < CALLS * SHARDS; i++) {
        const slotq_data data = {"x", 1};
        pushed += slotq_push(queue, &data, 1, nullptr) == SLOTQ_OK;
    }
    const auto seconds = static_cast<unsigned long>(time(nullptr) - begun);
    REQUIRE(kill(silent.server().pid(), SIGCONT) == 0);
    CHECK(pushed > CALLS * SHARDS / 2);
    CHECK(connections() - before <= 5 + seconds);
    slotq_close(queue);
}

namespace
{

slotq_stats stats_of(const std::string &url, const std::string &key)
{
    slotq *shard = nullptr;
    slotq_error error = {};
    slotq_stats stats = {};
    if (slotq_open(url.c_str(), key.c_str(), nullptr, &shard, &error) == SLOTQ_OK) {
        CHECK(slotq_get_stats(shard, 0, &stats) == SLOTQ_OK);
        slotq_close(shard);
    }
    return stats;
}

/* Rule 17, step by step; the traffic empties the shard. */
void drain(Cluster &cluster, Sharded &made, uint32_t shard)
{
    slotq *queue = nullptr;
    slotq_error error = {};
    uint64_t last_id = 0;
    made.now->entries[shard].state = SHARDS_DRAINING;
    made.write();
    slotq_options options = {};
    slotq_redis_options redis = {};
    redis.reconnect_ms = riding::outlasts_ms;
    options.redis = &redis;
    REQUIRE(slotq_open(cluster.url().c_str(), made.key(shard).c_str(), &options, &queue, &error) ==
            SLOTQ_OK);
    REQUIRE(slotq_pause(queue, SLOTQ_PAUSE_CLOSED) == SLOTQ_OK);
    CHECK(comes_true([&] { return slotq_finish(queue, &last_id) == SLOTQ_OK; }));
    slotq_close(queue);
    made.now->entries[shard].state = SHARDS_GONE;
    made.now->entries[shard].last_id = last_id;
    made.write();
    CHECK(made.place.remove(made.key(shard), SET, shard, true) == SLOTQ_OK);
}

uint64_t wall_ms()
{
    return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                     std::chrono::system_clock::now().time_since_epoch())
                                     .count());
}

} // namespace

/* Half a minute: make prove ONLY=failover. */
TEST_CASE("sharded in a cluster: traffic goes on while slots move, nodes die, shards come and go",
          "[.][failover][long]")
{
    Cluster cluster(3, true);
    Sharded made(cluster.url(), 6, SET, 1);
    riding::Traffic traffic(cluster);
    traffic.flow(300);
    made.add(wall_ms() + 15000); /* the consumer has to know it first: rule 16 */
    for (uint32_t i = 0; i < 6; i++) {
        give_away(cluster, made.key(i));
        traffic.flow(50);
    }
    riding::kill(cluster, slot_of(cluster, made.key(0)));
    traffic.flow(300);
    riding::fail_over(cluster, slot_of(cluster, made.key(1)));
    traffic.flow(300);
    REQUIRE(comes_true([&] { return stats_of(cluster.url(), made.key(6)).acked > 0; }));
    drain(cluster, made, 2);
    traffic.flow(300);
    riding::kill(cluster, slot_of(cluster, "q"));
    traffic.flow(300);
    traffic.end();
    traffic.judge();
    CHECK(cluster.owner(slot_of(cluster, made.key(2)))
              .command({"EXISTS", made.key(2)})
              .is_integer(0));
}

namespace
{

/* Steps that the command takes, by the public calls. */
void live(const std::string &url, const std::string &other_url, size_t nodes)
{
    slotq_error error = {};
    const slotq_geometry geometry = geometry_of(0, 0);
    const auto said = [&](slotq_outcome outcome) {
        if (outcome >= SLOTQ_FAILURES) {
            WARN(error.text);
        }
        return outcome;
    };
    REQUIRE(said(slotq_shards_create(url.c_str(), "q", 8, &geometry, nullptr, &error)) == SLOTQ_OK);
    CHECK(slotq_shards_create(other_url.c_str(), "q", 8, &geometry, nullptr, &error) == SLOTQ_OK);
    CHECK(slotq_shards_create(url.c_str(), "q", 9, &geometry, nullptr, &error) == SLOTQ_EXISTS);
    Queue queue(other_url);
    REQUIRE(queue.opened() == SLOTQ_OK);
    push_many(queue, 100);
    struct Seen {
        std::set<std::string> nodes;
        std::vector<slotq_shard_state> states;
        uint64_t ready = 0;
    };
    const auto look = [&] {
        Seen seen;
        slotq_shards shards = {};
        const auto visit = [](void *context, const slotq_shard *shard) {
            Seen *to = static_cast<Seen *>(context);
            to->nodes.insert(shard->node);
            to->states.push_back(shard->state);
            to->ready += shard->stats != nullptr ? shard->stats->ready : 0;
            return true;
        };
        CHECK(slotq_shards_visit(url.c_str(), "q", nullptr, &shards, visit, &seen, &error) ==
              SLOTQ_OK);
        CHECK(shards.count == seen.states.size());
        return seen;
    };
    CHECK(look().ready == 100);
    CHECK(look().nodes.size() == nodes);
    uint32_t number = 0;
    CHECK(said(slotq_shards_add(url.c_str(), "q", nullptr, &number, &error)) == SLOTQ_OK);
    CHECK(number == 8);
    CHECK(said(slotq_shards_drain(url.c_str(), "q", 1, nullptr, &error)) == SLOTQ_AGAIN);
    CHECK(look().states[1] == SLOTQ_SHARD_DRAINING);
    CHECK(said(slotq_shards_undrain(url.c_str(), "q", 1, nullptr, &error)) == SLOTQ_OK);
    CHECK(said(slotq_shards_drain(url.c_str(), "q", 1, nullptr, &error)) == SLOTQ_AGAIN);
    make_due(queue.get());
    CHECK(drained(queue.get()).size() == 100);
    CHECK(said(slotq_shards_drain(url.c_str(), "q", 1, nullptr, &error)) == SLOTQ_OK);
    CHECK(look().states[1] == SLOTQ_SHARD_GONE);
    CHECK(look().states[8] == SLOTQ_SHARD_OPEN);
    push_many(queue, 50);
    CHECK(drained(queue.get()).size() == 50);
    CHECK(said(slotq_remove_queue(other_url.c_str(), "q", &error)) == SLOTQ_OK);
    CHECK(slotq_shards_visit(url.c_str(), "q", nullptr, nullptr, nullptr, nullptr, &error) ==
          SLOTQ_NOQUEUE);
    CHECK(Place(url).list().empty());
    CHECK(queue.push("x") == SLOTQ_NOQUEUE);
}

} // namespace

TEST_CASE("sharded in Redis and a cluster: made, changed, shown and removed by the public calls")
{
    SECTION("one server")
    {
        redis::Server server;
        live(riding::url_of(server), riding::url_of(server), 1);
    }
    SECTION("a cluster")
    {
        Cluster cluster(3);
        live(cluster.url(), cluster.node(1).url(), 3);
    }
}

TEST_CASE("sharded in Redis: repair writes what the shards prove")
{
    redis::Server server;
    Sharded made(riding::url_of(server), 3);
    const std::string sound = server.command({"GET", "q"}).text;
    Queue queue(riding::url_of(server));
    push_many(queue, 30);
    for (const std::string &bytes : {std::string(), sound.substr(0, 31) + "x"}) {
        server.command({"DEL", "q"});
        if (!bytes.empty()) {
            server.command({"SET", "q", bytes});
        }
        uint32_t found = 0;
        slotq_error error = {};
        const slotq_outcome repaired =
            slotq_shards_repair(riding::url_of(server).c_str(), "q", nullptr, &found, &error);
        INFO(error.text);
        CHECK(repaired == SLOTQ_OK);
        Queue later(riding::url_of(server));
        CHECK(later.opened() == SLOTQ_OK);
    }
    make_due(queue.get());
    CHECK(drained(queue.get()).size() == 30);
}
