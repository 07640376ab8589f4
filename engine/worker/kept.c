/* kept.c: the keeper looks after tasks that outlive their handler's call (kept.h). Does not know
 * how they came to be kept.
 */
#include "kept.h"

#include "clock.h"
#include "gather.h"
#include "keep.h"
#include "limit.h"
#include "owed.h"
#include "settle.h"

/* A result of the worker: the handler goes on, and what it answers is dropped. */
static void lose_kept(slotq_task *task, settlement plan)
{
    worker_queue *queue = task->queue;
    owed_tell_task(task, task->seq, SLOTQ_TOLD_LOST);
    task->is_lost = true;
    const slotq_outcome outcome =
        owed_settle_run(queue, task->generation, task->info.id, task->token, &plan);
    settle_told(queue, queue->handle, task->entry, &task->info, &plan, outcome, false, 0);
}

static uint64_t look_at_kept_run(slotq_task *task, uint64_t now_ms, uint32_t *extends)
{
    worker_queue *queue = task->queue;
    const uint64_t at_ms =
        atomic_load(&task->state) == TASK_GATHERED ? UINT64_MAX : limit_at_ms(task, task->begun_ms);
    const uint64_t stuck_ms = clock_add(at_ms, queue->lease_ms / 3);
    if (now_ms >= at_ms) {
        limit_tell(queue, task, task->seq);
    }
    if (now_ms >= stuck_ms) {
        const bool has_thread = atomic_load(&task->state) == TASK_MANY;
        lose_kept(task, limit_stuck_plan(queue, task));
        const bool replaced = has_thread && keep_leave_thread(task->thread, true);
        limit_tell_event(queue, task, SLOTQ_EVENT_STUCK,
                         has_thread ? keep_stuck_text(replaced) : NULL);
        return UINT64_MAX;
    }
    const uint64_t renew_ms = limit_renew_at_ms(queue, task->renewed_ms, task->retry_at_ms, now_ms);
    if (renew_ms <= now_ms) {
        queue->extends[(*extends)++] = (owed_one){.task = task};
    }
    const uint64_t next_ms = now_ms >= at_ms ? stuck_ms : at_ms;
    return clock_sooner(next_ms, renew_ms <= now_ms ? now_ms + queue->look_ms : renew_ms);
}

/* A lost task whose handler has ended. */
static void end_lost(slotq_task *task)
{
    const mux_entry *entry = task->entry;
    const slotq_handler *handler = &entry->handler;
    slotq_task_info info = task->info;
    info.body = info.payload = NULL;
    if (handler->settled != NULL && !task->is_unbegun) {
        handler->settled(handler->context, &info, task->plan.result, SLOTQ_STALE);
    }
    gather_free(task);
}

void kept_drop(slotq_task *task)
{
    worker_queue *queue = task->queue;
    if (task->is_lost) {
        end_lost(task);
        return;
    }
    slotq_task_info info = task->info;
    info.body = info.payload = NULL;
    if (!task->is_unbegun) {
        settle_told(queue, queue->handle, task->entry, &info, &task->plan, SLOTQ_OUTCOME_UNKNOWN,
                    false, 0);
    }
    gather_free(task);
}

static uint64_t look_at_finished(slotq_task *task, uint64_t now_ms, uint32_t *ones)
{
    worker_queue *queue = task->queue;
    const uint64_t stop_at_ms = atomic_load(&queue->worker->stop_at_ms);
    if (task->is_lost || queue->failed ||
        (stop_at_ms != 0 && now_ms >= clock_add(stop_at_ms, KEPT_STOP_MORE_MS))) {
        kept_drop(task);
        return UINT64_MAX;
    }
    if (now_ms < task->retry_at_ms) {
        return task->retry_at_ms;
    }
    task->tries++;
    task->retry_at_ms = now_ms + pace_patience_ms(task->tries, clock_chance());
    queue->ones[(*ones)++] = (owed_one){.task = task, .plan = task->plan};
    return task->retry_at_ms;
}

void kept_tell_lost(worker_queue *queue)
{
    for (slotq_task *task = queue->kept; task != NULL; task = task->next) {
        owed_tell_task(task, task->seq, SLOTQ_TOLD_LOST);
    }
}

/* The queue was made anew. */
static void end_gone(slotq_task *task, uint32_t state)
{
    worker_queue *queue = task->queue;
    if (state != TASK_FINISHED) {
        owed_lose(queue, NULL, task, task->seq, SLOTQ_REMADE);
        return;
    }
    if (!task->is_unbegun) {
        settle_told(queue, queue->handle, task->entry, &task->info, &task->plan, SLOTQ_REMADE,
                    false, 0);
    }
    gather_free(task);
}

uint64_t kept_look(worker_queue *queue, uint64_t now_ms, uint32_t *extends)
{
    const uint32_t generation = slotq_geometry_of(queue->handle)->generation;
    uint64_t next_ms = UINT64_MAX;
    uint32_t ones = 0;
    slotq_task *next;
    const bool stops = worker_state(queue->worker) >= SLOTQ_WORKER_STOPPING;
    for (slotq_task *task = queue->kept; task != NULL; task = next) {
        next = task->next;
        const uint32_t state = atomic_load(&task->state);
        uint64_t at_ms = UINT64_MAX;
        if (!task->is_lost && owed_is_gone(queue, task->generation)) {
            end_gone(task, state);
        } else if (state == TASK_GATHERED && stops) {
            gather_give_back(task);
            at_ms = look_at_finished(task, now_ms, &ones);
        } else if (state == TASK_FINISHED) {
            at_ms = look_at_finished(task, now_ms, &ones);
        } else if (!task->is_lost && atomic_load(&queue->worker->stop_now)) {
            lose_kept(task, settle_release());
            if (state == TASK_MANY) {
                keep_leave_thread(task->thread, false);
            }
        } else if (!task->is_lost) {
            at_ms = look_at_kept_run(task, now_ms, extends);
        }
        next_ms = clock_sooner(next_ms, at_ms);
    }
    if (ones != 0) {
        owed_settle(queue, ones);
    }
    const bool is_remade = slotq_geometry_of(queue->handle)->generation != generation;
    return is_remade ? now_ms : next_ms;
}
