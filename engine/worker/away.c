/* away.c: queues that cannot be reached, refuse, were made anew, or are given up (away.h). Does not
 * know hands or handlers.
 */
#include "away.h"

#include <inttypes.h>
#include <stdio.h>

#include "clock.h"
#include "keep.h"
#include "tell.h"

enum { LEASE_TICKS_LEAST = 3 };

bool away_read_geometry(worker_queue *queue, slotq *handle, slotq_error *error)
{
    const slotq_geometry *geometry = slotq_geometry_of(handle);
    const uint64_t least_ms = (uint64_t)LEASE_TICKS_LEAST * geometry->tick_ms;
    const uint64_t most_ms = (uint64_t)SLOTQ_LEASE_TICKS_MAX * geometry->tick_ms;
    *error = (slotq_error){.outcome = SLOTQ_INVALID};
    if (queue->options.group >= geometry->groups) {
        snprintf(error->text, sizeof error->text, "%s has no group %u: it has %u", queue->name,
                 queue->options.group, geometry->groups);
        return false;
    }
    if (queue->lease_ms < least_ms || queue->lease_ms > most_ms) {
        snprintf(error->text, sizeof error->text,
                 "lease_ms is %" PRIu64 " for %s; it must be %" PRIu64 " (3 ticks, as it is "
                 "extended at a third) to %" PRIu64,
                 queue->lease_ms, queue->name, least_ms, most_ms);
        return false;
    }
    atomic_store(&queue->most_ms, most_ms);
    atomic_store(&queue->max_attempts, geometry->max_attempts);
    return true;
}

/* ---- the end ---- */

static bool all_failed(const slotq_worker *worker)
{
    for (uint32_t i = 0; i < worker->queue_count; i++) {
        if (!worker->queues[i]->failed) {
            return false;
        }
    }
    return true;
}

void away_look_whether_over(slotq_worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    bool over = worker_state(worker) == SLOTQ_WORKER_DRAINING;
    for (uint32_t i = 0; over && i < worker->queue_count; i++) {
        over = worker->queues[i]->failed || worker->queues[i]->drained;
    }
    pthread_mutex_unlock(&worker->lock);
    if (over) {
        slotq_worker_stop(worker);
    }
}

static void fail(worker_queue *queue, const slotq_error *error)
{
    slotq_worker *worker = queue->worker;
    pthread_mutex_lock(&worker->lock);
    const bool first = !queue->failed;
    queue->failed = true;
    worker->error = *error;
    const bool all = all_failed(worker);
    worker->last_failure = all ? error->outcome : worker->last_failure;
    pthread_mutex_unlock(&worker->lock);
    if (first) {
        tell_queue(queue, SLOTQ_EVENT_QUEUE_FAILED, error->outcome, error->text);
    }
    if (all) {
        slotq_worker_stop_now(worker);
    }
}

/* ---- away, and back ---- */

static void note_remade(worker_queue *queue, slotq *handle)
{
    slotq_worker *worker = queue->worker;
    slotq_error error;
    const uint32_t generation = slotq_geometry_of(handle)->generation;
    pthread_mutex_lock(&worker->lock);
    const bool first = queue->generation != generation;
    queue->generation = generation;
    pthread_mutex_unlock(&worker->lock);
    if (!first) {
        return;
    }
    tell_queue(queue, SLOTQ_EVENT_REMADE, SLOTQ_REMADE,
               "the queue was made anew; what was leased is gone with the old one");
    if (!away_read_geometry(queue, handle, &error)) {
        fail(queue, &error);
    }
    keep_ring(queue); /* cron entries are placed again */
}

static void note_trouble(worker_queue *queue, slotq *handle, slotq_outcome outcome)
{
    slotq_worker *worker = queue->worker;
    const slotq_error error = *slotq_error_of(handle);
    const uint64_t now_ms = clock_run_ms();
    const bool passes = error.passes || outcome == SLOTQ_OUTCOME_UNKNOWN;
    pthread_mutex_lock(&worker->lock);
    const bool first = !queue->away;
    if (first) {
        queue->away_since_ms = now_ms;
        queue->refusals = 0;
        atomic_store(&queue->away, true);
    }
    if (now_ms >= queue->away_until_ms) { /* others that met the same at once count as one */
        queue->refusals++;
        queue->away_until_ms = now_ms + pace_patience_ms(queue->refusals, clock_chance());
    }
    worker->error = error;
    const uint64_t patience_ms = worker->options.patience_ms;
    const bool over = patience_ms != 0 && now_ms - queue->away_since_ms >= patience_ms;
    pthread_mutex_unlock(&worker->lock);
    if (!passes || over) {
        fail(queue, &error);
    } else if (first) {
        tell_queue(queue, SLOTQ_EVENT_AWAY, outcome, error.text);
    }
}

static void note_back(worker_queue *queue)
{
    slotq_worker *worker = queue->worker;
    pthread_mutex_lock(&worker->lock);
    const bool was_away = queue->away;
    atomic_store(&queue->away, false);
    queue->away_until_ms = 0;
    if (was_away && worker->parked != 0) {
        pthread_cond_broadcast(&worker->work);
    }
    pthread_mutex_unlock(&worker->lock);
    if (was_away) {
        tell_queue(queue, SLOTQ_EVENT_BACK, SLOTQ_OK, NULL);
    }
}

void away_note(worker_queue *queue, slotq *handle, slotq_outcome outcome)
{
    if (outcome >= SLOTQ_FAILURES || outcome == SLOTQ_NOQUEUE || outcome == SLOTQ_INVALID) {
        note_trouble(queue, handle, outcome);
        return;
    }
    if (atomic_load(&queue->away)) {
        note_back(queue);
    }
    if (outcome == SLOTQ_REMADE) {
        note_remade(queue, handle);
    }
}
