/* run.c: the life of a thread that runs handlers (run.h). Does not know how messages come or are
 * settled.
 */
#include "run.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "alone.h"
#include "clock.h"
#include "cron_turn.h"
#include "fetch.h"
#include "gather.h"
#include "hand.h"
#include "keep.h"
#include "limit.h"
#include "kept.h"
#include "refuse.h"
#include "settle.h"
#include "tell.h"

/* ---- one message ---- */

static void fill(slotq_task *task, worker_hand *hand, const hand_item *item, uint64_t run)
{
    slotq_task_info *info = &task->info;
    task->seq = run;
    info->id = item->id;
    info->attempts = item->attempts;
    info->attempts_most = atomic_load_explicit(&hand->queue->max_attempts, memory_order_relaxed);
    info->pushed_ms = item->pushed_ms;
    atomic_store_explicit(&task->state, TASK_RUNS, memory_order_relaxed);
    if (atomic_load_explicit(&task->limit_at_ms, memory_order_relaxed) != 0) {
        atomic_store(&task->limit_at_ms, 0);
    }
    task->has_note = false;
}

static uint64_t waited_ms(const slotq_task *task)
{
    const uint64_t since_ms = task->info.due_ms != 0 ? task->info.due_ms : task->info.pushed_ms;
    const uint64_t now_ms = slotq_now_ms(task->in_hand->handle);
    return since_ms != 0 && now_ms > since_ms ? now_ms - since_ms : 0;
}

static void tell_start(const slotq_task *task)
{
    const slotq_event event = {.kind = SLOTQ_EVENT_START,
                               .task = &task->info,
                               .queue = task->queue->name,
                               .waited_ms = waited_ms(task)};
    tell(task->worker, &event);
}

/* No handler: another worker may have it. An old task dies. */
static slotq_result unknown_result(const slotq_task *task)
{
    const slotq_worker_queue *options = &task->queue->options;
    if (task->info.pushed_ms == 0) {
        return slotq_result_retry(SLOTQ_REASON_NO_HANDLER);
    }
    const uint64_t now_ms = slotq_now_ms(task->in_hand->handle);
    if (now_ms > clock_add(task->info.pushed_ms, options->unknown_most_ms)) {
        return slotq_result_dead(SLOTQ_REASON_NO_HANDLER);
    }
    return (slotq_result){pace_jitter_ms(options->unknown_ms, clock_chance()), SLOTQ_RESULT_SNOOZE,
                          SLOTQ_REASON_NO_HANDLER};
}

static slotq_result call_handler(slotq_task *task)
{
    slotq_worker *worker = task->worker;
    if ((worker->event_mask & 1u << SLOTQ_EVENT_START) != 0) {
        tell_start(task);
    }
    const uint64_t began_ns = worker->is_timed ? clock_run_ns() : 0;
    const slotq_result result =
        mux_run(worker->mux, atomic_load_explicit(&task->entry, memory_order_relaxed), task);
    if (*(volatile unsigned char *)worker->mark == 0) {
        _exit(SLOTQ_REASON_THREAD_ENDED); /* a child that a handler forked */
    }
    if (worker->is_timed) {
        task->in_hand->ran_ns = clock_run_ns() - began_ns;
    }
    return result;
}

/* Its lease was lost, and told: the result is dropped. */
static void drop(hand_item *item, const slotq_task *task, slotq_result result)
{
    const slotq_handler *handler = &item->entry->handler;
    if (handler->settled != NULL) {
        slotq_task_info info = task->info;
        info.body = info.payload = NULL;
        handler->settled(handler->context, &info, result, SLOTQ_STALE);
    }
    item->state = ITEM_SETTLED;
}

static bool is_told_lost(const slotq_task *task)
{
    const uint64_t told = atomic_load_explicit(&task->told, memory_order_acquire);
    return told >> 8 == task->seq && (told & SLOTQ_TOLD_LOST) != 0;
}

static void finish(worker_hand *hand, hand_item *item, slotq_task *task, slotq_result result)
{
    if (is_told_lost(task)) {
        hand->is_mixed = true;
        if (item->entry != NULL) {
            drop(item, task, result);
        }
        item->state = ITEM_SETTLED;
        return;
    }
    hand_detail *detail = hand_detail_of(hand, item);
    detail->plan = settle_plan(hand->queue, item->entry, &task->info, result);
    if (task->has_note) {
        settle_note(&detail->plan, &detail->note, task->note.text, task->note.data.size);
    }
    hand_keep_type(hand, item, &task->info);
    item->is_plain = false;
    item->state = ITEM_FINISHED;
    hand->is_mixed = true;
    hand->failures += result.how == SLOTQ_RESULT_DONE ? 0 : 1;
    if (result.how == SLOTQ_RESULT_RELEASE) {
        fetch_rest_queue(hand->queue, RELEASE_REST_MS);
    }
}

/* LATER: the task goes on without the hand, unless it was finished meanwhile. */
static void keep_later(worker_hand *hand, hand_item *item, slotq_task *task)
{
    worker_queue *queue = hand->queue;
    uint32_t state = TASK_RUNS;
    pthread_mutex_lock(&queue->lock);
    const bool kept = atomic_compare_exchange_strong(&task->state, &state, TASK_LATER);
    if (kept) {
        gather_keep(hand, item, TASK_LATER);
    }
    pthread_mutex_unlock(&queue->lock);
    if (kept) {
        keep_ring(queue);
    } else {
        finish(hand, item, task, task->plan.result);
    }
}

static void gather_item(worker_hand *hand, hand_item *item, slotq_task *task)
{
    pthread_mutex_lock(&hand->queue->lock);
    gather_keep(hand, item, TASK_GATHERED);
    if (hand->queue->is_unkept) { /* the stop is over, and the hand was given up before */
        gather_give_back(task);
        kept_drop(task);
    } else {
        gather_join(task);
    }
    pthread_mutex_unlock(&hand->queue->lock);
    keep_ring(hand->queue);
}

/* The handler's turn, or a result in its place. */
static void run_item(worker_thread *self, worker_hand *hand, uint32_t index, uint64_t run)
{
    slotq_worker *worker = self->worker;
    worker_queue *queue = hand->queue;
    hand_item *item = &hand->items[index];
    slotq_task *task = hand->task;
    item->state = ITEM_RUNS;
    fill(task, hand, item, run);
    const mux_entry *entry = mux_look(worker->mux, &self->cache, queue->options.frame,
                                      item->payload, item->payload_bytes, &task->info);
    item->entry = entry;
    atomic_store_explicit(&task->entry, entry, memory_order_relaxed);
    if (entry == NULL) {
        finish(hand, item, task, slotq_result_dead(SLOTQ_REASON_BAD_FRAME));
        return;
    }
    /* The queue was made anew for larger payloads. */
    if (item->payload_bytes > task->copy_bytes &&
        !gather_make_room(task, slotq_geometry_of(hand->handle)->payload_bytes)) {
        finish(hand, item, task, slotq_result_release());
        return;
    }
    self->runs[entry->index]++;
    if (entry->handler.attempts_most != 0 ||
        (item->payload_bytes != 0 && *(const uint8_t *)item->payload == 1)) {
        limit_attempts(task);
    }
    if (queue->cron_count != 0 && mux_has_handler(entry) && cron_is_too_late(task)) {
        finish(hand, item, task, slotq_result_done());
        return;
    }
    if (entry->handler.run_many != NULL) {
        gather_item(hand, item, task);
        return;
    }
    if (entry->handler.run == NULL) {
        finish(hand, item, task, unknown_result(task));
        return;
    }
    atomic_store_explicit(&task->begun, run, memory_order_release);
    const slotq_result result = call_handler(task);
    if (settle_is_plain(worker, entry, result) && !is_told_lost(task)) {
        item->is_plain = true;
        item->state = ITEM_FINISHED;
    } else if (result.how == SLOTQ_RESULT_LATER) {
        keep_later(hand, item, task);
    } else {
        finish(hand, item, task, result);
    }
}

/* ---- a hand ---- */

bool run_one(worker_thread *self)
{
    worker_hand *hand = self->hand;
    const slotq_worker *worker = self->worker;
    uint32_t index;
    uint64_t run;
    if (atomic_load_explicit(&hand->queue->halted, memory_order_relaxed) ||
        atomic_load_explicit(&worker->kept_count, memory_order_relaxed) >=
            worker->options.pending_most ||
        !hand_claim(hand, &index, &run)) {
        return false;
    }
    run_item(self, hand, index, run);
    return true;
}

void run_note_rest(worker_hand *hand)
{
    const uint64_t place = atomic_load_explicit(&hand->place, memory_order_relaxed);
    hand->is_mixed = hand->is_mixed || place_next(place) < place_end(place);
}

static void run_hand(worker_thread *self)
{
    while (run_one(self)) {
    }
    run_note_rest(self->hand);
}

/* Those whose lease was lost while they waited are not run. Their number without these. */
static uint32_t begin_many(worker_thread *self, uint32_t count)
{
    const uint64_t now_ms = clock_run_ms();
    uint32_t begun = 0;
    for (uint32_t i = 0; i < count; i++) {
        slotq_task *task = self->many[i];
        pthread_mutex_lock(&task->queue->lock);
        task->begun_ms = now_ms;
        const bool is_lost = task->is_lost;
        if (is_lost) {
            gather_give_back(task);
        }
        pthread_mutex_unlock(&task->queue->lock);
        if (is_lost) {
            keep_ring(task->queue);
        } else {
            self->results[begun] = (slotq_result){0, SLOTQ_RESULT_RETRY, 0};
            self->many[begun++] = task;
        }
    }
    self->many_count = begun;
    return begun;
}

static void end_many(worker_thread *self)
{
    slotq_worker *worker = self->worker;
    for (uint32_t i = 0; i < self->many_count; i++) {
        worker_queue *queue = self->many[i]->queue;
        pthread_mutex_lock(&queue->lock);
        gather_finish(self->many[i], self->results[i]);
        pthread_mutex_unlock(&queue->lock);
        keep_ring(queue);
    }
    self->many_count = 0;
    pthread_mutex_lock(&worker->lock);
    if (self->is_given_up) {
        run_come_back(self);
    }
    pthread_mutex_unlock(&worker->lock);
}

uint32_t run_many(worker_thread *self)
{
    slotq_worker *worker = self->worker;
    pthread_mutex_lock(&worker->lock);
    const uint32_t taken = gather_take(self, clock_run_ms());
    pthread_mutex_unlock(&worker->lock);
    const uint32_t count = begin_many(self, taken);
    if (count == 0) {
        return 0;
    }
    const mux_entry *entry = self->many[0]->entry;
    const slotq_handler *handler = &entry->handler;
    handler->run_many(handler->context, self->many, count, self->results);
    if (*(volatile unsigned char *)worker->mark == 0) {
        _exit(SLOTQ_REASON_THREAD_ENDED);
    }
    end_many(self);
    return count;
}

/* ---- the thread ---- */

/* Handlers may have changed it: it is set again once a millisecond, as a call to the system at each
 * short message would cost more than the message. */
static void reset_mask(worker_thread *self)
{
    const uint64_t now_ms = self->hand->began_ns / 1000000;
    if (now_ms != self->masked_ms) {
        self->masked_ms = now_ms;
        pthread_sigmask(SIG_SETMASK, &self->worker->blocked, NULL);
    }
}

/* What a hand that was not begun, or was worked through, becomes. True: it has more. */
static bool work_through(worker_thread *self)
{
    worker_hand *hand = self->hand;
    const bool may_run = alone_enter(self);
    reset_mask(self);
    hand_begin(hand);
    if (may_run) {
        keep_note_begin(hand);
        run_hand(self);
    } else {
        hand->is_mixed = true;
    }
    const bool has_more = fetch_again(self, may_run);
    if (!has_more) {
        alone_leave(self);
    }
    return has_more;
}

static void loop(worker_thread *self)
{
    for (;;) {
        const fetch_answer answer = fetch_first(self, true);
        if (answer == FETCH_END) {
            return;
        }
        if (answer == FETCH_MANY) {
            run_many(self);
            continue;
        }
        while (work_through(self)) {
        }
    }
}

bool run_give_up(worker_thread *thread, bool may_replace)
{
    slotq_worker *worker = thread->worker;
    thread->is_given_up = true;
    alone_end(thread);
    fetch_end_permit(thread);
    worker->stuck++;
    if (may_replace && worker->replaced < worker->options.stuck_most) {
        thread->has_heir = run_start_thread(worker) == 0;
        worker->replaced += thread->has_heir ? 1 : 0;
    }
    return thread->has_heir;
}

void run_come_back(worker_thread *self)
{
    slotq_worker *worker = self->worker;
    worker->stuck--;
    if (self->has_heir) {
        worker->replaced--;
    } else {
        self->is_given_up = false;
    }
}

static void note_ended(worker_thread *self)
{
    slotq_worker *worker = self->worker;
    pthread_mutex_lock(&worker->lock);
    fetch_end_permit(self);
    self->ended = true;
    worker->alive--;
    pthread_cond_broadcast(&worker->ends);
    const bool last = worker->alive == 0;
    pthread_mutex_unlock(&worker->lock);
    if (last) {
        for (uint32_t i = 0; i < worker->queue_count; i++) {
            keep_ring(worker->queues[i]);
        }
    }
}

/* No thread takes the place of one that ended. Without any the worker would hold its queues and do
 * nothing: it ends. */
static void tell_not_replaced(slotq_worker *worker, uint32_t left, int why)
{
    slotq_error error;
    refuse(&error, SLOTQ_IO,
           "a handler ended its thread, and no other can be started (%s): %" PRIu32
           " threads are left%s",
           strerror(why), left, left == 0 ? ", and the worker stops" : "");
    tell_error(worker, &error);
    const slotq_event event = {
        .kind = SLOTQ_EVENT_THREAD_ENDED, .outcome = SLOTQ_IO, .text = error.text};
    tell(worker, &event);
    if (left == 0) {
        pthread_mutex_lock(&worker->lock);
        worker->last_failure = SLOTQ_IO;
        pthread_mutex_unlock(&worker->lock);
        slotq_worker_stop(worker);
    }
}

static void tell_thread_ended(const slotq_task *task)
{
    const slotq_event event = {
        .kind = SLOTQ_EVENT_THREAD_ENDED, .task = &task->info, .queue = task->queue->name};
    tell(task->worker, &event);
}

/* What slotq_task_finish took, and else a retry; from now on it takes nothing. */
static slotq_result result_at_exit(slotq_task *task)
{
    slotq_result result = slotq_result_retry(SLOTQ_REASON_THREAD_ENDED);
    pthread_mutex_lock(&task->queue->lock);
    if (atomic_load(&task->state) == TASK_EARLY) {
        result = task->plan.result;
    }
    atomic_store(&task->state, TASK_FREE);
    pthread_mutex_unlock(&task->queue->lock);
    return result;
}

/* A handler called pthread_exit: its message has another attempt, unless the task was finished, and
 * another thread its place. */
static void handler_ended_thread(void *argument)
{
    worker_thread *self = argument;
    slotq_worker *worker = self->worker;
    worker_hand *hand = self->hand;
    int why = 0;
    if (*(volatile unsigned char *)worker->mark == 0) {
        _exit(SLOTQ_REASON_THREAD_ENDED);
    }
    atomic_fetch_add(&worker->threads_ended, 1);
    if (self->many_count != 0) {
        tell_thread_ended(self->many[0]);
        for (uint32_t i = 0; i < self->many_count; i++) {
            self->results[i] = slotq_result_retry(SLOTQ_REASON_THREAD_ENDED);
        }
        end_many(self);
    } else if (hand != NULL) {
        const uint32_t next = place_next(atomic_load(&hand->place));
        hand_item *item = &hand->items[next == 0 ? 0 : next - 1];
        tell_thread_ended(hand->task);
        if (item->state == ITEM_RUNS) {
            finish(hand, item, hand->task, result_at_exit(hand->task));
        }
        hand->is_mixed = true;
        fetch_again(self, false);
    }
    pthread_mutex_lock(&worker->lock);
    alone_end(self);
    fetch_end_permit(self);
    if (!self->is_given_up && worker_state(worker) < SLOTQ_WORKER_STOPPING) {
        why = run_start_thread(worker);
    }
    const uint32_t left = worker->alive - 1 > worker->stuck ? worker->alive - 1 - worker->stuck : 0;
    pthread_mutex_unlock(&worker->lock);
    if (why != 0) {
        tell_not_replaced(worker, left, why);
    }
    note_ended(self);
}

void *run_thread_main(void *argument)
{
    worker_thread *self = argument;
    run_join_ended(self->worker);
    pthread_cleanup_push(handler_ended_thread, self);
    loop(self);
    pthread_cleanup_pop(0);
    note_ended(self);
    return NULL;
}
