/* away.h: queues that cannot be reached, refuse, were made anew, or are given up; and when that is
 * the end of the worker.
 */
#ifndef SLOTQ_WORKER_AWAY_H
#define SLOTQ_WORKER_AWAY_H

#include "worker.h"

/* What a call on this handle returned: it may be away, or be back. worker->lock is not held. */
void away_note(worker_queue *queue, slotq *handle, slotq_outcome outcome);
/* Read the geometry into the queue. False: its group or lease do not fit, and error says so. */
bool away_read_geometry(worker_queue *queue, slotq *handle, slotq_error *error);
/* A drained worker stops when all its queues are. */
void away_look_whether_over(slotq_worker *worker);

#endif
