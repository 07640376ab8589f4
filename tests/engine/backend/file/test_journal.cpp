/* test_journal.cpp: the journal's bytes: written, judged, replayed, torn, broken. Knows journal.h
 * and the layout that its head comment gives; opens no queue.
 */
#include "catch.hpp"

#include <utility>
#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#include "../../../support/image/image.hpp"

extern "C" {
#include "../../../../engine/backend/file/journal.h"
}

namespace
{

constexpr journal_owner owner = {7, 1234567890123, 400, 0xABCD};

struct Journal {
    alignas(64) uint8_t bytes[JOURNAL_BYTES] = {};
    Journal()
    {
        journal_bind(bytes, &owner);
    }
};

/* A step of two words, a copy and some bytes; SLOTS before them are not the journal's. */
std::unique_ptr<slotq_step> sample_step()
{
    std::unique_ptr<slotq_step> step(new slotq_step());
    const slotq_patch patches[] = {
        {300, 10, 0, SLOTQ_PATCH_SLOTS},
        {104, 8, 0x01020304, SLOTQ_PATCH_WORDS},
        {200, 20, 150, SLOTQ_PATCH_COPY},
        {4, 2, 1, SLOTQ_PATCH_BYTES},
    };
    step->patch_count = 4;
    step->visible_count = 3;
    step->scratch_used = 3;
    std::memcpy(step->patches, patches, sizeof patches);
    std::memcpy(step->scratch, "\x11\x22\x33", 3);
    return step;
}

std::vector<uint8_t> sample_image()
{
    std::vector<uint8_t> image(400);
    for (size_t i = 0; i < image.size(); i++) {
        image[i] = static_cast<uint8_t>(i);
    }
    return image;
}

uint32_t word_at(const uint8_t *bytes, size_t at)
{
    uint32_t word = 0;
    for (size_t i = 4; i-- > 0;) {
        word = word << 8 | bytes[at + i];
    }
    return word;
}

void put_word(uint8_t *bytes, size_t at, uint32_t word)
{
    for (size_t i = 0; i < 4; i++) {
        bytes[at + i] = static_cast<uint8_t>(word >> 8 * i);
    }
}

constexpr size_t FIRST_PATCH = JOURNAL_AT_RECORD + JOURNAL_RECORD_HEAD_BYTES;

} // namespace

TEST_CASE("a record holds the visible patches and is replayed as often as wanted", "[journal]")
{
    const bool checked = GENERATE(false, true);
    Journal journal;
    std::vector<uint8_t> image = sample_image();
    CHECK_FALSE(journal_is_live(journal.bytes));
    journal_write(journal.bytes, sample_step().get(), checked);
    CHECK(journal_is_live(journal.bytes));
    CHECK(journal_patch_count(journal.bytes) == 3);
    std::vector<uint8_t> wanted = sample_image();
    put_word(wanted.data(), 104, 0x01020304);
    put_word(wanted.data(), 108, 0x01020304);
    std::memcpy(wanted.data() + 200, wanted.data() + 150, 20);
    wanted[4] = 0x22;
    wanted[5] = 0x33;
    for (int i = 0; i < 2; i++) {
        CHECK(journal_replay(journal.bytes, image.data(), image.size()) == JOURNAL_REPLAYED);
        CHECK(image == wanted);
    }
    journal_clear(journal.bytes);
    CHECK_FALSE(journal_is_live(journal.bytes));
    CHECK(journal_judge(journal.bytes, &owner) == JOURNAL_OURS);
}

TEST_CASE("the record's layout is that of journal.h", "[journal]")
{
    Journal journal;
    journal_write(journal.bytes, sample_step().get(), true);
    CHECK(std::memcmp(journal.bytes, "SLQJ", 4) == 0);
    CHECK(word_at(journal.bytes, 12) == owner.geometry_check);
    CHECK(word_at(journal.bytes, 16) == owner.inode);
    CHECK(word_at(journal.bytes, 32) == owner.bytes);
    CHECK(word_at(journal.bytes, JOURNAL_AT_RECORD) == 3);
    CHECK(word_at(journal.bytes, JOURNAL_AT_RECORD + 4) == 3);
    CHECK(word_at(journal.bytes, FIRST_PATCH) == 104);
    CHECK(word_at(journal.bytes, FIRST_PATCH + 4) == 8);
    CHECK(word_at(journal.bytes, FIRST_PATCH + 8) == 0x01020304);
    CHECK(journal.bytes[FIRST_PATCH + 3 * JOURNAL_PATCH_BYTES + 1] == 0x22);
}

TEST_CASE("a checked record with any byte changed is torn and does nothing", "[journal]")
{
    Journal journal;
    journal_write(journal.bytes, sample_step().get(), true);
    const size_t end = FIRST_PATCH + 3 * JOURNAL_PATCH_BYTES + 3;
    for (size_t at = JOURNAL_AT_RECORD; at < end; at++) {
        if ((at >= JOURNAL_AT_RECORD + 8 && at < JOURNAL_AT_RECORD + 12) ||
            (at >= JOURNAL_AT_RECORD + 16 && at < FIRST_PATCH)) {
            continue; /* whether it is checked; unused */
        }
        std::vector<uint8_t> image = sample_image();
        journal.bytes[at] ^= 0x40;
        CHECK(journal_replay(journal.bytes, image.data(), image.size()) == JOURNAL_TORN);
        CHECK(image == sample_image());
        journal.bytes[at] ^= 0x40;
    }
}

TEST_CASE("an unchecked record that breaks its rules is broken and does nothing", "[journal]")
{
    const auto spoil = [](size_t at, uint32_t word) {
        Journal journal;
        std::vector<uint8_t> image = sample_image();
        journal_write(journal.bytes, sample_step().get(), false);
        put_word(journal.bytes, at, word);
        CHECK(journal_replay(journal.bytes, image.data(), image.size()) == JOURNAL_BROKEN);
        CHECK(image == sample_image());
    };
    spoil(JOURNAL_AT_RECORD, 0);
    spoil(JOURNAL_AT_RECORD, SLOTQ_STEP_PATCHES + 1);
    spoil(JOURNAL_AT_RECORD + 4, SLOTQ_STEP_SCRATCH_BYTES + 1);
    spoil(JOURNAL_AT_RECORD + 4, 2); /* the bytes end after the scratch */
    spoil(FIRST_PATCH, 396);         /* 8 bytes from 396 on: past the end */
    spoil(FIRST_PATCH, 0xFFFFFFFF);
    spoil(FIRST_PATCH, 8); /* the geometry never changes */
    spoil(FIRST_PATCH, 28);
    spoil(FIRST_PATCH + 4, 0);
    spoil(FIRST_PATCH + 4, 0xFFFFFFF0);
    spoil(FIRST_PATCH + 4, 6); /* not whole words */
    spoil(FIRST_PATCH + 12, SLOTQ_PATCH_SLOTS);
    spoil(FIRST_PATCH + 12, 99);
    spoil(FIRST_PATCH + 16 + 8, 390); /* a copy from past the end */
    spoil(FIRST_PATCH + 16 + 8, 0xFFFFFFFF);
    spoil(FIRST_PATCH + 16 + 8, 190); /* onto itself */
    spoil(FIRST_PATCH + 32 + 8, 2);   /* scratch past what is used */
}

TEST_CASE("a journal may fit a copy: a foreign one of the same geometry and size", "[journal]")
{
    const auto fits = [](const std::function<void(Journal &, journal_owner &)> &change) {
        Journal journal;
        journal_owner asked = owner;
        change(journal, asked);
        return journal_may_fit(journal.bytes, &asked);
    };
    CHECK(fits([](Journal &, journal_owner &asked) { asked.inode++; }));
    CHECK(fits([](Journal &, journal_owner &asked) { asked.birth_ns = 0; }));
    CHECK_FALSE(fits([](Journal &, journal_owner &) {})); /* it is its own */
    CHECK_FALSE(fits([](Journal &, journal_owner &asked) {
        asked.inode++;
        asked.bytes++;
    }));
    CHECK_FALSE(fits([](Journal &, journal_owner &asked) {
        asked.inode++;
        asked.geometry_check++;
    }));
    CHECK_FALSE(fits([](Journal &journal, journal_owner &asked) {
        asked.inode++;
        journal.bytes[20] ^= 1;
    }));
}

TEST_CASE("headers are judged: ours, foreign, damaged, another version", "[journal]")
{
    const auto judged = [](const std::function<void(Journal &, journal_owner &)> &change) {
        Journal journal;
        journal_owner asked = owner;
        change(journal, asked);
        return journal_judge(journal.bytes, &asked);
    };
    CHECK(judged([](Journal &, journal_owner &) {}) == JOURNAL_OURS);
    CHECK(judged([](Journal &, journal_owner &asked) { asked.inode++; }) == JOURNAL_FOREIGN);
    CHECK(judged([](Journal &, journal_owner &asked) { asked.birth_ns++; }) == JOURNAL_FOREIGN);
    CHECK(judged([](Journal &, journal_owner &asked) { asked.bytes++; }) == JOURNAL_FOREIGN);
    CHECK(judged([](Journal &, journal_owner &asked) { asked.geometry_check++; }) ==
          JOURNAL_FOREIGN);
    for (size_t at = 0; at < 44; at++) {
        CHECK(judged([at](Journal &journal, journal_owner &) { journal.bytes[at] ^= 1; }) ==
              JOURNAL_DAMAGED);
    }
    CHECK(judged([](Journal &journal, journal_owner &) {
              journal.bytes[JOURNAL_AT_LIVE + 1] = 1; /* neither 0 nor live */
          }) == JOURNAL_DAMAGED);
    CHECK(judged([](Journal &journal, journal_owner &) {
              std::memset(journal.bytes, 0, JOURNAL_BYTES);
          }) == JOURNAL_DAMAGED);
    for (const uint32_t version : {0u, 1u, 3u}) {
        CHECK(judged([version](Journal &journal, journal_owner &) {
                  put_word(journal.bytes, 4, version);
                  put_word(journal.bytes, 40, support::xxh32(journal.bytes, 40));
              }) == (version == 1 ? JOURNAL_OF_VERSION_1 : JOURNAL_OTHER_VERSION));
    }
}

TEST_CASE("the largest step fits, and comes back whole", "[journal]")
{
    Journal journal;
    std::unique_ptr<slotq_step> step(new slotq_step());
    step->patch_count = SLOTQ_STEP_PATCHES;
    step->visible_count = SLOTQ_STEP_PATCHES;
    step->scratch_used = SLOTQ_STEP_SCRATCH_BYTES;
    std::vector<uint8_t> image(200000);
    std::vector<uint8_t> wanted = image;
    const uint32_t share = SLOTQ_STEP_SCRATCH_BYTES / SLOTQ_STEP_PATCHES;
    for (uint32_t i = 0; i < SLOTQ_STEP_SCRATCH_BYTES; i++) {
        step->scratch[i] = static_cast<uint8_t>(i * 7);
    }
    for (uint32_t i = 0; i < SLOTQ_STEP_PATCHES; i++) {
        step->patches[i] = {1000 + 2000 * i, share, share * i, SLOTQ_PATCH_BYTES};
        std::memcpy(wanted.data() + 1000 + 2000 * i, step->scratch + share * i, share);
    }
    journal_write(journal.bytes, step.get(), true);
    CHECK(journal_replay(journal.bytes, image.data(), image.size()) == JOURNAL_REPLAYED);
    CHECK(image == wanted);
}

TEST_CASE("the lock is freed with the first id, and its byte order is told", "[journal]")
{
    Journal journal;
    *journal_lock_word(journal.bytes) = 77;
    journal_reset_lock(journal.bytes);
    CHECK(*journal_lock_word(journal.bytes) == 0);
    CHECK(*journal_next_id(journal.bytes) == 1);
    CHECK(reinterpret_cast<uint8_t *>(journal_lock_word(journal.bytes)) == journal.bytes + 64);
    CHECK(reinterpret_cast<uint8_t *>(journal_next_id(journal.bytes)) == journal.bytes + 68);
    CHECK(journal_judge(journal.bytes, &owner) == JOURNAL_OURS); /* its header has no part in it */
    CHECK(journal_is_of_this_order(journal.bytes));
    std::swap(journal.bytes[8], journal.bytes[11]);
    CHECK_FALSE(journal_is_of_this_order(journal.bytes));
}
