/* cluster.hpp: a Redis Cluster of real servers on loopback ports: made, resharded, broken, grown.
 * Knows the cluster's own commands; no queue.
 */
#ifndef TESTS_SUPPORT_CLUSTER_HPP
#define TESTS_SUPPORT_CLUSTER_HPP

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "redis_server.hpp"

namespace redis
{

/* One node: a server with a port; any node may be given to programs as the address. With
 * --tls-cluster among its options, that port speaks TLS. */
class Node
{
public:
    explicit Node(const Arguments &more = {});

    Server &server()
    {
        return *server_;
    }
    const std::string &port() const
    {
        return port_;
    }
    std::string url() const
    {
        return "redis://127.0.0.1:" + port_;
    }
    const std::string &id() const
    {
        return id_;
    }
    Reply command(const Arguments &arguments)
    {
        return server_->command(arguments);
    }
    bool is_running() const
    {
        return server_->pid() > 0;
    }

private:
    friend class Cluster;
    std::string port_;
    std::string bus_;
    std::unique_ptr<Server> server_;
    std::string id_;
};

/* Primaries that share the slots evenly, and for each one a replica if wanted. Made: all nodes know
 * each other, every slot is served, and the replicas have all. Where a server cannot be a node,
 * that skips the test case. */
class Cluster
{
public:
    explicit Cluster(uint32_t primaries, bool with_replicas = false, const Arguments &more = {});

    Node &node(size_t index)
    {
        return *nodes_.at(index);
    }
    size_t size() const
    {
        return nodes_.size();
    }
    std::string url()
    {
        return nodes_.at(0)->url();
    }
    Node &owner(uint32_t slot);    /* by what a running node says */
    Node &other_than(Node &owner); /* another primary */
    Node &replica_of(Node &owner);
    Node &add(); /* a primary without slots */

    void agree(uint32_t slot); /* returns when all know its owner, and by the newest epoch */

    Node &kill_owner(uint32_t slot); /* SIGKILL; returns when a replica has taken over */

    std::string told(); /* for people: what each running node says of all */

    /* The three steps of a move of a slot, as redis-cli does them. */
    void open(uint32_t slot, Node &from, Node &to);
    void migrate(Node &from, Node &to, const std::string &key);
    void close(uint32_t slot, Node &from, Node &to);
    void move(uint32_t slot, const std::string &key, Node &from, Node &to); /* all of them */

    static uint32_t slot_of(Node &node, const std::string &key);

private:
    void meet(Node &node);

    Arguments more_;
    std::vector<std::unique_ptr<Node>> nodes_;
};

} // namespace redis
#endif
