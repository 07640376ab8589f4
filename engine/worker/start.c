/* start.c: a worker opens its handles, takes its memory and starts its threads: all of it, or none.
 * Does not know messages.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include "away.h"
#include "clock.h"
#include "gather.h"
#include "hand.h"
#include "keep.h"
#include "loop.h"
#include "owed.h"
#include "refuse.h"
#include "run.h"
#include "state.h"
#include "tell.h"

enum { TRIP_MOST_MS = 1000 }; /* of a keeper: a stop is over in two seconds, server or not */

static uint64_t at_most(uint64_t value, uint64_t most)
{
    return value < most ? value : most;
}

/* How often the keeper looks at a hand that works: so that no time limit is told much too late. */
static uint64_t look_ms_of(const worker_queue *queue)
{
    uint64_t ms = at_most(queue->worker->options.give_back_ms, queue->lease_ms / 12);
    for (uint32_t row = 0; row < mux_count(queue->worker->mux); row++) {
        const slotq_handler *handler = &mux_at(queue->worker->mux, row)->handler;
        ms = handler->limit_ms != 0 ? at_most(ms, handler->limit_ms / 4) : ms;
        ms = handler->silence_ms != 0 ? at_most(ms, handler->silence_ms / 4) : ms;
    }
    return ms == 0 ? 1 : ms;
}

static uint32_t hands_of(const worker_queue *queue)
{
    const slotq_worker_options *options = &queue->worker->options;
    const uint32_t most = queue->options.threads_most;
    return options->loop ? 1 : (most != 0 && most < options->threads ? most : options->threads) + 1;
}

static slotq_outcome open_hand(worker_queue *queue, slotq_error *error)
{
    worker_hand *new = hand_new(queue);
    if (new == NULL) {
        return SLOTQ_NOMEMORY;
    }
    new->next = queue->hands;
    queue->hands = new;
    const slotq_clone_options options = {.copies = true};
    return slotq_clone_with(queue->given, &options, &new->handle, error);
}

static bool new_scratch(worker_queue *queue)
{
    const slotq_worker *worker = queue->worker;
    const uint32_t most = queue->options.prefetch_most > worker->task_count
                              ? queue->options.prefetch_most
                              : worker->task_count;
    queue->ones_most = most;
    queue->ones = calloc(most, sizeof *queue->ones);
    queue->extends = calloc(most, sizeof *queue->extends);
    queue->runs = calloc(most, sizeof *queue->runs);
    queue->outcomes = calloc(most, sizeof *queue->outcomes);
    queue->tokens = calloc(most, sizeof *queue->tokens);
    queue->counts = calloc((mux_count(worker->mux) + 1) * COUNT_KINDS, sizeof *queue->counts);
    queue->looked = slotq_batch_new();
    queue->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return queue->ones != NULL && queue->extends != NULL && queue->runs != NULL &&
           queue->outcomes != NULL && queue->tokens != NULL && queue->counts != NULL &&
           queue->looked != NULL && queue->bell >= 0;
}

static slotq_outcome open_queue(worker_queue *queue, slotq_error *error)
{
    const uint64_t now_ms = clock_run_ms();
    if (!away_read_geometry(queue, queue->given, error)) {
        return SLOTQ_INVALID;
    }
    queue->generation = slotq_geometry_of(queue->given)->generation;
    queue->look_ms = look_ms_of(queue);
    queue->asked_ms = now_ms;
    if (!new_scratch(queue)) {
        return SLOTQ_NOMEMORY;
    }
    const uint64_t timeout_ms = queue->lease_ms / 6 < 100 ? 100 : queue->lease_ms / 6;
    const slotq_clone_options options = {.timeout_ms = (uint32_t)at_most(timeout_ms, TRIP_MOST_MS),
                                         .copies = true};
    slotq_outcome outcome = slotq_clone_with(queue->given, &options, &queue->handle, error);
    for (uint32_t i = 0; outcome == SLOTQ_OK && i < hands_of(queue); i++) {
        outcome = open_hand(queue, error);
    }
    return outcome;
}

/* A task for each hand and each kept task, and two for each thread that there can be, those that
 * hang included: one in its abandoned hand, and one that it keeps when pending_most is reached. */
static bool new_tasks(slotq_worker *worker)
{
    const uint64_t threads =
        (uint64_t)worker->options.threads + worker->queue_count - 1 + worker->options.stuck_most;
    uint64_t count = worker->options.pending_most + 2 * threads;
    uint64_t bytes = 1;
    for (uint32_t i = 0; i < worker->queue_count; i++) {
        const slotq_geometry *geometry = slotq_geometry_of(worker->queues[i]->given);
        bytes = geometry->payload_bytes > bytes ? geometry->payload_bytes : bytes;
        count += hands_of(worker->queues[i]);
    }
    worker->task_count = (uint32_t)count;
    worker->all_tasks = calloc(count, sizeof *worker->all_tasks);
    worker->copies = calloc(count, bytes);
    if (worker->all_tasks == NULL || worker->copies == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        slotq_task *task = &worker->all_tasks[i];
        task->worker = worker;
        task->copy = worker->copies + i * bytes;
        task->copy_bytes = (uint32_t)bytes;
        gather_put_task(worker, task);
    }
    return true;
}

static bool new_tables(slotq_worker *worker)
{
    worker->credits = calloc(worker->queue_count, sizeof *worker->credits);
    worker->may_go = calloc(worker->queue_count, sizeof *worker->may_go);
    worker->weights = calloc(worker->queue_count, sizeof *worker->weights);
    worker->gathers = calloc(mux_count(worker->mux), sizeof *worker->gathers);
    if (worker->credits == NULL || worker->may_go == NULL || worker->weights == NULL ||
        worker->gathers == NULL || !new_tasks(worker)) {
        return false;
    }
    for (uint32_t i = 0; i < worker->queue_count; i++) {
        worker->weights[i] = worker->queues[i]->options.weight;
    }
    return true;
}

static slotq_outcome open_all(slotq_worker *worker, slotq_error *error)
{
    uint64_t longest_ms = 0;
    slotq_outcome outcome = new_tables(worker) ? SLOTQ_OK : SLOTQ_NOMEMORY;
    for (uint32_t i = 0; outcome == SLOTQ_OK && i < worker->queue_count; i++) {
        worker_queue *queue = worker->queues[i];
        outcome = open_queue(queue, error);
        for (worker_hand *hand = queue->hands; outcome == SLOTQ_OK && hand != NULL;
             hand = hand->next) {
            hand->task = gather_new_task(worker);
        }
        longest_ms = queue->lease_ms > longest_ms ? queue->lease_ms : longest_ms;
    }
    atomic_store(&worker->slept_ms, clock_lease_ms() - clock_run_ms());
    worker->has_membarrier = hand_use_membarrier();
    worker->alone_until_ms = clock_run_ms() + longest_ms + longest_ms / 2;
    atomic_store(&worker->alone_phase, worker->options.alone_attempts != UINT8_MAX);
    if (outcome == SLOTQ_NOMEMORY) {
        snprintf(error->text, sizeof error->text, "out of memory");
    }
    error->outcome = outcome;
    return outcome;
}

/* Threads for handlers, one more for each queue but one, so that each has a watcher. 0, or an
 * errno. */
static int start_threads(slotq_worker *worker)
{
    sigset_t before;
    int why = 0;
    worker->keepers = worker->queue_count;
    pthread_sigmask(SIG_SETMASK, &worker->blocked, &before);
    for (uint32_t i = 0; why == 0 && i < worker->queue_count; i++) {
        why = keep_start(worker->queues[i]);
    }
    pthread_mutex_lock(&worker->lock);
    for (uint32_t i = 0; why == 0 && i < worker->options.threads + worker->queue_count - 1; i++) {
        why = run_start_thread(worker);
    }
    pthread_mutex_unlock(&worker->lock);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return why;
}

static void set_state(slotq_worker *worker, slotq_worker_state state)
{
    atomic_store_explicit(&worker->state, state, memory_order_release);
    tell_state(worker);
}

/* Not all threads are kept for some queues while others have none. */
static bool leaves_threads(const slotq_worker *worker, slotq_error *error)
{
    const worker_queue *without = NULL;
    uint32_t kept = 0; /* at most threads: slotq_worker_add_queue */
    for (uint32_t i = 0; i < worker->queue_count; i++) {
        const worker_queue *queue = worker->queues[i];
        kept += queue->options.threads_kept;
        without = queue->options.threads_kept == 0 ? queue : without;
    }
    if (without == NULL || kept < worker->options.threads) {
        return true;
    }
    refuse(error, SLOTQ_INVALID,
           "threads_kept of all queues is %u together, and the worker has %u threads: none is left "
           "for %s",
           kept, worker->options.threads, without->name);
    return false;
}

slotq_outcome slotq_worker_start(slotq_worker *worker)
{
    slotq_error error = {.outcome = SLOTQ_OK};
    if (worker == NULL) {
        return SLOTQ_INVALID;
    }
    const bool was_started = worker_state(worker) != SLOTQ_WORKER_NEW || worker->all_tasks != NULL;
    if (was_started || worker->queue_count == 0) {
        refuse(&error, SLOTQ_INVALID, "%s",
               was_started ? "the worker was started before: make a new one"
                           : "the worker has no queue: call slotq_worker_add_queue first");
        tell_error(worker, &error);
        return SLOTQ_INVALID;
    }
    if (!leaves_threads(worker, &error)) {
        tell_error(worker, &error);
        return SLOTQ_INVALID;
    }
    slotq_outcome outcome = open_all(worker, &error);
    if (outcome == SLOTQ_OK && !state_watch_signals(worker)) {
        snprintf(error.text, sizeof error.text, "cannot watch signals: %s", strerror(errno));
        outcome = SLOTQ_IO;
    }
    if (outcome == SLOTQ_OK && worker->options.loop) {
        outcome = loop_open(worker, &error);
    }
    if (outcome != SLOTQ_OK) {
        error.outcome = outcome;
        tell_error(worker, &error);
        return outcome;
    }
    set_state(worker, atomic_load(&worker->drains) ? SLOTQ_WORKER_DRAINING : SLOTQ_WORKER_RUNNING);
    const int why = worker->options.loop ? 0 : start_threads(worker);
    if (why != 0) {
        snprintf(error.text, sizeof error.text, "cannot start a thread: %s", strerror(why));
        error.outcome = SLOTQ_IO;
        tell_error(worker, &error);
        pthread_mutex_lock(&worker->lock);
        for (uint32_t i = 0; i < worker->queue_count; i++) {
            worker->keepers -= worker->queues[i]->has_keeper ? 0 : 1;
        }
        pthread_mutex_unlock(&worker->lock);
        slotq_worker_stop_now(worker);
        slotq_worker_join(worker, UINT64_MAX, NULL);
        return SLOTQ_IO;
    }
    return SLOTQ_OK;
}
