/* next.c: ack a batch and reserve the following one, in one message where the store can. Knows how
 * the two answers are told apart; no store's kind.
 */
#include "consume.h"

/* Both verbs, the second whatever the first answered unless that failed here. */
static slotq_outcome run_pair(slotq *queue, slotq_call *settle, slotq_call *reserve,
                              slotq_batch *batch, slotq_outcome *settled)
{
    store *place = queue->store;
    if (place->ops->pair != NULL) {
        return place->ops->pair(place, settle, reserve, &batch->harvest, settled, &queue->fault);
    }
    *settled = place->ops->call(place, settle, NULL, &queue->fault);
    if (*settled == SLOTQ_INVALID || *settled == SLOTQ_REMADE || *settled >= SLOTQ_FAILURES) {
        return *settled;
    }
    return place->ops->call(place, reserve, &batch->harvest, &queue->fault);
}

/* What became of the acks. */
static void tell_settled(const slotq_batch *batch, const slotq_call *settle, slotq_outcome outcome,
                         slotq_settled *settled)
{
    settled->outcome = outcome;
    if (outcome == SLOTQ_INVALID || outcome == SLOTQ_REMADE || outcome >= SLOTQ_FAILURES) {
        return;
    }
    settled->ok_count = settle->settle.ok_count;
    settled->refused_count = batch->aside.count - settled->ok_count;
    uint32_t message = 0;
    for (uint32_t i = 0; i < batch->aside.run_count && settled->refused_count > 0; i++) {
        const slotq_run *run = &batch->aside.runs[i];
        for (uint32_t k = 0; k < run->count; k++, message++) {
            if (batch->aside.outcomes[message] != SLOTQ_OK) {
                settled->refused_id = run->id + k;
                return;
            }
        }
    }
}

static slotq_outcome ack_and_reserve(slotq *queue, consume_wish *wanted, uint64_t wait_ms,
                                     slotq_batch *batch, slotq_settled *settled)
{
    slotq_call settle;
    slotq_call reserve;
    slotq_outcome acked = SLOTQ_OK;
    if (!batch_set_aside(batch)) {
        return consume_refuse_memory(queue);
    }
    if (!consume_room(queue, wanted, batch)) {
        batch_bring_back(batch);
        return consume_refuse_memory(queue);
    }
    consume_settle_begin(&settle, SLOTQ_SETTLE_ACK, batch->aside.group, 0, 0);
    settle.settle.runs = batch->aside.runs;
    settle.settle.run_count = batch->aside.run_count;
    settle.settle.outcomes = batch->aside.outcomes;
    settle.settle.tokens = NULL;
    const queue_wait wait = queue_wait_begin(queue, wait_ms);
    queue_patience_begin(queue, &wait); /* slotq_next ends it */
    consume_reserve_begin(&reserve, wanted, wait_ms > 0, batch);
    const uint32_t generation = queue->geometry.generation;
    slotq_outcome outcome = run_pair(queue, &settle, &reserve, batch, &acked);
    tell_settled(batch, &settle, acked, settled);
    if (outcome == SLOTQ_OK) {
        outcome = consume_take(queue, &reserve, wanted, wait_ms > 0, batch);
    } else {
        queue_answer(queue, outcome, &reserve);
    }
    const bool failed = acked == SLOTQ_INVALID || acked >= SLOTQ_FAILURES ||
                        queue_was_resized(queue, acked, generation);
    if (failed && outcome != SLOTQ_OK) { /* nothing came of it: the batch may be tried again */
        batch_bring_back(batch);
        return outcome < SLOTQ_FAILURES ? queue_answer(queue, acked, &settle) : outcome;
    }
    return consume_wait(queue, &reserve, wanted, &wait, outcome, batch);
}

slotq_outcome slotq_next(slotq *queue, uint8_t group, uint32_t limit, uint64_t lease_ms,
                         uint64_t wait_ms, slotq_batch *batch, slotq_settled *settled)
{
    consume_wish wanted = {lease_ms, limit, group};
    if (queue == NULL || batch == NULL || settled == NULL) {
        return queue_refuse_null(queue);
    }
    *settled = (slotq_settled){.outcome = SLOTQ_OK};
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
    const uint32_t generation = queue->geometry.generation;
    slotq_outcome outcome;
    do { /* resized before the acks */
        *settled = (slotq_settled){.outcome = SLOTQ_OK};
        wanted.limit = limit;
        outcome = ack_and_reserve(queue, &wanted, wait_ms, batch, settled);
    } while (queue_was_resized(queue, settled->outcome, generation));
    queue_patience_end(queue, outcome);
    return queue_was_resized(queue, outcome, generation) /* and after them */
               ? slotq_reserve(queue, group, limit, lease_ms, wait_ms, batch)
               : outcome;
}
