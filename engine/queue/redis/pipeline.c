/* pipeline.c: many verbs in one round trip, sent by us or by the user's event loop. Knows
 * calls and batches; the bytes are made and read by the backend.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "../../backend/redis/call/errors.h"
#include "../../backend/redis/call/reply.h"
#include "../../backend/redis/connect.h"
#include "../../backend/redis/run.h"
#include "../consume.h"

enum { VERBS_MAX = 1 << 16 };

/* A verb that was put. */
typedef struct entry {
    slotq_call call;
    slotq_batch *batch; /* reserve; the user's again once it ran */
    uint32_t reserved;  /* messages that it got */
    consume_wish wanted;
    slotq_run one_run; /* settle of one run; more are in runs */
    slotq_run *runs;
    uint32_t geometry_number; /* of the store when it was put */
    uint32_t generation;      /* and the queue's */
    store_fault fault;
    slotq_outcome outcome;
} entry;

struct slotq_pipeline {
    slotq *queue;
    redis_store *store;
    entry **entries;
    uint32_t count;
    uint32_t room;
    bool ended;          /* the next one that is put begins anew */
    redis_outbox outbox; /* bytes that the user sends */
    uint32_t loads;      /* replies to SCRIPT LOAD that are still to come */
    uint32_t parsed;     /* entries that have their answer */
};

slotq_outcome slotq_pipeline_new(slotq *queue, slotq_pipeline **pipeline, slotq_error *error)
{
    if (queue == NULL || pipeline == NULL) {
        return error_say(error, SLOTQ_INVALID, "a required pointer is NULL");
    }
    *pipeline = NULL;
    redis_store *place = redis_store_of(queue->store);
    if (place == NULL) {
        return error_say(error, SLOTQ_UNSUPPORTED,
                         "a pipeline is for queues in Redis: others have no round trips to save");
    }
    slotq_pipeline *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return error_say(error, SLOTQ_NOMEMORY, "no memory for a pipeline");
    }
    made->queue = queue;
    made->store = place;
    *pipeline = made;
    return SLOTQ_OK;
}

static void begin_anew(slotq_pipeline *pipeline)
{
    for (uint32_t i = 0; i < pipeline->count; i++) {
        free(pipeline->entries[i]->runs);
        pipeline->entries[i]->runs = NULL;
    }
    pipeline->count = 0;
    pipeline->ended = false;
}

void slotq_pipeline_free(slotq_pipeline *pipeline)
{
    if (pipeline == NULL) {
        return;
    }
    begin_anew(pipeline);
    for (uint32_t i = 0; i < pipeline->room; i++) {
        free(pipeline->entries[i]);
    }
    redis_outbox_free(&pipeline->outbox);
    free(pipeline->entries);
    free(pipeline);
}

/* ---- putting verbs ---- */

static slotq_outcome refuse_memory(slotq_pipeline *pipeline)
{
    return queue_refuse(pipeline->queue, SLOTQ_NOMEMORY, "no memory for a verb of a pipeline");
}

/* Entries stay where they are, so that calls may point into them; used ones are used again. */
static bool grow(slotq_pipeline *pipeline)
{
    const uint32_t room = pipeline->room == 0 ? 16 : pipeline->room * 2;
    entry **grown = room > VERBS_MAX ? NULL : realloc(pipeline->entries, room * sizeof(entry *));
    if (grown == NULL) {
        return false;
    }
    pipeline->entries = grown;
    while (pipeline->room < room) {
        entry *made = calloc(1, sizeof *made);
        if (made == NULL) {
            return pipeline->count < pipeline->room;
        }
        grown[pipeline->room++] = made;
    }
    return true;
}

static entry *next_entry(slotq_pipeline *pipeline)
{
    if (pipeline->ended) {
        begin_anew(pipeline);
    }
    if (pipeline->count == pipeline->room && !grow(pipeline)) {
        return NULL;
    }
    entry *made = pipeline->entries[pipeline->count];
    made->batch = NULL;
    made->reserved = 0;
    made->runs = NULL;
    made->outcome = SLOTQ_MORE;
    return made;
}

static slotq_outcome take_in(slotq_pipeline *pipeline, uint32_t *index)
{
    if (index != NULL) {
        *index = pipeline->count;
    }
    pipeline->entries[pipeline->count]->geometry_number = pipeline->store->geometry_number;
    pipeline->entries[pipeline->count]->generation = pipeline->queue->geometry.generation;
    store_set_now(pipeline->queue->store, &pipeline->entries[pipeline->count]->call);
    pipeline->count++;
    return SLOTQ_OK;
}

slotq_outcome slotq_pipeline_push(slotq_pipeline *pipeline, const slotq_data *messages,
                                  uint32_t count, uint32_t *index)
{
    if (pipeline == NULL || messages == NULL) {
        return queue_refuse_null(pipeline == NULL ? NULL : pipeline->queue);
    }
    slotq *queue = pipeline->queue;
    if (!queue_messages_fit(queue, messages, count)) {
        return SLOTQ_INVALID;
    }
    entry *made = next_entry(pipeline);
    if (made == NULL) {
        return refuse_memory(pipeline);
    }
    slotq_core_begin(&made->call, SLOTQ_PUSH, STORE_TIME);
    made->call.push = (slotq_call_push){.messages = messages, .count = count};
    return take_in(pipeline, index);
}

slotq_outcome slotq_pipeline_reserve(slotq_pipeline *pipeline, uint8_t group, uint32_t limit,
                                     uint64_t lease_ms, slotq_batch *batch, uint32_t *index)
{
    if (pipeline == NULL || batch == NULL) {
        return queue_refuse_null(pipeline == NULL ? NULL : pipeline->queue);
    }
    consume_wish wanted = {.lease_ms = lease_ms, .limit = limit, .group = group};
    if (!consume_wish_fits(pipeline->queue, &wanted)) {
        return SLOTQ_INVALID;
    }
    if (!consume_room(pipeline->queue, &wanted, batch)) {
        return refuse_memory(pipeline);
    }
    entry *made = next_entry(pipeline);
    if (made == NULL) {
        return refuse_memory(pipeline);
    }
    made->batch = batch;
    made->wanted = wanted;
    consume_reserve_begin(&made->call, &wanted, false, batch);
    return take_in(pipeline, index);
}

/* Runs are copied: a batch may be filled anew by a verb behind. */
static bool copy_runs(entry *made, const slotq_run *runs, uint32_t run_count)
{
    slotq_run *copy = &made->one_run;
    if (run_count > 1) {
        copy = made->runs = malloc(run_count * sizeof *copy);
    }
    if (copy != NULL) {
        memcpy(copy, runs, run_count * sizeof *copy);
        made->call.settle.runs = copy;
        made->call.settle.run_count = run_count;
    }
    return copy != NULL;
}

slotq_outcome slotq_pipeline_settle(slotq_pipeline *pipeline, slotq_settle_how how, uint8_t group,
                                    const slotq_run *runs, uint32_t run_count, uint64_t ms,
                                    uint8_t reason, uint8_t *outcomes, uint32_t *new_tokens,
                                    uint32_t *index)
{
    if (pipeline == NULL || runs == NULL) {
        return queue_refuse_null(pipeline == NULL ? NULL : pipeline->queue);
    }
    slotq *queue = pipeline->queue;
    if ((uint32_t)how > SLOTQ_SETTLE_KILL) {
        return queue_refuse(queue, SLOTQ_INVALID, "the way to settle is unknown");
    }
    const bool is_timed = how == SLOTQ_SETTLE_EXTEND || (how == SLOTQ_SETTLE_NACK && ms > 0);
    if (!queue_group_fits(queue, group) || !queue_runs_fit(queue, runs, run_count) ||
        (is_timed &&
         !queue_duration_fits(queue, how == SLOTQ_SETTLE_EXTEND ? "lease" : "delay", ms))) {
        return SLOTQ_INVALID;
    }
    entry *made = next_entry(pipeline);
    if (made == NULL) {
        return refuse_memory(pipeline);
    }
    consume_settle_begin(&made->call, how, group, ms, reason);
    made->call.settle.outcomes = outcomes;
    made->call.settle.tokens = new_tokens;
    return copy_runs(made, runs, run_count) ? take_in(pipeline, index) : refuse_memory(pipeline);
}

slotq_outcome slotq_pipeline_settle_batch(slotq_pipeline *pipeline, slotq_settle_how how,
                                          slotq_batch *batch, uint64_t ms, uint8_t reason,
                                          uint32_t *index)
{
    if (pipeline == NULL || batch == NULL) {
        return queue_refuse_null(pipeline == NULL ? NULL : pipeline->queue);
    }
    if (how == SLOTQ_SETTLE_EXTEND || !batch_is_leased(batch)) {
        return queue_refuse(pipeline->queue, SLOTQ_INVALID,
                            "only a reserved batch can be settled in a pipeline, and not extended");
    }
    if (batch->marks.count > 0) {
        return queue_refuse(pipeline->queue, SLOTQ_INVALID,
                            "messages of the batch are marked, and a pipeline settles all in one "
                            "way: call slotq_settle_batch. Nothing was put");
    }
    slotq_outcome outcome = consume_judge_batch(pipeline->queue, batch);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    outcome = slotq_pipeline_settle(pipeline, how, batch->group, batch->runs, batch->run_count, ms,
                                    reason, NULL, NULL, index);
    if (outcome == SLOTQ_OK) {
        batch_clear(batch);
    }
    return outcome;
}

/* ---- running ---- */

/* A reserve that answered OK fills its batch; damaged slots are buried over the queue's own
 * connection. */
static void conclude(slotq_pipeline *pipeline, entry *verb)
{
    if (verb->call.verb == SLOTQ_RESERVE && verb->outcome == SLOTQ_OK) {
        verb->outcome =
            consume_take(pipeline->queue, &verb->call, &verb->wanted, false, verb->batch);
        verb->reserved = verb->outcome == SLOTQ_OK ? verb->batch->count : 0;
        if (verb->outcome != SLOTQ_OK) {
            const slotq_error *error = slotq_error_of(pipeline->queue);
            fault_say(&verb->fault, verb->outcome, "%s", error->text);
            verb->fault.cause = error->cause;
            verb->fault.passes = error->passes;
        }
    }
}

/* A reply said REMADE: the queue's geometry is read over its own connection, unless a run has done
 * that. Why it could not be read is then the outcome. */
static void adopt(slotq_pipeline *pipeline)
{
    store_fault fault;
    slotq_outcome outcome = SLOTQ_REMADE;
    if (pipeline->store->is_remade) {
        outcome = redis_store_adopt(pipeline->store, &fault);
    }
    queue_take_geometry(pipeline->queue);
    for (uint32_t i = 0; i < pipeline->count && outcome != SLOTQ_REMADE; i++) {
        entry *verb = pipeline->entries[i];
        if (verb->outcome == SLOTQ_REMADE) {
            verb->outcome = outcome;
            verb->fault = fault;
        }
    }
}

/* OK, or the first failure, kept as the queue's error. */
static slotq_outcome sum_up(slotq_pipeline *pipeline)
{
    bool is_remade = false;
    pipeline->ended = true;
    for (uint32_t i = 0; i < pipeline->count; i++) {
        is_remade = is_remade || pipeline->entries[i]->outcome == SLOTQ_REMADE;
    }
    if (is_remade) {
        adopt(pipeline);
    }
    for (uint32_t i = 0; i < pipeline->count; i++) {
        entry *verb = pipeline->entries[i];
        if (verb->outcome >= SLOTQ_FAILURES) {
            pipeline->queue->fault = verb->fault;
            return queue_answer(pipeline->queue, verb->outcome, NULL);
        }
    }
    return SLOTQ_OK;
}

static redis_job job_of(entry *verb)
{
    const redis_job job = {.call = &verb->call,
                           .harvest = verb->batch != NULL ? &verb->batch->harvest : NULL,
                           .fault = &verb->fault,
                           .geometry_number = verb->geometry_number};
    return job;
}

slotq_outcome slotq_pipeline_run(slotq_pipeline *pipeline)
{
    if (pipeline == NULL) {
        return SLOTQ_INVALID;
    }
    if (pipeline->ended) {
        begin_anew(pipeline);
    }
    redis_job *jobs = calloc(pipeline->count + 1, sizeof *jobs);
    if (jobs == NULL) {
        return refuse_memory(pipeline);
    }
    for (uint32_t i = 0; i < pipeline->count; i++) {
        jobs[i] = job_of(pipeline->entries[i]);
        jobs[i].in_order = pipeline->count > 1;
    }
    redis_store_forget_scripts(pipeline->store);
    redis_store_run(pipeline->store, jobs, pipeline->count);
    for (uint32_t i = 0; i < pipeline->count; i++) {
        pipeline->entries[i]->outcome = jobs[i].outcome;
        conclude(pipeline, pipeline->entries[i]);
    }
    free(jobs);
    return sum_up(pipeline);
}

static const char *text_of(const entry *verb)
{
    const bool has_text = verb->outcome >= SLOTQ_FAILURES || verb->outcome == SLOTQ_NOQUEUE ||
                          verb->outcome == SLOTQ_UNCONFIRMED || verb->outcome == SLOTQ_REMADE;
    return has_text ? verb->fault.text : slotq_outcome_text(verb->outcome);
}

slotq_outcome slotq_pipeline_get(const slotq_pipeline *pipeline, uint32_t index,
                                 slotq_pipeline_result *result)
{
    if (pipeline == NULL || result == NULL) {
        return SLOTQ_INVALID;
    }
    if (!pipeline->ended || index >= pipeline->count) {
        return queue_refuse(pipeline->queue, SLOTQ_INVALID,
                            "verb %lu of the pipeline was not run: the pipeline "
                            "ran %lu",
                            (unsigned long)index,
                            (unsigned long)(pipeline->ended ? pipeline->count : 0));
    }
    const entry *verb = pipeline->entries[index];
    memset(result, 0, sizeof *result);
    result->outcome = verb->outcome;
    result->text = text_of(verb);
    result->passes = verb->outcome >= SLOTQ_FAILURES && verb->fault.passes;
    if (verb->outcome >= SLOTQ_FAILURES) {
        return SLOTQ_OK;
    }
    if (verb->call.verb == SLOTQ_PUSH) {
        const bool in = verb->outcome == SLOTQ_OK || verb->outcome == SLOTQ_UNCONFIRMED;
        result->first_id = in ? verb->call.push.first_id : 0;
    } else if (verb->call.verb == SLOTQ_RESERVE) {
        result->count = verb->reserved;
    } else {
        result->count = verb->call.settle.ok_count;
    }
    return SLOTQ_OK;
}

/* ---- event loops ---- */

/* The scripts of these verbs, each once. */
static slotq_outcome put_loads(slotq_pipeline *pipeline)
{
    static const redis_script_index scripts[] = {REDIS_SCRIPT_push, REDIS_SCRIPT_push_packed,
                                                 REDIS_SCRIPT_reserve_packed,
                                                 REDIS_SCRIPT_settle_packed};
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        if (redis_calling_is_module(&pipeline->store->calling, scripts[i])) {
            continue;
        }
        if (!redis_store_put_load(pipeline->store, &pipeline->outbox, scripts[i])) {
            return refuse_memory(pipeline);
        }
        pipeline->loads++;
    }
    return SLOTQ_OK;
}

slotq_outcome slotq_pipeline_build(slotq_pipeline *pipeline, bool load_scripts, const void **bytes,
                                   size_t *size, uint32_t *replies)
{
    if (pipeline == NULL || bytes == NULL || size == NULL || replies == NULL) {
        return queue_refuse_null(pipeline == NULL ? NULL : pipeline->queue);
    }
    if (pipeline->ended) {
        begin_anew(pipeline);
    }
    redis_outbox_clear(&pipeline->outbox);
    pipeline->loads = 0;
    pipeline->parsed = 0;
    const bool loads = load_scripts && !pipeline->store->calling.by_functions;
    slotq_outcome outcome = loads ? put_loads(pipeline) : SLOTQ_OK;
    *replies = pipeline->loads;
    for (uint32_t i = 0; i < pipeline->count && outcome == SLOTQ_OK; i++) {
        redis_job job = job_of(pipeline->entries[i]);
        const slotq_outcome put = redis_store_put(pipeline->store, &pipeline->outbox, &job);
        pipeline->entries[i]->outcome = put == SLOTQ_OK ? SLOTQ_MORE : put;
        *replies += put == SLOTQ_OK;
        outcome = put == SLOTQ_NOMEMORY ? refuse_memory(pipeline) : SLOTQ_OK;
    }
    *bytes = pipeline->outbox.bytes;
    *size = pipeline->outbox.count;
    /* where nothing is to be sent no reply comes that could end it */
    return outcome == SLOTQ_OK && *replies == 0 ? sum_up(pipeline) : outcome;
}

static void take_reply(slotq_pipeline *pipeline, entry *verb, const redisReply *reply)
{
    store_harvest *harvest = verb->batch != NULL ? &verb->batch->harvest : NULL;
    if (reply == NULL) {
        verb->outcome = fault_say(&verb->fault, SLOTQ_OUTCOME_UNKNOWN,
                                  "no reply came: whether it happened is not known");
    } else if (redis_error_is(reply, "NOSCRIPT") ||
               redis_calling_learn(&pipeline->store->calling, reply)) {
        verb->outcome = SLOTQ_AGAIN;
    } else if (verb->geometry_number != pipeline->store->geometry_number) {
        /* the handle has met another queue since: replies of that one have another shape */
        verb->outcome =
            verb->generation == pipeline->queue->geometry.generation
                ? fault_say(&verb->fault, SLOTQ_OUTCOME_UNKNOWN,
                            "the queue was resized before the reply was read: whether it happened "
                            "is not known")
                : fault_remade(&verb->fault);
    } else {
        verb->outcome =
            redis_reply_take(&pipeline->store->terms, &verb->call, reply, harvest, &verb->fault);
        pipeline->store->is_remade = pipeline->store->is_remade || verb->outcome == SLOTQ_REMADE;
        conclude(pipeline, verb);
    }
}

/* The next entry that has no answer yet; count = none. */
static uint32_t next_open(const slotq_pipeline *pipeline)
{
    uint32_t at = pipeline->parsed;
    while (at < pipeline->count && pipeline->entries[at]->outcome != SLOTQ_MORE) {
        at++;
    }
    return at;
}

slotq_outcome slotq_pipeline_parse(slotq_pipeline *pipeline, const struct redisReply *reply,
                                   bool *done)
{
    if (pipeline == NULL || done == NULL) {
        return queue_refuse_null(pipeline == NULL ? NULL : pipeline->queue);
    }
    pipeline->parsed = next_open(pipeline);
    if (pipeline->loads > 0) { /* a script that was not loaded is missed by its verb */
        pipeline->loads--;
    } else if (pipeline->parsed == pipeline->count) {
        return queue_refuse(pipeline->queue, SLOTQ_INVALID, "no reply is expected");
    } else {
        take_reply(pipeline, pipeline->entries[pipeline->parsed], reply);
        pipeline->parsed = next_open(pipeline);
    }
    *done = pipeline->loads == 0 && pipeline->parsed == pipeline->count;
    if (*done) {
        return sum_up(pipeline);
    }
    return SLOTQ_OK;
}
