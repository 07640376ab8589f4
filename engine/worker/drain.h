/* drain.h: whether a queue of a worker that drains has nothing unfinished any more.
 */
#ifndef SLOTQ_WORKER_DRAIN_H
#define SLOTQ_WORKER_DRAIN_H

#include "worker.h"

/* The hand's queue had no message. It is drained if it has no unfinished one either, while nothing
 * runs here; until a message of any queue is taken. */
void drain_look(const worker_hand *hand);
/* Messages were taken: their handlers may push into any queue. With worker->lock. */
void drain_note_taken(worker_hand *hand);

#endif
