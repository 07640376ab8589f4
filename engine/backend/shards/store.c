/* store.c: see store.h. Each verb goes to the file that knows where it is run; here is what is
 * left: opening, sleeping, cloning, closing.
 */
#include "store.h"

#include <stdlib.h>
#include <string.h>

#include "../system/identity.h"
#include "ids.h"
#include "inside.h"
#include "opening.h"

static slotq_outcome refuse_verb(slotq_verb verb, store_fault *fault)
{
    return fault_say(fault, SLOTQ_UNSUPPORTED,
                     "%s does not work on sharded queues yet. Nothing happened",
                     slotq_core_verb_name(verb));
}

static slotq_outcome run_verb(shards_store *self, slotq_call *call, store_harvest *harvest,
                              store_fault *fault)
{
    if (!slotq_core_verb_only_reads(call->verb)) {
        self->mark.is_set = false;
    }
    switch (call->verb) {
    case SLOTQ_PUSH:
    case SLOTQ_SCHEDULE:
        return shards_push(self, call, fault);
    case SLOTQ_RESERVE:
        return shards_reserve(self, call, harvest, fault);
    case SLOTQ_ACK:
    case SLOTQ_NACK:
    case SLOTQ_RELEASE:
    case SLOTQ_EXTEND:
    case SLOTQ_KILL:
        return shards_settle(self, call, fault);
    case SLOTQ_STATUS:
        return shards_with_id(self, call, &call->status.id, fault);
    case SLOTQ_REMOVE:
        return shards_with_id(self, call, &call->remove.id, fault);
    case SLOTQ_DEAD_REMOVE:
        return shards_with_id(self, call, &call->dead.id, fault);
    case SLOTQ_CANCEL:
        return shards_with_id(self, call, &call->cancel.later_id, fault);
    case SLOTQ_KICK:
        return shards_with_id(self, call, &call->kick.id, fault);
    case SLOTQ_DEAD_LIST:
        return call->look.id > 0 ? shards_dead_one(self, call, harvest, fault)
                                 : shards_list(self, call, harvest, fault);
    case SLOTQ_PEEK:
    case SLOTQ_LATER_LIST:
        return shards_list(self, call, harvest, fault);
    case SLOTQ_REDRIVE:
        return shards_redrive(self, call, fault);
    case SLOTQ_FIND:
        return shards_find(self, call, fault);
    case SLOTQ_STATS:
        return shards_stats(self, call, fault);
    case SLOTQ_PAUSE:
    case SLOTQ_RESUME:
    case SLOTQ_PURGE:
    case SLOTQ_DEAD_PURGE:
    case SLOTQ_RECLAIM:
    case SLOTQ_LIMIT:
        return shards_in_all(self, call, fault);
    default:
        return refuse_verb(call->verb, fault);
    }
}

/* A refusal of an unkeyed queue that another view may not have; nothing happened. */
static bool may_be_of_old_view(const shards_store *self, const slotq_call *call,
                               slotq_outcome outcome)
{
    const bool is_one =
        call->verb == SLOTQ_PUSH || call->verb == SLOTQ_SCHEDULE || call->verb == SLOTQ_RESERVE;
    return is_one && (self->descriptor.flags & SHARDS_FLAG_KEYED) == 0 &&
           (outcome == SLOTQ_FULL || outcome == SLOTQ_CLOSED || outcome == SLOTQ_NOQUEUE);
}

static slotq_outcome run_in_view(shards_store *self, slotq_call *call, store_harvest *harvest,
                                 store_fault *fault)
{
    const shards_again again = shards_begin(call);
    shards_view_look(self);
    slotq_outcome outcome = shards_view_judge(self, fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    outcome = run_verb(self, call, harvest, fault);
    if (outcome == SLOTQ_CORRUPT && self->source.is_doubted) { /* a shard of another set */
        (void)shards_view_renew(self);
        const slotq_outcome judged = shards_view_judge(self, fault);
        return judged != SLOTQ_OK ? judged : outcome;
    }
    if (may_be_of_old_view(self, call, outcome) && shards_view_renew(self)) {
        outcome = shards_view_judge(self, fault);
        if (outcome == SLOTQ_OK) {
            fault->text[0] = '\0';
            shards_begin_again(call, again);
            outcome = run_verb(self, call, harvest, fault);
        }
    }
    return outcome;
}

/* INVALID may come from here, with a text, or from the core, without one. */
static slotq_outcome whole_call(store *base, slotq_call *call, store_harvest *harvest,
                                store_fault *fault)
{
    fault->text[0] = '\0';
    shards_sleep_later(shards_store_of(base));
    const slotq_outcome outcome = run_in_view(shards_store_of(base), call, harvest, fault);
    if (outcome == SLOTQ_INVALID && fault->text[0] == '\0') {
        return fault_say(fault, outcome, "an argument of %s is out of range. Nothing happened",
                         slotq_core_verb_name(call->verb));
    }
    return outcome;
}

static slotq_outcome whole_list(store *base, store_list *list, store_fault *fault)
{
    slotq_outcome failed = SLOTQ_OK;
    for (uint32_t i = 0; i < list->count; i++) {
        store_harvest *harvest = i + 1 == list->count ? list->harvest : NULL;
        list->outcomes[i] = store_left_out(failed, harvest);
        if (failed == SLOTQ_OK) {
            list->outcomes[i] = whole_call(base, &list->calls[i], harvest, fault);
            failed = store_call_failed(list->outcomes[i]) ? list->outcomes[i] : SLOTQ_OK;
        }
    }
    return list->outcomes[list->count - 1];
}

static slotq_outcome whole_wait(store *base, uint64_t sleep_ms, store_fault *fault)
{
    shards_store *self = shards_store_of(base);
    return shards_sleep(self, shards_view_nap_ms(self, sleep_ms), fault);
}

static void whole_interrupt(store *base)
{
    shards_interrupt(shards_store_of(base));
}

static void whole_leave(store *base)
{
    shards_leave_all(shards_store_of(base));
}

/* A batch may be of any shard: what it reads is copied. */
static bool whole_keeps_still(const store *base)
{
    (void)base;
    return false;
}

static slotq_outcome whole_check(store *base, slotq_damage *damage, store_fault *fault)
{
    shards_store *self = shards_store_of(base);
    for (uint32_t i = 0; i < self->descriptor.count; i++) {
        store *at = self->shards[i];
        const slotq_outcome outcome = at == NULL ? SLOTQ_OK : at->ops->check(at, damage, fault);
        if (outcome != SLOTQ_OK) {
            return outcome;
        }
    }
    return SLOTQ_OK;
}

static slotq_outcome whole_export(store *base, uint8_t *buffer, store_fault *fault)
{
    (void)base;
    (void)buffer;
    return fault_say(fault, SLOTQ_UNSUPPORTED,
                     "a sharded queue is not one image: export its shards, one by one");
}

static void whole_close(store *base)
{
    shards_store *self = shards_store_of(base);
    for (uint32_t i = 0; i < SLOTQ_SHARDS_MAX; i++) {
        if (self->shards[i] != NULL) {
            self->shards[i]->ops->close(self->shards[i]);
        }
    }
    while (self->source.retired != NULL) {
        shards_retired *next = self->source.retired->next;
        self->source.retired->store->ops->close(self->source.retired->store);
        free(self->source.retired);
        self->source.retired = next;
    }
    if (self->source.place != NULL) {
        self->source.place->ops->close(self->source.place);
    }
    free(self);
}

/* It reads the descriptor itself: its stores share the connections of another place. */
static slotq_outcome clone_at_place(const shards_store *self, store **other, store_fault *fault)
{
    shards_place *place = NULL;
    const shards_source *source = &self->source;
    slotq_outcome outcome = source->place->ops->clone(source->place, &place, fault);
    if (outcome == SLOTQ_OK) {
        outcome = shards_open_at(place, source->name, other, fault);
        if (outcome != SLOTQ_OK) {
            place->ops->close(place);
        }
    }
    return outcome;
}

static slotq_outcome whole_clone(store *base, uint32_t timeout_ms, store **other,
                                 store_fault *fault)
{
    const shards_store *self = shards_store_of(base);
    if (self->source.place != NULL) {
        return clone_at_place(self, other, fault);
    }
    shards_store *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return fault_say(fault, SLOTQ_NOMEMORY, "no memory for a handle of %zu bytes",
                         sizeof *made);
    }
    made->base = self->base;
    made->descriptor = self->descriptor;
    made->push_seed = identity_draw();
    made->turn = made->push_seed % self->descriptor.count;
    for (uint32_t i = 0; i < self->descriptor.count; i++) {
        store *at = self->shards[i];
        const slotq_outcome outcome =
            at == NULL ? SLOTQ_OK : at->ops->clone(at, timeout_ms, &made->shards[i], fault);
        if (outcome != SLOTQ_OK) {
            made->shards[i] = NULL;
            whole_close(&made->base);
            return outcome;
        }
        if (at != NULL) {
            shards_sleeps_beside(made->shards[i]);
        }
    }
    *other = &made->base;
    return SLOTQ_OK;
}

static uint32_t whole_generation_of(const store *base, uint64_t id)
{
    const shards_store *self = (const shards_store *)(const void *)base;
    uint32_t shard = 0;
    uint64_t low = 0;
    const bool has =
        shards_id_split(id, self->descriptor.count, &shard, &low) && self->shards[shard] != NULL;
    return has ? self->shards[shard]->view.geometry.generation : 0;
}

static const store_ops shards_ops = {
    .call = whole_call,
    .list = whole_list,
    .generation_of = whole_generation_of,
    .wait = whole_wait,
    .interrupt = whole_interrupt,
    .leave = whole_leave,
    .keeps_still = whole_keeps_still,
    .check = whole_check,
    .export = whole_export,
    .clone = whole_clone,
    .close = whole_close,
};

bool shards_facts_of(const store *base, shards_facts *facts)
{
    if (base->ops != &shards_ops) {
        return false;
    }
    const shards_store *self = (const shards_store *)(const void *)base;
    memset(facts, 0, sizeof *facts);
    facts->descriptor = &self->descriptor;
    for (uint32_t i = 0; i < self->descriptor.count; i++) {
        facts->missing +=
            !shards_is_unused(self, i) && (self->shards[i] == NULL || self->missing[i]);
    }
    facts->is_unread = self->source.is_unread;
    facts->is_older = self->source.is_older;
    const bool has_trouble = facts->missing > 0 || facts->is_unread || facts->is_older;
    facts->trouble = has_trouble ? self->source.fault.text : "";
    return true;
}

/* ---- opening ---- */

static bool are_alike(const slotq_geometry *a, const slotq_geometry *b)
{
    return a->flags == b->flags && a->groups == b->groups && a->tick_ms == b->tick_ms;
}

static slotq_outcome judge_shard(const shards_descriptor *descriptor, uint32_t index,
                                 const store *shard, const store *first, store_fault *fault)
{
    const slotq_geometry *geometry = &shard->view.geometry;
    const bool is_keyed = (geometry->flags & SLOTQ_FLAG_KEYS) != 0;
    if (geometry->set != descriptor->set || geometry->shard != index) {
        return fault_say(fault, SLOTQ_CORRUPT,
                         "shard %u is shard %u of set %u, but the queue has set %u: it is another "
                         "queue. Nothing happened",
                         index, geometry->shard, geometry->set, descriptor->set);
    }
    if (geometry->groups != descriptor->groups) {
        return fault_say(fault, SLOTQ_CORRUPT,
                         "shard %u has %u groups, but the queue %u. Nothing happened", index,
                         geometry->groups, descriptor->groups);
    }
    if ((descriptor->flags & SHARDS_FLAG_KEYED) != 0 && !is_keyed) {
        return fault_say(fault, SLOTQ_CORRUPT,
                         "shard %u has no keys, but the queue has. Nothing happened", index);
    }
    if (!are_alike(geometry, &first->view.geometry)) {
        return fault_say(
            fault, SLOTQ_UNSUPPORTED,
            "shard %u has other ticks or flags than the first one, which resize cannot "
            "change. Nothing happened",
            index);
    }
    return SLOTQ_OK;
}

static slotq_outcome judge(const shards_descriptor *descriptor, store *const *shards, bool may_lack,
                           const store **first, store_fault *fault)
{
    slotq_damage damage;
    if (!shards_descriptor_is_sound(descriptor, &damage)) {
        return fault_say(fault, SLOTQ_CORRUPT, "the queue's descriptor is damaged at byte %llu: %s",
                         (unsigned long long)damage.offset, damage.what);
    }
    if ((descriptor->flags & (SHARDS_FLAG_MAKING | SHARDS_FLAG_REMOVING)) != 0) {
        return fault_say(fault, SLOTQ_NOQUEUE,
                         "the sharded queue is being made or removed: finish that first");
    }
    for (uint32_t i = 0; i < descriptor->count; i++) {
        const shards_state state = descriptor->entries[i].state;
        const bool has_store = state == SHARDS_OPEN || state == SHARDS_DRAINING;
        if (has_store != (shards[i] != NULL) && !(has_store && may_lack)) {
            return fault_say(fault, SLOTQ_INVALID, "shard %u is %s", i,
                             has_store ? "missing" : "there, though it is not in use");
        }
        if (shards[i] == NULL) {
            continue;
        }
        *first = *first == NULL ? shards[i] : *first;
        const slotq_outcome outcome = judge_shard(descriptor, i, shards[i], *first, fault);
        if (outcome != SLOTQ_OK) {
            return outcome;
        }
    }
    return SLOTQ_OK;
}

/* Of two bounds, 0 = none. */
static uint32_t tighter(uint32_t a, uint32_t b)
{
    return a == 0 || (b > 0 && b < a) ? b : a;
}

/* What the whole queue needs where any shard needs it. */
static void take_needs(store *base, const store *shard)
{
    base->wants_now = base->wants_now || shard->wants_now;
    base->spreads_polls = base->spreads_polls || shard->spreads_polls;
    base->dying_most = tighter(base->dying_most, shard->dying_most);
    base->redrive_most = UINT32_MAX; /* and it judges: redrive.c goes by each shard */
}

slotq_outcome shards_judge_one(const shards_store *self, uint32_t shard, const store *opened,
                               store_fault *fault)
{
    const store *first = self->shards[shards_from(self, 0)];
    return judge_shard(&self->descriptor, shard, opened, first != NULL ? first : opened, fault);
}

void shards_take_one(shards_store *self, uint32_t shard, store *opened)
{
    take_needs(&self->base, opened);
    shards_sleeps_beside(opened);
    __atomic_store_n(&self->shards[shard], opened, __ATOMIC_RELEASE);
}

static slotq_outcome compose(const shards_descriptor *descriptor, store *const *shards,
                             bool may_lack, store **opened, store_fault *fault)
{
    const store *first = NULL;
    const slotq_outcome judged = judge(descriptor, shards, may_lack, &first, fault);
    if (judged != SLOTQ_OK) {
        return judged;
    }
    if (first == NULL) { /* a sound descriptor has an open shard */
        return fault_say(fault, SLOTQ_NOQUEUE,
                         "all shards of the sharded queue are missing. slotq doctor says more");
    }
    shards_store *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return fault_say(fault, SLOTQ_NOMEMORY, "no memory for a handle of %zu bytes",
                         sizeof *made);
    }
    made->base.ops = &shards_ops;
    made->base.view = first->view;
    made->base.ahead_ms = first->ahead_ms;
    made->base.identity = descriptor->set;
    made->base.has_trips = first->has_trips;
    made->base.splits_pushes = (descriptor->flags & SHARDS_FLAG_KEYED) != 0;
    made->base.tells_invalid = true;
    made->descriptor = *descriptor;
    made->push_seed = identity_draw();
    made->turn = made->push_seed % descriptor->count; /* handles begin at different shards */
    for (uint32_t i = 0; i < descriptor->count; i++) {
        if (shards[i] != NULL) {
            shards_take_one(made, i, shards[i]);
        }
    }
    shards_take_sizes(made);
    *opened = &made->base;
    return SLOTQ_OK;
}

slotq_outcome shards_open(const shards_descriptor *descriptor, store *const *shards, store **opened,
                          store_fault *fault)
{
    return compose(descriptor, shards, false, opened, fault);
}

slotq_outcome shards_open_some(const shards_descriptor *descriptor, store *const *shards,
                               store **opened, store_fault *fault)
{
    return compose(descriptor, shards, true, opened, fault);
}
