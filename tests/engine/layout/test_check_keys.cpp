/* test_check_keys.cpp: each rule of keys broken by hand, and named by the check.
 */
#include "sample.hpp"

using namespace support;

namespace
{

/* 5 ring slots, 3 aside, 3 later: 11 buckets. Keys 1, 12 and 23 are in bucket 1, from the newest
 * on: message 3, scheduled 1, message 1 aside. Message 2 has none. */
struct Keyed {
    Image image;

    Keyed() : image(shape())
    {
        REQUIRE(sample::push(image, {"a", "b", "c"}, sample::now_ms, {1, 0, 23}) == SLOTQ_OK);
        const std::vector<slotq_run> runs = sample::reserve(image, 0, 3, 60000, sample::now_ms);
        REQUIRE(sample::settle(image, SLOTQ_ACK, 0, {2, runs[0].token, 2}, sample::now_ms) ==
                SLOTQ_OK);
        REQUIRE(sample::push(image, {"d", "e"}, sample::now_ms, {0, 3}) == SLOTQ_OK);
        REQUIRE(image.aside_count() == 1);
        schedule(12);
        schedule(0);
        REQUIRE(image.check() == "");
    }
    static slotq_geometry shape()
    {
        slotq_geometry made = geometry(5, 3, 1, SLOTQ_FLAG_KEYS);
        made.aside_slots = 3;
        made.later_slots = 3;
        return made;
    }
    void schedule(uint64_t key)
    {
        const slotq_data message = {"l", 1};
        slotq_call call = {};
        call.verb = SLOTQ_SCHEDULE;
        call.now_ms = sample::now_ms;
        call.schedule.messages = &message;
        call.schedule.count = 1;
        call.schedule.due_ms = sample::now_ms + 1000;
        call.schedule.keys = &key;
        call.schedule.key_mode = SLOTQ_KEY_UNIQUE;
        REQUIRE(image.run(call) == SLOTQ_OK);
    }
    uint32_t entry(uint32_t holder) const
    {
        return image.key_offset(holder);
    }
    void expect(uint32_t at, uint32_t bytes, uint64_t value, uint32_t offset, const char *what)
    {
        store(image.data() + at, bytes, value);
        sample::expect_damage(image, offset, what);
    }
};

constexpr uint32_t aside_0 = 5;
constexpr uint32_t later_0 = 8;

} // namespace

TEST_CASE("entries of keys", "[check][keys]")
{
    Keyed keyed;
    SECTION("a first byte of 0")
    {
        keyed.expect(keyed.entry(1), 8, 0x100, keyed.entry(1), "a key's first byte is 0");
    }
    SECTION("aside")
    {
        keyed.expect(keyed.entry(aside_0 + 2), 8, 0xFF00, keyed.entry(aside_0 + 2),
                     "a key's first byte is 0");
    }
    SECTION("later")
    {
        keyed.expect(keyed.entry(later_0 + 2), 8, 0xFF00, keyed.entry(later_0 + 2),
                     "a key's first byte is 0");
    }
    SECTION("none, but not all 0")
    {
        keyed.expect(keyed.entry(1) + 8, 2, 1, keyed.entry(1) + 8,
                     "an entry without a key is not all 0");
    }
    SECTION("the end of the longest entry")
    {
        keyed.expect(keyed.entry(aside_0 + 1) + 15, 1, 1, keyed.entry(aside_0 + 1) + 15,
                     "an entry without a key is not all 0");
    }
    SECTION("the end of a later entry")
    {
        keyed.expect(keyed.entry(later_0 + 1) + 13, 1, 1, keyed.entry(later_0 + 1) + 13,
                     "an entry without a key is not all 0");
    }
}

TEST_CASE("holders of keys", "[check][keys]")
{
    Keyed keyed;
    SECTION("a ring slot that had no message")
    {
        Keyed fresh;
        fresh.image = Image(Keyed::shape());
        REQUIRE(sample::push(fresh.image, {"a"}, sample::now_ms, {1}) == SLOTQ_OK);
        fresh.expect(fresh.entry(1), 8, 12, fresh.entry(1), "a ring slot never used has a key");
    }
    SECTION("the id of a message aside")
    {
        keyed.expect(keyed.entry(aside_0) + 10, 6, 2, keyed.entry(aside_0) + 10,
                     "an aside key's id is not that of the aside index");
    }
    SECTION("the id of one that was aside")
    {
        store(keyed.image.data() + keyed.entry(aside_0 + 1), 8, 34);
        keyed.expect(keyed.entry(aside_0 + 1) + 10, 6, 4, keyed.entry(aside_0 + 1) + 10,
                     "an aside key's id is 0, or of the ring");
        keyed.expect(keyed.entry(aside_0 + 1) + 10, 6, 0, keyed.entry(aside_0 + 1) + 10,
                     "an aside key's id is 0, or of the ring");
    }
    SECTION("a later id")
    {
        keyed.expect(keyed.entry(later_0) + 10, 4, 2, keyed.entry(later_0) + 10,
                     "a later key's id is not that of the later index");
    }
    SECTION("a later slot that is free")
    {
        keyed.expect(keyed.entry(later_0 + 2), 8, 34, keyed.entry(later_0 + 2),
                     "a free later slot has a key");
    }
}

TEST_CASE("chains of keys", "[check][keys]")
{
    Keyed keyed;
    const uint32_t bucket = keyed.image.bucket_offset(1);
    SECTION("a holder that does not exist")
    {
        keyed.expect(bucket, 2, 12, bucket, "a chain of keys names no holder");
    }
    SECTION("a holder of another bucket")
    {
        keyed.expect(bucket, 2, 5, bucket, "a chain of keys has a key of another bucket");
    }
    SECTION("a holder without a key")
    {
        keyed.expect(bucket, 2, 2, bucket, "a chain of keys has a key of another bucket");
    }
    SECTION("a ring of holders")
    {
        keyed.expect(keyed.entry(aside_0) + 8, 2, 3, keyed.entry(aside_0) + 8,
                     "a chain has the same key twice");
    }
    SECTION("two equal keys")
    {
        keyed.expect(keyed.entry(aside_0), 8, 23, keyed.entry(2) + 8,
                     "a chain has the same key twice");
    }
    SECTION("a key in no chain")
    {
        keyed.expect(keyed.entry(2) + 8, 2, 0, keyed.entry(aside_0),
                     "a key is not in the chain of its bucket");
    }
    SECTION("the last key of all in no chain")
    {
        keyed.schedule(4);
        keyed.expect(keyed.image.bucket_offset(4), 2, 0, keyed.entry(later_0 + 2),
                     "a key is not in the chain of its bucket");
    }
    SECTION("a key in no chain, and the chain is empty")
    {
        keyed.expect(keyed.image.bucket_offset(3), 2, 0, keyed.entry(4),
                     "a key is not in the chain of its bucket");
    }
}

TEST_CASE("a chain of 256", "[check][keys]")
{
    Image image(geometry(300, 1, 1, SLOTQ_FLAG_KEYS));
    std::vector<uint64_t> keys;
    for (uint64_t i = 0; i < 255; i++) {
        keys.push_back(i << 32 | 7);
    }
    REQUIRE(sample::push(image, std::vector<std::string>(255), sample::now_ms, keys) == SLOTQ_OK);
    REQUIRE(sample::push(image, {""}, sample::now_ms) == SLOTQ_OK);
    REQUIRE(image.check() == "");
    store(image.data() + image.key_offset(255), 8, UINT64_C(255) << 32 | 7);
    store(image.data() + image.key_offset(0) + 8, 2, 256);
    sample::expect_damage(image, image.key_offset(0) + 8, "a chain of keys has more than 255");
}
