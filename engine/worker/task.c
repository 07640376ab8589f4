/* task.c: what a handler may ask and say of its task. Does not know how leases are kept.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "away.h"
#include "clock.h"
#include "fetch.h"
#include "gather.h"
#include "keep.h"
#include "owed.h"
#include "settle.h"

const slotq_task_info *slotq_task_info_of(const slotq_task *task)
{
    return task != NULL ? &task->info : NULL;
}

bool slotq_task_header(const slotq_task *task, const char *name, const void **value,
                       uint32_t *bytes)
{
    return task != NULL &&
           slotq_frame_header(task->info.payload, task->info.payload_bytes, name, value, bytes);
}

uint32_t slotq_task_told(const slotq_task *task)
{
    if (task == NULL) {
        return 0;
    }
    const uint64_t told = atomic_load_explicit(&task->told, memory_order_acquire);
    const uint32_t flags = told >> 8 == task->seq ? (uint32_t)(told & 0xff) : 0;
    const bool stops = atomic_load_explicit(&task->worker->stop_at_ms, memory_order_relaxed) != 0;
    return flags | (stops ? SLOTQ_TOLD_STOPPING : 0);
}

static bool is_child(const slotq_worker *worker)
{
    return *(volatile unsigned char *)worker->mark == 0;
}

/* When the run began: exactly for a kept task, else as the keeper saw it. */
static uint64_t begun_ms_of(const slotq_task *task, uint64_t now_ms)
{
    worker_queue *queue = task->queue;
    pthread_mutex_lock(&queue->lock);
    const worker_hand *hand = task->in_hand;
    const uint64_t begun_ms = hand == NULL                  ? task->begun_ms
                              : hand->seen_run == task->seq ? hand->seen_ms
                                                            : now_ms;
    pthread_mutex_unlock(&queue->lock);
    return begun_ms;
}

uint64_t slotq_task_left_ms(const slotq_task *task)
{
    if (task == NULL) {
        return SLOTQ_NO_LIMIT;
    }
    const uint64_t now_ms = clock_run_ms();
    const uint64_t set_ms = atomic_load(&task->limit_at_ms);
    const mux_entry *entry = task->entry;
    /* In a child another thread may have left the lock locked, and no keeper runs. */
    const uint64_t begun_ms = is_child(task->worker) ? now_ms : begun_ms_of(task, now_ms);
    uint64_t at_ms = set_ms != 0 ? set_ms : clock_add(begun_ms, entry->handler.limit_ms);
    const uint64_t stop_ms = atomic_load(&task->worker->stop_at_ms);
    at_ms = stop_ms != 0 ? clock_sooner(at_ms, stop_ms) : at_ms;
    return at_ms == UINT64_MAX ? SLOTQ_NO_LIMIT : at_ms > now_ms ? at_ms - now_ms : 0;
}

static bool is_lost(const slotq_task *task)
{
    const worker_hand *hand = task->in_hand;
    return hand != NULL ? hand->lost_run == task->seq || hand->state == HAND_ABANDONED
                        : task->is_lost;
}

slotq_outcome slotq_task_confirm(slotq_task *task)
{
    if (task == NULL) {
        return SLOTQ_INVALID;
    }
    worker_queue *queue = task->queue;
    if (is_child(task->worker)) {
        return SLOTQ_UNSUPPORTED;
    }
    pthread_mutex_lock(&queue->lock);
    worker_hand *hand = task->in_hand;
    slotq_outcome outcome = SLOTQ_STALE;
    if (!is_lost(task)) {
        uint32_t *token =
            hand != NULL ? &hand->items[(task->seq & 0xffff) - 1].token : &task->token;
        uint8_t *doubts =
            hand != NULL ? &hand->items[(task->seq & 0xffff) - 1].doubts : &task->doubts;
        _Atomic uint64_t *renewed_ms = hand != NULL ? &hand->leased_ms : &task->renewed_ms;
        const uint64_t sent_ms = clock_lease_ms();
        if (hand != NULL) {
            hand->is_mixed = true; /* it will have another token */
        }
        const uint32_t generation = hand != NULL ? hand->generation : task->generation;
        const bool is_gone = owed_is_gone(queue, generation);
        outcome = is_gone ? SLOTQ_REMADE
                          : slotq_extend(queue->handle, queue->options.group, task->info.id, *token,
                                         queue->lease_ms, token);
        if (outcome == SLOTQ_STALE && (*doubts & DOUBT_TOKEN) != 0) {
            outcome = owed_extend_again(queue, generation, &task->info, token, doubts);
        }
        away_note(queue, queue->handle, outcome);
        if (outcome == SLOTQ_OK) {
            *renewed_ms = sent_ms;
            *doubts = 0;
            owed_tell_renewed(task, task->seq);
        } else if (settle_is_answer(outcome)) {
            owed_lose(queue, hand, task, task->seq, outcome);
        } else {
            *doubts |= outcome == SLOTQ_OUTCOME_UNKNOWN ? DOUBT_TOKEN : 0;
        }
    }
    pthread_mutex_unlock(&queue->lock);
    return outcome;
}

void slotq_task_alive(slotq_task *task)
{
    if (task != NULL) {
        atomic_store(&task->alive_ms, clock_run_ms());
    }
}

void slotq_task_set_limit(slotq_task *task, uint64_t limit_ms)
{
    if (task == NULL) {
        return;
    }
    const uint64_t at_ms = clock_add(clock_run_ms(), limit_ms);
    atomic_store(&task->limit_at_ms, at_ms);
    if (!is_child(task->worker)) {
        keep_ring(task->queue); /* it may be sooner than its next look */
    }
}

slotq_outcome slotq_task_note(slotq_task *task, const void *text, uint32_t bytes)
{
    if (task == NULL || bytes > SLOTQ_NOTE_BYTES_MAX || (text == NULL && bytes != 0)) {
        return SLOTQ_INVALID;
    }
    if (bytes != 0) {
        memcpy(task->note.text, text, bytes);
    }
    task->note.data = (slotq_data){task->note.text, bytes};
    task->has_note = bytes != 0;
    return SLOTQ_OK;
}

void slotq_task_rest_queue(slotq_task *task, uint64_t rest_ms)
{
    if (task == NULL || is_child(task->worker)) {
        return;
    }
    slotq_worker *worker = task->worker;
    worker_queue *queue = task->queue;
    pthread_mutex_lock(&worker->lock);
    const uint64_t until_ms = clock_add(clock_run_ms(), rest_ms);
    queue->rest_until_ms = until_ms > queue->rest_until_ms ? until_ms : queue->rest_until_ms;
    fetch_halt(worker);
    fetch_wake_all(worker);
    pthread_mutex_unlock(&worker->lock);
    keep_ring(queue);
}

slotq_outcome slotq_task_finish(slotq_task *task, slotq_result result)
{
    if (task == NULL || result.how == SLOTQ_RESULT_LATER) {
        return SLOTQ_INVALID;
    }
    if (is_child(task->worker)) {
        return SLOTQ_UNSUPPORTED;
    }
    worker_queue *queue = task->queue;
    slotq_outcome outcome = SLOTQ_INVALID;
    pthread_mutex_lock(&queue->lock);
    uint32_t state = atomic_load(&task->state);
    if (state == TASK_RUNS) {
        task->plan.result = result;
        if (atomic_compare_exchange_strong(&task->state, &state, TASK_EARLY)) {
            outcome = is_lost(task) ? SLOTQ_STALE : SLOTQ_OK;
        }
    } else if (state == TASK_LATER) {
        outcome = gather_finish(task, result) ? SLOTQ_OK : SLOTQ_STALE;
    }
    keep_ring(queue); /* with the lock: slotq_worker_free waits for it */
    pthread_mutex_unlock(&queue->lock);
    return outcome;
}
