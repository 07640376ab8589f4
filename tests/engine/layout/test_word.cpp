/* test_word.cpp: the state word's bits, and full deadlines from 24 of them.
 */
#include "sample.hpp"

extern "C" {
#include "../../../engine/layout/word.h"
}

TEST_CASE("a word is state, attempts, bits", "[layout]")
{
    const slotq_state states[] = {SLOTQ_STATE_READY, SLOTQ_STATE_LEASED, SLOTQ_STATE_WAITING,
                                  SLOTQ_STATE_DONE};
    for (const slotq_state state : states) {
        for (const uint32_t attempts : {0u, 1u, 31u, 63u}) {
            for (const uint64_t tick : {UINT64_C(0), UINT64_C(1), UINT64_C(0xFFFFFF),
                                        UINT64_C(0x1000000), UINT64_C(0x7FFFFFABCDEF)}) {
                const uint32_t word = word_make(state, attempts, tick);
                CHECK(word == support::word(state, attempts, tick));
                CHECK(word_state(word) == state);
                CHECK(word_attempts(word) == attempts);
                CHECK(word_bits(word) == (tick & 0xFFFFFF));
            }
        }
    }
}

TEST_CASE("what a word tells of its state", "[layout]")
{
    CHECK(word_is_ready(0));
    CHECK(word_is_done(3));
    CHECK_FALSE(word_is_done(2));
    CHECK_FALSE(word_is_ready(1));
    CHECK_FALSE(word_has_deadline(4));
    CHECK(word_has_deadline(5));
    CHECK(word_has_deadline(6));
    CHECK_FALSE(word_has_deadline(7));
    CHECK(word_with_state(0xABCDEF05, SLOTQ_STATE_READY) == 0xABCDEF04);
    CHECK(word_with_state(0xABCDEF04, SLOTQ_STATE_DONE) == 0xABCDEF07);
}

TEST_CASE("DONE words", "[layout]")
{
    CHECK(WORD_ACKED == 0x003);
    CHECK(WORD_DEAD == 0x103);
    CHECK(WORD_REMOVED == 0x203);
    CHECK(WORD_OTHER_GROUP == 0x403);
}

TEST_CASE("a full deadline is the first at or after due with the word's bits", "[layout]")
{
    for (const uint64_t due : {UINT64_C(0), UINT64_C(5), UINT64_C(0xFFFFFF), UINT64_C(0x1000000),
                               UINT64_C(0x123456789AB)}) {
        for (const uint64_t ahead : {UINT64_C(0), UINT64_C(1), UINT64_C(0x7FFFFF),
                                     UINT64_C(0x800000), UINT64_C(0xFFFFFF)}) {
            const uint32_t word = word_make(SLOTQ_STATE_LEASED, 9, due + ahead);
            CHECK(word_deadline(word, due) == due + ahead);
        }
    }
}
