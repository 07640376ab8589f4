/* alone.c: messages that may kill the process (alone.h). Does not know why they would.
 */
#include "alone.h"

#include "away.h"
#include "clock.h"
#include "hand.h"
#include "settle.h"

enum { NOTHING, BESIDE, ALONE }; /* worker_thread.alone */

bool alone_trim(worker_hand *hand)
{
    if (hand->suspect == UINT32_MAX) {
        return true;
    }
    pace_prefetch_reset(&hand->prefetch);
    if (hand->count == 1) {
        return true;
    }
    const worker_queue *queue = hand->queue;
    const uint64_t sent_ms = clock_lease_ms();
    const uint64_t id = hand->items[hand->suspect].id;
    slotq_outcome outcome =
        slotq_mark(hand->handle, SLOTQ_SETTLE_EXTEND, hand->batch, id, queue->lease_ms, 0, NULL);
    if (outcome == SLOTQ_OK) {
        outcome = slotq_settle_batch(hand->handle, SLOTQ_SETTLE_RELEASE, hand->batch, 0, 0);
    }
    if (!settle_is_answer(outcome)) {
        away_note(hand->queue, hand->handle, outcome);
        return false;
    }
    settle_count(hand->queue, NULL, COUNT_GIVEN_BACK, hand->count - 1);
    slotq_batch_rewind(hand->batch);
    hand_fill(hand, sent_ms);
    return true;
}

/* ---- with worker->lock ---- */

static void wait_turn(slotq_worker *worker, uint64_t until_ms)
{
    const struct timespec until = clock_timespec(until_ms);
    pthread_cond_timedwait(&worker->alone_turn, &worker->lock, &until);
}

bool alone_is_closed(const slotq_worker *worker)
{
    return atomic_load_explicit(&worker->alone_phase, memory_order_relaxed) &&
           (worker->alone_runs || worker->alone_waits) && clock_run_ms() < worker->alone_until_ms;
}

void alone_note_ask(worker_thread *self)
{
    slotq_worker *worker = self->worker;
    if (atomic_load_explicit(&worker->alone_phase, memory_order_relaxed) && !worker->options.loop &&
        atomic_load(&self->alone) == NOTHING) {
        atomic_store(&self->alone, BESIDE);
        worker->beside++;
    }
}

void alone_wait_open(slotq_worker *worker)
{
    wait_turn(worker, worker->alone_until_ms);
}

/* The only one that waits: until no other thread has messages. False: it took too long. */
static bool wait_alone(worker_thread *self)
{
    slotq_worker *worker = self->worker;
    const uint64_t until_ms =
        clock_sooner(worker->alone_until_ms, clock_run_ms() + self->hand->queue->lease_ms / 3);
    alone_end(self);
    worker->alone_waits = true;
    while (worker->beside != 0 && worker_takes(worker) && clock_run_ms() < until_ms) {
        wait_turn(worker, until_ms);
    }
    worker->alone_waits = false;
    const bool may_run = worker->beside == 0 || clock_run_ms() >= worker->alone_until_ms;
    if (may_run) {
        atomic_store(&self->alone, ALONE);
        worker->alone_runs = true;
    } else {
        pthread_cond_broadcast(&worker->alone_turn);
    }
    return may_run;
}

/* ---- a hand ---- */

bool alone_enter(worker_thread *self)
{
    slotq_worker *worker = self->worker;
    if (!atomic_load_explicit(&worker->alone_phase, memory_order_relaxed)) {
        return true;
    }
    bool may_run = true;
    pthread_mutex_lock(&worker->lock);
    alone_note_ask(self);
    if (clock_run_ms() >= worker->alone_until_ms) {
        atomic_store(&worker->alone_phase, false);
    } else if (alone_is_closed(worker)) {
        may_run = false;
    } else if (self->hand->suspect != UINT32_MAX) {
        may_run = wait_alone(self);
    }
    pthread_mutex_unlock(&worker->lock);
    return may_run;
}

bool alone_may_go_on(slotq_worker *worker)
{
    if (!atomic_load_explicit(&worker->alone_phase, memory_order_relaxed)) {
        return true;
    }
    pthread_mutex_lock(&worker->lock);
    const bool may = !alone_is_closed(worker);
    pthread_mutex_unlock(&worker->lock);
    return may;
}

void alone_end(worker_thread *thread)
{
    slotq_worker *worker = thread->worker;
    const uint32_t how = atomic_exchange(&thread->alone, NOTHING);
    if (how == ALONE) {
        worker->alone_runs = false;
    } else if (how == BESIDE) {
        worker->beside--;
    }
    if (how != NOTHING) {
        pthread_cond_broadcast(&worker->alone_turn);
    }
}

void alone_leave(worker_thread *self)
{
    if (atomic_load_explicit(&self->alone, memory_order_relaxed) != NOTHING) {
        pthread_mutex_lock(&self->worker->lock);
        alone_end(self);
        pthread_mutex_unlock(&self->worker->lock);
    }
}
