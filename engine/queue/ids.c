/* ids.c: ids as text, of queues that are alone and of sharded ones (slotq_shards.h).
 */
#include <inttypes.h>
#include <stdio.h>

#include "../backend/shards/ids.h"
#include "../backend/shards/number.h"
#include "../slotq.h"

_Static_assert((int)SLOTQ_ID_TEXT_BYTES == (int)SHARDS_ID_TEXT_BYTES, "room for both forms");

size_t slotq_id_print(char text[SLOTQ_ID_TEXT_BYTES], uint64_t id)
{
    uint32_t shard;
    uint64_t in_shard;
    if (shards_id_split(id, SLOTQ_SHARDS_MAX, &shard, &in_shard)) {
        return shards_id_print(text, id);
    }
    return (size_t)snprintf(text, SLOTQ_ID_TEXT_BYTES, "%" PRIu64, id);
}

bool slotq_id_read(const char *text, size_t bytes, uint64_t *id)
{
    uint64_t number;
    if (number_read(text, bytes, 10, SLOTQ_ID_MAX, &number) && number != 0) {
        *id = number;
        return true;
    }
    return shards_id_read(text, bytes, id);
}
