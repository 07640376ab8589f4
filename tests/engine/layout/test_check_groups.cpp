/* test_check_groups.cpp: each rule of a group block and of state words, broken once in a sound
 * image; the check names the field's first byte and the rule.
 */
#include "sample.hpp"

using namespace sample;
using namespace support;

TEST_CASE("a sound image of many states passes", "[check]")
{
    Image image = states();
    slotq_damage damage = {99, "before"};
    CHECK(slotq_core_check(&image.view(), &damage) == SLOTQ_OK);
    CHECK(damage.what == nullptr);
    CHECK(damage.offset == 0);
}

TEST_CASE("header.head is the head of some group", "[check]")
{
    Image image(geometry(8, 8, 2));
    REQUIRE(push(image, {"a", "b"}, now_ms) == SLOTQ_OK);
    for (uint8_t group = 0; group < 2; group++) {
        const std::vector<slotq_run> runs = reserve(image, group, 1, 1000, now_ms);
        REQUIRE(settle(image, SLOTQ_ACK, group, runs.at(0), now_ms) == SLOTQ_OK);
    }
    REQUIRE(image.get(field::header_head) == 1);
    image.set(field::header_head, 0);
    expect_damage(image, at(field::header_head), "header.head is not the oldest group.head");
}

TEST_CASE("group ranges are checked again", "[check]")
{
    Image image = states();
    SECTION("head")
    {
        image.set(field::group_head, 1, 7);
        expect_damage(image, at(field::group_head, 1),
                      "group.head is outside the ring's [head, tail]");
    }
    SECTION("counts together")
    {
        image.set(field::group_leased, 0, 5);
        expect_damage(image, at(field::group_ready_behind, 0),
                      "group counts are above the messages before cursor");
    }
}

TEST_CASE("counts are the words in each state", "[check]")
{
    Image image = states();
    SECTION("ready_behind")
    {
        image.set_word(0, 1, word(SLOTQ_STATE_WAITING, 1, 5));
        image.set(field::group_waiting, 0, 2);
        expect_damage(image, at(field::group_ready_behind, 0),
                      "group.ready_behind is not the number of READY words");
    }
    SECTION("leased")
    {
        image.set(field::group_leased, 0, 0);
        expect_damage(image, at(field::group_leased, 0),
                      "group.leased is not the number of LEASED words");
    }
    SECTION("waiting")
    {
        image.set(field::group_waiting, 0, 0);
        expect_damage(image, at(field::group_waiting, 0),
                      "group.waiting is not the number of WAITING words");
    }
}

TEST_CASE("retry_from is not behind a READY message", "[check]")
{
    Image image = states();
    image.set(field::group_retry_from, 0, 2);
    expect_damage(image, at(field::group_retry_from, 0),
                  "group.retry_from is behind a READY message");
}

TEST_CASE("due covers live deadlines and is a possible one", "[check]")
{
    Image image = states();
    const uint32_t due = at(field::group_due, 0);
    const uint32_t due_next = at(field::group_due_next, 0);
    /* tick_ms is 100: the last now, the longest lease, rounded up, and the token rule */
    const uint64_t last =
        ((UINT64_C(1) << 47) - 1 + ((UINT64_C(1) << 23) - 1) * 100 + 99) / 100 + 4095;
    SECTION("none with a live one")
    {
        image.set(field::group_due, 0, u48_none);
        expect_damage(image, due, "group.due is none, but a word has a deadline");
    }
    SECTION("none with only WAITING ones")
    {
        const uint32_t token = image.get_word(0, 0);
        REQUIRE(settle(image, SLOTQ_ACK, 0, {1, token, 1}, now_ms) == SLOTQ_OK);
        image.set(field::group_due, 0, u48_none);
        expect_damage(image, due, "group.due is none, but a word has a deadline");
    }
    SECTION("the latest possible")
    {
        image.set(field::group_due, 0, last);
        CHECK(image.check() == "");
        image.set(field::group_due, 0, last + 1);
        expect_damage(image, due, "group.due is beyond all deadlines");
        Image fine(geometry(8, 8, 1, 0, 0, 0, 2)); /* tick_ms 2: an odd time is rounded up */
        const uint64_t odd =
            ((UINT64_C(1) << 47) - 1 + ((UINT64_C(1) << 23) - 1) * 2 + 1) / 2 + 4095;
        fine.set(field::group_due, 0, odd);
        CHECK(fine.check() == "");
        fine.set(field::group_due, 0, odd + 1);
        expect_damage(fine, due, "group.due is beyond all deadlines");
    }
    SECTION("due_next without a sweep")
    {
        image.set(field::group_due_next, 0, image.get(field::group_due, 0));
        expect_damage(image, due_next, "group.due_next is set, but no sweep runs");
    }
    SECTION("due_next below due")
    {
        image.set(field::group_sweep, 0, 1);
        image.set(field::group_due_next, 0, image.get(field::group_due, 0));
        CHECK(image.check() == "");
        image.set(field::group_due_next, 0, image.get(field::group_due, 0) - 1);
        expect_damage(image, due_next, "group.due_next is before group.due");
    }
    SECTION("due_next none behind the sweep")
    {
        image.set(field::group_sweep, 0, image.get(field::group_head, 0));
        CHECK(image.check() == "");
        image.set(field::group_sweep, 0, image.get(field::group_cursor, 0));
        expect_damage(image, due_next, "group.due_next is none, but a deadline was passed");
    }
    SECTION("due_next too late")
    {
        image.set(field::group_sweep, 0, 1);
        image.set(field::group_due_next, 0, last + 1);
        expect_damage(image, due_next, "group.due_next is beyond all deadlines");
    }
}

TEST_CASE("words behind the cursor are legal ones", "[check]")
{
    Image image = states();
    SECTION("DONE words")
    {
        for (const uint32_t why : {0u, 1u, 2u, 4u}) {
            image.set_word(0, 3, 3 | why << 8);
            CHECK(image.check() == "");
        }
        for (const uint32_t bad : {0x303u, 0x503u, 0x803u, 7u, 0x107u, 0x10003u}) {
            image.set_word(0, 3, bad);
            expect_damage(image, image.word_offset(0, 3),
                          "a DONE word is none of 0x003, 0x103, 0x203, 0x403");
        }
    }
    SECTION("READY words")
    {
        image.set_word(0, 1, word(SLOTQ_STATE_READY, 2, 77));
        CHECK(image.check() == "");
        image.set_word(0, 1, 0);
        CHECK(image.check() == "");
        image.set_word(0, 1, word(SLOTQ_STATE_READY, 3, 77));
        expect_damage(image, image.word_offset(0, 1), "a READY word has max_attempts or more");
    }
    SECTION("LEASED and WAITING words")
    {
        for (const uint32_t index : {0u, 2u}) {
            const slotq_state state = index == 0 ? SLOTQ_STATE_LEASED : SLOTQ_STATE_WAITING;
            Image broken = image;
            broken.set_word(0, index, word(state, 3, 10300));
            CHECK(broken.check() == "");
            broken.set_word(0, index, word(state, 0, 10300));
            if (state == SLOTQ_STATE_WAITING) { /* released with a delay */
                CHECK(broken.check() == "");
            } else {
                expect_damage(broken, broken.word_offset(0, index), "a LEASED word has 0 attempts");
            }
            broken.set_word(0, index, word(state, 4, 10300));
            expect_damage(broken, broken.word_offset(0, index),
                          "a word has more than max_attempts");
        }
    }
}

TEST_CASE("without max_attempts 63 attempts are legal", "[check]")
{
    Image image(geometry(4, 1));
    REQUIRE(push(image, {"a", "b"}, now_ms) == SLOTQ_OK);
    const std::vector<slotq_run> runs = reserve(image, 0, 2, 1000, now_ms);
    REQUIRE(settle(image, SLOTQ_NACK, 0, {2, runs.at(0).token, 1}, now_ms) == SLOTQ_OK);
    image.set_word(0, 0, word(SLOTQ_STATE_LEASED, 63, 10010));
    image.set_word(0, 1, word(SLOTQ_STATE_READY, 63, 10010));
    CHECK(image.check() == "");
}

TEST_CASE("words ahead of the cursor are new or finished without a lease", "[check]")
{
    Image image = states();
    for (const uint32_t good : {0u, 0x203u, 0x403u}) {
        image.set_word(0, 4, good);
        CHECK(image.check() == "");
    }
    for (const uint32_t bad : {3u, 0x103u, 4u, 0x100u, word(SLOTQ_STATE_LEASED, 1, 1),
                               word(SLOTQ_STATE_WAITING, 1, 1)}) {
        image.set_word(0, 4, bad);
        expect_damage(image, image.word_offset(0, 4),
                      "a word in [cursor, written) is none of 0, 0x203, 0x403");
    }
}

TEST_CASE("words at or beyond written may be anything", "[check]")
{
    Image image = states();
    image.set_word(0, 6, 0xFFFFFFFF);
    image.set_word(0, 7, 0xFFFFFFFF);
    for (uint32_t index = 0; index < 8; index++) {
        image.set_word(1, index, 0xFFFFFFFF);
    }
    CHECK(image.check() == "");
}

TEST_CASE("what limits a group is in its ranges", "[check]")
{
    constexpr uint64_t in_ms = UINT64_C(1) << 31;
    const Image sound = states();
    Image image = sound;
    slotq_view view;
    slotq_damage damage = {};
    const auto put = [&](uint64_t interval, uint64_t burst, uint64_t tat_ms, uint64_t tat_us) {
        image.set(field::limit_rate_interval, 1, interval);
        image.set(field::limit_rate_burst, 1, burst);
        image.set(field::limit_rate_tat_ms, 1, tat_ms);
        image.set(field::limit_rate_tat_us, 1, tat_us);
    };
    const auto refused = [&](support::Field where, const std::string &what) {
        expect_damage(image, at(where, 1), what);
        CHECK(slotq_core_open(&view, image.data(), image.bytes().size(), &damage) == SLOTQ_CORRUPT);
        CHECK(damage.offset == at(where, 1));
    };
    image.set(field::limit_max_leased, 1, 65535);
    put(1, 65535, SLOTQ_NOW_MS_MAX + 65, 535);
    CHECK(image.check() == "");
    put(1, 65535, SLOTQ_NOW_MS_MAX + 65, 536);
    refused(field::limit_rate_tat_ms, "group.rate_tat is too late for the rate");
    put(0, 0, 0, 1);
    refused(field::limit_rate_tat_ms, "group.rate_tat is too late for the rate");
    put(0, 1, 0, 0);
    refused(field::limit_rate_burst, "group.rate_burst does not go with the rate");
    put(1, 0, 0, 0);
    refused(field::limit_rate_burst, "group.rate_burst does not go with the rate");
    put(1, 1, 0, 1000);
    refused(field::limit_rate_tat_us, "group.rate_tat_us is above 999");
    put(in_ms + 2147483, 1, 0, 0);
    refused(field::limit_rate_interval, "group.rate_interval is in ms, but fits us");
    put(in_ms, 1, 0, 0);
    refused(field::limit_rate_interval, "group.rate_interval is in ms, but fits us");
    put(in_ms + 2147484, 1, 7, 999);
    CHECK(image.check() == "");
    put(UINT32_MAX, 65535, (UINT64_C(1) << 48) - (UINT64_C(1) << 31) - 65536, 0);
    CHECK(image.check() == "");
    CHECK(slotq_core_open(&view, image.data(), image.bytes().size(), &damage) == SLOTQ_OK);
}
