/* stage.hpp: a queue on a server with the module, and clients that sleep there.
 */
#ifndef TESTS_MODULE_STAGE_HPP
#define TESTS_MODULE_STAGE_HPP

#include <string>
#include <vector>

#include "../support/catch.hpp"
#include "../support/server/redis_server.hpp"

namespace on_stage
{

using redis::Arguments;
using redis::Connection;
using redis::Reply;

/* A queue with ticks of 1 ms and two groups, and clients that sleep. */
class Stage
{
public:
    explicit Stage(redis::Server &server = redis::module_server())
        : server_(server), connection_(server.connect()), key_("block:" + std::to_string(count()))
    {
        REQUIRE(run("create", {"9", "32", "3", "0", "2", "0", "0", "1", "0", "0", "0", "7"})
                    .is_status("OK"));
    }
    Reply run(const std::string &name, const Arguments &words)
    {
        Arguments all = {"slotq." + name, key_};
        all.insert(all.end(), words.begin(), words.end());
        return command(all);
    }
    Reply command(const Arguments &all)
    {
        return connection_->command(all);
    }
    /* A client that sleeps when this returns. */
    std::unique_ptr<Connection> sleeper(const std::string &group = "0",
                                        const std::string &block_ms = "0",
                                        const std::string &command = "reserve")
    {
        const size_t before = asleep();
        auto client = server_.connect();
        client->append({"slotq." + command, key_, group, "1", "600000", "BLOCK", block_ms});
        REQUIRE(client->send());
        while (asleep() == before) {
        }
        return client;
    }
    size_t asleep()
    {
        const std::string info = command({"INFO", "clients"}).text;
        return std::stoul(info.substr(info.find("blocked_clients:") + 16));
    }
    const std::string &key() const
    {
        return key_;
    }
    redis::Server &server()
    {
        return server_;
    }

private:
    static uint32_t count()
    {
        static uint32_t made;
        return made++;
    }
    redis::Server &server_;
    std::unique_ptr<Connection> connection_;
    std::string key_;
};

/* The payload that a client was served, or what it was told instead. */
inline std::string served(Connection &client)
{
    const Reply reply = client.next();
    return reply.items.size() == 4 ? reply.items[3].text : reply.told();
}

} // namespace on_stage
#endif
