/* cron_turn.h: the cron entries of a worker: the keeper of their queue places the next occurrences.
 */
#ifndef SLOTQ_WORKER_CRON_TURN_H
#define SLOTQ_WORKER_CRON_TURN_H

#include "worker.h"

/* Place what is to be placed now; when to look again, clock_run_ms. With queue->lock. */
uint64_t cron_turn(worker_queue *queue, uint64_t now_ms);
/* The task is an occurrence that starts later than its entry allows; it is counted and told. */
bool cron_is_too_late(const slotq_task *task);
void cron_free_entries(worker_queue *queue);

#endif
