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

namespace
{

/* A queue of 300 slots and the step that pushes 256 keys, some of one bucket, after a push of
 * others; the record of it. */
struct KeyedPush {
    support::Image image{support::geometry(300, 1, 1, SLOTQ_FLAG_KEYS)};
    std::unique_ptr<slotq_step> step{new slotq_step()};
    Journal journal;

    KeyedPush()
    {
        static const std::vector<slotq_data> messages(256); /* the step names them */
        std::vector<uint64_t> keys;
        for (uint64_t i = 0; i < 256; i++) {
            keys.push_back(i % 5 == 0 ? i << 32 | 7 : (i * 301 + 1) | 1);
        }
        uint64_t others[] = {UINT64_C(99) << 32 | 7, 8};
        slotq_call call = push(messages, others, 2);
        REQUIRE(image.run(call) == SLOTQ_OK);
        call = push(messages, keys.data(), 256);
        REQUIRE(slotq_core_step(&image.view(), &call, step.get()) == SLOTQ_OK);
        REQUIRE(step->patches[step->patch_count - step->visible_count].kind == SLOTQ_PATCH_KEYS);
        journal_write(journal.bytes, step.get(), false);
    }
    static slotq_call push(const std::vector<slotq_data> &messages, const uint64_t *keys,
                           uint32_t count)
    {
        slotq_call call = {};
        call.verb = SLOTQ_PUSH;
        call.push.messages = messages.data();
        call.push.count = count;
        call.push.keys = keys;
        call.push.key_mode = SLOTQ_KEY_ONCE;
        return call;
    }
    journal_replay_answer replay()
    {
        return journal_replay(journal.bytes, image.data(), image.bytes().size());
    }
};

} // namespace

TEST_CASE("the keys of a push are replayed from any part of it", "[journal]")
{
    KeyedPush keyed;
    support::Image wanted = keyed.image;
    slotq_core_apply(wanted.data(), &wanted.view(), keyed.step.get());
    REQUIRE(wanted.check() == "");
    /* the slots, then the keys, came before the crash, or not */
    for (uint32_t applied = keyed.step->patch_count - keyed.step->visible_count;
         applied <= keyed.step->patch_count; applied++) {
        KeyedPush other;
        for (uint32_t i = 0; i < applied; i++) {
            slotq_core_apply_patch(other.image.data(), &other.image.view(), other.step.get(),
                                   &other.step->patches[i]);
        }
        for (int again = 0; again < 2; again++) {
            REQUIRE(other.replay() == JOURNAL_REPLAYED);
            REQUIRE(other.image.masked() == wanted.masked());
        }
    }
}

TEST_CASE("a record of keys that breaks its rules is broken and does nothing", "[journal]")
{
    const auto spoil = [](size_t at, uint32_t bytes, uint64_t value) {
        KeyedPush keyed;
        const support::Bytes before = keyed.image.bytes();
        support::store(keyed.journal.bytes + at, bytes, value);
        CHECK(keyed.replay() == JOURNAL_BROKEN);
        CHECK(keyed.image.bytes() == before);
    };
    const size_t patches = KeyedPush().step->visible_count;
    const size_t head = FIRST_PATCH + patches * JOURNAL_PATCH_BYTES;
    spoil(FIRST_PATCH + 4, 4, 300 * 10 + 2 * 300 - 1);   /* the ranges are not that long */
    spoil(FIRST_PATCH + 8, 4, SLOTQ_STEP_SCRATCH_BYTES); /* the head is past the scratch */
    spoil(FIRST_PATCH + 8, 4, 0xFFFFFFFF);
    spoil(FIRST_PATCH + 8, 4, 6 + 256 * 12 + 8 - 5);
    spoil(FIRST_PATCH, 4, 4); /* the geometry never changes */
    spoil(head, 2, 299);
    spoil(head + 2, 2, 301);
    spoil(head + 4, 2, 258); /* items past the scratch */
    spoil(head + 4, 2, 65535);
    spoil(head + 6, 2, 300); /* no holder in the ring */
    spoil(head + 6 + 255 * 12, 2, 65535);
    KeyedPush none;
    support::store(none.journal.bytes + head + 2, 2, 0); /* no bucket */
    support::store(none.journal.bytes + FIRST_PATCH + 4, 4, 3000);
    CHECK(none.replay() == JOURNAL_BROKEN);
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

TEST_CASE("the largest steps fit, and come back whole", "[journal]")
{
    /* one of many patches, as that of 16 groups, and one of much scratch, as that of 256 keys */
    const auto largest =
        GENERATE(std::pair<uint32_t, uint32_t>(SLOTQ_STEP_PATCHES, SLOTQ_STEP_SCRATCH_OF_OTHERS),
                 std::pair<uint32_t, uint32_t>(8, SLOTQ_STEP_SCRATCH_BYTES));
    Journal journal;
    std::unique_ptr<slotq_step> step(new slotq_step());
    step->patch_count = largest.first;
    step->visible_count = largest.first;
    step->scratch_used = largest.second;
    std::vector<uint8_t> image(200000);
    std::vector<uint8_t> wanted = image;
    const uint32_t share = largest.second / largest.first;
    for (uint32_t i = 0; i < largest.second; i++) {
        step->scratch[i] = static_cast<uint8_t>(i * 7);
    }
    for (uint32_t i = 0; i < largest.first; i++) {
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
