/* test_cluster_failover.cpp: producers and a consumer go on while their queue's node is replaced by
 * its replica, killed, or gives the slot away, and while a node is added. What was confirmed by
 * WAIT is never lost; what else a failover lost is counted. Real nodes.
 */
#include "server/cluster_traffic.hpp"

using namespace riding;
using redis::Cluster;
using redis::Node;

namespace
{

/* For the tests here that leave every node running. */
Cluster &six()
{
    static Cluster cluster(3, true);
    return cluster;
}

void give_away(Cluster &cluster, uint32_t slot)
{
    Node &from = cluster.owner(slot);
    cluster.move(slot, "q", from, cluster.other_than(from));
}

} // namespace

TEST_CASE("cluster: traffic goes on through a planned failover, a kill and a move of the slot")
{
    Cluster &cluster = six();
    const uint32_t slot = Cluster::slot_of(cluster.node(0), "q");
    make(cluster.url());
    Traffic traffic(cluster);
    traffic.flow(100);
    fail_over(cluster, slot);
    traffic.flow(100);
    give_away(cluster, slot);
    traffic.flow(100);
    kill(cluster, slot);
    traffic.flow(100);
    traffic.end();
    traffic.judge();
}

TEST_CASE("cluster: a handle that only reads may use a replica, and goes on without one")
{
    Cluster &cluster = six();
    make(cluster.url());
    Node &primary = cluster.owner(Cluster::slot_of(cluster.node(0), "q"));
    Node &replica = cluster.replica_of(primary);
    const auto has_read = [](Node &node) {
        const std::string text = node.command({"INFO", "commandstats"}).text;
        return text.find("cmdstat_evalsha_ro:") != std::string::npos ||
               text.find("cmdstat_slotq.stats.at:") != std::string::npos;
    };
    REQUIRE(comes_true(
        [&] { /* a replica without the queue would be passed over */
              return replica.command({"INFO", "keyspace"}).text.find("keys=") != std::string::npos;
        }));
    slotq_options options = {};
    slotq *reader = nullptr;
    slotq_error error = {};
    slotq_stats stats;
    options.read_only = true;
    const std::string url = cluster.other_than(primary).url() + "?replica=1";
    REQUIRE(slotq_open(url.c_str(), "q", &options, &reader, &error) == SLOTQ_OK);
    REQUIRE(slotq_get_stats(reader, 0, &stats) == SLOTQ_OK);
    CHECK(has_read(replica));
    CHECK_FALSE(has_read(primary));
    replica.server().kill();
    REQUIRE(slotq_get_stats(reader, 0, &stats) == SLOTQ_OK);
    CHECK(has_read(primary));
    slotq_close(reader);
    replica.server().start();
}

/* Half a minute: make prove ONLY=failover. */
TEST_CASE("cluster: the same again and again, with nodes that are added", "[.][failover][long]")
{
    Cluster cluster(3, true);
    const uint32_t slot = Cluster::slot_of(cluster.node(0), "q");
    make(cluster.url());
    Traffic traffic(cluster);
    for (int round = 0; round < 4; round++) {
        traffic.flow(300);
        fail_over(cluster, slot);
        traffic.flow(300);
        for (int i = 0; i < 10; i++) {
            give_away(cluster, slot);
            traffic.flow(20);
        }
        if (round < 2) {
            Node &added = cluster.add();
            cluster.move(slot, "q", cluster.owner(slot), added);
            traffic.flow(300);
            give_away(cluster, slot);
        }
        kill(cluster, slot);
    }
    traffic.flow(300);
    traffic.end();
    traffic.judge();
}
