/* deliver.c: reserve of a sharded queue: which shard gives messages. Knows outcomes; no id but to
 * number it.
 */
#include "ids.h"
#include "inside.h"

/* Rule 34: full batches of one shard in succession. */
enum { IN_SEQUENCE_MAX = 4 };

/* Nothing happened in this shard, for now: its server is away, or is being replaced. */
bool shards_is_away(slotq_outcome outcome, const store_fault *fault)
{
    return outcome >= SLOTQ_FAILURES && outcome != SLOTQ_OUTCOME_UNKNOWN && fault->passes;
}

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
        const slotq_outcome outcome = shards_run_wide(self, shard, call, harvest, fault);
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

slotq_outcome shards_look_and_outlast(shards_store *self, slotq_call *call, shards_again again,
                                      shards_looks looks, store_harvest *harvest,
                                      store_fault *fault)
{
    self->hurries = self->base.has_trips;
    slotq_outcome outcome = shards_look_around(self, call, again, looks, harvest, fault);
    if (self->hurries && shards_is_away(outcome, fault)) {
        self->hurries = false;
        outcome = shards_look_around(self, call, again, looks, harvest, fault);
    }
    self->hurries = false;
    return outcome;
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
    slotq_outcome outcome = shards_look_and_outlast(self, call, again, looks, harvest, fault);
    if (waits) { /* the second round registers at each shard */
        call->reserve.may_wait = true;
        if (shards_found_nothing(outcome)) {
            outcome = shards_look_and_outlast(self, call, again, looks, harvest, fault);
        }
    }
    if (outcome == SLOTQ_OK) {
        shards_leave_all(self);
    }
    return outcome;
}
