/* state.h: signals that stop a worker.
 */
#ifndef SLOTQ_WORKER_STATE_H
#define SLOTQ_WORKER_STATE_H

#include "worker.h"

/* From now on those that catch_signals named stop the worker. False: errno. */
bool state_watch_signals(slotq_worker *worker);
void state_end_signals(slotq_worker *worker);
/* Wait until other threads have left the calls that change the state. */
void state_end_calls(slotq_worker *worker);

#endif
