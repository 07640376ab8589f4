/* changes_drain.c: a shard of a sharded queue is emptied and deleted, or taken back (SHARDS.md,
 * rules 17 and 18). Producers leave it first; it is deleted when no message can be in it.
 */
#include "changing.h"

static uint64_t now_ms_of(const changing *self)
{
    return self->target->owner->exact_ms(self->target->handle);
}

/* Pause or resume with the bit closed. */
static slotq_outcome set_closed(changing *self, store *shard, bool is_closed)
{
    slotq_call call;
    slotq_core_begin(&call, is_closed ? SLOTQ_PAUSE : SLOTQ_RESUME, STORE_TIME);
    call.pause = (slotq_call_pause){.what = SLOTQ_PAUSE_CLOSED};
    return changing_call(self, shard, &call);
}

/* What both begin with: a queue whose shards may go, and an entry that was made. */
static slotq_outcome read_for(changing *self, uint32_t number)
{
    slotq_outcome outcome = changing_read_whole(self);
    outcome = outcome == SLOTQ_OK ? changing_refuse_keyed(self, "one less") : outcome;
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    if (number >= self->descriptor.count) {
        return fault_say(self->fault, SLOTQ_INVALID,
                         "%s has no shard %u: its shards are 0 to %u. Nothing was changed",
                         self->target->name, number, self->descriptor.count - 1u);
    }
    if (self->descriptor.entries[number].state == SHARDS_MAKING) {
        return fault_say(self->fault, SLOTQ_INVALID,
                         "shard %u of %s is being made: end that first (slotq shards add). Nothing "
                         "was changed",
                         number, self->target->name);
    }
    return SLOTQ_OK;
}

/* ---- drain ---- */

/* Producers have another shard, now. */
static slotq_outcome judge_others(changing *self, uint32_t number)
{
    const shards_descriptor *descriptor = &self->descriptor;
    const uint64_t now_ms = now_ms_of(self);
    uint64_t from_ms = UINT64_MAX;
    for (uint32_t i = 0; i < descriptor->count; i++) {
        const shards_entry *entry = &descriptor->entries[i];
        if (i != number && entry->state == SHARDS_OPEN && entry->from_ms < from_ms) {
            from_ms = entry->from_ms;
        }
    }
    if (from_ms <= now_ms) {
        return SLOTQ_OK;
    }
    return from_ms == UINT64_MAX
               ? fault_say(self->fault, SLOTQ_INVALID,
                           "shard %u is the last open shard of %s: add another one first. Nothing "
                           "was changed",
                           number, self->target->name)
               : fault_say(self->fault, SLOTQ_INVALID,
                           "shard %u is the last one that producers of %s use; the next will be "
                           "used in %llu ms: try again then. Nothing was changed",
                           number, self->target->name, (unsigned long long)(from_ms - now_ms));
}

static slotq_outcome set_state(changing *self, uint32_t number, shards_state state, uint64_t x)
{
    self->descriptor.entries[number] =
        (shards_entry){.state = state, .k = self->descriptor.entries[number].k, .x = x};
    return changing_write(self);
}

/* Close it, and ask whether it has come to its end. AGAIN: not yet. A shard that is missing, as a
 * failover may leave it, has no message any more. */
static slotq_outcome close_and_ask(changing *self, uint32_t number, uint64_t *last_id)
{
    store *shard;
    slotq_call call;
    slotq_outcome outcome = changing_open(self, number, &shard);
    if (outcome != SLOTQ_OK) {
        *last_id = SLOTQ_ID_MAX;
        return outcome == SLOTQ_NOQUEUE && !self->lost ? SLOTQ_OK : outcome;
    }
    outcome = set_closed(self, shard, true);
    if (outcome == SLOTQ_OK) {
        slotq_core_begin(&call, SLOTQ_FINISH, STORE_TIME);
        outcome = changing_call(self, shard, &call);
        *last_id = outcome == SLOTQ_OK ? call.finish.last_id : 0;
    }
    shard->ops->close(shard);
    return outcome == SLOTQ_UNFINISHED
               ? fault_say(self->fault, SLOTQ_AGAIN,
                           "shard %u of %s is closed to pushes, and still has messages: call again "
                           "when they are finished",
                           number, self->target->name)
               : outcome;
}

/* The entry says that it is gone. A message that came although (an undrain at the same time, or a
 * failover, opened it again) is not lost: the shard is drained once more. */
static slotq_outcome delete_shard(changing *self, uint32_t number)
{
    shards_place *place = self->target->place;
    shards_key key;
    changing_key(self, number, &key);
    slotq_outcome outcome = place->ops->remove(place, key.text, self->descriptor.set,
                                               (uint16_t)number, true, self->fault);
    if (outcome == SLOTQ_EXISTS) {
        outcome =
            changing_delete_leftover(self, &key, number) == SLOTQ_OK ? SLOTQ_OK : SLOTQ_CORRUPT;
        self->fault->outcome = outcome;
    }
    if (outcome == SLOTQ_LOCKED) {
        return fault_say(self->fault, SLOTQ_AGAIN,
                         "shard %u of %s is gone, but a process has opened its file "
                         "exclusively: call again when it has closed it",
                         number, self->target->name);
    }
    if (outcome != SLOTQ_AGAIN) {
        return outcome;
    }
    const slotq_outcome again = set_state(self, number, SHARDS_DRAINING, 0);
    return again != SLOTQ_OK ? again
                             : fault_say(self->fault, SLOTQ_AGAIN,
                                         "shard %u of %s has messages again, and is drained once "
                                         "more: call again when they are finished",
                                         number, self->target->name);
}

static slotq_outcome drain_once(changing *self, void *context)
{
    const uint32_t number = *(const uint32_t *)context;
    slotq_outcome outcome = read_for(self, number);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    const shards_entry *entry = &self->descriptor.entries[number];
    if (entry->state == SHARDS_OPEN) {
        outcome = judge_others(self, number);
        outcome = outcome == SLOTQ_OK ? set_state(self, number, SHARDS_DRAINING, 0) : outcome;
    }
    if (outcome == SLOTQ_OK && entry->state == SHARDS_DRAINING) {
        uint64_t last_id = 0;
        outcome = close_and_ask(self, number, &last_id);
        outcome = outcome == SLOTQ_OK ? set_state(self, number, SHARDS_GONE, last_id) : outcome;
    }
    return outcome == SLOTQ_OK ? delete_shard(self, number) : outcome;
}

slotq_outcome shards_drain(const shards_target *target, uint32_t number, store_fault *fault)
{
    return changing_run(target, drain_once, &number, fault);
}

/* ---- undrain ---- */

static slotq_outcome undrain_once(changing *self, void *context)
{
    const uint32_t number = *(const uint32_t *)context;
    store *shard;
    slotq_outcome outcome = read_for(self, number);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    const shards_entry *entry = &self->descriptor.entries[number];
    if (entry->state == SHARDS_GONE) {
        return fault_say(self->fault, SLOTQ_GONE,
                         "shard %u of %s is gone: add another one. Nothing was changed", number,
                         self->target->name);
    }
    if (entry->state == SHARDS_DRAINING) {
        outcome = set_state(self, number, SHARDS_OPEN, now_ms_of(self));
    }
    outcome = outcome == SLOTQ_OK ? changing_open(self, number, &shard) : outcome;
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    outcome = set_closed(self, shard, false);
    shard->ops->close(shard);
    return outcome;
}

slotq_outcome shards_undrain(const shards_target *target, uint32_t number, store_fault *fault)
{
    return changing_run(target, undrain_once, &number, fault);
}
