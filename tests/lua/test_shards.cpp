/* test_shards.cpp: the scripts for sharded queues: a descriptor is changed from what the caller
 * read, and a shard is deleted. What they do under the library is tested in tests/shards.
 */
#include "on_server.hpp"

#include "catch.hpp"

namespace
{

std::string descriptor(char mark)
{
    return std::string(8, '\0') + "SLQS" + std::string(32, mark);
}

} // namespace

TEST_CASE("scripts: change compares the first 32 bytes, and sets the whole or deletes it")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    CAPTURE(variant);
    on_server::Queue queue(redis::shared_server(), variant);
    const std::string one = descriptor('1'), two = descriptor('2');
    const auto change = [&](const std::string &old, const std::string &next) {
        return queue.run("change", {old, next});
    };
    queue.command({"DEL", queue.key()});
    CHECK(change(one.substr(0, 32), two).is_status("AGAIN"));
    CHECK(change("", one).is_status("OK"));
    CHECK(queue.bytes() == one);
    CHECK(change("", two).word() == "SLOTQEXISTS");
    CHECK(change(two.substr(0, 32), one).is_status("AGAIN"));
    CHECK(queue.bytes() == one);
    for (const std::string &wrong : {std::string(1, 'x'), one, one.substr(0, 11),
                                     std::string(32, '\0'), std::string(32, 'x')}) {
        CHECK(change(wrong, two).word() == "SLOTQINVALID");
    }
    for (const std::string &wrong :
         {std::string(1, 'x'), one.substr(0, 31), std::string(44, '\0'), std::string(44, 'x')}) {
        CHECK(change(one.substr(0, 32), wrong).word() == "SLOTQINVALID");
    }
    CHECK(change("", "").word() == "SLOTQINVALID");
    CHECK(queue.run("change", {""}).word() == "SLOTQINVALID");
    CHECK(queue.run("change", {"", one, "x"}).word() == "SLOTQINVALID");
    CHECK(queue.bytes() == one);
    CHECK(change(one.substr(0, 32), two).is_status("OK"));
    CHECK(queue.bytes() == two);
    CHECK(change(two.substr(0, 32), "").is_status("OK"));
    CHECK(queue.bytes().empty());
    for (const size_t size : {12u, 31u}) { /* a damaged one, which is repaired */
        queue.command({"SET", queue.key(), two.substr(0, size)});
        CHECK(change(two.substr(0, size - 1), one).word() ==
              (size == 12 ? "SLOTQINVALID" : "AGAIN"));
        CHECK(queue.bytes() == two.substr(0, size));
        CHECK(change(two.substr(0, size), one).is_status("OK"));
        CHECK(queue.bytes() == one);
        CHECK(change(one.substr(0, 31), two).is_status("AGAIN"));
    }
}

TEST_CASE("scripts: delete deletes the shard that it names, and no other queue")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    CAPTURE(variant);
    on_server::Queue queue(redis::shared_server(), variant);
    const auto make = [&] {
        queue.command({"DEL", queue.key()});
        REQUIRE(queue
                    .run("create",
                         {"5", "16", "2", "2", "1", "0", "0", "100", "2", "0", "0", "9", "77", "3"})
                    .is_status("OK"));
    };
    make();
    const std::string before = queue.bytes();
    CHECK(queue.run("delete", {"78", "3"}).is_status("OTHER"));
    CHECK(queue.run("delete", {"77", "4", "1"}).is_status("OTHER"));
    CHECK(queue.run("delete", {"77", "3", "1"}).is_status("UNFINISHED"));
    CHECK(queue.bytes() == before);
    const auto closed = [&] { return queue.run("pause", {"4"}).is_status("OK"); };
    REQUIRE(closed());
    CHECK(queue.run("delete", {"77", "3", "1"}).is_status("OK"));
    CHECK(queue.bytes().empty());
    CHECK(queue.run("delete", {"77", "3", "1"}).is_status("OK"));
    make();
    REQUIRE(queue.run("schedule", {"99999999999999", "", "x"}).is_integer(1));
    REQUIRE(closed());
    CHECK(queue.run("delete", {"77", "3", "1"}).is_status("UNFINISHED"));
    CHECK(queue.run("delete", {"77", "3"}).is_status("OK"));
    CHECK(queue.bytes().empty());
    queue.set(descriptor('1'));
    CHECK(queue.run("delete", {"77", "3"}).word() == "SLOTQSHARDED");
    for (const redis::Arguments &wrong :
         {redis::Arguments{"0", "3"}, {"77", "1024"}, {"77", "3", "2"}, {"77"}}) {
        CHECK(queue.run("delete", wrong).word() == "SLOTQINVALID");
    }
}
