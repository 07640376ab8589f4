/* deliver.c: push and reserve of a sharded queue: which shard takes messages, and which gives them.
 * Knows outcomes; no id but to number it.
 */
#include "ids.h"
#include "inside.h"
#include "routing.h"

/* Rule 34: full batches of one shard in succession. */
enum { IN_SEQUENCE_MAX = 4 };

/* Nothing happened in this shard, for now: its server is away, or is being replaced. */
bool shards_is_away(slotq_outcome outcome, const store_fault *fault)
{
    return outcome >= SLOTQ_FAILURES && outcome != SLOTQ_OUTCOME_UNKNOWN && fault->passes;
}

/* ---- push ---- */

/* Nothing was pushed, for a reason of this shard that another one may not have. */
static bool may_push_elsewhere(slotq_outcome outcome)
{
    return outcome == SLOTQ_FULL || outcome == SLOTQ_CLOSED || outcome == SLOTQ_PAUSED ||
           outcome == SLOTQ_NOQUEUE;
}

static slotq_outcome push_into(shards_store *self, uint32_t shard, slotq_call *call,
                               store_fault *fault)
{
    const slotq_outcome outcome = shards_run(self, shard, call, NULL, fault);
    if (outcome == SLOTQ_OK) {
        call->push.first_id = shards_id_of(shard, call->push.first_id);
    } else if (outcome == SLOTQ_FULL && call->push.holder.id > 0) {
        call->push.holder.id = shards_id_of(shard, call->push.holder.id);
    } else if (outcome == SLOTQ_DUPLICATE && call->push.taken.id > 0) {
        call->push.taken.id = shards_id_of(shard, call->push.taken.id);
    }
    return outcome;
}

/* All messages with a key belong to one shard, *shard; false: to several. *any: one has a key. */
static bool find_route(const shards_store *self, const slotq_call_push *push, uint32_t *shard,
                       bool *any)
{
    *any = false;
    for (uint32_t i = 0; push->keys != NULL && i < push->count; i++) {
        if (push->keys[i] == 0) {
            continue;
        }
        const uint32_t route = shards_route(push->keys[i], self->descriptor.count);
        if (*any && route != *shard) {
            return false;
        }
        *shard = route;
        *any = true;
    }
    return true;
}

/* The outcome that says most of a queue whose shards have all refused. */
static slotq_outcome refused_by_all(slotq_outcome before, slotq_outcome outcome)
{
    return before == SLOTQ_FULL || (before != SLOTQ_OK && outcome == SLOTQ_NOQUEUE) ? before
                                                                                    : outcome;
}

static slotq_outcome push_anywhere(shards_store *self, slotq_call *call, shards_again again,
                                   uint64_t now_ms, store_fault *fault)
{
    const uint32_t count = self->descriptor.count;
    slotq_outcome refused = SLOTQ_OK;
    store_fault away = {.outcome = SLOTQ_OK};
    self->push_seed = self->push_seed * UINT32_C(1664525) + UINT32_C(1013904223);
    const uint32_t first = (uint32_t)((uint64_t)self->push_seed * count >> 32);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t shard = (first + i) % count;
        const shards_entry *entry = &self->descriptor.entries[shard];
        if (entry->state != SHARDS_OPEN || entry->from_ms > now_ms) {
            continue;
        }
        const slotq_holder holder = call->push.holder;
        shards_begin_again(call, again);
        const slotq_outcome outcome = push_into(self, shard, call, fault);
        if (self->hurries && shards_is_away(outcome, fault)) {
            away = *fault;
            continue;
        }
        if (!may_push_elsewhere(outcome)) {
            return outcome;
        }
        const slotq_outcome before = refused;
        refused = refused_by_all(before, outcome);
        if (before == SLOTQ_FULL && outcome != SLOTQ_FULL) {
            call->push.holder = holder;
        }
    }
    if (away.outcome != SLOTQ_OK && refused != SLOTQ_FULL) {
        *fault = away;
        return away.outcome;
    }
    return refused != SLOTQ_OK ? refused
                               : fault_say(fault, SLOTQ_NOQUEUE,
                                           "no shard of the queue is open for pushes yet: try "
                                           "again in 15 s");
}

slotq_outcome shards_push(shards_store *self, slotq_call *call, store_fault *fault)
{
    const shards_again again = shards_begin(call);
    const bool waits = call->push.may_wait;
    uint32_t shard = 0;
    bool has_key = false;
    if (!find_route(self, &call->push, &shard, &has_key)) {
        return fault_say(fault, SLOTQ_INVALID,
                         "the messages of one push have keys of several shards. Nothing happened. "
                         "Push those of each shard in a separate call");
    }
    if (has_key && (self->descriptor.flags & SHARDS_FLAG_KEYED) == 0) {
        return fault_say(fault, SLOTQ_INVALID,
                         "a message has a key, but the sharded queue was made without keys. "
                         "Nothing happened");
    }
    if (has_key) {
        return push_into(self, shard, call, fault);
    }
    const uint64_t now_ms =
        again.now_ms != STORE_TIME ? again.now_ms : self->base.owner->exact_ms(self->base.handle);
    call->push.may_wait = false;
    self->hurries = self->base.has_trips;
    slotq_outcome outcome = push_anywhere(self, call, again, now_ms, fault);
    if (self->hurries &&
        shards_is_away(outcome, fault)) { /* so none is there: now it is waited for */
        self->hurries = false;
        outcome = push_anywhere(self, call, again, now_ms, fault);
    }
    self->hurries = false;
    if (waits) { /* the second time it is registered where it is refused */
        call->push.may_wait = true;
        outcome = outcome == SLOTQ_FULL ? push_anywhere(self, call, again, now_ms, fault) : outcome;
    }
    if (outcome == SLOTQ_OK) {
        shards_leave_all(self);
    }
    return outcome;
}

/* ---- reserve ---- */

bool shards_found_nothing(slotq_outcome outcome)
{
    return outcome == SLOTQ_EMPTY || outcome == SLOTQ_AGAIN || outcome == SLOTQ_LIMITED ||
           outcome == SLOTQ_PAUSED || outcome == SLOTQ_NOQUEUE;
}

/* What is told of several shards that gave nothing: the one from which most may be hoped. */
static uint32_t hope(slotq_outcome outcome)
{
    switch (outcome) {
    case SLOTQ_AGAIN:
        return 4;
    case SLOTQ_LIMITED:
        return 3;
    case SLOTQ_EMPTY:
        return 2;
    case SLOTQ_PAUSED:
        return 1;
    default:
        return 0;
    }
}

static void next_turn(shards_store *self)
{
    self->turn = (self->turn + 1) % self->descriptor.count;
    self->in_sequence = 0;
}

void shards_number_runs(slotq_call_reserve *reserve, uint32_t shard)
{
    for (uint32_t i = 0; i < reserve->run_count; i++) {
        reserve->runs[i].id = shards_id_of(shard, reserve->runs[i].id);
    }
}

slotq_outcome shards_look_around(shards_store *self, slotq_call *call, shards_again again,
                                 shards_looks looks, store_harvest *harvest, store_fault *fault)
{
    slotq_outcome best = SLOTQ_NOQUEUE;
    store_fault away = {.outcome = SLOTQ_OK};
    uint64_t next_due_ms = UINT64_MAX;
    const uint32_t count = self->descriptor.count;
    for (uint32_t passed = 0; passed < count && looks.most > 0; passed++) {
        const uint32_t shard = self->turn;
        if (self->shards[shard] == NULL) {
            next_turn(self);
            continue;
        }
        looks.most--;
        shards_begin_again(call, again);
        call->reserve.next_due_ms = UINT64_MAX;
        const slotq_outcome outcome = shards_run(self, shard, call, harvest, fault);
        const bool is_full_batch =
            outcome == SLOTQ_OK && call->reserve.message_count == call->reserve.limit;
        if (is_full_batch && ++self->in_sequence < IN_SEQUENCE_MAX) {
            shards_number_runs(&call->reserve, shard);
            return outcome;
        }
        next_turn(self);
        if (outcome == SLOTQ_OK) {
            shards_number_runs(&call->reserve, shard);
            return outcome;
        }
        if (self->hurries && shards_is_away(outcome, fault)) {
            away = *fault;
            continue;
        }
        if (!shards_found_nothing(outcome)) {
            return outcome; /* the next call begins at the next shard */
        }
        best = hope(outcome) > hope(best) ? outcome : best;
        if (call->reserve.next_due_ms < next_due_ms) {
            next_due_ms = call->reserve.next_due_ms;
        }
    }
    call->reserve.next_due_ms = next_due_ms;
    if (away.outcome != SLOTQ_OK && (!looks.may_miss || best == SLOTQ_NOQUEUE)) {
        *fault = away;
        return away.outcome;
    }
    return best;
}

slotq_outcome shards_reserve(shards_store *self, slotq_call *call, store_harvest *harvest,
                             store_fault *fault)
{
    const shards_again again = shards_begin(call);
    const bool waits = call->reserve.may_wait;
    if (waits ? shards_waits_at_bell(self) : self->bell.phase != SHARDS_BELL_IDLE) {
        return shards_reserve_at_bell(self, call, again, harvest, fault);
    }
    call->reserve.may_wait = false;
    const shards_looks looks = {SLOTQ_SHARDS_MAX, waits || self->base.looks_again};
    self->hurries = self->base.has_trips;
    slotq_outcome outcome = shards_look_around(self, call, again, looks, harvest, fault);
    if (self->hurries && shards_is_away(outcome, fault)) { /* now it is waited for */
        self->hurries = false;
        outcome = shards_look_around(self, call, again, looks, harvest, fault);
    }
    if (waits) { /* the second round registers at each shard */
        call->reserve.may_wait = true;
        if (shards_found_nothing(outcome)) {
            outcome = shards_look_around(self, call, again, looks, harvest, fault);
        }
    }
    self->hurries = false;
    if (outcome == SLOTQ_OK) {
        shards_leave_all(self);
    }
    return outcome;
}
