/* test_bell.cpp: what scripts say at shards of a sharded queue: the bit "ring the bell", replies
 * that ring, nudge and hush, and which clients hear them (FORMAT.md, "The bell of shards").
 */
#include "../support/catch.hpp"
#include "../support/image/fields.hpp"
#include "on_server.hpp"

namespace
{

using on_server::Queue;
using on_server::Shape;
using redis::Arguments;
using redis::Reply;

constexpr uint64_t bell_bit = 4;

Shape shape_of(uint32_t groups = 1, uint32_t set = 7)
{
    Shape shape;
    shape.places = 5;
    shape.groups = groups;
    shape.set = set;
    shape.shard = set == 0 ? 0 : 3;
    return shape;
}

class Shard : public Queue
{
public:
    explicit Shard(const Shape &shape = shape_of(), const std::string &variant = "redis7")
        : Queue(redis::shared_server(), variant, shape)
    {
    }
    uint64_t wake()
    {
        return on_server::value_of(bytes(), support::field::shared_wake.offset, 4);
    }
    Reply round(uint32_t group = 0, const std::string &script = "reserve_packed")
    {
        return run(script, {std::to_string(group), "1", "30000", "2"});
    }
    Reply wait(uint32_t place, uint32_t group = 0)
    {
        return run("reserve_packed",
                   {std::to_string(group), "1", "30000", "1", std::to_string(place)});
    }
    void subscribe(uint32_t place)
    {
        listener_ = redis::shared_server().connect();
        const std::string channel = "slotq#" + std::to_string(place) + ":" + key();
        REQUIRE(listener_->command({shape().set == 0 ? "SUBSCRIBE" : "SSUBSCRIBE", channel})
                    .items.at(1)
                    .text == channel);
    }
    /* The texts of what was heard since, "|" between them. */
    std::string heard()
    {
        std::string texts;
        listener_->append({"PING"});
        for (;;) {
            const Reply reply = listener_->next();
            if (reply.items.empty() || reply.items[0].text == "pong") {
                return texts;
            }
            texts += (texts.empty() ? "" : "|") + reply.items.at(2).text;
        }
    }

private:
    std::unique_ptr<redis::Connection> listener_;
};

/* [RING, counter, group or all, need, …] */
bool rings(const Reply &reply, int64_t counter, int64_t group, int64_t need)
{
    const bool fits = reply.items.size() == 5 && reply.items[0].is_status("RING") &&
                      reply.items[1].is_integer(counter) && reply.items[3].is_integer(need);
    return fits && (group < 0 ? reply.items[2].is_status("all") : reply.items[2].is_integer(group));
}

} // namespace

TEST_CASE("bell: a look of a round sets the bit and counts, whatever it finds")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    const std::string script = GENERATE(as<std::string>(), "reserve", "reserve_packed");
    Shard shard(shape_of(), variant);
    CHECK(shard.round(0, script).is_integer(-1));
    CHECK(shard.wake() == bell_bit + 8);
    CHECK(shard.round(0, script).is_integer(-1));
    CHECK(shard.wake() == bell_bit + 16);
    CHECK(rings(shard.run("push", {"a", "b"}), 2, 0, 2));
    const Reply found = shard.round(0, script);
    CHECK(rings(found, 3, 0, 1)); /* b is left */
    CHECK(shard.wake() == bell_bit + 24);
    CHECK_FALSE(shard.round(0, script).items.at(0).is_status("RING"));
    shard.run("pause", {"2"});
    CHECK(shard.round(0, script).word() == "SLOTQPAUSED");
    CHECK(shard.wake() == bell_bit + 32);
    CHECK(shard.run(script, {"0", "1", "30000", "2", "0"}).word() == "SLOTQINVALID");
    CHECK(on_server::check(shard.bytes()).empty());
}

TEST_CASE("bell: the times that a round is told")
{
    Shard shard;
    shard.schedule("later", on_server::now_ms + 5000);
    CHECK(shard.round().is_integer(static_cast<int64_t>(on_server::now_ms + 5000)));
}

TEST_CASE("bell: what makes messages deliverable rings, with the counter")
{
    Shard shard(shape_of(2));
    shard.round();
    const std::string push =
        GENERATE(as<std::string>(), "push", "push_packed", "push_keyed", "push_keyed_packed");
    CHECK(rings(shard.run(push, shard.sample(push)), 1, -1, 1));
    CHECK_FALSE(shard.run("reserve_packed", {"1", "1", "30000"}).items[0].is_status("RING"));
    Reply taken = shard.run("reserve_packed", {"0", "1", "30000"});
    const auto settle = [&](const std::string &verb, const std::string &ms) {
        const Reply reply =
            shard.run("settle_packed", {verb, "0", ms, "0", taken.items.at(0).text});
        taken = Reply();
        return reply;
    };
    CHECK(rings(settle("nack", "0"), 1, 0, 1));
    taken = shard.run("reserve_packed", {"0", "1", "30000"});
    CHECK(rings(settle("release", "0"), 1, 0, 1));
    taken = shard.run("reserve_packed", {"0", "1", "30000"});
    CHECK(rings(settle("nack", "20000"), 1, 0, 1)); /* earlier than its lease ended */
    CHECK(rings(shard.run("kick", {"1", "0"}), 1, 0, 1));
    taken = shard.run("reserve_packed", {"0", "1", "30000"});
    CHECK(settle("kill", "0").text == std::string(1, '\0'));
    CHECK(rings(shard.run("redrive", {"1", "", "1", "0"}), 1, 0, 1));
    CHECK(rings(shard.run("limit", {"0", "1", "5", "0", "0"}), 1, 0, 1));
    shard.run("pause", {"2"});
    CHECK(rings(shard.run("resume", {"2"}), 1, -1, 1));
    CHECK(shard.wake() == bell_bit + 8);
    CHECK(on_server::check(shard.bytes()).empty());
}

TEST_CASE("bell: schedule and kick ring if they lower the time")
{
    const std::string schedule = GENERATE(as<std::string>(), "schedule", "schedule_packed");
    Shard shard;
    shard.round();
    const auto at = [&](uint64_t ms) {
        const std::string due = std::to_string(on_server::now_ms + ms);
        return schedule == "schedule" ? shard.run(schedule, {due, "", "x"})
                                      : shard.run(schedule, {due, "1", shard.slot("x")});
    };
    CHECK(rings(at(50000), 1, 0, 1));
    CHECK(at(60000).is_integer(2));
    CHECK(rings(shard.run("kick", {"2", "later"}), 1, 0, 1));
    const Reply found = shard.run("reserve_packed", {"0", "1", "30000"});
    CHECK(found.items.at(0).text.size() == 12); /* promoted, leased, and nothing comes soon */
}

TEST_CASE("bell: a reserve that leaves a time less than 12 s ahead rings")
{
    const bool plain = GENERATE(true, false);
    const uint64_t ahead_ms = GENERATE(11999u, 12000u);
    Shard shard;
    shard.run("push", {"a", "b"});
    if (!plain) {
        shard.run("limit", {"0", "1", "5", "0", "0"});
    }
    shard.schedule("later", on_server::now_ms + ahead_ms);
    shard.round(); /* takes a */
    const Reply found = shard.run("reserve_packed", {"0", "1", "30000"});
    CHECK(rings(found, 1, 0, 1) == (ahead_ms < 12000));
}

TEST_CASE("bell: nudge tells the rows of groups, of a shard or to make a round")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    Shard bell(shape_of(2), variant);
    const auto nudge = [&](const std::string &group, const std::string &target) {
        const Reply reply = bell.run("nudge", {group, "1", target});
        REQUIRE(reply.items.size() == 2);
        return std::to_string(reply.items[0].integer) + " " +
               std::to_string(reply.items[1].integer);
    };
    bell.subscribe(2);
    CHECK(nudge("all", "9") == "0 0");
    CHECK(bell.wait(2, 0).items.size() == 4);
    CHECK(bell.wait(2, 1).items.size() == 4);
    CHECK(nudge("1", "9") == "1 1"); /* a place of group 0 is set */
    CHECK(bell.heard() == "wake 1 9");
    CHECK(nudge("1", "9") == "0 1");
    CHECK(bell.wake() == 1);
    bell.wait(2, 1);
    CHECK(nudge("all", "round") == "2 0");
    CHECK(bell.heard() == "round 0|round 1");
    CHECK(bell.wake() == 0);
    bell.wait(2, 0);
    bell.run("push", {"a"});
    CHECK(bell.heard() == "wake 0");
    bell.wait(2, 1);
    CHECK(bell.run("unwait", {"1", "2"}).is_integer(0)); /* it has taken a */
    for (const Arguments &wrong :
         {Arguments{"2", "1", "0"}, Arguments{"0", "0", "0"}, Arguments{"0", "1", "1024"},
          Arguments{"0", "1", "bell"}, Arguments{"0", "1"}}) {
        CHECK(bell.run("nudge", wrong).word() == "SLOTQINVALID");
    }
    CHECK(on_server::check(bell.bytes()).empty());
}

TEST_CASE("bell: hush clears the bit only while no round has come since")
{
    Shard shard;
    shard.round();
    CHECK(shard.run("hush", {"0"}).is_integer(0));
    CHECK(shard.run("hush", {"2"}).is_integer(0));
    CHECK(shard.wake() == bell_bit + 8);
    shard.round();
    CHECK(shard.run("hush", {"1"}).is_integer(0));
    CHECK(shard.run("hush", {"2"}).is_integer(1));
    CHECK(shard.wake() == 16);
    CHECK(shard.run("push", {"a"}).items.at(0).is_integer(1));
    CHECK(shard.run("hush", {"536870912"}).word() == "SLOTQINVALID");
    CHECK(shard.run("hush", {}).word() == "SLOTQINVALID");
}

TEST_CASE("bell: a client that registers is told of its place, of others, and of those before it")
{
    Shard bell;
    const auto told = [&](const Reply &reply) {
        REQUIRE(reply.items.size() == 4);
        return std::to_string(reply.items[1].integer) + std::to_string(reply.items[2].integer) +
               std::to_string(reply.items[3].integer);
    };
    CHECK(told(bell.wait(3)) == "000");
    CHECK(told(bell.wait(1)) == "010");
    CHECK(told(bell.wait(4)) == "022");
    CHECK(told(bell.wait(3)) == "121");
    bell.subscribe(1);
    bell.run("nudge", {"0", "1", "round"}); /* the cursor is 2 now */
    CHECK(told(bell.wait(1)) == "022");
    CHECK(told(bell.wait(3)) == "120");
    CHECK(bell.run("unwait", {"0", "3"}).is_integer(1));
    CHECK(bell.run("unwait", {"0", "3"}).is_integer(0));
    CHECK(bell.heard() == "round 0");
    CHECK(bell.run("unwait", {"0", "1"}).is_integer(1));
    CHECK(bell.heard() == "round 0"); /* for those that share the place */
}

TEST_CASE("bell: a group that its limits hold up says it, too")
{
    Shard bell;
    bell.run("push", {"a", "b"});
    bell.run("limit", {"0", "1", "1", "0", "0"});
    bell.run("reserve_packed", {"0", "1", "30000"});
    const std::string due = std::to_string(on_server::now_ms + 30000);
    CHECK(bell.wait(1).is_status("LIMITED " + due + " 0 0 0"));
    CHECK(bell.wait(3).is_status("LIMITED " + due + " 0 1 1"));
    CHECK(bell.wait(3).is_status("LIMITED " + due + " 1 1 1"));
    CHECK(bell.round().is_status("LIMITED " + due));
}

TEST_CASE("bell: a queue that is alone is heard by SUBSCRIBE")
{
    Shard alone(shape_of(1, 0));
    alone.subscribe(2);
    alone.wait(2);
    alone.run("push", {"a"});
    CHECK(alone.heard() == "wake 0");
}

/* id used sleepers */
static std::string fill_of(const Reply &reply)
{
    const Reply &inner = reply.items.size() == 5 ? reply.items[4] : reply;
    REQUIRE(inner.items.size() == 3);
    return std::to_string(inner.items[0].integer) + " " + std::to_string(inner.items[1].integer) +
           " " + std::to_string(inner.items[2].integer);
}

TEST_CASE("bell: a push into a shard tells how full it is, and whether clients sleep there")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    const std::string push =
        GENERATE(as<std::string>(), "push", "push_packed", "push_keyed", "push_keyed_packed");
    const bool is_plain_path = GENERATE(true, false);
    Shard shard(shape_of(2), variant);
    uint32_t key = 0;
    const auto pushed = [&] {
        Arguments arguments = shard.sample(push);
        const std::string bytes = "a key" + std::string(2, '\0') + std::to_string(key++);
        if (push == "push_keyed" || push == "push_keyed_packed") {
            arguments.at(push == "push_keyed" ? 1 : 3) = bytes;
        } else if (push == "push_packed") {
            arguments.resize(2); /* without wait: it may be plain */
        }
        return fill_of(shard.run(push, arguments));
    };
    if (!is_plain_path) { /* it is promoted by each push, and comes before it */
        shard.schedule("later", on_server::now_ms - 1);
    }
    const uint32_t more = is_plain_path ? 0 : 1;
    const auto told = [&](uint32_t count, uint32_t sleep) {
        const std::string all = std::to_string(count + more);
        return all + " " + all + " " + std::to_string(sleep);
    };
    CHECK(pushed() == told(1, 0));
    shard.round(); /* the bit rings, the reply proper is the same */
    CHECK(pushed() == told(2, 0));
    for (uint32_t i = 0; i < 2 + more; i++) {
        shard.run("reserve_packed", {"1", "1", "30000"});
    }
    shard.subscribe(2);
    CHECK(shard.wait(2, 1).items.size() == 4);
    CHECK(pushed() == told(3, 1));
    shard.run("reserve_packed", {"1", "1", "30000"});
    CHECK(shard.wait(2, 1).items.size() == 4);
    shard.run("limit", {"0", "1", "100", "0", "0"}); /* of another group */
    CHECK(pushed() == told(4, 0));
    CHECK(on_server::check(shard.bytes()).empty());
}
