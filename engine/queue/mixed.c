/* mixed.c: see mixed.h. Messages are sorted by their ways, so that each way is one verb.
 */
#include "mixed.h"

#include <stdlib.h>
#include <string.h>

#include "consume.h"
#include "parts.h"

/* A message and its way. */
typedef struct mixed_message {
    uint64_t id;
    uint64_t ms;
    const uint8_t *note;
    uint32_t token;
    uint32_t index; /* among those set aside */
    uint8_t how;
    uint8_t reason;
    uint8_t note_bytes;
    bool in_parts; /* some in this way may die */
} mixed_message;

/* The verbs of a list, and what they point to. */
typedef struct mixed_plan {
    mixed_message *messages; /* by way, then by index */
    uint8_t *outcomes;       /* one a message */
    uint32_t *tokens;
    slotq_run *runs;
    slotq_call *calls;
    slotq_outcome *answers; /* one a call */
    uint32_t *firsts;       /* and its first message */
    uint32_t count;         /* messages */
    uint32_t run_count;
    uint32_t call_count;
} mixed_plan;

void mixed_begin(slotq_batch *batch)
{
    uint32_t index = 0;
    for (uint32_t i = 0; i < batch->aside.run_count; i++) {
        const slotq_run *run = &batch->aside.runs[i];
        for (uint32_t k = 0; k < run->count; k++, index++) {
            const batch_mark *mark = marks_find(&batch->aside.marks, run->id + k);
            batch->aside.hows[index] = mark != NULL ? mark->how : batch->aside.how;
            batch->aside.tokens[index] = run->token;
        }
    }
    memset(batch->aside.outcomes, BATCH_NOT_SETTLED, batch->aside.count);
    batch->aside.is_mixed = true;
    batch->aside.told_count = batch->aside.count;
}

void mixed_run_again(slotq_batch *batch)
{
    for (uint32_t i = 0; batch->aside.is_mixed && i < batch->aside.count; i++) {
        if (batch->aside.outcomes[i] == SLOTQ_REMADE) {
            batch->aside.outcomes[i] = BATCH_NOT_SETTLED;
        }
    }
}

slotq_outcome mixed_answer(slotq *queue, slotq_outcome failed)
{
    slotq_call named;
    slotq_core_begin(&named, SLOTQ_ACK, STORE_TIME);
    return queue_answer(queue, failed, &named);
}

/* ---- ways ---- */

/* What a verb does not use tells no ways apart. */
static void give_way(mixed_message *message, const slotq *queue, const slotq_batch *batch,
                     const settle_way *otherwise)
{
    const batch_mark *mark = marks_find(&batch->aside.marks, message->id);
    const uint8_t note_room = queue->geometry.note_bytes;
    const slotq_settle_how how = mark != NULL ? (slotq_settle_how)mark->how : otherwise->how;
    const bool has_reason = how == SLOTQ_SETTLE_NACK || how == SLOTQ_SETTLE_KILL;
    const bool has_ms = how != SLOTQ_SETTLE_ACK && how != SLOTQ_SETTLE_KILL;
    message->how = (uint8_t)how;
    message->ms = 0;
    message->reason = 0;
    message->note = NULL;
    message->note_bytes = 0;
    if (has_ms) {
        message->ms = mark != NULL ? mark->ms : otherwise->ms;
    }
    if (has_reason) {
        message->reason = mark != NULL ? mark->reason : otherwise->reason;
    }
    if (has_reason && mark != NULL) {
        message->note_bytes = mark->note_bytes < note_room ? mark->note_bytes : note_room;
        message->note = message->note_bytes > 0 ? marks_note(&batch->aside.marks, mark) : NULL;
    }
}

static int compare_numbers(uint64_t one, uint64_t other)
{
    return (one > other) - (one < other);
}

static int compare_ways(const mixed_message *one, const mixed_message *other)
{
    int order = compare_numbers(one->how, other->how);
    order = order != 0 ? order : compare_numbers(one->ms, other->ms);
    order = order != 0 ? order : compare_numbers(one->reason, other->reason);
    order = order != 0 ? order : compare_numbers(one->note_bytes, other->note_bytes);
    return order != 0 || one->note_bytes == 0 ? order
                                              : memcmp(one->note, other->note, one->note_bytes);
}

static int compare_messages(const void *one, const void *other)
{
    const mixed_message *first = one;
    const mixed_message *second = other;
    const int order = compare_ways(first, second);
    return order != 0 ? order : compare_numbers(first->index, second->index);
}

static bool may_die(const slotq *queue, const mixed_message *message)
{
    return (message->how == SLOTQ_SETTLE_KILL && parts_kills(queue, SLOTQ_KILL, message->token)) ||
           (message->how == SLOTQ_SETTLE_NACK && parts_kills(queue, SLOTQ_NACK, message->token));
}

/* As in parts.c: a way in which none dies is never cut. */
static void find_parts(mixed_plan *plan, const slotq *queue)
{
    uint32_t first = 0;
    while (first < plan->count) {
        uint32_t end = first;
        bool any = false;
        while (end < plan->count &&
               compare_ways(&plan->messages[first], &plan->messages[end]) == 0) {
            any = any || may_die(queue, &plan->messages[end]);
            end++;
        }
        while (first < end) {
            plan->messages[first++].in_parts = any;
        }
    }
}

/* The messages that are not settled yet, by their ways. */
static void gather(mixed_plan *plan, const slotq *queue, slotq_batch *batch,
                   const settle_way *otherwise)
{
    uint32_t index = 0;
    for (uint32_t i = 0; i < batch->aside.run_count; i++) {
        const slotq_run *run = &batch->aside.runs[i];
        for (uint32_t k = 0; k < run->count; k++, index++) {
            if (batch->aside.outcomes[index] != BATCH_NOT_SETTLED) {
                continue;
            }
            mixed_message *message = &plan->messages[plan->count++];
            message->id = run->id + k;
            message->token = run->token;
            message->index = index;
            give_way(message, queue, batch, otherwise);
        }
    }
    qsort(plan->messages, plan->count, sizeof *plan->messages, compare_messages);
    if (queue->store->dying_most > 0) {
        find_parts(plan, queue);
    }
}

/* ---- the plan ---- */

static void free_plan(mixed_plan *plan)
{
    free(plan->messages);
    free(plan->outcomes);
    free(plan->tokens);
    free(plan->runs);
    free(plan->calls);
    free(plan->answers);
    free(plan->firsts);
}

static bool make_room(mixed_plan *plan, uint32_t count)
{
    plan->messages = malloc(count * sizeof *plan->messages);
    plan->outcomes = malloc(count);
    plan->tokens = malloc(count * sizeof *plan->tokens);
    plan->runs = malloc(count * sizeof *plan->runs);
    return plan->messages != NULL && plan->outcomes != NULL && plan->tokens != NULL &&
           plan->runs != NULL;
}

/* The message at this place is in another verb than the one before it: another way, or so many in
 * this way that they are settled in parts. */
static bool begins_call(const mixed_plan *plan, uint32_t at, uint32_t first, uint32_t bound)
{
    const mixed_message *message = &plan->messages[at];
    return at == 0 || compare_ways(message - 1, message) != 0 ||
           (bound > 0 && message->in_parts && at - first == bound);
}

/* Room for each verb and a reserve. */
static bool make_room_for_calls(mixed_plan *plan, uint32_t bound)
{
    uint32_t calls = 1;
    uint32_t first = 0;
    for (uint32_t i = 0; i < plan->count; i++) {
        if (begins_call(plan, i, first, bound)) {
            first = i;
            calls++;
        }
    }
    plan->calls = calloc(calls, sizeof *plan->calls);
    plan->answers = malloc(calls * sizeof *plan->answers);
    plan->firsts = calloc(calls, sizeof *plan->firsts);
    return plan->calls != NULL && plan->answers != NULL && plan->firsts != NULL;
}

static slotq_call *begin_call(mixed_plan *plan, uint32_t at, uint8_t group)
{
    const mixed_message *message = &plan->messages[at];
    slotq_call *call = &plan->calls[plan->call_count];
    consume_settle_begin(call, (slotq_settle_how)message->how, group, message->ms, message->reason);
    call->settle.note = message->note;
    call->settle.note_bytes = message->note_bytes;
    call->settle.runs = &plan->runs[plan->run_count];
    call->settle.run_count = 0;
    call->settle.outcomes = &plan->outcomes[at];
    call->settle.tokens = message->how == SLOTQ_SETTLE_EXTEND ? &plan->tokens[at] : NULL;
    plan->firsts[plan->call_count++] = at;
    return call;
}

static void add_message(mixed_plan *plan, slotq_call *call, const mixed_message *message)
{
    slotq_run *last = call->settle.run_count > 0 ? &plan->runs[plan->run_count - 1] : NULL;
    if (last != NULL && last->id + last->count == message->id && last->token == message->token) {
        last->count++;
        return;
    }
    plan->runs[plan->run_count++] = (slotq_run){message->id, message->token, 1};
    call->settle.run_count++;
}

/* As in parts.c: a part in which all die has no delay. */
static void end_delays(mixed_plan *plan, const slotq *queue)
{
    for (uint32_t i = 1; i < plan->call_count; i++) {
        const uint32_t first = plan->firsts[i];
        const bool is_part = compare_ways(&plan->messages[first - 1], &plan->messages[first]) == 0;
        for (uint32_t k = i - 1; is_part && k <= i; k++) {
            slotq_call *call = &plan->calls[k];
            if (parts_killed(queue, call) == call->settle.run_count) {
                call->settle.ms = 0;
            }
        }
    }
}

/* false: no memory. */
static bool make_plan(mixed_plan *plan, const slotq *queue, slotq_batch *batch,
                      const settle_way *otherwise)
{
    const uint32_t bound = queue->store->dying_most;
    slotq_call *call = NULL;
    uint32_t first = 0;
    if (!make_room(plan, batch->aside.count)) {
        return false;
    }
    gather(plan, queue, batch, otherwise);
    if (!make_room_for_calls(plan, bound)) {
        return false;
    }
    for (uint32_t i = 0; i < plan->count; i++) {
        if (begins_call(plan, i, first, bound)) {
            first = i;
            call = begin_call(plan, i, batch->aside.group);
        }
        add_message(plan, call, &plan->messages[i]);
    }
    end_delays(plan, queue);
    return true;
}

/* ---- running it ---- */

/* Each message has what its verb told of it. */
static slotq_outcome take_outcomes(const mixed_plan *plan, slotq_batch *batch)
{
    slotq_outcome failed = SLOTQ_OK;
    for (uint32_t i = 0; i < plan->call_count; i++) {
        const slotq_outcome answer = plan->answers[i];
        const bool has_told = parts_is_of_messages(answer);
        const uint32_t end = i + 1 < plan->call_count ? plan->firsts[i + 1] : plan->count;
        failed = failed == SLOTQ_OK && !has_told ? answer : failed;
        for (uint32_t k = plan->firsts[i]; k < end; k++) {
            const mixed_message *message = &plan->messages[k];
            const uint8_t outcome = has_told ? plan->outcomes[k] : (uint8_t)answer;
            batch->aside.outcomes[message->index] = outcome;
            if (outcome == SLOTQ_OK && message->how == SLOTQ_SETTLE_EXTEND) {
                batch->aside.tokens[message->index] = plan->tokens[k];
            }
        }
    }
    return failed;
}

static slotq_outcome refuse_memory(slotq *queue, slotq_batch *batch, slotq_outcome *failed)
{
    batch_tell(batch, SLOTQ_NOMEMORY);
    *failed = fault_say(&queue->fault, SLOTQ_NOMEMORY,
                        "no memory for settling a batch: reserve fewer messages");
    return *failed;
}

slotq_outcome mixed_run(slotq *queue, const settle_way *otherwise, slotq_batch *batch,
                        slotq_call *reserve, slotq_outcome *failed)
{
    mixed_plan plan = {0};
    queue_tries tries = queue_tries_begin(queue);
    if (!make_plan(&plan, queue, batch, otherwise)) {
        free_plan(&plan);
        return refuse_memory(queue, batch, failed);
    }
    store_list list = {.calls = plan.calls, .outcomes = plan.answers, .count = plan.call_count};
    if (reserve != NULL) {
        plan.calls[list.count++] = *reserve;
        list.harvest = &batch->harvest;
    }
    const slotq_outcome last =
        list.count > 0 ? queue->store->ops->list(queue->store, &list, &queue->fault) : SLOTQ_OK;
    if (reserve != NULL) {
        *reserve = plan.calls[plan.call_count];
    }
    *failed = take_outcomes(&plan, batch);
    for (uint32_t i = 0; i < plan.call_count; i++) {
        if (plan.answers[i] == SLOTQ_REMADE) {
            queue_take_geometry(queue);
            /* by a resize: these may be run again, whatever became of the others */
            *failed = queue_was_resized(queue, SLOTQ_REMADE, &tries) ? SLOTQ_REMADE : *failed;
        }
    }
    free_plan(&plan);
    return reserve != NULL ? last : SLOTQ_OK;
}
