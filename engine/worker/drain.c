/* drain.c: whether a queue has nothing unfinished any more (drain.h). Does not know how messages
 * are taken.
 */
#include "drain.h"

#include "away.h"

/* No other thread runs a handler, which may push into any queue. With worker->lock. */
static bool is_alone(const slotq_worker *worker, const worker_thread *self)
{
    return worker->running == (self->has_permit ? 1 : 0) && worker->arriving == 0 &&
           atomic_load(&worker->kept_count) == 0;
}

void drain_look(const worker_hand *hand)
{
    worker_queue *queue = hand->queue;
    slotq_worker *worker = queue->worker;
    slotq_stats stats;
    pthread_mutex_lock(&worker->lock);
    const uint32_t taken = worker->taken;
    const bool alone =
        worker_state(worker) == SLOTQ_WORKER_DRAINING && is_alone(worker, hand->thread);
    pthread_mutex_unlock(&worker->lock);
    if (alone && slotq_get_stats(hand->handle, queue->options.group, &stats) == SLOTQ_OK) {
        pthread_mutex_lock(&worker->lock);
        queue->drained = stats.unfinished == 0 && taken == worker->taken;
        pthread_mutex_unlock(&worker->lock);
        away_look_whether_over(worker);
    }
}

void drain_note_taken(worker_hand *hand)
{
    slotq_worker *worker = hand->queue->worker;
    if (!hand->thread->has_permit) { /* its watcher gets a permit soon */
        hand->arrives = true;
        worker->arriving++;
    }
    worker->taken++;
    for (uint32_t i = 0; i < worker->queue_count; i++) {
        worker->queues[i]->drained = false;
    }
}
