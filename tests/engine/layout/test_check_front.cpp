/* test_check_front.cpp: what the check says of the front's shared fields: era, paused, reserved
 * bytes, and a geometry that is another than when the image was opened.
 */
#include "sample.hpp"

using namespace sample;
using namespace support;

TEST_CASE("era fits last_id, but for one interrupted push", "[check]")
{
    Image image(geometry(4, 8));
    SECTION("just crossed")
    {
        image.start_at(UINT64_C(0x80000FFF), 0);
        image.set(field::shared_era, 0);
        CHECK(image.check() == "");
    }
    SECTION("crossed longer ago than one push")
    {
        image.start_at(UINT64_C(0x80001000), 0);
        image.set(field::shared_era, 0);
        expect_damage(image, at(field::shared_era), "era's lowest bit is not last_id's top bit");
    }
    SECTION("nothing comes after the last era")
    {
        image.start_at((UINT64_C(1) << 47) - 1, 0);
        CHECK(image.check() == "");
        image.set(field::header_last_id, 5);
        expect_damage(image, at(field::shared_era), "era is past its end");
    }
}

TEST_CASE("a push that crosses 2^31 is sound before its era is stored", "[check]")
{
    Image image(geometry(9, 8));
    for (const uint64_t last_id :
         {(UINT64_C(1) << 31) - 3, (UINT64_C(1) << 32) - 3, (UINT64_C(7) << 31) - 1}) {
        image.start_at(last_id, 5);
        const uint64_t era = image.get(field::shared_era);
        REQUIRE(push(image, {"a", "b", "c", "d"}, now_ms) == SLOTQ_OK);
        CHECK(image.get(field::shared_era) == era + 1);
        CHECK(image.last_id() == last_id + 4);
        image.set(field::shared_era, era);
        CHECK(image.check() == "");
        CHECK(image.last_id() == last_id + 4);
    }
}

TEST_CASE("paused and the byte after it", "[check]")
{
    Image image = states();
    for (uint64_t paused = 0; paused <= 7; paused++) {
        image.set(field::shared_paused, paused);
        CHECK(image.check() == "");
    }
    SECTION("paused")
    {
        image.set(field::shared_paused, 8);
        expect_damage(image, at(field::shared_paused), "paused is above 7");
    }
    SECTION("reserved")
    {
        Image held = image;
        held.set(field::shared_aside_count, 1);
        expect_damage(held, at(field::shared_aside_count), "aside_count is above aside_slots");
        image.set(field::shared_reserved_78, 1);
        expect_damage(image, at(field::shared_reserved_78), "bytes 78 and 79 are not 0");
    }
}

TEST_CASE("counters and wake may be anything", "[check]")
{
    Image image = states();
    for (const Field any : {field::shared_dropped, field::shared_dead_dropped, field::shared_wake,
                            field::shared_later_last_id}) {
        image.set(any, 0xFFFFFFFF);
    }
    for (const Field any : {field::group_acked, field::group_redelivered, field::group_died}) {
        image.set(any, 1, 0xFFFFFFFF);
    }
    CHECK(image.check() == "");
}

TEST_CASE("the front's ranges are checked again", "[check]")
{
    Image image = states();
    image.set(field::header_tail, 8);
    expect_damage(image, at(field::header_tail), "header.tail is not below ring_slots");
}

TEST_CASE("a geometry that changed since the image was opened is noticed", "[check]")
{
    for (uint32_t byte = 8; byte < 32; byte++) {
        Image image = states();
        image.data()[byte] ^= 1;
        expect_damage(image, byte, "the geometry has changed since it was opened");
    }
}
