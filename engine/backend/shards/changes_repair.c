/* changes_repair.c: a descriptor that is damaged, lost, or older than its shards is written anew
 * from them (SHARDS.md, rules 7 and 24). Changes only what shards prove.
 */
#include <stdlib.h>
#include <string.h>

#include "../../layout/bytes.h"
#include "changing.h"

/* More changes than a failover or a loss can have undone, so that no handle has seen a higher
 * revision. */
enum { REVISIONS_LOST_MAX = 1 << 20, REVISION_AT = 12 };

/* A shard that was found. */
typedef struct proof {
    bool is_there;
    uint8_t groups;
    bool has_keys;
    bool is_closed;
    bool is_finished; /* closed, and without messages */
    uint32_t k;
    uint32_t set;
} proof;

typedef struct search {
    changing *self;
    const char *name;
    size_t name_bytes;
    uint32_t set;       /* 0: not known yet */
    uint32_t other_set; /* another one that was found although none was known; 0: none */
    slotq_outcome failed;
    uint32_t count; /* the highest number that was found, and 1 */
    proof proofs[SLOTQ_SHARDS_MAX];
} search;

typedef struct repair {
    uint32_t *found;
    search *seen;
} repair;

/* ---- shards ---- */

static slotq_outcome read_proof(search *to, store *shard, proof *read)
{
    slotq_call call;
    const slotq_geometry *geometry = &shard->view.geometry;
    read->is_there = true;
    read->set = geometry->set;
    read->groups = geometry->groups;
    read->has_keys = (geometry->flags & SLOTQ_FLAG_KEYS) != 0;
    slotq_core_begin(&call, SLOTQ_STATS, STORE_TIME);
    call.stats = (slotq_call_stats){.group = 0};
    slotq_outcome outcome = changing_call(to->self, shard, &call);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    read->is_closed = (call.stats.stats.paused & SLOTQ_PAUSE_CLOSED) != 0;
    slotq_core_begin(&call, SLOTQ_FINISH, STORE_TIME);
    outcome = changing_call(to->self, shard, &call);
    read->is_finished = outcome == SLOTQ_OK;
    return outcome == SLOTQ_UNFINISHED ? SLOTQ_OK : outcome;
}

/* A value that cannot be read proves nothing. */
static bool proves_nothing(slotq_outcome outcome)
{
    return outcome == SLOTQ_CORRUPT || outcome == SLOTQ_VERSION || outcome == SLOTQ_SHARDED ||
           outcome == SLOTQ_NOQUEUE;
}

static slotq_outcome look_at(search *to, const char *key, uint32_t number, uint32_t k)
{
    shards_place *place = to->self->target->place;
    store *shard;
    slotq_outcome outcome = place->ops->open(place, key, &shard, to->self->fault);
    if (outcome != SLOTQ_OK) {
        return proves_nothing(outcome) ? SLOTQ_OK : outcome;
    }
    shard->owner = to->self->target->owner;
    shard->handle = to->self->target->handle;
    const slotq_geometry *geometry = &shard->view.geometry;
    const bool is_ours = geometry->set != 0 && geometry->shard == number;
    if (is_ours && (to->set == 0 || to->set == geometry->set)) {
        proof read = {.k = k};
        outcome = read_proof(to, shard, &read);
        to->set = read.set;
        to->proofs[number] = read;
        to->count = to->count > number ? to->count : number + 1;
    } else if (is_ours) {
        to->other_set = geometry->set;
    }
    shard->ops->close(shard);
    return proves_nothing(outcome) ? SLOTQ_OK : outcome;
}

static bool visit(void *context, const char *key)
{
    search *to = context;
    uint32_t number;
    uint32_t k;
    if (shards_key_read(key, strlen(key), to->name, to->name_bytes, &number, &k) &&
        k == shards_find_k(to->name, to->name_bytes, number)) {
        to->failed = look_at(to, key, number, k);
    }
    return to->failed == SLOTQ_OK;
}

/* set: 0 if the descriptor does not say it. */
static slotq_outcome find_shards(changing *self, search *to, uint32_t set)
{
    shards_place *place = self->target->place;
    memset(to, 0, sizeof *to);
    to->self = self;
    to->name = self->target->name;
    to->name_bytes = strlen(to->name);
    to->set = set;
    to->failed = SLOTQ_OK;
    const slotq_outcome outcome = place->ops->list(place, visit, to, self->fault);
    if (outcome != SLOTQ_OK || to->failed != SLOTQ_OK) {
        return outcome != SLOTQ_OK ? outcome : to->failed;
    }
    if (set == 0 && to->other_set != 0) {
        return fault_say(self->fault, SLOTQ_INVALID,
                         "the descriptor of %s is lost, and there are shards of several queues of "
                         "that name (sets %u and %u): move those away that are not wanted. "
                         "Nothing was changed",
                         to->name, to->set, to->other_set);
    }
    return SLOTQ_OK;
}

/* ---- entries ---- */

/* What a shard proves that has no entry yet, or one that cannot be right. */
static shards_entry entry_of(const changing *self, const proof *shard)
{
    const shards_target *target = self->target;
    if (shard->is_closed && !shard->has_keys) {
        return (shards_entry){.state = SHARDS_DRAINING, .k = shard->k, .x = 0};
    }
    /* consumers have to learn of it, unless all is new to all */
    const bool is_new = self->descriptor.count > 0 && !shard->has_keys;
    const uint64_t from_ms = is_new ? target->owner->exact_ms(target->handle) + SHARDS_KNOWN_MS : 0;
    return (shards_entry){.state = SHARDS_OPEN,
                          .k = shard->k,
                          .from_ms = from_ms < SLOTQ_NOW_MS_MAX ? from_ms : SLOTQ_NOW_MS_MAX};
}

/* A number without a shard was drained, if it is not known better: with keys none can be. */
static shards_entry entry_without(const changing *self, uint32_t number)
{
    const char *name = self->target->name;
    const bool is_keyed = (self->descriptor.flags & SHARDS_FLAG_KEYED) != 0;
    return (shards_entry){.state = is_keyed ? SHARDS_OPEN : SHARDS_GONE,
                          .k = shards_find_k(name, strlen(name), number),
                          .x = is_keyed ? 0 : SLOTQ_ID_MAX};
}

/* Entries that shards prove. Returns how many are other than before. */
static uint32_t write_entries(changing *self, const search *seen)
{
    shards_descriptor *descriptor = &self->descriptor;
    uint32_t found = 0;
    for (uint32_t i = 0; i < descriptor->count; i++) {
        /* no message of a shard that is gone may wait there: it is drained once more */
        if (descriptor->entries[i].state == SHARDS_GONE && seen->proofs[i].is_there &&
            !seen->proofs[i].is_finished) {
            descriptor->entries[i].state = SHARDS_DRAINING;
            descriptor->entries[i].x = 0;
            found++;
        }
    }
    for (uint32_t i = descriptor->count; i < seen->count; i++) {
        descriptor->entries[i] =
            seen->proofs[i].is_there ? entry_of(self, &seen->proofs[i]) : entry_without(self, i);
        found++;
    }
    descriptor->count =
        (uint16_t)(descriptor->count > seen->count ? descriptor->count : seen->count);
    return found;
}

/* Without an open shard there is no queue: then the first that is there is opened. Its operator
 * may drain it again when another one is open. */
static void open_any(changing *self, const search *seen)
{
    shards_descriptor *descriptor = &self->descriptor;
    for (uint32_t i = 0; i < descriptor->count; i++) {
        if (descriptor->entries[i].state == SHARDS_OPEN) {
            return;
        }
    }
    for (uint32_t i = 0; i < descriptor->count; i++) {
        if (seen->proofs[i].is_there) {
            descriptor->entries[i].state = SHARDS_OPEN;
            descriptor->entries[i].x = 0;
            return;
        }
    }
}

/* ---- the descriptor ---- */

/* The revision in bytes that are damaged, unless it is itself too high to be true. */
static uint32_t revision_in(const changing *self)
{
    const uint32_t revision =
        self->size >= SHARDS_HEAD_BYTES ? load_u32(self->bytes + REVISION_AT) : 0;
    return revision <= INT32_MAX ? revision : 0;
}

/* A new descriptor, from shards alone. */
static slotq_outcome begin_anew(changing *self, const search *seen)
{
    uint32_t first = 0;
    if (seen->count == 0) {
        return fault_say(self->fault, SLOTQ_NOQUEUE,
                         "there is no shard of %s here, of which %s could be rebuilt",
                         self->target->name,
                         self->size > 0 ? "its descriptor, which is damaged," : "a descriptor");
    }
    while (!seen->proofs[first].is_there) {
        first++;
    }
    const uint32_t revision = revision_in(self);
    memset(&self->descriptor, 0, sizeof self->descriptor);
    self->descriptor.revision = revision;
    self->descriptor.set = seen->set;
    self->descriptor.groups = seen->proofs[first].groups;
    self->descriptor.flags = seen->proofs[first].has_keys ? SHARDS_FLAG_KEYED : 0;
    return SLOTQ_OK;
}

static slotq_outcome repair_once(changing *self, void *context)
{
    const repair *to = context;
    slotq_outcome outcome = changing_read(self);
    const bool is_lost = outcome == SLOTQ_NOQUEUE || outcome == SLOTQ_CORRUPT;
    if (outcome == SLOTQ_SHARDED) {
        return fault_say(self->fault, SLOTQ_UNSUPPORTED,
                         "%s is not a sharded queue. Nothing was changed", self->target->name);
    }
    if (outcome != SLOTQ_OK && !is_lost) {
        return outcome;
    }
    const uint8_t unfinished = SHARDS_FLAG_MAKING | SHARDS_FLAG_REMOVING;
    if (!is_lost && (self->descriptor.flags & unfinished) != 0) {
        return changing_read_whole(self); /* which says what to do */
    }
    outcome = find_shards(self, to->seen, is_lost ? 0 : self->descriptor.set);
    if (outcome == SLOTQ_OK && is_lost) {
        outcome = begin_anew(self, to->seen);
    }
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    *to->found = write_entries(self, to->seen);
    open_any(self, to->seen);
    if (self->descriptor.revision > UINT32_MAX - REVISIONS_LOST_MAX - 1) {
        return fault_say(self->fault, SLOTQ_UNSUPPORTED,
                         "%s has revision %u, and no room for another repair: create another "
                         "queue, and empty this one",
                         self->target->name, self->descriptor.revision);
    }
    self->descriptor.revision += REVISIONS_LOST_MAX;
    return changing_write(self);
}

slotq_outcome shards_repair(const shards_target *target, uint32_t *found, store_fault *fault)
{
    uint32_t changed = 0;
    search *seen = malloc(sizeof *seen);
    if (seen == NULL) {
        return fault_say(fault, SLOTQ_NOMEMORY, "no memory for a repair: it needs %zu bytes",
                         sizeof *seen);
    }
    repair to = {.found = &changed, .seen = seen};
    const slotq_outcome outcome = changing_run(target, repair_once, &to, fault);
    free(seen);
    if (outcome == SLOTQ_OK) {
        *found = changed;
    }
    return outcome;
}
