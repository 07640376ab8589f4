/* codec.h: the fields of a part as values. The structs and their codecs are made from fields.def,
 * except the encoder of a group's block. Must not know what is legal.
 */
#ifndef SLOTQ_LAYOUT_CODEC_H
#define SLOTQ_LAYOUT_CODEC_H

#include "bytes.h"
#include "fields.h"

#define CODEC_TYPE_1 uint32_t
#define CODEC_TYPE_2 uint32_t
#define CODEC_TYPE_4 uint32_t
#define CODEC_TYPE_6 uint64_t
#define CODEC_LOAD_1(at) (*(at))
#define CODEC_LOAD_2(at) load_u16(at)
#define CODEC_LOAD_4(at) load_u32(at)
#define CODEC_LOAD_6(at) load_u48(at)
#define CODEC_STORE_1(at, value) (*(at) = (uint8_t)(value))
#define CODEC_STORE_2(at, value) store_u16(at, (uint16_t)(value))
#define CODEC_STORE_4(at, value) store_u32(at, value)
#define CODEC_STORE_6(at, value) store_u48(at, value)

/* A group's place and counts. */
typedef struct group_block {
#define SLOTQ_FIELD(part, name, offset, bytes, meaning) CODEC_TYPE_##bytes name;
#include "fields/group.def"
#undef SLOTQ_FIELD
} group_block;

static inline void codec_load_group(const uint8_t *from, group_block *block)
{
#define SLOTQ_FIELD(part, name, offset, bytes, meaning)                                            \
    block->name = CODEC_LOAD_##bytes(from + (offset));
#include "fields/group.def"
#undef SLOTQ_FIELD
}

/* Encode GROUP_STATE_BYTES bytes, each value within its field; eight at a time, because they are
 * loaded like that: a load that spans several smaller stores waits for all of them. Written out:
 * what a compiler makes of a loop over the fields took 5 ns more. */
static inline void codec_store_group(uint8_t *to, const group_block *block)
{
    store_u64(to + AT_group_head, block->head | block->cursor << 16 |
                                      (uint64_t)block->ready_behind << 32 |
                                      (uint64_t)block->leased << 48);
    store_u64(to + AT_group_waiting, block->waiting | block->retry_from << 16 |
                                         (uint64_t)block->sweep << 32 |
                                         (uint64_t)block->written << 48);
    store_u64(to + AT_group_due, (block->due & DUE_NONE) | block->due_next << 48);
    store_u64(to + AT_group_due_next + 2,
              (block->due_next >> 16 & 0xFFFFFFFF) | (uint64_t)block->acked << 32);
    store_u64(to + AT_group_redelivered, block->redelivered | (uint64_t)block->died << 32);
}
_Static_assert(GROUP_STATE_BYTES == 5 * 8, "the words of codec_store_group");

/* What limits a group. */
typedef struct limit_block {
#define SLOTQ_FIELD(part, name, offset, bytes, meaning) CODEC_TYPE_##bytes name;
#include "fields/limit.def"
#undef SLOTQ_FIELD
} limit_block;

/* from, to: the group's block, as the offsets count from there. */
static inline void codec_load_limit(const uint8_t *from, limit_block *block)
{
#define SLOTQ_FIELD(part, name, offset, bytes, meaning)                                            \
    block->name = CODEC_LOAD_##bytes(from + (offset));
#include "fields/limit.def"
#undef SLOTQ_FIELD
}

static inline void codec_store_limit(uint8_t *to, const limit_block *block)
{
#define SLOTQ_FIELD(part, name, offset, bytes, meaning)                                            \
    CODEC_STORE_##bytes(to + (offset), block->name);
#include "fields/limit.def"
#undef SLOTQ_FIELD
}

/* The fixed fields, the reserved ones and the check too. */
typedef struct geometry_block {
#define SLOTQ_FIELD(part, name, offset, bytes, meaning) CODEC_TYPE_##bytes name;
#include "fields/geometry.def"
#undef SLOTQ_FIELD
} geometry_block;

/* from: the image, as the offsets count from there. */
static inline void codec_load_geometry(const uint8_t *from, geometry_block *block)
{
#define SLOTQ_FIELD(part, name, offset, bytes, meaning)                                            \
    block->name = CODEC_LOAD_##bytes(from + (offset));
#include "fields/geometry.def"
#undef SLOTQ_FIELD
}

static inline void codec_store_geometry(uint8_t *to, const geometry_block *block)
{
#define SLOTQ_FIELD(part, name, offset, bytes, meaning)                                            \
    CODEC_STORE_##bytes(to + (offset), block->name);
#include "fields/geometry.def"
#undef SLOTQ_FIELD
}

#endif
