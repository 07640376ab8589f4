/* slotq_shards.h: ids as text, also those of sharded queues: one name for many queues, its shards
 * (SHARDS.md). slotq.h includes it.
 */
#ifndef SLOTQ_SHARDS_H
#define SLOTQ_SHARDS_H

#include "slotq.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- ids ---- */

/* Room for every id as text, with a 0 at its end. */
enum { SLOTQ_ID_TEXT_BYTES = 24 };

/* Write an id, or a later id: "1042" of a queue that is alone; of a sharded queue the shard's
 * number, a dash, and the id in the shard: "3-1042". Returns its length. */
SLOTQ_API size_t slotq_id_print(char text[SLOTQ_ID_TEXT_BYTES], uint64_t id);
/* Read either form, of `bytes` bytes: numbers are digits without a leading zero. false: it is
 * neither, or out of range, and *id stays. Whether the queue has such an id is judged by the call
 * that gets it. */
SLOTQ_API bool slotq_id_read(const char *text, size_t bytes, uint64_t *id);

#ifdef __cplusplus
}
#endif
#endif
