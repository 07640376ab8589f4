/* settle.c: messages of a batch are settled: all of it, each as it was marked, or one by its id.
 * Knows batches; no store's kind.
 */
#include "consume.h"
#include "mixed.h"
#include "parts.h"

/* ---- marks ---- */

/* OK: how is a way to settle, and the batch has this message, reserved from this very queue. */
static slotq_outcome judge_message(slotq *queue, slotq_settle_how how, slotq_batch *batch,
                                   uint64_t id)
{
    if (queue == NULL || batch == NULL) {
        return queue_refuse_null(queue);
    }
    if (!consume_how_fits(queue, how)) {
        return SLOTQ_INVALID;
    }
    const slotq_outcome judged = batch->count > 0 ? consume_judge_batch(queue, batch) : SLOTQ_OK;
    if (judged == SLOTQ_OK && batch_token(batch, id) == 0) {
        return queue_refuse(queue, SLOTQ_INVALID, "the batch has no message %llu (any more)",
                            (unsigned long long)id);
    }
    return judged;
}

slotq_outcome slotq_mark(slotq *queue, slotq_settle_how how, slotq_batch *batch, uint64_t id,
                         uint64_t ms, uint8_t reason, const slotq_data *note)
{
    const slotq_outcome judged = judge_message(queue, how, batch, id);
    if (judged != SLOTQ_OK) {
        return judged;
    }
    if (!consume_settle_fits(queue, how, batch->group, ms) || !consume_note_fits(queue, note)) {
        return SLOTQ_INVALID;
    }
    const bool is_noted = note != NULL && note->size > 0;
    const batch_mark mark = {.id = id,
                             .ms = ms,
                             .how = (uint8_t)how,
                             .reason = reason,
                             .note_bytes = is_noted ? (uint8_t)note->size : 0};
    return marks_set(&batch->marks, &mark, is_noted ? note->bytes : NULL)
               ? SLOTQ_OK
               : queue_refuse(queue, SLOTQ_NOMEMORY, "no memory for a mark of a message");
}

bool slotq_batch_unmark(slotq_batch *batch, uint64_t id)
{
    batch_mark *mark = batch == NULL ? NULL : marks_find(&batch->marks, id);
    if (mark == NULL || batch_token(batch, id) == 0) {
        return false;
    }
    mark->is_set = false;
    return true;
}

/* ---- a whole batch, in one way ---- */

static slotq_outcome extend_batch(slotq *queue, slotq_batch *batch, uint64_t ms)
{
    batch_spare spare;
    if (!batch_spare_make(batch, &spare)) {
        return consume_refuse_memory(queue);
    }
    const slotq_outcome outcome =
        slotq_settle(queue, SLOTQ_SETTLE_EXTEND, batch->group, batch->runs, batch->run_count, ms, 0,
                     batch->aside.outcomes, spare.tokens);
    batch_tell_extended(batch, spare.tokens);
    if (!parts_is_of_messages(outcome)) {
        batch_spare_free(&spare);
        if (outcome == SLOTQ_REMADE || outcome == SLOTQ_NOQUEUE) { /* they are gone */
            batch_clear(batch);
        }
        return outcome;
    }
    batch_retoken(batch, &spare); /* whose lease was lost leaves the batch */
    return outcome;
}

/* All but extend: what was settled leaves the batch, also before a failure. */
static slotq_outcome settle_and_drop(slotq *queue, const settle_way *way, slotq_batch *batch)
{
    slotq_call call;
    uint32_t settled = 0;
    consume_settle_begin(&call, way->how, batch->group, way->ms, way->reason);
    call.settle.runs = batch->runs;
    call.settle.run_count = batch->run_count;
    call.settle.outcomes = batch->aside.outcomes;
    call.settle.tokens = NULL;
    const slotq_outcome outcome = parts_settle(queue, &call, &settled);
    batch->aside.told_count = batch->aside.count;
    if (batch_may_settle_again(outcome)) {
        batch_drop_first(batch, settled);
    } else {
        batch_clear(batch);
    }
    return outcome;
}

/* ---- a batch with marks ---- */

/* The tokens that messages of the batch have now; 0: they leave it. An extended one has no mark any
 * more. */
static void take_tokens(slotq_batch *batch, uint32_t *tokens)
{
    slotq_settled_message message;
    for (uint32_t i = 0; slotq_batch_settled(batch, i, &message); i++) {
        const bool is_extended = message.outcome == SLOTQ_OK && message.how == SLOTQ_SETTLE_EXTEND;
        batch_mark *mark = marks_find(&batch->marks, message.id);
        const bool stays = is_extended || message.outcome == SLOTQ_DEADFULL ||
                           batch_may_settle_again(message.outcome);
        tokens[i] = stays ? message.token : 0;
        if (is_extended && mark != NULL) {
            mark->is_set = false;
        }
    }
}

/* Messages were set aside. */
static slotq_outcome settle_mixed(slotq *queue, const settle_way *otherwise, slotq_batch *batch)
{
    batch_spare spare;
    slotq_outcome failed;
    queue_tries tries = queue_tries_begin(queue);
    if (!batch_spare_make(batch, &spare)) {
        batch_bring_marks_back(batch);
        return consume_refuse_memory(queue);
    }
    mixed_begin(batch);
    (void)mixed_run(queue, otherwise, batch, NULL, &failed);
    while (queue_was_resized(queue, failed, &tries)) {
        mixed_run_again(batch);
        (void)mixed_run(queue, otherwise, batch, NULL, &failed);
    }
    batch_bring_marks_back(batch);
    take_tokens(batch, spare.tokens);
    batch_retoken(batch, &spare);
    const slotq_settled sum = batch_sum_up(batch, failed);
    if (sum.outcome == SLOTQ_OK) {
        return SLOTQ_OK;
    }
    const slotq_outcome outcome = mixed_answer(queue, sum.outcome);
    if (failed != SLOTQ_OK) {
        queue_say_done(queue, sum.ok_count + sum.refused_count, "settled");
    }
    return outcome;
}

slotq_outcome slotq_settle_batch(slotq *queue, slotq_settle_how how, slotq_batch *batch,
                                 uint64_t ms, uint8_t reason)
{
    const settle_way way = {.ms = ms, .how = how, .reason = reason};
    if (queue == NULL || batch == NULL) {
        return queue_refuse_null(queue);
    }
    batch->aside.told_count = 0;
    if (!consume_how_fits(queue, how)) {
        return SLOTQ_INVALID;
    }
    if (batch->count == 0) {
        return SLOTQ_OK;
    }
    const slotq_outcome judged = consume_judge_batch(queue, batch);
    if (judged != SLOTQ_OK) {
        return judged;
    }
    if (!consume_settle_fits(queue, how, batch->group, ms)) {
        return SLOTQ_INVALID;
    }
    const bool is_marked = batch->marks.count > 0;
    if (!batch_set_aside(batch, how)) {
        return consume_refuse_memory(queue);
    }
    if (is_marked) {
        return settle_mixed(queue, &way, batch);
    }
    return how == SLOTQ_SETTLE_EXTEND ? extend_batch(queue, batch, ms)
                                      : settle_and_drop(queue, &way, batch);
}

slotq_outcome slotq_ack_batch(slotq *queue, slotq_batch *batch)
{
    return slotq_settle_batch(queue, SLOTQ_SETTLE_ACK, batch, 0, 0);
}

/* ---- one message ---- */

slotq_outcome slotq_settle_message(slotq *queue, slotq_settle_how how, slotq_batch *batch,
                                   uint64_t id, uint64_t ms, uint8_t reason)
{
    return slotq_settle_message_noted(queue, how, batch, id, ms, reason, NULL);
}

slotq_outcome slotq_settle_message_noted(slotq *queue, slotq_settle_how how, slotq_batch *batch,
                                         uint64_t id, uint64_t ms, uint8_t reason,
                                         const slotq_data *note)
{
    const slotq_outcome judged = judge_message(queue, how, batch, id);
    if (judged != SLOTQ_OK) {
        return judged;
    }
    const slotq_run run = {id, batch_token(batch, id), 1};
    uint32_t token = 0;
    const slotq_outcome outcome =
        slotq_settle_noted(queue, how, batch->group, &run, 1, ms, reason, note, NULL,
                           how == SLOTQ_SETTLE_EXTEND ? &token : NULL);
    if (outcome == SLOTQ_REMADE) {
        batch_clear(batch);
    } else if (outcome != SLOTQ_INVALID && outcome != SLOTQ_DEADFULL && outcome < SLOTQ_FAILURES) {
        batch_set_token(batch, id, outcome == SLOTQ_OK ? token : 0);
    }
    return outcome;
}
