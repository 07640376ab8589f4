/* test_redrive.cpp: the script redrive as a client in another language calls it: what it must be
 * told of a queue with checks, and the order of its writes.
 */
#include "../../engine/slotq_types.h"
#include "../support/catch.hpp"
#include "on_server.hpp"

using on_server::Arguments;
using on_server::number;
using on_server::Queue;
using on_server::Reply;
using on_server::Shape;

namespace
{

/* Push payloads and kill them with the reason that a damaged slot has. */
void kill_each(Queue &queue, const std::vector<std::string> &payloads)
{
    for (const std::string &payload : payloads) {
        REQUIRE(queue.run("push_packed", {"1", queue.slot(payload)}).kind == Reply::Kind::integer);
        const Reply reserved = queue.run("reserve_packed", {"0", "1", "30000"});
        REQUIRE(reserved.items.size() == 2);
        REQUIRE(
            queue.run("settle_packed", {"kill", "0", "0", "255", reserved.items[0].text}).text ==
            std::string(1, '\0'));
    }
}

std::string judged(uint64_t id, uint32_t group, uint32_t damaged)
{
    return number(id, 6) + number(group, 1) + number(damaged, 1);
}

void check_redriven(const Reply &reply, int64_t count, int64_t first_id, int64_t damaged)
{
    CAPTURE(reply.told());
    REQUIRE(reply.items.size() == 4);
    CHECK(reply.items[0].is_status("OK"));
    CHECK(reply.items[1].is_integer(count));
    CHECK(reply.items[2].is_integer(first_id));
    CHECK(reply.items[3].is_integer(damaged));
}

} // namespace

TEST_CASE("redrive: a queue with checks is refused without a list of what was judged")
{
    Shape shape;
    shape.flags = SLOTQ_FLAG_CHECKS;
    Queue queue(redis::shared_server(), "redis7", shape);
    kill_each(queue, {"a", "b", "c"});
    const std::string before = queue.bytes();
    const Reply refused = queue.run("redrive", {"9"});
    CHECK(refused.text.find("SLOTQINVALID the queue has checks") == 0);
    CHECK(queue.run("redrive", {"9", "seven b"}).text.find("SLOTQINVALID judged") == 0);
    CHECK(
        queue.run("redrive", {"9", std::string(4097 * 8, '\0')}).text.find("SLOTQINVALID judged") ==
        0);
    check_redriven(queue.run("redrive", {"9", ""}), 0, 0, 0);
    CHECK(queue.bytes() == before);
}

TEST_CASE("redrive: messages that left after they were judged are skipped, unknown ones stop it")
{
    Shape shape;
    shape.groups = 2;
    shape.flags = SLOTQ_FLAG_CHECKS;
    Queue queue(redis::shared_server(), "redis7", shape);
    kill_each(queue, {"a", "b", "c"});
    check_redriven(queue.run("redrive", {"9", judged(1, 1, 0)}), 0, 0, 0); /* another group */
    check_redriven(queue.run("redrive", {"9", judged(1, 0, 0)}), 1, 4, 0);
    const std::string list = judged(1, 0, 0) + judged(2, 0, 1);
    check_redriven(queue.run("redrive", {"9", list}), 0, 0, 1);
    check_redriven(queue.run("redrive", {"9", list}), 0, 0, 0);
    check_redriven(queue.run("redrive", {"1", judged(3, 0, 0) + judged(2, 0, 0)}), 1, 5, 0);
    CHECK(on_server::check(queue.bytes()) == "");
}

/* The entry of the sound one is read only when its piece is written, and the damaged one's new
 * entry is the same. */
TEST_CASE("redrive: a damaged entry is written after the slot that lay there was read")
{
    Shape shape;
    shape.payload_bytes = 6000;
    Queue queue(redis::shared_server(), "redis7", shape);
    kill_each(queue, {std::string(6000, 'a'), std::string(6000, 'b'), std::string(6000, 'c')});
    std::string bytes = queue.bytes();
    const size_t each = 16 + 6002;
    bytes[bytes.size() - 2 * each + 17] = '\x7f'; /* the length of b */
    queue.set(bytes);
    check_redriven(queue.run("redrive", {"9"}), 2, 4, 1);
    CHECK(on_server::check(queue.bytes()) == "");
    const Reply peeked = queue.run("peek", {"0", "", "9"});
    REQUIRE(peeked.items.size() == 8);
    CHECK(peeked.items[3].text == std::string(6000, 'a'));
    CHECK(peeked.items[7].text == std::string(6000, 'c'));
    const Reply dead = queue.run("dead_list", {"0", "9"});
    REQUIRE(dead.items.size() == 7);
    CHECK(dead.items[0].is_integer(2));
}

TEST_CASE("redrive: by id, and what a script must be told for it")
{
    Shape shape;
    shape.groups = 2;
    shape.flags = SLOTQ_FLAG_CHECKS;
    Queue queue(redis::shared_server(), "redis7", shape);
    kill_each(queue, {"a", "b", "c"});
    const std::string before = queue.bytes();
    check_redriven(queue.run("redrive", {"9", "", "2"}), 0, 0, 0); /* judged: none */
    CHECK(queue.run("redrive", {"9", "", "0"}).text.find("SLOTQINVALID id") == 0);
    CHECK(queue.run("redrive", {"9", judged(2, 0, 0), "2", "2"}).text.find("SLOTQINVALID group") ==
          0);
    CHECK(queue.run("redrive", {"9", judged(2, 0, 0), "2", "1"}).items[0].is_status("NOTFOUND"));
    check_redriven(queue.run("redrive", {"9", judged(3, 0, 0), "2"}), 0, 0, 0); /* not judged */
    check_redriven(queue.run("redrive", {"9", judged(2, 0, 1), "2"}), 0, 0, 1);
    CHECK(queue.bytes() == before);
    check_redriven(queue.run("redrive", {"9", judged(2, 0, 0), "2"}), 1, 4, 0);
    CHECK(on_server::check(queue.bytes()) == "");
    CHECK(queue.run("dead_list", {"0", "9"}).items.size() == 14);
    CHECK(queue.run("dead_list", {"0", "9", "3"}).items.size() == 7);
    CHECK(queue.run("dead_list", {"0", "9", "2"}).items.empty());
    CHECK(queue.run("dead_list", {"0", "9", "3", "1"}).items.empty());
}

namespace
{

/* Reserve up to three messages of a group; those named are settled so, in this order. */
void settle_some(Queue &queue, const std::string &verb, uint32_t group,
                 const std::vector<uint64_t> &ids)
{
    const std::string of = std::to_string(group);
    const Reply taken = queue.run("reserve", {of, "3", "30000"});
    REQUIRE(taken.items.size() >= 4);
    const std::string token = std::to_string(taken.items[1].integer);
    for (const uint64_t id : ids) {
        REQUIRE(queue.run("settle", {verb, of, "0", "0", std::to_string(id), token})
                    .items[0]
                    .is_status("OK"));
    }
}

} // namespace

/* The head of group 1 is moved and its words are read, with those of an earlier lap beyond
 * `written`, when message 4 steps aside. Then the first redriven message makes these a gap. */
TEST_CASE("redrive: a message that a group was never given is not passed over")
{
    Shape shape;
    shape.ring_slots = 4;
    shape.groups = 2;
    shape.aside_slots = 1;
    Queue queue(redis::shared_server(), GENERATE(as<std::string>(), "plain", "redis7"), shape);
    REQUIRE(queue.run("push", {"a", "b", "c"}).is_integer(1));
    settle_some(queue, "ack", 1, {2, 3, 1});
    settle_some(queue, "kill", 0, {1, 2, 3});
    REQUIRE(queue.run("push", {"d", "e"}).is_integer(4));
    settle_some(queue, "ack", 1, {5});
    REQUIRE(queue.run("push", {"f"}).is_integer(6));
    settle_some(queue, "ack", 0, {5, 6});
    const Reply redriven = queue.run("redrive", {"3"});
    REQUIRE(redriven.items.size() == 4);
    CHECK(redriven.items[0].is_status("FULL"));
    CHECK(redriven.items[1].is_integer(2));
    CHECK(on_server::check(queue.bytes()) == "");
    const Reply given = queue.run("reserve", {"1", "3", "30000"});
    REQUIRE(given.items.size() == 4);
    CHECK(given.items[0].is_integer(6));
    CHECK(given.items[3].text == "f");
}

TEST_CASE("settle: a note is kept with the dead, in both forms")
{
    Shape shape;
    shape.note_bytes = 5;
    Queue queue(redis::shared_server(), "redis7", shape);
    REQUIRE(queue.run("push", {"a", "b", "c"}).is_integer(1));
    const Reply taken = queue.run("reserve", {"0", "3", "30000"});
    REQUIRE(taken.items.size() == 12);
    const std::string token = std::to_string(taken.items[1].integer);
    const std::string before = queue.bytes();
    const std::string long_note(256, 'x');
    CHECK(queue.run("settle", {"kill", "0", "0", "1", "1", token, "note", long_note})
              .text.find("SLOTQINVALID note") == 0);
    CHECK(queue.run("settle", {"kill", "0", "0", "1", "note", "x"}).text.find("SLOTQINVALID id") ==
          0);
    CHECK(queue.run("settle", {"kill", "0", "0", "1", "1", token, "2"})
              .text.find("SLOTQINVALID each id") == 0);
    CHECK(queue.bytes() == before);
    REQUIRE(queue.run("settle", {"kill", "0", "0", "1", "1", token, "note", "why so"})
                .items[0]
                .is_status("OK"));
    const std::string run = number(2, 6) + number(taken.items[1].integer, 4) + number(1, 2);
    CHECK(queue.run("settle_packed", {"kill", "0", "0", "1", run, long_note})
              .text.find("SLOTQINVALID note") == 0);
    REQUIRE(queue.run("settle_packed", {"kill", "0", "0", "1", run, "no"}).text ==
            std::string(1, '\0'));
    REQUIRE(queue.run("settle", {"kill", "0", "0", "1", "3", token}).items[0].is_status("OK"));
    const Reply dead = queue.run("dead_list", {"0", "9"});
    REQUIRE(dead.items.size() == 21);
    CHECK(dead.items[6].text == "why s");
    CHECK(dead.items[13].text == "no");
    CHECK(dead.items[20].text == "");
    const Reply removed = queue.run("dead_remove", {"2"});
    REQUIRE(removed.items.size() == 2);
    CHECK(removed.items[0].is_status("OK"));
    CHECK(removed.items[1].is_integer(1));
    CHECK(queue.run("dead_remove", {"2"}).items[0].is_status("NOTFOUND"));
    CHECK(queue.run("dead_remove", {"0"}).text.find("SLOTQINVALID id") == 0);
    CHECK(queue.run("dead_remove", {"1", "1"}).text.find("SLOTQINVALID group") == 0);
    CHECK(on_server::check(queue.bytes()) == "");
}
