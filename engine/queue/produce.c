/* produce.c: push, at once or waiting for room.
 */
#include "handle.h"

/* A payload that is not there; sizes and sums are the core's to judge. */
static bool has_null_payload(const slotq_data *messages, uint32_t count)
{
    bool found = false;
    for (uint32_t i = 0; i < count; i++) {
        found |= messages[i].bytes == NULL && messages[i].size > 0;
    }
    return found;
}

/* Which message or limit it was. */
static slotq_outcome explain(slotq *queue, slotq_outcome outcome, const slotq_data *messages,
                             uint32_t count)
{
    const uint32_t largest = queue->geometry.payload_bytes;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        bytes += messages[i].size;
        if (messages[i].size > largest) {
            return queue_refuse(
                queue, SLOTQ_TOOBIG,
                "message %lu of this push has %lu bytes: this queue takes up to %lu "
                "(payload_bytes). Nothing was pushed.",
                (unsigned long)i + 1, (unsigned long)messages[i].size, (unsigned long)largest);
        }
    }
    if (outcome == SLOTQ_TOOBIG) {
        return queue_refuse(queue, outcome,
                            "%lu messages together are more than this queue can ever hold (%u): "
                            "push fewer at a time. Nothing was pushed.",
                            (unsigned long)count, queue->geometry.ring_slots - 1u);
    }
    if (bytes > SLOTQ_CALL_BYTES_MAX) {
        return queue_refuse(queue, outcome,
                            "the payloads of one push have %llu bytes together: the limit is %d. "
                            "Push fewer at a time. Nothing was pushed.",
                            (unsigned long long)bytes, SLOTQ_CALL_BYTES_MAX);
    }
    return outcome; /* the clock: queue_call has said it */
}

static slotq_outcome push_once(slotq *queue, const slotq_data *messages, uint32_t count,
                               bool may_wait, uint64_t *first_id)
{
    slotq_call call;
    slotq_core_begin(&call, SLOTQ_PUSH, STORE_TIME);
    call.push.messages = messages;
    call.push.count = count;
    call.push.may_wait = may_wait;
    const slotq_outcome outcome = queue_call(queue, &call);
    if (outcome == SLOTQ_OK || outcome == SLOTQ_UNCONFIRMED) { /* enqueued in either case */
        if (first_id != NULL) {
            *first_id = call.push.first_id;
        }
        return outcome;
    }
    if (outcome == SLOTQ_TOOBIG || outcome == SLOTQ_INVALID) {
        return explain(queue, outcome, messages, count);
    }
    return outcome;
}

static slotq_outcome judge(slotq *queue, const slotq_data *messages, uint32_t count)
{
    if (queue == NULL || messages == NULL) {
        return queue_refuse_null(queue);
    }
    if (!queue_count_fits(queue, count)) {
        return SLOTQ_INVALID;
    }
    if (has_null_payload(messages, count)) {
        return queue_refuse(queue, SLOTQ_INVALID, "a message has a size, but its bytes are NULL");
    }
    return SLOTQ_OK;
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
