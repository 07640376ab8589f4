/* run.h: the life of a thread that runs handlers.
 */
#ifndef SLOTQ_WORKER_RUN_H
#define SLOTQ_WORKER_RUN_H

#include "worker.h"

/* With worker->lock. False: no memory, or no thread. */
bool run_start_thread(slotq_worker *worker);
/* Without a thread: for loop mode. NULL: no memory. */
worker_thread *run_new_thread(slotq_worker *worker);
void run_free_thread(worker_thread *thread);

/* Its handler hangs: it has no permit any more, and with may_replace and stuck_most another thread
 * gets its place: true. With worker->lock. */
bool run_give_up(worker_thread *thread, bool may_replace);
/* The handler returned in the end: the thread ends if another one has its place. With
 * worker->lock. */
void run_come_back(worker_thread *self);

/* Run the messages of self->hand, at most `most`; their number. */
uint32_t run_hand(worker_thread *self, uint32_t most);
/* Run gathered tasks, if some are due; their number. */
uint32_t run_many(worker_thread *self);

#endif
