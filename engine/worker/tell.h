/* tell.h: events of a worker.
 */
#ifndef SLOTQ_WORKER_TELL_H
#define SLOTQ_WORKER_TELL_H

#include "worker.h"

/* Call on_event, if it asked for this kind. No lock of the worker is held but queue->lock. */
void tell(slotq_worker *worker, const slotq_event *event);
/* The same of a queue, with the error of the handle if outcome is not OK. */
void tell_queue(worker_queue *queue, slotq_event_kind kind, slotq_outcome outcome,
                const char *text);
/* The state is another one. */
void tell_state(slotq_worker *worker);
/* Keep a failure for slotq_worker_error. */
void tell_error(slotq_worker *worker, const slotq_error *error);

#endif
