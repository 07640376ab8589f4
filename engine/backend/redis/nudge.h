/* nudge.h: what consumers of a sharded queue tell one another at the bell, and what they have been
 * told there (SHARDS.md, rules 36 to 47). Knows one shard in Redis; must not know the others.
 */
#ifndef SLOTQ_BACKEND_REDIS_NUDGE_H
#define SLOTQ_BACKEND_REDIS_NUDGE_H

#include "store.h"

/* The outcomes of all of these are OK or what a call of a verb may have besides: NOQUEUE, REMADE,
 * IO, …; fault then says why. None is repeated that may have happened. */

/* Tell consumers that sleep at this queue, the bell, of `need` messages of a group, or of each one
 * (SLOTQ_ALL_GROUPS): in shard `shard`, or REDIS_TO_ROUND: to make a round. *told: clients that
 * were told; *may_sleep: bit 0 of the bell's `wake` as it is then. If *told is 0, and *may_sleep is
 * false, and a reply (call->nudge) asked for it, the caller calls hush at that shard. */
enum { REDIS_TO_ROUND = -1 };
slotq_outcome redis_store_nudge(redis_store *self, const slotq_nudge *nudge, int32_t shard,
                                uint32_t *told, bool *may_sleep, store_fault *fault);

/* Clear ring-the-bell of this shard, if its counter still is that of a reply. */
slotq_outcome redis_store_hush(redis_store *self, uint32_t counter, store_fault *fault);

/* Give up the handle's place in a group's row; *was_set: it was set, so no consumer was told
 * of anything in this client's stead. Without a place: OK and false. */
slotq_outcome redis_store_unwait(redis_store *self, uint32_t group, bool *was_set,
                                 store_fault *fault);

/* Take what the channel of the handle's place has said for a group. asks: send PING and read up to
 * its reply, so that all that was published before this call is in it (rule 47). false: the handle
 * is not subscribed (any more); what had arrived is in *told. */
bool redis_store_told(redis_store *self, uint32_t group, bool asks, redis_told *told);

#endif
