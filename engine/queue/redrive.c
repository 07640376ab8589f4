/* redrive.c: pushes dead messages again, in as many calls as it takes. Knows that a script cannot
 * compute checks: there it lists the dead and judges them first. Must not know entries or slots.
 */
#include <stdlib.h>

#include "handle.h"

/* What judging needs; judged is NULL if the store judges for itself. And where new ids go. */
typedef struct judging {
    slotq_batch *batch;
    slotq_judged *judged;
    uint64_t *ids; /* NULL: the caller wants none */
} judging;

static bool judging_begin(const slotq *queue, uint32_t most, uint64_t *ids, judging *it)
{
    *it = (judging){.ids = ids};
    if (!queue->store->asks_judged || !(queue->geometry.flags & SLOTQ_FLAG_CHECKS)) {
        return true;
    }
    it->batch = slotq_batch_new();
    it->judged = calloc(most, sizeof *it->judged);
    return it->batch != NULL && it->judged != NULL;
}

static void judging_end(judging *it)
{
    slotq_batch_free(it->batch);
    free(it->judged);
}

/* Judge those with the id, or the oldest, at most as many as the call may look at, which are then
 * its limit. */
static slotq_outcome judge(slotq *queue, judging *it, slotq_call_dead *dead)
{
    const slotq_outcome outcome = dead->id != 0
                                      ? slotq_dead_find(queue, dead->group, dead->id, it->batch)
                                      : slotq_dead_list(queue, 0, dead->limit, it->batch);
    slotq_message message;
    dead->judged = it->judged;
    while (outcome == SLOTQ_OK && dead->judged_count < dead->limit &&
           slotq_batch_next(it->batch, &message)) {
        it->judged[dead->judged_count++] =
            (slotq_judged){.id = message.id, .group = message.group, .is_damaged = message.damaged};
    }
    return outcome == SLOTQ_EMPTY ? SLOTQ_OK : outcome;
}

/* One call, which looks at up to limit messages, or at those with the id of sum; what it did is
 * added to sum. *looked: messages looked at, also those that another process has taken since they
 * were judged. */
static slotq_outcome redrive_part(slotq *queue, judging *it, uint32_t limit, slotq_call_dead *sum,
                                  uint32_t *looked)
{
    slotq_call call;
    slotq_call_dead dead = {.limit = limit, .id = sum->id, .group = sum->group, .ids = it->ids};
    *looked = 0;
    if (it->judged != NULL) {
        const slotq_outcome judged = judge(queue, it, &dead);
        if (judged != SLOTQ_OK) {
            return judged;
        }
    }
    slotq_core_begin(&call, SLOTQ_REDRIVE, STORE_TIME);
    call.dead = dead;
    const slotq_outcome outcome = queue_call(queue, &call);
    for (uint32_t i = 0; i < call.dead.count && it->ids != NULL; i++) {
        if (call.dead.first_id != 0) { /* a sharded queue has set them */
            *it->ids = call.dead.first_id + i;
        }
        it->ids++;
    }
    sum->count += call.dead.count;
    sum->damaged += call.dead.damaged;
    *looked = it->judged != NULL ? dead.judged_count : call.dead.count + call.dead.damaged;
    return outcome;
}

/* wanted is at least 1. */
static slotq_outcome redrive(slotq *queue, uint32_t wanted, uint64_t *ids, slotq_call_dead *sum)
{
    judging it;
    slotq_outcome outcome;
    const uint32_t bound = queue->store->redrive_most;
    const uint32_t part = bound > 0 ? bound : SLOTQ_CALL_MESSAGES_MAX;
    const uint32_t most = wanted < part ? wanted : part;
    if (!judging_begin(queue, most, ids, &it)) {
        judging_end(&it);
        return queue_refuse(queue, SLOTQ_NOMEMORY,
                            "no memory to check %u dead messages: redrive fewer", most);
    }
    uint32_t looked;
    do {
        outcome = redrive_part(queue, &it, wanted < most ? wanted : most, sum, &looked);
        wanted -= looked;
    } while (outcome == SLOTQ_OK && looked > 0 && wanted > 0);
    judging_end(&it);
    if (outcome >= SLOTQ_FAILURES) {
        queue_say_done(queue, sum->count, "redriven");
    }
    return outcome;
}

slotq_outcome slotq_dead_redrive(slotq *queue, uint32_t limit, uint64_t *ids, uint32_t *count,
                                 uint32_t *damaged)
{
    slotq_stats stats = {0};
    slotq_call_dead sum = {0};
    slotq_outcome outcome = SLOTQ_INVALID;
    if (queue != NULL) {
        /* damaged ones go to the new end: no more than are there now, so that none is met twice */
        outcome = slotq_get_stats(queue, 0, &stats);
    }
    if (outcome == SLOTQ_OK) {
        /* asked even if none is dead: a refusal is the same for every queue */
        const uint32_t there = stats.dead > 0 ? stats.dead : 1;
        outcome = redrive(queue, limit == 0 || limit > there ? there : limit, ids, &sum);
    }
    if (count != NULL) {
        *count = sum.count;
    }
    if (damaged != NULL) {
        *damaged = sum.damaged;
    }
    return outcome;
}

slotq_outcome slotq_dead_redrive_id(slotq *queue, uint8_t group, uint64_t id, uint64_t *ids,
                                    uint32_t *count, uint32_t *damaged)
{
    judging it;
    uint32_t looked;
    slotq_call_dead sum = {.id = id > 0 ? id : SLOTQ_ID_MAX + 1, .group = group};
    slotq_outcome outcome = SLOTQ_INVALID;
    if (queue != NULL && (group == SLOTQ_ALL_GROUPS || queue_group_fits(queue, group))) {
        /* a message dies at most once in a group: one call is enough */
        outcome = judging_begin(queue, SLOTQ_GROUPS_MAX, ids, &it)
                      ? redrive_part(queue, &it, SLOTQ_GROUPS_MAX, &sum, &looked)
                      : queue_refuse(queue, SLOTQ_NOMEMORY, "no memory to check a dead message");
        judging_end(&it);
    }
    if (count != NULL) {
        *count = sum.count;
    }
    if (damaged != NULL) {
        *damaged = sum.damaged;
    }
    return outcome;
}
