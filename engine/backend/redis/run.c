/* run.c: see run.h. A command is sent again only if the server cannot have received it, if the
 * server refused it (it lacks the script, or the refusal passes), or if verbs.def allows a repeat.
 */
#define _GNU_SOURCE
#include "run.h"

#include <stdio.h>
#include <string.h>

#include "../system/monotonic.h"
#include "call/reply.h"
#include "call/reply_bell.h"
#include "call/reply_move.h"
#include "call/reply_owes.h"
#include "call/script.h"
#include "confirm.h"
#include "connect.h"
#include "places.h"
#include "server.h"

enum { LOADS_MAX = 6, TURNS_MAX = 64 };
enum { SCRIPTS_KNOWN_MS = 1000 };

/* ---- sending ---- */

static bool is_done(const redis_job *job)
{
    return job->state >= REDIS_JOB_ANSWERED;
}

static bool is_out(const redis_job *job)
{
    return job->state == REDIS_JOB_SENT || job->state == REDIS_JOB_LOADING;
}

static void finish(redis_job *job, slotq_outcome outcome)
{
    job->state = is_out(job) ? REDIS_JOB_ANSWERED : REDIS_JOB_DONE;
    job->outcome = outcome;
}

/* Gives every job that is not done the same outcome. */
static void finish_all(redis_job *jobs, uint32_t count, slotq_outcome outcome,
                       const store_fault *fault)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!is_done(&jobs[i])) {
            *jobs[i].fault = *fault;
            finish(&jobs[i], outcome);
        }
    }
}

bool redis_store_put_load(const redis_store *self, redis_outbox *to, redis_script_index script)
{
    const redis_script_source *source = redis_script(script, self->redis7);
    const char *load[] = {"SCRIPT", "LOAD", source->text};
    const size_t lengths[] = {6, 4, source->length};
    return redis_outbox_add(to, 3, load, lengths);
}

static bool add_asking(redis_outbox *to)
{
    const char *words[] = {"ASKING"};
    const size_t lengths[] = {6};
    return redis_outbox_add(to, 1, words, lengths);
}

static slotq_outcome build(redis_store *self, const redis_job *job)
{
    if (job->bell != NULL) {
        return redis_request_bell(&self->request, &self->terms, job->bell);
    }
    return job->move != NULL ? redis_request_move(&self->request, &self->terms,
                                                  &job->target->terms, job->move)
                             : redis_request_build(&self->request, &self->terms, job->call);
}

slotq_outcome redis_store_put(redis_store *self, redis_outbox *to, redis_job *job)
{
    redis_request *request = &self->request;
    if (self->settings.read_only && !slotq_core_verb_only_reads(job->call->verb)) {
        return fault_read_only(job->fault, self->key, slotq_core_verb_name(job->call->verb));
    }
    if (job->geometry_number != 0 && job->geometry_number != self->geometry_number) {
        return fault_remade(job->fault);
    }
    redis_places_put(self, job);
    const slotq_outcome built = build(self, job);
    if (built != SLOTQ_OK && built != SLOTQ_NOMEMORY) {
        return built;
    }
    job->script = (redis_script_index)request->script;
    const uint64_t script_bit = UINT64_C(1) << job->script;
    const bool is_unknown = !(self->known_scripts & script_bit);
    const bool lacks = !self->calling.by_functions && is_unknown &&
                       !redis_calling_is_module(&self->calling, job->script) &&
                       (job->in_order || job->brings_script || job->state == REDIS_JOB_LACKS);
    job->state = lacks ? REDIS_JOB_LACKS : REDIS_JOB_WAITS;
    self->known_scripts |= lacks ? script_bit : 0; /* for the jobs after it */
    if (built == SLOTQ_OK && (!lacks || redis_store_put_load(self, to, job->script))) {
        redis_calling_put(&self->calling, request, self->redis7, self->settings.read_only);
        if ((!job->asks || add_asking(to)) && redis_calling_add(request, to)) {
            return SLOTQ_OK;
        }
    }
    return fault_say(job->fault, SLOTQ_NOMEMORY, "no memory for a command");
}

/* Adds the command of a job to the outbox. false: it cannot be added, and the job is done. */
static bool put_job(redis_store *self, redis_job *job)
{
    redis_outbox *outbox = &self->connection.outbox;
    const size_t before = outbox->count; /* some of these bytes may have been sent */
    job->asks = self->connection.asking;
    const slotq_outcome put = redis_store_put(self, outbox, job);
    if (put != SLOTQ_OK) {
        outbox->count = before; /* drops a command that was added in part */
        finish(job, put);
        return false;
    }
    job->state = job->state == REDIS_JOB_LACKS ? REDIS_JOB_LOADING : REDIS_JOB_SENT;
    job->end = outbox->count;
    return true;
}

/* ---- replies ---- */

/* The error reply to the last SCRIPT LOAD of a turn: it becomes the reply of this job and those
 * behind it that need the script, if the server does not have it. */
typedef struct refused_load {
    redisReply *reply; /* or NULL */
    redis_script_index script;
} refused_load;

/* Reads the reply to SCRIPT LOAD. */
static bool take_load(redis_store *self, redis_script_index script, refused_load *refused,
                      store_fault *fault)
{
    redisReply *reply;
    if (!redis_connection_next(&self->connection, 0, &reply, fault)) {
        return false;
    }
    freeReplyObject(refused->reply);
    *refused = (refused_load){NULL, script};
    if (redis_error_is_of_age(reply)) {
        self->redis7 = false;
    } else if (reply->type == REDIS_REPLY_ERROR) {
        refused->reply = reply;
        self->known_scripts = 0; /* redis_store_put had noted the script as known */
        return true;
    }
    freeReplyObject(reply);
    return true;
}

static void note_refusal(const redis_store *self, redis_job *job, const redisReply *reply)
{
    const redis_refusal *refusal = redis_refusal_of(reply);
    job->refusal = refusal != NULL && refusal->fate != REDIS_FATE_STAYS ? refusal : NULL;
    if (job->refusal != NULL && refusal->fate == REDIS_FATE_ELSEWHERE &&
        !redis_store_may_dial(self)) {
        job->outcome = redis_store_stays(job->fault);
        job->refusal = NULL;
    }
}

/* true: the command did not run, and is sent again, with its script or in another way. */
static bool is_to_be_sent_again(redis_store *self, const redis_job *job, const redisReply *reply,
                                bool is_refused)
{
    const bool learned = redis_calling_learn(&self->calling, reply);
    const bool is_old = !learned && self->redis7 && self->settings.read_only &&
                        !self->calling.by_functions && redis_error_is_of_age(reply);
    const bool lacks = redis_error_is(reply, "NOSCRIPT") && !is_refused;
    const bool is_late = is_refused && job->in_order; /* others may have happened before it */
    self->redis7 = self->redis7 && !is_old;
    return ((learned && !is_late) || is_old || lacks) && job->loads < LOADS_MAX;
}

static slotq_outcome take_reply(redis_store *self, redis_job *job, const redisReply *reply)
{
    if (job->bell != NULL) {
        return redis_reply_take_bell(&self->terms, job->bell, reply, job->fault);
    }
    if (job->move != NULL) {
        reply = redis_reply_owes(&job->target->terms, reply, &job->move->nudge);
        return redis_reply_take_move(job->move, reply, job->fault);
    }
    return redis_reply_take(&self->terms, job->call, reply, job->harvest, job->fault);
}

static void take_answer(redis_store *self, redis_job *job, const redisReply *reply,
                        const refused_load *refused)
{
    const bool is_refused = refused->reply != NULL && refused->script == job->script &&
                            redis_error_is(reply, "NOSCRIPT");
    reply = is_refused ? refused->reply : reply;
    if (is_to_be_sent_again(self, job, reply, is_refused)) {
        job->loads++;
        job->state = REDIS_JOB_LACKS; /* it did not happen, also if a job after it did */
        self->known_scripts = 0;
        return;
    }
    finish(job, take_reply(self, job, reply));
    const bool is_others = job->move != NULL && job->move->target_refused;
    self->is_remade = self->is_remade || (job->outcome == SLOTQ_REMADE && !is_others);
    redis_places_take(self, job, reply);
    note_refusal(self, job, reply);
}

static bool take_job(redis_store *self, redis_job *job, refused_load *refused, store_fault *fault)
{
    redisReply *reply;
    const bool loads = job->state == REDIS_JOB_LOADING;
    if (loads && !take_load(self, job->script, refused, fault)) {
        return false;
    }
    job->state = REDIS_JOB_SENT;
    if (job->asks && !redis_server_skip(&self->connection, fault)) {
        return false;
    }
    const bool came = redis_connection_next(&self->connection, 0, &reply, fault);
    if (came) {
        take_answer(self, job, reply, refused);
        freeReplyObject(reply);
    }
    return came;
}

/* The connection broke. Commands that were sent completely may have happened: the outcome of those
 * that may not be repeated is unknown. */
static void lose(redis_store *self, redis_job *jobs, uint32_t count, const store_fault *why)
{
    for (uint32_t i = 0; i < count; i++) {
        redis_job *job = &jobs[i];
        const bool got_whole = is_out(job) && job->end <= self->connection.outbox.sent;
        if (!got_whole || slotq_core_verb_may_repeat(job->call->verb)) {
            continue;
        }
        fault_say(job->fault, SLOTQ_OUTCOME_UNKNOWN,
                  "%.200s after the command was sent: whether it happened is unknown. It was not "
                  "repeated; look at the queue before you repeat it",
                  why->text);
        job->fault->system_errno = why->system_errno;
        finish(job, SLOTQ_OUTCOME_UNKNOWN);
    }
}

/* Sends the commands and reads the replies. false: the connection broke. */
static bool exchange(redis_store *self, redis_job *jobs, uint32_t count, store_fault *fault)
{
    bool confirms = false;
    refused_load refused = {0};
    for (uint32_t i = 0; i < count; i++) {
        confirms = confirms || (is_out(&jobs[i]) && redis_confirms(self, &jobs[i]));
    }
    redis_confirmed confirmed = {0};
    if (confirms) {
        redis_confirm_put(self, &confirmed);
    }
    bool whole = redis_connection_send(&self->connection, fault);
    for (uint32_t i = 0; i < count && whole; i++) {
        if (is_out(&jobs[i])) {
            whole = take_job(self, &jobs[i], &refused, fault);
        }
    }
    freeReplyObject(refused.reply);
    whole = whole && redis_confirm_take(self, &confirmed, fault);
    if (!whole) {
        self->known_scripts = 0;
        lose(self, jobs, count, fault);
    }
    if (confirms) {
        redis_confirm_doubt(self, jobs, count, &confirmed);
    }
    redis_outbox_clear(&self->connection.outbox);
    return whole;
}

static bool is_any_left(const redis_job *jobs, uint32_t count)
{
    uint32_t at = 0;
    while (at < count && is_done(&jobs[at])) {
        at++;
    }
    return at < count;
}

void redis_store_forget_scripts(redis_store *self)
{
    if (monotonic_ms() - self->connection.used_ms > SCRIPTS_KNOWN_MS) {
        self->known_scripts = 0;
    }
}

/* ---- refused for now ---- */

/* true: a later job, whose order matters, has happened or may have. */
static bool is_overtaken(const redis_job *jobs, uint32_t count, uint32_t at)
{
    bool overtaken = false;
    for (uint32_t i = at + 1; i < count && jobs[at].in_order; i++) {
        overtaken = overtaken || (is_done(&jobs[i]) && jobs[i].refusal == NULL);
    }
    return overtaken;
}

/* A reserve that found nothing while a settle before it lacked its script, or was refused for now:
 * it runs behind that again. Nothing happened by it. */
static void put_back_last(redis_job *jobs, uint32_t count)
{
    redis_job *last = &jobs[count - 1];
    const bool found_nothing = last->outcome == SLOTQ_EMPTY || last->outcome == SLOTQ_LIMITED ||
                               last->outcome == SLOTQ_AGAIN;
    if (last->comes_last && is_done(last) && found_nothing && is_any_left(jobs, count - 1)) {
        last->state = REDIS_JOB_WAITS;
    }
}

/* Waits if a refusal passes, and marks the refused jobs to be sent again. false: no refusal passes,
 * or the patience is over; all jobs keep their outcomes. */
static bool outlast(redis_store *self, redis_job *jobs, uint32_t count, redis_patience *patience)
{
    redis_job *first = NULL;
    for (uint32_t i = count; i > 0; i--) {
        redis_job *job = &jobs[i - 1];
        if (is_done(job) && job->refusal != NULL && is_overtaken(jobs, count, i - 1)) {
            job->refusal = NULL;
        }
        first = is_done(job) && job->refusal != NULL ? job : first;
    }
    if (first == NULL || !redis_store_outlasts(self, first->refusal, patience, first->fault)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (jobs[i].refusal != NULL) {
            jobs[i].refusal = NULL;
            jobs[i].state = REDIS_JOB_WAITS;
            jobs[i].loads = 0;
        }
    }
    return true;
}

/* Commands that were sent in the last turn and got no reply are sent again. */
static void begin_turn(redis_job *job)
{
    job->state = job->state == REDIS_JOB_SENT       ? REDIS_JOB_WAITS
                 : job->state == REDIS_JOB_LOADING  ? REDIS_JOB_LACKS
                 : job->state == REDIS_JOB_ANSWERED ? REDIS_JOB_DONE
                                                    : job->state;
}

/* One round trip for the jobs that are not done. false: there was nothing to send. */
static bool run_turn(redis_store *self, redis_job *jobs, uint32_t count, bool *whole)
{
    store_fault fault;
    uint32_t put = 0;
    for (uint32_t i = 0; i < count; i++) {
        begin_turn(&jobs[i]);
        if (!is_done(&jobs[i])) {
            put += put_job(self, &jobs[i]);
            redis_connection_start(&self->connection);
        }
    }
    *whole = put == 0 || exchange(self, jobs, count, &fault);
    return put > 0;
}

static void run_turns(redis_store *self, redis_job *jobs, uint32_t count)
{
    store_fault fault;
    redis_patience patience = redis_patience_begin(&self->settings.limits);
    patience.deadline_ms = self->base.hurries ? 0 : patience.deadline_ms;
    redis_store_begin(self);
    for (uint32_t i = 0; i < count; i++) {
        jobs[i].state = REDIS_JOB_WAITS;
        jobs[i].loads = 0;
        jobs[i].refusal = NULL;
    }
    for (uint32_t turn = 0; turn < TURNS_MAX; turn++) {
        bool whole;
        const slotq_outcome connected = redis_store_reconnect(self, &patience, &fault);
        if (connected != SLOTQ_OK) {
            finish_all(jobs, count, connected, &fault);
            return;
        }
        if (!run_turn(self, jobs, count, &whole)) {
            return;
        }
        const bool outlasted = outlast(self, jobs, count, &patience);
        put_back_last(jobs, count);
        if (outlasted) {
            turn = 0; /* patience limits the pauses */
        } else if (!is_any_left(jobs, count)) {
            return;
        } else if (!whole && turn > 0 && monotonic_ms() >= patience.deadline_ms) {
            break; /* a whole turn leaves only jobs that lack their script, up to LOADS_MAX times */
        }
    }
    fault_say(&fault, SLOTQ_CONNECT, "the server closes every connection before it replies");
    fault_away(&fault);
    finish_all(jobs, count, SLOTQ_CONNECT, &fault);
}

void redis_store_run(redis_store *self, redis_job *jobs, uint32_t count)
{
    store_fault fault;
    redis_store_take_out(self);
    run_turns(self, jobs, count);
    const slotq_outcome outcome = self->is_remade ? redis_store_adopt(self, &fault) : SLOTQ_REMADE;
    redis_store_give_back(self);
    for (uint32_t i = 0; i < count && outcome != SLOTQ_REMADE; i++) {
        if (jobs[i].outcome == SLOTQ_REMADE) {
            *jobs[i].fault = fault;
            jobs[i].outcome = outcome;
        }
    }
}
