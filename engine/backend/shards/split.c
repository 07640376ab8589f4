/* split.c: a push or schedule of messages with keys of several shards: each shard gets its own, and
 * each message has its outcome (SHARDS.md, rule 29). Knows how keys are judged; no shard's
 * contents.
 */
#include <stdlib.h>

#include "../../layout/assert.h"
#include "inside.h"
#include "routing.h"

enum {
    PENDING = SLOTQ_MORE, /* no outcome yet: it is none of a message */
    ANY_SHARD = SLOTQ_SHARDS_MAX,
    RESEND_TIMES = 2
};

/* The messages of a call that go to one shard, in their order. */
typedef struct part {
    slotq_data *messages;
    uint64_t *keys;
    uint32_t *numbers; /* in the call */
    uint32_t count;
    uint32_t shard; /* or ANY_SHARD */
} part;

/* The call as it was given, and the refusal that it returns: that of the first message. */
typedef struct splitting {
    shards_store *self;
    slotq_call *whole;
    const slotq_data *messages;
    const uint64_t *keys;
    uint64_t *ids; /* or NULL */
    uint8_t *outcomes;
    uint32_t count;
    slotq_key_mode mode;
    shards_again again;
    part part;
    slotq_call refused; /* its holder, taken and damage */
    store_fault fault;
    uint32_t refused_message; /* count: none */
} splitting;

/* ---- one part ---- */

/* Messages without a key go anywhere; but where the first key stands for the whole call, they stay
 * with it. */
static uint32_t route_of(const splitting *it, uint32_t message)
{
    const bool stays = it->mode == SLOTQ_KEY_RESEND && it->keys[message] == 0;
    const uint64_t key = it->keys[stays ? 0 : message];
    return key == 0 ? ANY_SHARD : shards_route(key, it->self->descriptor.count);
}

static void take_part(splitting *it, uint32_t first)
{
    part *of = &it->part;
    of->count = 0;
    of->shard = route_of(it, first);
    for (uint32_t i = first; i < it->count; i++) {
        if (it->outcomes[i] == PENDING && route_of(it, i) == of->shard) {
            of->messages[of->count] = it->messages[i];
            of->keys[of->count] = it->keys[i];
            of->numbers[of->count++] = i;
        }
    }
}

static void begin(const splitting *it, slotq_call *call)
{
    const part *of = &it->part;
    *call = *it->whole;
    shards_begin_again(call, it->again);
    if (call->verb == SLOTQ_PUSH) {
        call->push.messages = of->messages;
        call->push.keys = of->shard == ANY_SHARD ? NULL : of->keys;
        call->push.count = of->count;
    } else {
        call->schedule.messages = of->messages;
        call->schedule.keys = of->shard == ANY_SHARD ? NULL : of->keys;
        call->schedule.count = of->count;
    }
}

static slotq_key_holder *taken_of(slotq_call *call)
{
    return call->verb == SLOTQ_PUSH ? &call->push.taken : &call->schedule.taken;
}

static slotq_outcome run_once(const splitting *it, slotq_call *call, store_fault *fault)
{
    begin(it, call);
    return it->part.shard == ANY_SHARD ? shards_add_anywhere(it->self, call, fault)
                                       : shards_add_to(it->self, it->part.shard, call, fault);
}

/* Once more if the answer was lost and the first key protects the part. */
static slotq_outcome run_part(const splitting *it, slotq_call *call, store_fault *fault)
{
    slotq_outcome outcome = run_once(it, call, fault);
    const bool repeats = it->mode == SLOTQ_KEY_RESEND && outcome == SLOTQ_OUTCOME_UNKNOWN;
    for (int i = 0; repeats && i < RESEND_TIMES && outcome == SLOTQ_OUTCOME_UNKNOWN; i++) {
        outcome = run_once(it, call, fault);
    }
    if (repeats && outcome == SLOTQ_DUPLICATE && call->verb == SLOTQ_PUSH &&
        call->push.taken.place != SLOTQ_KEY_SCHEDULED) {
        call->push.first_id = call->push.taken.id;
        outcome = fault->unconfirmed ? SLOTQ_UNCONFIRMED : SLOTQ_OK;
    }
    return outcome;
}

/* ---- outcomes ---- */

static void keep_refusal(splitting *it, uint32_t message, const slotq_call *call,
                         const store_fault *fault)
{
    if (message < it->refused_message) {
        it->refused_message = message;
        it->refused = *call;
        it->fault = *fault;
        taken_of(&it->refused)->message = message;
    }
}

/* All of the part have this outcome. */
static void tell_all(splitting *it, slotq_outcome outcome, const slotq_call *call,
                     const store_fault *fault)
{
    const part *of = &it->part;
    const bool is_in = outcome == SLOTQ_OK || outcome == SLOTQ_UNCONFIRMED;
    const uint64_t first =
        call->verb == SLOTQ_PUSH ? call->push.first_id : call->schedule.first_later_id;
    for (uint32_t i = 0; i < of->count; i++) {
        it->outcomes[of->numbers[i]] = (uint8_t)outcome;
        if (it->ids != NULL && is_in) {
            it->ids[of->numbers[i]] = first + i;
        }
    }
    if (outcome != SLOTQ_OK) {
        keep_refusal(it, of->numbers[0], call, fault);
    }
}

/* The key of one message is taken: the others are tried without it. */
static void leave_out(splitting *it, uint32_t at, const slotq_call *call, const store_fault *fault)
{
    part *of = &it->part;
    it->outcomes[of->numbers[at]] = SLOTQ_DUPLICATE;
    keep_refusal(it, of->numbers[at], call, fault);
    of->count--;
    for (uint32_t i = at; i < of->count; i++) {
        of->messages[i] = of->messages[i + 1];
        of->keys[i] = of->keys[i + 1];
        of->numbers[i] = of->numbers[i + 1];
    }
}

static void add_part(splitting *it, store_fault *fault)
{
    while (it->part.count > 0) {
        slotq_call call;
        fault->text[0] = '\0';
        fault->unconfirmed = false;
        const slotq_outcome outcome = run_part(it, &call, fault);
        const uint32_t at = outcome == SLOTQ_DUPLICATE ? taken_of(&call)->message : 0;
        if (outcome != SLOTQ_DUPLICATE || it->mode == SLOTQ_KEY_RESEND || at >= it->part.count) {
            tell_all(it, outcome, &call, fault);
            return;
        }
        leave_out(it, at, &call, fault);
    }
}

/* ---- the call ---- */

static bool make_room(splitting *it)
{
    part *of = &it->part;
    of->messages = calloc(it->count, sizeof *of->messages);
    of->keys = calloc(it->count, sizeof *of->keys);
    of->numbers = calloc(it->count, sizeof *of->numbers);
    return of->messages != NULL && of->keys != NULL && of->numbers != NULL;
}

static void free_room(splitting *it)
{
    free(it->part.messages);
    free(it->part.keys);
    free(it->part.numbers);
}

/* A key that is given twice may go unseen where each is tried for itself. */
static bool is_twice(const splitting *it)
{
    for (uint32_t i = 1; i < it->count; i++) {
        for (uint32_t j = 0; it->keys[i] != 0 && j < i; j++) {
            if (it->keys[i] == it->keys[j]) {
                return true;
            }
        }
    }
    return false;
}

static splitting of_call(shards_store *self, slotq_call *call)
{
    splitting it = {.self = self, .whole = call, .again = shards_begin(call)};
    if (call->verb == SLOTQ_PUSH) {
        const slotq_call_push *push = &call->push;
        it.messages = push->messages;
        it.keys = push->keys;
        it.ids = push->ids;
        it.outcomes = push->outcomes;
        it.count = push->count;
        it.mode = push->key_mode;
    } else {
        const slotq_call_schedule *schedule = &call->schedule;
        it.messages = schedule->messages;
        it.keys = schedule->keys;
        it.ids = schedule->ids;
        it.outcomes = schedule->outcomes;
        it.count = schedule->count;
        it.mode = schedule->key_mode;
    }
    it.refused_message = it.count;
    return it;
}

/* What the call says as a whole. */
static slotq_outcome sum_up(splitting *it, store_fault *fault)
{
    slotq_call *call = it->whole;
    if (it->refused_message < it->count) {
        call->now_ms = it->refused.now_ms;
        call->damage = it->refused.damage;
        *fault = it->fault;
        if (call->verb == SLOTQ_PUSH) {
            call->push.holder = it->refused.push.holder;
            call->push.taken = it->refused.push.taken;
        } else {
            call->schedule.taken = it->refused.schedule.taken;
        }
        return (slotq_outcome)it->outcomes[it->refused_message];
    }
    return SLOTQ_OK;
}

slotq_outcome shards_add_split(shards_store *self, slotq_call *call, store_fault *fault)
{
    splitting it = of_call(self, call);
    if (it.count == 0 || it.count > SLOTQ_CALL_MESSAGES_MAX || it.mode == SLOTQ_KEY_NONE ||
        it.mode > SLOTQ_KEY_RESEND || is_twice(&it)) {
        return SLOTQ_INVALID;
    }
    if (!make_room(&it)) {
        free_room(&it);
        return fault_say(fault, SLOTQ_NOMEMORY, "no memory to split a push of %u messages",
                         it.count);
    }
    for (uint32_t i = 0; i < it.count; i++) {
        it.outcomes[i] = PENDING;
        if (it.ids != NULL) {
            it.ids[i] = 0;
        }
    }
    for (uint32_t i = 0; i < it.count; i++) {
        if (it.outcomes[i] == PENDING) {
            take_part(&it, i);
            add_part(&it, fault);
        }
    }
    free_room(&it);
    const uint64_t first = it.ids != NULL ? it.ids[0] : 0;
    if (call->verb == SLOTQ_PUSH) {
        call->push.first_id = first;
    } else {
        call->schedule.first_later_id = first;
    }
    return sum_up(&it, fault);
}
