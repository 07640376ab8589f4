/* test_check_later.cpp: the later section, laid out by hand as no verb of the core fills it: heap
 * order, slot numbers, keys and slots, each rule broken once.
 */
#include <algorithm>

#include "sample.hpp"

using namespace sample;
using namespace support;

namespace
{

constexpr uint32_t entry_bytes = 12;

struct Later {
    explicit Later(uint32_t slots, uint32_t flags = 0) : image(made(slots, flags))
    {
    }
    static slotq_geometry made(uint32_t slots, uint32_t flags)
    {
        slotq_geometry geometry = support::geometry(2, 4, 1, flags);
        geometry.later_slots = static_cast<uint16_t>(slots);
        return geometry;
    }
    uint32_t entry(uint32_t index) const
    {
        return image.view().later_index_offset + index * entry_bytes;
    }
    void set(uint32_t index, Field part, uint64_t value)
    {
        store(image.data() + entry(index) + part.offset, part.bytes, value);
    }
    void put(uint32_t index, uint64_t due_ms, uint32_t id, uint32_t slot)
    {
        set(index, field::later_due_ms, due_ms);
        set(index, field::later_later_id, id);
        set(index, field::later_slot, slot ^ index);
    }
    uint32_t slot(uint32_t number) const
    {
        return image.view().later_ring_offset + number * image.view().stride;
    }
    Image image;
};

/* Ten entries of twelve in use, due 100, 110, …; slot numbers from the end. */
Later ten(uint32_t flags = 0)
{
    Later later(12, flags);
    for (uint32_t i = 0; i < 12; i++) {
        later.put(i, i < 10 ? 100 + 10 * i : 0, i < 10 ? i + 1 : 0, 11 - i);
    }
    later.image.set(field::shared_later_count, 10);
    later.image.set(field::shared_later_due_ms, 100);
    later.image.set(field::shared_later_last_id, 10);
    REQUIRE(later.image.check() == "");
    return later;
}

} // namespace

TEST_CASE("an all-zero later section is a fresh one", "[check][later]")
{
    for (const uint32_t slots : {0u, 1u, 4096u, 4097u, 65535u}) {
        CHECK(Later(slots).image.check() == "");
    }
}

TEST_CASE("later_count and later_due_ms", "[check][later]")
{
    Later later = ten();
    SECTION("count")
    {
        later.image.set(field::shared_later_count, 13);
        expect_damage(later.image, at(field::shared_later_count),
                      "later_count is above later_slots");
    }
    SECTION("due")
    {
        later.image.set(field::shared_later_due_ms, 101);
        expect_damage(later.image, at(field::shared_later_due_ms),
                      "later_due_ms is not the heap root's");
    }
    SECTION("due of nothing")
    {
        Later empty(3);
        empty.image.set(field::shared_later_due_ms, 100);
        expect_damage(empty.image, at(field::shared_later_due_ms),
                      "later_due_ms is set, but nothing is scheduled");
    }
}

TEST_CASE("entries of the heap", "[check][later]")
{
    Later later = ten();
    SECTION("due time")
    {
        later.set(9, field::later_due_ms, (UINT64_C(1) << 47) - 1);
        CHECK(later.image.check() == "");
        later.set(9, field::later_due_ms, UINT64_C(1) << 47);
        expect_damage(later.image, later.entry(9), "later.due_ms is past 2^47 - 1");
    }
    SECTION("id")
    {
        later.set(4, field::later_later_id, 0);
        expect_damage(later.image, later.entry(4) + field::later_later_id.offset,
                      "later.later_id is 0");
    }
    SECTION("order by due time, of root's children and theirs")
    {
        later.set(8, field::later_due_ms, 99);
        expect_damage(later.image, later.entry(8), "a later entry is due before its parent");
        later = ten();
        later.set(9, field::later_due_ms, 109); /* its parent, entry 1, is due at 110 */
        expect_damage(later.image, later.entry(9), "a later entry is due before its parent");
    }
    SECTION("order by id where due at once")
    {
        later.set(9, field::later_due_ms, 110);
        CHECK(later.image.check() == "");
        later.set(9, field::later_later_id, 1);
        expect_damage(later.image, later.entry(9), "a later entry is due before its parent");
    }
}

TEST_CASE("free entries hold a slot number only", "[check][later]")
{
    Later later = ten();
    SECTION("due time")
    {
        later.set(10, field::later_due_ms, 1);
        expect_damage(later.image, later.entry(10), "later.due_ms of a free entry is not 0");
    }
    SECTION("id")
    {
        later.set(11, field::later_later_id, 1);
        expect_damage(later.image, later.entry(11) + field::later_later_id.offset,
                      "later.later_id of a free entry is not 0");
    }
}

TEST_CASE("slot numbers are there once each", "[check][later]")
{
    Later later = ten();
    SECTION("too high")
    {
        later.set(5, field::later_slot, 12 ^ 5);
        expect_damage(later.image, later.entry(5) + field::later_slot.offset,
                      "a later slot number is not below later_slots");
    }
    SECTION("twice, one of them free")
    {
        later.set(11, field::later_slot, 11 ^ 11); /* entry 0 has it */
        expect_damage(later.image, later.entry(11) + field::later_slot.offset,
                      "a later slot number is there twice");
    }
    SECTION("twice, whichever")
    {
        uint32_t sound = 0;
        for (uint32_t slot = 0; slot < 12; slot++) {
            later = ten();
            later.set(3, field::later_slot, slot ^ 3);
            sound += later.image.check().empty();
        }
        CHECK(sound == 1); /* its own */
    }
    SECTION("twice, in the second pass")
    {
        Later many(9000);
        many.set(100, field::later_slot, 8999 ^ 100);
        expect_damage(many.image, many.entry(8999) + field::later_slot.offset,
                      "a later slot number is there twice");
        many.set(8999, field::later_slot, 100 ^ 8999);
        CHECK(many.image.check() == "");
    }
}

TEST_CASE("slots and keys of scheduled messages", "[check][later]")
{
    SECTION("a slot in use")
    {
        Later later = ten();
        store(later.image.data() + later.slot(2), 2, 5);
        expect_damage(later.image, later.slot(2), "a slot's length is above payload_bytes");
    }
    SECTION("a free slot")
    {
        Later later = ten();
        std::memset(later.image.data() + later.slot(0), 0xFF, 2 * later.image.view().stride);
        CHECK(later.image.check() == "");
    }
}
