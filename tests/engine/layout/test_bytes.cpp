/* test_bytes.cpp: loads and stores, ring arithmetic, and the checksum, by themselves.
 */
#include "sample.hpp"

extern "C" {
#include "../../../engine/layout/bytes.h"
#include "../../../engine/layout/checksum.h"
#include "../../../engine/layout/ring.h"
}

TEST_CASE("loads take the low byte first", "[layout]")
{
    const uint8_t bytes[] = {0x01, 0x82, 0x03, 0x84, 0x05, 0x86, 0x07, 0x88};
    CHECK(load_u16(bytes) == 0x8201);
    CHECK(load_u32(bytes) == 0x84038201);
    CHECK(load_u48(bytes) == UINT64_C(0x860584038201));
    CHECK(load_u64(bytes) == UINT64_C(0x8807860584038201));
    CHECK(load_u32(bytes + 1) == 0x05840382); /* no alignment is needed */
}

TEST_CASE("stores write their bytes and no more", "[layout]")
{
    const uint64_t values[] = {
        0, 1, 0x80, 0xFF, 0x8000, 0x12345678, UINT64_C(0x8123456789ABCDEF), UINT64_MAX};
    for (const uint64_t value : values) {
        for (const uint32_t size : {2u, 4u, 6u, 8u}) {
            uint8_t bytes[12];
            std::memset(bytes, 0xEE, sizeof bytes);
            const uint64_t kept = size == 8 ? value : value & ((UINT64_C(1) << 8 * size) - 1);
            uint64_t back = 0;
            if (size == 2) {
                store_u16(bytes + 1, static_cast<uint16_t>(value));
                back = load_u16(bytes + 1);
            } else if (size == 4) {
                store_u32(bytes + 1, static_cast<uint32_t>(value));
                back = load_u32(bytes + 1);
            } else if (size == 6) {
                store_u48(bytes + 1, value);
                back = load_u48(bytes + 1);
            } else {
                store_u64(bytes + 1, value);
                back = load_u64(bytes + 1);
            }
            CHECK(back == kept);
            CHECK(support::load(bytes + 1, size) == kept);
            CHECK(bytes[0] == 0xEE);
            CHECK(bytes[1 + size] == 0xEE);
        }
    }
}

TEST_CASE("ring arithmetic is modulo the slots", "[layout]")
{
    for (const uint32_t slots : {2u, 3u, 7u, 65535u}) {
        for (const uint32_t from : {0u, 1u, slots / 2, slots - 1}) {
            for (const uint32_t steps : {0u, 1u, slots / 2, slots - 1, slots}) {
                const uint32_t to = ring_add(from, steps, slots);
                CHECK(to == (from + steps) % slots);
                CHECK(ring_distance(from, to, slots) == steps % slots);
                CHECK(ring_back(to, steps, slots) == from);
                const uint32_t before = ring_before_wrap(from, steps, slots);
                CHECK(before == std::min(steps, slots - from));
            }
        }
    }
}

TEST_CASE("the checksum is XXH32 with seed 0", "[layout]")
{
    CHECK(checksum_xxh32(reinterpret_cast<const uint8_t *>(""), 0) == 0x02CC5D05);
    CHECK(checksum_xxh32(reinterpret_cast<const uint8_t *>("a"), 1) == 0x550D7456);
    CHECK(checksum_xxh32(reinterpret_cast<const uint8_t *>("abc"), 3) == 0x32D153FF);
    std::vector<uint8_t> bytes(100);
    for (uint32_t size = 0; size < bytes.size(); size++) {
        bytes[size] = static_cast<uint8_t>(size * 37 + 11);
        CHECK(checksum_xxh32(bytes.data(), size) == support::xxh32(bytes.data(), size));
    }
}
