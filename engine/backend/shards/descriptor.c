/* descriptor.c: see descriptor.h.
 */
#include "descriptor.h"

#include <string.h>

#include "../../layout/assert.h"
#include "../../layout/bytes.h"
#include "../../layout/checksum.h"
#include "../../layout/damage.h"
#include "../../layout/descriptor.h"
#include "names.h"

/* Where the fields are: in the head, and in an entry. */
enum {
    AT_MAGIC = AT_geometry_magic,
    AT_REVISION = 12,
    AT_SET = 16,
    AT_COUNT = 20,
    AT_GROUPS = 22,
    AT_FLAGS = 23,
    AT_CHECK = 24,
    AT_HEAD_RESERVED = 28,
    AT_ENTRY_STATE = 0,
    AT_ENTRY_RESERVED = 1,
    AT_ENTRY_K = 2,
    AT_ENTRY_X = 6
};

static uint32_t entry_at(uint32_t index)
{
    return SHARDS_HEAD_BYTES + SHARDS_ENTRY_BYTES * index;
}

/* ---- rules ---- */

static bool head_is_sound(const shards_descriptor *descriptor, slotq_damage *damage)
{
    if (descriptor->revision == 0) {
        return damage_found(damage, AT_REVISION, "the revision is 0");
    }
    if (descriptor->set == 0) {
        return damage_found(damage, AT_SET, "set is 0");
    }
    if (descriptor->count == 0 || descriptor->count > SLOTQ_SHARDS_MAX) {
        return damage_found(damage, AT_COUNT, "the number of shards is not 1 to 1024");
    }
    if (descriptor->groups == 0 || descriptor->groups > SLOTQ_GROUPS_MAX) {
        return damage_found(damage, AT_GROUPS, "groups is not 1 to 16");
    }
    if ((descriptor->flags & ~SHARDS_FLAGS_ALL) != 0) {
        return damage_found(damage, AT_FLAGS, "a flag is not known");
    }
    return true;
}

/* A keyed queue has a fixed number of shards: none comes after its creation, and none goes. */
static bool state_is_sound(const shards_descriptor *descriptor, shards_state state)
{
    switch (state) {
    case SHARDS_OPEN:
        return true;
    case SHARDS_MAKING:
        return (descriptor->flags & SHARDS_FLAG_KEYED) == 0 ||
               (descriptor->flags & SHARDS_FLAG_MAKING) != 0;
    case SHARDS_DRAINING:
    case SHARDS_GONE:
        return (descriptor->flags & SHARDS_FLAG_KEYED) == 0;
    }
    return false;
}

static bool entry_is_sound(const shards_descriptor *descriptor, uint32_t index,
                           slotq_damage *damage)
{
    const shards_entry *entry = &descriptor->entries[index];
    const uint32_t at = entry_at(index);
    if ((uint32_t)entry->state > SHARDS_MAKING) {
        return damage_found(damage, at + AT_ENTRY_STATE, "the state of a shard is not known");
    }
    if (!state_is_sound(descriptor, entry->state)) {
        return damage_found(damage, at + AT_ENTRY_STATE,
                            "a shard of a keyed queue is not open after its creation");
    }
    if (entry->k > SHARDS_K_MAX) {
        return damage_found(damage, at + AT_ENTRY_K, "the number in a shard's tag is above 8211");
    }
    if (entry->state == SHARDS_OPEN && entry->from_ms > SLOTQ_NOW_MS_MAX) {
        return damage_found(damage, at + AT_ENTRY_X, "the time of an open shard is out of range");
    }
    if (entry->state == SHARDS_GONE && entry->last_id > SLOTQ_ID_MAX) {
        return damage_found(damage, at + AT_ENTRY_X, "the last id of a shard is out of range");
    }
    if ((entry->state == SHARDS_DRAINING || entry->state == SHARDS_MAKING) && entry->x != 0) {
        return damage_found(damage, at + AT_ENTRY_X,
                            "a shard that is made or drained has a time or an id");
    }
    return true;
}

bool shards_descriptor_is_sound(const shards_descriptor *descriptor, slotq_damage *damage)
{
    damage->what = NULL;
    damage->offset = 0;
    if (!head_is_sound(descriptor, damage)) {
        return false;
    }
    bool any_open = (descriptor->flags & (SHARDS_FLAG_MAKING | SHARDS_FLAG_REMOVING)) != 0;
    for (uint32_t i = 0; i < descriptor->count; i++) {
        if (!entry_is_sound(descriptor, i, damage)) {
            return false;
        }
        any_open = any_open || descriptor->entries[i].state == SHARDS_OPEN;
    }
    return any_open || damage_found(damage, entry_at(0), "no shard is open");
}

/* ---- bytes ---- */

uint32_t shards_descriptor_write(const shards_descriptor *descriptor,
                                 uint8_t bytes[SHARDS_DESCRIPTOR_BYTES_MAX])
{
    slotq_damage damage;
    SLOTQ_ASSERT(shards_descriptor_is_sound(descriptor, &damage));
    (void)damage;
    const uint32_t size = entry_at(descriptor->count);
    memset(bytes, 0, size);
    store_u32(bytes + AT_MAGIC, MAGIC_SHARDED);
    store_u32(bytes + AT_REVISION, descriptor->revision);
    store_u32(bytes + AT_SET, descriptor->set);
    store_u16(bytes + AT_COUNT, descriptor->count);
    bytes[AT_GROUPS] = descriptor->groups;
    bytes[AT_FLAGS] = descriptor->flags;
    for (uint32_t i = 0; i < descriptor->count; i++) {
        uint8_t *at = bytes + entry_at(i);
        at[AT_ENTRY_STATE] = (uint8_t)descriptor->entries[i].state;
        store_u32(at + AT_ENTRY_K, descriptor->entries[i].k);
        store_u48(at + AT_ENTRY_X, descriptor->entries[i].x);
    }
    const uint32_t check = checksum_xxh32(bytes, size);
    store_u32(bytes + AT_CHECK, check);
    return size;
}

/* What no field of the struct can show: how the bytes begin, how many they are, the check, and the
 * bytes that are 0. */
static bool bytes_are_sound(uint8_t *bytes, uint32_t size, slotq_damage *damage)
{
    if (!bytes_begin_descriptor(bytes, size)) {
        return damage_found(damage, AT_MAGIC, "it is not the descriptor of a sharded queue");
    }
    if (size != entry_at(load_u16(bytes + AT_COUNT))) {
        return damage_found(damage, AT_COUNT, "its size is not that of so many shards");
    }
    const uint32_t check = load_u32(bytes + AT_CHECK);
    store_u32(bytes + AT_CHECK, 0);
    if (check != checksum_xxh32(bytes, size)) {
        return damage_found(damage, AT_CHECK, "the check is not that of its bytes");
    }
    if (load_u32(bytes + AT_HEAD_RESERVED) != 0) {
        return damage_found(damage, AT_HEAD_RESERVED, "a reserved byte is not 0");
    }
    for (uint32_t at = SHARDS_HEAD_BYTES; at < size; at += SHARDS_ENTRY_BYTES) {
        if (bytes[at + AT_ENTRY_RESERVED] != 0) {
            return damage_found(damage, at + AT_ENTRY_RESERVED, "a reserved byte is not 0");
        }
    }
    return true;
}

slotq_outcome shards_descriptor_read(const uint8_t *bytes, uint64_t size, shards_descriptor *read,
                                     slotq_damage *damage)
{
    uint8_t copy[SHARDS_DESCRIPTOR_BYTES_MAX];
    if (size < SHARDS_HEAD_BYTES + SHARDS_ENTRY_BYTES || size > sizeof copy) {
        damage_found(damage, AT_COUNT, "its size is not that of 1 to 1024 shards");
        return SLOTQ_CORRUPT;
    }
    memcpy(copy, bytes, (size_t)size);
    if (!bytes_are_sound(copy, (uint32_t)size, damage)) {
        return SLOTQ_CORRUPT;
    }
    read->revision = load_u32(copy + AT_REVISION);
    read->set = load_u32(copy + AT_SET);
    read->count = load_u16(copy + AT_COUNT);
    read->groups = copy[AT_GROUPS];
    read->flags = copy[AT_FLAGS];
    for (uint32_t i = 0; i < read->count; i++) {
        const uint8_t *at = copy + entry_at(i);
        read->entries[i].state = (shards_state)at[AT_ENTRY_STATE];
        read->entries[i].k = load_u32(at + AT_ENTRY_K);
        read->entries[i].x = load_u48(at + AT_ENTRY_X);
    }
    return shards_descriptor_is_sound(read, damage) ? SLOTQ_OK : SLOTQ_CORRUPT;
}

uint32_t shards_set_in(const uint8_t head[SHARDS_HEAD_BYTES])
{
    return load_u32(head + AT_SET);
}
