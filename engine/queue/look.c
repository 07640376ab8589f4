/* look.c: verbs that only look: status, position, peek, the dead, stats, check.
 */
#include "batch.h"
#include "handle.h"

slotq_outcome slotq_get_status(slotq *queue, uint8_t group, uint64_t id, slotq_status *status)
{
    slotq_call call;
    if (queue == NULL || status == NULL) {
        return queue_refuse_null(queue);
    }
    if (!queue_group_fits(queue, group)) {
        return SLOTQ_INVALID;
    }
    slotq_core_begin(&call, SLOTQ_STATUS, STORE_TIME);
    call.status = (slotq_call_status){.id = id, .group = group};
    const slotq_outcome outcome = queue_call(queue, &call);
    if (outcome == SLOTQ_OK) {
        *status = call.status.status;
    }
    return outcome;
}

slotq_outcome slotq_position(slotq *queue, uint8_t group, uint64_t id, uint32_t *position)
{
    slotq_status status = {0};
    if (position == NULL) {
        return queue_refuse_null(queue);
    }
    const slotq_outcome outcome = slotq_get_status(queue, group, id, &status);
    if (outcome == SLOTQ_OK) {
        *position = status.position;
    }
    return outcome;
}

/* peek and dead_list. */
static slotq_outcome look(slotq *queue, slotq_verb verb, uint8_t group, uint64_t from,
                          uint32_t limit, slotq_batch *batch)
{
    slotq_call call;
    const batch_kind kind = verb == SLOTQ_PEEK ? BATCH_PEEKED : BATCH_DEAD;
    if (batch != NULL) {
        batch_clear(batch);
    }
    if (queue == NULL || batch == NULL) {
        return queue_refuse_null(queue);
    }
    if (!queue_group_fits(queue, group) || !queue_count_fits(queue, limit)) {
        return SLOTQ_INVALID;
    }
    if (!batch_room(batch, kind, queue->store, false, &limit)) {
        return queue_refuse(queue, SLOTQ_NOMEMORY, "no memory for a batch: ask for fewer messages");
    }
    slotq_core_begin(&call, verb, STORE_TIME);
    call.look =
        (slotq_call_look){.from = from, .items = batch->items, .capacity = limit, .group = group};
    const slotq_outcome outcome = queue_call_harvest(queue, &call, &batch->harvest);
    if (outcome == SLOTQ_OK) {
        batch_fill_items(batch, &call);
    }
    return outcome;
}

slotq_outcome slotq_peek(slotq *queue, uint8_t group, uint64_t from, uint32_t limit,
                         slotq_batch *batch)
{
    return look(queue, SLOTQ_PEEK, group, from, limit, batch);
}

slotq_outcome slotq_dead_list(slotq *queue, uint32_t skip, uint32_t limit, slotq_batch *batch)
{
    return look(queue, SLOTQ_DEAD_LIST, 0, skip, limit, batch);
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

slotq_outcome slotq_check(slotq *queue)
{
    slotq_damage damage;
    if (queue == NULL) {
        return SLOTQ_INVALID;
    }
    const slotq_outcome outcome = queue->store->ops->check(queue->store, &damage, &queue->fault);
    return outcome == SLOTQ_OK ? outcome : queue_answer(queue, outcome, NULL);
}
