/* changing.c: see changing.h.
 */
#include "changing.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../layout/assert.h"
#include "../../layout/descriptor.h"

enum { TRIES_MAX = 1000 }; /* each was lost to a change that another process made */

slotq_outcome changing_run(const shards_target *target, changing_try once, void *context,
                           store_fault *fault)
{
    changing *self = malloc(sizeof *self);
    if (self == NULL) {
        return fault_say(fault, SLOTQ_NOMEMORY, "no memory for a change: it needs %zu bytes",
                         sizeof *self);
    }
    self->target = target;
    self->fault = fault;
    slotq_outcome outcome = SLOTQ_LOCKED;
    uint32_t tries = 0;
    do {
        self->lost = false;
        outcome = once(self, context);
    } while (self->lost && ++tries < TRIES_MAX);
    if (self->lost) {
        outcome = fault_say(fault, SLOTQ_LOCKED,
                            "other processes have changed %s %d times meanwhile: try again",
                            target->name, TRIES_MAX);
    }
    free(self);
    return outcome;
}

slotq_outcome changing_tell(changing *self, const char *format, ...)
{
    char text[sizeof self->fault->text];
    va_list arguments;
    va_start(arguments, format);
    int wanted = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (wanted >= 0 && (size_t)wanted < sizeof text) {
        const size_t begun = (size_t)wanted;
        wanted += snprintf(text + begun, sizeof text - begun, ": %s", self->fault->text);
    }
    fault_end_at_word(text, sizeof text, wanted);
    memcpy(self->fault->text, text, sizeof text);
    return self->fault->outcome;
}

/* ---- the descriptor ---- */

static slotq_outcome judge_bytes(changing *self, uint64_t size)
{
    slotq_damage damage;
    const char *name = self->target->name;
    if (!bytes_begin_descriptor(self->bytes, size)) {
        return fault_say(self->fault, SLOTQ_SHARDED, "%s is not a sharded queue", name);
    }
    if (shards_descriptor_read(self->bytes, size, &self->descriptor, &damage) != SLOTQ_OK) {
        fault_say(self->fault, SLOTQ_CORRUPT,
                  "the descriptor of the sharded queue %s is damaged at byte %llu: %s. Nothing was "
                  "changed. Rebuild it from its shards (slotq shards repair)",
                  name, (unsigned long long)damage.offset, damage.what);
        self->fault->offset = damage.offset;
        return SLOTQ_CORRUPT;
    }
    return SLOTQ_OK;
}

slotq_outcome changing_read(changing *self)
{
    shards_place *place = self->target->place;
    uint64_t size = 0;
    self->size = 0;
    const slotq_outcome outcome = place->ops->read(place, self->target->name, self->bytes,
                                                   sizeof self->bytes, &size, self->fault);
    if (outcome == SLOTQ_NOQUEUE) {
        return fault_say(self->fault, outcome, "there is no queue %s here", self->target->name);
    }
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    if (size > sizeof self->bytes && bytes_begin_descriptor(self->bytes, sizeof self->bytes)) {
        return fault_say(self->fault, SLOTQ_VERSION,
                         "%s has %llu bytes, which is more than the descriptor of a sharded queue "
                         "can have. Move it away. Nothing was changed",
                         self->target->name, (unsigned long long)size);
    }
    self->size = (uint32_t)(size < sizeof self->bytes ? size : sizeof self->bytes);
    return judge_bytes(self, self->size);
}

slotq_outcome changing_read_whole(changing *self)
{
    const char *name = self->target->name;
    const slotq_outcome outcome = changing_read(self);
    if (outcome == SLOTQ_SHARDED) {
        return fault_say(self->fault, SLOTQ_UNSUPPORTED,
                         "%s is not a sharded queue, so it has no shards. Nothing was changed",
                         name);
    }
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    const uint8_t flags = self->descriptor.flags;
    if ((flags & (SHARDS_FLAG_MAKING | SHARDS_FLAG_REMOVING)) != 0) {
        const bool is_removed = (flags & SHARDS_FLAG_REMOVING) != 0;
        return fault_say(self->fault, SLOTQ_NOQUEUE,
                         "the sharded queue %s is being %s: if the process that did so has ended, "
                         "%s it again",
                         name, is_removed ? "removed" : "made", is_removed ? "remove" : "create");
    }
    return SLOTQ_OK;
}

slotq_outcome changing_refuse_keyed(changing *self, const char *what)
{
    if ((self->descriptor.flags & SHARDS_FLAG_KEYED) == 0) {
        return SLOTQ_OK;
    }
    return fault_say(self->fault, SLOTQ_UNSUPPORTED,
                     "%s has keys, so its number of shards is fixed: %s would break the order of "
                     "messages with the same key. Create a larger queue, and empty this one. "
                     "Nothing was changed",
                     self->target->name, what);
}

static slotq_outcome change(changing *self, const uint8_t *next, uint32_t next_size)
{
    shards_place *place = self->target->place;
    const shards_value old = {self->size > 0 ? self->bytes : NULL, self->size};
    const shards_value new = {next, next_size};
    const slotq_outcome outcome =
        place->ops->change(place, self->target->name, old, new, self->fault);
    self->lost = outcome == SLOTQ_AGAIN || outcome == SLOTQ_EXISTS;
    return outcome;
}

slotq_outcome changing_write(changing *self)
{
    if (self->descriptor.revision == UINT32_MAX) {
        return fault_say(self->fault, SLOTQ_UNSUPPORTED,
                         "%s was changed 4294967295 times, which is the limit: create another "
                         "queue, and empty this one",
                         self->target->name);
    }
    self->descriptor.revision++;
    const uint32_t size = shards_descriptor_write(&self->descriptor, self->next);
    const slotq_outcome outcome = change(self, self->next, size);
    if (outcome == SLOTQ_OK) {
        memcpy(self->bytes, self->next, size);
        self->size = size;
    }
    return outcome;
}

slotq_outcome changing_delete(changing *self)
{
    SLOTQ_ASSERT(self->size > 0);
    return change(self, NULL, 0);
}

slotq_outcome shards_look(const shards_target *target, shards_descriptor *descriptor,
                          store_fault *fault)
{
    changing *self = malloc(sizeof *self);
    if (self == NULL) {
        return fault_say(fault, SLOTQ_NOMEMORY,
                         "no memory to read a descriptor: it needs %zu "
                         "bytes",
                         sizeof *self);
    }
    self->target = target;
    self->fault = fault;
    const slotq_outcome outcome = changing_read(self);
    if (outcome == SLOTQ_OK) {
        *descriptor = self->descriptor;
    }
    free(self);
    return outcome;
}

/* ---- shards ---- */

void changing_key(const changing *self, uint32_t number, shards_key *key)
{
    const char *name = self->target->name;
    shards_key_make(key, name, strlen(name), number, self->descriptor.entries[number].k);
}

void changing_note_odd(changing *self)
{
    shards_place *place = self->target->place;
    store_fault ignored;
    uint8_t head[SHARDS_HEAD_BYTES];
    uint64_t size = 0;
    const slotq_outcome outcome =
        place->ops->read(place, self->target->name, head, sizeof head, &size, &ignored);
    self->lost = outcome == SLOTQ_NOQUEUE ||
                 (outcome == SLOTQ_OK && (size < sizeof head || self->size < sizeof head ||
                                          memcmp(head, self->bytes, sizeof head) != 0));
}

slotq_outcome changing_open(changing *self, uint32_t number, store **opened)
{
    shards_place *place = self->target->place;
    shards_key key;
    changing_key(self, number, &key);
    const slotq_outcome outcome = place->ops->open(place, key.text, opened, self->fault);
    if (outcome == SLOTQ_NOQUEUE) {
        changing_note_odd(self);
        return fault_say(self->fault, outcome, "shard %u has no queue: %s is missing", number,
                         key.text);
    }
    if (outcome != SLOTQ_OK) {
        return changing_tell(self, "shard %u cannot be opened", number);
    }
    const slotq_geometry *geometry = &(*opened)->view.geometry;
    if (geometry->set != self->descriptor.set || geometry->shard != number) {
        fault_say(self->fault, SLOTQ_CORRUPT,
                  "%s is shard %u of set %u, but the queue has set %u there: it is another queue. "
                  "Move it away",
                  key.text, geometry->shard, geometry->set, self->descriptor.set);
        (*opened)->ops->close(*opened);
        *opened = NULL;
        changing_note_odd(self);
        if (!self->lost && changing_delete_leftover(self, &key, number) == SLOTQ_OK) {
            return fault_say(self->fault, SLOTQ_NOQUEUE, "shard %u of %s is missing", number,
                             self->target->name);
        }
        return SLOTQ_CORRUPT;
    }
    (*opened)->owner = self->target->owner;
    (*opened)->handle = self->target->handle;
    return SLOTQ_OK;
}

slotq_outcome changing_call(changing *self, store *shard, slotq_call *call)
{
    const slotq_verb verb = call->verb;
    const slotq_outcome outcome = shard->ops->call(shard, call, NULL, self->fault);
    if (outcome == SLOTQ_REMADE) { /* resized, or made anew: look again */
        self->lost = true;
        return outcome;
    }
    if (outcome == SLOTQ_NOQUEUE) {
        changing_note_odd(self);
    }
    if (store_call_failed(outcome) && outcome != SLOTQ_INVALID) {
        self->fault->outcome = outcome;
        return changing_tell(self, "%s of shard %u", slotq_core_verb_name(verb),
                             shard->view.geometry.shard);
    }
    return outcome;
}

slotq_outcome changing_take_back(changing *self, uint32_t set, uint32_t number)
{
    shards_place *place = self->target->place;
    const char *name = self->target->name;
    shards_key key;
    shards_key_make(&key, name, strlen(name), number, shards_find_k(name, strlen(name), number));
    const slotq_outcome outcome =
        place->ops->remove(place, key.text, set, (uint16_t)number, false, self->fault);
    return outcome == SLOTQ_EXISTS ? SLOTQ_OK : outcome; /* another queue has the key by now */
}

slotq_outcome changing_delete_leftover(changing *self, const shards_key *key, uint32_t number)
{
    shards_place *place = self->target->place;
    const store_fault refusal = *self->fault;
    store *there;
    slotq_call call;
    if (place->ops->open(place, key->text, &there, self->fault) != SLOTQ_OK) {
        *self->fault = refusal;
        return SLOTQ_EXISTS;
    }
    const uint32_t set = there->view.geometry.set;
    there->owner = self->target->owner;
    there->handle = self->target->handle;
    slotq_core_begin(&call, SLOTQ_STATS, STORE_TIME);
    call.stats.group = 0;
    bool is_leftover = set != 0 && set != self->descriptor.set &&
                       there->view.geometry.shard == number &&
                       changing_call(self, there, &call) == SLOTQ_OK &&
                       call.stats.stats.last_id == 0 && call.stats.stats.later == 0;
    if (is_leftover) {
        slotq_core_begin(&call, SLOTQ_PAUSE, STORE_TIME);
        call.pause = (slotq_call_pause){.what = SLOTQ_PAUSE_CLOSED};
        is_leftover = changing_call(self, there, &call) == SLOTQ_OK;
    }
    there->ops->close(there);
    if (is_leftover && place->ops->remove(place, key->text, set, (uint16_t)number, true,
                                          self->fault) == SLOTQ_OK) {
        return SLOTQ_OK;
    }
    *self->fault = refusal;
    return SLOTQ_EXISTS;
}
