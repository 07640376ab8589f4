/* fetch.c: which queue a thread takes messages from, and how many (fetch.h). Does not know
 * handlers.
 */
#include "fetch.h"

#include <string.h>

#include "alone.h"
#include "answer.h"
#include "away.h"
#include "clock.h"
#include "drain.h"
#include "gather.h"
#include "hand.h"
#include "keep.h"
#include "loop.h"
#include "settle.h"
#include "turn.h"

enum {
    LOOK_MS = 20,     /* a queue that was empty and is not watched is looked at again after this */
    PAUSED_MS = 1000, /* a queue that is paused */
    AGAIN_MS = 5,     /* a call reached a bound, or a token is not free before the next tick */
    WATCH_LEAST_MS = 1000,
    DRAIN_WATCH_MS = 500 /* no wake-up tells when the last message of others is finished */
};

/* ---- with worker->lock: hands and permits ---- */

static void take_hand(worker_thread *self, worker_queue *queue)
{
    for (worker_hand *hand = queue->hands; hand != NULL; hand = hand->next) {
        if (hand->state == HAND_FREE) {
            hand->state = HAND_BUSY;
            hand->thread = self;
            self->hand = hand;
            return;
        }
    }
}

static void take_permit(worker_thread *self)
{
    if (!self->has_permit) {
        self->has_permit = true;
        self->worker->running++;
    }
    self->hand->queue->busy++;
}

void fetch_end_permit(worker_thread *self)
{
    if (self->has_permit) {
        self->has_permit = false;
        self->worker->running--;
        if (self->worker->parked != 0) {
            pthread_cond_signal(&self->worker->work);
        }
    }
}

void fetch_free_hand(worker_hand *hand)
{
    if (hand->thread != NULL && hand->thread->hand == hand) {
        hand->thread->hand = NULL;
    }
    hand->thread = NULL;
    hand->state = HAND_FREE;
}

void fetch_wake_all(slotq_worker *worker)
{
    pthread_cond_broadcast(&worker->work);
    pthread_cond_broadcast(&worker->alone_turn);
    for (uint32_t i = 0; i < worker->queue_count; i++) {
        for (worker_hand *hand = worker->queues[i]->hands; hand != NULL; hand = hand->next) {
            if (hand->waits) {
                slotq_interrupt(hand->handle);
            }
        }
    }
}

void fetch_halt(slotq_worker *worker)
{
    const uint64_t now_ms = clock_run_ms();
    const bool takes = worker_takes(worker);
    for (uint32_t i = 0; i < worker->queue_count; i++) {
        worker_queue *queue = worker->queues[i];
        atomic_store(&queue->halted, !takes || queue->rest_until_ms > now_ms);
    }
}

void fetch_rest_queue(worker_queue *queue, uint64_t rest_ms)
{
    slotq_worker *worker = queue->worker;
    const uint64_t until_ms = clock_add(clock_run_ms(), rest_ms);
    pthread_mutex_lock(&worker->lock);
    queue->rest_until_ms = until_ms > queue->rest_until_ms ? until_ms : queue->rest_until_ms;
    fetch_halt(worker);
    pthread_mutex_unlock(&worker->lock);
}

/* ---- one call of the queue ---- */

static uint32_t wanted(const worker_queue *queue, const worker_hand *hand)
{
    const slotq_worker_queue *options = &queue->options;
    const uint32_t count =
        pace_prefetch_count(&hand->prefetch, options->prefetch_most, options->prefetch_ms);
    return count < hand->thread->most ? count : hand->thread->most;
}

/* Messages to be asked for: 0 where the rate lets none go. With worker->lock where there is one. */
static uint32_t ask_for(worker_queue *queue, const worker_hand *hand)
{
    const uint32_t count = wanted(queue, hand);
    return pace_bucket_take(&queue->bucket, count, clock_run_ns() / 1000);
}

/* The answer of a reserve. True: the hand has messages. */
static bool judge(worker_hand *hand, slotq_outcome outcome, uint32_t asked, uint64_t sent_ms)
{
    worker_queue *queue = hand->queue;
    slotq_worker *worker = queue->worker;
    if (outcome == SLOTQ_OK) {
        hand_fill(hand, sent_ms);
    } else {
        hand->count = 0;
    }
    if (outcome == SLOTQ_OK && worker->queue_count == 1 && !atomic_load(&queue->away) &&
        queue->bucket.interval_us == 0 &&
        (hand->count < asked || atomic_load_explicit(&worker->parked, memory_order_relaxed) == 0)) {
        return true;
    }
    const uint64_t now_ms = clock_run_ms();
    away_note(queue, hand->handle, outcome);
    const uint64_t loop_look_ms =
        worker->options.loop && (outcome == SLOTQ_EMPTY || outcome == SLOTQ_LIMITED)
            ? loop_empty(hand, now_ms)
            : 0;
    if (outcome >= SLOTQ_FAILURES || outcome == SLOTQ_REMADE) {
        pace_prefetch_reset(&hand->prefetch);
    }
    pthread_mutex_lock(&worker->lock);
    if (queue->bucket.interval_us != 0) {
        pace_bucket_give_back(&queue->bucket, asked); /* they go now, not before a wait */
        pace_bucket_pay(&queue->bucket, hand->count, clock_run_ns() / 1000);
    }
    if (outcome == SLOTQ_EMPTY || outcome == SLOTQ_LIMITED) {
        queue->look_at_ms = worker->options.loop ? loop_look_ms : now_ms + LOOK_MS;
    } else if (outcome == SLOTQ_PAUSED) {
        queue->look_at_ms = queue->rest_until_ms =
            now_ms + pace_jitter_ms(PAUSED_MS, clock_chance());
    } else {
        queue->look_at_ms = outcome == SLOTQ_AGAIN ? now_ms + AGAIN_MS : 0;
    }
    if (outcome == SLOTQ_OK) {
        drain_note_taken(hand);
    }
    if (outcome == SLOTQ_OK && hand->count >= asked && worker->parked != 0) {
        pthread_cond_signal(&worker->work); /* there may be more */
    }
    pthread_mutex_unlock(&worker->lock);
    if (outcome == SLOTQ_EMPTY || outcome == SLOTQ_PAUSED) {
        drain_look(hand);
    }
    return outcome == SLOTQ_OK;
}

static bool ask(worker_hand *hand, uint32_t count, uint64_t wait_ms)
{
    const worker_queue *queue = hand->queue;
    const uint64_t sent_ms = clock_lease_ms();
    const slotq_outcome outcome = slotq_reserve(hand->handle, queue->options.group, count,
                                                queue->lease_ms, wait_ms, hand->batch);
    hand->began_ns = clock_run_ns();
    return judge(hand, outcome, count, sent_ms);
}

/* ---- the next messages of the same queue ---- */

static bool is_gathered_due(const slotq_worker *worker, uint64_t now_ms)
{
    return atomic_load_explicit(&worker->gather_due_ms, memory_order_relaxed) <= now_ms;
}

/* Messages to take from the hand's queue; 0: it is another's turn, or none's. */
static uint32_t next_count(worker_thread *self, worker_hand *hand, uint64_t now_ms)
{
    slotq_worker *worker = self->worker;
    worker_queue *queue = hand->queue;
    if (!worker_takes(worker) || is_gathered_due(worker, now_ms) || !alone_may_go_on(worker)) {
        return 0;
    }
    if (worker->queue_count == 1 && queue->bucket.interval_us == 0 &&
        !atomic_load_explicit(&queue->halted, memory_order_relaxed) &&
        atomic_load_explicit(&worker->kept_count, memory_order_relaxed) <
            worker->options.pending_most) {
        return wanted(queue, hand);
    }
    uint64_t next_ms;
    uint32_t count = 0;
    pthread_mutex_lock(&worker->lock);
    if (worker_takes(worker) && !self->is_given_up) {
        fetch_halt(worker);
        self->chosen = turn_choose(worker, self, now_ms, &next_ms);
        count = self->chosen == queue ? ask_for(queue, hand) : 0;
    }
    pthread_mutex_unlock(&worker->lock);
    return count;
}

/* A settlement was not answered: the keeper has the hand until it is. */
static void owe(worker_thread *self, worker_hand *hand)
{
    slotq_worker *worker = self->worker;
    pthread_mutex_lock(&worker->lock);
    hand->owed_at_ms = 0;
    hand->owed_tries = 0;
    hand->owed_since_ms = clock_run_ms();
    hand->state = HAND_OWED;
    hand->thread = NULL;
    hand->queue->busy--;
    self->hand = NULL;
    pthread_mutex_unlock(&worker->lock);
    keep_ring(hand->queue);
}

/* Where a queue has threads_most, a parked thread may take the place of one that goes to another
 * queue. */
static void give_back(worker_thread *self, worker_hand *hand)
{
    slotq_worker *worker = self->worker;
    pthread_mutex_lock(&worker->lock);
    hand->queue->busy--;
    if (hand->queue->options.threads_most != 0 && self->chosen != NULL && worker->parked != 0) {
        pthread_cond_signal(&worker->work);
    }
    fetch_free_hand(hand);
    pthread_mutex_unlock(&worker->lock);
}

/* What was just taken and cannot be begun. What the queue does not answer comes back when its lease
 * ends. */
static void give_back_taken(worker_hand *hand)
{
    const uint32_t count = slotq_batch_count(hand->batch);
    const slotq_outcome outcome =
        slotq_settle_batch(hand->handle, SLOTQ_SETTLE_RELEASE, hand->batch, 0, 0);
    away_note(hand->queue, hand->handle, outcome);
    if (settle_is_answer(outcome) && outcome != SLOTQ_REMADE) {
        settle_count(hand->queue, NULL, COUNT_GIVEN_BACK, count);
    }
}

/* Settle what is in the batch, and with count != 0 reserve. */
static slotq_outcome trip(worker_hand *hand, uint32_t count, slotq_settled *settled)
{
    const worker_queue *queue = hand->queue;
    *settled = (slotq_settled){.outcome = SLOTQ_OK};
    if (count != 0) {
        return slotq_next(hand->handle, queue->options.group, count, queue->lease_ms, 0,
                          hand->batch, settled);
    }
    if (slotq_batch_count(hand->batch) != 0) {
        settled->outcome = slotq_settle_batch(hand->handle, SLOTQ_SETTLE_ACK, hand->batch, 0, 0);
    }
    return SLOTQ_EMPTY;
}

/* The hand was given up while its handler ran, and another thread goes on with its handle. */
static bool is_left_behind(worker_thread *self)
{
    slotq_worker *worker = self->worker;
    pthread_mutex_lock(&worker->lock);
    const bool left = self->is_given_up;
    pthread_mutex_unlock(&worker->lock);
    return left;
}

bool fetch_again(worker_thread *self, bool may_take)
{
    worker_hand *hand = self->hand;
    const uint64_t now_ns = clock_run_ns();
    const uint64_t ns = now_ns - hand->began_ns;
    const bool taken = hand_end(hand);
    if (taken && is_left_behind(self)) {
        self->hand = NULL;
        memset(self->runs, 0, mux_count(self->worker->mux) * sizeof *self->runs);
        keep_free_abandoned(hand);
        return false;
    }
    pace_prefetch_note(&hand->prefetch, hand->count, hand->failures, ns,
                       hand->queue->options.prefetch_most);
    if (taken || hand->is_mixed) {
        hand->is_mixed = true;
        answer_prepare(hand, taken);
    }
    const uint32_t count = may_take ? next_count(self, hand, now_ns / 1000000) : 0;
    /* Read once a batch: a worker that sees a sleep late takes its lease for older than it is. */
    const uint64_t sent_ms = now_ns / 1000000 + atomic_load(&self->worker->slept_ms);
    slotq_settled settled;
    const bool has_some = count != 0 || slotq_batch_count(hand->batch) != 0;
    const slotq_outcome outcome = trip(hand, count, &settled);
    bool owes = false;
    if (hand->is_mixed || settled.outcome != SLOTQ_OK) {
        hand->is_mixed = true;
        owes = answer_tell(hand, has_some);
        away_note(hand->queue, hand->handle, settled.outcome);
    }
    answer_count(self, hand, ns);
    if (owes) {
        if (outcome == SLOTQ_OK && count != 0) {
            give_back_taken(hand); /* what was before it is still to be settled */
        }
        owe(self, hand);
        return false;
    }
    hand->began_ns = now_ns;
    if (count != 0 && judge(hand, outcome, count, sent_ms)) {
        if (alone_trim(hand)) {
            return true;
        }
        owe(self, hand);
        return false;
    }
    give_back(self, hand);
    return false;
}

/* ---- a thread without a hand ---- */

static void park(slotq_worker *worker, uint64_t until_ms)
{
    worker->parked++;
    if (until_ms == UINT64_MAX) {
        pthread_cond_wait(&worker->work, &worker->lock);
    } else {
        const struct timespec until = clock_timespec(until_ms);
        pthread_cond_timedwait(&worker->work, &worker->lock, &until);
    }
    worker->parked--;
}

/* A lease counts from before the call, as its answer may come late: so the wait is short beside a
 * lease. And no longer than until gathered tasks are due: all other threads may be busy then. */
static uint64_t watch_ms(const worker_queue *queue)
{
    const slotq_worker *worker = queue->worker;
    const uint64_t quarter_ms = queue->lease_ms / 4;
    const uint64_t most_ms = quarter_ms > WATCH_LEAST_MS ? quarter_ms : WATCH_LEAST_MS;
    const bool drains = worker_state(worker) == SLOTQ_WORKER_DRAINING;
    const uint64_t now_ms = clock_run_ms();
    const uint64_t due_ms = atomic_load(&worker->gather_due_ms);
    return clock_sooner(drains ? DRAIN_WATCH_MS : most_ms, due_ms > now_ms ? due_ms - now_ms : 1);
}

/* The watcher of a queue: the lock is given up while it waits. True: it has messages, and may run
 * them. */
static bool watch(worker_thread *self, worker_queue *queue)
{
    slotq_worker *worker = self->worker;
    take_hand(self, queue);
    worker_hand *hand = self->hand;
    const uint32_t count = ask_for(queue, hand);
    queue->watched = true;
    hand->waits = true;
    const uint64_t wait_ms = watch_ms(queue);
    pthread_mutex_unlock(&worker->lock);
    const bool came = ask(hand, count, wait_ms);
    pthread_mutex_lock(&worker->lock);
    worker->arriving -= hand->arrives ? 1 : 0;
    hand->arrives = false;
    hand->waits = false;
    queue->watched = false;
    const bool may_run = came && worker_takes(worker) && turn_has_permit(worker, self, queue);
    if (came) {
        alone_note_ask(self);
        queue->look_at_ms = hand->count >= count ? 0 : clock_run_ms() + LOOK_MS;
    }
    if (may_run) {
        take_permit(self);
        if (worker->parked != 0) {
            pthread_cond_signal(&worker->work); /* to watch, or to help */
        }
        return true;
    }
    pthread_mutex_unlock(&worker->lock);
    if (came) { /* the last permit went to another one meanwhile */
        give_back_taken(hand);
    }
    pthread_mutex_lock(&worker->lock);
    alone_end(self);
    fetch_free_hand(hand);
    return false;
}

static bool take_now(worker_thread *self, worker_queue *queue)
{
    take_hand(self, queue);
    take_permit(self);
    const uint32_t count = ask_for(queue, self->hand);
    alone_note_ask(self);
    pthread_mutex_unlock(&self->worker->lock);
    const bool came = count != 0 && ask(self->hand, count, loop_wait_ms(self->hand));
    pthread_mutex_lock(&self->worker->lock);
    if (!came) {
        alone_end(self);
        queue->busy--;
        fetch_free_hand(self->hand);
    }
    return came;
}

/* With worker->lock. FETCH_NONE: try again. */
static fetch_answer try_once(worker_thread *self, bool may_wait)
{
    slotq_worker *worker = self->worker;
    uint64_t next_ms = UINT64_MAX;
    const uint64_t now_ms = clock_run_ms();
    const slotq_worker_state state = worker_state(worker);
    if (state >= SLOTQ_WORKER_STOPPING || self->is_given_up) {
        return FETCH_END;
    }
    if (is_gathered_due(worker, now_ms) &&
        (self->has_permit || worker->running < worker->options.threads)) {
        worker->running += self->has_permit ? 0 : 1;
        self->has_permit = true;
        return FETCH_MANY;
    }
    if (may_wait && alone_is_closed(worker)) {
        fetch_end_permit(self);
        alone_wait_open(worker);
        return FETCH_NONE;
    }
    if (worker_takes(worker)) {
        fetch_halt(worker);
        worker_queue *queue = self->chosen;
        self->chosen = NULL;
        queue = queue != NULL && turn_has_hand(queue) && turn_has_permit(worker, self, queue)
                    ? queue
                    : turn_choose(worker, self, now_ms, &next_ms);
        if (queue != NULL) {
            return take_now(self, queue) ? FETCH_HAND : FETCH_NONE;
        }
    }
    fetch_end_permit(self);
    if (!may_wait) {
        return FETCH_NONE;
    }
    worker_queue *queue = worker_takes(worker) ? turn_to_watch(worker, self, now_ms) : NULL;
    if (queue != NULL) {
        return watch(self, queue) ? FETCH_HAND : FETCH_NONE;
    }
    if (worker->running < worker->options.threads) { /* else the end of a handler wakes it */
        next_ms = clock_sooner(next_ms, atomic_load(&worker->gather_due_ms));
    }
    park(worker, next_ms);
    return FETCH_NONE;
}

fetch_answer fetch_first(worker_thread *self, bool may_wait)
{
    slotq_worker *worker = self->worker;
    pthread_mutex_lock(&worker->lock);
    fetch_answer answer;
    do {
        answer = try_once(self, may_wait);
        if (answer == FETCH_HAND) {
            pthread_mutex_unlock(&worker->lock);
            if (alone_trim(self->hand)) {
                return FETCH_HAND;
            }
            owe(self, self->hand);
            pthread_mutex_lock(&worker->lock);
            alone_end(self);
            answer = FETCH_NONE;
        }
    } while (answer == FETCH_NONE && may_wait);
    if (answer == FETCH_END) {
        fetch_end_permit(self);
    }
    pthread_mutex_unlock(&worker->lock);
    return answer;
}
