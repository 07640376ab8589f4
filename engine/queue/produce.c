/* produce.c: push, at once or waiting for room, with keys and without.
 */
#include "keys.h"

static const char closing[] = "Nothing was pushed.";

/* How often a call is sent again that its key protects from a second push. */
enum { RESEND_TIMES = 2 };

static slotq_outcome push_once(slotq *queue, const queue_additions *added, bool may_wait,
                               slotq_pushed *pushed)
{
    slotq_call call;
    slotq_core_begin(&call, SLOTQ_PUSH, STORE_TIME);
    call.push.messages = added->messages;
    call.push.count = added->count;
    call.push.keys = added->keys;
    call.push.key_mode = added->key_mode;
    call.push.may_wait = may_wait;
    call.push.ids = added->ids;
    call.push.outcomes = added->outcomes;
    const slotq_outcome outcome = queue_call(queue, &call);
    if (outcome == SLOTQ_OK || outcome == SLOTQ_UNCONFIRMED) { /* enqueued in either case */
        pushed->first_id = call.push.first_id;
        return outcome;
    }
    if (outcome == SLOTQ_DUPLICATE) {
        pushed->holder = call.push.taken;
        pushed->unconfirmed = queue->fault.unconfirmed;
        return queue_refuse_taken(queue, &pushed->holder, closing);
    }
    if (outcome == SLOTQ_TOOBIG || outcome == SLOTQ_INVALID) { /* or queue_call has said it */
        const slotq_outcome limit =
            queue_refuse_push(queue, added->messages, added->count, closing);
        if (limit == SLOTQ_OK) {
            (void)queue_refuse_twice(queue, added, closing);
        }
    }
    return outcome;
}

/* A call whose reply was lost, once more: its key tells whether it had arrived. */
static slotq_outcome push_again(slotq *queue, const queue_additions *added, bool may_wait,
                                slotq_pushed *pushed)
{
    slotq_outcome outcome = SLOTQ_OUTCOME_UNKNOWN;
    for (int i = 0; i < RESEND_TIMES && outcome == SLOTQ_OUTCOME_UNKNOWN; i++) {
        outcome = push_once(queue, added, may_wait, pushed);
    }
    if (outcome == SLOTQ_DUPLICATE && pushed->holder.place != SLOTQ_KEY_SCHEDULED) {
        pushed->first_id = pushed->holder.id;
        return pushed->unconfirmed ? queue_refuse_unconfirmed(queue) : SLOTQ_OK;
    }
    return outcome;
}

static slotq_outcome push(slotq *queue, const queue_additions *added, bool may_wait,
                          slotq_pushed *pushed)
{
    const slotq_outcome outcome = push_once(queue, added, may_wait, pushed);
    const bool is_split = queue->store->splits_pushes && added->outcomes != NULL;
    const bool repeats = /* the store repeats what it splits */
        added->keys != NULL && added->key_mode == SLOTQ_KEY_RESEND && !is_split;
    return outcome == SLOTQ_OUTCOME_UNKNOWN && repeats ? push_again(queue, added, may_wait, pushed)
                                                       : outcome;
}

static slotq_outcome judge(slotq *queue, const slotq_data *messages, uint32_t count)
{
    if (queue == NULL || messages == NULL) {
        return queue_refuse_null(queue);
    }
    return queue_messages_fit(queue, messages, count) ? SLOTQ_OK : SLOTQ_INVALID;
}

static slotq_outcome push_until(slotq *queue, const queue_additions *added, const queue_wait *wait,
                                slotq_pushed *pushed)
{
    bool was_full = false;
    for (;;) {
        const bool over = queue_wait_is_over(wait);
        const bool marks = (was_full && !over) || queue->store->is_listened;
        const slotq_outcome outcome = push(queue, added, marks, pushed);
        const bool is_chain = outcome == SLOTQ_FULL && queue->holder.id == 0; /* of keys */
        if (outcome != SLOTQ_FULL || over || is_chain) {
            if (over && wait->wait_ms > 0) {
                queue_wait_end(queue);
            }
            return outcome;
        }
        if (!marks) { /* mostly there is room, and a push that marks costs a store more */
            was_full = true;
            continue;
        }
        const slotq_outcome slept = queue_wait_sleep(queue, wait, 0, UINT64_MAX);
        if (slept != SLOTQ_OK) {
            return slept;
        }
    }
}

static slotq_outcome push_waiting(slotq *queue, const queue_additions *added, uint64_t wait_ms,
                                  slotq_pushed *pushed)
{
    queue_wait wait = queue_wait_begin(queue, wait_ms);
    queue_patience_begin(queue, &wait);
    return queue_patience_end(queue, push_until(queue, added, &wait, pushed));
}

/* Without keys; wait_ms NULL: at once. */
static slotq_outcome push_plain(slotq *queue, const slotq_data *messages, uint32_t count,
                                const uint64_t *wait_ms, uint64_t *first_id)
{
    slotq_pushed pushed = {0};
    const queue_additions added = {.messages = messages, .count = count};
    slotq_outcome outcome = judge(queue, messages, count);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    outcome = wait_ms != NULL ? push_waiting(queue, &added, *wait_ms, &pushed)
                              : push_once(queue, &added, false, &pushed);
    if (first_id != NULL && (outcome == SLOTQ_OK || outcome == SLOTQ_UNCONFIRMED)) {
        *first_id = pushed.first_id;
    }
    return outcome;
}

slotq_outcome slotq_push(slotq *queue, const slotq_data *messages, uint32_t count,
                         uint64_t *first_id)
{
    return push_plain(queue, messages, count, NULL, first_id);
}

slotq_outcome slotq_push_wait(slotq *queue, const slotq_data *messages, uint32_t count,
                              uint64_t wait_ms, uint64_t *first_id)
{
    return push_plain(queue, messages, count, &wait_ms, first_id);
}

/* Before a call: no message has an outcome. */
static void untell_each(const queue_additions *added)
{
    for (uint32_t i = 0; added->outcomes != NULL && i < added->count; i++) {
        added->outcomes[i] = SLOTQ_MORE;
    }
}

/* What the store has not told of each message is told of all. */
static slotq_outcome tell_each(const queue_additions *added, slotq_outcome outcome,
                               uint64_t first_id)
{
    const bool is_told = added->outcomes != NULL && added->outcomes[0] != SLOTQ_MORE;
    for (uint32_t i = 0; i < added->count && !is_told; i++) {
        if (added->outcomes != NULL) {
            added->outcomes[i] = (uint8_t)outcome;
        }
        if (added->ids != NULL) {
            added->ids[i] = first_id != 0 ? first_id + i : 0;
        }
    }
    return outcome;
}

static bool options_fit(slotq *queue, const slotq_push_options *options)
{
    if (error_judge_reserved(&queue->error, options->reserved, sizeof options->reserved,
                             "options of the push") != SLOTQ_OK) {
        return false;
    }
    if (options->due_ms > 0 ? options->wait_ms > 0 : options->flags != 0) {
        queue_refuse(queue, SLOTQ_INVALID,
                     "wait_ms is for messages that are pushed now, and flags for those with a "
                     "due_ms. %s",
                     closing);
        return false;
    }
    if (options->wait_ms > 0 && options->outcomes != NULL && queue->store->splits_pushes) {
        queue_refuse(queue, SLOTQ_INVALID,
                     "a call that tells the outcome of each message of a sharded queue with keys "
                     "cannot wait: wait_ms must be 0. %s",
                     closing);
        return false;
    }
    return true;
}

slotq_outcome slotq_push_with(slotq *queue, const slotq_data *messages, uint32_t count,
                              const slotq_push_options *options, slotq_pushed *pushed)
{
    static const slotq_push_options none = {0};
    slotq_pushed unwanted = {0};
    options = options != NULL ? options : &none;
    pushed = pushed != NULL ? pushed : &unwanted;
    *pushed = (slotq_pushed){0};
    const slotq_outcome judged = judge(queue, messages, count);
    if (judged != SLOTQ_OK) {
        return judged;
    }
    if (!options_fit(queue, options)) {
        return SLOTQ_INVALID;
    }
    const slotq_key_mode mode =
        options->key_mode == SLOTQ_KEY_NONE ? SLOTQ_KEY_UNIQUE : options->key_mode;
    const queue_additions added = {.messages = messages,
                                   .keys = options->keys,
                                   .count = count,
                                   .key_mode = mode,
                                   .ids = options->ids,
                                   .outcomes = options->outcomes};
    if (added.keys != NULL) {
        const slotq_outcome fit = queue_judge_keys(queue, added.keys, count, mode, closing);
        if (fit != SLOTQ_OK) {
            return fit;
        }
    }
    untell_each(&added);
    const slotq_outcome outcome =
        options->due_ms > 0 ? queue_schedule(queue, &added, options->due_ms, options->flags, pushed)
        : options->wait_ms > 0 ? push_waiting(queue, &added, options->wait_ms, pushed)
                               : push(queue, &added, false, pushed);
    return tell_each(&added, outcome, pushed->first_id);
}
