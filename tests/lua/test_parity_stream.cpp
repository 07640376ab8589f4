/* test_parity_stream.cpp: what the module sends to replicas and to the append-only file: a replica
 * and a server that reads the file, both without the module, hold the same bytes after random
 * verbs.
 */
#include "../support/catch.hpp"
#include "../support/server/failover.hpp"
#include "parity_play.hpp"

namespace
{

constexpr uint32_t plays = 8;

std::string key_of(uint32_t play)
{
    return "stream:" + std::to_string(play);
}

/* Random verbs by the module; the replica is compared after a few of them, because a play at times
 * writes the whole value, which would hide what was not sent. The key stays. */
void play_some(redis::Server &server, redis::Server &replica, uint32_t number)
{
    const auto connection = server.connect();
    const auto follower = replica.connect();
    const auto listener = server.connect();
    redis::Scripts scripts(*connection, "module");
    support::RandomChoices choices(3000 + number);
    parity::Play play(choices, *connection, scripts, *listener, key_of(number));
    for (uint32_t i = 0; i < 200 && !play.spent(); i++) {
        const std::string fault = play.step();
        INFO(fault << "\n" << play.told());
        REQUIRE(fault.empty());
        if (i % 4 == 3) {
            const redis::Reply here = connection->command({"GET", key_of(number)});
            REQUIRE(connection->command({"WAIT", "1", "60000"}).is_integer(1));
            REQUIRE((follower->command({"GET", key_of(number)}).text == here.text));
        }
    }
}

std::vector<std::string> values(redis::Server &server)
{
    std::vector<std::string> all;
    for (uint32_t i = 0; i < plays; i++) {
        all.push_back(server.command({"GET", key_of(i)}).text);
    }
    return all;
}

/* No server here knows the module's commands. */
bool is_bare(redis::Server &server)
{
    return server.command({"SLOTQ.STATS", "x", "0"}).word() == "ERR";
}

} // namespace

TEST_CASE("parity: a replica and an append-only file without the module hold its bytes")
{
    const std::string port = redis::free_port();
    redis::Server server({"--loadmodule", redis::module_path(), "--appendonly", "yes",
                          "--auto-aof-rewrite-percentage", "0", "--bind", "127.0.0.1", "--port",
                          port, "--repl-diskless-sync-delay", "0"});
    redis::Server replica({"--replicaof", "127.0.0.1", port});
    REQUIRE(is_bare(replica));
    REQUIRE(
        riding::comes_true([&] { return riding::info(replica, "master_link_status") == "up"; }));
    for (uint32_t i = 0; i < plays; i++) {
        play_some(server, replica, i);
    }
    const std::vector<std::string> wanted = values(server);
    server.kill();
    redis::Server reader({"--appendonly", "yes", "--dir", server.folder()});
    CHECK(is_bare(reader));
    CHECK((values(reader) == wanted));
}
