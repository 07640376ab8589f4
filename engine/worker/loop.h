/* loop.h: a worker without threads for handlers: the caller's loop steps. A queue in Redis gives a
 * descriptor for wake-ups; for one in a file or in memory a small thread, the bridge, waits, or the
 * loop polls.
 */
#ifndef SLOTQ_WORKER_LOOP_H
#define SLOTQ_WORKER_LOOP_H

#include "worker.h"

slotq_outcome loop_open(slotq_worker *worker, slotq_error *error);
void loop_close(slotq_worker *worker);

/* How long a reserve of a hand may wait: it registers for wake-ups by that. 0 with threads. */
uint64_t loop_wait_ms(const worker_hand *hand);
/* The queue has nothing: wake-ups are waited for; when to look again, clock_run_ms. */
uint64_t loop_empty(worker_hand *hand, uint64_t now_ms);

#endif
