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
    REQUIRE(dead.items.size() == 6);
    CHECK(dead.items[0].is_integer(2));
}
