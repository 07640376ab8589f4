/* gather.c: tasks that outlive the call of their handler (gather.h). Does not know how they are
 * settled.
 */
#include "gather.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "fetch.h"
#include "kept.h"
#include "hand.h"
#include "settle.h"

slotq_task *gather_new_task(slotq_worker *worker)
{
    slotq_task *task = worker->tasks;
    worker->tasks = task->next;
    task->next = NULL;
    /* Runs are numbered for each hand: what was told of one must not count for another's. */
    atomic_store(&task->told, 0);
    atomic_store(&task->begun, 0);
    atomic_store(&task->limit_at_ms, 0);
    atomic_store(&task->alive_ms, 0);
    return task;
}

void gather_put_task(slotq_worker *worker, slotq_task *task)
{
    atomic_store(&task->state, TASK_FREE);
    task->next = worker->tasks;
    worker->tasks = task;
}

bool gather_make_room(slotq_task *task, uint32_t bytes)
{
    char *larger = malloc(bytes);
    if (larger == NULL) {
        return false;
    }
    free(task->larger);
    task->copy = task->larger = larger;
    task->copy_bytes = bytes;
    return true;
}

/* Its payload lies in the batch of the hand: type, body and payload are borrowed from it. */
static void copy_payload(slotq_task *task)
{
    slotq_task_info *info = &task->info;
    const char *from = info->payload;
    memcpy(task->copy, from != NULL ? from : "", info->payload_bytes);
    if (info->type_bytes != 0) {
        info->type = task->copy + (info->type - from);
    }
    info->body = from != NULL ? task->copy + ((const char *)info->body - from) : task->copy;
    info->payload = task->copy;
}

void gather_keep(worker_hand *hand, hand_item *item, task_state state)
{
    worker_queue *queue = hand->queue;
    slotq_worker *worker = queue->worker;
    slotq_task *task = hand->task;
    copy_payload(task);
    task->in_hand = NULL;
    task->token = item->token;
    task->generation = hand->generation;
    task->renewed_ms = hand->leased_ms;
    task->begun_ms =
        state == TASK_LATER && hand->seen_run == task->seq ? hand->seen_ms : clock_run_ms();
    task->retry_at_ms = 0;
    task->tries = 0;
    task->doubts = item->doubts;
    task->is_lost = hand->lost_run == task->seq;
    task->is_unbegun = false;
    atomic_store(&task->state, state);
    task->next = queue->kept;
    queue->kept = task;
    atomic_fetch_add(&worker->kept_count, 1);
    pthread_mutex_lock(&worker->lock);
    hand->task = gather_new_task(worker);
    pthread_mutex_unlock(&worker->lock);
    hand_dress_task(hand);
    item->state = ITEM_LEFT;
    hand->left_run = task->seq;
    hand->is_mixed = true;
}

/* ---- many of one type ---- */

static uint64_t due_ms_of(const slotq_worker *worker, uint32_t row)
{
    const gather *waits = &worker->gathers[row];
    const slotq_handler *handler = &mux_at(worker->mux, row)->handler;
    if (waits->count == 0) {
        return UINT64_MAX;
    }
    return waits->count >= handler->many_most ? 0
                                              : clock_add(waits->oldest_ms, handler->many_wait_ms);
}

static void set_due(slotq_worker *worker)
{
    uint64_t due_ms = UINT64_MAX;
    for (uint32_t row = 0; row < mux_count(worker->mux); row++) {
        due_ms = clock_sooner(due_ms, due_ms_of(worker, row));
    }
    atomic_store(&worker->gather_due_ms, due_ms);
}

void gather_join(slotq_task *task)
{
    slotq_worker *worker = task->worker;
    pthread_mutex_lock(&worker->lock);
    const mux_entry *entry = task->entry;
    gather *waits = &worker->gathers[entry->index];
    task->gathered = NULL;
    if (waits->count == 0) {
        waits->first = task;
        waits->oldest_ms = clock_run_ms();
    } else {
        waits->last->gathered = task;
    }
    waits->last = task;
    waits->count++;
    set_due(worker);
    if (waits->count == 1 || waits->count == mux_at(worker->mux, entry->index)->handler.many_most) {
        fetch_wake_all(worker); /* a free thread is to know when they are due */
    }
    pthread_mutex_unlock(&worker->lock);
}

uint32_t gather_take(worker_thread *self, uint64_t now_ms)
{
    slotq_worker *worker = self->worker;
    uint32_t row = 0;
    if (worker_state(worker) >= SLOTQ_WORKER_STOPPING) {
        return 0; /* the keepers give them back */
    }
    while (row < mux_count(worker->mux) && due_ms_of(worker, row) > now_ms) {
        row++;
    }
    if (row == mux_count(worker->mux) || worker_state(worker) >= SLOTQ_WORKER_STOPPING) {
        set_due(worker); /* what waits is given back in a stop: kept.c */
        return 0;
    }
    gather *waits = &worker->gathers[row];
    const uint32_t most = mux_at(worker->mux, row)->handler.many_most;
    uint32_t count = 0;
    while (waits->count != 0 && count < most) {
        slotq_task *task = waits->first;
        waits->first = task->gathered;
        waits->count--;
        task->thread = self;
        atomic_store(&task->state, TASK_MANY);
        self->many[count++] = task;
    }
    set_due(worker); /* what is left has waited as long */
    return count;
}

/* ---- the end of a kept task ---- */

bool gather_finish(slotq_task *task, slotq_result result)
{
    task->plan = settle_plan(task->queue, task->entry, &task->info, result);
    if (task->has_note) {
        settle_note(&task->plan, &task->note, task->note.text, task->note.data.size);
    }
    if (result.how == SLOTQ_RESULT_RELEASE) {
        fetch_rest_queue(task->queue, RELEASE_REST_MS);
    }
    task->owed_since_ms = clock_run_ms();
    task->retry_at_ms = 0;
    atomic_store(&task->state, TASK_FINISHED);
    const bool is_lost = task->is_lost;
    if (task->queue->is_unkept) {
        kept_drop(task);
    }
    return !is_lost;
}

void gather_give_back(slotq_task *task)
{
    task->plan = settle_release();
    task->is_unbegun = true;
    task->retry_at_ms = 0;
    atomic_store(&task->state, TASK_FINISHED);
}

uint32_t gather_count_later(const slotq_worker *worker)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < worker->task_count; i++) {
        count += atomic_load(&worker->all_tasks[i].state) == TASK_LATER ? 1 : 0;
    }
    return count;
}

void gather_free(slotq_task *task)
{
    slotq_worker *worker = task->worker;
    slotq_task **link = &task->queue->kept;
    while (*link != task) {
        link = &(*link)->next;
    }
    *link = task->next;
    pthread_mutex_lock(&worker->lock);
    gather_put_task(worker, task);
    if (atomic_fetch_sub(&worker->kept_count, 1) >= worker->options.pending_most) {
        pthread_cond_broadcast(&worker->work);
    }
    pthread_mutex_unlock(&worker->lock);
}
