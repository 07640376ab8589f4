/* consume.c: reserve, at once or waiting; and settling messages by their tokens. A damaged slot is
 * buried here, before a batch is handed out.
 */
#include "consume.h"
#include "parts.h"

/* Of a queue whose messages are damaged one after another, a call that looks for a sound one takes
 * no more than so many, and answers AGAIN. */
enum { TAKE_ROUNDS_MAX = 64, TAKE_DAMAGED_MAX = 1024 };

/* ---- reserve ---- */

slotq_outcome consume_refuse_memory(slotq *queue)
{
    return queue_refuse(queue, SLOTQ_NOMEMORY, "no memory for a batch: ask for fewer messages");
}

/* The damaged messages that the full dead section refused wait for room in it, so that no reserve
 * leases them again and again (FORMAT.md, "Slot"). */
static slotq_outcome put_off_refused(slotq *queue, uint8_t group, batch_spare *spare, uint32_t runs)
{
    uint32_t refused = 0;
    for (uint32_t i = 0; i < runs; i++) {
        if (spare->outcomes[i] == SLOTQ_DEADFULL) {
            spare->runs[refused++] = spare->runs[i];
        }
    }
    return refused == 0 ? SLOTQ_OK
                        : slotq_settle(queue, SLOTQ_SETTLE_RELEASE, group, spare->runs, refused,
                                       DEAD_FULL_RETRY_MS, 0, NULL, NULL);
}

/* The messages of a batch whose token in the spare is 0 die with reason 255, all in one call: its
 * runs are made of the spare's. */
static slotq_outcome bury_damaged(slotq *queue, const slotq_batch *batch, batch_spare *spare)
{
    uint32_t message = 0;
    uint32_t runs = 0;
    for (uint32_t i = 0; i < batch->run_count; i++) {
        const slotq_run *run = &batch->runs[i];
        for (uint32_t k = 0; k < run->count; k++, message++) {
            if (spare->tokens[message] != 0) {
                continue;
            }
            spare->runs[runs++] = (slotq_run){run->id + k, run->token, 1};
        }
    }
    slotq_outcome outcome = slotq_settle(queue, SLOTQ_SETTLE_KILL, batch->group, spare->runs, runs,
                                         0, SLOTQ_REASON_DAMAGED, spare->outcomes, NULL);
    if (outcome < SLOTQ_FAILURES && outcome != SLOTQ_REMADE) {
        outcome = put_off_refused(queue, batch->group, spare, runs);
    }
    return outcome < SLOTQ_FAILURES && outcome != SLOTQ_REMADE ? SLOTQ_OK : outcome;
}

/* Damaged messages leave the batch; *damaged goes up by as many. */
static slotq_outcome drop_damaged(slotq *queue, slotq_batch *batch, uint32_t *damaged)
{
    batch_spare spare;
    const uint32_t found = batch_find_damaged(batch, NULL);
    *damaged += found;
    if (found == 0) {
        return SLOTQ_OK;
    }
    if (!batch_spare_make(batch, &spare)) {
        batch_clear(batch);
        return consume_refuse_memory(queue);
    }
    batch_find_damaged(batch, spare.tokens);
    const slotq_outcome outcome = bury_damaged(queue, batch, &spare);
    if (outcome == SLOTQ_OK) {
        batch_retoken(batch, &spare);
    } else {
        batch_spare_free(&spare);
        batch_clear(batch);
    }
    return outcome;
}

void consume_reserve_begin(slotq_call *call, const consume_wish *wanted, bool may_wait,
                           const slotq_batch *batch)
{
    slotq_core_begin(call, SLOTQ_RESERVE, STORE_TIME);
    call->reserve.lease_ms = wanted->lease_ms;
    call->reserve.runs = batch->runs;
    call->reserve.run_capacity = wanted->limit;
    call->reserve.run_count = 0;
    call->reserve.message_count = 0;
    call->reserve.limit = wanted->limit;
    call->reserve.group = wanted->group;
    call->reserve.may_wait = may_wait;
    call->reserve.next_due_ms = 0;
}

slotq_outcome consume_take(slotq *queue, slotq_call *call, const consume_wish *wanted,
                           bool may_wait, slotq_batch *batch)
{
    uint32_t damaged = 0;
    for (uint32_t round = 1;; round++) {
        batch_fill_runs(batch, call);
        slotq_outcome outcome = drop_damaged(queue, batch, &damaged);
        if (outcome != SLOTQ_OK || batch->count > 0) {
            return outcome;
        }
        if (batch->stride != queue->store->view.stride) {
            batch_clear(batch); /* its room is for slots of the size before */
            return queue_refuse(queue, SLOTQ_REMADE,
                                "the queue was resized, and nothing was reserved: call again");
        }
        if (round == TAKE_ROUNDS_MAX || damaged >= TAKE_DAMAGED_MAX) {
            call->reserve.next_due_ms = call->now_ms;
            return queue_answer(queue, SLOTQ_AGAIN, call);
        }
        consume_reserve_begin(call, wanted, may_wait, batch);
        outcome = queue_call_harvest(queue, call, &batch->harvest);
        if (outcome != SLOTQ_OK) {
            return outcome;
        }
    }
}

/* Ask until a sound message comes or none is there. */
static slotq_outcome reserve_sound(slotq *queue, slotq_call *call, const consume_wish *wanted,
                                   bool may_wait, slotq_batch *batch)
{
    consume_reserve_begin(call, wanted, may_wait, batch);
    const slotq_outcome outcome = queue_call_harvest(queue, call, &batch->harvest);
    return outcome == SLOTQ_OK ? consume_take(queue, call, wanted, may_wait, batch) : outcome;
}

slotq_outcome consume_wait(slotq *queue, slotq_call *call, const consume_wish *wanted,
                           const queue_wait *wait, slotq_outcome outcome, slotq_batch *batch)
{
    bool over = wait->wait_ms == 0;
    while (outcome == SLOTQ_EMPTY || outcome == SLOTQ_AGAIN || outcome == SLOTQ_LIMITED) {
        if (over) {
            const bool waited = wait->wait_ms > 0 && outcome == SLOTQ_AGAIN;
            outcome = waited ? queue_answer(queue, SLOTQ_EMPTY, call) : outcome;
            break;
        }
        const slotq_outcome slept =
            queue_wait_sleep(queue, wait, call->now_ms, call->reserve.next_due_ms);
        if (slept != SLOTQ_OK) {
            return slept;
        }
        over = queue_wait_is_over(wait);
        outcome = reserve_sound(queue, call, wanted, !over || queue->store->is_listened, batch);
    }
    if (over && wait->wait_ms > 0) {
        queue_wait_end(queue);
    }
    return outcome;
}

bool consume_wish_fits(slotq *queue, const consume_wish *wanted)
{
    return queue_group_fits(queue, wanted->group) && queue_count_fits(queue, wanted->limit) &&
           queue_duration_fits(queue, "lease", wanted->lease_ms);
}

bool consume_room(slotq *queue, consume_wish *wanted, slotq_batch *batch)
{
    const bool still = !queue->options.copies && queue->store->ops->keeps_still(queue->store);
    batch->harvest.wants_copies = queue->options.copies;
    return batch_room(batch, BATCH_RESERVED, queue->store, still, &wanted->limit);
}

slotq_outcome slotq_reserve(slotq *queue, uint8_t group, uint32_t limit, uint64_t lease_ms,
                            uint64_t wait_ms, slotq_batch *batch)
{
    consume_wish wanted = {lease_ms, limit, group};
    slotq_call call;
    if (batch != NULL) {
        batch_clear(batch);
    }
    if (queue == NULL || batch == NULL) {
        return queue_refuse_null(queue);
    }
    if (!consume_wish_fits(queue, &wanted)) {
        return SLOTQ_INVALID;
    }
    queue_wait wait = queue_wait_begin(queue, wait_ms);
    queue_tries tries = queue_tries_begin(queue);
    slotq_outcome outcome;
    queue_patience_begin(queue, &wait);
    do {
        wanted.limit = limit;
        if (!consume_room(queue, &wanted, batch)) {
            return queue_patience_end(queue, consume_refuse_memory(queue));
        }
        outcome = reserve_sound(queue, &call, &wanted, wait_ms > 0, batch);
        outcome = consume_wait(queue, &call, &wanted, &wait, outcome, batch);
    } while (queue_was_resized(queue, outcome, &tries));
    return queue_patience_end(queue, outcome);
}

/* ---- settle ---- */

slotq_outcome consume_judge_batch(slotq *queue, slotq_batch *batch)
{
    if (!batch_is_leased(batch)) {
        return queue_refuse(queue, SLOTQ_INVALID,
                            "the batch comes from slotq_peek or slotq_dead_list: "
                            "only a reserved one can be settled");
    }
    if (batch->queue != queue->store->identity) {
        return queue_refuse(queue, SLOTQ_INVALID,
                            "the batch was reserved from another queue: settle it through a handle "
                            "of that queue. Nothing was changed");
    }
    if (batch->geometry.generation != queue->geometry.generation) {
        batch_clear(batch);
        return queue_refuse(queue, SLOTQ_REMADE,
                            "the batch was reserved before the queue was made anew: its messages "
                            "are gone, and the batch is empty now. Nothing was changed");
    }
    return SLOTQ_OK;
}

static const slotq_verb hows[] = {
    [SLOTQ_SETTLE_ACK] = SLOTQ_ACK,         [SLOTQ_SETTLE_NACK] = SLOTQ_NACK,
    [SLOTQ_SETTLE_RELEASE] = SLOTQ_RELEASE, [SLOTQ_SETTLE_EXTEND] = SLOTQ_EXTEND,
    [SLOTQ_SETTLE_KILL] = SLOTQ_KILL,
};

bool consume_how_fits(slotq *queue, slotq_settle_how how)
{
    if ((uint32_t)how < sizeof hows / sizeof hows[0]) {
        return true;
    }
    queue_refuse(queue, SLOTQ_INVALID,
                 "the way to settle is %d: it must be 0 (SLOTQ_SETTLE_ACK) to %d "
                 "(SLOTQ_SETTLE_KILL). Nothing was changed",
                 (int)how, SLOTQ_SETTLE_KILL);
    return false;
}

bool consume_settle_fits(slotq *queue, slotq_settle_how how, uint8_t group, uint64_t ms)
{
    if (!consume_how_fits(queue, how)) {
        return false;
    }
    if (!queue_group_fits(queue, group)) {
        return false;
    }
    if (how == SLOTQ_SETTLE_EXTEND) {
        return queue_duration_fits(queue, "lease", ms);
    }
    const bool may_delay = how == SLOTQ_SETTLE_NACK || how == SLOTQ_SETTLE_RELEASE;
    return !may_delay || ms == 0 || queue_duration_fits(queue, "delay", ms);
}

void consume_settle_begin(slotq_call *call, slotq_settle_how how, uint8_t group, uint64_t ms,
                          uint8_t reason)
{
    slotq_core_begin(call, hows[how], STORE_TIME);
    call->settle.group = group;
    call->settle.reason = reason;
    call->settle.note = NULL;
    call->settle.note_bytes = 0;
    call->settle.ms = ms;
    call->settle.ok_count = 0;
    call->settle.dead_count = 0;
}

static slotq_outcome settle_one(slotq *queue, slotq_settle_how how, uint8_t group, uint64_t id,
                                uint32_t token, uint64_t ms, uint8_t reason, uint32_t *new_token)
{
    if (queue == NULL) {
        return SLOTQ_INVALID;
    }
    if (!consume_settle_fits(queue, how, group, ms)) {
        return SLOTQ_INVALID;
    }
    const slotq_run run = {id, token, 1};
    slotq_call call;
    consume_settle_begin(&call, how, group, ms, reason);
    call.settle.runs = &run;
    call.settle.run_count = 1;
    call.settle.outcomes = NULL;
    call.settle.tokens = new_token;
    return queue_call(queue, &call);
}

slotq_outcome slotq_ack(slotq *queue, uint8_t group, uint64_t id, uint32_t token)
{
    return settle_one(queue, SLOTQ_SETTLE_ACK, group, id, token, 0, 0, NULL);
}

slotq_outcome slotq_nack(slotq *queue, uint8_t group, uint64_t id, uint32_t token,
                         uint64_t delay_ms, uint8_t reason)
{
    return settle_one(queue, SLOTQ_SETTLE_NACK, group, id, token, delay_ms, reason, NULL);
}

slotq_outcome slotq_release(slotq *queue, uint8_t group, uint64_t id, uint32_t token,
                            uint64_t delay_ms)
{
    return settle_one(queue, SLOTQ_SETTLE_RELEASE, group, id, token, delay_ms, 0, NULL);
}

slotq_outcome slotq_extend(slotq *queue, uint8_t group, uint64_t id, uint32_t token,
                           uint64_t lease_ms, uint32_t *new_token)
{
    if (new_token == NULL) {
        return queue_refuse_null(queue);
    }
    uint32_t fresh = 0;
    const slotq_outcome outcome =
        settle_one(queue, SLOTQ_SETTLE_EXTEND, group, id, token, lease_ms, 0, &fresh);
    if (outcome == SLOTQ_OK) {
        *new_token = fresh;
    }
    return outcome;
}

slotq_outcome slotq_kill(slotq *queue, uint8_t group, uint64_t id, uint32_t token, uint8_t reason)
{
    return settle_one(queue, SLOTQ_SETTLE_KILL, group, id, token, 0, reason, NULL);
}

bool consume_note_fits(slotq *queue, const slotq_data *note)
{
    if (note == NULL || note->size == 0) {
        return true;
    }
    if (note->size > SLOTQ_NOTE_BYTES_MAX || note->bytes == NULL) {
        queue_refuse(queue, SLOTQ_INVALID,
                     "the note has %u bytes: the limit is %d, and bytes must not be NULL. Cut it. "
                     "Nothing was changed",
                     note->size, SLOTQ_NOTE_BYTES_MAX);
        return false;
    }
    return true;
}

slotq_outcome slotq_settle_noted(slotq *queue, slotq_settle_how how, uint8_t group,
                                 const slotq_run *runs, uint32_t run_count, uint64_t ms,
                                 uint8_t reason, const slotq_data *note, uint8_t *outcomes,
                                 uint32_t *new_tokens)
{
    if (queue == NULL || runs == NULL) {
        return queue_refuse_null(queue);
    }
    if (!consume_settle_fits(queue, how, group, ms) || !queue_runs_fit(queue, runs, run_count) ||
        !consume_note_fits(queue, note)) {
        return SLOTQ_INVALID;
    }
    slotq_call call;
    uint32_t settled;
    consume_settle_begin(&call, how, group, ms, reason);
    call.settle.runs = runs;
    call.settle.run_count = run_count;
    call.settle.outcomes = outcomes;
    call.settle.tokens = new_tokens;
    if (note != NULL && note->size > 0) {
        const uint32_t room = queue->geometry.note_bytes;
        call.settle.note = note->bytes;
        call.settle.note_bytes = (uint8_t)(note->size < room ? note->size : room);
    }
    return parts_settle(queue, &call, &settled);
}

slotq_outcome slotq_settle(slotq *queue, slotq_settle_how how, uint8_t group, const slotq_run *runs,
                           uint32_t run_count, uint64_t ms, uint8_t reason, uint8_t *outcomes,
                           uint32_t *new_tokens)
{
    return slotq_settle_noted(queue, how, group, runs, run_count, ms, reason, NULL, outcomes,
                              new_tokens);
}
