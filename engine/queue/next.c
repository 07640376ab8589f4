/* next.c: settle a batch and reserve the following one, in one message where the store can. Knows
 * how the two answers are told apart; no store's kind.
 */
#include "consume.h"
#include "mixed.h"
#include "parts.h"

/* Both verbs in one round trip; near the bytes two calls are faster than a list of two. */
static slotq_outcome run_pair(slotq *queue, slotq_call *calls, slotq_batch *batch,
                              slotq_outcome *outcomes)
{
    store *place = queue->store;
    if (place->has_trips) {
        store_list list = {
            .calls = calls, .outcomes = outcomes, .count = 2, .harvest = &batch->harvest};
        return place->ops->list(place, &list, &queue->fault);
    }
    outcomes[0] = place->ops->call(place, &calls[0], NULL, &queue->fault);
    outcomes[1] = store_call_failed(outcomes[0])
                      ? outcomes[0]
                      : place->ops->call(place, &calls[1], &batch->harvest, &queue->fault);
    return outcomes[1];
}

/* What was set aside is settled by the first call, or by others where it has marks; the second one
 * reserves, and its outcome is returned. */
static slotq_outcome run_both(slotq *queue, slotq_call *calls, slotq_batch *batch,
                              slotq_settled *settled)
{
    static const settle_way ack = {.how = SLOTQ_SETTLE_ACK};
    slotq_outcome outcomes[2];
    if (batch->aside.is_mixed) {
        const slotq_outcome outcome = mixed_run(queue, &ack, batch, &calls[1], &outcomes[0]);
        *settled = batch_sum_up(batch, outcomes[0]);
        return outcome;
    }
    slotq_call_settle *settle = &calls[0].settle;
    consume_settle_begin(&calls[0], SLOTQ_SETTLE_ACK, batch->aside.group, 0, 0);
    settle->runs = batch->aside.runs;
    settle->run_count = batch->aside.run_count;
    settle->outcomes = batch->aside.outcomes;
    settle->tokens = NULL;
    const slotq_outcome outcome = run_pair(queue, calls, batch, outcomes);
    if (outcomes[0] == SLOTQ_OK) {
        batch->aside.told_count = batch->aside.count;
        settled->outcome = SLOTQ_OK;
        settled->ok_count = settle->ok_count;
        return outcome;
    }
    const slotq_outcome failed = parts_is_of_messages(outcomes[0]) ? SLOTQ_OK : outcomes[0];
    batch_tell(batch, failed);
    *settled = batch_sum_up(batch, failed);
    return outcome;
}

static slotq_outcome refuse_memory(slotq *queue, slotq_batch *batch, slotq_settled *settled)
{
    batch_tell(batch, SLOTQ_NOMEMORY);
    *settled = batch_sum_up(batch, SLOTQ_NOMEMORY);
    batch_bring_back_failed(batch);
    return consume_refuse_memory(queue);
}

/* *resized: nothing happened to messages of what was set aside, and the call may be made again. */
static slotq_outcome settle_and_reserve(slotq *queue, consume_wish *wanted, const queue_wait *wait,
                                        slotq_batch *batch, slotq_settled *settled,
                                        queue_tries *tries, bool *resized)
{
    slotq_call calls[2];
    slotq_call *reserve = &calls[1];
    *resized = false;
    if (!consume_room(queue, wanted, batch)) {
        return refuse_memory(queue, batch, settled);
    }
    consume_reserve_begin(reserve, wanted, wait->wait_ms > 0, batch);
    slotq_outcome outcome = run_both(queue, calls, batch, settled);
    if (outcome == SLOTQ_OK) {
        outcome = consume_take(queue, reserve, wanted, wait->wait_ms > 0, batch);
    } else {
        queue_answer(queue, outcome, reserve);
    }
    *resized = outcome != SLOTQ_OK && queue_was_resized(queue, settled->outcome, tries);
    if (*resized) {
        mixed_run_again(batch);
        return outcome;
    }
    if (outcome != SLOTQ_OK && batch_may_settle_again(settled->outcome)) {
        batch_bring_back_failed(batch);
        return outcome < SLOTQ_FAILURES ? mixed_answer(queue, settled->outcome) : outcome;
    }
    return consume_wait(queue, reserve, wanted, wait, outcome, batch);
}

slotq_outcome slotq_next(slotq *queue, uint8_t group, uint32_t limit, uint64_t lease_ms,
                         uint64_t wait_ms, slotq_batch *batch, slotq_settled *settled)
{
    consume_wish wanted = {lease_ms, limit, group};
    if (queue == NULL || batch == NULL || settled == NULL) {
        return queue_refuse_null(queue);
    }
    *settled = (slotq_settled){.outcome = SLOTQ_OK};
    batch->aside.told_count = 0;
    if (!consume_wish_fits(queue, &wanted)) {
        return SLOTQ_INVALID;
    }
    if (batch->count == 0) {
        return slotq_reserve(queue, group, limit, lease_ms, wait_ms, batch);
    }
    const slotq_outcome judged = consume_judge_batch(queue, batch);
    if (judged != SLOTQ_OK) {
        settled->outcome = judged == SLOTQ_REMADE ? judged : SLOTQ_OK;
        return judged;
    }
    const bool is_marked = batch->marks.count > 0;
    if (!batch_set_aside(batch, SLOTQ_SETTLE_ACK)) {
        return consume_refuse_memory(queue);
    }
    if (is_marked) {
        mixed_begin(batch);
    }
    queue_wait wait = queue_wait_begin(queue, wait_ms);
    queue_tries tries = queue_tries_begin(queue);
    slotq_outcome outcome;
    bool resized;
    queue_patience_begin(queue, &wait);
    do { /* before the settles */
        *settled = (slotq_settled){.outcome = SLOTQ_OK};
        wanted.limit = limit;
        outcome = settle_and_reserve(queue, &wanted, &wait, batch, settled, &tries, &resized);
    } while (resized);
    queue_patience_end(queue, outcome);
    return queue_was_resized(queue, outcome, &tries) /* and after them */
               ? slotq_reserve(queue, group, limit, lease_ms, wait_ms, batch)
               : outcome;
}
