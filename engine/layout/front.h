/* front.h: header, shared state and group blocks as values, and the ranges they must keep.
 * Knows what is legal, not what verbs do with it.
 */
#ifndef SLOTQ_LAYOUT_FRONT_H
#define SLOTQ_LAYOUT_FRONT_H

#include "../slotq_core.h"

/* A group block, decoded. */
typedef struct group_block {
    uint32_t head;
    uint32_t cursor;
    uint32_t ready_behind;
    uint32_t leased;
    uint32_t waiting;
    uint32_t retry_from;
    uint32_t sweep;
    uint32_t written;
    uint64_t due;
    uint64_t due_next;
    uint32_t acked;
    uint32_t redelivered;
    uint32_t died;
} group_block;

/* Header and the shared fields that verbs use, decoded. */
typedef struct front_block {
    uint32_t head;
    uint32_t tail;
    uint64_t last_id; /* full, 48 bits */
    uint16_t era;     /* as it must be; stored_era as it is */
    uint16_t stored_era;
    uint32_t dead_head;
    uint32_t dead_count;
    uint32_t paused;
    uint32_t dropped;
    uint32_t dead_dropped;
    uint32_t wake;
} front_block;

/* Decode, then judge; false: damage says the first offset and rule broken. */
bool front_load(const slotq_view *view, front_block *front, slotq_damage *damage);
bool front_load_group(const slotq_view *view, const front_block *front, uint32_t group,
                      group_block *block, slotq_damage *damage);

/* The head of a group, judged: it lies in [head, tail] of the front. */
bool front_load_head(const slotq_view *view, const front_block *front, uint32_t group,
                     uint32_t *head, slotq_damage *damage);

/* Encode GROUP_BYTES bytes. */
void front_store_group(uint8_t *bytes, const group_block *block);

/* The low half of an id and its era. */
static inline uint32_t id_low(uint64_t id)
{
    return (uint32_t)id;
}

static inline uint16_t id_era(uint64_t id)
{
    return (uint16_t)(id >> 31);
}

#endif
