/* reply_owes.h: what stands before the reply of a verb on a shard whose bell is to be rung
 * (SHARDS.md, rule 45). Must not know verbs.
 */
#ifndef SLOTQ_BACKEND_REDIS_REPLY_OWES_H
#define SLOTQ_BACKEND_REDIS_REPLY_OWES_H

#include <hiredis/hiredis.h>

#include "request.h"

/* The reply of the verb itself; *nudge: what the caller owes, need 0 if nothing. nudge may be NULL.
 */
const redisReply *redis_reply_owes(const redis_terms *terms, const redisReply *reply,
                                   slotq_nudge *nudge);

#endif
