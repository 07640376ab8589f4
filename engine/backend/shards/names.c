/* names.c: see names.h.
 */
#include "names.h"

#include <string.h>

#include "../../layout/assert.h"
#include "../../slotq_types.h"
#include "../key_slot.h"
#include "number.h"

enum {
    WITHIN = 8, /* slots that a key may be off its target */
    SLOT_BITS = 14,
    K_BASE = 36
};

_Static_assert(1U << SLOT_BITS == KEY_SLOTS, "reverse mirrors the bits of a slot");
_Static_assert(SLOTQ_SHARDS_MAX <= 9999, "a shard's number has at most four digits");

const char *shards_name_fault(const char *name, size_t name_bytes)
{
    if (name_bytes == 0) {
        return "is empty: a sharded queue's must have 1 to 190 bytes";
    }
    if (name_bytes > SHARDS_NAME_BYTES_MAX) {
        return "is too long: a sharded queue's must have 1 to 190 bytes";
    }
    if (memchr(name, '{', name_bytes) != NULL || memchr(name, '}', name_bytes) != NULL) {
        return "has a brace: a sharded queue's must have none, because its shards add theirs";
    }
    return NULL;
}

/* ---- numbers in a tag ---- */

/* Returns how many digits were written. */
static size_t put_number(char *text, uint32_t number, uint32_t base)
{
    char digits[32];
    size_t count = 0;
    do {
        digits[count++] = "0123456789abcdefghijklmnopqrstuvwxyz"[number % base];
        number /= base;
    } while (number > 0);
    for (size_t i = 0; i < count; i++) {
        text[i] = digits[count - 1 - i];
    }
    return count;
}

/* ---- keys ---- */

/* "shard.k", without an end. */
static size_t put_tag(char tag[SHARDS_TAG_BYTES_MAX], uint32_t shard, uint32_t k)
{
    SLOTQ_ASSERT(shard < SLOTQ_SHARDS_MAX);
    SLOTQ_ASSERT(k <= SHARDS_K_MAX);
    size_t bytes = put_number(tag, shard, 10);
    tag[bytes++] = '.';
    return bytes + put_number(tag + bytes, k, K_BASE);
}

static uint32_t target_of(const char *name, size_t name_bytes, uint32_t shard)
{
    uint32_t reversed = 0;
    for (uint32_t bit = 0; bit < SLOT_BITS; bit++) {
        reversed |= (shard >> bit & 1) << (SLOT_BITS - 1 - bit);
    }
    return (key_slot_of(name, name_bytes) + reversed) % KEY_SLOTS;
}

uint32_t shards_find_k(const char *name, size_t name_bytes, uint32_t shard)
{
    SLOTQ_ASSERT(shards_name_fault(name, name_bytes) == NULL);
    const uint32_t target = target_of(name, name_bytes, shard);
    uint32_t off = KEY_SLOTS;
    uint32_t k = 0;
    for (; k <= SHARDS_K_MAX; k++) {
        char tag[SHARDS_TAG_BYTES_MAX];
        const size_t bytes = put_tag(tag, shard, k);
        off = (key_slot_of(tag, bytes) + WITHIN + KEY_SLOTS - target) % KEY_SLOTS;
        if (off <= 2 * WITHIN) {
            break;
        }
    }
    SLOTQ_ASSERT(off <= 2 * WITHIN);
    return k;
}

void shards_key_make(shards_key *key, const char *name, size_t name_bytes, uint32_t shard,
                     uint32_t k)
{
    SLOTQ_ASSERT(name_bytes <= SHARDS_NAME_BYTES_MAX);
    memcpy(key->text, name, name_bytes);
    key->text[name_bytes] = '{';
    key->bytes = name_bytes + 1 + put_tag(key->text + name_bytes + 1, shard, k);
    key->text[key->bytes++] = '}';
    key->text[key->bytes] = '\0';
}

bool shards_key_read(const char *key, size_t key_bytes, const char *name, size_t name_bytes,
                     uint32_t *shard, uint32_t *k)
{
    if (key_bytes < name_bytes + 2 || memcmp(key, name, name_bytes) != 0 ||
        key[name_bytes] != '{' || key[key_bytes - 1] != '}') {
        return false;
    }
    const char *tag = key + name_bytes + 1;
    const size_t tag_bytes = key_bytes - name_bytes - 2;
    const char *dot = memchr(tag, '.', tag_bytes);
    if (dot == NULL) {
        return false;
    }
    const size_t digits = (size_t)(dot - tag);
    uint64_t number = 0;
    uint64_t in_tag = 0;
    if (!number_read(tag, digits, 10, SLOTQ_SHARDS_MAX - 1, &number) ||
        !number_read(dot + 1, tag_bytes - digits - 1, K_BASE, SHARDS_K_MAX, &in_tag)) {
        return false;
    }
    *shard = (uint32_t)number;
    *k = (uint32_t)in_tag;
    return true;
}

size_t shards_name_of_key(const char *key, size_t key_bytes)
{
    uint32_t shard;
    uint32_t k;
    const char *brace = memchr(key, '{', key_bytes);
    const size_t name_bytes = brace == NULL ? 0 : (size_t)(brace - key);
    return shards_name_fault(key, name_bytes) == NULL &&
                   shards_key_read(key, key_bytes, key, name_bytes, &shard, &k)
               ? name_bytes
               : 0;
}
