/* wait.c: a handle of a sharded queue on servers does what bell.c says: it asks shards, and tells
 * consumers that sleep at the bell (SHARDS.md, rules 34 to 47). Knows stores;
 * must not know a server.
 */
#include "inside.h"

enum { PROBES = 3 }; /* rule 34 */

static uint64_t now_of(const shards_store *self)
{
    return self->base.owner->exact_ms(self->base.handle);
}

uint32_t shards_bell_of(const shards_store *self)
{
    uint32_t shard = 0;
    while (shard < self->descriptor.count && self->descriptor.entries[shard].state != SHARDS_OPEN) {
        shard++;
    }
    return shard;
}

/* The store of the bell, if it can be one; else NULL. It is not waited for
 * where it is away: that costs a poll, and a call would cost its caller seconds. */
static store *find_bell(const shards_store *self, uint32_t *shard)
{
    const uint32_t bell = shards_bell_of(self);
    store *at = bell < self->descriptor.count ? self->shards[bell] : NULL;
    *shard = bell < self->descriptor.count ? bell : 0;
    if (at == NULL || self->missing[bell] || at->ops->bell == NULL) {
        return NULL;
    }
    at->hurries = true;
    return at;
}

/* ---- telling ---- */

void shards_nudge(shards_store *self, uint32_t shard, const slotq_call *call)
{
    uint32_t at = 0;
    uint32_t told = 0;
    bool may_sleep = true;
    store_fault ignored; /* the next round finds what no consumer was told of */
    store *bell = find_bell(self, &at);
    if (bell == NULL || bell->ops->bell->nudge(bell, &call->nudge, shard, &told, &may_sleep,
                                               &ignored) != SLOTQ_OK) {
        return;
    }
    store *from = self->shards[shard];
    if (call->verb != SLOTQ_RESERVE && shards_bell_hushes(told, may_sleep)) { /* rule 46 */
        (void)from->ops->bell->hush(from, call->nudge.counter, &ignored);
    }
}

/* Rules 41 to 43. */
static void hand_over(shards_store *self, store *bell, uint32_t what)
{
    const slotq_nudge nudge = {.need = 1, .group = self->group};
    uint32_t told;
    bool may_sleep;
    store_fault ignored;
    (void)bell->ops->bell->nudge(bell, &nudge, what == SHARDS_BELL_WHOLE ? SLOTQ_SHARDS_MAX : what,
                                 &told, &may_sleep, &ignored);
}

/* ---- waiting ---- */

static void take_told(const store_told *told, uint32_t bell, shards_set *set)
{
    for (uint32_t i = 0; i < SLOTQ_SHARDS_MAX; i++) {
        if ((told->shards[i / 8] >> i % 8 & 1) != 0) {
            shards_set_put(set, i);
        }
    }
    if (told->bell) {
        shards_set_put(set, bell);
    }
    set->whole = set->whole || told->round;
}

static void note_told(shards_bell *bell, const store_told *told)
{
    shards_set set = {{0}, false};
    take_told(told, bell->shard, &set);
    for (uint32_t i = 0; i < SLOTQ_SHARDS_MAX; i++) {
        if (shards_set_has(&set, i)) {
            shards_bell_told(bell, i);
        }
    }
    if (set.whole) {
        shards_bell_told(bell, SHARDS_BELL_WHOLE);
    }
}

bool shards_waits_at_bell(shards_store *self)
{
    uint32_t shard = 0;
    const bool has_bell = find_bell(self, &shard) != NULL;
    if (!has_bell || shard != self->bell.shard) { /* the view has changed */
        (void)shards_leave_bell(self);
        self->bell.hears = false;
        self->bell.round_ms = 0;
        self->bell.shard = shard;
    }
    if (!has_bell) {
        return false;
    }
    self->bell.looked_at = (shards_set){{0}, false};
    for (uint32_t i = 0; i < self->descriptor.count; i++) {
        if (i != shard && self->shards[i] != NULL && !self->missing[i]) {
            shards_set_put(&self->bell.looked_at, i);
        }
    }
    return true;
}

void shards_doze(shards_store *self, uint64_t sleep_ms)
{
    store *bell = self->shards[self->bell.shard];
    store_told told = {0};
    bell->owner = self->base.owner;
    bell->handle = self->base.handle;
    bell->ops->bell->doze(bell, sleep_ms);
    const bool hears = bell->ops->bell->told(bell, self->group, false, &told);
    note_told(&self->bell, &told);
    if (!hears) {
        shards_bell_lost(&self->bell);
    }
}

/* One look, of a round or at a shard that it was told of. */
static slotq_outcome look(shards_store *self, slotq_call *call, shards_again again,
                          const shards_bell_step *step, store_harvest *harvest, store_fault *fault)
{
    const uint32_t limit = call->reserve.limit;
    const bool is_of_round = step->act == SHARDS_BELL_SEARCH;
    shards_begin_again(call, again);
    call->progress.asks_ring = is_of_round;
    call->reserve.limit = is_of_round ? 1 : limit;
    call->reserve.may_wait = false;
    call->reserve.next_due_ms = UINT64_MAX;
    slotq_outcome outcome = shards_run_wide(self, step->shard, call, harvest, fault);
    call->reserve.limit = limit;
    if (shards_is_away(outcome, fault)) {
        self->bell.round_ms = 0; /* the next registration makes a round again */
        call->reserve.next_due_ms = UINT64_MAX;
        outcome = SLOTQ_EMPTY;
    }
    if (outcome == SLOTQ_AGAIN && call->reserve.next_due_ms == UINT64_MAX) {
        return outcome; /* the same look again */
    }
    if (outcome == SLOTQ_OK) {
        shards_number_runs(&call->reserve, step->shard);
    }
    shards_bell_looked(&self->bell, step->shard, outcome == SLOTQ_OK, call->reserve.next_due_ms,
                       now_of(self));
    return outcome;
}

/* It is not for the rules of the bell. */
static bool must_return(const slotq_call *call, slotq_outcome outcome)
{
    return !shards_found_nothing(outcome) || outcome == SLOTQ_PAUSED ||
           (outcome == SLOTQ_AGAIN && call->reserve.next_due_ms == UINT64_MAX);
}

/* A reserve at the bell. */
static slotq_outcome enlist(shards_store *self, slotq_call *call, shards_again again,
                            store_harvest *harvest, store_fault *fault)
{
    store *bell = self->shards[self->bell.shard];
    shards_bell_answer answer = {.due_ms = UINT64_MAX};
    const bool was_told = shards_set_has(&self->bell.hints, self->bell.shard);
    shards_begin_again(call, again);
    call->reserve.may_wait = true;
    call->reserve.kept = false;
    call->reserve.others = 0;
    call->reserve.before = 0;
    call->reserve.next_due_ms = UINT64_MAX;
    const slotq_outcome outcome = shards_run_wide(self, self->bell.shard, call, harvest, fault);
    if (outcome != SLOTQ_OK && must_return(call, outcome)) {
        return outcome;
    }
    if (outcome == SLOTQ_OK) {
        /* they do not sleep beside a backlog, but it was rung for this message */
        self->bell.others = was_told ? self->bell.others : 0;
        shards_number_runs(&call->reserve, self->bell.shard);
        answer.found = true;
    } else {
        store_told told = {0};
        answer.broke = !bell->ops->bell->told(bell, self->group, true, &told);
        take_told(&told, self->bell.shard, &answer.read);
        answer.kept = call->reserve.kept;
        answer.others = call->reserve.others;
        answer.before = call->reserve.before;
        answer.due_ms = call->reserve.next_due_ms;
    }
    shards_bell_registered(&self->bell, &answer, now_of(self));
    return outcome;
}

/* Unwait, and what is handed over then. *was_set: the place was set, if it was given up. */
static void go(shards_store *self, bool *was_set)
{
    store *bell = self->shards[self->bell.shard];
    shards_bell_step step = shards_bell_next(&self->bell);
    while (step.act == SHARDS_BELL_UNWAIT || step.act == SHARDS_BELL_NUDGE) {
        store_fault ignored;
        if (bell == NULL || bell->ops->bell == NULL) { /* it is gone, and its places */
            shards_bell_unwaited(&self->bell, true, 0);
            self->bell.owed = (shards_set){{0}, false};
        } else if (step.act == SHARDS_BELL_UNWAIT) {
            *was_set = false;
            (void)bell->ops->bell->unwait(bell, self->group, was_set, &ignored);
            shards_bell_unwaited(&self->bell, *was_set, now_of(self));
        } else {
            hand_over(self, bell, step.shard);
        }
        step = shards_bell_next(&self->bell);
    }
}

bool shards_leave_bell(shards_store *self)
{
    bool was_set = true;
    if (self->bell.phase != SHARDS_BELL_IDLE) {
        shards_bell_stop(&self->bell);
        go(self, &was_set);
    }
    return was_set;
}

/* The next step, which asks a shard. */
static slotq_outcome take_step(shards_store *self, const shards_bell_step *step, slotq_call *call,
                               shards_again again, store_harvest *harvest, store_fault *fault)
{
    return step->act == SHARDS_BELL_REGISTER ? enlist(self, call, again, harvest, fault)
                                             : look(self, call, again, step, harvest, fault);
}

/* It cannot listen: it looks everywhere each time, and sleeps a second at most (shards_sleep). */
static slotq_outcome look_without(shards_store *self, slotq_call *call, shards_again again,
                                  store_harvest *harvest, store_fault *fault)
{
    bool was_set;
    call->reserve.may_wait = false;
    const shards_looks looks = {SLOTQ_SHARDS_MAX, true};
    const slotq_outcome outcome = shards_look_and_outlast(self, call, again, looks, harvest, fault);
    call->reserve.may_wait = true;
    if (outcome == SLOTQ_OK) {
        shards_bell_stop(&self->bell);
        go(self, &was_set);
    }
    return outcome;
}

/* Until it has a message, or is to sleep. */
static slotq_outcome run_steps(shards_store *self, slotq_call *call, shards_again again,
                               store_harvest *harvest, store_fault *fault)
{
    store *bell = self->shards[self->bell.shard];
    slotq_outcome nothing = SLOTQ_EMPTY;
    bool was_set;
    shards_bell_wait(&self->bell, now_of(self));
    for (;;) {
        const shards_bell_step step = shards_bell_next(&self->bell);
        if (step.act == SHARDS_BELL_SLEEP) {
            call->reserve.next_due_ms = step.until_ms;
            return nothing;
        }
        if (step.act == SHARDS_BELL_SUBSCRIBE) {
            if (!bell->ops->bell->subscribe(bell)) {
                return look_without(self, call, again, harvest, fault);
            }
            shards_bell_subscribed(&self->bell);
            continue;
        }
        const slotq_outcome outcome = take_step(self, &step, call, again, harvest, fault);
        if (outcome == SLOTQ_OK) {
            go(self, &was_set);
            return outcome;
        }
        if (shards_is_away(outcome, fault)) { /* the bell */
            self->bell.round_ms = 0;
            return look_without(self, call, again, harvest, fault);
        }
        if (must_return(call, outcome)) {
            return outcome;
        }
        nothing = step.shard == self->bell.shard && outcome == SLOTQ_LIMITED ? outcome : nothing;
    }
}

/* The last look. A place that is still set was told of nothing. */
static slotq_outcome look_last(shards_store *self, slotq_call *call, shards_again again,
                               store_harvest *harvest, store_fault *fault)
{
    const bool was_set = shards_leave_bell(self);
    const shards_looks looks = {was_set ? 1 : SLOTQ_SHARDS_MAX, true};
    const shards_looks all = {SLOTQ_SHARDS_MAX, true};
    self->turn = was_set ? self->bell.shard : self->turn;
    const slotq_outcome outcome = shards_look_around(self, call, again, looks, harvest, fault);
    return shards_is_away(outcome, fault)
               ? shards_look_and_outlast(self, call, again, all, harvest, fault)
               : outcome;
}

/* Rule 34: before it waits. */
static slotq_outcome look_before(shards_store *self, slotq_call *call, shards_again again,
                                 store_harvest *harvest, store_fault *fault)
{
    const shards_looks looks = {PROBES, true};
    self->group = call->reserve.group;
    if (self->bell.others > 0) {
        return SLOTQ_EMPTY;
    }
    call->reserve.may_wait = false;
    const slotq_outcome outcome = shards_look_around(self, call, again, looks, harvest, fault);
    call->reserve.may_wait = true;
    return shards_is_away(outcome, fault) ? SLOTQ_EMPTY : outcome;
}

slotq_outcome shards_reserve_at_bell(shards_store *self, slotq_call *call, shards_again again,
                                     store_harvest *harvest, store_fault *fault)
{
    slotq_outcome outcome = SLOTQ_EMPTY;
    self->hurries = true;
    if (!call->reserve.may_wait) {
        outcome = look_last(self, call, again, harvest, fault);
    } else {
        if (self->bell.phase == SHARDS_BELL_IDLE) {
            outcome = look_before(self, call, again, harvest, fault);
        }
        if (shards_found_nothing(outcome) && outcome != SLOTQ_PAUSED) {
            outcome = run_steps(self, call, again, harvest, fault);
        }
    }
    self->hurries = false;
    return outcome;
}
