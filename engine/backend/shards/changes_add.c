/* changes_add.c: a sharded queue gets one more shard (SHARDS.md, rule 16). Consumers look at it as
 * soon as they know it; producers use it when all consumers do.
 */
#include <string.h>

#include "../../layout/assert.h"
#include "../system/identity.h"
#include "changing.h"

typedef struct addition {
    uint32_t set;    /* of the queue, once it was seen; 0: not yet */
    uint32_t number; /* of the shard that is made; SLOTQ_SHARDS_MAX: not chosen yet */
} addition;

static slotq_outcome announce(changing *self, addition *wanted)
{
    shards_descriptor *descriptor = &self->descriptor;
    const char *name = self->target->name;
    const uint32_t number = descriptor->count;
    if (number == SLOTQ_SHARDS_MAX) {
        return fault_say(self->fault, SLOTQ_TOOBIG,
                         "%s has had %u shards, which is the limit: resize them, or create another "
                         "queue. Nothing was changed",
                         name, number);
    }
    descriptor->entries[number] = (shards_entry){
        .state = SHARDS_MAKING, .k = shards_find_k(name, strlen(name), number), .x = 0};
    descriptor->count++;
    const slotq_outcome outcome = changing_write(self);
    if (outcome == SLOTQ_OK) {
        wanted->number = number;
    }
    return outcome;
}

/* A number that an earlier call did not end, or the next one. */
static slotq_outcome choose(changing *self, addition *wanted)
{
    const shards_descriptor *descriptor = &self->descriptor;
    for (uint32_t i = 0; i < descriptor->count; i++) {
        if (descriptor->entries[i].state == SHARDS_MAKING) {
            wanted->number = i;
            return SLOTQ_OK;
        }
    }
    return announce(self, wanted);
}

/* The lowest open shard. A sound descriptor has one. */
static uint32_t first_open(const shards_descriptor *descriptor)
{
    uint32_t i = 0;
    while (i < descriptor->count && descriptor->entries[i].state != SHARDS_OPEN) {
        i++;
    }
    SLOTQ_ASSERT(i < descriptor->count);
    return i;
}

/* The sizes of a shard, and how it is paused. */
static slotq_outcome read_model(changing *self, slotq_geometry *geometry, uint8_t *paused)
{
    store *model;
    slotq_call call;
    slotq_outcome outcome = changing_open(self, first_open(&self->descriptor), &model);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    slotq_core_begin(&call, SLOTQ_STATS, STORE_TIME);
    call.stats = (slotq_call_stats){.group = 0};
    outcome = changing_call(self, model, &call);
    *geometry = model->view.geometry;
    *paused = outcome == SLOTQ_OK ? call.stats.stats.paused : 0;
    model->ops->close(model);
    return outcome;
}

/* The new shard is paused as the others are before anyone uses it. */
static slotq_outcome fit_shard(changing *self, uint32_t number, uint8_t paused, uint64_t *from_ms)
{
    store *made;
    slotq_call call;
    const store_owner *owner = self->target->owner;
    slotq_outcome outcome = changing_open(self, number, &made);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    const int64_t now_ms = (int64_t)owner->exact_ms(self->target->handle) + made->ahead_ms;
    *from_ms = (uint64_t)(now_ms < 0 ? 0 : now_ms) + SHARDS_KNOWN_MS;
    if (paused != 0) {
        slotq_core_begin(&call, SLOTQ_PAUSE, STORE_TIME);
        call.pause = (slotq_call_pause){.what = paused};
        outcome = changing_call(self, made, &call);
    }
    made->ops->close(made);
    return outcome;
}

/* EXISTS: it may be there already, and have other sizes by now. */
static slotq_outcome make_shard(changing *self, uint32_t number, uint64_t *from_ms)
{
    shards_place *place = self->target->place;
    slotq_geometry geometry;
    shards_key key;
    uint8_t paused;
    slotq_outcome outcome = read_model(self, &geometry, &paused);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    geometry.shard = (uint16_t)number;
    geometry.generation = identity_draw();
    changing_key(self, number, &key);
    outcome = place->ops->create(place, key.text, &geometry, self->fault);
    if (outcome == SLOTQ_EXISTS && changing_delete_leftover(self, &key, number) == SLOTQ_OK) {
        outcome = place->ops->create(place, key.text, &geometry, self->fault);
    }
    if (outcome != SLOTQ_OK && outcome != SLOTQ_EXISTS) {
        return changing_tell(self, "shard %u could not be made", number);
    }
    return fit_shard(self, number, paused, from_ms);
}

static slotq_outcome refuse_removed(changing *self, const addition *wanted)
{
    const slotq_outcome outcome = changing_take_back(self, wanted->set, wanted->number);
    return outcome != SLOTQ_OK
               ? outcome
               : fault_say(self->fault, SLOTQ_NOQUEUE, "another process has removed %s meanwhile",
                           self->target->name);
}

static slotq_outcome add_once(changing *self, void *context)
{
    addition *wanted = context;
    slotq_outcome outcome = changing_read_whole(self);
    const bool is_gone = outcome == SLOTQ_NOQUEUE || outcome == SLOTQ_UNSUPPORTED ||
                         (outcome == SLOTQ_OK && self->descriptor.set != wanted->set);
    if (wanted->set != 0 && wanted->number < SLOTQ_SHARDS_MAX && is_gone) {
        return refuse_removed(self, wanted);
    }
    outcome = outcome == SLOTQ_OK ? changing_refuse_keyed(self, "another one") : outcome;
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    wanted->set = self->descriptor.set;
    if (wanted->number == SLOTQ_SHARDS_MAX || wanted->number >= self->descriptor.count) {
        outcome = choose(self, wanted);
    }
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    shards_entry *entry = &self->descriptor.entries[wanted->number];
    if (entry->state != SHARDS_MAKING) {
        return SLOTQ_OK; /* another process, which ended the same shard, was faster */
    }
    uint64_t from_ms = 0;
    outcome = make_shard(self, wanted->number, &from_ms);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    entry->state = SHARDS_OPEN;
    entry->from_ms = from_ms < SLOTQ_NOW_MS_MAX ? from_ms : SLOTQ_NOW_MS_MAX;
    return changing_write(self);
}

slotq_outcome shards_add(const shards_target *target, uint32_t *number, store_fault *fault)
{
    addition wanted = {.set = 0, .number = SLOTQ_SHARDS_MAX};
    const slotq_outcome outcome = changing_run(target, add_once, &wanted, fault);
    if (outcome == SLOTQ_OK) {
        *number = wanted.number;
    }
    return outcome;
}
