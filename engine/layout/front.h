/* front.h: header, shared state and group blocks as values, with checks of their ranges (FORMAT.md,
 * "Header" to "Group block"). Knows what is legal; must not know the verbs. All functions are
 * inline, so that a verb pays only for the fields that it uses.
 */
#ifndef SLOTQ_LAYOUT_FRONT_H
#define SLOTQ_LAYOUT_FRONT_H

#include "../slotq_core.h"
#include "assert.h"
#include "bytes.h"
#include "codec.h"
#include "damage.h"
#include "ring.h"

/* Header and the shared fields that verbs use, decoded. */
typedef struct front_block {
    uint32_t head;
    uint32_t tail;
    uint64_t last_id; /* full, 48 bits */
    uint16_t era;     /* the effective era; stored_era is the one in the image */
    uint16_t stored_era;
    uint32_t dead_head;
    uint32_t dead_count;
    uint32_t dead_holes;
    uint32_t paused;
    uint32_t aside_count;
    uint32_t dropped;
    uint32_t dead_dropped;
    uint32_t wake;
} front_block;

/* Decode, then check; false: damage has the offset and the first broken rule. This function leaves
 * out the fields of the dead section, which the plain path does not use. */
static inline bool front_load_ring(const slotq_view *view, front_block *front, slotq_damage *damage)
{
    const uint8_t *bytes = view->bytes;
    const uint32_t last_id = load_u32(bytes + AT_header_last_id);
    front->head = load_u16(bytes + AT_header_head);
    front->tail = load_u16(bytes + AT_header_tail);
    front->stored_era = load_u16(bytes + AT_shared_era);
    front->paused = bytes[AT_shared_paused];
    front->aside_count = bytes[AT_shared_aside_count];
    front->wake = load_u32(bytes + AT_shared_wake);
    /* the low bit of the era is last_id's top bit; if not, the crossing was interrupted */
    front->era = (uint16_t)(front->stored_era + ((front->stored_era ^ last_id >> 31) & 1));
    front->last_id = (uint64_t)(front->era >> 1) << 32 | last_id;
    if (front->head >= view->geometry.ring_slots) {
        return damage_found(damage, AT_header_head, "header.head is not below ring_slots");
    }
    if (front->tail >= view->geometry.ring_slots) {
        return damage_found(damage, AT_header_tail, "header.tail is not below ring_slots");
    }
    if (ring_distance(front->head, front->tail, view->geometry.ring_slots) > front->last_id) {
        return damage_found(damage, AT_header_last_id,
                            "header.last_id is below the messages in the ring");
    }
    if (front->aside_count > view->geometry.aside_slots) {
        return damage_found(damage, AT_shared_aside_count, "aside_count is above aside_slots");
    }
    return true;
}

static inline bool front_load(const slotq_view *view, front_block *front, slotq_damage *damage)
{
    const uint8_t *bytes = view->bytes;
    if (!front_load_ring(view, front, damage)) {
        return false;
    }
    front->dead_head = load_u16(bytes + AT_shared_dead_head);
    front->dead_count = load_u16(bytes + AT_shared_dead_count);
    front->dead_holes = load_u16(bytes + AT_shared_dead_holes);
    front->dropped = load_u32(bytes + AT_shared_dropped);
    front->dead_dropped = load_u32(bytes + AT_shared_dead_dropped);
    if (front->dead_count > view->geometry.dead_slots) {
        return damage_found(damage, AT_shared_dead_count, "dead_count is above dead_slots");
    }
    if (front->dead_count + front->dead_holes > view->geometry.dead_slots) {
        return damage_found(damage, AT_shared_dead_holes,
                            "dead_holes + dead_count is above dead_slots");
    }
    if (front->dead_head != 0 && front->dead_head >= view->geometry.dead_slots) {
        return damage_found(damage, AT_shared_dead_head, "dead_head is not below dead_slots");
    }
    return true;
}

/* The head of a group, checked: it is in [head, tail] of the front. */
static inline bool front_load_head(const slotq_view *view, const front_block *front, uint32_t group,
                                   uint32_t *head, slotq_damage *damage)
{
    SLOTQ_ASSERT(group < view->geometry.groups);
    const uint32_t slots = view->geometry.ring_slots;
    const uint32_t offset = group_offset(group) + AT_group_head;
    *head = load_u16(view->bytes + offset);
    if (*head >= slots ||
        ring_distance(front->head, *head, slots) > ring_distance(front->head, front->tail, slots)) {
        return damage_found(damage, offset, "group.head is outside the ring's [head, tail]");
    }
    return true;
}

/* A group block, checked. */
static inline bool front_load_group(const slotq_view *view, const front_block *front,
                                    uint32_t group, group_block *block, slotq_damage *damage)
{
    const uint32_t slots = view->geometry.ring_slots;
    const uint32_t offset = group_offset(group);
    uint32_t head;
    if (!front_load_head(view, front, group, &head, damage)) {
        return false;
    }
    codec_load_group(view->bytes + offset, block);
    block->head = head; /* the checked value: a mapped file can change between two loads */
    const uint32_t span = ring_distance(head, front->tail, slots);
    if (block->written >= slots || ring_distance(head, block->written, slots) > span) {
        return damage_found(damage, offset + AT_group_written,
                            "group.written is outside [head, tail]");
    }
    const uint32_t written = ring_distance(head, block->written, slots);
    if (block->cursor >= slots || ring_distance(head, block->cursor, slots) > written) {
        return damage_found(damage, offset + AT_group_cursor,
                            "group.cursor is outside [head, written]");
    }
    const uint32_t cursor = ring_distance(head, block->cursor, slots);
    if (block->retry_from >= slots || ring_distance(head, block->retry_from, slots) > cursor) {
        return damage_found(damage, offset + AT_group_retry_from,
                            "group.retry_from is outside [head, cursor]");
    }
    if (block->sweep != SWEEP_NONE &&
        (block->sweep >= slots || ring_distance(head, block->sweep, slots) > cursor)) {
        return damage_found(damage, offset + AT_group_sweep,
                            "group.sweep is outside [head, cursor]");
    }
    if (block->ready_behind + block->leased + block->waiting > cursor + front->aside_count) {
        return damage_found(damage, offset + AT_group_ready_behind,
                            "group counts are above the messages before cursor");
    }
    if (block->ready_behind == 0 && block->retry_from != block->cursor) {
        return damage_found(damage, offset + AT_group_retry_from,
                            "group.retry_from is not cursor though ready_behind is 0");
    }
    return true;
}

/* A rate's interval as it is stored: microseconds below 2^31, else milliseconds, rounded up. */
static inline uint32_t front_rate_interval(uint64_t interval_us)
{
    return interval_us < RATE_IN_MS ? (uint32_t)interval_us
                                    : RATE_IN_MS + (uint32_t)((interval_us + 999) / 1000);
}

static inline uint64_t front_interval_us(uint32_t rate_interval)
{
    return rate_interval < RATE_IN_MS ? rate_interval
                                      : (uint64_t)(rate_interval - RATE_IN_MS) * 1000;
}

/* A group's limits, checked. */
static inline bool front_load_limit(const slotq_view *view, uint32_t group, limit_block *block,
                                    slotq_damage *damage)
{
    const uint32_t offset = group_offset(group);
    codec_load_limit(view->bytes + offset, block);
    const uint64_t interval_us = front_interval_us(block->rate_interval);
    if (front_rate_interval(interval_us) != block->rate_interval) {
        return damage_found(damage, offset + AT_limit_rate_interval,
                            "group.rate_interval is in ms, but fits us");
    }
    if ((block->rate_burst == 0) != (block->rate_interval == 0)) {
        return damage_found(damage, offset + AT_limit_rate_burst,
                            "group.rate_burst does not go with the rate");
    }
    if (block->rate_tat_us > 999) {
        return damage_found(damage, offset + AT_limit_rate_tat_us,
                            "group.rate_tat_us is above 999");
    }
    const uint64_t most_us =
        interval_us == 0 ? 0 : SLOTQ_NOW_MS_MAX * 1000 + block->rate_burst * interval_us;
    if (block->rate_tat_ms * 1000 + block->rate_tat_us > most_us) {
        return damage_found(damage, offset + AT_limit_rate_tat_ms,
                            "group.rate_tat is too late for the rate");
    }
    return true;
}

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
