/* at_bell.h: how a queue in Redis is the bell of a sharded queue, or a shard beside it, as
 * backend.h has it. Knows nudge.h and the waiter; no rule of SHARDS.md.
 */
#ifndef SLOTQ_BACKEND_REDIS_AT_BELL_H
#define SLOTQ_BACKEND_REDIS_AT_BELL_H

#include "../backend.h"

extern const store_bell_ops redis_bell_ops;

#endif
