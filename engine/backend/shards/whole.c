/* whole.c: verbs that are about a sharded queue as a whole: run in each shard, one after another,
 * and summed (SHARDS.md, "The queue as a whole"). Knows which numbers add up.
 */
#include <string.h>

#include "ids.h"
#include "inside.h"

/* One that is missing is passed over (rule 25). */
static bool is_used(const shards_store *self, uint32_t shard)
{
    return self->shards[shard] != NULL && !self->missing[shard];
}

/* Those over which limits are divided, missing ones too (rule 55). */
static uint32_t shards_of(const shards_store *self)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < self->descriptor.count; i++) {
        count += !shards_is_unused(self, i);
    }
    return count > 0 ? count : 1; /* nothing is divided by 0; without any, all is refused */
}

static slotq_outcome refuse_all(const shards_store *self, store_fault *fault)
{
    return fault_say(fault, SLOTQ_NOQUEUE,
                     "all shards of the sharded queue %.190s are missing. Nothing happened. slotq "
                     "doctor says more",
                     self->source.name);
}

/* ---- stats ---- */

/* Of two times, 0 = none. */
static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a == 0 || (b > 0 && b < a) ? b : a;
}

static void add_counts(slotq_stats *sum, const slotq_stats *one)
{
    sum->capacity += one->capacity;
    sum->used += one->used;
    sum->ready += one->ready;
    sum->undelivered += one->undelivered;
    sum->leased += one->leased;
    sum->waiting += one->waiting;
    sum->unfinished += one->unfinished;
    sum->acked += one->acked;
    sum->redelivered += one->redelivered;
    sum->died += one->died;
    sum->aside += one->aside;
    sum->aside_capacity += one->aside_capacity;
    sum->later += one->later;
    sum->later_capacity += one->later_capacity;
    sum->dead += one->dead;
    sum->dead_capacity += one->dead_capacity;
    sum->dropped += one->dropped;
    sum->dead_dropped += one->dead_dropped;
}

/* one has the numbers of a shard, its ids numbered. max_leased of a shard is a part of the
 * queue's; a rate's interval is as many times the queue's as there are shards. */
static void add(slotq_stats *sum, const slotq_stats *one)
{
    add_counts(sum, one);
    sum->next_due_ms = earlier(sum->next_due_ms, one->next_due_ms);
    sum->oldest_ms = earlier(sum->oldest_ms, one->oldest_ms);
    sum->later_due_ms = earlier(sum->later_due_ms, one->later_due_ms);
    sum->paused |= one->paused;
    const uint32_t leased = (uint32_t)sum->limits.max_leased + one->limits.max_leased;
    sum->limits.max_leased = (uint16_t)(leased < UINT16_MAX ? leased : UINT16_MAX);
    if (one->limited_until_ms < sum->limited_until_ms) {
        sum->limited_until_ms = one->limited_until_ms;
    }
    if (one->holder.held > sum->holder.held) {
        sum->holder = one->holder;
    }
}

static void number_ids(slotq_stats *stats, uint32_t shard)
{
    stats->last_id = stats->last_id > 0 ? shards_id_of(shard, stats->last_id) : 0;
    stats->holder.id = stats->holder.id > 0 ? shards_id_of(shard, stats->holder.id) : 0;
}

slotq_outcome shards_stats(shards_store *self, slotq_call *call, store_fault *fault)
{
    const shards_again again = shards_begin(call);
    const uint32_t shards = shards_of(self);
    slotq_stats sum;
    bool any = false;
    memset(&sum, 0, sizeof sum);
    for (uint32_t i = 0; i < self->descriptor.count; i++) {
        if (!is_used(self, i)) {
            continue;
        }
        shards_begin_again(call, again);
        const slotq_outcome outcome = shards_run(self, i, call, NULL, fault);
        if (self->missing[i] && outcome == SLOTQ_NOQUEUE) {
            continue;
        }
        if (outcome != SLOTQ_OK) {
            return outcome;
        }
        number_ids(&call->stats.stats, i);
        if (any) {
            add(&sum, &call->stats.stats);
        } else {
            sum = call->stats.stats;
            sum.limits.rate_interval_us /= shards;
        }
        any = true;
    }
    if (!any) {
        return refuse_all(self, fault);
    }
    sum.last_id = 0; /* the newest of all is not known */
    call->stats.stats = sum;
    return SLOTQ_OK;
}

/* ---- in each shard ---- */

static slotq_outcome judge_limit(const slotq_call_limit *limit, uint32_t shards, store_fault *fault)
{
    const slotq_limits *limits = &limit->limits;
    if ((limit->what & SLOTQ_LIMIT_LEASED) != 0 && limits->max_leased > 0 &&
        limits->max_leased < shards) {
        return fault_say(fault, SLOTQ_INVALID,
                         "max_leased is %u; the queue has %u shards, and each needs 1 at least. "
                         "Nothing happened",
                         limits->max_leased, shards);
    }
    if ((limit->what & SLOTQ_LIMIT_RATE) != 0 &&
        limits->rate_interval_us > SLOTQ_RATE_INTERVAL_US_MAX / shards) {
        return fault_say(fault, SLOTQ_INVALID,
                         "the rate's interval is %llu us; with %u shards %llu are allowed at most. "
                         "Nothing happened",
                         (unsigned long long)limits->rate_interval_us, shards,
                         (unsigned long long)SLOTQ_RATE_INTERVAL_US_MAX / shards);
    }
    return SLOTQ_OK;
}

/* The part of one shard, the index-th of those that are not gone (rule 55). */
static slotq_limits part_of(const slotq_limits *limits, uint32_t index, uint32_t shards)
{
    slotq_limits part = *limits;
    part.max_leased = (uint16_t)(limits->max_leased / shards);
    part.max_leased = (uint16_t)(part.max_leased + (index < limits->max_leased % shards));
    part.rate_interval_us *= shards;
    return part;
}

/* What a call counts, taken out of it before it is run again. */
typedef struct counts {
    uint32_t ready;
    uint32_t dead;
} counts;

static void count(const slotq_call *call, counts *sum)
{
    if (call->verb == SLOTQ_RECLAIM) {
        sum->ready += call->reclaim.ready_count;
        sum->dead += call->reclaim.dead_count;
    } else if (call->verb == SLOTQ_DEAD_PURGE) {
        sum->dead += call->dead.count;
    }
}

static void tell_counts(slotq_call *call, const counts *sum)
{
    if (call->verb == SLOTQ_RECLAIM) {
        call->reclaim.ready_count = sum->ready;
        call->reclaim.dead_count = sum->dead;
    } else if (call->verb == SLOTQ_DEAD_PURGE) {
        call->dead.count = sum->dead;
    }
}

/* The fault of a shard, with what was done before it. */
static slotq_outcome tell_how_far(slotq_outcome outcome, slotq_verb verb, uint32_t done,
                                  uint32_t shards, store_fault *fault)
{
    if (done > 0 && outcome >= SLOTQ_FAILURES) {
        char text[FAULT_TEXT_BYTES];
        const store_fault of_shard = *fault;
        memcpy(text, fault->text, sizeof text);
        text[sizeof text - 1] = '\0';
        fault_say(fault, outcome, "%s reached %u of %u shards, repeat it: %s",
                  slotq_core_verb_name(verb), done, shards, text);
        fault->system_errno = of_shard.system_errno;
        fault->offset = of_shard.offset;
        fault->cause = of_shard.cause;
    }
    return outcome;
}

slotq_outcome shards_in_all(shards_store *self, slotq_call *call, store_fault *fault)
{
    const shards_again again = shards_begin(call);
    const uint32_t shards = shards_of(self);
    const slotq_limits limits = call->limit.limits;
    counts sum = {0, 0};
    uint32_t index = 0; /* the next one's of those over which limits are divided */
    uint32_t done = 0;
    slotq_outcome answer = SLOTQ_OK;
    if (call->verb == SLOTQ_LIMIT) {
        answer = judge_limit(&call->limit, shards, fault);
    }
    for (uint32_t i = 0; i < self->descriptor.count && answer != SLOTQ_INVALID; i++) {
        const uint32_t here = index;
        index += !shards_is_unused(self, i);
        if (!is_used(self, i)) {
            continue;
        }
        shards_begin_again(call, again);
        if (call->verb == SLOTQ_LIMIT) {
            call->limit.limits = part_of(&limits, here, shards);
        }
        const slotq_outcome outcome = shards_run(self, i, call, NULL, fault);
        if (self->missing[i] && outcome == SLOTQ_NOQUEUE) {
            continue;
        }
        if (outcome != SLOTQ_OK && outcome != SLOTQ_AGAIN) {
            answer = tell_how_far(outcome, call->verb, done, shards, fault);
            break;
        }
        answer = outcome == SLOTQ_AGAIN ? outcome : answer;
        count(call, &sum);
        done++;
    }
    if (call->verb == SLOTQ_LIMIT) {
        call->limit.limits = limits;
    }
    tell_counts(call, &sum);
    return answer == SLOTQ_OK && done == 0 ? refuse_all(self, fault) : answer;
}
