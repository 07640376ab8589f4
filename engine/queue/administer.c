/* administer.c: mending and administration: remove, reclaim, dead purge, pause, purge, export.
 */
#include "handle.h"

slotq_outcome slotq_remove(slotq *queue, uint8_t group, uint64_t id)
{
    slotq_call call;
    if (queue == NULL) {
        return SLOTQ_INVALID;
    }
    if (group != SLOTQ_ALL_GROUPS && !queue_group_fits(queue, group)) {
        return SLOTQ_INVALID;
    }
    slotq_core_begin(&call, SLOTQ_REMOVE, STORE_TIME);
    call.remove = (slotq_call_remove){.id = id, .group = group};
    return queue_call(queue, &call);
}

slotq_outcome slotq_reclaim(slotq *queue, uint8_t group, uint32_t *ready_count,
                            uint32_t *dead_count)
{
    slotq_call call;
    slotq_outcome outcome;
    uint32_t ready = 0;
    uint32_t dead = 0;
    if (queue == NULL) {
        return SLOTQ_INVALID;
    }
    if (!queue_group_fits(queue, group)) {
        return SLOTQ_INVALID;
    }
    uint64_t now_ms = STORE_TIME;
    do { /* each call is bounded, and at one and the same now they come to an end */
        slotq_core_begin(&call, SLOTQ_RECLAIM, now_ms);
        call.reclaim = (slotq_call_reclaim){.group = group};
        outcome = queue_call(queue, &call);
        now_ms = call.now_ms;
        if (outcome == SLOTQ_OK || outcome == SLOTQ_AGAIN) {
            ready += call.reclaim.ready_count;
            dead += call.reclaim.dead_count;
        }
    } while (outcome == SLOTQ_AGAIN);
    if (ready_count != NULL) {
        *ready_count = ready;
    }
    if (dead_count != NULL) {
        *dead_count = dead;
    }
    return outcome;
}

slotq_outcome slotq_dead_remove(slotq *queue, uint8_t group, uint64_t id, uint32_t *count)
{
    slotq_call call;
    if (count != NULL) {
        *count = 0;
    }
    if (queue == NULL) {
        return SLOTQ_INVALID;
    }
    if (group != SLOTQ_ALL_GROUPS && !queue_group_fits(queue, group)) {
        return SLOTQ_INVALID;
    }
    slotq_core_begin(&call, SLOTQ_DEAD_REMOVE, STORE_TIME);
    /* 0 is never an id: as an argument it would be out of range */
    call.dead = (slotq_call_dead){.id = id > 0 ? id : SLOTQ_ID_MAX + 1, .group = group};
    const slotq_outcome outcome = queue_call(queue, &call);
    if (count != NULL) {
        *count = outcome == SLOTQ_OK ? call.dead.count : 0;
    }
    return outcome;
}

slotq_outcome slotq_dead_purge(slotq *queue, uint32_t *count)
{
    slotq_call call;
    if (queue == NULL) {
        return SLOTQ_INVALID;
    }
    slotq_core_begin(&call, SLOTQ_DEAD_PURGE, STORE_TIME);
    call.dead = (slotq_call_dead){0};
    const slotq_outcome outcome = queue_call(queue, &call);
    if (count != NULL) {
        *count = outcome == SLOTQ_OK ? call.dead.count : 0;
    }
    return outcome;
}

static slotq_outcome set_pause(slotq *queue, slotq_verb verb, uint8_t what)
{
    slotq_call call;
    if (queue == NULL) {
        return SLOTQ_INVALID;
    }
    if (what < SLOTQ_PAUSE_IN || what > SLOTQ_PAUSE_ALL) {
        return queue_refuse(
            queue, SLOTQ_INVALID,
            "what to pause is %u: it must be a sum of 1 (in), 2 (out) and 4 (closed)", what);
    }
    slotq_core_begin(&call, verb, STORE_TIME);
    call.pause = (slotq_call_pause){.what = what};
    return queue_call(queue, &call);
}

slotq_outcome slotq_pause(slotq *queue, uint8_t what)
{
    return set_pause(queue, SLOTQ_PAUSE, what);
}

slotq_outcome slotq_resume(slotq *queue, uint8_t what)
{
    return set_pause(queue, SLOTQ_RESUME, what);
}

slotq_outcome slotq_finish(slotq *queue, uint64_t *last_id)
{
    slotq_call call;
    if (queue == NULL || last_id == NULL) {
        return queue_refuse_null(queue);
    }
    slotq_core_begin(&call, SLOTQ_FINISH, STORE_TIME);
    const slotq_outcome outcome = queue_call(queue, &call);
    *last_id = outcome == SLOTQ_OK ? call.finish.last_id : 0;
    return outcome;
}

slotq_outcome slotq_limit(slotq *queue, uint8_t group, uint8_t what, const slotq_limits *limits)
{
    slotq_call call;
    if (queue == NULL || limits == NULL) {
        return queue_refuse_null(queue);
    }
    if (!queue_group_fits(queue, group)) {
        return SLOTQ_INVALID;
    }
    if (what < 1 || what > SLOTQ_LIMIT_ALL) {
        return queue_refuse(queue, SLOTQ_INVALID,
                            "what to limit is %u: it must be a sum of 1 (leased), 2 (rate) and 4 "
                            "(burst). Nothing was changed",
                            what);
    }
    if (limits->rate_interval_us > SLOTQ_RATE_INTERVAL_US_MAX) {
        return queue_refuse(queue, SLOTQ_INVALID,
                            "the interval of the rate is %llu us: it must be 0 (no rate) to %llu. "
                            "Nothing was changed",
                            (unsigned long long)limits->rate_interval_us,
                            (unsigned long long)SLOTQ_RATE_INTERVAL_US_MAX);
    }
    slotq_core_begin(&call, SLOTQ_LIMIT, STORE_TIME);
    call.limit = (slotq_call_limit){.limits = *limits, .group = group, .what = what};
    const slotq_outcome outcome = queue_call(queue, &call);
    if (outcome == SLOTQ_INVALID && !queue->store->tells_invalid) {
        return queue_refuse(queue, SLOTQ_INVALID,
                            "a burst needs a rate, and the group has none: set a rate with it. "
                            "Nothing was changed");
    }
    return outcome;
}

slotq_outcome slotq_purge(slotq *queue)
{
    slotq_call call;
    if (queue == NULL) {
        return SLOTQ_INVALID;
    }
    slotq_core_begin(&call, SLOTQ_PURGE, STORE_TIME);
    return queue_call(queue, &call);
}

slotq_outcome slotq_export(slotq *queue, void *buffer, uint64_t bytes)
{
    if (queue == NULL || buffer == NULL) {
        return queue_refuse_null(queue);
    }
    const uint64_t needed = queue->store->view.image_bytes;
    if (bytes < needed) {
        return queue_refuse(queue, SLOTQ_INVALID, "the buffer has %llu bytes: the image takes %llu",
                            (unsigned long long)bytes, (unsigned long long)needed);
    }
    const slotq_outcome outcome = queue->store->ops->export(queue->store, buffer, &queue->fault);
    return outcome == SLOTQ_OK ? outcome : queue_answer(queue, outcome, NULL);
}
