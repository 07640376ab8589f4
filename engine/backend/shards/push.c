/* push.c: push and schedule of a sharded queue: which shard takes messages (SHARDS.md, "Routing").
 * Knows keys and how full shards are; no id but to number it.
 */
#include "ids.h"
#include "inside.h"
#include "routing.h"

enum { FILL_MOST = UINT16_MAX, FILL_FADES = 8 /* rule 30 */, IDLE_MS = 10 /* rule 33 */ };

/* ---- one shard ---- */

static void number_taken(slotq_key_holder *taken, uint32_t shard)
{
    taken->id = taken->id > 0 ? shards_id_of(shard, taken->id) : 0;
}

static void number_push(slotq_call_push *push, uint32_t shard, slotq_outcome outcome)
{
    if (outcome == SLOTQ_OK || outcome == SLOTQ_UNCONFIRMED) {
        push->first_id = shards_id_of(shard, push->first_id);
    } else if (outcome == SLOTQ_FULL && push->holder.id > 0) {
        push->holder.id = shards_id_of(shard, push->holder.id);
    } else if (outcome == SLOTQ_DUPLICATE) {
        number_taken(&push->taken, shard);
    }
}

static void number_schedule(slotq_call_schedule *schedule, uint32_t shard, slotq_outcome outcome)
{
    if (outcome == SLOTQ_OK || outcome == SLOTQ_UNCONFIRMED) {
        schedule->first_later_id = shards_id_of(shard, schedule->first_later_id);
    } else if (outcome == SLOTQ_DUPLICATE) {
        number_taken(&schedule->taken, shard);
    }
}

static uint16_t share_of(uint32_t count, uint32_t capacity)
{
    return (uint16_t)(count < capacity ? (uint64_t)count * FILL_MOST / capacity : FILL_MOST - 1);
}

/* What an answer tells of how full the ring is, and whether consumers sleep at the bell. */
static void note_fill(shards_store *self, uint32_t shard, const slotq_call *call,
                      slotq_outcome outcome)
{
    const bool is_in = outcome == SLOTQ_OK || outcome == SLOTQ_UNCONFIRMED;
    if (call->verb != SLOTQ_PUSH || self->shards[shard] == NULL ||
        (!is_in && outcome != SLOTQ_FULL)) {
        return;
    }
    if (shard == shards_bell_of(self)) {
        self->bell_sleeps = is_in && call->push.used > 0 && call->push.sleepers;
    }
    const uint32_t capacity = self->shards[shard]->view.geometry.ring_slots - 1u;
    const uint32_t before = self->fill[shard];
    if (outcome == SLOTQ_FULL) {
        self->fill[shard] = FILL_MOST;
    } else if (call->push.used > 0) {
        self->fill[shard] = share_of(call->push.used, capacity);
    } else {
        /* it was full, and has room: how much is not known */
        const uint32_t known = before == FILL_MOST ? FILL_MOST / 2 : before;
        const uint32_t sum = known + share_of(call->push.count, capacity);
        self->fill[shard] = (uint16_t)(sum < FILL_MOST ? sum : FILL_MOST - 1);
    }
}

slotq_outcome shards_add_to(shards_store *self, uint32_t shard, slotq_call *call,
                            store_fault *fault)
{
    const slotq_outcome outcome = shards_run(self, shard, call, NULL, fault);
    if (call->verb == SLOTQ_PUSH) {
        number_push(&call->push, shard, outcome);
    } else {
        number_schedule(&call->schedule, shard, outcome);
    }
    note_fill(self, shard, call, outcome);
    if (call->verb == SLOTQ_PUSH && call->push.may_wait && outcome == SLOTQ_FULL) {
        shards_note_room(self, shard);
    }
    return outcome;
}

/* ---- any shard ---- */

/* Nothing was pushed, for a reason of this shard that another one may not have. The number says
 * how much it tells of a queue whose shards have all refused; 0: no such reason. */
static uint32_t weight_of(slotq_outcome outcome)
{
    switch (outcome) {
    case SLOTQ_FULL:
        return 5;
    case SLOTQ_PAUSED:
        return 4;
    case SLOTQ_CLOSED:
        return 3;
    case SLOTQ_TOOBIG:
        return 2;
    case SLOTQ_NOQUEUE:
        return 1;
    default:
        return 0;
    }
}

/* Producers use the shard now. */
static bool is_open(const shards_store *self, uint32_t shard, uint64_t now_ms)
{
    const shards_entry *entry = &self->descriptor.entries[shard];
    return entry->state == SHARDS_OPEN && entry->from_ms <= now_ms;
}

static uint32_t draw(shards_store *self)
{
    self->push_seed = self->push_seed * UINT32_C(1664525) + UINT32_C(1013904223);
    return (uint32_t)((uint64_t)self->push_seed * self->descriptor.count >> 32);
}

/* The next open shard from `from` on, around the ring; count if there is none but `without`. */
static uint32_t open_from(const shards_store *self, uint32_t from, uint32_t without,
                          uint64_t now_ms)
{
    const uint32_t count = self->descriptor.count;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t shard = (from + i) % count;
        if (shard != without && is_open(self, shard, now_ms) && !self->missing[shard]) {
            return shard;
        }
    }
    return count;
}

/* Consumers sleep there, and the push saves a nudge. A handle that pushes often spreads. */
static bool prefers_bell(const shards_store *self, const slotq_call *call, uint64_t now_ms)
{
    const uint32_t bell = shards_bell_of(self);
    return call->verb == SLOTQ_PUSH && self->bell_sleeps && bell < self->descriptor.count &&
           is_open(self, bell, now_ms) && !self->missing[bell] &&
           now_ms >= self->pushed_ms + IDLE_MS;
}

/* Two open shards are drawn: the less full one comes first (rule 30). *second is where a refused
 * push goes on. */
static uint32_t choose(shards_store *self, const slotq_call *call, uint64_t now_ms,
                       uint32_t *second)
{
    const uint32_t count = self->descriptor.count;
    const bool at_bell = prefers_bell(self, call, now_ms);
    const uint32_t first =
        at_bell ? shards_bell_of(self) : open_from(self, draw(self), count, now_ms);
    const uint32_t other = open_from(self, draw(self), first, now_ms);
    if (call->verb == SLOTQ_PUSH) {
        self->pushed_ms = now_ms;
    }
    if (at_bell) {
        *second = other;
        return first;
    }
    const bool is_less = other < count && self->fill[other] < self->fill[first];
    *second = is_less ? first : other;
    if (other < count) { /* what it remembers of the fuller one gets old: it may have emptied */
        self->fill[*second] -= (uint16_t)((self->fill[*second] + FILL_FADES - 1) / FILL_FADES);
    }
    return is_less ? other : first;
}

/* What a refused call said, kept while others are tried. */
typedef struct refusal {
    slotq_outcome outcome;
    slotq_holder holder;
} refusal;

static void keep_refusal(refusal *kept, slotq_call *call, slotq_outcome outcome)
{
    const bool is_push = call->verb == SLOTQ_PUSH;
    if (kept->outcome == SLOTQ_OK || weight_of(outcome) > weight_of(kept->outcome)) {
        kept->outcome = outcome;
        kept->holder = is_push ? call->push.holder : kept->holder;
    }
}

/* A handle sleeps on the words of all shards in this machine's memory; on servers it listens to
 * two (rule 31). */
static bool may_register(const shards_store *self, uint32_t shard)
{
    const store *at = self->shards[shard];
    return (at != NULL && at->sleeps_beside) || self->room_count < SHARDS_ROOMS ||
           shards_waits_in(self, shard);
}

static slotq_outcome add_anywhere(shards_store *self, slotq_call *call, shards_again again,
                                  uint64_t now_ms, store_fault *fault)
{
    const uint32_t count = self->descriptor.count;
    refusal kept = {.outcome = SLOTQ_OK};
    store_fault away = {.outcome = SLOTQ_OK};
    const bool waits = call->verb == SLOTQ_PUSH && call->push.may_wait;
    uint32_t second = 0;
    uint32_t first = choose(self, call, now_ms, &second);
    if (waits && self->room_count > 0) { /* told of room there, perhaps */
        first = self->rooms[0];
        second = self->rooms[self->room_count - 1];
    }
    for (uint32_t i = 0; i <= count; i++) { /* the first, then all others around the ring */
        const uint32_t shard = i == 0 ? first : (second + i - 1) % count;
        if (shard >= count || (i > 0 && shard == first) || !is_open(self, shard, now_ms)) {
            continue;
        }
        shards_begin_again(call, again);
        if (waits) {
            call->push.may_wait = may_register(self, shard);
        }
        const slotq_outcome outcome = shards_add_to(self, shard, call, fault);
        if (waits) {
            call->push.may_wait = true;
        }
        if (self->hurries && shards_is_away(outcome, fault)) {
            away = *fault;
            continue;
        }
        if (weight_of(outcome) == 0) {
            return outcome;
        }
        keep_refusal(&kept, call, outcome);
    }
    if (away.outcome != SLOTQ_OK && kept.outcome != SLOTQ_FULL) {
        *fault = away;
        return away.outcome;
    }
    if (kept.outcome == SLOTQ_OK) {
        return fault_say(fault, SLOTQ_NOQUEUE,
                         "no shard of the queue is open for pushes yet: try again in 15 s");
    }
    if (call->verb == SLOTQ_PUSH) {
        call->push.holder = kept.holder;
    }
    return kept.outcome;
}

/* First without waiting for a server that is away: another shard will do, if any is there. */
static slotq_outcome add_in_haste(shards_store *self, slotq_call *call, shards_again again,
                                  uint64_t now_ms, store_fault *fault)
{
    self->hurries = self->base.has_trips;
    slotq_outcome outcome = add_anywhere(self, call, again, now_ms, fault);
    if (self->hurries && shards_is_away(outcome, fault)) {
        self->hurries = false;
        outcome = add_anywhere(self, call, again, now_ms, fault);
    }
    self->hurries = false;
    return outcome;
}

slotq_outcome shards_add_anywhere(shards_store *self, slotq_call *call, store_fault *fault)
{
    const shards_again again = shards_begin(call);
    const uint64_t now_ms =
        again.now_ms != STORE_TIME ? again.now_ms : self->base.owner->exact_ms(self->base.handle);
    const bool waits = call->verb == SLOTQ_PUSH && call->push.may_wait;
    if (!waits) {
        return add_in_haste(self, call, again, now_ms, fault);
    }
    slotq_outcome outcome = SLOTQ_FULL;
    if (self->room_count == 0) {
        call->push.may_wait = false;
        outcome = add_in_haste(self, call, again, now_ms, fault);
        call->push.may_wait = true;
    }
    if (outcome == SLOTQ_FULL) { /* the second time it is registered where it is refused */
        outcome = add_in_haste(self, call, again, now_ms, fault);
    }
    if (outcome == SLOTQ_OK || outcome == SLOTQ_UNCONFIRMED) {
        shards_leave_all(self);
    }
    return outcome;
}

/* ---- a call ---- */

/* All messages with a key belong to one shard, *shard; false: to several. *any: one has a key. */
static bool find_route(const shards_store *self, const uint64_t *keys, uint32_t count,
                       uint32_t *shard, bool *any)
{
    *any = false;
    for (uint32_t i = 0; keys != NULL && i < count; i++) {
        if (keys[i] == 0) {
            continue;
        }
        const uint32_t route = shards_route(keys[i], self->descriptor.count);
        if (*any && route != *shard) {
            return false;
        }
        *shard = route;
        *any = true;
    }
    return true;
}

/* Whether each fits into every shard: else it would depend on the shard that is drawn. */
static bool all_fit(const shards_store *self, const slotq_data *messages, uint32_t count)
{
    uint32_t largest = 0;
    for (uint32_t i = 0; i < count; i++) {
        largest = messages[i].size > largest ? messages[i].size : largest;
    }
    return largest <= self->base.view.geometry.payload_bytes;
}

slotq_outcome shards_push(shards_store *self, slotq_call *call, store_fault *fault)
{
    const bool is_push = call->verb == SLOTQ_PUSH;
    const slotq_data *messages = is_push ? call->push.messages : call->schedule.messages;
    const uint64_t *keys = is_push ? call->push.keys : call->schedule.keys;
    const uint32_t count = is_push ? call->push.count : call->schedule.count;
    const uint8_t *outcomes = is_push ? call->push.outcomes : call->schedule.outcomes;
    uint32_t shard = 0;
    bool has_key = false;
    const bool is_one = find_route(self, keys, count, &shard, &has_key);
    if (has_key && (self->descriptor.flags & SHARDS_FLAG_KEYED) == 0) {
        return fault_say(fault, SLOTQ_INVALID,
                         "a message has a key, but the sharded queue was made without keys. "
                         "Nothing happened");
    }
    if (count <= SLOTQ_CALL_MESSAGES_MAX && !all_fit(self, messages, count)) {
        return SLOTQ_TOOBIG;
    }
    if (has_key && outcomes != NULL) {
        return shards_add_split(self, call, fault);
    }
    if (!is_one) {
        return fault_say(
            fault, SLOTQ_INVALID,
            "the messages of one call have keys of several shards, and it does not ask "
            "for the outcome of each (outcomes of slotq_push_options). Nothing "
            "happened");
    }
    return has_key ? shards_add_to(self, shard, call, fault)
                   : shards_add_anywhere(self, call, fault);
}

slotq_outcome shards_find(shards_store *self, slotq_call *call, store_fault *fault)
{
    const uint32_t shard = shards_route(call->find.key, self->descriptor.count);
    const slotq_outcome outcome = shards_run(self, shard, call, NULL, fault);
    if (outcome == SLOTQ_OK) {
        number_taken(&call->find.holder, shard);
    }
    return outcome;
}
