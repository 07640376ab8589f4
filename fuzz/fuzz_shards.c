/* fuzz_shards.c: any bytes as the descriptor of a sharded queue, as the key of a shard, as an id:
 * what is read is written again to the same bytes; the rest is refused, and sets nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "../engine/backend/shards/descriptor.h"
#include "../engine/backend/shards/ids.h"
#include "../engine/backend/shards/names.h"
#include "../engine/layout/bytes.h"
#include "../engine/layout/checksum.h"
#include "../engine/layout/descriptor.h"

enum { COUNT_AT = 20, CHECK_AT = 24 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool rule)
{
    if (!rule) {
        abort();
    }
}

/* ---- descriptors ---- */

static void try_descriptor(const uint8_t *bytes, size_t size)
{
    static shards_descriptor read;
    uint8_t written[SHARDS_DESCRIPTOR_BYTES_MAX];
    slotq_damage damage = {0, NULL};
    const slotq_outcome outcome = shards_descriptor_read(bytes, size, &read, &damage);
    if (outcome != SLOTQ_OK) {
        require(outcome == SLOTQ_CORRUPT && damage.what != NULL);
        require(damage.offset < (size > SHARDS_HEAD_BYTES ? size : SHARDS_HEAD_BYTES));
        return;
    }
    require(shards_descriptor_is_sound(&read, &damage) && damage.what == NULL);
    require(shards_descriptor_write(&read, written) == size);
    require(memcmp(written, bytes, size) == 0);
}

/* The same with a magic, a count and a check that are right: the other rules are then reached. */
static void try_likely_descriptor(const uint8_t *data, size_t size)
{
    uint8_t bytes[SHARDS_DESCRIPTOR_BYTES_MAX];
    if (size < SHARDS_HEAD_BYTES || size > sizeof bytes) {
        return;
    }
    const size_t count = (size - SHARDS_HEAD_BYTES) / SHARDS_ENTRY_BYTES;
    size = SHARDS_HEAD_BYTES + SHARDS_ENTRY_BYTES * count;
    memcpy(bytes, data, size);
    memset(bytes, 0, AT_geometry_magic);
    store_u32(bytes + AT_geometry_magic, MAGIC_SHARDED);
    store_u16(bytes + COUNT_AT, (uint16_t)count);
    store_u32(bytes + CHECK_AT, 0);
    const uint32_t check = checksum_xxh32(bytes, (uint32_t)size);
    store_u32(bytes + CHECK_AT, check);
    try_descriptor(bytes, size);
}

/* ---- keys ---- */

static void try_key(const char *key, size_t key_bytes, const char *name, size_t name_bytes)
{
    uint32_t shard = UINT32_MAX;
    uint32_t k = UINT32_MAX;
    shards_key made;
    if (!shards_key_read(key, key_bytes, name, name_bytes, &shard, &k)) {
        require(shard == UINT32_MAX && k == UINT32_MAX);
        return;
    }
    require(shard < SLOTQ_SHARDS_MAX && k <= SHARDS_K_MAX);
    if (shards_name_fault(name, name_bytes) == NULL) {
        shards_key_make(&made, name, name_bytes, shard, k);
        require(made.bytes == key_bytes && memcmp(made.text, key, key_bytes) == 0);
        require(made.text[key_bytes] == '\0');
    }
}

/* ---- ids ---- */

static void try_id_text(const char *text, size_t bytes)
{
    char printed[SHARDS_ID_TEXT_BYTES];
    uint64_t whole = UINT64_MAX;
    uint64_t id = 0;
    uint32_t shard = 0;
    if (!shards_id_read(text, bytes, &whole)) {
        require(whole == UINT64_MAX);
        return;
    }
    require(shards_id_split(whole, SLOTQ_SHARDS_MAX, &shard, &id));
    require(shards_id_of(shard, id) == whole);
    require(shards_id_print(printed, whole) == bytes);
    require(memcmp(printed, text, bytes) == 0 && printed[bytes] == '\0');
}

static void try_id(uint64_t whole, uint32_t shards)
{
    char printed[SHARDS_ID_TEXT_BYTES];
    uint64_t id = UINT64_MAX;
    uint64_t again = 0;
    uint32_t shard = UINT32_MAX;
    if (!shards_id_split(whole, shards, &shard, &id)) {
        require(shard == UINT32_MAX && id == UINT64_MAX);
        return;
    }
    require(shard < shards && shards_id_of(shard, id) == whole);
    const size_t bytes = shards_id_print(printed, whole);
    require(shards_id_read(printed, bytes, &again) && again == whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    try_descriptor(data, size);
    try_likely_descriptor(data, size);
    try_key(text, size, "jobs", 4);
    if (size > 0 && data[0] < size) { /* a key, and how many bytes of it are the name */
        try_key(text + 1, size - 1, text + 1, data[0]);
    }
    try_id_text(text, size);
    if (size >= 10) {
        try_id(load_u64(data), load_u16(data + 8) % (SLOTQ_SHARDS_MAX + 1));
    }
    return 0;
}
