/* cron_turn.c: the cron entries of a worker's queue (cron_turn.h).
 */
#include "cron_turn.h"

uint64_t cron_turn(worker_queue *queue, uint64_t now_ms)
{
    (void)queue;
    return now_ms + 60000;
}

bool cron_is_too_late(const slotq_task *task)
{
    (void)task;
    return false;
}

void cron_free_entries(worker_queue *queue)
{
    (void)queue;
}
