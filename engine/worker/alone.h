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
/* Wait until the thread's hand may run. False: it took too long, or the worker stops: give it back.
 * After true call alone_leave when it has run. */
bool alone_enter(worker_thread *self);
void alone_leave(worker_thread *self);
/* The same with worker->lock, of a thread whose handler does not return. */
void alone_end(worker_thread *thread);

#endif
