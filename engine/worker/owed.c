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

void owed_tell_renewed(slotq_task *task, uint64_t run)
{
    uint64_t told = atomic_load(&task->told);
    while (
        told >> 8 == run && (told & SLOTQ_TOLD_DOUBTFUL) != 0 &&
        !atomic_compare_exchange_weak(&task->told, &told, told & ~(uint64_t)SLOTQ_TOLD_DOUBTFUL)) {
    }
}

/* ---- tokens ---- */

/* A trip to a server that does not answer takes long, and others wait. */
static void note(worker_queue *queue, slotq_outcome outcome)
{
    away_note(queue, queue->handle, outcome);
    queue->is_silent = queue->is_silent || !settle_is_answer(outcome);
}

/* The keeper's handle has the queue of this generation. */
static bool is_current(const worker_queue *queue, uint32_t generation)
{
    return slotq_geometry_of(queue->handle)->generation == generation;
}

bool owed_is_gone(worker_queue *queue, uint32_t generation)
{
    pthread_mutex_lock(&queue->worker->lock);
    const uint32_t newest = queue->generation;
    pthread_mutex_unlock(&queue->worker->lock);
    if (queue->is_silent ||
        (generation == newest && generation == slotq_geometry_of(queue->handle)->generation)) {
        return false;
    }
    slotq_stats stats; /* this handle may be the one that has not seen the newer queue */
    const slotq_outcome outcome = slotq_get_stats(queue->handle, queue->options.group, &stats);
    note(queue, outcome);
    return settle_is_answer(outcome) && !is_current(queue, generation);
}

slotq_outcome owed_find_token(worker_queue *queue, uint32_t generation, const slotq_task_info *info,
                              uint32_t *token, uint8_t *doubts)
{
    slotq_outcome outcome;
    if ((*doubts & (DOUBT_TOKEN | DOUBT_SETTLED)) != DOUBT_TOKEN) {
        return SLOTQ_OK;
    }
    if (owed_is_gone(queue, generation)) {
        return SLOTQ_REMADE;
    }
    if (settle_find_token(queue, queue->handle, queue->looked, info, token, &outcome)) {
        *doubts = 0;
    }
    return outcome;
}

slotq_outcome owed_extend_again(worker_queue *queue, uint32_t generation,
                                const slotq_task_info *info, uint32_t *token, uint8_t *doubts)
{
    const slotq_outcome outcome = owed_find_token(queue, generation, info, token, doubts);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    return is_current(queue, generation) ? slotq_extend(queue->handle, queue->options.group,
                                                        info->id, *token, queue->lease_ms, token)
                                         : SLOTQ_REMADE;
}

/* ---- settling ---- */

static uint64_t id_of(const owed_one *one)
{
    return one->item != NULL ? one->item->id : one->task->info.id;
}

static uint32_t *token_of(const owed_one *one)
{
    return one->item != NULL ? &one->item->token : &one->task->token;
}

static uint8_t *doubts_of(const owed_one *one)
{
    return one->item != NULL ? &one->item->doubts : &one->task->doubts;
}

static uint8_t attempts_of(const owed_one *one)
{
    return one->item != NULL ? one->item->attempts : one->task->info.attempts;
}

static uint32_t generation_of(const owed_one *one)
{
    return one->item != NULL ? one->hand->generation : one->task->generation;
}

/* A token of the queue that had the name before says nothing of the one that has it now. The next
 * pass finds out which they are (owed_is_gone). The number without these. */
static uint32_t only_current(const worker_queue *queue, owed_one *ones, uint32_t count)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (is_current(queue, generation_of(&ones[i]))) {
            ones[left++] = ones[i];
        }
    }
    return left;
}

static bool has_plan(const owed_one *one, const settlement *plan)
{
    return !one->is_tried && one->plan.how == plan->how && one->plan.ms == plan->ms &&
           one->plan.reason == plan->reason && one->plan.note == plan->note;
}

static void apply(worker_queue *queue, owed_one *one, slotq_outcome outcome)
{
    uint8_t *doubts = doubts_of(one);
    *doubts |= outcome == SLOTQ_OUTCOME_UNKNOWN ? DOUBT_SETTLED : 0;
    const bool is_doubtful = (*doubts & DOUBT_SETTLED) != 0;
    if (!settle_is_answer(outcome) || (one->item == NULL && outcome == SLOTQ_REMADE)) {
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
        settle_told(queue, queue->handle, one->task->entry, &info, &one->plan, outcome, is_doubtful,
                    0);
        gather_free(one->task);
    } else if (one->item->state == ITEM_HELD) {
        settle_count(queue, NULL, COUNT_GIVEN_BACK, 1);
        one->item->state = ITEM_SETTLED;
    } else {
        const slotq_task_info info = hand_info_of(one->hand, one->item);
        settle_told(queue, queue->handle, one->item->entry, &info, &one->plan, outcome, is_doubtful,
                    0);
        one->item->state = ITEM_SETTLED;
    }
}

/* Those that have the plan of `first`, as many as a call takes. */
static slotq_outcome settle_alike(worker_queue *queue, uint32_t first, uint32_t count)
{
    const settlement plan = queue->ones[first].plan;
    uint32_t runs = 0;
    uint32_t end = first;
    for (; end < count && runs < SLOTQ_CALL_MESSAGES_MAX; end++) {
        const owed_one *one = &queue->ones[end];
        if (has_plan(one, &plan)) {
            queue->runs[runs++] = (slotq_run){id_of(one), *token_of(one), 1};
        }
    }
    const slotq_outcome outcome =
        slotq_settle_noted(queue->handle, plan.how, queue->options.group, queue->runs, runs,
                           plan.ms, plan.reason, plan.note, queue->outcomes, NULL);
    const bool failed = settle_has_failed(outcome);
    runs = 0;
    for (uint32_t i = first; i < end; i++) {
        if (has_plan(&queue->ones[i], &plan)) {
            queue->ones[i].is_tried = true;
            apply(queue, &queue->ones[i], failed ? outcome : (slotq_outcome)queue->outcomes[runs]);
            runs++;
        }
    }
    return failed ? outcome : SLOTQ_OK;
}

slotq_outcome owed_settle_run(worker_queue *queue, uint32_t generation, uint64_t id, uint32_t token,
                              const settlement *plan)
{
    const slotq_run run = {id, token, 1};
    if (queue->is_silent) {
        return SLOTQ_CONNECT;
    }
    if (owed_is_gone(queue, generation)) {
        return SLOTQ_REMADE;
    }
    if (!is_current(queue, generation)) {
        return SLOTQ_CONNECT; /* the queue did not say */
    }
    const slotq_outcome outcome =
        slotq_settle_noted(queue->handle, plan->how, queue->options.group, &run, 1, plan->ms,
                           plan->reason, plan->note, NULL, NULL);
    note(queue, outcome);
    return outcome;
}

bool owed_settle(worker_queue *queue, uint32_t count)
{
    const uint32_t current = only_current(queue, queue->ones, count);
    bool all = current == count;
    count = current;
    for (uint32_t i = 0; i < count; i++) {
        owed_one *one = &queue->ones[i];
        if (one->is_tried) {
            continue;
        }
        if (queue->is_silent) {
            return false;
        }
        const slotq_task_info info = {.id = id_of(one), .attempts = attempts_of(one)};
        const slotq_outcome found =
            owed_find_token(queue, generation_of(one), &info, token_of(one), doubts_of(one));
        if (found == SLOTQ_REMADE) {
            note(queue, found);
            return false;
        }
        if (found != SLOTQ_OK) {
            one->is_tried = true;
            note(queue, found);
            apply(queue, one, found);
            all = all && settle_is_answer(found);
            continue;
        }
        const slotq_outcome outcome = settle_alike(queue, i, count);
        note(queue, outcome);
        if (!settle_is_answer(outcome) || outcome == SLOTQ_REMADE) {
            return false;
        }
    }
    return all;
}

/* ---- extending ---- */

void owed_lose(worker_queue *queue, worker_hand *hand, slotq_task *task, uint64_t run,
               slotq_outcome outcome)
{
    const bool begun = atomic_load(&task->begun) == run || hand == NULL;
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

static void extended(worker_queue *queue, owed_one *one, slotq_outcome outcome, uint32_t token,
                     uint64_t sent_ms, uint64_t now_ms)
{
    worker_hand *hand = one->hand;
    slotq_task *task = one->task;
    const uint64_t run = hand != NULL ? hand->seen_run : task->seq;
    uint8_t *doubts = doubts_of(one);
    uint64_t *retry_at_ms = hand != NULL ? &hand->retry_at_ms : &task->retry_at_ms;
    _Atomic uint64_t *renewed_ms = hand != NULL ? &hand->leased_ms : &task->renewed_ms;
    if (outcome == SLOTQ_STALE && (*doubts & DOUBT_TOKEN) != 0) {
        token = *token_of(one);
        const slotq_task_info info = {.id = id_of(one), .attempts = attempts_of(one)};
        outcome = owed_extend_again(queue, generation_of(one), &info, &token, doubts);
    }
    if (outcome == SLOTQ_OK) {
        *token_of(one) = token;
        *renewed_ms = sent_ms;
        *doubts = 0;
        *retry_at_ms = 0;
        owed_tell_renewed(task, run);
    } else if (hand == NULL && outcome == SLOTQ_REMADE) {
        *retry_at_ms = now_ms; /* kept.c finds out whether it is lost */
    } else if (settle_is_answer(outcome)) {
        owed_lose(queue, hand, task, run, outcome);
    } else {
        const uint64_t retry_ms = queue->lease_ms / 12;
        *doubts |= outcome == SLOTQ_OUTCOME_UNKNOWN ? DOUBT_TOKEN : 0;
        *retry_at_ms = now_ms + (retry_ms < RETRY_MOST_MS ? retry_ms : RETRY_MOST_MS);
        if (clock_passed_ms(*renewed_ms) >= queue->lease_ms) {
            owed_tell_task(task, run, SLOTQ_TOLD_DOUBTFUL);
        }
    }
}

/* As many as a call takes, from queue->extends[first] on. */
static void extend_some(worker_queue *queue, uint32_t first, uint32_t count, uint64_t now_ms)
{
    owed_one *ones = &queue->extends[first];
    count = only_current(queue, ones, count);
    if (count == 0) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        queue->runs[i] = (slotq_run){id_of(&ones[i]), *token_of(&ones[i]), 1};
    }
    const uint64_t sent_ms = clock_lease_ms();
    slotq_outcome outcome = SLOTQ_CONNECT;
    if (!queue->is_silent) {
        outcome =
            slotq_settle(queue->handle, SLOTQ_SETTLE_EXTEND, queue->options.group, queue->runs,
                         count, queue->lease_ms, 0, queue->outcomes, queue->tokens);
        note(queue, outcome);
    }
    const bool failed = settle_has_failed(outcome);
    for (uint32_t i = 0; i < count; i++) {
        extended(queue, &ones[i], failed ? outcome : (slotq_outcome)queue->outcomes[i],
                 queue->tokens[i], sent_ms, now_ms);
    }
}

void owed_extend(worker_queue *queue, uint32_t count, uint64_t now_ms)
{
    for (uint32_t first = 0; first < count;) {
        const uint32_t left = count - first;
        const uint32_t some = left < SLOTQ_CALL_MESSAGES_MAX ? left : SLOTQ_CALL_MESSAGES_MAX;
        extend_some(queue, first, some, now_ms);
        first += some;
    }
}
