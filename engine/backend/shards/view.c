/* view.c: the descriptor as a handle has it: read when the queue is opened, and again from time to
 * time, in the midst of a call (SHARDS.md, "The view of a handle"). Knows what a change of it means
 * for the stores; no verb.
 */
#include <stdlib.h>
#include <string.h>

#include "../system/identity.h"
#include "../system/monotonic.h"
#include "inside.h"

enum {
    LOOK_LEAST_MS = 4000, /* rule 22: 5 s, 20 % more or less */
    LOOK_MORE_MS = 2000,
    DOUBT_MS = 1000 /* a look that found nothing is not repeated sooner, whatever shards answer */
};

/* ---- reading ---- */

static slotq_outcome tell_damage(store_fault *fault, const char *name, const slotq_damage *damage)
{
    fault_say(fault, SLOTQ_CORRUPT,
              "the descriptor of the sharded queue %.190s is damaged at byte %llu: %s. Nothing "
              "happened. slotq shards repair finds its shards",
              name, (unsigned long long)damage->offset, damage->what);
    fault->offset = damage->offset;
    return SLOTQ_CORRUPT;
}

static slotq_outcome tell_shut(store_fault *fault, const char *name, uint8_t flags)
{
    const bool making = (flags & SHARDS_FLAG_MAKING) != 0;
    return fault_say(fault, SLOTQ_NOQUEUE,
                     "the sharded queue %.190s is being %s: repeat that command, which ends it",
                     name, making ? "made" : "removed");
}

/* The whole of it, sound. OK, NOQUEUE (none), CORRUPT, or why it cannot be read. */
static slotq_outcome read_whole(shards_place *place, const char *name, shards_descriptor *read,
                                uint8_t head[SHARDS_HEAD_BYTES], store_fault *fault)
{
    uint8_t bytes[SHARDS_DESCRIPTOR_BYTES_MAX + 1];
    uint64_t size = 0;
    slotq_damage damage;
    const slotq_outcome outcome = place->ops->read(place, name, bytes, sizeof bytes, &size, fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    if (shards_descriptor_read(bytes, size, read, &damage) != SLOTQ_OK) {
        return tell_damage(fault, name, &damage);
    }
    memcpy(head, bytes, SHARDS_HEAD_BYTES);
    return SLOTQ_OK;
}

slotq_outcome shards_view_read(shards_place *place, const char *name, shards_descriptor *read,
                               uint8_t head[SHARDS_HEAD_BYTES], store_fault *fault)
{
    const slotq_outcome outcome = read_whole(place, name, read, head, fault);
    if (outcome == SLOTQ_OK && (read->flags & (SHARDS_FLAG_MAKING | SHARDS_FLAG_REMOVING)) != 0) {
        return tell_shut(fault, name, read->flags);
    }
    return outcome;
}

slotq_outcome shards_view_open_one(shards_place *place, const char *name,
                                   const shards_descriptor *descriptor, uint32_t shard,
                                   store **opened, store_fault *fault)
{
    const shards_entry *entry = &descriptor->entries[shard];
    shards_key key;
    *opened = NULL;
    if (entry->state == SHARDS_GONE || entry->state == SHARDS_MAKING) {
        return SLOTQ_OK;
    }
    shards_key_make(&key, name, strlen(name), shard, entry->k);
    return place->ops->open(place, key.text, opened, fault);
}

/* ---- answers that speak for another view ---- */

slotq_outcome shards_refuse_missing(const shards_store *self, uint32_t shard, store_fault *fault)
{
    return fault_say(fault, SLOTQ_NOQUEUE,
                     "shard %u of the sharded queue %.190s is missing. Nothing happened in it. "
                     "slotq doctor says more",
                     shard, self->source.name);
}

/* The shard has other sizes, or is another queue. */
static slotq_outcome note_remade(shards_store *self, uint32_t shard, uint32_t generation,
                                 store_fault *fault)
{
    const slotq_geometry *geometry = &self->shards[shard]->view.geometry;
    if (geometry->set != self->descriptor.set || geometry->shard != shard) {
        self->missing[shard] = true;
        self->source.is_doubted = true;
        self->source.doubt_ms = 0; /* once, as the shard is passed over from now on */
        self->source.fault = *fault;
        return fault_say(fault, SLOTQ_CORRUPT,
                         "shard %u is now shard %u of set %u, but the queue has set %u: it is "
                         "another queue. Nothing happened",
                         shard, geometry->shard, geometry->set, self->descriptor.set);
    }
    shards_take_sizes(self);
    self->base.adoptions += geometry->generation == generation; /* resized: try again */
    return SLOTQ_REMADE;
}

slotq_outcome shards_note(shards_store *self, uint32_t shard, uint32_t generation,
                          slotq_outcome outcome, store_fault *fault)
{
    if (outcome == SLOTQ_REMADE) {
        return note_remade(self, shard, generation, fault);
    }
    self->source.is_doubted = true;
    if (outcome == SLOTQ_NOQUEUE && self->source.place != NULL) {
        self->missing[shard] = true;
        outcome = shards_refuse_missing(self, shard, fault);
        self->source.fault = *fault;
    }
    return outcome;
}

/* ---- another view ---- */

/* Whether the next view can have come from the present one by changes (rule 9). */
static bool follows(const shards_descriptor *next, const shards_descriptor *now)
{
    bool does = next->revision > now->revision && next->count >= now->count &&
                next->groups == now->groups &&
                ((next->flags ^ now->flags) & SHARDS_FLAG_KEYED) == 0;
    for (uint32_t i = 0; i < now->count && does; i++) {
        const shards_state state = next->entries[i].state;
        does = next->entries[i].k == now->entries[i].k &&
               (now->entries[i].state != SHARDS_GONE || state == SHARDS_GONE ||
                state == SHARDS_DRAINING); /* it has messages again (rule 17) */
    }
    return does;
}

/* Its store is closed with the handle. false: there is no memory to remember it. */
static bool retire(shards_store *self, uint32_t shard)
{
    store *at = self->shards[shard];
    shards_retired *retired = at == NULL ? NULL : malloc(sizeof *retired);
    if (at != NULL && retired == NULL) {
        return false;
    }
    __atomic_store_n(&self->shards[shard], NULL, __ATOMIC_RELEASE);
    if (at != NULL) {
        *retired = (shards_retired){at, self->source.retired};
        self->source.retired = retired;
    }
    return true;
}

/* Shards that are used now and were not, or could not be opened. */
static void open_others(shards_store *self)
{
    shards_source *source = &self->source;
    for (uint32_t i = 0; i < self->descriptor.count; i++) {
        store *opened = NULL;
        if (self->shards[i] != NULL || shards_is_unused(self, i)) {
            continue;
        }
        slotq_outcome outcome = shards_view_open_one(source->place, source->name, &self->descriptor,
                                                     i, &opened, &source->fault);
        if (outcome == SLOTQ_OK) {
            outcome = shards_judge_one(self, i, opened, &source->fault);
        }
        if (outcome == SLOTQ_OK) {
            shards_take_one(self, i, opened);
        } else if (opened != NULL) {
            opened->ops->close(opened);
        }
    }
}

static void take_view(shards_store *self, const shards_descriptor *next,
                      const uint8_t head[SHARDS_HEAD_BYTES])
{
    const bool is_other = next->set != self->descriptor.set;
    for (uint32_t i = 0; i < self->descriptor.count; i++) {
        const shards_state state = i < next->count ? next->entries[i].state : SHARDS_GONE;
        if ((is_other || state == SHARDS_GONE || state == SHARDS_MAKING) && !retire(self, i)) {
            return; /* with the old view until the next look */
        }
    }
    self->descriptor = *next;
    self->base.identity = next->set;
    memcpy(self->source.head, head, SHARDS_HEAD_BYTES);
    memset(self->missing, 0, sizeof self->missing);
    self->source.is_older = false;
    self->source.is_remade = self->source.is_remade || is_other;
    open_others(self);
}

static void note_older(shards_source *source, const shards_descriptor *found, uint32_t known)
{
    source->is_older = true;
    fault_say(&source->fault, SLOTQ_CORRUPT,
              "the descriptor of the sharded queue %.190s has revision %u and lacks a change that "
              "was seen (revision %u): a failover took it back. The handle keeps the shards that "
              "it knows. slotq shards repair writes the others",
              source->name, found->revision, known);
}

/* The head is another one. true: it is a view to go by. */
static bool read_other(shards_store *self)
{
    shards_source *source = &self->source;
    shards_descriptor next;
    uint8_t head[SHARDS_HEAD_BYTES];
    if (read_whole(source->place, source->name, &next, head, &source->fault) != SLOTQ_OK) {
        source->is_unread = true;
        return false;
    }
    const bool is_shut = (next.flags & (SHARDS_FLAG_MAKING | SHARDS_FLAG_REMOVING)) != 0;
    if (next.set != self->descriptor.set && is_shut) {
        source->is_shut = true; /* another one: it has no shards yet */
        return false;
    }
    if (next.set == self->descriptor.set && !follows(&next, &self->descriptor)) {
        note_older(source, &next, self->descriptor.revision);
        return false;
    }
    source->is_shut = is_shut;
    take_view(self, &next, head);
    return true;
}

uint64_t shards_view_next_ms(uint64_t now_ms)
{
    return now_ms + LOOK_LEAST_MS + identity_draw() % LOOK_MORE_MS;
}

/* true: there is another view. */
static bool look(shards_store *self)
{
    shards_source *source = &self->source;
    uint8_t head[SHARDS_DESCRIPTOR_BYTES_MAX];
    uint64_t size = 0;
    source->reads++;
    const slotq_outcome outcome = source->place->ops->read(
        source->place, source->name, head, SHARDS_HEAD_BYTES, &size, &source->fault);
    const uint64_t now_ms = monotonic_ms();
    source->look_ms = shards_view_next_ms(now_ms);
    source->doubt_ms = now_ms + DOUBT_MS;
    source->is_doubted = false;
    source->is_unread = outcome != SLOTQ_OK || size < SHARDS_HEAD_BYTES;
    if (source->is_unread) {
        return false;
    }
    if (memcmp(head, source->head, SHARDS_HEAD_BYTES) != 0) {
        return read_other(self);
    }
    source->is_older = false;
    source->is_shut = (self->descriptor.flags & (SHARDS_FLAG_MAKING | SHARDS_FLAG_REMOVING)) != 0;
    return false;
}

/* A call must not wait for a server that it may not need. */
static bool look_in_a_hurry(shards_store *self, bool is_timed)
{
    self->source.place->hurries = true;
    const bool is_other = look(self);
    if (!is_other && is_timed) { /* what was missing may be there again */
        memset(self->missing, 0, sizeof self->missing);
        open_others(self);
    }
    self->source.place->hurries = false;
    return is_other;
}

void shards_view_look(shards_store *self)
{
    const shards_source *source = &self->source;
    const uint64_t now_ms = source->place == NULL ? 0 : monotonic_ms();
    if (source->place == NULL ||
        (now_ms < source->look_ms && !(source->is_doubted && now_ms >= source->doubt_ms))) {
        return;
    }
    (void)look_in_a_hurry(self, now_ms >= source->look_ms);
}

slotq_outcome shards_view_judge(shards_store *self, store_fault *fault)
{
    shards_source *source = &self->source;
    if (source->is_remade) {
        source->is_remade = false;
        return fault_remade(fault);
    }
    return source->is_shut ? tell_shut(fault, source->name, self->descriptor.flags) : SLOTQ_OK;
}

bool shards_view_renew(shards_store *self)
{
    return self->source.place != NULL && monotonic_ms() >= self->source.doubt_ms &&
           look_in_a_hurry(self, false);
}

uint64_t shards_view_nap_ms(const shards_store *self, uint64_t sleep_ms)
{
    if (self->source.place == NULL) {
        return sleep_ms;
    }
    const uint64_t now_ms = monotonic_ms();
    const uint64_t left_ms = now_ms < self->source.look_ms ? self->source.look_ms - now_ms : 0;
    return left_ms < sleep_ms ? left_ms : sleep_ms;
}
