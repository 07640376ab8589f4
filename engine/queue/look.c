/* look.c: verbs that only look: status, position, peek, the dead, stats, check.
 */
#include "batch.h"
#include "handle.h"

/* What the ring knows of a message. */
static slotq_outcome ring_status(slotq *queue, slotq_call *call, uint8_t group, uint64_t id)
{
    if (!queue_group_fits(queue, group)) {
        return SLOTQ_INVALID;
    }
    slotq_core_begin(call, SLOTQ_STATUS, STORE_TIME);
    call->status = (slotq_call_status){.id = id, .group = group};
    return queue_call(queue, call);
}

slotq_outcome slotq_position(slotq *queue, uint8_t group, uint64_t id, uint32_t *position)
{
    slotq_call call;
    if (queue == NULL || position == NULL) {
        return queue_refuse_null(queue);
    }
    const slotq_outcome outcome = ring_status(queue, &call, group, id);
    if (outcome == SLOTQ_OK) {
        *position = call.status.status.position;
    }
    return outcome;
}

/* peek, dead_list and later_list. */
static slotq_outcome look(slotq *queue, slotq_verb verb, slotq_call_look wanted, slotq_batch *batch)
{
    slotq_call call;
    uint32_t limit = wanted.capacity;
    const batch_kind kind = batch_kind_of(verb);
    const bool any_group = wanted.id != 0 && wanted.group == SLOTQ_ALL_GROUPS;
    if (batch != NULL) {
        batch_clear(batch);
    }
    if (queue == NULL || batch == NULL) {
        return queue_refuse_null(queue);
    }
    if ((!any_group && !queue_group_fits(queue, wanted.group)) || !queue_count_fits(queue, limit)) {
        return SLOTQ_INVALID;
    }
    queue_tries tries = queue_tries_begin(queue);
    slotq_outcome outcome;
    do {
        limit = wanted.capacity;
        if (!batch_room(batch, kind, queue->store, false, &limit)) {
            return queue_refuse(queue, SLOTQ_NOMEMORY,
                                "no memory for a batch: ask for fewer messages");
        }
        slotq_core_begin(&call, verb, STORE_TIME);
        call.look = wanted;
        call.look.items = batch->items;
        call.look.capacity = limit;
        outcome = queue_call_harvest(queue, &call, &batch->harvest);
    } while (queue_was_resized(queue, outcome, &tries));
    if (outcome == SLOTQ_OK) {
        batch_fill_items(batch, &call);
    }
    return outcome;
}

slotq_outcome slotq_peek(slotq *queue, uint8_t group, uint64_t from, uint32_t limit,
                         slotq_batch *batch)
{
    const slotq_call_look wanted = {.from = from, .capacity = limit, .group = group};
    return look(queue, SLOTQ_PEEK, wanted, batch);
}

slotq_outcome slotq_dead_list(slotq *queue, uint32_t skip, uint32_t limit, slotq_batch *batch)
{
    return look(queue, SLOTQ_DEAD_LIST, (slotq_call_look){.from = skip, .capacity = limit}, batch);
}

slotq_outcome slotq_dead_find(slotq *queue, uint8_t group, uint64_t id, slotq_batch *batch)
{
    /* a message dies at most once in a group; the id 0 is never one */
    const slotq_call_look wanted = {
        .capacity = SLOTQ_GROUPS_MAX, .group = group, .id = id > 0 ? id : SLOTQ_ID_MAX + 1};
    return look(queue, SLOTQ_DEAD_LIST, wanted, batch);
}

slotq_outcome slotq_later_list(slotq *queue, uint32_t skip, uint32_t limit, slotq_batch *batch)
{
    return look(queue, SLOTQ_LATER_LIST, (slotq_call_look){.from = skip, .capacity = limit}, batch);
}

slotq_outcome slotq_get_stats(slotq *queue, uint8_t group, slotq_stats *stats)
{
    slotq_call call;
    if (queue == NULL || stats == NULL) {
        return queue_refuse_null(queue);
    }
    if (!queue_group_fits(queue, group)) {
        return SLOTQ_INVALID;
    }
    slotq_core_begin(&call, SLOTQ_STATS, STORE_TIME);
    call.stats = (slotq_call_stats){.group = group};
    const slotq_outcome outcome = queue_call(queue, &call);
    if (outcome == SLOTQ_OK) {
        *stats = call.stats.stats;
    }
    return outcome;
}

/* ---- status, also of the dead ---- */

/* Fill status from the dead section if the message lies there. */
static slotq_outcome search_dead(slotq *queue, uint8_t group, uint64_t id, slotq_status *status)
{
    slotq_message entry;
    slotq_batch *batch = slotq_batch_new();
    if (batch == NULL) {
        return queue_refuse(queue, SLOTQ_NOMEMORY, "no memory for a look at the dead section");
    }
    const slotq_outcome outcome = slotq_dead_find(queue, group, id, batch);
    if (outcome == SLOTQ_OK && slotq_batch_next(batch, &entry)) {
        *status = (slotq_status){.state = SLOTQ_STATE_DONE,
                                 .why = SLOTQ_WHY_DEAD,
                                 .attempts = entry.attempts,
                                 .pushed_ms = entry.pushed_ms,
                                 .reason = entry.reason,
                                 .is_dead = true,
                                 .died_at_ms = entry.died_at_ms};
    }
    slotq_batch_free(batch);
    return outcome == SLOTQ_EMPTY ? SLOTQ_OK : outcome;
}

slotq_outcome slotq_get_status(slotq *queue, uint8_t group, uint64_t id, slotq_status *status)
{
    slotq_call call;
    if (queue == NULL || status == NULL) {
        return queue_refuse_null(queue);
    }
    const slotq_outcome outcome = ring_status(queue, &call, group, id);
    slotq_status found = {0};
    if (outcome == SLOTQ_OK) {
        found = call.status.status;
    }
    const bool may_be_dead =
        outcome == SLOTQ_FINISHED || (outcome == SLOTQ_OK && found.why == SLOTQ_WHY_DEAD);
    if (may_be_dead) {
        const slotq_outcome searched = search_dead(queue, group, id, &found);
        if (searched != SLOTQ_OK) {
            return searched;
        }
    }
    if (outcome == SLOTQ_OK || found.is_dead) {
        *status = found;
        return SLOTQ_OK;
    }
    return may_be_dead ? queue_answer(queue, outcome, &call) : outcome; /* over the search's */
}

slotq_outcome slotq_check(slotq *queue)
{
    slotq_damage damage;
    if (queue == NULL) {
        return SLOTQ_INVALID;
    }
    queue_tries tries = queue_tries_begin(queue);
    slotq_outcome outcome;
    do {
        outcome = queue->store->ops->check(queue->store, &damage, &queue->fault);
        outcome = outcome == SLOTQ_OK ? outcome : queue_answer(queue, outcome, NULL);
    } while (queue_was_resized(queue, outcome, &tries));
    return outcome;
}
