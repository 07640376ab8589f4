/* changes_create.c: creating and removing a sharded queue (SHARDS.md, rules 15 and 19). What
 * appears is announced in the descriptor first; the descriptor disappears last.
 */
#include <string.h>

#include "../../layout/assert.h"
#include "../alike.h"
#include "../system/identity.h"
#include "changing.h"

/* ---- create ---- */

typedef struct creation {
    uint32_t count;
    const slotq_geometry *geometry;
    uint32_t set; /* of the shards that were made here; 0: none yet */
} creation;

static slotq_outcome announce(changing *self, const creation *wanted)
{
    shards_descriptor *descriptor = &self->descriptor;
    const char *name = self->target->name;
    const bool has_keys = (wanted->geometry->flags & SLOTQ_FLAG_KEYS) != 0;
    memset(descriptor, 0, sizeof *descriptor);
    descriptor->set = identity_draw();
    descriptor->count = (uint16_t)wanted->count;
    descriptor->groups = wanted->geometry->groups;
    descriptor->flags = (uint8_t)(SHARDS_FLAG_MAKING | (has_keys ? SHARDS_FLAG_KEYED : 0));
    for (uint32_t i = 0; i < wanted->count; i++) {
        descriptor->entries[i].k = shards_find_k(name, strlen(name), i);
    }
    return changing_write(self); /* as revision 1 */
}

static bool agrees(const shards_descriptor *descriptor, const creation *wanted)
{
    const bool is_keyed = (descriptor->flags & SHARDS_FLAG_KEYED) != 0;
    const bool has_keys = (wanted->geometry->flags & SLOTQ_FLAG_KEYS) != 0;
    return descriptor->count == wanted->count && descriptor->groups == wanted->geometry->groups &&
           is_keyed == has_keys;
}

static slotq_outcome refuse_other(changing *self, const char *state)
{
    const shards_descriptor *there = &self->descriptor;
    return fault_say(self->fault, SLOTQ_EXISTS,
                     "%s is a sharded queue that %s (%u shards, groups %u, %s keys): use it, "
                     "choose another name, or remove it first. Nothing was changed",
                     self->target->name, state, there->count, there->groups,
                     (there->flags & SHARDS_FLAG_KEYED) != 0 ? "with" : "without");
}

static slotq_outcome make_shard(changing *self, uint32_t number, const creation *wanted)
{
    shards_place *place = self->target->place;
    shards_key key;
    changing_key(self, number, &key);
    slotq_geometry geometry = *wanted->geometry;
    geometry.set = self->descriptor.set;
    geometry.shard = (uint16_t)number;
    slotq_outcome outcome = place->ops->create(place, key.text, &geometry, self->fault);
    if (outcome == SLOTQ_EXISTS && changing_delete_leftover(self, &key, number) == SLOTQ_OK) {
        outcome = place->ops->create(place, key.text, &geometry, self->fault);
    }
    if (outcome == SLOTQ_OK) {
        return outcome;
    }
    changing_note_odd(self);
    return changing_tell(self,
                         "%s is made in part, because shard %u could not be made. Create it again, "
                         "or remove it",
                         self->target->name, number);
}

/* The queue is there. It is the wanted one if its first shard has the wanted sizes. */
static slotq_outcome compare_whole(changing *self, const creation *wanted)
{
    store *shard;
    if (!agrees(&self->descriptor, wanted) || self->descriptor.entries[0].state != SHARDS_OPEN) {
        return refuse_other(self, "exists");
    }
    const slotq_outcome outcome = changing_open(self, 0, &shard);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    slotq_geometry there = shard->view.geometry;
    shard->ops->close(shard);
    there.set = wanted->geometry->set;
    there.shard = wanted->geometry->shard;
    there.generation = wanted->geometry->generation;
    return geometries_are_alike(&there, wanted->geometry)
               ? SLOTQ_OK
               : fault_exists(self->fault, self->target->name, &there);
}

/* Another process has removed the queue: shards that were made after it passed them are left. */
static slotq_outcome take_back(changing *self, const creation *wanted)
{
    for (uint32_t i = 0; i < wanted->count; i++) {
        const slotq_outcome outcome = changing_take_back(self, wanted->set, i);
        if (outcome != SLOTQ_OK) {
            return outcome;
        }
    }
    return fault_say(self->fault, SLOTQ_NOQUEUE,
                     "another process has removed %s while it was made: create it again",
                     self->target->name);
}

/* What is there by now, if anything is. OK: the descriptor announces the wanted queue. */
static slotq_outcome find_announced(changing *self, const creation *wanted, bool *is_whole)
{
    slotq_outcome outcome = changing_read(self);
    *is_whole = false;
    if (outcome == SLOTQ_SHARDED) {
        return fault_say(self->fault, SLOTQ_EXISTS,
                         "%s exists, and is not a sharded queue: choose another name, or remove it "
                         "first. Nothing was changed",
                         self->target->name);
    }
    if (outcome != SLOTQ_OK && outcome != SLOTQ_NOQUEUE) {
        return outcome;
    }
    const bool is_there = outcome == SLOTQ_OK;
    const bool is_removed = is_there && (self->descriptor.flags & SHARDS_FLAG_REMOVING) != 0;
    if (wanted->set != 0 && (!is_there || is_removed || self->descriptor.set != wanted->set)) {
        return take_back(self, wanted);
    }
    if (!is_there) {
        return announce(self, wanted);
    }
    if (is_removed) {
        return refuse_other(self, "is being removed");
    }
    if ((self->descriptor.flags & SHARDS_FLAG_MAKING) == 0) {
        *is_whole = true;
        return compare_whole(self, wanted);
    }
    return agrees(&self->descriptor, wanted) ? SLOTQ_OK : refuse_other(self, "is being made");
}

static slotq_outcome create_once(changing *self, void *context)
{
    creation *wanted = context;
    bool is_whole;
    slotq_outcome outcome = find_announced(self, wanted, &is_whole);
    if (outcome != SLOTQ_OK || is_whole) {
        return outcome;
    }
    wanted->set = self->descriptor.set;
    for (uint32_t i = 0; i < wanted->count && outcome == SLOTQ_OK; i++) {
        outcome = make_shard(self, i, wanted);
    }
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    self->descriptor.flags &= (uint8_t)~SHARDS_FLAG_MAKING;
    return changing_write(self);
}

slotq_outcome shards_create(const shards_target *target, uint32_t count,
                            const slotq_geometry *geometry, store_fault *fault)
{
    const char *what = NULL;
    SLOTQ_ASSERT(shards_name_fault(target->name, strlen(target->name)) == NULL);
    if (count == 0 || count > SLOTQ_SHARDS_MAX) {
        return fault_say(fault, SLOTQ_INVALID,
                         "a sharded queue cannot have %u shards: it must be 1 to %d", count,
                         SLOTQ_SHARDS_MAX);
    }
    slotq_geometry each = *geometry;
    each.set = 1; /* as the shards will have it */
    each.shard = 0;
    if (slotq_core_image_bytes(&each, &what) == 0) {
        return fault_say(fault, SLOTQ_INVALID, "the sizes of the queue are invalid: %s", what);
    }
    creation wanted = {.count = count, .geometry = &each};
    return changing_run(target, create_once, &wanted, fault);
}

/* ---- remove ---- */

static slotq_outcome remove_shards(changing *self)
{
    shards_place *place = self->target->place;
    for (uint32_t i = 0; i < self->descriptor.count; i++) {
        shards_key key;
        changing_key(self, i, &key);
        const slotq_outcome outcome = place->ops->remove(place, key.text, self->descriptor.set,
                                                         (uint16_t)i, false, self->fault);
        if (outcome == SLOTQ_CORRUPT) {
            return changing_tell(self,
                                 "%s is removed in part, because shard %u is damaged, so it does "
                                 "not tell whose it is. Delete the value %.210s, and remove %s "
                                 "again",
                                 self->target->name, i, key.text, self->target->name);
        }
        if (outcome != SLOTQ_OK && outcome != SLOTQ_EXISTS) { /* EXISTS: a queue of another set */
            return changing_tell(self,
                                 "%s is removed in part, because shard %u could not be removed. "
                                 "Remove it again",
                                 self->target->name, i);
        }
    }
    return SLOTQ_OK;
}

/* set: of the queue that is removed, once it was seen. */
static slotq_outcome remove_once(changing *self, void *context)
{
    uint32_t *set = context;
    slotq_outcome outcome = changing_read(self);
    const bool is_another = outcome == SLOTQ_OK && self->descriptor.set != *set;
    if (*set != 0 && (outcome == SLOTQ_NOQUEUE || outcome == SLOTQ_SHARDED || is_another)) {
        return SLOTQ_OK; /* another process has ended it */
    }
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    if ((self->descriptor.flags & SHARDS_FLAG_REMOVING) == 0) {
        self->descriptor.flags |= SHARDS_FLAG_REMOVING;
        outcome = changing_write(self);
    }
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    *set = self->descriptor.set;
    outcome = remove_shards(self);
    return outcome == SLOTQ_OK ? changing_delete(self) : outcome;
}

slotq_outcome shards_remove(const shards_target *target, store_fault *fault)
{
    uint32_t set = 0;
    return changing_run(target, remove_once, &set, fault);
}
