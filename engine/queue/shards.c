/* shards.c: the calls of slotq_shards.h: a sharded queue is made, changed and shown. Knows URLs and
 * handles; the changes themselves are the backend's.
 */
#include <stdlib.h>
#include <string.h>

#include "../backend/shards/changes.h"
#include "../backend/shards/names.h"
#include "../backend/shards/store.h"
#include "handle.h"
#include "schemes.h"

/* A call that runs. Its handle has the clock and the options; no store. */
typedef struct running {
    shards_place *place;
    slotq *handle;
    shards_target target;
    store_fault fault;
} running;

static slotq_outcome refuse_memory(slotq_error *error)
{
    (void)error_say(error, SLOTQ_NOMEMORY, "no memory for a handle of %zu bytes", sizeof(slotq));
    return SLOTQ_NOMEMORY;
}

static slotq_outcome begin_at(running *self, const scheme *kind, const char *url, const char *name,
                              const slotq_options *options, slotq_error *error)
{
    memset(&self->fault, 0, sizeof self->fault);
    self->handle = queue_handle_new(options, kind->poll_ms);
    if (self->handle == NULL) {
        return refuse_memory(error);
    }
    const slotq_outcome outcome =
        kind->place(url, &self->handle->options, &self->place, &self->fault);
    if (outcome != SLOTQ_OK) {
        free(self->handle);
        (void)error_from_fault(error, outcome, &self->fault);
        return outcome;
    }
    self->target = (shards_target){
        .place = self->place, .name = name, .owner = &queue_owner, .handle = self->handle};
    return SLOTQ_OK;
}

static slotq_outcome begin(running *self, const char *url, const char *name,
                           const slotq_options *options, slotq_error *error)
{
    const scheme *kind;
    const slotq_outcome judged = scheme_find(url, name, options, &kind, error);
    if (judged != SLOTQ_OK) {
        return judged;
    }
    const char *fault = shards_name_fault(name, strlen(name));
    if (fault != NULL) {
        (void)error_say(error, SLOTQ_INVALID, "the queue's name %s", fault);
        return SLOTQ_INVALID;
    }
    if (kind->place == NULL) {
        (void)error_say(error, SLOTQ_UNSUPPORTED,
                        "this build keeps no sharded queues at such a URL: give a folder");
        return SLOTQ_UNSUPPORTED;
    }
    return begin_at(self, kind, url, name, options, error);
}

static slotq_outcome end(running *self, slotq_outcome outcome, slotq_error *error)
{
    self->place->ops->close(self->place);
    free(self->handle);
    return outcome == SLOTQ_OK ? outcome : error_from_fault(error, outcome, &self->fault);
}

/* ---- changes ---- */

slotq_outcome slotq_shards_create(const char *url, const char *name, uint32_t count,
                                  const slotq_geometry *geometry, const slotq_options *options,
                                  slotq_error *error)
{
    running self;
    slotq_geometry whole;
    if (geometry == NULL) {
        return error_say(error, SLOTQ_INVALID, "a required pointer is NULL");
    }
    slotq_outcome outcome = queue_complete_geometry(geometry, &whole, error);
    outcome = outcome == SLOTQ_OK ? begin(&self, url, name, options, error) : outcome;
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    return end(&self, shards_create(&self.target, count, &whole, &self.fault), error);
}

slotq_outcome slotq_shards_add(const char *url, const char *name, const slotq_options *options,
                               uint32_t *number, slotq_error *error)
{
    running self;
    uint32_t added = 0;
    slotq_outcome outcome = begin(&self, url, name, options, error);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    outcome = end(&self, shards_add(&self.target, &added, &self.fault), error);
    if (outcome == SLOTQ_OK && number != NULL) {
        *number = added;
    }
    return outcome;
}

slotq_outcome slotq_shards_drain(const char *url, const char *name, uint32_t number,
                                 const slotq_options *options, slotq_error *error)
{
    running self;
    const slotq_outcome outcome = begin(&self, url, name, options, error);
    return outcome == SLOTQ_OK ? end(&self, shards_drain(&self.target, number, &self.fault), error)
                               : outcome;
}

slotq_outcome slotq_shards_undrain(const char *url, const char *name, uint32_t number,
                                   const slotq_options *options, slotq_error *error)
{
    running self;
    const slotq_outcome outcome = begin(&self, url, name, options, error);
    return outcome == SLOTQ_OK
               ? end(&self, shards_undrain(&self.target, number, &self.fault), error)
               : outcome;
}

slotq_outcome slotq_shards_repair(const char *url, const char *name, const slotq_options *options,
                                  uint32_t *found, slotq_error *error)
{
    running self;
    uint32_t changed = 0;
    slotq_outcome outcome = begin(&self, url, name, options, error);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    outcome = end(&self, shards_repair(&self.target, &changed, &self.fault), error);
    if (outcome == SLOTQ_OK && found != NULL) {
        *found = changed;
    }
    return outcome;
}

slotq_outcome scheme_remove_sharded(const scheme *kind, const char *url, const char *name,
                                    slotq_error *error)
{
    running self;
    const slotq_outcome outcome = begin_at(&self, kind, url, name, NULL, error);
    return outcome == SLOTQ_OK ? end(&self, shards_remove(&self.target, &self.fault), error)
                               : outcome;
}

/* ---- looking ---- */

typedef struct showing {
    const running *call;
    const shards_descriptor *descriptor;
    const slotq_options *options;
    bool (*visit)(void *context, const slotq_shard *shard);
    void *context;
} showing;

static slotq_shards summary_of(const shards_descriptor *descriptor)
{
    slotq_shards summary = {.count = descriptor->count,
                            .set = descriptor->set,
                            .revision = descriptor->revision,
                            .keyed = (descriptor->flags & SHARDS_FLAG_KEYED) != 0,
                            .making = (descriptor->flags & SHARDS_FLAG_MAKING) != 0,
                            .removing = (descriptor->flags & SHARDS_FLAG_REMOVING) != 0};
    for (uint32_t i = 0; i < descriptor->count; i++) {
        summary.open += descriptor->entries[i].state == SHARDS_OPEN;
    }
    return summary;
}

slotq_outcome slotq_shards_seen(slotq *queue, slotq_shards_view *view)
{
    shards_facts facts;
    if (queue == NULL || view == NULL) {
        return queue_refuse_null(queue);
    }
    if (!shards_facts_of(queue->store, &facts)) {
        return queue_refuse(queue, SLOTQ_UNSUPPORTED,
                            "the queue is alone, so it has no shards. Nothing happened");
    }
    *view = (slotq_shards_view){.shards = summary_of(facts.descriptor),
                                .missing = facts.missing,
                                .unread = facts.is_unread,
                                .older = facts.is_older,
                                .trouble = facts.trouble};
    return SLOTQ_OK;
}

static slotq_outcome read_stats(const showing *self, uint32_t number, const char *key,
                                slotq_stats *stats, uint64_t *bytes, slotq_error *error)
{
    store *opened = NULL;
    slotq *shard;
    shards_place *place = self->call->place;
    slotq *made = queue_handle_new(self->options, 1);
    if (made == NULL) {
        return refuse_memory(error);
    }
    slotq_outcome outcome = place->ops->open(place, key, &opened, &made->fault);
    outcome = queue_handle_finish(made, outcome, opened, &shard, error);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    if (shard->geometry.set != self->descriptor->set || shard->geometry.shard != number) {
        outcome = error_say(error, SLOTQ_CORRUPT,
                            "%s is shard %u of set %u, and not shard %u of set %u: it is another "
                            "queue",
                            key, shard->geometry.shard, shard->geometry.set, number,
                            self->descriptor->set);
    } else {
        *bytes = slotq_image_bytes(shard);
        outcome = slotq_get_stats(shard, 0, stats);
        if (outcome != SLOTQ_OK && error != NULL) {
            *error = *slotq_error_of(shard);
        }
    }
    slotq_close(shard);
    return outcome;
}

static bool show(const showing *self, uint32_t number)
{
    shards_key key;
    slotq_stats stats = {0};
    uint64_t bytes = 0;
    slotq_error error = {0};
    char node[SHARDS_NODE_BYTES];
    shards_place *place = self->call->place;
    const char *name = self->call->target.name;
    const shards_entry *entry = &self->descriptor->entries[number];
    shards_key_make(&key, name, strlen(name), number, entry->k);
    place->ops->node(place, key.text, node);
    slotq_shard shard = {.number = number,
                         .state = (slotq_shard_state)entry->state,
                         .key = key.text,
                         .node = node,
                         .from_ms = entry->state == SHARDS_OPEN ? entry->from_ms : 0,
                         .last_id = entry->state == SHARDS_GONE ? entry->last_id : 0};
    if (entry->state == SHARDS_OPEN || entry->state == SHARDS_DRAINING) {
        const slotq_outcome outcome = read_stats(self, number, key.text, &stats, &bytes, &error);
        shard.stats = outcome == SLOTQ_OK ? &stats : NULL;
        shard.bytes = outcome == SLOTQ_OK ? bytes : 0;
        shard.error = outcome == SLOTQ_OK ? NULL : &error;
    }
    return self->visit(self->context, &shard);
}

slotq_outcome slotq_shards_visit(const char *url, const char *name, const slotq_options *options,
                                 slotq_shards *shards,
                                 bool (*visit)(void *context, const slotq_shard *shard),
                                 void *context, slotq_error *error)
{
    running self;
    slotq_outcome outcome = begin(&self, url, name, options, error);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    shards_descriptor *descriptor = malloc(sizeof *descriptor);
    if (descriptor == NULL) {
        return end(&self,
                   fault_say(&self.fault, SLOTQ_NOMEMORY, "no memory for a descriptor of %zu bytes",
                             sizeof *descriptor),
                   error);
    }
    outcome = shards_look(&self.target, descriptor, &self.fault);
    if (outcome == SLOTQ_SHARDED) {
        outcome = fault_say(&self.fault, SLOTQ_UNSUPPORTED,
                            "%s is not a sharded queue, so it has no shards", name);
    }
    if (outcome == SLOTQ_OK && shards != NULL) {
        *shards = summary_of(descriptor);
    }
    if (outcome == SLOTQ_OK && visit != NULL) {
        const showing all = {&self, descriptor, options, visit, context};
        for (uint32_t i = 0; i < descriptor->count && show(&all, i); i++) {
        }
    }
    free(descriptor);
    return end(&self, outcome, error);
}
