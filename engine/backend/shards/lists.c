/* lists.c: peek, dead_list and later_list of a sharded queue: shard by shard, in the order of their
 * numbers (SHARDS.md, "The queue as a whole"). Knows places in lists; no payload.
 */
#include "ids.h"
#include "inside.h"

/* The list goes on here. */
typedef struct list_place {
    uint32_t shard;
    uint64_t from; /* in this shard: an id of peek, or how many to skip */
} list_place;

static bool is_there(const shards_store *self, uint32_t shard)
{
    return self->shards[shard] != NULL && !self->missing[shard];
}

/* Messages in the section of a shard that a list shows. */
static slotq_outcome count_of(shards_store *self, uint32_t shard, const slotq_call *list,
                              uint32_t *count, store_fault *fault)
{
    slotq_call call;
    slotq_core_begin(&call, SLOTQ_STATS, list->now_ms);
    call.stats = (slotq_call_stats){.group = 0};
    const slotq_outcome outcome = shards_run(self, shard, &call, NULL, fault);
    const slotq_stats *stats = &call.stats.stats;
    *count = outcome != SLOTQ_OK ? 0 : list->verb == SLOTQ_DEAD_LIST ? stats->dead : stats->later;
    return outcome == SLOTQ_NOQUEUE ? SLOTQ_OK : outcome;
}

/* A list without its first `from` messages. The handle knows where its last list ended, until it
 * changes something. */
static slotq_outcome find_skipped(shards_store *self, const slotq_call *call, list_place *place,
                                  store_fault *fault)
{
    const shards_mark *mark = &self->mark;
    *place = (list_place){0, call->look.from};
    if (mark->is_set && mark->verb == call->verb && mark->at == call->look.from) {
        *place = (list_place){mark->shard, mark->from};
        return SLOTQ_OK;
    }
    while (place->from > 0 && place->shard < self->descriptor.count) {
        uint32_t count = 0;
        const slotq_outcome outcome = is_there(self, place->shard)
                                          ? count_of(self, place->shard, call, &count, fault)
                                          : SLOTQ_OK;
        if (outcome != SLOTQ_OK) {
            return outcome;
        }
        if (count > place->from) {
            break;
        }
        place->from -= count;
        place->shard++;
    }
    return SLOTQ_OK;
}

static slotq_outcome find_begin(shards_store *self, const slotq_call *call, list_place *place,
                                store_fault *fault)
{
    if (call->verb != SLOTQ_PEEK) {
        return find_skipped(self, call, place, fault);
    }
    *place = (list_place){0, 0};
    if (call->look.from > 0 &&
        !shards_id_split(call->look.from, self->descriptor.count, &place->shard, &place->from)) {
        return shards_refuse_id(self, call->look.from, fault);
    }
    return SLOTQ_OK;
}

/* What one shard has goes behind what there is. */
static slotq_outcome list_one(shards_store *self, slotq_call *whole, const list_place *place,
                              shards_again again, store_harvest *harvest, store_fault *fault)
{
    slotq_call call = *whole;
    const uint32_t have = whole->look.count;
    const slotq_view *view = &self->base.view;
    const uint32_t note = whole->verb == SLOTQ_DEAD_LIST ? view->geometry.note_bytes : 0;
    const uint32_t bytes = have * (note + view->stride);
    store_harvest part = {.copies = harvest->copies + bytes, .offsets = harvest->offsets + have};
    shards_begin_again(&call, again);
    call.look.from = place->from;
    call.look.items = whole->look.items + have;
    call.look.capacity = whole->look.capacity - have;
    call.look.count = 0;
    const slotq_outcome outcome = shards_run_wide(self, place->shard, &call, &part, fault);
    whole->now_ms = call.now_ms;
    whole->damage = call.damage;
    for (uint32_t i = 0; outcome == SLOTQ_OK && i < call.look.count; i++) {
        call.look.items[i].id = shards_id_of(place->shard, call.look.items[i].id);
        part.offsets[i] += bytes;
    }
    whole->look.count += outcome == SLOTQ_OK ? call.look.count : 0;
    return outcome;
}

slotq_outcome shards_list(shards_store *self, slotq_call *call, store_harvest *harvest,
                          store_fault *fault)
{
    const shards_again again = shards_begin(call);
    list_place place;
    const slotq_outcome found = find_begin(self, call, &place, fault);
    if (found != SLOTQ_OK) {
        return found;
    }
    uint32_t before = 0;
    call->look.count = 0;
    harvest->still = false;
    harvest->base = harvest->copies;
    while (place.shard < self->descriptor.count) {
        before = call->look.count;
        const slotq_outcome outcome = is_there(self, place.shard)
                                          ? list_one(self, call, &place, again, harvest, fault)
                                          : SLOTQ_EMPTY;
        if (outcome != SLOTQ_OK && outcome != SLOTQ_EMPTY && outcome != SLOTQ_NOQUEUE) {
            return outcome;
        }
        if (call->look.count == call->look.capacity) {
            break;
        }
        place = (list_place){place.shard + 1, 0};
        before = call->look.count;
    }
    if (call->verb != SLOTQ_PEEK) {
        self->mark = (shards_mark){.verb = call->verb,
                                   .is_set = true,
                                   .at = call->look.from + call->look.count,
                                   .shard = place.shard,
                                   .from = place.from + call->look.count - before};
    }
    return call->look.count > 0 ? SLOTQ_OK : SLOTQ_EMPTY;
}
