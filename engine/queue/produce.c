/* produce.c: push, at once or waiting for room.
 */
#include "handle.h"

static slotq_outcome push_once(slotq *queue, const slotq_data *messages, uint32_t count,
                               bool may_wait, uint64_t *first_id)
{
    slotq_call call;
    slotq_core_begin(&call, SLOTQ_PUSH, STORE_TIME);
    call.push.messages = messages;
    call.push.keys = NULL;
    call.push.count = count;
    call.push.may_wait = may_wait;
    const slotq_outcome outcome = queue_call(queue, &call);
    if (outcome == SLOTQ_OK || outcome == SLOTQ_UNCONFIRMED) { /* enqueued in either case */
        if (first_id != NULL) {
            *first_id = call.push.first_id;
        }
        return outcome;
    }
    if (outcome == SLOTQ_TOOBIG || outcome == SLOTQ_INVALID) { /* or queue_call has said it */
        (void)queue_refuse_push(queue, messages, count, "Nothing was pushed.");
    }
    return outcome;
}

static slotq_outcome judge(slotq *queue, const slotq_data *messages, uint32_t count)
{
    if (queue == NULL || messages == NULL) {
        return queue_refuse_null(queue);
    }
    return queue_messages_fit(queue, messages, count) ? SLOTQ_OK : SLOTQ_INVALID;
}

slotq_outcome slotq_push(slotq *queue, const slotq_data *messages, uint32_t count,
                         uint64_t *first_id)
{
    const slotq_outcome judged = judge(queue, messages, count);
    return judged == SLOTQ_OK ? push_once(queue, messages, count, false, first_id) : judged;
}

static slotq_outcome push_until(slotq *queue, const slotq_data *messages, uint32_t count,
                                const queue_wait *wait, uint64_t *first_id)
{
    bool was_full = false;
    for (;;) {
        const bool over = queue_wait_is_over(wait);
        const bool marks = (was_full && !over) || queue->store->is_listened;
        const slotq_outcome outcome = push_once(queue, messages, count, marks, first_id);
        if (outcome != SLOTQ_FULL || over) {
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

slotq_outcome slotq_push_wait(slotq *queue, const slotq_data *messages, uint32_t count,
                              uint64_t wait_ms, uint64_t *first_id)
{
    const slotq_outcome judged = judge(queue, messages, count);
    if (judged != SLOTQ_OK) {
        return judged;
    }
    const queue_wait wait = queue_wait_begin(queue, wait_ms);
    queue_patience_begin(queue, &wait);
    return queue_patience_end(queue, push_until(queue, messages, count, &wait, first_id));
}
