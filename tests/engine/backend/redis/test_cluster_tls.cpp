/* test_cluster_tls.cpp: a cluster whose nodes speak TLS alone, among themselves too, and want a
 * certificate of their clients: what the URL says of TLS holds for every node. Real nodes.
 */
#include <memory>

#include "server/cluster.hpp"
#include "server/riding.hpp"
#include "server/tls_server.hpp"
#include "skip.hpp"

using namespace riding;
using redis::Certificates;
using redis::Cluster;
using redis::Node;

namespace
{

redis::Arguments options()
{
    const Certificates &files = Certificates::shared();
    if (redis::shared_server().command({"CONFIG", "GET", "tls-port"}).items.size() != 2) {
        support::skip("redis-server was built without TLS");
    }
    return {"--tls-cluster",      "yes",
            "--tls-cert-file",    files.path("server.pem"),
            "--tls-key-file",     files.path("server.key"),
            "--tls-ca-cert-file", files.path("ca.pem"),
            "--tls-auth-clients", "yes"};
}

std::string url_of(const Node &node, bool with_certificate = true)
{
    const Certificates &files = Certificates::shared();
    return "rediss://localhost:" + node.port() + "?ca_file=" + files.path("ca.pem") +
           (with_certificate
                ? "&cert=" + files.path("client.pem") + "&key=" + files.path("client.key")
                : "");
}

} // namespace

TEST_CASE("cluster with TLS: every node is reached as the URL says, also when the slot moves")
{
    Cluster cluster(3, false, options());
    const uint32_t slot = Cluster::slot_of(cluster.node(0), "q");
    Node &owner = cluster.owner(slot);
    Node &other = cluster.other_than(owner);
    make(url_of(other)); /* by MOVED */
    Queue queue(url_of(other));
    CHECK(queue.push("one") == SLOTQ_OK);

    cluster.open(slot, owner, other);
    cluster.migrate(owner, other, "q");
    CHECK(queue.push("two") == SLOTQ_OK); /* by ASK */
    cluster.close(slot, owner, other);
    CHECK(queue.push("three") == SLOTQ_OK);
    CHECK(slotq_check(queue.get()) == SLOTQ_OK);

    std::vector<std::string> names;
    const auto add = [](void *to, const char *name) {
        static_cast<std::vector<std::string> *>(to)->emplace_back(name);
        return true;
    };
    CHECK(slotq_list(url_of(owner).c_str(), add, &names, nullptr) == SLOTQ_OK);
    CHECK(names == std::vector<std::string>{"q"});
    const Queue late(url_of(owner));
    CHECK(drained(late.get()) == std::vector<std::string>{"one", "two", "three"});

    Queue unknown(url_of(owner, false), 300);
    INFO(unknown.error().text);
    CHECK(unknown.opened() == SLOTQ_CONNECT);
    CHECK(std::string(unknown.error().text).find("give cert and key") != std::string::npos);
}
