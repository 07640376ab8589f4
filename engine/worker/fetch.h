/* fetch.h: which queue a thread takes messages from, and how many; settling what it has worked on
 * in the same trip.
 */
#ifndef SLOTQ_WORKER_FETCH_H
#define SLOTQ_WORKER_FETCH_H

#include "worker.h"

typedef enum fetch_answer {
    FETCH_HAND, /* self->hand has messages */
    FETCH_MANY, /* gathered tasks are due: gather.h */
    FETCH_NONE, /* loop mode: nothing now */
    FETCH_END   /* the thread is to end */
} fetch_answer;

/* Messages for a thread without a hand. Waits for them where may_wait is set. */
fetch_answer fetch_first(worker_thread *self, bool may_wait);
/* Settle the hand; with may_take take the next messages of its queue, if it is that queue's turn.
 * False: the hand was given back. */
bool fetch_again(worker_thread *self, bool may_take);

enum { RELEASE_REST_MS = 1000 };
/* Nothing is taken from the queue for so long. */
void fetch_rest_queue(worker_queue *queue, uint64_t rest_ms);

/* ---- with worker->lock ---- */

/* End waits, and let parked threads look again. */
void fetch_wake_all(slotq_worker *worker);
void fetch_free_hand(worker_hand *hand);
void fetch_end_permit(worker_thread *self);
/* Nothing is begun while true: set halted of all queues by state and rests. */
void fetch_halt(slotq_worker *worker);

#endif
