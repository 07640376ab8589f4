/* test_slot.cpp: packing and reading of slots, damage found in them, and the time of stamps.
 */
#include "sample.hpp"

extern "C" {
#include "../../../engine/layout/slot.h"
}

using support::geometry;

TEST_CASE("a slot has length, stamp, check, payload", "[slot]")
{
    for (const uint32_t flags : {0, 2, 16, 18}) {
        const slotq_geometry made = geometry(2, 5, 1, flags);
        const bool stamps = (flags & SLOTQ_FLAG_STAMPS) != 0;
        const bool checks = (flags & SLOTQ_FLAG_CHECKS) != 0;
        for (const std::string payload : {"", "a", "abcde"}) {
            uint8_t bytes[16];
            std::memset(bytes, 0xEE, sizeof bytes);
            const slotq_data data = {payload.data(), static_cast<uint32_t>(payload.size())};
            slot_store(bytes, &made, 0x12345678, &data);
            slotq_slot slot;
            REQUIRE(slotq_core_slot_read(&made, bytes, &slot));
            const uint32_t front = 2 + (stamps ? 4 : 0) + (checks ? 4 : 0);
            CHECK(slot.payload == bytes + front);
            CHECK(std::string(reinterpret_cast<const char *>(slot.payload), slot.payload_bytes) ==
                  payload);
            CHECK(slot.stamp == (stamps ? 0x12345678u : 0));
            CHECK(slot.check == (checks ? support::xxh32(bytes + front, payload.size()) : 0));
            CHECK(support::load(bytes, 2) == payload.size());
            for (size_t i = front + payload.size(); i < sizeof bytes; i++) {
                CHECK(bytes[i] == 0xEE); /* what lies after the payload stays */
            }
        }
    }
}

TEST_CASE("an empty payload needs no pointer", "[slot]")
{
    const slotq_geometry made = geometry(2, 5, 1, SLOTQ_FLAG_CHECKS);
    uint8_t bytes[16] = {0};
    const slotq_data data = {nullptr, 0};
    slot_store(bytes, &made, 0, &data);
    slotq_slot slot;
    CHECK(slotq_core_slot_read(&made, bytes, &slot));
    CHECK(slot.payload_bytes == 0);
    CHECK(slot.check == 0x02CC5D05);
}

TEST_CASE("a damaged slot is told", "[slot]")
{
    const slotq_geometry plain = geometry(2, 5);
    const slotq_geometry checked = geometry(2, 5, 1, SLOTQ_FLAG_CHECKS | SLOTQ_FLAG_STAMPS);
    uint8_t bytes[16] = {0};
    const slotq_data data = {"abcd", 4};
    slotq_slot slot;
    SECTION("length")
    {
        slot_store(bytes, &plain, 0, &data);
        support::store(bytes, 2, 5);
        CHECK(slotq_core_slot_read(&plain, bytes, &slot));
        support::store(bytes, 2, 6);
        CHECK_FALSE(slotq_core_slot_read(&plain, bytes, &slot));
        support::store(bytes, 2, 65535);
        CHECK_FALSE(slotq_core_slot_read(&checked, bytes, &slot));
        CHECK(slot.payload_bytes == 65535);
    }
    SECTION("every bit of length, check and payload")
    {
        slot_store(bytes, &checked, 7, &data);
        for (uint32_t bit = 0; bit < 14 * 8; bit++) {
            bytes[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
            const bool stamp = bit / 8 >= 2 && bit / 8 < 6;
            CHECK(slotq_core_slot_read(&checked, bytes, &slot) == stamp);
            bytes[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
        }
        CHECK(slotq_core_slot_read(&checked, bytes, &slot));
    }
}

TEST_CASE("a slot of an image is read where it lies", "[slot]")
{
    sample::Image image = sample::dead();
    slotq_slot slot;
    REQUIRE(slotq_core_slot(&image.view(), image.slot_offset(2), &slot));
    CHECK(std::string(reinterpret_cast<const char *>(slot.payload), slot.payload_bytes) == "three");
    REQUIRE(slotq_core_slot(&image.view(), image.dead_offset(0) + 16, &slot));
    CHECK(std::string(reinterpret_cast<const char *>(slot.payload), slot.payload_bytes) == "one");
    /* the last slot of the image */
    CHECK_FALSE(slotq_core_slot(&image.view(), image.dead_offset(2) + 16, &slot));
}

TEST_CASE("an id is an address, over the ring's end too", "[slot]")
{
    sample::Image image(geometry(5, 8));
    image.start_at((UINT64_C(1) << 32) - 2, 4);
    REQUIRE(sample::push(image, {"a", "b", "c"}, 0) == SLOTQ_OK);
    const uint64_t first = (UINT64_C(1) << 32) - 1;
    const uint32_t indexes[] = {4, 0, 1};
    for (uint32_t i = 0; i < 3; i++) {
        CHECK(slotq_core_slot_offset(&image.view(), first + i) == image.slot_offset(indexes[i]));
    }
}

TEST_CASE("a stamp's time", "[slot]")
{
    const slotq_geometry made = geometry(2, 1, 1, SLOTQ_FLAG_STAMPS, 0, 0, 100);
    const uint64_t turn = UINT64_C(1) << 32;
    const uint64_t ahead = UINT64_C(1) << 28;
    const uint64_t now_tick = 3 * turn + 1000;
    const auto time_of = [&](uint64_t tick, uint64_t now) {
        return slotq_core_stamp_ms(&made, static_cast<uint32_t>(tick), now * 100 + 99);
    };
    CHECK(time_of(now_tick, now_tick) == now_tick * 100);
    CHECK(time_of(now_tick - 5000, now_tick) == (now_tick - 5000) * 100);
    CHECK(time_of(now_tick + 5, now_tick) == (now_tick + 5) * 100);
    CHECK(time_of(now_tick + ahead - 1, now_tick) == (now_tick + ahead - 1) * 100);
    CHECK(time_of(now_tick + ahead, now_tick) == (now_tick + ahead - turn) * 100);
    /* before 1970: not known */
    CHECK(time_of(1000, 999) == 100000);
    CHECK(time_of(ahead + 1000, 1000) == 0);
    CHECK(time_of(0, 1000) == 0);
    CHECK(time_of(1, 1000) == 100);
}
