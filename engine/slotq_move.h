/* slotq_move.h: a message that a worker holds goes to another queue: it is acked here and pushed
 * there. slotq.h includes it.
 *
 *     if (slotq_move(jobs, 0, message.id, message.token, by_hand, NULL, &new_id) == SLOTQ_OK) …
 *
 * Between two handles to one Redis server and database, in a cluster to queues of one slot, with
 * the same user and clock, this is one step: whatever breaks, the message is in one of the two
 * queues. Otherwise it is a push and then an ack: never in none, and in both after a crash between
 * them, or if the lease ends meanwhile. The message is then delivered here again, and moved again.
 * If the target was created with SLOTQ_FLAG_KEYS, a message that a push and an ack move again is
 * there once: it has a key, slotq_move_key, for which the rules of SLOTQ_KEY_ONCE hold
 * (slotq_keys.h). Two messages have one key if generation, id, group, push time and payload are
 * equal, as in a queue and a copy of its bytes that both go on, or in a queue that was set back to
 * an older copy; without SLOTQ_FLAG_STAMPS the push time is 0. Of two such messages the target gets
 * one.
 */
#ifndef SLOTQ_MOVE_H
#define SLOTQ_MOVE_H

#include "slotq.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Move a message that is leased by this token, with its payload or with data (borrowed for the
 * call) instead. Its attempts begin anew. `to` is another queue, of any kind; both handles belong
 * to the calling thread. A batch that has the message keeps it: slotq_batch_drop. If the outcome is
 * not OK, slotq_error_of(from) says which queue refused, or failed.
 *
 * OK: *new_id (may be NULL) is its id in `to`; 0 if it was moved before, and the key is that of a
 * scheduled message. STALE, GONE, NOTFOUND: as slotq_ack; nothing was pushed, but if *new_id is not
 * 0: the lease ended during the call, and the message is in both. FULL, PAUSED, TOOBIG, NOQUEUE,
 * REMADE: as slotq_push and slotq_ack; nothing was moved, it is still leased. INVALID: also if both
 * handles are to one queue. CORRUPT: also if the message's slot is damaged, and data is NULL.
 *
 * OUTCOME_UNKNOWN: in one step it was moved, or not: the same call again returns GONE if it was and
 * the lease has not ended. In two steps the push, or the ack if *new_id is not 0, may have
 * happened, and the message is still leased, or acked: the same call again moves it or returns
 * GONE. UNCONFIRMED (Redis with wait_replicas or wait_fsynced, in two steps): it was pushed, with
 * *new_id, but too few have it; it is still leased here. Other failures: nothing was acked, and if
 * *new_id is not 0, the message is in both. In one step a replica, or a disk, has either both
 * halves or none, and these options have no effect. */
SLOTQ_API slotq_outcome slotq_move(slotq *from, uint8_t group, uint64_t id, uint32_t token,
                                   slotq *to, const slotq_data *data, uint64_t *new_id);

/* The key that a message of a group of this queue (from a batch: reserve, peek, dead_list) has in
 * the queue that it was moved to by a push and an ack, for slotq_find; and for a push of a message
 * that died in that group (slotq_push_with). 0 if a pointer is NULL. */
SLOTQ_API uint64_t slotq_move_key(const slotq *from, uint8_t group, const slotq_message *message);

#ifdef __cplusplus
}
#endif
#endif
