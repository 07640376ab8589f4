/* packed.h: the bytes of packed arguments and replies (FORMAT.md, "Outcome bytes, packed runs"):
 * a run, a judged dead message, what stands before a slot that was looked at, slots and keys. Knows
 * no verb.
 */
#ifndef SLOTQ_BACKEND_REDIS_CALL_PACKED_H
#define SLOTQ_BACKEND_REDIS_CALL_PACKED_H

#include "../../../core/limits.h"
#include "../../../layout/bytes.h"
#include "../../../slotq_core.h"

enum {
    PACKED_RUN_TOKEN = 6,
    PACKED_RUN_COUNT = 10,
    PACKED_RUN_BYTES = 12,
    PACKED_PEEK_WORD = 6,
    PACKED_PEEK_HEAD_BYTES = 10,
    PACKED_JUDGED_GROUP = 6,
    PACKED_JUDGED_DAMAGED = 7,
    PACKED_JUDGED_BYTES = 8
};

/* Stands for any id that is too large for its 6 bytes: none was ever issued there, nor for the
 * next SLOTQ_CALL_MESSAGES_MAX. */
#define PACKED_ID_BEYOND (SLOTQ_ID_MAX + 1)

static inline void packed_store_run(uint8_t *bytes, const slotq_run *run)
{
    store_u48(bytes, run->id < PACKED_ID_BEYOND ? run->id : PACKED_ID_BEYOND);
    store_u32(bytes + PACKED_RUN_TOKEN, run->token);
    store_u16(bytes + PACKED_RUN_COUNT, (uint16_t)run->count);
}

static inline void packed_load_run(const uint8_t *bytes, slotq_run *run)
{
    run->id = load_u48(bytes);
    run->token = load_u32(bytes + PACKED_RUN_TOKEN);
    run->count = load_u16(bytes + PACKED_RUN_COUNT);
}

static inline void packed_store_judged(uint8_t *bytes, const slotq_judged *judged)
{
    store_u48(bytes, judged->id < PACKED_ID_BEYOND ? judged->id : PACKED_ID_BEYOND);
    bytes[PACKED_JUDGED_GROUP] = judged->group;
    bytes[PACKED_JUDGED_DAMAGED] = judged->is_damaged;
}

/* Messages as slots, each whole or each cut after its payload; returns the bytes of all. */
size_t packed_store_slots(uint8_t *bytes, const slotq_view *view, uint32_t stamp,
                          const slotq_data *messages, uint32_t count, bool cut);

/* Slots are cut where what is not sent is more than what a separate write of each costs. */
bool packed_is_cut(const slotq_view *view, uint32_t count, const push_size *size);

/* One of count keys is not 0; keys may be NULL. */
bool packed_has_keys(const uint64_t *keys, uint32_t count);

/* 8 bytes a key; returns the bytes of all. */
size_t packed_store_keys(uint8_t *bytes, const uint64_t *keys, uint32_t count);

/* A mode as the scripts call it; "none", which they refuse, is any that is not one. */
const char *packed_key_mode(slotq_key_mode mode);

#endif
