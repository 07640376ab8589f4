/* by_id.c: verbs of a sharded queue that name messages by their ids: each is run in the shard that
 * the id names. Knows no verb's meaning.
 */
#include "../../layout/assert.h"
#include "ids.h"
#include "inside.h"

enum { RUNS_AT_ONCE = 64 };

slotq_outcome shards_refuse_id(const shards_store *self, uint64_t id, store_fault *fault)
{
    char text[SHARDS_ID_TEXT_BYTES];
    shards_id_text(text, id);
    return fault_say(fault, SLOTQ_INVALID,
                     "%s is not an id of this sharded queue, which has %u shards: an id is that "
                     "of a shard and the message in it, as 3-1042. Nothing happened",
                     text, self->descriptor.count);
}

/* The outcome of a message whose shard has no store (rule 14). */
static slotq_outcome outcome_without(const shards_store *self, uint32_t shard, uint64_t id,
                                     slotq_outcome finished)
{
    const shards_entry *entry = &self->descriptor.entries[shard];
    return entry->state == SHARDS_GONE && id <= entry->last_id ? finished : SLOTQ_NOTFOUND;
}

slotq_outcome shards_with_id(shards_store *self, slotq_call *call, uint64_t *id, store_fault *fault)
{
    const uint64_t whole = *id;
    uint32_t shard = 0;
    uint64_t inner = 0;
    if (!shards_id_split(whole, self->descriptor.count, &shard, &inner)) {
        return shards_refuse_id(self, whole, fault);
    }
    if (shards_is_unused(self, shard)) {
        const bool is_kick = call->verb == SLOTQ_KICK && !call->kick.is_later;
        const bool is_gone = call->verb == SLOTQ_REMOVE || is_kick;
        const slotq_outcome finished = call->verb == SLOTQ_STATUS ? SLOTQ_FINISHED
                                       : is_gone                  ? SLOTQ_GONE
                                                                  : SLOTQ_NOTFOUND;
        return outcome_without(self, shard, inner, finished);
    }
    *id = inner;
    const slotq_outcome outcome = shards_run(self, shard, call, NULL, fault);
    *id = whole;
    return outcome;
}

slotq_outcome shards_dead_one(shards_store *self, slotq_call *call, store_harvest *harvest,
                              store_fault *fault)
{
    slotq_call_look *look = &call->look;
    const uint64_t whole = look->id;
    uint32_t shard = 0;
    if (!shards_id_split(whole, self->descriptor.count, &shard, &look->id)) {
        return shards_refuse_id(self, whole, fault);
    }
    slotq_outcome outcome = SLOTQ_EMPTY;
    look->count = 0;
    if (!shards_is_unused(self, shard)) {
        outcome = shards_run_wide(self, shard, call, harvest, fault);
    }
    look->id = whole;
    for (uint32_t i = 0; outcome == SLOTQ_OK && i < look->count; i++) {
        look->items[i].id = shards_id_of(shard, look->items[i].id);
    }
    return outcome;
}

/* ---- settle ---- */

/* Runs that are next to each other and of one shard. */
typedef struct settle_part {
    slotq_run runs[RUNS_AT_ONCE];
    uint32_t run_count;
    uint32_t messages;
    uint32_t shard;
} settle_part;

static void take_part(const shards_store *self, const slotq_call_settle *settle, uint32_t from,
                      settle_part *part)
{
    part->run_count = 0;
    part->messages = 0;
    part->shard = 0;
    for (uint32_t i = from; i < settle->run_count && part->run_count < RUNS_AT_ONCE; i++) {
        slotq_run run = settle->runs[i];
        uint32_t shard = 0;
        if (!shards_id_split(run.id, self->descriptor.count, &shard, &run.id) ||
            (part->run_count > 0 && shard != part->shard)) {
            break;
        }
        part->shard = shard;
        part->messages += run.count;
        part->runs[part->run_count++] = run;
    }
    SLOTQ_ASSERT(part->run_count > 0); /* all ids were judged before */
}

/* Before anything is done: every id is one of this queue, and the messages are not too many. */
static slotq_outcome judge_runs(const shards_store *self, const slotq_call_settle *settle,
                                store_fault *fault)
{
    uint64_t messages = 0;
    for (uint32_t i = 0; i < settle->run_count; i++) {
        uint32_t shard = 0;
        uint64_t id = 0;
        if (!shards_id_split(settle->runs[i].id, self->descriptor.count, &shard, &id)) {
            return shards_refuse_id(self, settle->runs[i].id, fault);
        }
        if (settle->runs[i].count == 0) {
            return fault_say(fault, SLOTQ_INVALID, "run %u has no messages. Nothing happened", i);
        }
        messages += settle->runs[i].count;
    }
    if (messages == 0 || messages > SLOTQ_CALL_MESSAGES_MAX) {
        return fault_say(fault, SLOTQ_INVALID,
                         "%llu messages in one call; 1 to %d are allowed. Nothing happened",
                         (unsigned long long)messages, SLOTQ_CALL_MESSAGES_MAX);
    }
    return SLOTQ_OK;
}

/* The messages of a shard that has no store. */
static slotq_outcome settle_without(const shards_store *self, const settle_part *part,
                                    slotq_call_settle *settle)
{
    slotq_outcome first = SLOTQ_OK;
    uint32_t at = 0;
    for (uint32_t i = 0; i < part->run_count; i++) {
        for (uint32_t k = 0; k < part->runs[i].count; k++, at++) {
            const slotq_outcome outcome =
                outcome_without(self, part->shard, part->runs[i].id + k, SLOTQ_GONE);
            first = first == SLOTQ_OK ? outcome : first;
            if (settle->outcomes != NULL) {
                settle->outcomes[at] = (uint8_t)outcome;
            }
            if (settle->tokens != NULL) {
                settle->tokens[at] = 4 * (uint32_t)outcome;
            }
        }
    }
    settle->ok_count = 0;
    settle->dead_count = 0;
    return first;
}

static slotq_outcome settle_part_of(shards_store *self, const slotq_call *whole, uint32_t done,
                                    const settle_part *part, slotq_call *call, store_fault *fault)
{
    *call = *whole;
    slotq_call_settle *settle = &call->settle;
    settle->runs = part->runs;
    settle->run_count = part->run_count;
    settle->outcomes = settle->outcomes == NULL ? NULL : settle->outcomes + done;
    settle->tokens = settle->tokens == NULL ? NULL : settle->tokens + done;
    return shards_is_unused(self, part->shard) ? settle_without(self, part, settle)
                                               : shards_run(self, part->shard, call, NULL, fault);
}

/* Some parts were done, and one was not, or perhaps. */
static slotq_outcome tell_broken(uint32_t done, uint32_t shard, slotq_outcome failed,
                                 store_fault *fault)
{
    if (done == 0) {
        return failed;
    }
    return fault_say(fault, SLOTQ_OUTCOME_UNKNOWN,
                     "the first %u messages were settled, then shard %u failed: settle all of them "
                     "again, those that are done are refused",
                     done, shard);
}

slotq_outcome shards_settle(shards_store *self, slotq_call *call, store_fault *fault)
{
    slotq_outcome first = SLOTQ_OK;
    uint32_t ok_count = 0;
    uint32_t dead_count = 0;
    uint32_t done = 0;
    const slotq_outcome judged = judge_runs(self, &call->settle, fault);
    if (judged != SLOTQ_OK) {
        return judged;
    }
    for (uint32_t from = 0; from < call->settle.run_count;) {
        settle_part part;
        slotq_call inner;
        take_part(self, &call->settle, from, &part);
        const slotq_outcome outcome = settle_part_of(self, call, done, &part, &inner, fault);
        if (store_call_failed(outcome)) {
            call->damage = inner.damage;
            return tell_broken(done, part.shard, outcome, fault);
        }
        ok_count += inner.settle.ok_count;
        dead_count += inner.settle.dead_count;
        first = first == SLOTQ_OK ? outcome : first;
        done += part.messages;
        from += part.run_count;
    }
    call->settle.ok_count = ok_count;
    call->settle.dead_count = dead_count;
    return first;
}
