/* failover.hpp: two real servers, one the replica of the other, and a fixed address before them
 * that can be led to either. Knows replication; no queue.
 */
#ifndef TESTS_SUPPORT_FAILOVER_HPP
#define TESTS_SUPPORT_FAILOVER_HPP

#include <string>

#include "proxy.hpp"
#include "riding.hpp"

namespace failover
{

/* A primary and its replica, and the address that programs are given. */
struct Pair {
    std::string first_port = redis::free_port();
    std::string second_port = redis::free_port();
    redis::Server first;
    redis::Server second;
    Proxy address{first.socket_path()};

    /* more: for both servers */
    explicit Pair(const redis::Arguments &more = {})
        : first(words(first_port, more)), second(words(second_port, more))
    {
        REQUIRE(second.command({"REPLICAOF", "127.0.0.1", first_port}).is_status("OK"));
        REQUIRE(
            riding::comes_true([&] { return riding::info(second, "master_link_status") == "up"; }));
    }
    static redis::Arguments words(const std::string &port, const redis::Arguments &more)
    {
        redis::Arguments made = {
            "--port", port, "--bind", "127.0.0.1", "--repl-diskless-sync-delay", "0"};
        made.insert(made.end(), more.begin(), more.end());
        return made;
    }
    /* Planned: the primary takes no writes until its replica has all and takes over. */
    void fail_over()
    {
        REQUIRE(riding::comes_true([&] {
            return first.command({"FAILOVER", "TO", "127.0.0.1", second_port}).is_status("OK");
        }));
        REQUIRE(riding::comes_true([&] { return riding::info(second, "role") == "master"; }));
        REQUIRE(riding::comes_true([&] { return riding::info(first, "role") == "slave"; }));
    }
};

} // namespace failover
#endif
