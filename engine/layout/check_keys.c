/* check_keys.c: checks the keys: their entries, and that the chains of the buckets hold each holder
 * of a key once (FORMAT.md, "Keys"). After the later and aside indexes, which name the holders. No
 * holder is of two chains, so all walks together are as long as there are holders.
 */
#include "aside_index.h"
#include "bytes.h"
#include "check.h"
#include "fields.h"
#include "memory.h"
#include "ring.h"

#ifndef SLOTQ_NO_KEYS

enum { KEY_FIRST_BYTE = 0xFF, KEYS_SEEN_BYTES = 256 / 8 };

static uint64_t key_at(const slotq_view *view, uint32_t holder)
{
    return load_u64(view->bytes + key_entry_offset(view, holder) + AT_key_key);
}

/* An entry alone. */
static bool check_entry(const slotq_view *view, uint32_t holder, slotq_damage *damage)
{
    const uint32_t offset = key_entry_offset(view, holder);
    const uint64_t key = key_at(view, holder);
    if (key != 0 && (key & KEY_FIRST_BYTE) == 0) {
        return damage_found(damage, offset, "a key's first byte is 0");
    }
    for (uint32_t i = 0; key == 0 && i < key_entry_bytes(view, holder); i++) {
        if (view->bytes[offset + i] != 0) {
            return damage_found(damage, offset + i, "an entry without a key is not all 0");
        }
    }
    return true;
}

/* A ring slot has a key only if it had a message. */
static bool check_ring_keys(const slotq_view *view, const front_block *front, slotq_damage *damage)
{
    const uint32_t slots = view->geometry.ring_slots;
    for (uint32_t i = 0; i < slots; i++) {
        if (!check_entry(view, i, damage)) {
            return false;
        }
        if (key_at(view, i) != 0 && ring_laps(i, front->tail, slots) > front->last_id) {
            return damage_found(damage, key_entry_offset(view, i),
                                "a ring slot never used has a key");
        }
    }
    return true;
}

static bool check_aside_keys(const slotq_view *view, const front_block *front, slotq_damage *damage)
{
    const uint32_t slots = view->geometry.ring_slots;
    const uint64_t head_id = front->last_id + 1 - ring_distance(front->head, front->tail, slots);
    uint8_t used[KEYS_SEEN_BYTES];
    memset(used, 0, sizeof used);
    for (uint32_t i = 0; i < front->aside_count; i++) {
        const uint32_t slot = aside_slot(view, i);
        const uint32_t offset = key_entry_offset(view, slots + slot);
        used[slot / 8] |= (uint8_t)(1u << slot % 8);
        if (key_at(view, slots + slot) != 0 &&
            load_u48(view->bytes + offset + AT_aside_key_id) != aside_id(view, i)) {
            return damage_found(damage, offset + AT_aside_key_id,
                                "an aside key's id is not that of the aside index");
        }
    }
    for (uint32_t slot = 0; slot < view->geometry.aside_slots; slot++) {
        const uint32_t offset = key_entry_offset(view, slots + slot);
        if (!check_entry(view, slots + slot, damage)) {
            return false;
        }
        const uint64_t id = load_u48(view->bytes + offset + AT_aside_key_id);
        if (key_at(view, slots + slot) != 0 && (id == 0 || id >= head_id)) {
            return damage_found(damage, offset + AT_aside_key_id,
                                "an aside key's id is 0, or of the ring");
        }
    }
    return true;
}

static bool check_later_keys(const slotq_view *view, slotq_damage *damage)
{
    const uint32_t first = view->geometry.ring_slots + (uint32_t)view->geometry.aside_slots;
    const uint32_t count = load_u16(view->bytes + AT_shared_later_count);
    for (uint32_t i = 0; i < view->geometry.later_slots; i++) {
        const uint8_t *entry = view->bytes + later_entry_offset(view, i);
        const uint32_t holder = first + (load_u16(entry + AT_later_slot) ^ i);
        const uint32_t offset = key_entry_offset(view, holder);
        if (!check_entry(view, holder, damage)) {
            return false;
        }
        if (key_at(view, holder) == 0) {
            continue;
        }
        if (i >= count) {
            return damage_found(damage, offset, "a free later slot has a key");
        }
        if (load_u32(view->bytes + offset + AT_later_key_later_id) !=
            load_u32(entry + AT_later_later_id)) {
            return damage_found(damage, offset + AT_later_key_later_id,
                                "a later key's id is not that of the later index");
        }
    }
    return true;
}

/* The holders of a chain, each link read once: a mapped file can change underneath. */
typedef struct key_chain {
    uint32_t length;
    uint16_t holders[KEY_CHAIN_MAX];
} key_chain;

/* The rule that a link to a holder breaks as the next of a chain, or NULL. */
static const char *link_fault(const slotq_view *view, uint32_t bucket, const key_chain *chain,
                              uint32_t holder)
{
    if (holder >= key_holders(&view->geometry)) {
        return "a chain of keys names no holder";
    }
    if (chain->length == KEY_CHAIN_MAX) {
        return "a chain of keys has more than 255";
    }
    const uint64_t key = key_at(view, holder);
    if (key == 0 || key_bucket(view, key) != bucket) {
        return "a chain of keys has a key of another bucket";
    }
    for (uint32_t i = 0; i < chain->length; i++) {
        if (key_at(view, chain->holders[i]) == key) {
            return "a chain has the same key twice";
        }
    }
    return NULL;
}

static bool check_chain(const slotq_view *view, uint32_t bucket, key_chain *chain,
                        slotq_damage *damage)
{
    uint32_t at = key_bucket_offset(view, bucket);
    chain->length = 0;
    for (uint32_t next = load_u16(view->bytes + at); next != 0; next = load_u16(view->bytes + at)) {
        const char *fault = link_fault(view, bucket, chain, next - 1);
        if (fault != NULL) {
            return damage_found(damage, at, fault);
        }
        chain->holders[chain->length++] = (uint16_t)(next - 1);
        at = key_entry_offset(view, next - 1) + AT_key_next;
    }
    return true;
}

/* A holder with a key is in the chain of its bucket. */
static bool is_in_chain(const slotq_view *view, uint32_t holder, slotq_damage *damage)
{
    key_chain chain;
    uint32_t i = 0;
    (void)check_chain(view, key_bucket(view, key_at(view, holder)), &chain, damage);
    while (i < chain.length && chain.holders[i] != holder) {
        i++;
    }
    return i < chain.length;
}

static bool check_chains(const slotq_view *view, slotq_damage *damage)
{
    const uint32_t count = key_holders(&view->geometry);
    uint32_t unlinked = 0;
    for (uint32_t bucket = 0; bucket < count; bucket++) {
        key_chain chain;
        if (!check_chain(view, bucket, &chain, damage)) {
            return false;
        }
        unlinked -= chain.length;
        unlinked += key_at(view, bucket) != 0; /* there are as many holders as buckets */
    }
    uint32_t holder = 0; /* some key is in no chain: the last, if no other is found */
    while (unlinked != 0 && holder < count - 1 &&
           (key_at(view, holder) == 0 || is_in_chain(view, holder, damage))) {
        holder++;
    }
    if (unlinked != 0) {
        damage_found(damage, key_entry_offset(view, holder),
                     "a key is not in the chain of its bucket");
    }
    return unlinked == 0;
}

bool check_keys(const slotq_view *view, const front_block *front, slotq_damage *damage)
{
    return !(view->geometry.flags & SLOTQ_FLAG_KEYS) ||
           (check_ring_keys(view, front, damage) && check_aside_keys(view, front, damage) &&
            check_later_keys(view, damage) && check_chains(view, damage));
}

#else

bool check_keys(const slotq_view *view, const front_block *front, slotq_damage *damage)
{
    (void)view;
    (void)front;
    (void)damage;
    return true;
}

#endif
