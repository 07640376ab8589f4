/* test_closed.cpp: a queue that is closed takes nothing new, goes on with what it has, and says
 * when it has come to its end; the same on each kind of store.
 */
#include "catch.hpp"

#include "any_queue.hpp"

using namespace any_queue;

namespace
{

bool says(slotq *queue, const char *words)
{
    INFO(slotq_error_of(queue)->text);
    return std::string(slotq_error_of(queue)->text).find(words) != std::string::npos;
}

} // namespace

TEST_CASE("closed: new messages are refused, the others go on until the end", "[closed]")
{
    const Kind kind = GENERATE(from_range(all_kinds()));
    INFO(kind);
    Geometry geometry = Geometry().dead(2).attempts(1);
    geometry.raw.later_slots = 2;
    Queue queue(kind, geometry);
    uint64_t last_id = 7;
    const slotq_data data = {"x", 1};
    CHECK(slotq_finish(queue, &last_id) == SLOTQ_UNFINISHED);
    CHECK(last_id == 0);
    CHECK(says(queue, "SLOTQ_PAUSE_CLOSED"));
    REQUIRE(queue.push("a") == SLOTQ_OK);
    REQUIRE(slotq_pause(queue, SLOTQ_PAUSE_CLOSED) == SLOTQ_OK);
    CHECK(slotq_pause(queue, 8) == SLOTQ_INVALID);
    CHECK(queue.push("b") == SLOTQ_CLOSED);
    CHECK(says(queue, "push into another queue"));
    CHECK_FALSE(slotq_error_of(queue)->passes);
    CHECK(slotq_schedule(queue, &data, 1, UINT64_C(4000000000000), 0, nullptr) == SLOTQ_CLOSED);
    CHECK(slotq_resume(queue, SLOTQ_PAUSE_BOTH) == SLOTQ_OK);
    CHECK(queue.stats().paused == SLOTQ_PAUSE_CLOSED);
    const Message message = queue.reserve_one();
    CHECK(slotq_kill(queue, 0, message.id, message.token, 1) == SLOTQ_OK);
    CHECK(slotq_finish(queue, &last_id) == SLOTQ_UNFINISHED); /* it is dead */
    uint32_t count = 0;
    CHECK(slotq_dead_redrive(queue, 1, nullptr, &count, nullptr) == SLOTQ_OK);
    CHECK(count == 1);
    const Message again = queue.reserve_one();
    CHECK(slotq_finish(queue, &last_id) == SLOTQ_UNFINISHED);
    CHECK(slotq_ack(queue, 0, again.id, again.token) == SLOTQ_OK);
    CHECK(slotq_finish(queue, &last_id) == SLOTQ_OK);
    CHECK(last_id == 2);
    CHECK(slotq_resume(queue, SLOTQ_PAUSE_CLOSED) == SLOTQ_OK);
    CHECK(queue.push("b") == SLOTQ_OK);
    CHECK(slotq_finish(nullptr, &last_id) == SLOTQ_INVALID);
    CHECK(slotq_finish(queue, nullptr) == SLOTQ_INVALID);
}

TEST_CASE("closed: a shard keeps set, number and its state in other sizes", "[closed]")
{
    Folder folder;
    Geometry geometry;
    geometry.raw.set = 7;
    geometry.raw.shard = 1023;
    slotq_error error = {};
    slotq *queue = nullptr;
    REQUIRE(slotq_create(folder.path(), "q", geometry, nullptr, &error) == SLOTQ_OK);
    REQUIRE(slotq_open(folder.path(), "q", nullptr, &queue, &error) == SLOTQ_OK);
    REQUIRE(slotq_pause(queue, SLOTQ_PAUSE_CLOSED) == SLOTQ_OK);
    slotq_close(queue);
    slotq_geometry wanted = geometry.raw;
    wanted.ring_slots = static_cast<uint16_t>(wanted.ring_slots + 5);
    wanted.set = 0;
    wanted.shard = 0;
    REQUIRE(slotq_resize(folder.path(), "q", &wanted, &error) == SLOTQ_OK);
    REQUIRE(slotq_open(folder.path(), "q", nullptr, &queue, &error) == SLOTQ_OK);
    CHECK(slotq_geometry_of(queue)->ring_slots == wanted.ring_slots);
    CHECK(slotq_geometry_of(queue)->set == 7);
    CHECK(slotq_geometry_of(queue)->shard == 1023);
    uint64_t last_id = 0;
    CHECK(slotq_finish(queue, &last_id) == SLOTQ_OK);
    slotq_close(queue);
    geometry.raw.shard = 1024;
    CHECK(slotq_create(folder.path(), "other", geometry, nullptr, &error) == SLOTQ_INVALID);
    CHECK(std::string(error.text).find("shard is above 1023") != std::string::npos);
}
