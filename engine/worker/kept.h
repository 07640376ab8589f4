/* kept.h: the keeper looks after tasks that outlive their handler's call: LATER, and gathered ones.
 */
#ifndef SLOTQ_WORKER_KEPT_H
#define SLOTQ_WORKER_KEPT_H

#include "worker.h"

enum { KEPT_STOP_MORE_MS = 1500 }; /* after a stop: how long what is owed is tried */

/* A finished task that is not to be settled: lost, or the worker ends. With queue->lock. */
void kept_drop(slotq_task *task);
/* Limits, results to be settled; those to be extended are added to queue->extends. When to look
 * again, clock_run_ms. With queue->lock. */
uint64_t kept_look(worker_queue *queue, uint64_t now_ms, uint32_t *extends);
/* The worker ends now: all handlers are told before trips are made. With queue->lock. */
void kept_tell_lost(worker_queue *queue);

#endif
