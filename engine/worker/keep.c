/* keep.c: the keeper of a queue (keep.h). Does not know types or how messages are fetched.
 */
#include "keep.h"

#include <errno.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "clock.h"
#include "cron_turn.h"
#include "fetch.h"
#include "gather.h"
#include "hand.h"
#include "kept.h"
#include "limit.h"
#include "owed.h"
#include "run.h"
#include "settle.h"
#include "tell.h"

enum { SLEEP_MOST_MS = 30000, OWED_REST_MS = 100 };

void keep_ring(worker_queue *queue)
{
    const uint64_t one = 1;
    const int before = errno;
    while (write(queue->bell, &one, sizeof one) < 0 && errno == EINTR) {
    }
    errno = before;
}

void keep_note_begin(worker_hand *hand)
{
    worker_queue *queue = hand->queue;
    const uint64_t look_at_ms = hand->began_ns / 1000000 + queue->look_ms;
    if (atomic_load(&queue->wakes_at_ms) > look_at_ms) {
        atomic_store(&queue->wakes_at_ms, look_at_ms);
        keep_ring(queue);
    }
}

/* ---- a message that is given up ---- */

const char *keep_stuck_text(bool replaced)
{
    return replaced ? "another thread takes its place"
                    : "no thread may take its place: the worker takes nothing more; end the "
                      "process";
}

static void quiet_if_stuck(slotq_worker *worker, bool is_stuck, bool replaced)
{
    if (is_stuck && !replaced && worker_takes(worker)) {
        slotq_worker_quiet(worker);
    }
}

bool keep_leave_thread(worker_thread *thread, bool is_stuck)
{
    slotq_worker *worker = thread->worker;
    pthread_mutex_lock(&worker->lock);
    const bool was_left = thread->is_given_up;
    const bool replaced = was_left ? worker_takes(worker) : run_give_up(thread, is_stuck);
    pthread_mutex_unlock(&worker->lock);
    quiet_if_stuck(worker, is_stuck, replaced);
    return replaced;
}

/* The thread does not return: its hand goes with it, but for the handle. With queue->lock. True:
 * another thread has its place. */
static bool abandon(worker_hand *old, bool is_stuck)
{
    worker_queue *queue = old->queue;
    slotq_worker *worker = queue->worker;
    worker_hand *new = worker->options.loop ? NULL : hand_new(queue);
    pthread_mutex_lock(&worker->lock);
    worker_hand **link = &queue->hands;
    while (*link != old) {
        link = &(*link)->next;
    }
    *link = old->next;
    old->state = HAND_ABANDONED;
    old->next = queue->gone;
    queue->gone = old;
    queue->busy--;
    if (new != NULL) {
        new->handle = old->handle;
        old->handle = NULL;
        new->task = gather_new_task(worker);
        new->next = queue->hands;
        queue->hands = new;
    }
    const bool replaced = run_give_up(old->thread, is_stuck && new != NULL);
    pthread_mutex_unlock(&worker->lock);
    quiet_if_stuck(worker, is_stuck, replaced);
    return replaced;
}

void keep_free_abandoned(worker_hand *hand)
{
    worker_queue *queue = hand->queue;
    slotq_worker *worker = queue->worker;
    pthread_mutex_lock(&worker->lock);
    struct worker_hand **link = &queue->gone;
    while (*link != hand) {
        link = &(*link)->next;
    }
    *link = hand->next;
    run_come_back(hand->thread);
    gather_put_task(worker, hand->task);
    pthread_mutex_unlock(&worker->lock);
    hand_free(hand);
}

/* The item that the hand had when it was seen. */
static uint32_t running_in(const worker_hand *hand)
{
    return (uint32_t)(hand->seen_run & 0xffff) - 1;
}

/* Given up: what became of these is not known, or they are gone with the old queue. */
static void drop_rest(worker_hand *hand, uint32_t running, slotq_outcome outcome)
{
    worker_queue *queue = hand->queue;
    for (uint32_t i = 0; i < hand->count; i++) {
        hand_item *item = &hand->items[i];
        if (i == running) {
            continue;
        }
        if (item->state == ITEM_FINISHED) {
            const slotq_task_info info = hand_info_of(hand, item);
            settle_told(queue, queue->handle, item->entry, &info, hand_plan(hand, item), outcome,
                        false, 0);
        }
        item->state = ITEM_SETTLED;
    }
}

/* The message that runs in a taken hand is settled by the keeper; its thread goes on alone. */
static void give_up(worker_hand *hand, settlement plan, bool is_stuck)
{
    worker_queue *queue = hand->queue;
    hand_item *item = &hand->items[running_in(hand)];
    const bool begun = atomic_load(&hand->task->begun) == hand->seen_run;
    owed_tell_task(hand->task, hand->seen_run, SLOTQ_TOLD_LOST);
    if (hand->lost_run != hand->seen_run) {
        hand->lost_run = hand->seen_run;
        const slotq_outcome outcome =
            owed_settle_run(queue, hand->generation, item->id, item->token, &plan);
        if (begun) {
            settle_told(queue, queue->handle, hand->task->entry, &hand->task->info, &plan, outcome,
                        false, 0);
        }
    }
    drop_rest(hand, running_in(hand), SLOTQ_OUTCOME_UNKNOWN);
    const bool replaced = abandon(hand, is_stuck);
    if (is_stuck) { /* its thread cannot free it: it waits for queue->lock */
        limit_tell_event(queue, hand->task, SLOTQ_EVENT_STUCK, keep_stuck_text(replaced));
    }
}

/* ---- hands ---- */

/* What was taken beside the message that runs. When to try again; UINT64_MAX: all is settled. */
static uint64_t settle_rest(worker_hand *hand, uint32_t running, uint64_t now_ms)
{
    worker_queue *queue = hand->queue;
    uint32_t count = 0;
    if (now_ms < hand->owed_at_ms) {
        return hand->owed_at_ms;
    }
    if (owed_is_gone(queue, hand->generation)) {
        drop_rest(hand, running, SLOTQ_REMADE);
    }
    for (uint32_t i = 0; i < hand->count; i++) {
        hand_item *item = &hand->items[i];
        if (i != running && (item->state == ITEM_HELD || item->state == ITEM_FINISHED)) {
            const settlement plan =
                item->state == ITEM_HELD ? settle_release() : *hand_plan(hand, item);
            queue->ones[count++] = (owed_one){.hand = hand, .item = item, .plan = plan};
        }
    }
    if (count == 0 || owed_settle(queue, count)) {
        hand->owed_at_ms = UINT64_MAX;
    } else {
        hand->owed_tries++;
        hand->owed_at_ms = now_ms + pace_patience_ms(hand->owed_tries, clock_chance());
    }
    return hand->owed_at_ms;
}

/* A hand with nothing left but the message that runs. */
static uint64_t look_at_run(worker_hand *hand, uint64_t now_ms, uint32_t *extends)
{
    worker_queue *queue = hand->queue;
    slotq_task *task = hand->task;
    const uint64_t run = hand->seen_run;
    const bool begun = atomic_load(&task->begun) == run;
    uint64_t next_ms = UINT64_MAX;
    if (begun) {
        const uint64_t at_ms = limit_at_ms(task, hand->seen_ms);
        const uint64_t stuck_ms = clock_add(at_ms, queue->lease_ms / 3);
        if (now_ms >= at_ms) {
            limit_tell(queue, task, run);
        }
        if (now_ms >= stuck_ms) {
            give_up(hand, limit_stuck_plan(queue, task), true);
            return now_ms;
        }
        next_ms = now_ms >= at_ms ? stuck_ms : at_ms;
    }
    if (hand->lost_run != run && owed_is_gone(queue, hand->generation)) {
        owed_lose(queue, hand, task, run, SLOTQ_REMADE);
    }
    if (hand->lost_run == run) {
        return next_ms;
    }
    const uint64_t renew_ms = limit_renew_at_ms(queue, hand->leased_ms, hand->retry_at_ms, now_ms);
    if (renew_ms <= now_ms) {
        queue->extends[(*extends)++] =
            (owed_one){.hand = hand, .item = &hand->items[running_in(hand)], .task = task};
    }
    return clock_sooner(next_ms, renew_ms <= now_ms ? now_ms + queue->look_ms : renew_ms);
}

/* True: the keeper is to take what lies beside the message that runs. */
static bool is_to_be_taken(const worker_hand *hand, uint64_t place, uint64_t now_ms)
{
    const worker_queue *queue = hand->queue;
    const uint32_t next = place_next(place);
    const uint64_t ran_ms = now_ms - hand->seen_ms;
    const bool has_unstarted = next < place_end(place);
    const bool has_others = has_unstarted || next > 1;
    if (has_unstarted && atomic_load(&queue->halted)) {
        return true;
    }
    if (has_others && ran_ms >= queue->worker->options.give_back_ms) {
        return true;
    }
    return limit_renew_at_ms(queue, hand->leased_ms, 0, now_ms) <= now_ms ||
           (atomic_load(&hand->task->begun) == hand->seen_run &&
            limit_at_ms(hand->task, hand->seen_ms) <= now_ms) ||
           atomic_load(&queue->worker->stop_now);
}

/* Take the hand if it is time. False: it is not taken; *next_ms is the next look. */
static bool take(worker_hand *hand, uint64_t now_ms, uint64_t *next_ms)
{
    const worker_queue *queue = hand->queue;
    const uint64_t place = atomic_load(&hand->place);
    const bool taken = atomic_load(&hand->is_taken);
    const bool is_idle = place_next(place) == 0 && place_end(place) == 0;
    /* A thread that has ended the run that was taken waits for this lock. */
    const bool is_over = taken && hand->seen_run != place_run(place);
    *next_ms = is_idle || is_over ? UINT64_MAX : now_ms + queue->look_ms;
    if (place_next(place) == 0 || is_over) {
        return false;
    }
    if (hand->seen_run != place_run(place)) {
        hand->seen_run = place_run(place);
        hand->seen_ms = now_ms;
        hand->retry_at_ms = 0;
    }
    if (!taken && (!is_to_be_taken(hand, place, now_ms) || !hand_take(hand, place))) {
        return false;
    }
    hand->owed_at_ms = taken ? hand->owed_at_ms : 0;
    hand->owed_tries = taken ? hand->owed_tries : 0;
    return true;
}

/* What ran last is in queue->kept, and the thread is about to go on. */
static bool has_left(const worker_hand *hand)
{
    return hand->left_run == hand->seen_run;
}

/* When the hand is to be looked at again. */
static uint64_t look_at_hand(worker_hand *hand, uint64_t now_ms, uint32_t *extends)
{
    uint64_t next_ms;
    if (!take(hand, now_ms, &next_ms)) {
        return next_ms;
    }
    next_ms = settle_rest(hand, running_in(hand), now_ms);
    if (has_left(hand)) {
        return clock_sooner(next_ms, now_ms + hand->queue->look_ms);
    }
    return clock_sooner(next_ms, look_at_run(hand, now_ms, extends));
}

/* What runs is given back. All handlers are told before the first trip, which may take long. */
static void give_up_all(worker_queue *queue, uint64_t now_ms)
{
    uint64_t next_ms;
    for (worker_hand *hand = queue->hands; hand != NULL; hand = hand->next) {
        hand->is_given_up = take(hand, now_ms, &next_ms) && !has_left(hand);
        if (hand->is_given_up) {
            owed_tell_task(hand->task, hand->seen_run, SLOTQ_TOLD_LOST);
        }
    }
    kept_tell_lost(queue);
    for (worker_hand *hand = queue->hands, *next; hand != NULL; hand = next) {
        next = hand->next;
        if (hand->is_given_up) {
            settle_rest(hand, running_in(hand), now_ms);
            give_up(hand, settle_release(), false);
        }
    }
}

/* ---- what a thread could not settle ---- */

static bool is_owed(const worker_hand *hand)
{
    slotq_worker *worker = hand->queue->worker;
    pthread_mutex_lock(&worker->lock);
    const bool owed = hand->state == HAND_OWED;
    pthread_mutex_unlock(&worker->lock);
    return owed;
}

static uint64_t look_at_owed(worker_hand *hand, uint64_t now_ms)
{
    worker_queue *queue = hand->queue;
    slotq_worker *worker = queue->worker;
    if (!is_owed(hand)) {
        return UINT64_MAX;
    }
    const uint64_t stop_at_ms = atomic_load(&worker->stop_at_ms);
    const bool over =
        queue->failed || (stop_at_ms != 0 && now_ms >= clock_add(stop_at_ms, KEPT_STOP_MORE_MS));
    if (over) {
        drop_rest(hand, UINT32_MAX, SLOTQ_OUTCOME_UNKNOWN);
    } else if (settle_rest(hand, UINT32_MAX, now_ms) != UINT64_MAX) {
        return hand->owed_at_ms;
    }
    pthread_mutex_lock(&worker->lock);
    fetch_free_hand(hand);
    pthread_cond_signal(&worker->work);
    pthread_mutex_unlock(&worker->lock);
    return UINT64_MAX;
}

/* ---- a pass ---- */

uint64_t keep_pass(worker_queue *queue)
{
    slotq_worker *worker = queue->worker;
    uint64_t next_ms = UINT64_MAX;
    uint32_t extends = 0;
    const uint64_t now_ms = clock_run_ms();
    const uint64_t stop_at_ms = atomic_load(&worker->stop_at_ms);
    if (stop_at_ms != 0 && now_ms >= stop_at_ms) {
        slotq_worker_stop_now(worker);
    }
    pthread_mutex_lock(&queue->lock);
    atomic_store(&worker->slept_ms, clock_lease_ms() - now_ms);
    queue->is_silent = false;
    if (atomic_load(&worker->stop_now)) {
        give_up_all(queue, now_ms);
    }
    worker_hand *next;
    for (worker_hand *hand = queue->hands; hand != NULL; hand = next) {
        next = hand->next;
        next_ms = clock_sooner(next_ms, look_at_hand(hand, now_ms, &extends));
    }
    owed_extend(queue, extends, now_ms);
    for (worker_hand *hand = queue->hands; hand != NULL; hand = hand->next) {
        next_ms = clock_sooner(next_ms, look_at_owed(hand, now_ms));
    }
    extends = 0;
    next_ms = clock_sooner(next_ms, kept_look(queue, now_ms, &extends));
    owed_extend(queue, extends, now_ms);
    if (queue->cron_count != 0 && !queue->failed && worker_takes(worker)) {
        next_ms = clock_sooner(next_ms, cron_turn(queue, now_ms));
    }
    pthread_mutex_unlock(&queue->lock);
    const bool waits = stop_at_ms != 0 && !atomic_load(&worker->stop_now);
    return waits ? clock_sooner(next_ms, stop_at_ms) : next_ms;
}

/* ---- the thread ---- */

void keep_take_signals(slotq_worker *worker)
{
    struct signalfd_siginfo info;
    while (worker->options.loop && worker->signal_fd >= 0 &&
           read(worker->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        slotq_worker_signalled(worker);
    }
    const uint32_t signalled = atomic_load(&worker->signalled);
    if (signalled != 0 && worker_state(worker) < SLOTQ_WORKER_STOPPING) {
        slotq_worker_stop(worker);
    }
    if (signalled > 1 && !atomic_load(&worker->stop_now)) {
        slotq_worker_stop_now(worker);
    }
}

/* No thread has anything of this queue any more, or the time is over. */
static bool may_end(worker_queue *queue, uint64_t now_ms)
{
    slotq_worker *worker = queue->worker;
    if (worker_state(worker) < SLOTQ_WORKER_STOPPING) {
        return false;
    }
    pthread_mutex_lock(&worker->lock);
    bool free = worker->alive <= worker->stuck && atomic_load(&worker->kept_count) == 0;
    for (const worker_hand *hand = queue->hands; free && hand != NULL; hand = hand->next) {
        free = hand->state == HAND_FREE;
    }
    const uint64_t stop_at_ms = atomic_load(&worker->stop_at_ms);
    free = free || now_ms >= clock_add(stop_at_ms, KEPT_STOP_MORE_MS + OWED_REST_MS);
    pthread_mutex_unlock(&worker->lock);
    return free;
}

void keep_leave(worker_queue *queue)
{
    uint32_t extends = 0;
    pthread_mutex_lock(&queue->lock);
    queue->is_unkept = true;
    kept_look(queue, clock_run_ms(), &extends);
    pthread_mutex_unlock(&queue->lock);
}

static void *keeper_main(void *argument)
{
    worker_queue *queue = argument;
    slotq_worker *worker = queue->worker;
    uint64_t rung;
    struct pollfd input = {.fd = queue->bell, .events = POLLIN};
    for (;;) {
        atomic_store(&queue->wakes_at_ms, 0);
        if (queue->index == 0) {
            keep_take_signals(worker);
        }
        const uint64_t before_ms = clock_run_ms();
        uint64_t next_ms = keep_pass(queue);
        if (may_end(queue, before_ms)) { /* the pass has given up what is over by then */
            break;
        }
        const uint64_t now_ms = clock_run_ms();
        if (worker_state(worker) >= SLOTQ_WORKER_STOPPING) {
            next_ms = clock_sooner(next_ms, now_ms + OWED_REST_MS / 4);
        }
        next_ms = clock_sooner(next_ms, clock_add(now_ms, SLEEP_MOST_MS));
        atomic_store(&queue->wakes_at_ms, next_ms);
        /* A hand that began meanwhile, and saw 0 there, is seen now. */
        for (const worker_hand *hand = queue->hands; hand != NULL; hand = hand->next) {
            if (place_end(atomic_load(&hand->place)) != 0) {
                next_ms = clock_sooner(next_ms, now_ms + queue->look_ms);
            }
        }
        const uint64_t wait_ms = next_ms > now_ms ? next_ms - now_ms : 0;
        poll(&input, 1, (int)wait_ms);
        if (read(queue->bell, &rung, sizeof rung) < 0) {
            continue; /* no ring */
        }
    }
    keep_leave(queue);
    pthread_mutex_lock(&worker->lock);
    worker->keepers--;
    queue->keeper_ended = true;
    pthread_cond_broadcast(&worker->ends);
    pthread_mutex_unlock(&worker->lock);
    return NULL;
}

int keep_start(worker_queue *queue)
{
    const int why = pthread_create(&queue->keeper, NULL, keeper_main, queue);
    queue->has_keeper = why == 0;
    return why;
}
