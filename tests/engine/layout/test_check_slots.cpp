/* test_check_slots.cpp: slots in use in the ring and among the dead, dead entries, keys: each
 * rule broken once; and bytes that are no longer read may be anything.
 */
#include "sample.hpp"

using namespace sample;
using namespace support;

TEST_CASE("slots of unfinished messages", "[check]")
{
    Image image = states();
    const uint32_t slot = image.slot_offset(2);
    SECTION("length")
    {
        store(image.data() + slot, 2, 9);
        expect_damage(image, slot, "a slot's length is above payload_bytes");
    }
    SECTION("check")
    {
        image.data()[slot + 6] ^= 1;
        expect_damage(image, slot + 6, "a slot's check is not that of its payload");
    }
    SECTION("payload")
    {
        image.data()[slot + 10] ^= 1;
        expect_damage(image, slot + 6, "a slot's check is not that of its payload");
    }
    SECTION("a payload of all bytes")
    {
        store(image.data() + slot, 2, 8);
        expect_damage(image, slot + 6, "a slot's check is not that of its payload");
    }
    SECTION("after the payload anything goes, and the stamp is any")
    {
        image.data()[slot + 10 + 5] ^= 0xFF;
        image.data()[slot + 2] ^= 0xFF;
        CHECK(image.check() == "");
    }
    SECTION("outside the window anything goes")
    {
        std::memset(image.data() + image.slot_offset(6), 0xFF, 2 * image.view().stride);
        CHECK(image.check() == "");
    }
}

TEST_CASE("without stamps the check follows the length", "[check]")
{
    Image image = dead();
    const uint32_t slot = image.slot_offset(2);
    image.data()[slot + 2] ^= 1;
    expect_damage(image, slot + 2, "a slot's check is not that of its payload");
}

TEST_CASE("without checks only the length is judged", "[check]")
{
    Image image(geometry(4, 8));
    REQUIRE(push(image, {"abc"}, now_ms) == SLOTQ_OK);
    image.data()[image.slot_offset(0) + 2] ^= 1;
    CHECK(image.check() == "");
    store(image.data() + image.slot_offset(0), 2, 0xFFFF);
    expect_damage(image, image.slot_offset(0), "a slot's length is above payload_bytes");
}

TEST_CASE("a slot that every group has finished is not checked", "[check]")
{
    Image image = states();
    const uint32_t slot = image.slot_offset(3); /* acked in group 0 */
    store(image.data() + slot, 2, 9);
    expect_damage(image, slot, "a slot's length is above payload_bytes");
    REQUIRE(sample::remove(image, 1, 4, now_ms) == SLOTQ_OK);
    CHECK(image.check() == "");
    SECTION("nor one that a group's head has passed")
    {
        for (uint64_t id = 1; id <= 6; id++) {
            slotq_outcome outcome = sample::remove(image, 1, id, now_ms);
            CHECK(outcome == (id == 4 ? SLOTQ_GONE : SLOTQ_OK));
        }
        REQUIRE(image.get(field::group_head, 1) == 6);
        CHECK(image.check() == "");
        store(image.data() + image.slot_offset(4), 2, 9);
        expect_damage(image, image.slot_offset(4), "a slot's length is above payload_bytes");
    }
}

TEST_CASE("dead entries", "[check]")
{
    Image image = dead();
    const uint32_t entry = image.dead_offset(0);
    const auto break_field = [&](Field part, uint64_t value, const std::string &what) {
        Image broken = image;
        store(broken.data() + entry + part.offset, part.bytes, value);
        expect_damage(broken, entry + part.offset, what);
    };
    break_field(field::dead_id, 0, "the first or last dead entry is a hole");
    break_field(field::dead_id, 4, "dead.id was never issued");
    break_field(field::dead_died_at_ms, UINT64_C(1) << 47, "dead.died_at_ms is past 2^47 - 1");
    break_field(field::dead_attempts, 0, "dead.attempts is not 1 to 63");
    break_field(field::dead_attempts, 64, "dead.attempts is not 1 to 63");
    break_field(field::dead_group, 1, "dead.group is not below groups");
    break_field(field::dead_note_length, 1, "dead.note_length is above note_bytes");
}

TEST_CASE("slots of the dead, but for those that died for their damage", "[check]")
{
    Image image = dead();
    const uint32_t slot = image.dead_offset(0) + dead_entry_bytes;
    store(image.data() + image.dead_offset(1) + dead_entry_bytes, 2, 9);
    std::memset(image.data() + image.dead_offset(2), 0xFF, dead_entry_bytes + 14);
    CHECK(image.check() == "");
    SECTION("length")
    {
        store(image.data() + slot, 2, 9);
        expect_damage(image, slot, "a slot's length is above payload_bytes");
    }
    SECTION("check")
    {
        image.data()[slot + 6] ^= 1;
        expect_damage(image, slot + 2, "a slot's check is not that of its payload");
    }
}

TEST_CASE("the dead ring wraps", "[check]")
{
    Image image = dead();
    image.set(field::shared_dead_head, 1);
    std::memcpy(image.data() + image.dead_offset(2), image.data() + image.dead_offset(0),
                dead_entry_bytes + image.view().stride);
    CHECK(image.check() == "");
    image.set(field::shared_dead_count, 3); /* entry 0 is the last one now */
    CHECK(image.check() == "");
    image.data()[image.dead_offset(0) + field::dead_note_length.offset] = 1;
    expect_damage(image, image.dead_offset(0) + field::dead_note_length.offset,
                  "dead.note_length is above note_bytes");
}

TEST_CASE("holes are counted, and are not the first or last entry", "[check]")
{
    Image image = sample::noted();
    const uint32_t hole = image.dead_offset(1);
    REQUIRE(load(image.data() + hole, 6) == 0);
    REQUIRE(image.get(field::shared_dead_holes) == 1);
    SECTION("what is in a hole does not matter")
    {
        std::memset(image.data() + hole + 6, 0xFF, image.dead_offset(2) - hole - 6);
        CHECK(image.check() == "");
    }
    SECTION("a hole that is not counted")
    {
        image.set(field::shared_dead_holes, 0);
        expect_damage(image, hole, "the first or last dead entry is a hole");
        image.set(field::shared_dead_count, 3);
        expect_damage(image, at(field::shared_dead_holes), "dead_holes is not the number of holes");
    }
    SECTION("a hole at an end")
    {
        store(image.data() + image.dead_offset(2), 6, 0);
        expect_damage(image, image.dead_offset(2), "the first or last dead entry is a hole");
    }
    SECTION("a note longer than its room")
    {
        image.data()[image.dead_offset(2) + 15] = 6;
        expect_damage(image, image.dead_offset(2) + 15, "dead.note_length is above note_bytes");
    }
}
