/* ids.c: see ids.h.
 */
#include "ids.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../../layout/assert.h"
#include "../../slotq_types.h"
#include "number.h"

enum { SHARD_AT_BIT = 48 };

_Static_assert(SLOTQ_ID_MAX >> SHARD_AT_BIT == 0, "an id leaves room for a shard");
_Static_assert(SLOTQ_SHARDS_MAX < 1 << 16, "a shard and 1 have room above an id");

static const uint64_t id_mask = (UINT64_C(1) << SHARD_AT_BIT) - 1;

uint64_t shards_id_of(uint32_t shard, uint64_t id)
{
    SLOTQ_ASSERT(shard < SLOTQ_SHARDS_MAX);
    SLOTQ_ASSERT(id > 0 && id <= SLOTQ_ID_MAX);
    return ((uint64_t)shard + 1) << SHARD_AT_BIT | id;
}

bool shards_id_split(uint64_t whole, uint32_t shards, uint32_t *shard, uint64_t *id)
{
    const uint64_t number = whole >> SHARD_AT_BIT; /* the shard and 1; 0 in a bare id */
    const uint64_t low = whole & id_mask;
    if (number == 0 || number > shards || low == 0 || low > SLOTQ_ID_MAX) {
        return false;
    }
    *shard = (uint32_t)number - 1;
    *id = low;
    return true;
}

size_t shards_id_print(char text[SHARDS_ID_TEXT_BYTES], uint64_t whole)
{
    uint32_t shard = 0;
    uint64_t id = 0;
    const bool is_id = shards_id_split(whole, SLOTQ_SHARDS_MAX, &shard, &id);
    SLOTQ_ASSERT(is_id);
    (void)is_id;
    const int length = snprintf(text, SHARDS_ID_TEXT_BYTES, "%" PRIu32 "-%" PRIu64, shard, id);
    SLOTQ_ASSERT(length > 0 && length < SHARDS_ID_TEXT_BYTES);
    return (size_t)length;
}

void shards_id_text(char text[SHARDS_ID_TEXT_BYTES], uint64_t id)
{
    uint32_t shard;
    uint64_t low;
    if (shards_id_split(id, SLOTQ_SHARDS_MAX, &shard, &low)) {
        (void)shards_id_print(text, id);
    } else {
        (void)snprintf(text, SHARDS_ID_TEXT_BYTES, "%" PRIu64, id);
    }
}

bool shards_id_read(const char *text, size_t bytes, uint64_t *whole)
{
    const char *dash = bytes == 0 ? NULL : memchr(text, '-', bytes);
    if (dash == NULL) {
        return false;
    }
    const size_t digits = (size_t)(dash - text);
    uint64_t shard = 0;
    uint64_t id = 0;
    if (!number_read(text, digits, 10, SLOTQ_SHARDS_MAX - 1, &shard) ||
        !number_read(dash + 1, bytes - digits - 1, 10, SLOTQ_ID_MAX, &id) || id == 0) {
        return false;
    }
    *whole = shards_id_of((uint32_t)shard, id);
    return true;
}
