// test_cluster_functions.cpp: slotq functions load by one node of a cluster of three: every primary
// has the library then, and queues on all of them are used by functions alone.
#include <cstdlib>

#include "server/cluster.hpp"
#include "server/riding.hpp"

using redis::Cluster;

namespace
{

int run(const std::string &words)
{
    const char *named = std::getenv("SLOTQ");
    const std::string program = named != nullptr ? named : SLOTQ_SOURCE_DIR "/build/bin/slotq";
    return std::system(("'" + program + "' " + words + " 2>/dev/null").c_str());
}

} // namespace

TEST_CASE("functions are loaded into every primary of a cluster")
{
    Cluster cluster(3);
    const std::string library = slotq_redis_functions_name();
    const std::string url = " -u '" + cluster.url() + "'";
    const std::string by_functions = " -u '" + cluster.url() + "?functions=always'";
    CHECK(run(by_functions + " create foo") != 0);
    CHECK(run(url + " functions load") == 0);
    for (size_t i = 0; i < cluster.size(); i++) {
        const redis::Reply told = cluster.node(i).command({"FUNCTION", "LIST"});
        REQUIRE(told.items.size() == 1);
        CHECK(told.items[0].told().find(library) != std::string::npos);
        cluster.node(i).command({"CONFIG", "RESETSTAT"});
    }
    for (const std::string name : {"foo", "bar", "jobs"}) { /* one on each node */
        CHECK(run(by_functions + " create " + name) == 0);
        CHECK(run(by_functions + " push " + name + " x >/dev/null") == 0);
    }
    for (size_t i = 0; i < cluster.size(); i++) {
        const std::string calls = cluster.node(i).command({"INFO", "commandstats"}).text;
        CHECK(calls.find("cmdstat_fcall:") != std::string::npos);
        CHECK(calls.find("cmdstat_evalsha:") == std::string::npos);
    }
    CHECK(run(url + " functions load") == 0); /* there already */
}
