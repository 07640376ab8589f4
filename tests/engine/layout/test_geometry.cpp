/* test_geometry.cpp: each field of the geometry at and past its bounds, the formula of the total,
 * and where each section begins.
 */
#include "sample.hpp"

extern "C" {
#include "../../../engine/layout/geometry.h"
}

using support::geometry;

namespace
{

std::string fault_of(const slotq_geometry &made)
{
    const char *what = "untouched";
    const uint32_t bytes = slotq_core_image_bytes(&made, &what);
    CHECK((bytes == 0) == (what != nullptr));
    CHECK(slotq_core_image_bytes(&made, nullptr) == bytes);
    return what != nullptr ? what : "";
}

} // namespace

TEST_CASE("ring_slots is 2 to 65535", "[geometry]")
{
    CHECK(fault_of(geometry(0, 1)) == "ring_slots is below 2");
    CHECK(fault_of(geometry(1, 1)) == "ring_slots is below 2");
    CHECK(fault_of(geometry(2, 1)) == "");
    CHECK(fault_of(geometry(65535, 1)) == "");
}

TEST_CASE("payload_bytes is 1 to 65535", "[geometry]")
{
    CHECK(fault_of(geometry(2, 0)) == "payload_bytes is not 1 to 65535");
    CHECK(fault_of(geometry(2, 65535)) == "");
}

TEST_CASE("groups is 1 to 16", "[geometry]")
{
    CHECK(fault_of(geometry(2, 1, 0)) == "groups is not 1 to 16");
    CHECK(fault_of(geometry(2, 1, 16)) == "");
    CHECK(fault_of(geometry(2, 1, 17)) == "groups is not 1 to 16");
}

TEST_CASE("flags has five bits", "[geometry]")
{
    CHECK(fault_of(geometry(2, 1, 1, 31)) == "");
    CHECK(fault_of(geometry(2, 1, 1, 32)) == "flags has bits above 16 (stamps)");
    CHECK(fault_of(geometry(2, 1, 1, 128)) == "flags has bits above 16 (stamps)");
}

TEST_CASE("keys want at most 65535 slots in all", "[geometry]")
{
    slotq_geometry made = geometry(60000, 1, 1, SLOTQ_FLAG_KEYS);
    made.aside_slots = 255;
    made.later_slots = 5280;
    CHECK(fault_of(made) == "");
    made.later_slots++;
    CHECK(fault_of(made) == "ring_slots + aside_slots + later_slots is above 65535, with keys");
    made.flags = 0;
    CHECK(fault_of(made) == "");
    CHECK(fault_of(geometry(65535, 1, 1, SLOTQ_FLAG_KEYS)) == "");
}

TEST_CASE("max_attempts is 0 to 62", "[geometry]")
{
    CHECK(fault_of(geometry(2, 1, 1, 0, 62)) == "");
    CHECK(fault_of(geometry(2, 1, 1, 0, 63)) == "max_attempts is above 62");
}

TEST_CASE("tick_ms is 1 to 60000", "[geometry]")
{
    CHECK(fault_of(geometry(2, 1, 1, 0, 0, 0, 0)) == "tick_ms is not 1 to 60000");
    CHECK(fault_of(geometry(2, 1, 1, 0, 0, 0, 1)) == "");
    CHECK(fault_of(geometry(2, 1, 1, 0, 0, 0, 60000)) == "");
    CHECK(fault_of(geometry(2, 1, 1, 0, 0, 0, 60001)) == "tick_ms is not 1 to 60000");
}

TEST_CASE("aside_slots is 0 with overwrite, and within 65535 with the ring's", "[geometry]")
{
    slotq_geometry made = geometry(65281, 1);
    made.aside_slots = 254;
    CHECK(fault_of(made) == "");
    made.aside_slots = 255;
    CHECK(fault_of(made) == "ring_slots + aside_slots is above 65535");
    made.ring_slots = 65280;
    CHECK(fault_of(made) == "");
    made.flags = SLOTQ_FLAG_OVERWRITE;
    CHECK(fault_of(made) == "aside_slots is not 0 in a queue that overwrites");
    made.aside_slots = 0;
    CHECK(fault_of(made) == "");
}

TEST_CASE("generation is never 0, and only a part of a set has a shard", "[geometry]")
{
    slotq_geometry made = geometry(2, 1);
    made.generation = 0;
    uint32_t offset = 0;
    CHECK(std::string(geometry_fault(&made, &offset)) ==
          "generation is 0: it must be a random number");
    CHECK(offset == 28);
    made.generation = 4294967295;
    CHECK(fault_of(made) == "");
    made.shard = 1;
    CHECK(std::string(geometry_fault(&made, &offset)) == "shard is not 0, but set is 0");
    CHECK(offset == 36);
    made.set = 1;
    CHECK(fault_of(made) == "");
    made.set = 4294967295;
    made.shard = 1023;
    CHECK(fault_of(made) == "");
    made.shard = 1024;
    CHECK(std::string(geometry_fault(&made, &offset)) == "shard is above 1023");
    CHECK(offset == 36);
    made.shard = 0;
    CHECK(fault_of(made) == "");
}

TEST_CASE("places is 0 to 255, and 0 with overwrite", "[geometry]")
{
    slotq_geometry made = geometry(3, 1, 2);
    const uint64_t without = geometry_total(&made);
    for (uint32_t places = 1; places < 256; places++) {
        made.places = static_cast<uint8_t>(places);
        CHECK(geometry_total(&made) == without + 3 * (2 + 2 * places));
        CHECK(fault_of(made) == "");
    }
    made.flags = SLOTQ_FLAG_OVERWRITE;
    CHECK(fault_of(made) == "places is not 0 in a queue that overwrites");
    made.places = 1;
    CHECK(fault_of(made) == "places is not 0 in a queue that overwrites");
}

TEST_CASE("the whole is at most 512 MiB", "[geometry]")
{
    /* 136 + 4 · 2 + 2 · (2 + p) + later · (14 + p) + dead · (18 + p) is 2^29 exactly */
    slotq_geometry made = geometry(2, 60002, 1, 0, 0, 6918);
    made.later_slots = 2025;
    CHECK(slotq_core_image_bytes(&made, nullptr) == 536870912);
    CHECK(fault_of(made) == "");
    made.groups = 2;
    CHECK(geometry_total(&made) == 536870912 + 64);
    CHECK(fault_of(made) == "the queue would be larger than 512 MiB");
}

TEST_CASE("the largest of all geometries does not overflow", "[geometry]")
{
    slotq_geometry made = geometry(65535, 65535, 16, 31 - SLOTQ_FLAG_KEYS, 62, 65535);
    made.later_slots = 65535;
    CHECK(geometry_total(&made) == 80 + 56 * 16 + UINT64_C(65535) * (64 + 65545) +
                                       UINT64_C(65535) * (12 + 65545) +
                                       UINT64_C(65535) * (16 + 65545));
    CHECK(fault_of(made) == "the queue would be larger than 512 MiB");
}

TEST_CASE("sections follow each other and fill the image", "[geometry]")
{
    for (uint32_t flags = 0; flags < 32; flags++) {
        for (const uint32_t groups : {1u, 2u, 16u}) {
            slotq_geometry made = geometry(5, 7, groups, flags, 3, 4);
            made.later_slots = 6;
            made.aside_slots = (flags & SLOTQ_FLAG_OVERWRITE) != 0 ? 0 : 3;
            const uint32_t aside = made.aside_slots;
            const bool keys = (flags & SLOTQ_FLAG_KEYS) != 0;
            const uint32_t stride =
                2 + 7 + (flags & SLOTQ_FLAG_STAMPS ? 4 : 0) + (flags & SLOTQ_FLAG_CHECKS ? 4 : 0);
            const support::Image image(made);
            const slotq_view &view = image.view();
            CHECK(view.stride == stride);
            CHECK(view.states_offset == 80 + 56 * groups);
            CHECK(view.keys_offset == view.states_offset + groups * 5 * 4);
            CHECK(view.ring_offset == view.keys_offset + (keys ? 5 * 10 + 2 * (5 + 6 + aside) : 0));
            CHECK(view.later_index_offset == view.ring_offset + 5 * stride);
            CHECK(view.later_keys_offset == view.later_index_offset + 6 * 12);
            CHECK(view.later_ring_offset == view.later_keys_offset + (keys ? 6 * 14 : 0));
            CHECK(view.aside_index_offset == view.later_ring_offset + 6 * stride);
            CHECK(view.aside_words_offset == view.aside_index_offset + 7 * aside);
            CHECK(view.aside_keys_offset == view.aside_words_offset + 4 * groups * aside);
            CHECK(view.aside_slots_offset == view.aside_keys_offset + (keys ? 16 * aside : 0));
            CHECK(view.dead_offset == view.aside_slots_offset + aside * stride);
            CHECK(view.image_bytes == view.dead_offset + 4 * (16 + stride));
            CHECK(image.bytes().size() == view.image_bytes);
            CHECK(geometry_total(&made) == view.image_bytes);
            CHECK(geometry_stride(&made) == stride);
        }
    }
}

TEST_CASE("the macro for static buffers gives what the formula gives", "[geometry]")
{
    static uint8_t buffer[SLOTQ_IMAGE_BYTES(1001, 256, 0, 100, 0, 0, 0, 1, SLOTQ_FLAG_STAMPS)];
    slotq_geometry made = geometry(1001, 256, 1, SLOTQ_FLAG_STAMPS, 25, 100);
    CHECK(geometry_total(&made) == sizeof buffer);
    uint64_t mixed = 1;
    const auto below = [&mixed](uint32_t end) {
        mixed = mixed * UINT64_C(6364136223846793005) + 1442695040888963407;
        return static_cast<uint32_t>((mixed >> 33) % end);
    };
    for (uint32_t i = 0; i < 20000; i++) {
        made = geometry(2 + below(65534), 1 + below(i % 2 == 0 ? 64 : 65535), 1 + below(16),
                        below(32), 3, below(65536));
        made.later_slots = static_cast<uint16_t>(below(65536));
        made.aside_slots = static_cast<uint8_t>(below(256));
        made.places = static_cast<uint8_t>(below(256));
        const uint64_t bytes = SLOTQ_IMAGE_BYTES(
            made.ring_slots, made.payload_bytes, made.later_slots, made.dead_slots,
            made.aside_slots, made.places, made.note_bytes, made.groups, made.flags);
        REQUIRE(geometry_total(&made) == bytes);
    }
}

TEST_CASE("a geometry comes back as it was stored", "[geometry]")
{
    slotq_geometry made = geometry(40000, 3, 9, 26, 61, 777, 59999);
    made.later_slots = 12345;
    made.aside_slots = 250;
    made.generation = 0xFEDCBA98;
    made.set = 0x8761021;
    made.shard = 1021;
    const support::Image image(made);
    CHECK(image.geometry().ring_slots == 40000);
    CHECK(image.geometry().payload_bytes == 3);
    CHECK(image.geometry().later_slots == 12345);
    CHECK(image.geometry().dead_slots == 777);
    CHECK(image.geometry().groups == 9);
    CHECK(image.geometry().flags == 26);
    CHECK(image.geometry().aside_slots == 250);
    CHECK(image.geometry().max_attempts == 61);
    CHECK(image.geometry().tick_ms == 59999);
    CHECK(image.geometry().generation == 0xFEDCBA98);
    CHECK(image.geometry().set == 0x8761021);
    CHECK(image.geometry().shard == 1021);
}

TEST_CASE("create refuses a wrong geometry or size", "[geometry]")
{
    slotq_geometry made = geometry(4, 4);
    uint8_t bytes[256] = {0};
    const uint32_t size = slotq_core_image_bytes(&made, nullptr);
    REQUIRE(size < sizeof bytes);
    CHECK(slotq_core_create(bytes, size - 1, &made) == SLOTQ_INVALID);
    CHECK(slotq_core_create(bytes, size + 1, &made) == SLOTQ_INVALID);
    made.generation = 0;
    CHECK(slotq_core_create(bytes, size, &made) == SLOTQ_INVALID);
    made.generation = 1;
    made.groups = 0;
    CHECK(slotq_core_create(bytes, size, &made) == SLOTQ_INVALID);
    for (const uint8_t byte : bytes) {
        CHECK(byte == 0);
    }
}
