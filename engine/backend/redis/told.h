/* told.h: what messages of places' channels say: which row is to look where (SHARDS.md, rule 40).
 * Knows their text; no connection.
 */
#ifndef SLOTQ_BACKEND_REDIS_TOLD_H
#define SLOTQ_BACKEND_REDIS_TOLD_H

#include <hiredis/hiredis.h>

#include "../../slotq_core.h"

/* What was said for a group. */
typedef struct redis_told {
    bool bell;                            /* look at the queue itself, the bell */
    bool round;                           /* make a round */
    bool shard;                           /* look at some of these */
    uint8_t shards[SLOTQ_SHARDS_MAX / 8]; /* bit i % 8 of byte i / 8: shard i */
} redis_told;

/* Note a message, `[s]message`, channel, text: "wake R", "wake R i", "round R". One of another text
 * is for each group, one of the row of room for none. */
void redis_told_note(redis_told told[SLOTQ_GROUPS_MAX], const redisReply *message);

#endif
