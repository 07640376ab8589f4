/* run.h: the life of a thread that runs handlers.
 */
#ifndef SLOTQ_WORKER_RUN_H
#define SLOTQ_WORKER_RUN_H

#include "worker.h"

/* With worker->lock. 0, or an errno: no memory, or no thread. */
int run_start_thread(slotq_worker *worker);
/* What it runs. The argument is a worker_thread. */
void *run_thread_main(void *argument);
/* A thread that takes the place of others joins those that have ended. */
void run_join_ended(slotq_worker *worker);
/* Without a thread: for loop mode. NULL: no memory. */
worker_thread *run_new_thread(slotq_worker *worker);
void run_free_thread(worker_thread *thread);

/* Its handler hangs: it has no permit any more, and with may_replace and stuck_most another thread
 * gets its place: true. With worker->lock. */
bool run_give_up(worker_thread *thread, bool may_replace);
/* The handler returned in the end: the thread ends if another one has its place. With
 * worker->lock. */
void run_come_back(worker_thread *self);

/* Run the next message of self->hand; false: there is none that may be begun. */
bool run_one(worker_thread *self);
/* No more of the hand is run: what is left is given back. */
void run_note_rest(worker_hand *hand);
/* Run gathered tasks, if some are due; their number. */
uint32_t run_many(worker_thread *self);

#endif
