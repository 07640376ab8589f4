/* test_pairs.cpp: what is not about one whole queue: a message that goes from one queue to another,
 * and the values of a sharded queue that come and go, in the form for people, on a real server with
 * a replica that has no module.
 */
#include <string>
#include <vector>

#include "../support/catch.hpp"
#include "../../engine/slotq_types.h"
#include "../support/server/redis_server.hpp"

namespace
{

using redis::Arguments;
using redis::Reply;

class Pair
{
public:
    Pair(redis::Server &server, const std::string &flags_of_source,
         const std::string &flags_of_target)
        : connection_(server.connect())
    {
        static uint32_t made;
        source_ = "source:" + std::to_string(made);
        target_ = "target:" + std::to_string(made++);
        create(source_, flags_of_source);
        create(target_, flags_of_target);
        command({"slotq.push", source_, "first", "second"});
        token_ = std::to_string(
            command({"slotq.reserve", source_, "0", "2", "60000"}).items.at(1).integer);
    }
    Reply move(const std::string &id, const Arguments &more = {})
    {
        Arguments all = {"slotq.move", source_, target_, "0", id, token_};
        all.insert(all.end(), more.begin(), more.end());
        return command(all);
    }
    Reply command(const Arguments &all)
    {
        return connection_->command(all);
    }
    std::string both()
    {
        return command({"GET", source_}).text + command({"GET", target_}).text;
    }
    std::string state(const std::string &id)
    {
        return command({"slotq.status", source_, "0", id}).items.at(0).text;
    }
    std::vector<std::string> in_target()
    {
        std::vector<std::string> payloads;
        const Reply got = command({"slotq.reserve", target_, "0", "9", "60000"});
        for (size_t i = 3; i < got.items.size(); i += 4) {
            payloads.push_back(got.items[i].text);
        }
        return payloads;
    }
    const std::string &source() const
    {
        return source_;
    }
    const std::string &target() const
    {
        return target_;
    }

private:
    void create(const std::string &key, const std::string &flags)
    {
        REQUIRE(command({"slotq.create", key, "4", "32", "0", "0", "1", flags, "0", "100", "0", "0",
                         "0", "7"})
                    .is_status("OK"));
    }

    std::unique_ptr<redis::Connection> connection_;
    std::string source_, target_, token_;
};

std::string descriptor(char mark)
{
    return std::string(8, '\0') + "SLQS" + std::string(32, mark);
}

} // namespace

TEST_CASE("pairs: a message moves, or both queues stay as they were")
{
    Pair pair(redis::module_server(), "4", "4");
    CHECK(pair.move("1").is_integer(1));
    CHECK(pair.state("1") == "FINISHED");
    const std::string before = pair.both();
    CHECK(pair.move("1").is_status("GONE"));
    CHECK(pair.move("3").is_status("NOTFOUND"));
    CHECK(pair.move("2", {"key", "payload"}).word() == "SLOTQINVALID");
    CHECK(pair.move("2", {"", "payload", std::string(33, 'x')}).word() == "SLOTQTOOBIG");
    CHECK(pair.move("2", {"7 bytes"}).word() == "SLOTQINVALID");
    CHECK(pair.both() == before);
    CHECK(pair.command({"slotq.push", pair.target(), "x", "y"}).is_integer(2));
    const std::string full = pair.both();
    const Reply refused = pair.move("2");
    CHECK(refused.word() == "SLOTQFULL");
    CHECK(refused.text.find("[target]") != std::string::npos);
    CHECK(pair.both() == full);
    CHECK(pair.state("2") == "LEASED");
    CHECK((pair.in_target() == std::vector<std::string>{"first", "x", "y"}));
    CHECK(pair.command({"slotq.move", pair.source(), pair.source(), "0", "2", "5"}).word() ==
          "SLOTQINVALID");
    CHECK(
        pair.command({"COMMAND", "GETKEYS", "slotq.move", "a", "b", "0", "1", "2"}).items.size() ==
        2);
}

TEST_CASE("pairs: the core computes the checks of a queue that has them")
{
    for (const char *flags : {"0", "2"}) { /* of the source */
        Pair pair(redis::module_server(), flags, *flags == '0' ? "2" : "0");
        CHECK(pair.move("1", {"", "payload", "bytes"}).is_integer(1));
        CHECK(pair.move("2").is_integer(2));
        CHECK((pair.in_target() == std::vector<std::string>{"bytes", "second"}));
    }
}

TEST_CASE("pairs: a replica without the module follows")
{
    const std::string port = redis::free_port();
    redis::Server server({"--loadmodule", redis::module_path(), "--bind", "127.0.0.1", "--port",
                          port, "--repl-diskless-sync-delay", "0"});
    redis::Server replica({"--replicaof", "127.0.0.1", port});
    Pair pair(server, "0", "0");
    const auto follow = [&] {
        pair.command({"SET", "mark", "x"});
        while (!pair.command({"WAIT", "1", "1000"}).is_integer(1)) {
            pair.command({"SET", "mark", "x"});
        }
    };
    follow();
    CHECK(pair.move("1").is_integer(1));
    CHECK(pair.command({"slotq.change", "name", "", descriptor('1')}).is_status("OK"));
    CHECK(pair.command({"slotq.create", "shard", "4", "32", "0", "0", "1", "0", "0", "100", "0",
                        "0", "0", "7", "9", "2"})
              .is_status("OK"));
    follow();
    for (const std::string &key : {pair.source(), pair.target(), std::string("name")}) {
        CHECK((replica.command({"GET", key}).text == pair.command({"GET", key}).text));
    }
    CHECK(pair.command({"slotq.change", "name", descriptor('1').substr(0, 32), descriptor('2')})
              .is_status("OK"));
    CHECK(pair.command({"slotq.delete", "shard", "9", "3"}).is_status("OTHER"));
    CHECK(pair.command({"slotq.delete", "shard", "9", "2", "1"}).is_status("UNFINISHED"));
    CHECK(pair.command({"EXISTS", "shard"}).is_integer(1));
    CHECK(pair.command({"slotq.delete", "shard", "9", "2"}).is_status("OK"));
    CHECK(pair.command({"slotq.delete", "shard", "9", "2"}).is_status("OK"));
    follow();
    CHECK((replica.command({"GET", "name"}).text == descriptor('2')));
    CHECK(replica.command({"EXISTS", "shard"}).is_integer(0));
    CHECK(
        pair.command({"slotq.change", "name", descriptor('2').substr(0, 32), ""}).is_status("OK"));
    follow();
    CHECK(replica.command({"EXISTS", "name"}).is_integer(0));
}
