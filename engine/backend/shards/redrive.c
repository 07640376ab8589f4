/* redrive.c: redrive of a sharded queue: each dead message is pushed again in its own shard. Knows
 * that a store which cannot compute checks wants its dead judged.
 */
#include <stdlib.h>

#include "ids.h"
#include "inside.h"

/* Room to judge the dead of one shard. */
typedef struct judging {
    slotq_item *items;
    slotq_judged *judged;
    store_harvest harvest;
} judging;

static void judging_end(judging *it)
{
    free(it->items);
    free(it->judged);
    free(it->harvest.copies);
    free(it->harvest.offsets);
}

static bool judging_begin(const slotq_view *view, uint32_t most, judging *it)
{
    const size_t each = (size_t)view->geometry.note_bytes + view->stride;
    it->items = calloc(most, sizeof *it->items);
    it->judged = calloc(most, sizeof *it->judged);
    it->harvest = (store_harvest){.copies = malloc(most * each),
                                  .offsets = calloc(most, sizeof *it->harvest.offsets),
                                  .wants_copies = true};
    return it->items != NULL && it->judged != NULL && it->harvest.copies != NULL &&
           it->harvest.offsets != NULL;
}

/* The dead that a call may look at, which are then its limit. */
static slotq_outcome judge(shards_store *self, uint32_t shard, judging *it, slotq_call *call,
                           store_fault *fault)
{
    const slotq_view *view = &self->shards[shard]->view;
    slotq_call_dead *dead = &call->dead;
    slotq_call list;
    slotq_core_begin(&list, SLOTQ_DEAD_LIST, call->now_ms);
    list.look = (slotq_call_look){
        .items = it->items, .capacity = dead->limit, .id = dead->id, .group = dead->group};
    const slotq_outcome outcome = shards_run(self, shard, &list, &it->harvest, fault);
    for (uint32_t i = 0; outcome == SLOTQ_OK && i < list.look.count; i++) {
        slotq_slot slot;
        const uint8_t *bytes = it->harvest.base + it->harvest.offsets[i];
        it->judged[i] =
            (slotq_judged){.id = it->items[i].id,
                           .group = it->items[i].group,
                           .is_damaged = !slotq_core_slot_read(&view->geometry, bytes, &slot)};
    }
    dead->judged = it->judged;
    dead->judged_count = outcome == SLOTQ_OK ? list.look.count : 0;
    return outcome == SLOTQ_EMPTY ? SLOTQ_OK : outcome;
}

static slotq_outcome run_judged(shards_store *self, uint32_t shard, slotq_call *call,
                                store_fault *fault)
{
    judging it = {0};
    const slotq_view *view = &self->shards[shard]->view;
    if (!judging_begin(view, call->dead.limit, &it)) {
        judging_end(&it);
        return fault_say(fault, SLOTQ_NOMEMORY, "no memory to check %u dead messages",
                         call->dead.limit);
    }
    slotq_outcome outcome = judge(self, shard, &it, call, fault);
    if (outcome == SLOTQ_OK) {
        outcome = shards_run(self, shard, call, NULL, fault);
    }
    judging_end(&it);
    return outcome;
}

/* One call of a shard: up to limit of its dead, or those with the id; what it did is added to the
 * whole. *looked: messages that it looked at. */
static slotq_outcome redrive_part(shards_store *self, uint32_t shard, slotq_call *whole,
                                  const slotq_call_dead *wanted, uint32_t *looked,
                                  store_fault *fault)
{
    const store *at = self->shards[shard];
    const bool judges = at->asks_judged && (at->view.geometry.flags & SLOTQ_FLAG_CHECKS) != 0;
    slotq_call call;
    slotq_core_begin(&call, SLOTQ_REDRIVE, whole->now_ms);
    call.dead = *wanted;
    const slotq_outcome outcome = judges ? run_judged(self, shard, &call, fault)
                                         : shards_run(self, shard, &call, NULL, fault);
    *looked = judges ? call.dead.judged_count : call.dead.count + call.dead.damaged;
    for (uint32_t i = 0; i < call.dead.count && whole->dead.ids != NULL; i++) {
        whole->dead.ids[whole->dead.count + i] = shards_id_of(shard, call.dead.first_id + i);
    }
    whole->dead.count += call.dead.count;
    whole->dead.damaged += call.dead.damaged;
    whole->damage = call.damage;
    return outcome;
}

static slotq_outcome count_dead(shards_store *self, uint32_t shard, uint64_t now_ms,
                                uint32_t *count, store_fault *fault)
{
    slotq_call call;
    slotq_core_begin(&call, SLOTQ_STATS, now_ms);
    call.stats = (slotq_call_stats){.group = 0};
    const slotq_outcome outcome = shards_run(self, shard, &call, NULL, fault);
    *count = outcome == SLOTQ_OK ? call.stats.stats.dead : 0;
    return outcome;
}

/* Up to *wanted of one shard, which goes down by those looked at. Damaged ones go to the new end:
 * no more than are there now, so that none is met twice. */
static slotq_outcome redrive_shard(shards_store *self, uint32_t shard, slotq_call *call,
                                   uint32_t *wanted, store_fault *fault)
{
    uint32_t left = 0;
    uint32_t looked = 1;
    slotq_outcome outcome = count_dead(self, shard, call->now_ms, &left, fault);
    const uint32_t bound = self->shards[shard]->redrive_most;
    const uint32_t most = bound > 0 ? bound : SLOTQ_CALL_MESSAGES_MAX;
    left = left > 0 ? left : 1; /* asked even if none is dead: a refusal is the same for all */
    while (outcome == SLOTQ_OK && looked > 0 && left > 0 && *wanted > 0) {
        uint32_t limit = left < *wanted ? left : *wanted;
        limit = limit < most ? limit : most;
        outcome =
            redrive_part(self, shard, call, &(slotq_call_dead){.limit = limit}, &looked, fault);
        left -= looked < left ? looked : left;
        *wanted -= looked < *wanted ? looked : *wanted;
    }
    return outcome;
}

/* Those with the id. */
static slotq_outcome redrive_id(shards_store *self, slotq_call *call, store_fault *fault)
{
    uint32_t shard = 0;
    uint32_t looked = 0;
    slotq_call_dead wanted = call->dead;
    if (!shards_id_split(call->dead.id, self->descriptor.count, &shard, &wanted.id)) {
        return shards_refuse_id(self, call->dead.id, fault);
    }
    if (shards_is_unused(self, shard)) {
        return SLOTQ_NOTFOUND;
    }
    if (self->shards[shard] == NULL || self->missing[shard]) {
        return shards_refuse_missing(self, shard, fault);
    }
    return redrive_part(self, shard, call, &wanted, &looked, fault);
}

slotq_outcome shards_redrive(shards_store *self, slotq_call *call, store_fault *fault)
{
    call->dead.count = 0;
    call->dead.damaged = 0;
    call->dead.first_id = 0;
    if (call->dead.id != 0) {
        return redrive_id(self, call, fault);
    }
    uint32_t wanted = call->dead.limit;
    slotq_outcome refused = SLOTQ_OK;
    for (uint32_t i = 0; i < self->descriptor.count && wanted > 0; i++) {
        if (self->shards[i] == NULL || self->missing[i]) {
            continue;
        }
        const slotq_outcome outcome = redrive_shard(self, i, call, &wanted, fault);
        if (store_call_failed(outcome) && outcome != SLOTQ_NOQUEUE) {
            return outcome;
        }
        /* a full shard keeps no other one from taking its own */
        refused = refused == SLOTQ_OK ? outcome : refused;
    }
    return refused;
}
