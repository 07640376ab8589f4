/* limit.c: how long a run may take, how long its lease lasts, and how often a task is tried
 * (limit.h). Settles nothing.
 */
#include "limit.h"

#include "clock.h"
#include "owed.h"
#include "settle.h"
#include "tell.h"

/* When the run is over its limit, clock_run_ms. */
uint64_t limit_at_ms(const slotq_task *task, uint64_t begun_ms)
{
    const mux_entry *entry = task->entry;
    const slotq_handler *handler = &entry->handler;
    const uint64_t set_ms = atomic_load(&task->limit_at_ms);
    uint64_t at_ms = set_ms != 0 ? set_ms : clock_add(begun_ms, handler->limit_ms);
    if (handler->silence_ms != 0) {
        const uint64_t alive_ms = atomic_load(&task->alive_ms);
        const uint64_t heard_ms = alive_ms > begun_ms ? alive_ms : begun_ms;
        at_ms = clock_sooner(at_ms, clock_add(heard_ms, handler->silence_ms));
    }
    return at_ms;
}

void limit_tell_event(worker_queue *queue, const slotq_task *task, slotq_event_kind kind,
                      const char *text)
{
    const slotq_event event = {
        .kind = kind, .task = &task->info, .queue = queue->name, .text = text};
    tell(queue->worker, &event);
}

void limit_tell(worker_queue *queue, slotq_task *task, uint64_t run)
{
    const uint64_t told = atomic_load(&task->told);
    if (told >> 8 == run && (told & SLOTQ_TOLD_LIMIT) != 0) {
        return;
    }
    owed_tell_task(task, run, SLOTQ_TOLD_LIMIT);
    settle_count(queue, task->entry, COUNT_LIMITS, 1);
    limit_tell_event(queue, task, SLOTQ_EVENT_LIMIT, NULL);
}

/* The run is over its limit by a third of the lease: another attempt, or the dead section. */
settlement limit_stuck_plan(const worker_queue *queue, const slotq_task *task)
{
    settlement plan =
        settle_plan(queue, task->entry, &task->info, slotq_result_retry(SLOTQ_REASON_TIME_LIMIT));
    if (plan.how == SLOTQ_SETTLE_NACK && plan.ms < queue->lease_ms) {
        plan.ms = queue->lease_ms; /* the old run may go on */
    }
    return plan;
}

/* When the lease is to be extended, clock_run_ms: now or later. */
uint64_t limit_renew_at_ms(const worker_queue *queue, uint64_t renewed_ms, uint64_t retry_at_ms,
                           uint64_t now_ms)
{
    return pace_renew_at_ms(queue->lease_ms, clock_passed_ms(renewed_ms), retry_at_ms, now_ms);
}

void limit_attempts(slotq_task *task)
{
    slotq_task_info *info = &task->info;
    const uint8_t *payload = info->payload;
    uint32_t most = atomic_load_explicit(&task->entry, memory_order_relaxed)->handler.attempts_most;
    const void *value = NULL;
    uint32_t bytes = 0;
    if (info->payload_bytes != 0 && payload[0] == 1 && info->type_bytes != 0 &&
        slotq_frame_header(payload, info->payload_bytes, "attempts-most", &value, &bytes)) {
        uint32_t number = 0;
        for (uint32_t i = 0; i < bytes && i < 3; i++) {
            const uint32_t digit = (uint32_t)((const uint8_t *)value)[i] - '0';
            number = digit > 9 || bytes > 2 ? UINT32_MAX : number * 10 + digit;
        }
        if (number != 0 && number <= SLOTQ_MAX_ATTEMPTS_MAX && (most == 0 || number < most)) {
            most = number;
        }
    }
    if (most != 0 && (info->attempts_most == 0 || most < info->attempts_most)) {
        info->attempts_most = (uint8_t)most;
    }
}
