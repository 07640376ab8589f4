/* keep.h: the keeper of a queue: a thread that extends leases while handlers run, gives back what a
 * long run keeps waiting, tells time limits, settles what is owed, and places cron entries. In loop
 * mode slotq_worker_step does its passes.
 */
#ifndef SLOTQ_WORKER_KEEP_H
#define SLOTQ_WORKER_KEEP_H

#include "worker.h"

/* The first queue's also waits for signals. 0, or an errno. */
int keep_start(worker_queue *queue);
/* One look at everything; when the next one is due, clock_run_ms. */
uint64_t keep_pass(worker_queue *queue);
/* The last look. A task that is finished from now on is freed at once. */
void keep_leave(worker_queue *queue);
/* slotq_worker_signalled and signals only note: here the worker stops. */
void keep_take_signals(slotq_worker *worker);
/* Wake the keeper. Also in a signal handler. */
void keep_ring(worker_queue *queue);
/* A hand has begun: its keeper is to look in time. */
void keep_note_begin(worker_hand *hand);
/* A thread that does not return from run_many: another one takes its place where it is stuck. True:
 * one did, now or before. Without one the worker is quiet. With queue->lock. */
bool keep_leave_thread(worker_thread *thread, bool is_stuck);
/* Of SLOTQ_EVENT_STUCK. */
const char *keep_stuck_text(bool replaced);
/* A hand whose thread returned after it was given up. */
void keep_free_abandoned(worker_hand *hand);

#endif
