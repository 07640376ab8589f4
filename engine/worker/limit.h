/* limit.h: how long a run may take, when its lease is to be extended, and how often a task is
 * tried. With queue->lock, but limit_attempts.
 */
#ifndef SLOTQ_WORKER_LIMIT_H
#define SLOTQ_WORKER_LIMIT_H

#include "worker.h"

/* When the run is over its limit, clock_run_ms. */
uint64_t limit_at_ms(const slotq_task *task, uint64_t begun_ms);
/* It is: told once. */
void limit_tell(worker_queue *queue, slotq_task *task, uint64_t run);
/* It is over its limit by a third of the lease: another attempt, or the dead section. */
settlement limit_stuck_plan(const worker_queue *queue, const slotq_task *task);
/* When the lease is to be extended, clock_run_ms: now or later. */
uint64_t limit_renew_at_ms(const worker_queue *queue, uint64_t renewed_ms, uint64_t retry_at_ms,
                           uint64_t now_ms);
void limit_tell_event(worker_queue *queue, const slotq_task *task, slotq_event_kind kind,
                      const char *text);
/* info.attempts_most is lowered to the handler's, and to the task's own. */
void limit_attempts(slotq_task *task);

#endif
