/* loop.c: a worker without threads for handlers (loop.h). Does not know messages.
 */
#include "loop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"
#include "fetch.h"
#include "hand.h"
#include "keep.h"
#include "kept.h"
#include "run.h"
#include "settle.h"
#include "tell.h"
#include "turn.h"

/* Of libslotq_redis, where the program links that. */
__attribute__((weak)) slotq_outcome slotq_redis_listen(slotq *queue, int *fd);
__attribute__((weak)) slotq_outcome slotq_redis_unlisten(slotq *queue);

enum {
    POLL_MS = 20,        /* without wake-ups, while there is something to wait for */
    SAFETY_MS = 5000,    /* with wake-ups */
    DRAIN_LOOK_MS = 500, /* no wake-up tells when others have finished the last message */
    BRIDGE_WAIT_MS = 60000,
    REGISTER_MS = 1
};

/* ---- the bridge: waits for messages, and takes none ---- */

typedef struct loop_bridge {
    worker_queue *queue;
    slotq *handle;
    slotq_batch *batch;
    pthread_t id;
    pthread_mutex_t lock;
    pthread_cond_t change;
    bool is_armed; /* the loop found nothing, and sleeps */
    bool ends;
    bool has_thread;
} loop_bridge;

/* The only way to wait is to reserve: the message is given back at once, and not counted. */
static void wait_for_message(loop_bridge *bridge)
{
    const worker_queue *queue = bridge->queue;
    const slotq_outcome outcome = slotq_reserve(bridge->handle, queue->options.group, 1,
                                                queue->lease_ms, BRIDGE_WAIT_MS, bridge->batch);
    if (outcome == SLOTQ_OK) {
        slotq_settle_batch(bridge->handle, SLOTQ_SETTLE_RELEASE, bridge->batch, 0, 0);
    }
}

static void *bridge_main(void *argument)
{
    loop_bridge *bridge = argument;
    pthread_mutex_lock(&bridge->lock);
    while (!bridge->ends) {
        if (!bridge->is_armed) {
            pthread_cond_wait(&bridge->change, &bridge->lock);
            continue;
        }
        pthread_mutex_unlock(&bridge->lock);
        wait_for_message(bridge);
        pthread_mutex_lock(&bridge->lock);
        bridge->is_armed = false;
        keep_ring(bridge->queue);
    }
    pthread_mutex_unlock(&bridge->lock);
    return NULL;
}

static void bridge_arm(loop_bridge *bridge)
{
    pthread_mutex_lock(&bridge->lock);
    bridge->is_armed = true;
    pthread_cond_signal(&bridge->change);
    pthread_mutex_unlock(&bridge->lock);
}

static bool bridge_is_armed(loop_bridge *bridge)
{
    pthread_mutex_lock(&bridge->lock);
    const bool armed = bridge->is_armed;
    pthread_mutex_unlock(&bridge->lock);
    return armed;
}

static void bridge_free(loop_bridge *bridge)
{
    if (bridge == NULL) {
        return;
    }
    if (bridge->has_thread) {
        pthread_mutex_lock(&bridge->lock);
        bridge->ends = true;
        pthread_cond_signal(&bridge->change);
        pthread_mutex_unlock(&bridge->lock);
        slotq_interrupt(bridge->handle);
        pthread_join(bridge->id, NULL);
    }
    slotq_batch_free(bridge->batch);
    slotq_close(bridge->handle);
    pthread_mutex_destroy(&bridge->lock);
    pthread_cond_destroy(&bridge->change);
    free(bridge);
}

static slotq_outcome bridge_new(worker_queue *queue, slotq_error *error)
{
    loop_bridge *new = calloc(1, sizeof *new);
    if (new == NULL) {
        return SLOTQ_NOMEMORY;
    }
    queue->bridge = new;
    new->queue = queue;
    pthread_mutex_init(&new->lock, NULL);
    pthread_cond_init(&new->change, NULL);
    new->batch = slotq_batch_new();
    slotq_outcome outcome =
        new->batch == NULL ? SLOTQ_NOMEMORY : slotq_clone(queue->given, &new->handle, error);
    if (outcome == SLOTQ_OK) {
        sigset_t before;
        pthread_sigmask(SIG_SETMASK, &queue->worker->blocked, &before);
        new->has_thread = pthread_create(&new->id, NULL, bridge_main, new) == 0;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        outcome = new->has_thread ? SLOTQ_OK : SLOTQ_IO;
    }
    return outcome;
}

/* ---- wake-ups ---- */

static bool watch_fd(const slotq_worker *worker, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    return epoll_ctl(worker->loop_fd, EPOLL_CTL_ADD, fd, &event) == 0 || errno == EEXIST;
}

/* The descriptor may be another one after a lost connection. */
static void listen_on(worker_hand *hand)
{
    worker_queue *queue = hand->queue;
    int fd = -1;
    if (slotq_redis_listen == NULL || slotq_redis_listen(hand->handle, &fd) != SLOTQ_OK) {
        queue->listen_fd = -1;
        return;
    }
    if (watch_fd(queue->worker, fd)) {
        queue->listen_fd = fd;
    }
}

static void stop_listening(worker_queue *queue)
{
    if (queue->listen_fd >= 0 && slotq_redis_unlisten != NULL) {
        struct epoll_event none = {0};
        epoll_ctl(queue->worker->loop_fd, EPOLL_CTL_DEL, queue->listen_fd, &none);
        slotq_redis_unlisten(queue->hands->handle);
        queue->listen_fd = -1;
    }
}

uint64_t loop_wait_ms(const worker_hand *hand)
{
    return hand->queue->worker->options.loop && hand->queue->listen_fd >= 0 ? REGISTER_MS : 0;
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

uint64_t loop_empty(worker_hand *hand, uint64_t now_ms)
{
    worker_queue *queue = hand->queue;
    slotq_stats stats;
    uint64_t wait_ms = POLL_MS;
    if (queue->bridge != NULL) {
        bridge_arm(queue->bridge);
        wait_ms = SAFETY_MS;
    } else if (queue->listen_fd >= 0 &&
               slotq_get_stats(hand->handle, queue->options.group, &stats) == SLOTQ_OK) {
        wait_ms = clock_sooner(next_due_ms(&stats, slotq_now_ms(hand->handle)), SAFETY_MS);
    }
    if (worker_state(queue->worker) == SLOTQ_WORKER_DRAINING) {
        wait_ms = clock_sooner(wait_ms, DRAIN_LOOK_MS);
    }
    return now_ms + wait_ms;
}

/* ---- open and close ---- */

slotq_outcome loop_open(slotq_worker *worker, slotq_error *error)
{
    slotq_outcome outcome = SLOTQ_OK;
    worker->loop_fd = epoll_create1(EPOLL_CLOEXEC);
    worker->stepper = run_new_thread(worker);
    bool watched = worker->loop_fd >= 0 && worker->stepper != NULL;
    if (watched && worker->signal_fd >= 0) {
        watched = watch_fd(worker, worker->signal_fd);
    }
    for (uint32_t i = 0; watched && outcome == SLOTQ_OK && i < worker->queue_count; i++) {
        worker_queue *queue = worker->queues[i];
        queue->listen_fd = -1;
        watched = watch_fd(worker, queue->bell);
        listen_on(queue->hands);
        if (queue->listen_fd < 0 && !worker->options.no_bridge) {
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
    const uint64_t now_ms = clock_run_ms();
    pthread_mutex_lock(&worker->lock);
    uint64_t next_ms = worker->loop_keep_ms;
    if (worker_takes(worker)) {
        next_ms = clock_sooner(next_ms, turn_due_ms(worker, now_ms));
    } else if (worker_state(worker) >= SLOTQ_WORKER_STOPPING) {
        next_ms = clock_sooner(next_ms, now_ms + POLL_MS);
    }
    pthread_mutex_unlock(&worker->lock);
    return next_ms == UINT64_MAX ? SLOTQ_NO_LIMIT : next_ms > now_ms ? next_ms - now_ms : 0;
}

/* Bells that rang: a message may have come, or a task was finished. */
static void take_bells(slotq_worker *worker)
{
    uint64_t rung;
    for (uint32_t i = 0; i < worker->queue_count; i++) {
        worker_queue *queue = worker->queues[i];
        const bool rang = read(queue->bell, &rung, sizeof rung) > 0;
        if (queue->listen_fd >= 0) {
            listen_on(queue->hands); /* reads what has come */
        }
        const bool is_woken =
            queue->bridge != NULL ? rang && !bridge_is_armed(queue->bridge) : queue->listen_fd >= 0;
        if (is_woken) {
            pthread_mutex_lock(&worker->lock);
            queue->look_at_ms = 0;
            pthread_mutex_unlock(&worker->lock);
        }
    }
}

static uint32_t work(slotq_worker *worker, uint32_t most)
{
    worker_thread *self = worker->stepper;
    uint32_t ran = 0;
    while (ran < most) {
        self->most = most - ran;
        const fetch_answer answer = fetch_first(self, false);
        if (answer == FETCH_MANY) {
            ran += run_many(self);
        } else if (answer == FETCH_HAND) {
            bool more = true;
            while (more) {
                hand_begin(self->hand);
                ran += run_hand(self, UINT32_MAX);
                self->most = most > ran ? most - ran : 0;
                more = fetch_again(self, ran < most);
            }
        } else {
            break;
        }
    }
    pthread_mutex_lock(&worker->lock);
    fetch_end_permit(self);
    pthread_mutex_unlock(&worker->lock);
    return ran;
}

static void keep_all(slotq_worker *worker)
{
    uint64_t next_ms = UINT64_MAX;
    for (uint32_t i = 0; i < worker->queue_count; i++) {
        next_ms = clock_sooner(next_ms, keep_pass(worker->queues[i]));
    }
    pthread_mutex_lock(&worker->lock);
    worker->loop_keep_ms = next_ms;
    pthread_mutex_unlock(&worker->lock);
}

/* The worker has stopped and holds nothing any more, or waited long enough. */
static bool is_over(slotq_worker *worker)
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
    return free || clock_run_ms() >= atomic_load(&worker->stop_at_ms) + KEPT_STOP_MORE_MS;
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
        take_bells(worker);
        keep_take_signals(worker);
        keep_all(worker);
        if (worker_takes(worker)) {
            count = work(worker, most);
        } else {
            for (uint32_t i = 0; i < worker->queue_count; i++) {
                stop_listening(worker->queues[i]);
            }
        }
        keep_all(worker);
        outcome = count != 0 ? SLOTQ_OK : SLOTQ_EMPTY;
        if (is_over(worker)) {
            atomic_store(&worker->state, SLOTQ_WORKER_ENDED);
            const slotq_event event = {.kind = SLOTQ_EVENT_STATE};
            tell(worker, &event);
            outcome = SLOTQ_GONE;
        }
    }
    if (ran != NULL) {
        *ran = count;
    }
    atomic_store(&worker->steps, false);
    return outcome;
}
