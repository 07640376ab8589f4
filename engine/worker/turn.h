/* turn.h: which queue is asked for messages next: by weight or in order, within its rate and its
 * threads, and not while it rests or is away. All with worker->lock.
 */
#ifndef SLOTQ_WORKER_TURN_H
#define SLOTQ_WORKER_TURN_H

#include "worker.h"

/* The thread may run a handler of the queue. */
bool turn_has_permit(const slotq_worker *worker, const worker_thread *self,
                     const worker_queue *queue);
bool turn_has_hand(const worker_queue *queue);
/* The queue to be asked now; NULL: none, but perhaps from *next_ms on. A queue that was empty is
 * not asked for a while, only watched. */
worker_queue *turn_choose(slotq_worker *worker, worker_thread *self, uint64_t now_ms,
                          uint64_t *next_ms);
/* A queue that no thread watches, and that may be asked; NULL: none. */
worker_queue *turn_to_watch(slotq_worker *worker, const worker_thread *self, uint64_t now_ms);
/* Messages may be taken from the queue now, as far as this worker is concerned. */
bool turn_may_ask(const worker_queue *queue, uint64_t now_ms);
/* When a thread without work is to look again; UINT64_MAX: when it is woken. */
uint64_t turn_due_ms(slotq_worker *worker, uint64_t now_ms);

#endif
