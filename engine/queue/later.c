/* later.c: scheduling messages, and ending delays before their time.
 */
#include "../slotq_shards.h"
#include "keys.h"

static const char closing[] = "Nothing was scheduled.";

static slotq_outcome judge_schedule(slotq *queue, const slotq_data *messages, uint32_t count,
                                    uint64_t due_ms, uint32_t flags)
{
    if (due_ms > SLOTQ_NOW_MS_MAX) {
        return queue_refuse(queue, SLOTQ_INVALID,
                            "a due time of %llu ms since 1970 is out of range: 0 to %llu are "
                            "possible. %s",
                            (unsigned long long)due_ms, (unsigned long long)SLOTQ_NOW_MS_MAX,
                            closing);
    }
    if (flags > SLOTQ_NOT_PAST) {
        return queue_refuse(queue, SLOTQ_INVALID,
                            "the flags are %lu: they must be 0 or 1 (not past). %s",
                            (unsigned long)flags, closing);
    }
    if (queue->geometry.later_slots == 0) {
        return queue_refuse(queue, SLOTQ_TOOBIG,
                            "this queue has no room for scheduled messages (later_slots is 0): "
                            "create one that has. %s",
                            closing);
    }
    push_size size;
    const push_limit limit = schedule_judge(&queue->geometry, messages, count, &size);
    if (limit != PUSH_FITS) {
        return queue_refuse_limit(
            queue, limit, &size, messages, count,
            (queue_limit_words){"schedule", queue->geometry.later_slots, closing});
    }
    return queue_bytes_fit(queue, messages, count) ? SLOTQ_OK : SLOTQ_INVALID;
}

static slotq_outcome refuse_schedule(slotq *queue, slotq_outcome outcome, uint32_t count)
{
    if (outcome == SLOTQ_EMPTY) {
        return queue_refuse(queue, outcome, "the due time is not after now (not past). %s",
                            closing);
    }
    if (outcome == SLOTQ_FULL) {
        return queue_refuse(queue, outcome,
                            "the queue holds up to %u scheduled messages, and has no room for %lu "
                            "more: wait until some are due, or cancel some. %s",
                            queue->geometry.later_slots, (unsigned long)count, closing);
    }
    return outcome;
}

slotq_outcome queue_schedule(slotq *queue, const queue_additions *added, uint64_t due_ms,
                             uint32_t flags, slotq_pushed *pushed)
{
    slotq_call call;
    if (added->keys != NULL && added->key_mode == SLOTQ_KEY_RESEND && added->count > 1) {
        return queue_refuse(queue, SLOTQ_INVALID,
                            "%lu messages scheduled as one call that may be repeated (resend): a "
                            "process that dies may leave the first ones, so schedule one, or use "
                            "once. %s",
                            (unsigned long)added->count, closing);
    }
    const slotq_outcome judged =
        judge_schedule(queue, added->messages, added->count, due_ms, flags);
    if (judged != SLOTQ_OK) {
        return judged;
    }
    slotq_core_begin(&call, SLOTQ_SCHEDULE, STORE_TIME);
    call.schedule = (slotq_call_schedule){.messages = added->messages,
                                          .keys = added->keys,
                                          .key_mode = added->key_mode,
                                          .due_ms = due_ms,
                                          .count = added->count,
                                          .not_past = (flags & SLOTQ_NOT_PAST) != 0,
                                          .ids = added->ids,
                                          .outcomes = added->outcomes};
    const slotq_outcome outcome = queue_call(queue, &call);
    if (outcome == SLOTQ_OK || outcome == SLOTQ_UNCONFIRMED) {
        pushed->first_id = call.schedule.first_later_id;
    }
    if (outcome == SLOTQ_DUPLICATE) {
        pushed->holder = call.schedule.taken;
        pushed->unconfirmed = queue->fault.unconfirmed;
        return queue_refuse_taken(queue, &pushed->holder, closing);
    }
    if (outcome == SLOTQ_INVALID) {
        (void)queue_refuse_twice(queue, added, closing);
    }
    return refuse_schedule(queue, outcome, added->count);
}

slotq_outcome slotq_schedule(slotq *queue, const slotq_data *messages, uint32_t count,
                             uint64_t due_ms, uint32_t flags, uint64_t *first_later_id)
{
    slotq_pushed pushed = {0};
    const queue_additions added = {.messages = messages, .count = count};
    if (queue == NULL || messages == NULL) {
        return queue_refuse_null(queue);
    }
    const slotq_outcome outcome = queue_schedule(queue, &added, due_ms, flags, &pushed);
    if (first_later_id != NULL && (outcome == SLOTQ_OK || outcome == SLOTQ_UNCONFIRMED)) {
        *first_later_id = pushed.first_id;
    }
    return outcome;
}

/* The text of an id that no scheduled message has. */
static slotq_outcome answer_later(slotq *queue, slotq_outcome outcome, uint64_t later_id)
{
    char text[SLOTQ_ID_TEXT_BYTES];
    if (outcome == SLOTQ_NOTFOUND) {
        (void)slotq_id_print(text, later_id);
        return queue_refuse(queue, outcome,
                            "no scheduled message has the later id %s: it was due or cancelled, "
                            "or was never scheduled. Nothing was changed.",
                            text);
    }
    return outcome;
}

static slotq_outcome refuse_no_id(slotq *queue)
{
    return queue_refuse(queue, SLOTQ_INVALID,
                        "the later id is 0: ids of scheduled messages begin with 1");
}

slotq_outcome slotq_cancel(slotq *queue, uint64_t later_id)
{
    slotq_call call;
    if (queue == NULL) {
        return SLOTQ_INVALID;
    }
    if (later_id == 0) {
        return refuse_no_id(queue);
    }
    slotq_core_begin(&call, SLOTQ_CANCEL, STORE_TIME);
    call.cancel = (slotq_call_cancel){.later_id = later_id};
    return answer_later(queue, queue_call(queue, &call), later_id);
}

slotq_outcome slotq_kick(slotq *queue, uint8_t group, uint64_t id)
{
    slotq_call call;
    if (queue == NULL || !queue_group_fits(queue, group)) {
        return SLOTQ_INVALID;
    }
    slotq_core_begin(&call, SLOTQ_KICK, STORE_TIME);
    call.kick = (slotq_call_kick){.id = id, .group = group};
    return queue_call(queue, &call);
}

slotq_outcome slotq_kick_later(slotq *queue, uint64_t later_id)
{
    slotq_call call;
    if (queue == NULL) {
        return SLOTQ_INVALID;
    }
    if (later_id == 0) {
        return refuse_no_id(queue);
    }
    slotq_core_begin(&call, SLOTQ_KICK, STORE_TIME);
    call.kick = (slotq_call_kick){.id = later_id, .is_later = true};
    return answer_later(queue, queue_call(queue, &call), later_id);
}
