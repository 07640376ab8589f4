/* turn.c: which queue is asked for messages next (turn.h). Does not know how they are asked.
 */
#include "turn.h"

#include "clock.h"

bool turn_has_permit(const slotq_worker *worker, const worker_thread *self,
                     const worker_queue *queue)
{
    const bool own = self->hand != NULL && self->has_permit; /* a watcher's hand is not busy */
    uint32_t taken = worker->running - (self->has_permit ? 1 : 0);
    for (uint32_t i = 0; i < worker->queue_count; i++) {
        const worker_queue *other = worker->queues[i];
        const uint32_t busy = other->busy - (own && self->hand->queue == other ? 1 : 0);
        if (other == queue) {
            const uint32_t most = queue->options.threads_most;
            if (most != 0 && busy >= most) {
                return false;
            }
        } else if (other->options.threads_kept > busy) {
            taken += other->options.threads_kept - busy;
        }
    }
    return taken < worker->options.threads;
}

bool turn_has_hand(const worker_queue *queue)
{
    for (const worker_hand *hand = queue->hands; hand != NULL; hand = hand->next) {
        if (hand->state == HAND_FREE) {
            return true;
        }
    }
    return false;
}

/* When the queue may be asked: now_ms or later; UINT64_MAX: it depends on others. */
static uint64_t asked_from_ms(const slotq_worker *worker, const worker_queue *queue,
                              uint64_t now_ms)
{
    if (queue->failed || atomic_load(&worker->kept_count) >= worker->options.pending_most) {
        return UINT64_MAX;
    }
    uint64_t from_ms = now_ms;
    from_ms = queue->rest_until_ms > from_ms ? queue->rest_until_ms : from_ms;
    from_ms = queue->away_until_ms > from_ms ? queue->away_until_ms : from_ms;
    if (queue->bucket.interval_us != 0) {
        const uint64_t wait_us = pace_bucket_wait_us(&queue->bucket, clock_run_ns() / 1000);
        const uint64_t free_ms = now_ms + (wait_us + 999) / 1000;
        from_ms = free_ms > from_ms ? free_ms : from_ms;
    }
    return from_ms;
}

static worker_queue *starving(const slotq_worker *worker, uint64_t now_ms)
{
    worker_queue *longest = NULL;
    for (uint32_t i = 0; i < worker->queue_count; i++) {
        worker_queue *queue = worker->queues[i];
        if (worker->may_go[i] && clock_add(queue->asked_ms, worker->options.starve_ms) <= now_ms &&
            (longest == NULL || queue->asked_ms < longest->asked_ms)) {
            longest = queue;
        }
    }
    return longest;
}

static worker_queue *turn_of(slotq_worker *worker, uint64_t now_ms)
{
    const uint32_t count = worker->queue_count;
    if (!worker->options.strict) {
        const uint32_t i = pace_turn(worker->weights, worker->may_go, worker->credits, count);
        return i < count ? worker->queues[i] : NULL;
    }
    worker_queue *starved = starving(worker, now_ms);
    if (starved != NULL) {
        return starved;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (worker->may_go[i]) {
            return worker->queues[i];
        }
    }
    return NULL;
}

/* The queue to be asked now; NULL: none, but perhaps from *next_ms on. A queue that was empty is
 * not asked for a while, but by its watcher. */
worker_queue *turn_choose(slotq_worker *worker, worker_thread *self, uint64_t now_ms,
                          uint64_t *next_ms)
{
    *next_ms = UINT64_MAX;
    for (uint32_t i = 0; i < worker->queue_count; i++) {
        worker_queue *queue = worker->queues[i];
        const bool own = self->hand != NULL && self->hand->queue == queue;
        uint64_t from_ms = asked_from_ms(worker, queue, now_ms);
        if (!own) {
            from_ms = queue->look_at_ms > from_ms ? queue->look_at_ms : from_ms;
        }
        worker->may_go[i] = from_ms <= now_ms && (own || turn_has_hand(queue)) &&
                            turn_has_permit(worker, self, queue);
        if (from_ms > now_ms && !queue->watched) {
            *next_ms = clock_sooner(*next_ms, from_ms);
        }
    }
    worker_queue *chosen = turn_of(worker, now_ms);
    if (chosen != NULL) {
        chosen->asked_ms = now_ms;
    }
    return chosen;
}

worker_queue *turn_to_watch(slotq_worker *worker, const worker_thread *self, uint64_t now_ms)
{
    for (uint32_t i = 0; i < worker->queue_count; i++) {
        worker_queue *queue = worker->queues[i];
        if (!queue->watched && asked_from_ms(worker, queue, now_ms) <= now_ms &&
            turn_has_hand(queue) && turn_has_permit(worker, self, queue)) {
            return queue;
        }
    }
    return NULL;
}

bool turn_may_ask(const worker_queue *queue, uint64_t now_ms)
{
    return worker_takes(queue->worker) && turn_has_hand(queue) &&
           asked_from_ms(queue->worker, queue, now_ms) <= now_ms;
}

uint64_t turn_due_ms(slotq_worker *worker, uint64_t now_ms)
{
    uint64_t next_ms = atomic_load(&worker->gather_due_ms);
    for (uint32_t i = 0; i < worker->queue_count; i++) {
        const worker_queue *queue = worker->queues[i];
        if (turn_has_hand(queue)) {
            const uint64_t from_ms = asked_from_ms(worker, queue, now_ms);
            const uint64_t look_ms = queue->look_at_ms > from_ms ? queue->look_at_ms : from_ms;
            next_ms = clock_sooner(next_ms, look_ms);
        }
    }
    return next_ms;
}
