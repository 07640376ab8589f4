/* state.c: the states of a worker, stopping it, and waiting for its end. Does not know messages.
 */
#include "state.h"

#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "clock.h"
#include "fetch.h"
#include "gather.h"
#include "keep.h"
#include "refuse.h"
#include "tell.h"

enum { JOIN_MORE_MS = 2000 };

static void ring_all(slotq_worker *worker)
{
    for (uint32_t i = 0; i < worker->queue_count; i++) {
        if (worker->queues[i]->bell >= 0) {
            keep_ring(worker->queues[i]);
        }
    }
}

/* A call that another thread's slotq_worker_free waits for: the join of that thread may see the end
 * that this call brings before this call has left the worker. */
static void begin_call(slotq_worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    worker->calls++;
    pthread_mutex_unlock(&worker->lock);
}

static void end_call(slotq_worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    if (--worker->calls == 0) {
        pthread_cond_broadcast(&worker->ends);
    }
    pthread_mutex_unlock(&worker->lock);
}

void state_end_calls(slotq_worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    while (worker->calls != 0) {
        pthread_cond_wait(&worker->ends, &worker->lock);
    }
    pthread_mutex_unlock(&worker->lock);
}

/* From one of the states in `from` (bits) to another. */
static bool change_state(slotq_worker *worker, uint32_t from, slotq_worker_state to)
{
    bool changed = false;
    if (worker == NULL) {
        return false;
    }
    pthread_mutex_lock(&worker->lock);
    worker->calls++;
    if ((from & 1u << worker_state(worker)) != 0) {
        changed = true;
        atomic_store(&worker->state, to);
        if (to == SLOTQ_WORKER_STOPPING) {
            const uint64_t at_ms = clock_add(clock_run_ms(), worker->options.stop_ms);
            atomic_store(&worker->stop_at_ms, at_ms);
        }
        fetch_halt(worker);
        fetch_wake_all(worker);
    }
    pthread_mutex_unlock(&worker->lock);
    if (changed) {
        tell_state(worker);
        ring_all(worker);
    }
    end_call(worker);
    return changed;
}

void slotq_worker_quiet(slotq_worker *worker)
{
    change_state(worker, 1u << SLOTQ_WORKER_RUNNING | 1u << SLOTQ_WORKER_DRAINING,
                 SLOTQ_WORKER_QUIET);
}

void slotq_worker_resume(slotq_worker *worker)
{
    change_state(worker, 1u << SLOTQ_WORKER_QUIET, SLOTQ_WORKER_RUNNING);
}

void slotq_worker_drain(slotq_worker *worker)
{
    if (worker != NULL && worker_state(worker) == SLOTQ_WORKER_NEW) {
        atomic_store(&worker->drains, true);
    }
    change_state(worker, 1u << SLOTQ_WORKER_RUNNING | 1u << SLOTQ_WORKER_QUIET,
                 SLOTQ_WORKER_DRAINING);
}

void slotq_worker_stop(slotq_worker *worker)
{
    change_state(
        worker, 1u << SLOTQ_WORKER_RUNNING | 1u << SLOTQ_WORKER_QUIET | 1u << SLOTQ_WORKER_DRAINING,
        SLOTQ_WORKER_STOPPING);
}

void slotq_worker_stop_now(slotq_worker *worker)
{
    if (worker == NULL) {
        return;
    }
    begin_call(worker);
    slotq_worker_stop(worker);
    if (worker_state(worker) == SLOTQ_WORKER_STOPPING &&
        !atomic_exchange(&worker->stop_now, true)) {
        const uint64_t now_ms = clock_run_ms();
        uint64_t at_ms = atomic_load(&worker->stop_at_ms);
        while (now_ms < at_ms &&
               !atomic_compare_exchange_weak(&worker->stop_at_ms, &at_ms, now_ms)) {
        }
        ring_all(worker);
        pthread_mutex_lock(&worker->lock);
        pthread_cond_broadcast(&worker->ends);
        pthread_mutex_unlock(&worker->lock);
    }
    end_call(worker);
}

void slotq_worker_signalled(slotq_worker *worker)
{
    if (worker != NULL && worker->queue_count != 0 && worker->queues[0]->bell >= 0) {
        atomic_fetch_add(&worker->signalled, 1);
        keep_ring(worker->queues[0]);
    }
}

/* A thread for them alone: keepers may be in a trip to a server that does not answer. */
static void *signals_main(void *argument)
{
    slotq_worker *worker = argument;
    struct signalfd_siginfo info;
    struct pollfd inputs[] = {{.fd = worker->signal_fd, .events = POLLIN},
                              {.fd = worker->signal_end, .events = POLLIN}};
    while (poll(inputs, 2, -1) < 0 || inputs[1].revents == 0) {
        while (read(worker->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
            const bool first = worker_state(worker) < SLOTQ_WORKER_STOPPING;
            (first ? slotq_worker_stop : slotq_worker_stop_now)(worker);
        }
    }
    return NULL;
}

bool state_watch_signals(slotq_worker *worker)
{
    if (!worker->catches_signals) {
        return true;
    }
    worker->signal_fd = signalfd(-1, &worker->signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (worker->signal_fd < 0 || worker->options.loop) {
        return worker->signal_fd >= 0;
    }
    sigset_t before;
    worker->signal_end = eventfd(0, EFD_CLOEXEC);
    pthread_sigmask(SIG_SETMASK, &worker->blocked, &before);
    worker->has_signal_thread =
        worker->signal_end >= 0 &&
        pthread_create(&worker->signal_thread, NULL, signals_main, worker) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return worker->has_signal_thread;
}

void state_end_signals(slotq_worker *worker)
{
    const uint64_t one = 1;
    if (worker->has_signal_thread && write(worker->signal_end, &one, sizeof one) > 0) {
        pthread_join(worker->signal_thread, NULL);
        worker->has_signal_thread = false;
    }
    if (worker->signal_end >= 0) {
        close(worker->signal_end);
        worker->signal_end = -1;
    }
}

static slotq_outcome refuse_signals(slotq_worker *worker, slotq_outcome outcome, const char *why)
{
    slotq_error error;
    refuse(&error, outcome, "signals cannot be caught: %s", why);
    tell_error(worker, &error);
    return outcome;
}

slotq_outcome slotq_worker_catch_signals(slotq_worker *worker)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    if (worker == NULL) {
        return SLOTQ_INVALID;
    }
    if (worker_state(worker) != SLOTQ_WORKER_NEW) {
        return refuse_signals(worker, SLOTQ_INVALID,
                              "the worker was started before: call slotq_worker_catch_signals "
                              "before slotq_worker_start");
    }
    sigemptyset(&worker->signals);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction before;
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
            sigaddset(&worker->signals, numbers[i]);
        }
    }
    const int why = pthread_sigmask(SIG_BLOCK, &worker->signals, NULL);
    if (why != 0) {
        return refuse_signals(worker, SLOTQ_IO, strerror(why));
    }
    worker->catches_signals = true;
    return SLOTQ_OK;
}

/* With worker->lock. Threads whose handler was given up do not count. */
static bool has_ended(const slotq_worker *worker)
{
    return worker->alive <= worker->stuck && worker->keepers == 0 &&
           worker_state(worker) >= SLOTQ_WORKER_STOPPING;
}

/* Join what has ended: the lock is given up meanwhile, by one caller at a time. */
static void join_threads(slotq_worker *worker)
{
    for (worker_thread *thread = worker->threads; thread != NULL; thread = thread->next) {
        if (thread->ended && !thread->joined) {
            thread->joined = true;
            pthread_mutex_unlock(&worker->lock);
            pthread_join(thread->id, NULL);
            pthread_mutex_lock(&worker->lock);
        }
    }
    for (uint32_t i = 0; i < worker->queue_count; i++) {
        worker_queue *queue = worker->queues[i];
        if (queue->has_keeper && queue->keeper_ended) {
            queue->has_keeper = false;
            pthread_mutex_unlock(&worker->lock);
            pthread_join(queue->keeper, NULL);
            pthread_mutex_lock(&worker->lock);
        }
    }
}

static slotq_outcome end_outcome(const slotq_worker *worker, uint32_t *left)
{
    const uint32_t runs = worker->alive + gather_count_later(worker);
    if (left != NULL) {
        *left = runs;
    }
    /* A keeper may still wait for a server that does not answer. */
    return runs != 0 || worker->keepers != 0 ? SLOTQ_LEASED : worker->last_failure;
}

/* The end of a stop, in which nothing more is waited for; UINT64_MAX = no stop yet. */
static uint64_t last_wait_ms(const slotq_worker *worker)
{
    const uint64_t stop_at_ms = atomic_load(&worker->stop_at_ms);
    return stop_at_ms == 0 ? UINT64_MAX : clock_add(stop_at_ms, JOIN_MORE_MS);
}

static void wait_for_end(slotq_worker *worker, uint64_t until_ms)
{
    const uint64_t ms = clock_sooner(until_ms, clock_run_ms() + 1000);
    const struct timespec until = clock_timespec(ms);
    pthread_cond_timedwait(&worker->ends, &worker->lock, &until);
}

slotq_outcome slotq_worker_join(slotq_worker *worker, uint64_t wait_ms, uint32_t *left)
{
    if (worker == NULL || worker_state(worker) == SLOTQ_WORKER_NEW || worker->options.loop) {
        return SLOTQ_INVALID;
    }
    const uint64_t until_ms = clock_add(clock_run_ms(), wait_ms);
    pthread_mutex_lock(&worker->lock);
    while (!has_ended(worker)) {
        const uint64_t now_ms = clock_run_ms();
        if (now_ms >= last_wait_ms(worker)) {
            break;
        }
        if (now_ms >= until_ms) {
            pthread_mutex_unlock(&worker->lock);
            return SLOTQ_AGAIN;
        }
        wait_for_end(worker, clock_sooner(until_ms, last_wait_ms(worker)));
    }
    const bool first = worker_state(worker) != SLOTQ_WORKER_ENDED;
    atomic_store(&worker->state, SLOTQ_WORKER_ENDED);
    join_threads(worker);
    const slotq_outcome outcome = end_outcome(worker, left);
    pthread_mutex_unlock(&worker->lock);
    if (first) {
        tell_state(worker);
    }
    return outcome;
}

slotq_outcome slotq_worker_run(slotq_worker *worker)
{
    if (worker != NULL && worker->options.loop) {
        slotq_error error;
        refuse(&error, SLOTQ_INVALID, "in loop mode the caller calls slotq_worker_step");
        tell_error(worker, &error);
        return SLOTQ_INVALID;
    }
    const slotq_outcome outcome = slotq_worker_start(worker);
    return outcome == SLOTQ_OK ? slotq_worker_join(worker, UINT64_MAX, NULL) : outcome;
}
