/* resize.c: see resize.h. The ring of the new image begins at index 0; scheduled and dead messages
 * and those aside get the lowest places, in their order.
 */
#include "resize.h"

#include <string.h>

#include "../layout/aside_index.h"
#include "../layout/front.h"
#include "../layout/geometry.h"
#include "../layout/slot.h"

/* A queue on its way into another image. */
typedef struct resizing {
    const slotq_view *from;
    slotq_view to;
    uint8_t *bytes; /* of to */
    front_block front;
    uint32_t used; /* ring slots in the window */
    store_fault *fault;
} resizing;

slotq_outcome resize_begin(const char *name, const slotq_view *from, const slotq_geometry *wanted,
                           slotq_geometry *sized, store_fault *fault)
{
    slotq_damage damage;
    const char *what;
    const slotq_outcome outcome = slotq_core_check(from, &damage);
    if (outcome != SLOTQ_OK) {
        return fault_damage(fault, outcome, name, &damage);
    }
    *sized = from->geometry;
    sized->ring_slots = wanted->ring_slots;
    sized->payload_bytes = wanted->payload_bytes;
    sized->later_slots = wanted->later_slots;
    sized->dead_slots = wanted->dead_slots;
    sized->aside_slots = wanted->aside_slots;
    sized->groups = wanted->groups;
    if (slotq_core_image_bytes(sized, &what) == 0) {
        return fault_say(fault, SLOTQ_INVALID,
                         "the sizes of the queue are invalid: %s. Nothing was changed", what);
    }
    return SLOTQ_OK;
}

/* ---- what fits ---- */

static slotq_outcome refuse_count(const resizing *self, const char *what, uint32_t there,
                                  const char *size, uint32_t room)
{
    return fault_say(self->fault, SLOTQ_TOOBIG,
                     "the queue has %lu %s, and %s of %lu has no room for them. Nothing was "
                     "changed",
                     (unsigned long)there, what, size, (unsigned long)room);
}

static slotq_outcome judge_counts(const resizing *self)
{
    const slotq_geometry *to = &self->to.geometry;
    const uint32_t later = load_u16(self->from->bytes + AT_shared_later_count);
    if (self->used > to->ring_slots - 1u) {
        return refuse_count(self, "messages in its ring", self->used, "a ring",
                            to->ring_slots - 1u);
    }
    if (self->front.aside_count > to->aside_slots) {
        return refuse_count(self, "messages aside", self->front.aside_count, "a section",
                            to->aside_slots);
    }
    if (later > to->later_slots) {
        return refuse_count(self, "scheduled messages", later, "a section", to->later_slots);
    }
    if (self->front.dead_count > to->dead_slots) {
        return refuse_count(self, "dead messages", self->front.dead_count, "a section",
                            to->dead_slots);
    }
    if (to->groups < self->from->geometry.groups) {
        return fault_say(self->fault, SLOTQ_TOOBIG,
                         "the queue has %u groups, and a group cannot be taken away: %u is too few."
                         " Nothing was changed",
                         self->from->geometry.groups, to->groups);
    }
    return SLOTQ_OK;
}

/* ---- slots ---- */

/* A message, for people. */
typedef struct slot_label {
    const char *kind; /* "message", "scheduled message", "dead message" */
    uint64_t id;
} slot_label;

static uint32_t slot_head_bytes(const slotq_view *view)
{
    return view->stride - view->geometry.payload_bytes;
}

/* A length that no payload may have says that a slot is damaged; the largest geometry has none. */
static slotq_outcome keep_damaged(resizing *self, uint32_t to, slot_label label)
{
    if (self->to.geometry.payload_bytes == SLOTQ_PAYLOAD_BYTES_MAX) {
        return fault_say(self->fault, SLOTQ_TOOBIG,
                         "%s %llu is damaged, and could not be told from a sound one in slots of "
                         "65535 bytes: remove it first. Nothing was changed",
                         label.kind, (unsigned long long)label.id);
    }
    store_u16(self->bytes + to, UINT16_MAX);
    return SLOTQ_OK;
}

/* A slot that may still be read. */
static slotq_outcome copy_slot(resizing *self, uint32_t from, uint32_t to, slot_label label)
{
    const uint8_t *slot = self->from->bytes + from;
    const uint32_t length = load_u16(slot);
    const uint32_t head = slot_head_bytes(self->from);
    if (length > self->from->geometry.payload_bytes) {
        memcpy(self->bytes + to, slot, head);
        return keep_damaged(self, to, label);
    }
    if (length > self->to.geometry.payload_bytes) {
        return fault_say(self->fault, SLOTQ_TOOBIG,
                         "%s %llu has %lu bytes, and a slot would have %u. Nothing was changed",
                         label.kind, (unsigned long long)label.id, (unsigned long)length,
                         self->to.geometry.payload_bytes);
    }
    memcpy(self->bytes + to, slot, head + length);
    return SLOTQ_OK;
}

/* A slot whose message every group has finished: kept for people who peek, if it fits. */
static void copy_finished(resizing *self, uint32_t from, uint32_t to)
{
    static const slotq_data nothing = {NULL, 0};
    const uint8_t *slot = self->from->bytes + from;
    const uint32_t length = load_u16(slot);
    const bool stamps = (self->from->geometry.flags & SLOTQ_FLAG_STAMPS) != 0;
    if (length <= self->from->geometry.payload_bytes && length <= self->to.geometry.payload_bytes) {
        memcpy(self->bytes + to, slot, slot_head_bytes(self->from) + length);
    } else {
        slot_store(self->bytes + to, &self->to.geometry, stamps ? load_u32(slot + LENGTH_BYTES) : 0,
                   &nothing);
    }
}

/* ---- keys ---- */

/* Put in the key of an entry of the old image, which stays 0 if it has none. */
static slotq_outcome copy_key(resizing *self, uint32_t from, uint32_t holder)
{
    const slotq_view *to = &self->to;
    const uint8_t *entry = self->from->bytes + from;
    const uint64_t key = load_u64(entry);
    uint32_t length = 1;
    if (key == 0) {
        return SLOTQ_OK;
    }
    uint8_t *bucket = self->bytes + key_bucket_offset(to, key_bucket(to, key));
    for (uint32_t next = load_u16(bucket); next != 0; length++) {
        next = load_u16(self->bytes + key_entry_offset(to, next - 1) + AT_key_next);
    }
    if (length > KEY_CHAIN_MAX) {
        return fault_say(self->fault, SLOTQ_TOOBIG,
                         "more than %d keys of the queue would be in one chain: choose other "
                         "sizes. Nothing was changed",
                         KEY_CHAIN_MAX);
    }
    uint8_t *copy = self->bytes + key_entry_offset(to, holder);
    memcpy(copy, entry, key_entry_bytes(to, holder)); /* of the same section */
    store_u16(copy + AT_key_next, load_u16(bucket));
    store_u16(bucket, (uint16_t)(holder + 1));
    return SLOTQ_OK;
}

/* The keys of the ring: those of as many of the newest messages as the new ring has slots. */
static slotq_outcome copy_ring_keys(resizing *self)
{
    const uint32_t slots = self->from->geometry.ring_slots;
    const uint32_t new_slots = self->to.geometry.ring_slots;
    slotq_outcome outcome = SLOTQ_OK;
    for (uint32_t age = 1; age <= slots && age <= new_slots && outcome == SLOTQ_OK; age++) {
        const uint32_t index = ring_back(self->front.tail, age, slots);
        const uint32_t to = ring_back(self->used, age, new_slots);
        outcome = copy_key(self, key_entry_offset(self->from, index), to);
    }
    return outcome;
}

/* ---- ring ---- */

static uint32_t position(const resizing *self, uint32_t index)
{
    return ring_distance(self->front.head, index, self->from->geometry.ring_slots);
}

static void copy_group(resizing *self, uint32_t group)
{
    group_block block;
    limit_block limit;
    const slotq_view *from = self->from;
    codec_load_group(from->bytes + group_offset(group), &block);
    codec_load_limit(from->bytes + group_offset(group), &limit);
    block.head = (uint16_t)position(self, block.head);
    block.cursor = (uint16_t)position(self, block.cursor);
    block.retry_from = (uint16_t)position(self, block.retry_from);
    block.written = (uint16_t)position(self, block.written);
    if (block.sweep != SWEEP_NONE) {
        block.sweep = (uint16_t)position(self, block.sweep);
    }
    for (uint32_t i = block.head; i < block.written; i++) {
        const uint32_t index = ring_add(self->front.head, i, from->geometry.ring_slots);
        store_u32(self->bytes + word_offset(&self->to, group, i),
                  load_u32(from->bytes + word_offset(from, group, index)));
    }
    codec_store_group(self->bytes + group_offset(group), &block);
    codec_store_limit(self->bytes + group_offset(group), &limit);
}

/* A group that is new begins behind all messages. */
static void begin_group(resizing *self, uint32_t group)
{
    uint8_t *block = self->bytes + group_offset(group);
    store_u16(block + AT_group_head, (uint16_t)self->used);
    store_u16(block + AT_group_cursor, (uint16_t)self->used);
    store_u16(block + AT_group_retry_from, (uint16_t)self->used);
    store_u16(block + AT_group_written, (uint16_t)self->used);
}

/* Some group has not finished the message i steps behind the head. */
static bool is_unfinished(const resizing *self, uint32_t i)
{
    const slotq_view *from = self->from;
    const uint32_t index = ring_add(self->front.head, i, from->geometry.ring_slots);
    for (uint32_t group = 0; group < from->geometry.groups; group++) {
        const uint8_t *block = from->bytes + group_offset(group);
        const uint32_t head = position(self, load_u16(block + AT_group_head));
        const uint32_t written = position(self, load_u16(block + AT_group_written));
        if (i >= written ||
            (i >= head && !word_is_done(load_u32(from->bytes + word_offset(from, group, index))))) {
            return true;
        }
    }
    return false;
}

static slotq_outcome copy_ring(resizing *self)
{
    const slotq_view *from = self->from;
    for (uint32_t group = 0; group < self->to.geometry.groups; group++) {
        if (group < from->geometry.groups) {
            copy_group(self, group);
        } else {
            begin_group(self, group);
        }
    }
    for (uint32_t i = 0; i < self->used; i++) {
        const uint32_t index = ring_add(self->front.head, i, from->geometry.ring_slots);
        const slot_label label = {"message", self->front.last_id - (self->used - 1 - i)};
        const uint32_t at = slot_offset(from, index);
        if (!is_unfinished(self, i)) {
            copy_finished(self, at, slot_offset(&self->to, i));
            continue;
        }
        const slotq_outcome outcome = copy_slot(self, at, slot_offset(&self->to, i), label);
        if (outcome != SLOTQ_OK) {
            return outcome;
        }
    }
    return from->geometry.flags & SLOTQ_FLAG_KEYS ? copy_ring_keys(self) : SLOTQ_OK;
}

/* ---- aside ---- */

static void copy_aside_words(resizing *self, uint32_t slot, uint32_t to)
{
    for (uint32_t group = 0; group < self->to.geometry.groups; group++) {
        const uint32_t word =
            group < self->from->geometry.groups
                ? load_u32(self->from->bytes + aside_word_offset(self->from, group, slot))
                : WORD_ACKED;
        store_u32(self->bytes + aside_word_offset(&self->to, group, to), word);
    }
}

/* Keys of finished messages, in slots that are free: as many as there is room for. */
static slotq_outcome copy_free_keys(resizing *self, const bool *is_used)
{
    uint32_t to = self->front.aside_count;
    slotq_outcome outcome = SLOTQ_OK;
    for (uint32_t slot = 0; slot < self->from->geometry.aside_slots; slot++) {
        if (!is_used[slot] && to < self->to.geometry.aside_slots && outcome == SLOTQ_OK) {
            outcome =
                copy_key(self, key_entry_offset(self->from, self->from->geometry.ring_slots + slot),
                         self->to.geometry.ring_slots + to);
            to++;
        }
    }
    return outcome;
}

static slotq_outcome copy_aside(resizing *self)
{
    bool is_used[UINT8_MAX] = {false};
    const bool keys = (self->from->geometry.flags & SLOTQ_FLAG_KEYS) != 0;
    for (uint32_t i = 0; i < self->front.aside_count; i++) {
        const uint32_t slot = aside_slot(self->from, i);
        const slot_label label = {"message", aside_id(self->from, i)};
        uint8_t *entry = self->bytes + aside_entry_offset(&self->to, i);
        is_used[slot] = true;
        store_u48(entry + AT_aside_id, label.id);
        entry[AT_aside_slot] = (uint8_t)i;
        copy_aside_words(self, slot, i);
        slotq_outcome outcome = copy_slot(self, aside_slot_offset(self->from, slot),
                                          aside_slot_offset(&self->to, i), label);
        if (outcome == SLOTQ_OK && keys) {
            outcome =
                copy_key(self, key_entry_offset(self->from, self->from->geometry.ring_slots + slot),
                         self->to.geometry.ring_slots + i);
        }
        if (outcome != SLOTQ_OK) {
            return outcome;
        }
    }
    return keys ? copy_free_keys(self, is_used) : SLOTQ_OK;
}

/* ---- later, dead ---- */

static slotq_outcome copy_later(resizing *self)
{
    const slotq_view *from = self->from;
    const slotq_geometry *to = &self->to.geometry;
    const uint32_t count = load_u16(from->bytes + AT_shared_later_count);
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *entry = from->bytes + later_entry_offset(from, i);
        const uint32_t slot = load_u16(entry + AT_later_slot) ^ i;
        const slot_label label = {"scheduled message", load_u32(entry + AT_later_later_id)};
        memcpy(self->bytes + later_entry_offset(&self->to, i), entry, AT_later_slot);
        slotq_outcome outcome =
            copy_slot(self, later_slot_offset(from, slot), later_slot_offset(&self->to, i), label);
        if (outcome == SLOTQ_OK && (to->flags & SLOTQ_FLAG_KEYS)) {
            const uint32_t before =
                (uint32_t)from->geometry.ring_slots + from->geometry.aside_slots;
            outcome = copy_key(self, key_entry_offset(from, before + slot),
                               (uint32_t)to->ring_slots + to->aside_slots + i);
        }
        if (outcome != SLOTQ_OK) {
            return outcome;
        }
    }
    return SLOTQ_OK;
}

static slotq_outcome copy_dead(resizing *self)
{
    const slotq_view *from = self->from;
    const uint32_t span = self->front.dead_count + self->front.dead_holes;
    uint32_t to = 0;
    for (uint32_t i = 0; i < span; i++) {
        const uint32_t at =
            dead_entry_offset(from, ring_add(self->front.dead_head, i, from->geometry.dead_slots));
        const slot_label label = {"dead message", load_u48(from->bytes + at + AT_dead_id)};
        if (label.id == 0) {
            continue;
        }
        const uint32_t entry = dead_entry_offset(&self->to, to++);
        memcpy(self->bytes + entry, from->bytes + at, dead_slot_in_entry(from));
        const slotq_outcome outcome = copy_slot(self, at + dead_slot_in_entry(from),
                                                entry + dead_slot_in_entry(&self->to), label);
        if (outcome != SLOTQ_OK) {
            return outcome;
        }
    }
    return SLOTQ_OK;
}

/* ---- the whole ---- */

/* Header and shared state. No client waits in the new image. */
static void copy_shared(resizing *self)
{
    uint8_t *bytes = self->bytes;
    memcpy(bytes + GEOMETRY_END, self->from->bytes + GEOMETRY_END, GROUPS_OFFSET - GEOMETRY_END);
    store_u16(bytes + AT_shared_dead_head, 0);
    store_u16(bytes + AT_shared_dead_holes, 0);
    store_u32(bytes + AT_shared_wake, 0);
    store_u32(bytes + AT_header_last_id, load_u32(self->from->bytes + AT_header_last_id));
    store_u16(bytes + AT_header_head, 0);
    store_u16(bytes + AT_header_tail, (uint16_t)self->used);
}

slotq_outcome resize_image(const slotq_view *from, const slotq_geometry *geometry, uint8_t *bytes,
                           store_fault *fault)
{
    slotq_damage damage;
    resizing self = {.from = from, .bytes = bytes, .fault = fault};
    const uint32_t size = slotq_core_image_bytes(geometry, NULL);
    if (slotq_core_create(bytes, size, geometry) != SLOTQ_OK ||
        slotq_core_open(&self.to, bytes, size, &damage) != SLOTQ_OK) {
        return fault_say(fault, SLOTQ_INVALID, "the sizes are not those of a queue");
    }
    if (!front_load(from, &self.front, &damage)) {
        return fault_damage(fault, SLOTQ_CORRUPT, "the queue", &damage);
    }
    self.used = ring_distance(self.front.head, self.front.tail, from->geometry.ring_slots);
    slotq_outcome outcome = judge_counts(&self);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    copy_shared(&self);
    outcome = copy_ring(&self);
    outcome = outcome == SLOTQ_OK ? copy_aside(&self) : outcome;
    outcome = outcome == SLOTQ_OK ? copy_later(&self) : outcome;
    return outcome == SLOTQ_OK ? copy_dead(&self) : outcome;
}
