/* fields.h: offsets and sizes of fields.def as constants. Must not know what the fields mean.
 */
#ifndef SLOTQ_LAYOUT_FIELDS_H
#define SLOTQ_LAYOUT_FIELDS_H

#include <stdint.h>

#include "../slotq_core.h"

enum {
#define SLOTQ_FIELD(part, name, offset, bytes, meaning) AT_##part##_##name = (offset),
#include "fields.def"
#undef SLOTQ_FIELD
};

enum {
#define SLOTQ_FIELD(part, name, offset, bytes, meaning) BYTES_##part##_##name = (bytes),
#include "fields.def"
#undef SLOTQ_FIELD
};

enum {
    HEADER_BYTES = 8,
    GEOMETRY_CHECK_FROM = AT_geometry_magic,
    GEOMETRY_CHECK_BYTES = AT_geometry_geometry_check - AT_geometry_magic,
    GEOMETRY_END = AT_geometry_geometry_check + BYTES_geometry_geometry_check,
    GEOMETRY_BYTES = GEOMETRY_END - HEADER_BYTES,
    GROUPS_OFFSET = AT_shared_reserved_78 + BYTES_shared_reserved_78,
    GROUP_STATE_BYTES = AT_group_died + BYTES_group_died, /* what most verbs change */
    GROUP_BYTES = AT_limit_rate_tat_us + BYTES_limit_rate_tat_us,
    FRONT_BYTES_MAX = GROUPS_OFFSET + GROUP_BYTES * SLOTQ_GROUPS_MAX,
    DEAD_ENTRY_BYTES = AT_dead_note_length + BYTES_dead_note_length, /* without note and slot */
    ASIDE_ENTRY_BYTES = AT_aside_slot + BYTES_aside_slot,
    LATER_ENTRY_BYTES = AT_later_slot + BYTES_later_slot,
    HEAP_CHILDREN = 8, /* of an entry of the later index */
    WORD_BYTES = 4,
    KEY_BYTES = BYTES_key_key,
    RING_KEY_BYTES = AT_key_next + BYTES_key_next,
    ASIDE_KEY_BYTES = AT_aside_key_id + BYTES_aside_key_id,
    LATER_KEY_BYTES = AT_later_key_later_id + BYTES_later_key_later_id,
    BUCKET_BYTES = 2,
    KEY_CHAIN_MAX = 255, /* holders of a chain */
    /* a patch of KEYS in the scratch: its head, and items of a holder in the ring */
    AT_keys_slots = 0, /* R */
    AT_keys_buckets = 2,
    AT_keys_count = 4,
    KEYS_HEAD_BYTES = 6,
    AT_item_next = 2, /* behind the holder's number; both as in its entry */
    AT_item_key = 4,
    KEYS_ITEM_BYTES = 12,
    LENGTH_BYTES = 2,
    STAMP_BYTES = 4,
    CHECK_BYTES = 4,
    SWEEP_NONE = 0xFFFF,
    WAKE_FOR_MESSAGE = 1, /* bits of wake: a caller may wait for it */
    WAKE_FOR_ROOM = 2,
    WAKE_RING_BELL = 4, /* consumers that sleep at another shard rely on this one */
    WAKE_COUNT_ONE = 8,
    ROW_HEAD_BYTES = 2, /* of a row of places: cursor, 0 */
    WANTS_BYTES = 2,
    PLACES_RUNG_MAX = 4, /* places that one ring of a group tells */
    PLACES_RANK_MS = 10, /* between clients that sleep till the same due time */
    NUDGE_DUE_MS = 12000 /* a due time nearer than this is handed over (SHARDS.md, rule 43) */
};

#define RATE_IN_MS (UINT32_C(1) << 31) /* a rate's interval from here on is in milliseconds */
#define DUE_NONE ((UINT64_C(1) << 48) - 1)
#define MAGIC_VERSION_1 UINT32_C(0x31514C53) /* the bytes S L Q 1 */
#define MAGIC_SHARDED UINT32_C(0x53514C53)   /* the bytes S L Q S: no queue, but a descriptor */
#define MAGIC_FAMILY_MASK UINT32_C(0x00FFFFFF)

_Static_assert(GROUPS_OFFSET == 80, "the groups follow the shared state at 80");
_Static_assert(GROUP_STATE_BYTES == 40 && GROUP_BYTES == 56, "a group block has 40 + 16 bytes");
_Static_assert(GROUPS_OFFSET + GROUP_BYTES == SLOTQ_IMAGE_BYTES_MIN, "the smallest front");

static inline uint32_t group_offset(uint32_t group)
{
    return GROUPS_OFFSET + GROUP_BYTES * group;
}

/* Offset of the state word of a group's ring slot. */
static inline uint32_t word_offset(const slotq_view *view, uint32_t group, uint32_t index)
{
    return view->states_offset + (group * view->geometry.ring_slots + index) * WORD_BYTES;
}

/* Offset of a ring slot. */
static inline uint32_t slot_offset(const slotq_view *view, uint32_t index)
{
    return view->ring_offset + index * view->stride;
}

/* Offset of an entry of the aside index. */
static inline uint32_t aside_entry_offset(const slotq_view *view, uint32_t entry)
{
    return view->aside_index_offset + entry * ASIDE_ENTRY_BYTES;
}

/* Offset of the state word of a group's slot aside. */
static inline uint32_t aside_word_offset(const slotq_view *view, uint32_t group, uint32_t slot)
{
    return view->aside_words_offset + (group * view->geometry.aside_slots + slot) * WORD_BYTES;
}

/* Offset of a slot aside. */
static inline uint32_t aside_slot_offset(const slotq_view *view, uint32_t slot)
{
    return view->aside_slots_offset + slot * view->stride;
}

/* Offset of an entry of the later index. */
static inline uint32_t later_entry_offset(const slotq_view *view, uint32_t place)
{
    return view->later_index_offset + place * LATER_ENTRY_BYTES;
}

/* Offset of the slot of a scheduled message. */
static inline uint32_t later_slot_offset(const slotq_view *view, uint32_t slot)
{
    return view->later_ring_offset + slot * view->stride;
}

/* M: all slots that may hold a key, and so the buckets. */
static inline uint32_t key_holders(const slotq_geometry *geometry)
{
    return (uint32_t)geometry->ring_slots + geometry->aside_slots + geometry->later_slots;
}

/* Offset of the entry of a holder below M: of the ring, aside, later. */
static inline uint32_t key_entry_offset(const slotq_view *view, uint32_t holder)
{
    const uint32_t slots = view->geometry.ring_slots;
    const uint32_t aside = view->geometry.aside_slots;
    if (holder < slots) {
        return view->keys_offset + holder * RING_KEY_BYTES;
    }
    return holder < slots + aside
               ? view->aside_keys_offset + (holder - slots) * ASIDE_KEY_BYTES
               : view->later_keys_offset + (holder - slots - aside) * LATER_KEY_BYTES;
}

static inline uint32_t key_entry_bytes(const slotq_view *view, uint32_t holder)
{
    const uint32_t slots = view->geometry.ring_slots;
    const uint32_t aside = view->geometry.aside_slots;
    return holder < slots           ? RING_KEY_BYTES
           : holder < slots + aside ? ASIDE_KEY_BYTES
                                    : LATER_KEY_BYTES;
}

/* The bucket of a key, and where it names the first holder of its chain. */
static inline uint32_t key_bucket(const slotq_view *view, uint64_t key)
{
    return (uint32_t)key % key_holders(&view->geometry);
}

static inline uint32_t key_bucket_offset(const slotq_view *view, uint32_t bucket)
{
    return view->buckets_offset + bucket * BUCKET_BYTES;
}

/* Where the slot is in a dead entry: behind the fields and the room for the note. */
static inline uint32_t dead_slot_in_entry(const slotq_view *view)
{
    return DEAD_ENTRY_BYTES + view->geometry.note_bytes;
}

static inline uint32_t dead_entry_bytes(const slotq_view *view)
{
    return dead_slot_in_entry(view) + view->stride;
}

/* Offset of a dead entry. */
static inline uint32_t dead_entry_offset(const slotq_view *view, uint32_t index)
{
    return view->dead_offset + index * dead_entry_bytes(view);
}

#endif
