/* alone.h: messages that may kill the process. One with many attempts, which perhaps ended the
 * processes that ran it, is taken alone; in the first 1.5 leases of a worker it also runs with
 * nothing beside it, so that it costs no other message an attempt.
 */
#ifndef SLOTQ_WORKER_ALONE_H
#define SLOTQ_WORKER_ALONE_H

#include "worker.h"

/* If the hand has such a message, all others are given back. False: the queue did not answer. The
 * hand is not begun yet. */
bool alone_trim(worker_hand *hand);
/* Wait until the hand may run. False: it took too long, or the worker stops: give it back. After
 * true call alone_leave with the same *how. */
bool alone_enter(worker_hand *hand, uint32_t *how);
void alone_leave(slotq_worker *worker, uint32_t how);

#endif
