/* settle.c: from a handler's result to a settlement, and from the queue's answer to what is counted
 * and told (settle.h). Does not know hands or threads.
 */
#include "settle.h"

#include <string.h>

#include "clock.h"
#include "tell.h"

enum { ATTEMPTS_COUNTED_MOST = 63 }; /* more are not told apart: FORMAT.md, "State word" */

void settle_count(worker_queue *queue, const mux_entry *entry, worker_count kind, uint64_t count)
{
    const uint32_t row = entry != NULL ? entry->index : mux_count(queue->worker->mux);
    atomic_fetch_add_explicit(&queue->counts[row * COUNT_KINDS + kind], count,
                              memory_order_relaxed);
}

static uint64_t delay_after(const worker_queue *queue, const mux_entry *entry,
                            const slotq_task_info *info, slotq_result result)
{
    if (result.ms != 0 && result.ms != SLOTQ_NO_LIMIT) {
        return result.ms;
    }
    if (entry == NULL) {
        return queue->options.unknown_ms;
    }
    if (entry->handler.backoff != NULL) {
        return entry->handler.backoff(entry->handler.context, info, result);
    }
    const uint64_t least_ms = entry->handler.backoff_least_ms;
    const uint64_t most_ms = entry->handler.backoff_most_ms;
    return pace_backoff_ms(least_ms == 0 ? 1000 : least_ms, most_ms == 0 ? 300000 : most_ms,
                           info->attempts, clock_chance());
}

static uint64_t cut(uint64_t ms, uint64_t most_ms)
{
    return ms < most_ms ? ms : most_ms;
}

/* The handler's attempts are over before those of the queue are. */
static bool is_last(const slotq_task_info *info)
{
    return info->attempts_most != 0 && info->attempts >= info->attempts_most;
}

settlement settle_plan(const worker_queue *queue, const mux_entry *entry,
                       const slotq_task_info *info, slotq_result result)
{
    const uint8_t reason = result.reason == 0 ? SLOTQ_REASON_FAILED : result.reason;
    settlement plan = {.reason = reason, .result = result};
    switch (result.how) {
    case SLOTQ_RESULT_DONE:
        plan.how = SLOTQ_SETTLE_ACK;
        plan.kind = SLOTQ_EVENT_DONE;
        break;
    case SLOTQ_RESULT_DEAD:
        plan.how = SLOTQ_SETTLE_KILL;
        plan.kind = SLOTQ_EVENT_DEAD;
        break;
    case SLOTQ_RESULT_RELEASE:
        plan.how = SLOTQ_SETTLE_RELEASE;
        plan.kind = SLOTQ_EVENT_RELEASE;
        break;
    case SLOTQ_RESULT_SNOOZE:
        plan.how = SLOTQ_SETTLE_RELEASE;
        plan.kind = SLOTQ_EVENT_SNOOZE;
        plan.ms = cut(result.ms, atomic_load(&queue->most_ms));
        break;
    default:
        if (is_last(info)) {
            plan.how = SLOTQ_SETTLE_KILL;
            plan.kind = SLOTQ_EVENT_DEAD;
        } else {
            plan.how = SLOTQ_SETTLE_NACK;
            plan.kind = SLOTQ_EVENT_RETRY;
            plan.ms = cut(delay_after(queue, entry, info, result), atomic_load(&queue->most_ms));
        }
    }
    if (plan.how == SLOTQ_SETTLE_ACK || plan.how == SLOTQ_SETTLE_RELEASE) {
        plan.reason = 0;
    }
    return plan;
}

void settle_note(settlement *plan, task_note *kept, const void *text, size_t bytes)
{
    if (plan->how == SLOTQ_SETTLE_KILL || plan->how == SLOTQ_SETTLE_NACK) {
        memmove(kept->text, text, bytes);
        kept->data = (slotq_data){kept->text, (uint32_t)bytes};
        plan->note = &kept->data;
    }
}

settlement settle_release(void)
{
    return (settlement){
        .how = SLOTQ_SETTLE_RELEASE, .kind = SLOTQ_EVENT_RELEASE, .result = slotq_result_release()};
}

/* ---- what became of it ---- */

/* A call without an answer was repeated with the same token: what the second answer tells of the
 * first. An acked word is DONE, so GONE; only one that was not acked is STALE. What was given back
 * is STALE, or GONE after another's ack: it is not known which. */
static slotq_outcome in_doubt(const worker_queue *queue, slotq *handle, const slotq_task_info *info,
                              const settlement *plan, slotq_outcome outcome)
{
    if (plan->how == SLOTQ_SETTLE_NACK || plan->how == SLOTQ_SETTLE_RELEASE) {
        return outcome == SLOTQ_STALE || outcome == SLOTQ_GONE ? SLOTQ_OUTCOME_UNKNOWN : outcome;
    }
    if (outcome != SLOTQ_GONE) {
        return outcome;
    }
    slotq_status status;
    const slotq_outcome asked = slotq_get_status(handle, queue->options.group, info->id, &status);
    const bool died =
        asked == SLOTQ_OK && status.state == SLOTQ_STATE_DONE && status.why == SLOTQ_WHY_DEAD;
    if (plan->how == SLOTQ_SETTLE_ACK) {
        return died ? SLOTQ_GONE : SLOTQ_OK;
    }
    return died || asked != SLOTQ_OK ? SLOTQ_OK : SLOTQ_GONE;
}

static worker_count count_of(slotq_event_kind kind)
{
    switch (kind) {
    case SLOTQ_EVENT_DONE:
        return COUNT_DONE;
    case SLOTQ_EVENT_DEAD:
        return COUNT_DIED;
    case SLOTQ_EVENT_RELEASE:
        return COUNT_RELEASED;
    case SLOTQ_EVENT_SNOOZE:
        return COUNT_SNOOZED;
    case SLOTQ_EVENT_LOST:
        return COUNT_LOST;
    case SLOTQ_EVENT_UNKNOWN:
        return COUNT_UNKNOWN;
    default:
        return COUNT_RETRIED;
    }
}

void settle_told(worker_queue *queue, slotq *handle, const mux_entry *entry,
                 const slotq_task_info *info, const settlement *plan, slotq_outcome outcome,
                 bool is_doubtful, uint64_t ran_ns)
{
    if (is_doubtful && settle_is_answer(outcome)) {
        outcome = in_doubt(queue, handle, info, plan, outcome);
    }
    slotq_task_info told = *info;
    told.body = told.payload = NULL; /* its handler may end, and its slot be used again */
    told.body_bytes = told.payload_bytes = 0;
    info = &told;
    slotq_event event = {.task = info,
                         .queue = queue->name,
                         .result = plan->result,
                         .outcome = outcome,
                         .ran_us = ran_ns / 1000};
    if (outcome == SLOTQ_OK || outcome == SLOTQ_DEADFULL) {
        event.kind = plan->kind;
    } else if (settle_is_answer(outcome)) {
        event.kind = SLOTQ_EVENT_LOST;
    } else {
        event.kind = SLOTQ_EVENT_UNKNOWN;
        event.outcome = SLOTQ_OUTCOME_UNKNOWN;
    }
    if (event.kind == SLOTQ_EVENT_RETRY || event.kind == SLOTQ_EVENT_SNOOZE) {
        event.delay_ms = plan->ms;
    }
    settle_count(queue, entry, count_of(event.kind), 1);
    tell(queue->worker, &event);
    if (entry != NULL && entry->handler.settled != NULL) {
        entry->handler.settled(entry->handler.context, info, plan->result, event.outcome);
    }
}

bool settle_find_token(worker_queue *queue, slotq *handle, slotq_batch *looked,
                       const slotq_task_info *info, uint32_t *token, slotq_outcome *outcome)
{
    slotq_message message;
    *outcome = slotq_peek(handle, queue->options.group, info->id, 1, looked);
    if (!settle_is_answer(*outcome) && *outcome != SLOTQ_EMPTY) {
        return false;
    }
    if (*outcome != SLOTQ_OK || !slotq_batch_next(looked, &message) || message.id != info->id ||
        message.state != SLOTQ_STATE_LEASED || message.attempts != info->attempts ||
        info->attempts >= ATTEMPTS_COUNTED_MOST) {
        *outcome = SLOTQ_STALE;
        return false;
    }
    *token = message.token;
    return true;
}
