/* alone.h: messages that may kill the process. One with many attempts, which perhaps ended the
 * processes that ran it, is taken alone; in the first 1.5 leases of a worker it also runs with
 * nothing beside it, and no thread holds others, so that it costs no other message an attempt.
 */
#ifndef SLOTQ_WORKER_ALONE_H
#define SLOTQ_WORKER_ALONE_H

#include "worker.h"

/* If the hand has such a message, all others are given back. False: the queue did not answer. The
 * hand is not begun yet. */
bool alone_trim(worker_hand *hand);
/* Whether the thread's hand may run. False: it is another's turn, or took too long, or the worker
 * stops: it must be given back. Call alone_leave when it is settled, and none was taken behind it.
 */
bool alone_enter(worker_thread *self);
void alone_leave(worker_thread *self);
/* False: take nothing more now. */
bool alone_may_go_on(slotq_worker *worker);

/* With worker->lock. The thread asks for messages: what runs alone waits until it has none. */
void alone_note_ask(worker_thread *self);
/* A message runs alone, or waits for that. */
bool alone_is_closed(const slotq_worker *worker);
/* Wait until that may have changed. */
void alone_wait_open(slotq_worker *worker);
/* As alone_leave; also of a thread whose handler does not return. */
void alone_end(worker_thread *thread);

#endif
