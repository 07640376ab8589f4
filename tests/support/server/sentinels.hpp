/* sentinels.hpp: a real primary, its two replicas and three Sentinels, on loopback ports, which may
 * be killed, stopped or cut off from each other. Knows replication and Sentinel; no queue.
 */
#ifndef TESTS_SUPPORT_SENTINELS_HPP
#define TESTS_SUPPORT_SENTINELS_HPP

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "failover.hpp"
#include "riding.hpp"

namespace sentinels
{

using redis::Arguments;
using redis::Reply;
using redis::Server;
using riding::comes_true;

constexpr int servers = 3;

/* What may differ between deployments. */
struct Wishes {
    std::string sentinel_password; /* "" = none */
    std::string primary_password;
    std::string primary = "main"; /* its name */
};

/* Replicas and Sentinels log in as the user `inside`. While that user is off on a server, it is cut
 * off from them, and goes on for its clients; the servers must want a password. */
class Deployment
{
public:
    explicit Deployment(const Wishes &wishes = {}) : wishes_(wishes)
    {
        for (int i = 0; i < servers; i++) {
            ports_.push_back(redis::free_port());
            sentinel_ports_.push_back(redis::free_port());
        }
        for (int i = 0; i < servers; i++) {
            servers_.emplace_back(new Server(server_options(i)));
        }
        for (int i = 0; i < servers; i++) {
            sentinels_.emplace_back(new Server(sentinel_config(i)));
        }
        REQUIRE(comes_true([&] { return is_whole(); }));
    }
    Server &server(int index)
    {
        return *servers_.at(static_cast<size_t>(index));
    }
    Server &sentinel(int index)
    {
        return *sentinels_.at(static_cast<size_t>(index));
    }
    std::string hosts() const
    {
        std::string text;
        for (const std::string &port : sentinel_ports_) {
            text += (text.empty() ? "" : ",") + std::string("127.0.0.1:") + port;
        }
        return text;
    }
    std::string url(const std::string &more = "") const
    {
        const std::string login =
            wishes_.primary_password.empty() ? "" : ":" + wishes_.primary_password + "@";
        const std::string secret = wishes_.sentinel_password.empty()
                                       ? ""
                                       : "?sentinel_password=" + wishes_.sentinel_password;
        return "redis+sentinel://" + login + hosts() + "/" + wishes_.primary + secret + more;
    }
    uint32_t port(int index) const
    {
        return static_cast<uint32_t>(std::stoul(ports_.at(static_cast<size_t>(index))));
    }
    std::string sentinel_port(int index) const
    {
        return sentinel_ports_.at(static_cast<size_t>(index));
    }
    /* The index of the server that a Sentinel names; -1 = it names none. */
    int named_by(int index)
    {
        const Reply reply =
            ask(sentinel(index), {"SENTINEL", "GET-MASTER-ADDR-BY-NAME", wishes_.primary});
        for (int i = 0; i < servers && reply.items.size() == 2; i++) {
            if (reply.items[1].text == ports_[static_cast<size_t>(i)]) {
                return i;
            }
        }
        return -1;
    }
    /* Every server has the key. */
    bool is_everywhere(const std::string &key)
    {
        return comes_true([&] {
            bool found = true;
            for (int i = 0; i < servers; i++) {
                found = found && ask_server(i, {"EXISTS", key}).is_integer(1);
            }
            return found;
        });
    }
    /* Planned, by the first Sentinel. */
    void begin_failover()
    {
        REQUIRE(comes_true([&] {
            return ask(sentinel(0), {"SENTINEL", "FAILOVER", wishes_.primary}).is_status("OK");
        }));
    }
    /* All Sentinels name one server that is not `from`, and it is the primary. */
    int ends_failover(int from)
    {
        int now = from;
        REQUIRE(comes_true([&] {
            now = named_by(0);
            return now >= 0 && now != from && named_by(1) == now && named_by(2) == now &&
                   role(now) == "master";
        }));
        return now;
    }
    std::string role(int index)
    {
        const Reply reply = ask_server(index, {"ROLE"});
        return reply.items.empty() ? "" : reply.items[0].text;
    }
    /* The other servers and the Sentinels cannot reach it any more. */
    void cut_off(int index)
    {
        REQUIRE(ask_server(index, {"ACL", "SETUSER", "inside", "off"}).is_status("OK"));
        REQUIRE(!ask_server(index, {"CLIENT", "KILL", "USER", "inside"}).is_error());
    }
    Reply ask_server(int index, const Arguments &command)
    {
        const auto connection = server(index).connect();
        if (!wishes_.primary_password.empty()) {
            connection->command({"AUTH", wishes_.primary_password});
        }
        return connection->command(command);
    }
    Reply ask(Server &sentinel, const Arguments &command)
    {
        const auto connection = sentinel.connect();
        if (!wishes_.sentinel_password.empty()) {
            connection->command({"AUTH", wishes_.sentinel_password});
        }
        return connection->command(command);
    }

private:
    Arguments server_options(int index) const
    {
        Arguments options = {"--port",
                             ports_[static_cast<size_t>(index)],
                             "--bind",
                             "127.0.0.1",
                             "--repl-diskless-sync-delay",
                             "0",
                             "--masteruser",
                             "inside",
                             "--masterauth",
                             "x",
                             "--user",
                             "inside",
                             "on",
                             ">x",
                             "~*",
                             "&*",
                             "+@all"};
        if (!wishes_.primary_password.empty()) {
            options.insert(options.end(), {"--requirepass", wishes_.primary_password});
        }
        if (index > 0) {
            options.insert(options.end(), {"--replicaof", "127.0.0.1", ports_[0]});
        }
        return options;
    }
    static std::string id_of(int index)
    {
        return std::string(40, static_cast<char>('a' + index));
    }
    /* They would find each other within seconds; the lines say it at once. */
    redis::SentinelConfig sentinel_config(int index) const
    {
        const std::string &secret = wishes_.sentinel_password;
        const std::string of = " " + wishes_.primary + " ";
        std::string lines = "port " + sentinel_port(index) + "\nbind 127.0.0.1\nsentinel myid " +
                            id_of(index) + "\nsentinel monitor" + of + "127.0.0.1 " + ports_[0] +
                            " 2\n";
        lines += "sentinel auth-user" + of + "inside\nsentinel auth-pass" + of + "x\n";
        lines += "sentinel down-after-milliseconds" + of + "1000\n";
        lines += "sentinel failover-timeout" + of + "3000\n";
        lines += "sentinel parallel-syncs" + of + "2\n";
        for (int i = 0; i < servers; i++) {
            if (i > 0) {
                lines += "sentinel known-replica" + of + "127.0.0.1 " +
                         ports_[static_cast<size_t>(i)] + "\n";
            }
            if (i != index) {
                lines += "sentinel known-sentinel" + of + "127.0.0.1 " + sentinel_port(i) + " " +
                         id_of(i) + "\n";
            }
        }
        if (!secret.empty()) {
            lines += "requirepass " + secret + "\nsentinel sentinel-pass " + secret + "\n";
        }
        return {lines};
    }
    static std::string field(const Reply &reply, const std::string &name)
    {
        for (size_t i = 0; i + 1 < reply.items.size(); i += 2) {
            if (reply.items[i].text == name) {
                return reply.items[i + 1].text;
            }
        }
        return "";
    }
    /* Every Sentinel knows all others, and both replicas follow. */
    bool is_whole()
    {
        bool whole = true;
        for (int i = 0; i < servers && whole; i++) {
            const Reply told = ask(sentinel(i), {"SENTINEL", "MASTER", wishes_.primary});
            whole = field(told, "num-other-sentinels") == "2" && field(told, "num-slaves") == "2" &&
                    field(told, "flags") == "master";
        }
        const Reply told = ask_server(0, {"ROLE"}); /* of the replicas that get each write */
        return whole && told.items.size() == 3 && told.items[2].items.size() == servers - 1;
    }

    Wishes wishes_;
    std::vector<std::string> ports_;
    std::vector<std::string> sentinel_ports_;
    std::vector<std::unique_ptr<Server>> servers_;
    std::vector<std::unique_ptr<Server>> sentinels_;
};

} // namespace sentinels
#endif
