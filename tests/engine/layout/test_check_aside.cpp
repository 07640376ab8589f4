/* test_check_aside.cpp: the section aside: each rule of its index, words, keys and slots, broken
 * once in a sound image; what lies outside of the entries in use may be anything.
 */
#include "sample.hpp"

using namespace sample;
using namespace support;

namespace
{

uint32_t id_at(const Image &image, uint32_t entry)
{
    return image.aside_entry_offset(entry) + field::aside_id.offset;
}

uint32_t slot_at(const Image &image, uint32_t entry)
{
    return image.aside_entry_offset(entry) + field::aside_slot.offset;
}

void set_id(Image &image, uint32_t entry, uint64_t id)
{
    const uint32_t key = image.key_offset(image.geometry().ring_slots + image.aside_slot(entry));
    store(image.data() + id_at(image, entry), 6, id);
    if (load(image.data() + key, 8) != 0) {
        store(image.data() + key + 10, 6, id);
    }
}

} // namespace

TEST_CASE("a sound image with messages aside passes", "[check][aside]")
{
    const Image image = aside();
    CHECK(image.aside_id(0) == 2);
    CHECK(image.aside_id(1) == 4);
    CHECK(image.aside_slot(0) == 1);
    CHECK(image.aside_slot(1) == 2);
    CHECK(image.head_id() == 8);
}

TEST_CASE("aside_count is at most aside_slots", "[check][aside]")
{
    Image image = aside();
    image.set(field::shared_aside_count, 4);
    expect_damage(image, at(field::shared_aside_count), "aside_count is above aside_slots");
}

TEST_CASE("ids aside ascend, from 1 to below the one at head", "[check][aside]")
{
    Image image = aside();
    SECTION("none is 0")
    {
        set_id(image, 0, 1);
        CHECK(image.check() == "");
        set_id(image, 0, 0);
        expect_damage(image, id_at(image, 0), "aside.id is not above the one before");
    }
    SECTION("equal")
    {
        set_id(image, 0, 3);
        CHECK(image.check() == "");
        set_id(image, 0, 4);
        expect_damage(image, id_at(image, 1), "aside.id is not above the one before");
    }
    SECTION("the highest")
    {
        set_id(image, 1, 7);
        CHECK(image.check() == "");
        set_id(image, 1, 8);
        expect_damage(image, id_at(image, 1), "aside.id is not below the id at header.head");
    }
    SECTION("the highest of an empty ring")
    {
        REQUIRE(remove(image, SLOTQ_ALL_GROUPS, 8, now_ms) == SLOTQ_OK);
        set_id(image, 1, 8);
        CHECK(image.check() == "");
        set_id(image, 1, 9);
        expect_damage(image, id_at(image, 1), "aside.id is not below the id at header.head");
    }
}

TEST_CASE("slot numbers aside are below aside_slots, each once", "[check][aside]")
{
    Image image = aside();
    SECTION("too high")
    {
        image.data()[slot_at(image, 1)] = 3;
        expect_damage(image, slot_at(image, 1), "aside.slot is not below aside_slots");
        image.data()[slot_at(image, 1)] = 255;
        expect_damage(image, slot_at(image, 1), "aside.slot is not below aside_slots");
    }
    SECTION("twice")
    {
        /* counts fit: the words of slot 1 are made those of slot 2 */
        for (uint32_t group = 0; group < 2; group++) {
            image.set_aside_word(group, 1, image.get_aside_word(group, 2));
        }
        image.data()[slot_at(image, 0)] = 2;
        image.set(field::group_ready_behind, 0, 0);
        image.set(field::group_retry_from, 0, image.get(field::group_cursor, 0));
        image.set(field::group_waiting, 0, 2);
        image.set(field::group_leased, 1, 2);
        expect_damage(image, slot_at(image, 1), "an aside slot number is there twice");
    }
}

TEST_CASE("words aside are those of a delivered message", "[check][aside]")
{
    Image image = aside();
    const uint32_t offset = image.aside_word_offset(0, 1);
    SECTION("attempts")
    {
        image.set_aside_word(0, 1, word(SLOTQ_STATE_READY, 3, 5));
        expect_damage(image, offset, "a READY word has max_attempts or more");
    }
    SECTION("LEASED with no attempt")
    {
        image.set_aside_word(1, 2, word(SLOTQ_STATE_LEASED, 0, 5));
        expect_damage(image, image.aside_word_offset(1, 2), "a LEASED word has 0 attempts");
    }
    SECTION("DONE for no reason")
    {
        image.set_aside_word(1, 1, 0x303);
        expect_damage(image, image.aside_word_offset(1, 1),
                      "a DONE word is none of 0x003, 0x103, 0x203, 0x403");
    }
    SECTION("finished by all")
    {
        image.set_aside_word(0, 1, 0x203);
        image.set(field::group_ready_behind, 0, 0);
        image.set(field::group_retry_from, 0, image.get(field::group_cursor, 0));
        expect_damage(image, image.aside_entry_offset(0),
                      "every group has finished a message aside");
    }
}

TEST_CASE("counts are of the words in the ring and aside", "[check][aside]")
{
    Image image = aside();
    SECTION("ready_behind")
    {
        image.set_aside_word(0, 1, word(SLOTQ_STATE_WAITING, 1, 5));
        expect_damage(image, at(field::group_ready_behind, 0),
                      "group.ready_behind is not the number of READY words");
    }
    SECTION("leased")
    {
        image.set(field::group_leased, 1, 0);
        expect_damage(image, at(field::group_leased, 1),
                      "group.leased is not the number of LEASED words");
    }
    SECTION("waiting")
    {
        image.set(field::group_waiting, 0, 0);
        expect_damage(image, at(field::group_waiting, 0),
                      "group.waiting is not the number of WAITING words");
    }
    SECTION("together more than there are")
    {
        image.set(field::group_leased, 0, 2);
        expect_damage(image, at(field::group_ready_behind, 0),
                      "group counts are above the messages before cursor");
    }
    SECTION("due of those aside")
    {
        image.set(field::group_due, 1, u48_none);
        expect_damage(image, at(field::group_due, 1),
                      "group.due is none, but a word has a deadline");
    }
}

TEST_CASE("slots and keys aside", "[check][aside]")
{
    Image image = aside();
    SECTION("length")
    {
        const uint32_t slot = image.aside_slot_offset(1);
        store(image.data() + slot, 2, 9);
        expect_damage(image, slot, "a slot's length is above payload_bytes");
    }
    SECTION("check")
    {
        const uint32_t slot = image.aside_slot_offset(2);
        image.data()[slot + 10] ^= 1;
        expect_damage(image, slot + 6, "a slot's check is not that of its payload");
    }
    SECTION("key")
    {
        const uint32_t key = image.view().aside_keys_offset + 16;
        store(image.data() + key, 8, 0xFF00);
        expect_damage(image, key, "a key's first byte is 0");
    }
}

TEST_CASE("what no entry in use names may be anything", "[check][aside]")
{
    Image image = aside();
    const Bytes before = image.masked();
    for (const uint8_t byte : {0xFF, 0x55, 0x03}) {
        std::memset(image.data() + image.aside_entry_offset(2), byte, aside_entry_bytes);
        for (uint32_t group = 0; group < 2; group++) {
            std::memset(image.data() + image.aside_word_offset(group, 0), byte, 4);
        }
        std::memset(image.data() + image.aside_slot_offset(0), byte, image.view().stride);
        CHECK(image.check() == "");
        CHECK(image.masked() == before);
    }
    image.data()[image.aside_slot_offset(1) + image.view().stride - 1] ^= 0x77; /* past "two" */
    CHECK(image.check() == "");
    CHECK(image.masked() == before);
}

TEST_CASE("255 messages aside", "[check][aside]")
{
    slotq_geometry shape = geometry(2, 1);
    shape.aside_slots = 255;
    Image image(shape);
    image.start_at(1000, 0);
    for (uint32_t i = 0; i < 255; i++) {
        set_id(image, i, 2 * i + 1);
        image.data()[slot_at(image, i)] = static_cast<uint8_t>(254 - i);
        image.set_aside_word(0, i, word(SLOTQ_STATE_WAITING, 1, 1000));
    }
    image.set(field::shared_aside_count, 255);
    image.set(field::group_waiting, 0, 255);
    image.set(field::group_due, 0, 1000);
    CHECK(image.check() == "");
    image.data()[slot_at(image, 254)] = 254;
    expect_damage(image, slot_at(image, 254), "an aside slot number is there twice");
}
