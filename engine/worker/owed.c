/* owed.c: settlements and extensions that the keeper makes (owed.h). Does not know when.
 */
#include "owed.h"

#include "away.h"
#include "clock.h"
#include "gather.h"
#include "hand.h"
#include "settle.h"
#include "tell.h"

enum { RETRY_MOST_MS = 1000 };

void owed_tell_task(slotq_task *task, uint64_t run, uint32_t flag)
{
    uint64_t told = atomic_load(&task->told);
    uint64_t wanted;
    do {
        wanted = (told >> 8 == run ? told : run << 8) | flag;
    } while (!atomic_compare_exchange_weak(&task->told, &told, wanted));
}

/* ---- settling ---- */

static uint64_t id_of(const owed_one *one)
{
    return one->item != NULL ? one->item->id : one->task->info.id;
}

static uint32_t token_of(const owed_one *one)
{
    return one->item != NULL ? one->item->token : one->task->token;
}

static bool has_plan(const owed_one *one, const settlement *plan)
{
    return !one->is_tried && one->plan.how == plan->how && one->plan.ms == plan->ms &&
           one->plan.reason == plan->reason;
}

static void apply(worker_queue *queue, owed_one *one, slotq_outcome outcome)
{
    if (outcome == SLOTQ_OUTCOME_UNKNOWN) {
        if (one->item != NULL) {
            one->item->is_doubtful = true;
        } else {
            one->task->is_doubtful = true;
        }
    }
    if (!settle_is_answer(outcome)) {
        return;
    }
    if (one->item == NULL) {
        slotq_task_info info = one->task->info;
        info.body = info.payload = NULL;
        if (one->task->is_unbegun) {
            settle_count(queue, NULL, COUNT_GIVEN_BACK, 1);
            gather_free(one->task);
            return;
        }
        settle_told(queue, queue->handle, one->task->entry, &info, &one->plan, outcome,
                    one->task->is_doubtful, 0);
        gather_free(one->task);
    } else if (one->item->state == ITEM_HELD) {
        settle_count(queue, NULL, COUNT_GIVEN_BACK, 1);
        one->item->state = ITEM_SETTLED;
    } else {
        const slotq_task_info info = hand_info_of(one->hand, one->item);
        settle_told(queue, queue->handle, one->item->entry, &info, &one->plan, outcome,
                    one->item->is_doubtful, 0);
        one->item->state = ITEM_SETTLED;
    }
}

/* Those that have the plan of `first`. */
static slotq_outcome settle_alike(worker_queue *queue, uint32_t first, uint32_t count)
{
    const settlement plan = queue->ones[first].plan;
    uint32_t runs = 0;
    for (uint32_t i = first; i < count; i++) {
        if (has_plan(&queue->ones[i], &plan)) {
            queue->runs[runs++] = (slotq_run){id_of(&queue->ones[i]), token_of(&queue->ones[i]), 1};
        }
    }
    const slotq_outcome outcome =
        slotq_settle_noted(queue->handle, plan.how, queue->options.group, queue->runs, runs,
                           plan.ms, plan.reason, plan.note, queue->outcomes, NULL);
    const bool failed = outcome >= SLOTQ_FAILURES || outcome == SLOTQ_INVALID ||
                        outcome == SLOTQ_NOQUEUE || outcome == SLOTQ_REMADE;
    runs = 0;
    for (uint32_t i = first; i < count; i++) {
        if (has_plan(&queue->ones[i], &plan)) {
            queue->ones[i].is_tried = true;
            apply(queue, &queue->ones[i], failed ? outcome : (slotq_outcome)queue->outcomes[runs]);
            runs++;
        }
    }
    return failed ? outcome : SLOTQ_OK;
}

bool owed_settle(worker_queue *queue, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (queue->ones[i].is_tried) {
            continue;
        }
        const slotq_outcome outcome = settle_alike(queue, i, count);
        away_note(queue, queue->handle, outcome);
        if (!settle_is_answer(outcome)) {
            return false;
        }
    }
    return true;
}

/* ---- extending ---- */

void owed_lose(worker_queue *queue, worker_hand *hand, slotq_task *task, slotq_outcome outcome)
{
    const bool begun = atomic_load(&task->begun) == task->seq || hand == NULL;
    const uint64_t run = hand != NULL ? hand->seen_run : task->seq;
    owed_tell_task(task, run, SLOTQ_TOLD_LOST);
    if (hand != NULL) {
        hand->lost_run = run;
    } else {
        task->is_lost = true;
    }
    const mux_entry *entry = begun ? task->entry : NULL;
    settle_count(queue, entry, COUNT_LOST, 1);
    const slotq_event event = {.kind = SLOTQ_EVENT_LOST,
                               .task = begun ? &task->info : NULL,
                               .queue = queue->name,
                               .outcome = outcome};
    tell(queue->worker, &event);
}

/* An extension is sent with the old token; if one before was not answered, the queue may have given
 * another. */
static slotq_outcome find_token(worker_queue *queue, const owed_one *one, uint32_t *token)
{
    slotq_outcome outcome;
    const slotq_task_info info =
        one->item != NULL ? hand_info_of(one->hand, one->item) : one->task->info;
    if (!settle_find_token(queue, queue->handle, queue->looked, &info, token, &outcome)) {
        return outcome;
    }
    return slotq_extend(queue->handle, queue->options.group, info.id, *token, queue->lease_ms,
                        token);
}

static void extended(worker_queue *queue, owed_one *one, slotq_outcome outcome, uint32_t token,
                     uint64_t sent_ms, uint64_t now_ms)
{
    worker_hand *hand = one->hand;
    slotq_task *task = one->task;
    bool *doubtful = hand != NULL ? &hand->is_token_doubtful : &task->is_token_doubtful;
    uint64_t *retry_at_ms = hand != NULL ? &hand->retry_at_ms : &task->retry_at_ms;
    _Atomic uint64_t *renewed_ms = hand != NULL ? &hand->leased_ms : &task->renewed_ms;
    if (outcome == SLOTQ_STALE && *doubtful) {
        outcome = find_token(queue, one, &token);
    }
    if (outcome == SLOTQ_OK) {
        *(one->item != NULL ? &one->item->token : &task->token) = token;
        *renewed_ms = sent_ms;
        *doubtful = false;
        *retry_at_ms = 0;
    } else if (settle_is_answer(outcome)) {
        owed_lose(queue, hand, task, outcome);
    } else {
        const uint64_t retry_ms = queue->lease_ms / 12;
        *doubtful = *doubtful || outcome == SLOTQ_OUTCOME_UNKNOWN;
        *retry_at_ms = now_ms + (retry_ms < RETRY_MOST_MS ? retry_ms : RETRY_MOST_MS);
        if (clock_lease_ms() - *renewed_ms >= queue->lease_ms) {
            owed_tell_task(task, hand != NULL ? hand->seen_run : task->seq, SLOTQ_TOLD_DOUBTFUL);
        }
    }
}

void owed_extend(worker_queue *queue, uint32_t count, uint64_t now_ms)
{
    if (count == 0) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        queue->runs[i] = (slotq_run){id_of(&queue->extends[i]), token_of(&queue->extends[i]), 1};
    }
    const uint64_t sent_ms = clock_lease_ms();
    const slotq_outcome outcome =
        slotq_settle(queue->handle, SLOTQ_SETTLE_EXTEND, queue->options.group, queue->runs, count,
                     queue->lease_ms, 0, queue->outcomes, queue->tokens);
    away_note(queue, queue->handle, outcome);
    const bool failed = outcome >= SLOTQ_FAILURES || outcome == SLOTQ_REMADE ||
                        outcome == SLOTQ_INVALID || outcome == SLOTQ_NOQUEUE;
    for (uint32_t i = 0; i < count; i++) {
        extended(queue, &queue->extends[i], failed ? outcome : (slotq_outcome)queue->outcomes[i],
                 queue->tokens[i], sent_ms, now_ms);
    }
}
