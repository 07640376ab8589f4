/* reply_owes.h: what replies of a shard say besides: that the bell is to be rung, and how full it
 * is (SHARDS.md, rules 30, 33 and 45). Must not know outcomes.
 */
#ifndef SLOTQ_BACKEND_REDIS_REPLY_OWES_H
#define SLOTQ_BACKEND_REDIS_REPLY_OWES_H

#include <hiredis/hiredis.h>

#include "request.h"

/* The reply of the verb itself; *nudge: what the caller owes, need 0 if nothing. nudge may be NULL.
 */
const redisReply *redis_reply_owes(const redis_terms *terms, const redisReply *reply,
                                   slotq_nudge *nudge);

/* The id in the reply of a push; push->used and sleepers: what a shard says of itself. */
const redisReply *redis_reply_fill(const redisReply *reply, slotq_call_push *push);

#endif
