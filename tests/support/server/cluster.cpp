/* cluster.cpp: see cluster.hpp.
 */
#include "cluster.hpp"

#include <algorithm>
#include <functional>
#include <sstream>
#include <stdexcept>

#include <time.h>
#include <unistd.h>

#include "../skip.hpp"

namespace redis
{

namespace
{

constexpr uint32_t slot_count = 16384;
constexpr uint32_t tries_max = 6000; /* of 10 ms: a slow machine does not fail */
constexpr uint32_t start_tries_max = 5;

void await(const std::string &what, const std::function<bool()> &holds)
{
    for (uint32_t i = 0; i < tries_max; i++) {
        if (holds()) {
            return;
        }
        const timespec pause = {0, 10000000};
        nanosleep(&pause, nullptr);
    }
    throw std::runtime_error("the cluster never got so far: " + what);
}

void demand(const Reply &reply, const std::string &what)
{
    if (!reply.is_status("OK")) {
        throw std::runtime_error(what + ": " + reply.told());
    }
}

bool tells(Node &node, const Arguments &question, const std::string &text)
{
    return node.command(question).text.find(text) != std::string::npos;
}

std::string field(Node &node, const std::string &name)
{
    const std::string text = node.command({"CLUSTER", "INFO"}).text;
    const size_t at = text.find(name + ":");
    return at == std::string::npos ? "" : text.substr(at, text.find('\r', at) - at);
}

/* The epoch of what a node knows of another one, or "". */
std::string epoch_told_by(Node &node, const std::string &id)
{
    std::istringstream lines(node.command({"CLUSTER", "NODES"}).text);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string word;
        words >> word;
        const bool is_it = word == id;
        for (int i = 0; i < 6; i++) { /* the seventh word */
            words >> word;
        }
        if (is_it) {
            return word;
        }
    }
    return "";
}

/* The id of the primary that serves a slot, or "". */
std::string owner_told_by(Node &node, uint32_t slot)
{
    for (const Reply &range : node.command({"CLUSTER", "SLOTS"}).items) {
        if (range.items.at(0).integer <= slot && slot <= range.items.at(1).integer) {
            return range.items.at(2).items.at(2).text;
        }
    }
    return "";
}

bool is_whole(Node &node)
{
    return tells(node, {"CLUSTER", "INFO"}, "cluster_state:ok") &&
           tells(node, {"CLUSTER", "INFO"}, "cluster_slots_ok:16384");
}

} // namespace

/* ---- a node ---- */

Node::Node(const Arguments &more)
{
    const bool is_tls = std::count(more.begin(), more.end(), "--tls-cluster") > 0;
    for (uint32_t tries = 0; server_ == nullptr; tries++) {
        port_ = free_port();
        bus_ = free_port();
        Arguments options = {is_tls ? "--tls-port" : "--port",
                             port_,
                             "--bind",
                             "127.0.0.1",
                             "--cluster-enabled",
                             "yes",
                             "--cluster-port",
                             bus_,
                             "--cluster-announce-ip",
                             "127.0.0.1",
                             "--cluster-allow-replica-migration",
                             "no",
                             "--cluster-node-timeout",
                             "700",
                             "--cluster-replica-validity-factor",
                             "0", /* else one that was not elected within 18 s never tries again */
                             "--repl-diskless-sync-delay",
                             "0",
                             "--repl-ping-replica-period",
                             "1"}; /* no node tells of a replica that has got nothing yet */
        options.insert(options.end(), more.begin(), more.end());
        try {
            server_.reset(new Server(options));
        } catch (const std::runtime_error &) { /* another program took a port meanwhile */
            if (tries == start_tries_max) {
                support::skip("redis-server cannot be a node of a cluster here");
            }
        }
    }
    id_ = command({"CLUSTER", "MYID"}).text;
}

/* ---- a cluster ---- */

Cluster::Cluster(uint32_t primaries, bool with_replicas, const Arguments &more) : more_(more)
{
    const uint32_t count = with_replicas ? 2 * primaries : primaries;
    for (uint32_t i = 0; i < count; i++) {
        nodes_.emplace_back(new Node(more_));
        demand(node(i).command({"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(i + 1)}), "epoch");
    }
    for (uint32_t i = 0; i < primaries; i++) {
        demand(
            node(i).command({"CLUSTER", "ADDSLOTSRANGE", std::to_string(slot_count * i / primaries),
                             std::to_string(slot_count * (i + 1) / primaries - 1)}),
            "slots");
    }
    for (uint32_t i = 1; i < count; i++) {
        meet(node(i));
    }
    const std::string known = "cluster_known_nodes:" + std::to_string(count);
    for (uint32_t i = 0; i < count; i++) {
        await("all know all", [&] {
            return is_whole(node(i)) && tells(node(i), {"CLUSTER", "INFO"}, known);
        });
    }
    for (uint32_t i = primaries; i < count; i++) {
        demand(node(i).command({"CLUSTER", "REPLICATE", node(i - primaries).id()}), "replicate");
    }
    for (uint32_t i = primaries; i < count; i++) {
        await("replicas", [&] {
            return tells(node(i), {"INFO", "replication"}, "master_link_status:up");
        });
        for (auto &each : nodes_) {
            await("all know the replicas", [&] {
                const std::string slots = each->command({"CLUSTER", "SLOTS"}).told();
                return slots.find(node(i).id()) != std::string::npos;
            });
        }
    }
}

void Cluster::meet(Node &node)
{
    demand(nodes_.at(0)->command({"CLUSTER", "MEET", "127.0.0.1", node.port_, node.bus_}), "meet");
}

Node &Cluster::add()
{
    nodes_.emplace_back(new Node(more_));
    meet(*nodes_.back());
    for (auto &each : nodes_) {
        await("the new node is known", [&] {
            return !each->is_running() ||
                   (tells(*each, {"CLUSTER", "NODES"}, nodes_.back()->id()) && is_whole(*each));
        });
    }
    return *nodes_.back();
}

Node &Cluster::owner(uint32_t slot)
{
    for (auto &asked : nodes_) {
        const std::string id = asked->is_running() ? owner_told_by(*asked, slot) : "";
        for (auto &each : nodes_) {
            if (each->id() == id) {
                return *each;
            }
        }
    }
    throw std::runtime_error("no node serves slot " + std::to_string(slot));
}

std::string Cluster::told()
{
    std::string text;
    for (auto &each : nodes_) {
        if (each->is_running()) {
            text += "\nby " + each->port() + ":\n" + each->command({"CLUSTER", "NODES"}).text +
                    each->server().log();
        }
    }
    return text;
}

Node &Cluster::other_than(Node &owner)
{
    for (auto &each : nodes_) {
        if (each.get() != &owner && each->is_running() &&
            tells(*each, {"INFO", "replication"}, "role:master")) {
            return *each;
        }
    }
    throw std::runtime_error("no other primary");
}

Node &Cluster::replica_of(Node &owner)
{
    for (auto &each : nodes_) {
        if (each.get() != &owner && each->is_running() &&
            tells(*each, {"INFO", "replication"}, "master_port:" + owner.port() + "\r")) {
            return *each;
        }
    }
    throw std::runtime_error("no replica");
}

/* ---- losing a node ---- */

/* On a slow machine the nodes may change roles unasked: the owner is looked up each time. */
Node &Cluster::kill_owner(uint32_t slot)
{
    await("the owner has a replica that can take over", [&] {
        const std::string port = "master_port:" + owner(slot).port() + "\r";
        bool found = false;
        for (auto &each : nodes_) {
            found = found || (each->is_running() && tells(*each, {"INFO", "replication"}, port) &&
                              tells(*each, {"INFO", "replication"}, "master_link_status:up"));
        }
        return found;
    });
    agree(slot);
    Node &killed = owner(slot);
    killed.server_->kill();
    try {
        await("a replica takes over", [&] { return &owner(slot) != &killed; });
    } catch (const std::runtime_error &error) {
        throw std::runtime_error(error.what() + (" from " + killed.port()) + told());
    }
    return killed;
}

/* ---- moving a slot ---- */

void Cluster::open(uint32_t slot, Node &from, Node &to)
{
    const std::string number = std::to_string(slot);
    demand(to.command({"CLUSTER", "SETSLOT", number, "IMPORTING", from.id()}), "importing");
    demand(from.command({"CLUSTER", "SETSLOT", number, "MIGRATING", to.id()}), "migrating");
}

/* An owner that took a slot back before it heard of the epoch in which it gave it away would lose
 * it again to an old message, and then two nodes would name each other for good. And a replica that
 * asks for votes with an older epoch of its primary than the voters know never gets one. */
void Cluster::agree(uint32_t slot)
{
    await("all know the owner", [&] {
        Node &of = owner(slot);
        const std::string epoch = field(of, "cluster_current_epoch");
        const std::string own_epoch = epoch_told_by(of, of.id());
        bool known = true;
        for (auto &each : nodes_) {
            known =
                known && (!each->is_running() || (field(*each, "cluster_current_epoch") == epoch &&
                                                  owner_told_by(*each, slot) == of.id() &&
                                                  epoch_told_by(*each, of.id()) == own_epoch));
        }
        return known;
    });
}

void Cluster::migrate(Node &from, Node &to, const std::string &key)
{
    demand(from.command({"MIGRATE", "127.0.0.1", to.port(), key, "0", "60000"}), "migrate");
}

void Cluster::close(uint32_t slot, Node &from, Node &to)
{
    const std::string number = std::to_string(slot);
    demand(to.command({"CLUSTER", "SETSLOT", number, "NODE", to.id()}), "the new owner");
    demand(from.command({"CLUSTER", "SETSLOT", number, "NODE", to.id()}), "the old owner");
    agree(slot);
}

void Cluster::move(uint32_t slot, const std::string &key, Node &from, Node &to)
{
    open(slot, from, to);
    migrate(from, to, key);
    close(slot, from, to);
}

uint32_t Cluster::slot_of(Node &node, const std::string &key)
{
    return static_cast<uint32_t>(node.command({"CLUSTER", "KEYSLOT", key}).integer);
}

} // namespace redis
