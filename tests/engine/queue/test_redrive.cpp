/* test_redrive.cpp: dead messages pushed again, damaged ones among them, in every kind of store
 * that a test can damage.
 */
#include "catch.hpp"

#include "any_queue.hpp"

using namespace any_queue;

namespace
{

/* Kill all that are ready, with the reason that a damaged slot has. */
void kill_all(Queue &queue)
{
    for (std::vector<Message> got = queue.reserve(4096); !got.empty(); got = queue.reserve(4096)) {
        std::vector<slotq_run> runs;
        for (const Message &message : got) {
            runs.push_back({message.id, message.token, 1});
        }
        REQUIRE(slotq_settle(queue, SLOTQ_SETTLE_KILL, 0, runs.data(),
                             static_cast<uint32_t>(runs.size()), 0, SLOTQ_REASON_DAMAGED, nullptr,
                             nullptr) == SLOTQ_OK);
    }
}

/* Damage the payloads (with checks) or lengths of dead entries. */
void damage(Queue &queue, const slotq_geometry &shape, const std::vector<uint32_t> &entries)
{
    std::vector<uint8_t> image = queue.image();
    const bool checks = (shape.flags & SLOTQ_FLAG_CHECKS) != 0;
    const size_t each = 16u + 2u + (checks ? 4u : 0u) + shape.payload_bytes;
    for (const uint32_t entry : entries) {
        uint8_t *slot = &image[image.size() - (shape.dead_slots - entry) * each + 16];
        if (checks) {
            slot[6] ^= 1;
        } else {
            slot[1] = 0xFF;
        }
    }
    queue.replace(image);
}

std::vector<uint64_t> dead_ids(Queue &queue)
{
    const Batch given = batch();
    std::vector<uint64_t> ids;
    if (slotq_dead_list(queue, 0, 4096, given.get()) == SLOTQ_OK) {
        for (const Message &message : messages(given.get())) {
            CHECK(message.raw.damaged);
            ids.push_back(message.id);
        }
    }
    return ids;
}

} // namespace

TEST_CASE("redrive leaves damaged messages dead and counts them", "[queue]")
{
    const uint8_t flags = GENERATE(uint8_t{0}, uint8_t{SLOTQ_FLAG_CHECKS});
    const uint16_t dead_slots = GENERATE(as<uint16_t>{}, 5, 7);
    const Kind kind = GENERATE(Kind::buffer, Kind::file, Kind::file_synced, Kind::redis);
    const Geometry geometry = Geometry(9, 16).dead(dead_slots).flags(flags);
    Queue queue(kind, geometry);
    queue.fill(5);
    kill_all(queue);
    damage(queue, geometry.raw, {0, 2});
    uint32_t count = 9;
    uint32_t damaged = 9;
    std::vector<uint64_t> ids(dead_slots, 99);
    CHECK(slotq_dead_redrive(queue, dead_slots, ids.data(), &count, &damaged) == SLOTQ_OK);
    CHECK(count == 3);
    CHECK(std::vector<uint64_t>(ids.begin(), ids.begin() + 4) ==
          std::vector<uint64_t>{6, 7, 8, 99});
    CHECK(damaged == 2);
    CHECK(slotq_check(queue) == SLOTQ_OK);
    CHECK(dead_ids(queue) == std::vector<uint64_t>{1, 3});
    CHECK(queue.stats().dead_dropped == 0);
    const std::vector<Message> got = queue.reserve(9);
    REQUIRE(got.size() == 3);
    CHECK(got[0].payload == "2");
    CHECK(got[1].payload == "4");
    CHECK(got[2].payload == "5");
    CHECK(slotq_dead_redrive(queue, 1, nullptr, &count, &damaged) == SLOTQ_OK);
    CHECK(count == 0);
    CHECK(damaged == 1);
    CHECK(dead_ids(queue) == std::vector<uint64_t>{3, 1});
    CHECK(slotq_dead_redrive(queue, 0, nullptr, nullptr, nullptr) == SLOTQ_OK);
    CHECK(dead_ids(queue) == std::vector<uint64_t>{3, 1});
    CHECK(slotq_check(queue) == SLOTQ_OK);
}

TEST_CASE("redrive in several calls meets a damaged message once", "[queue]")
{
    const uint8_t flags = GENERATE(uint8_t{0}, uint8_t{SLOTQ_FLAG_CHECKS});
    const Kind kind = GENERATE(Kind::buffer, Kind::redis);
    const Geometry geometry = Geometry(5000, 4).dead(4500).flags(flags);
    Queue queue(kind, geometry);
    const std::vector<slotq_data> data(2250, slotq_data{"x", 1});
    for (uint32_t half = 0; half < 2; half++) {
        REQUIRE(slotq_push(queue, data.data(), 2250, nullptr) == SLOTQ_OK);
    }
    kill_all(queue);
    damage(queue, geometry.raw, {0, 4300});
    uint32_t count = 9;
    uint32_t damaged = 9;
    std::vector<uint64_t> ids(65535);
    CHECK(slotq_dead_redrive(queue, 0, ids.data(), &count, &damaged) == SLOTQ_OK);
    CHECK(count == 4498);
    CHECK(ids[0] == 4501); /* without a gap: only this caller pushes */
    CHECK(ids[4497] == 8998);
    CHECK(ids[4498] == 0);
    CHECK(damaged == 2);
    CHECK(dead_ids(queue) == std::vector<uint64_t>{1, 4301});
}
