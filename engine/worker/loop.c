/* loop.c: a worker without threads for handlers (loop.h). Does not know messages.
 */
#include "loop.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "away.h"
#include "bridge.h"
#include "clock.h"
#include "fetch.h"
#include "hand.h"
#include "keep.h"
#include "kept.h"
#include "run.h"
#include "tell.h"
#include "turn.h"

/* Of libslotq_redis, where the program links that. */
__attribute__((weak)) slotq_outcome slotq_redis_listen(slotq *queue, int *fd);
__attribute__((weak)) slotq_outcome slotq_redis_unlisten(slotq *queue);

enum {
    POLL_MS = 20,     /* memory and files without a bridge */
    DEAF_MS = 1000,   /* Redis without wake-ups */
    SAFETY_MS = 5000, /* with wake-ups */
    DRAIN_MS = 500,   /* no wake-up tells when others have finished the last message */
    STEP_MS = 50,     /* a step takes no more after this */
    REGISTER_MS = 1
};

/* ---- wake-ups ---- */

static bool watch_fd(const slotq_worker *worker, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    return epoll_ctl(worker->loop_fd, EPOLL_CTL_ADD, fd, &event) == 0 || errno == EEXIST;
}

static void forget_fd(worker_queue *queue)
{
    if (queue->listen_fd >= 0) {
        struct epoll_event none = {0};
        epoll_ctl(queue->worker->loop_fd, EPOLL_CTL_DEL, queue->listen_fd, &none);
        queue->listen_fd = -1;
    }
}

/* Reads what has come. The descriptor may be another one after a lost connection. */
static void listen_on(worker_queue *queue)
{
    int fd = -1;
    if (slotq_redis_listen == NULL || slotq_redis_listen(queue->hands->handle, &fd) != SLOTQ_OK) {
        fd = -1;
    }
    if (fd != queue->listen_fd) {
        forget_fd(queue);
    }
    if (fd >= 0 && watch_fd(queue->worker, fd)) {
        queue->listen_fd = fd;
    }
}

static void look_soon(worker_queue *queue)
{
    pthread_mutex_lock(&queue->worker->lock);
    queue->look_at_ms = 0;
    pthread_mutex_unlock(&queue->worker->lock);
}

/* The loop takes nothing from the queue for now: a message is to wake another worker. */
static void stop_waiting(worker_queue *queue)
{
    bool waited = false;
    if (queue->bridge != NULL) {
        waited = bridge_disarm(queue->bridge);
    } else if (queue->is_registered && slotq_redis_unlisten != NULL) {
        forget_fd(queue);
        slotq_redis_unlisten(queue->hands->handle);
        waited = true;
    }
    queue->is_registered = false;
    if (waited) {
        look_soon(queue);
    }
}

uint64_t loop_wait_ms(const worker_hand *hand)
{
    worker_queue *queue = hand->queue;
    if (!queue->worker->options.loop || !queue->is_far) {
        return 0;
    }
    listen_on(queue);
    queue->is_registered = queue->listen_fd >= 0;
    return queue->is_registered ? REGISTER_MS : 0;
}

/* When something may come without a wake-up: a lease, a delay, a limit or a due time ends. */
static uint64_t next_due_ms(const slotq_stats *stats, uint64_t now_ms)
{
    uint64_t at_ms = UINT64_MAX;
    if (stats->leased + stats->waiting != 0 && stats->next_due_ms != 0) {
        at_ms = stats->next_due_ms;
    }
    if (stats->later != 0 && (stats->paused & SLOTQ_PAUSE_IN) == 0) {
        at_ms = clock_sooner(at_ms, stats->later_due_ms);
    }
    if (stats->limited_until_ms != 0) {
        at_ms = clock_sooner(at_ms, stats->limited_until_ms);
    }
    return at_ms > now_ms ? at_ms - now_ms : POLL_MS;
}

/* 0: now, by a call that registers for wake-ups. */
static uint64_t far_wait_ms(worker_hand *hand)
{
    worker_queue *queue = hand->queue;
    const bool is_sent_with_acks = !queue->is_registered && queue->listen_fd >= 0;
    /* The reserve may have gone to another place, by a new connection with the old number. */
    if (is_sent_with_acks ||
        (queue->listen_fd >= 0 && !watch_fd(queue->worker, queue->listen_fd))) {
        return 0;
    }
    slotq_stats stats;
    const slotq_outcome outcome = slotq_get_stats(hand->handle, queue->options.group, &stats);
    if (outcome != SLOTQ_OK) {
        away_note(queue, hand->handle, outcome);
        return 0;
    }
    const uint64_t due_ms = next_due_ms(&stats, slotq_now_ms(hand->handle));
    return clock_sooner(due_ms, queue->listen_fd >= 0 ? SAFETY_MS : DEAF_MS);
}

uint64_t loop_empty(worker_hand *hand, uint64_t now_ms)
{
    worker_queue *queue = hand->queue;
    uint64_t wait_ms = POLL_MS;
    if (queue->bridge != NULL) {
        bridge_arm(queue->bridge);
        wait_ms = SAFETY_MS;
    } else if (queue->is_far) {
        wait_ms = far_wait_ms(hand);
    }
    if (worker_state(queue->worker) == SLOTQ_WORKER_DRAINING) {
        wait_ms = clock_sooner(wait_ms, DRAIN_MS);
    }
    return now_ms + wait_ms;
}

/* ---- open and close ---- */

slotq_outcome loop_open(slotq_worker *worker, slotq_error *error)
{
    slotq_outcome outcome = SLOTQ_OK;
    worker->loop_fd = epoll_create1(EPOLL_CLOEXEC);
    worker->stepper = run_new_thread(worker);
    if (worker->stepper == NULL) {
        return SLOTQ_NOMEMORY;
    }
    bool watched = worker->loop_fd >= 0;
    if (watched && worker->signal_fd >= 0) {
        watched = watch_fd(worker, worker->signal_fd);
    }
    for (uint32_t i = 0; watched && outcome == SLOTQ_OK && i < worker->queue_count; i++) {
        worker_queue *queue = worker->queues[i];
        queue->listen_fd = -1;
        queue->is_far =
            slotq_wait(queue->hands->handle, queue->options.group, 0) == SLOTQ_UNSUPPORTED;
        watched = watch_fd(worker, queue->bell);
        if (!queue->is_far && !worker->options.no_bridge) {
            outcome = bridge_new(queue, error);
        }
    }
    if (!watched) {
        snprintf(error->text, sizeof error->text, "cannot make a descriptor for the loop: %s",
                 strerror(errno));
        return SLOTQ_IO;
    }
    return outcome;
}

void loop_close(slotq_worker *worker)
{
    for (uint32_t i = 0; i < worker->queue_count; i++) {
        bridge_free(worker->queues[i]->bridge);
        worker->queues[i]->bridge = NULL;
    }
    if (worker->loop_fd >= 0) {
        close(worker->loop_fd);
    }
    run_free_thread(worker->stepper);
}

/* ---- a step ---- */

int slotq_worker_fd(slotq_worker *worker)
{
    return worker != NULL ? worker->loop_fd : -1;
}

uint64_t slotq_worker_due_ms(slotq_worker *worker)
{
    if (worker == NULL || !worker->options.loop || worker_state(worker) == SLOTQ_WORKER_NEW) {
        return SLOTQ_NO_LIMIT;
    }
    if (worker_state(worker) == SLOTQ_WORKER_ENDED) {
        return 0;
    }
    const uint64_t now_ms = clock_run_ms();
    pthread_mutex_lock(&worker->lock);
    uint64_t next_ms = worker->loop_keep_ms;
    if (worker_takes(worker)) {
        next_ms = clock_sooner(next_ms, turn_due_ms(worker, now_ms));
    } else if (worker_state(worker) == SLOTQ_WORKER_STOPPING) {
        next_ms = clock_sooner(next_ms, atomic_load(&worker->stop_at_ms) + KEPT_STOP_MORE_MS);
    }
    pthread_mutex_unlock(&worker->lock);
    return next_ms == UINT64_MAX ? SLOTQ_NO_LIMIT : next_ms > now_ms ? next_ms - now_ms : 0;
}

static bool is_readable(int fd)
{
    struct pollfd input = {.fd = fd, .events = POLLIN};
    return fd >= 0 && poll(&input, 1, 0) > 0;
}

/* What made the descriptor readable: bells, a bridge, a server. */
static void take_news(slotq_worker *worker)
{
    uint64_t rung;
    for (uint32_t i = 0; i < worker->queue_count; i++) {
        worker_queue *queue = worker->queues[i];
        bool is_woken = false;
        if (read(queue->bell, &rung, sizeof rung) > 0 && queue->bridge != NULL) {
            is_woken = bridge_take_news(queue->bridge);
        }
        if (is_readable(queue->listen_fd)) {
            listen_on(queue);
            is_woken = true;
        }
        if (is_woken) {
            look_soon(queue);
        }
    }
}

/* The other messages of the hand are given back if their leases are not fresh any more: nothing
 * extends them while a handler runs in the loop. */
static uint32_t run_some(worker_thread *self, uint64_t until_ms)
{
    worker_hand *hand = self->hand;
    const uint64_t third_ms = hand->queue->lease_ms / 3;
    uint32_t ran = 0;
    while (run_one(self)) {
        ran++;
        if (clock_run_ms() >= until_ms && clock_lease_ms() - hand->leased_ms >= third_ms) {
            break;
        }
    }
    run_note_rest(hand);
    return ran;
}

static uint32_t work_hand(worker_thread *self, uint32_t most, uint64_t until_ms)
{
    uint32_t ran = 0;
    bool more = true;
    self->hand->queue->is_registered = false;
    while (more) {
        hand_begin(self->hand);
        ran += run_some(self, until_ms);
        self->most = most > ran ? most - ran : 0;
        more = fetch_again(self, ran < most && clock_run_ms() < until_ms);
    }
    return ran;
}

static bool has_more(slotq_worker *worker, uint64_t now_ms)
{
    pthread_mutex_lock(&worker->lock);
    const bool more = worker_takes(worker) && turn_due_ms(worker, now_ms) <= now_ms;
    pthread_mutex_unlock(&worker->lock);
    return more;
}

/* Until nothing is there, or the leases of kept tasks are to be looked at. */
static uint32_t work(slotq_worker *worker, uint32_t most)
{
    worker_thread *self = worker->stepper;
    const uint64_t until_ms = clock_sooner(worker->loop_keep_ms, clock_run_ms() + STEP_MS);
    uint32_t ran = 0;
    uint32_t in_vain = 0;
    do {
        self->most = most - ran;
        const fetch_answer answer = ran < most ? fetch_first(self, false) : FETCH_END;
        if (answer == FETCH_END) {
            break;
        }
        in_vain = answer == FETCH_NONE ? in_vain + 1 : 0;
        if (answer == FETCH_MANY) {
            ran += run_many(self);
        } else if (answer == FETCH_HAND) {
            ran += work_hand(self, most - ran, until_ms);
        }
    } while (in_vain <= 2 * worker->queue_count && clock_run_ms() < until_ms &&
             has_more(worker, clock_run_ms()));
    pthread_mutex_lock(&worker->lock);
    fetch_end_permit(self);
    pthread_mutex_unlock(&worker->lock);
    return ran;
}

/* What tasks have left may be there again later, by a delay, for which no wake-up comes. */
static void keep_all(slotq_worker *worker)
{
    uint64_t next_ms = UINT64_MAX;
    for (uint32_t i = 0; i < worker->queue_count; i++) {
        worker_queue *queue = worker->queues[i];
        const uint32_t kept_before = atomic_load(&worker->kept_count);
        next_ms = clock_sooner(next_ms, keep_pass(queue));
        if (atomic_load(&worker->kept_count) < kept_before) {
            look_soon(queue);
        }
    }
    pthread_mutex_lock(&worker->lock);
    worker->loop_keep_ms = next_ms;
    pthread_mutex_unlock(&worker->lock);
}

/* At the end of a step. */
static void stop_idle_waits(slotq_worker *worker)
{
    const uint64_t now_ms = clock_run_ms();
    for (uint32_t i = 0; i < worker->queue_count; i++) {
        worker_queue *queue = worker->queues[i];
        pthread_mutex_lock(&worker->lock);
        const bool takes = turn_may_ask(queue, now_ms);
        pthread_mutex_unlock(&worker->lock);
        if (!takes) {
            stop_waiting(queue);
        }
    }
}

/* The worker has stopped and holds nothing any more, or waited long enough. */
static bool is_over(slotq_worker *worker, uint64_t looked_ms)
{
    if (worker_state(worker) != SLOTQ_WORKER_STOPPING) {
        return worker_state(worker) == SLOTQ_WORKER_ENDED;
    }
    bool free = atomic_load(&worker->kept_count) == 0;
    pthread_mutex_lock(&worker->lock);
    for (uint32_t i = 0; i < worker->queue_count; i++) {
        free = free && worker->queues[i]->hands->state == HAND_FREE;
    }
    pthread_mutex_unlock(&worker->lock);
    return free || looked_ms >= clock_add(atomic_load(&worker->stop_at_ms), KEPT_STOP_MORE_MS);
}

slotq_outcome slotq_worker_step(slotq_worker *worker, uint32_t most, uint32_t *ran)
{
    uint32_t count = 0;
    if (worker == NULL || !worker->options.loop || worker_state(worker) == SLOTQ_WORKER_NEW ||
        atomic_exchange(&worker->steps, true)) {
        return SLOTQ_INVALID;
    }
    slotq_outcome outcome = SLOTQ_GONE;
    if (worker_state(worker) != SLOTQ_WORKER_ENDED) {
        keep_take_signals(worker);
        take_news(worker);
        keep_all(worker);
        if (worker_takes(worker)) {
            count = work(worker, most);
        }
        take_news(worker); /* bells that the handlers rang */
        const uint64_t looked_ms = clock_run_ms();
        keep_all(worker);
        stop_idle_waits(worker);
        outcome = count != 0 ? SLOTQ_OK : SLOTQ_EMPTY;
        if (is_over(worker, looked_ms)) {
            for (uint32_t i = 0; i < worker->queue_count; i++) {
                keep_leave(worker->queues[i]);
            }
            atomic_store(&worker->state, SLOTQ_WORKER_ENDED);
            tell_state(worker);
            outcome = SLOTQ_GONE;
        }
    }
    if (ran != NULL) {
        *ran = count;
    }
    atomic_store(&worker->steps, false);
    return outcome;
}
