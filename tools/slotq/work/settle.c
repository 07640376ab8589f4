/* settle.c: settles messages by how their command ended (worker.h). A refusal that passes keeps
 * the message's verdict, which is tried again. Knows what the answers of the queue mean; not
 * processes.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>

#include "../clock/clock.h"
#include "../say/texts.h"
#include "../say/report.h"
#include "../verbs/open.h"
#include "backoff.h"
#include "worker.h"

enum {
    REASON_TIMEOUT = 124,
    ATTEMPTS_COUNTED_MOST = 63,
    EXIT_KILL = 100,
    EXIT_SIGNAL = 128,
    /* A service manager signals the worker and its commands one after the other: a command that
     * ended by such a signal is judged when the worker's own would have come. */
    STOP_SIGNAL_MS = 1000
};

static void note(const worker *work, const job *one, const char *what)
{
    void (*const say)(const char *, ...) = given(work->line, OPTION_VERBOSE) ? complain : remark;
    say("%s: message %" PRIu64 ", attempt %u: %s after %s", work->name, one->id, one->attempts,
        what, time_text(clock_ms() - one->started_at_ms).text);
}

/* -v tells what went well; what failed is told without it. */
static void note_settled(const worker *work, const job *one)
{
    const slotq_settle_how how = one->verdict.how;
    if (how == SLOTQ_SETTLE_NACK || how == SLOTQ_SETTLE_KILL || given(work->line, OPTION_VERBOSE)) {
        note(work, one, one->verdict.text);
    }
}

/* ---- one call ---- */

/* How a message is settled, once or again. */
typedef struct settlement {
    slotq_settle_how how;
    uint64_t ms;
    uint8_t reason;
    slotq_data note;
} settlement;

/* A token of the queue that had the name before says nothing of the one that has it now. */
static slotq_outcome call(worker *work, job *one, const settlement *it)
{
    if (!worker_has_message(work, one)) {
        return SLOTQ_REMADE;
    }
    if (one->is_in_batch) {
        return slotq_settle_message_noted(work->queue, it->how, one->batch, one->id, it->ms,
                                          it->reason, &it->note);
    }
    const slotq_run run = {.id = one->id, .token = one->token, .count = 1};
    uint32_t token = 0;
    const bool extends = it->how == SLOTQ_SETTLE_EXTEND;
    const slotq_outcome outcome =
        slotq_settle_noted(work->queue, it->how, work->group, &run, 1, it->ms, it->reason,
                           &it->note, NULL, extends ? &token : NULL);
    if (outcome == SLOTQ_OK && extends) {
        one->token = token;
    }
    return outcome;
}

/* After an extend without an answer the token may be another. The lease is still this worker's if
 * the message is leased and was not reserved again since. OK: the token is known; STALE: the lease
 * is lost. */
static slotq_outcome find_token(worker *work, job *one)
{
    slotq_message message;
    const slotq_outcome outcome = slotq_peek(work->queue, work->group, one->id, 1, work->looked);
    if (outcome >= SLOTQ_FAILURES || outcome == SLOTQ_REMADE) {
        return outcome;
    }
    one->token_in_doubt = false;
    if (outcome != SLOTQ_OK || !slotq_batch_next(work->looked, &message) || message.id != one->id ||
        message.state != SLOTQ_STATE_LEASED || message.attempts != one->attempts ||
        one->attempts >= ATTEMPTS_COUNTED_MOST) {
        return SLOTQ_STALE;
    }
    one->is_in_batch = false;
    one->token = message.token;
    return SLOTQ_OK;
}

static slotq_outcome settle(worker *work, job *one, const settlement *it)
{
    const slotq_outcome outcome = call(work, one, it);
    if (outcome != SLOTQ_STALE || !one->token_in_doubt) {
        return outcome;
    }
    const slotq_outcome found = find_token(work, one);
    return found == SLOTQ_OK ? call(work, one, it) : found;
}

void worker_extend(worker *work, job *one, uint64_t now_ms)
{
    const settlement longer = {.how = SLOTQ_SETTLE_EXTEND, .ms = work->lease_ms};
    const slotq_outcome outcome = settle(work, one, &longer);
    if (outcome < SLOTQ_DEADFULL || outcome == SLOTQ_REMADE) {
        worker_note_answer(work, &one->refused_at_ms);
        one->token_in_doubt = false;
        one->lost = outcome != SLOTQ_OK;
        one->extend_at_ms = one->lost ? UINT64_MAX : now_ms + work->lease_ms / 3;
        return;
    }
    one->token_in_doubt = one->token_in_doubt || outcome == SLOTQ_OUTCOME_UNKNOWN;
    if (worker_may_repeat(work, outcome, &one->refused_at_ms)) {
        one->extend_at_ms = work->call_at_ms;
    } else { /* the command goes on: its message may be settled at its end */
        one->extend_at_ms = UINT64_MAX;
        one->refused_at_ms = 0;
        worker_give_up(work);
    }
}

/* ---- what is to be done ---- */

static void decide(job *one, slotq_settle_how how, uint64_t *counter, const char *text)
{
    one->verdict = (job_verdict){.is_made = true, .how = how, .counter = counter};
    snprintf(one->verdict.text, sizeof one->verdict.text, "%s", text);
}

/* What people may want to know of a message that dies: the last line of its command's stderr. */
static slotq_data last_words(const worker *work, const job *one)
{
    return relays_last_line(&one->output, slotq_geometry_of(work->queue)->note_bytes);
}

static void decide_failed(worker *work, job *one, unsigned reason)
{
    const option_value *range = &work->line->options[OPTION_BACKOFF];
    const uint64_t least_ms = range->given ? range->number : 1000;
    const uint64_t most_ms = range->given ? range->number_most : 300000;
    const uint64_t limit_ms =
        (uint64_t)SLOTQ_LEASE_TICKS_MAX * slotq_geometry_of(work->queue)->tick_ms;
    uint32_t chance = 0;
    if (getrandom(&chance, sizeof chance, GRND_NONBLOCK) != (ssize_t)sizeof chance) {
        chance = (uint32_t)one->id * UINT32_C(2654435761);
    }
    const uint64_t delay_ms = backoff_ms(least_ms, most_ms, one->attempts, chance);
    const unsigned limit = slotq_geometry_of(work->queue)->max_attempts;
    const bool dies = limit != 0 && one->attempts >= limit;
    const char *kind = one->timed_out ? "timeout" : WIFSIGNALED(one->status) ? "signal" : "exit";
    char text[sizeof one->verdict.text];
    snprintf(text, sizeof text, "%s (%s %u)", dies ? "died" : "failed", kind,
             WIFSIGNALED(one->status) && !one->timed_out ? (unsigned)WTERMSIG(one->status)
                                                         : reason);
    decide(one, SLOTQ_SETTLE_NACK, dies ? &work->died : &work->failed, text);
    one->verdict.delay_ms = delay_ms < limit_ms ? delay_ms : limit_ms;
    one->verdict.reason = (uint8_t)reason;
    if (dies) {
        one->verdict.note = last_words(work, one);
    }
}

/* Ended by a signal that stops services, or with the exit code that shells make of it. */
static bool looks_stopped(int status)
{
    const int number = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status) - EXIT_SIGNAL;
    return number == SIGTERM || number == SIGINT || number == SIGHUP;
}

static void decide_by_status(worker *work, job *one)
{
    const int exit_code = WIFEXITED(one->status) ? WEXITSTATUS(one->status) : -1;
    if (one->timed_out) {
        decide_failed(work, one, REASON_TIMEOUT);
    } else if (exit_code == 0) {
        decide(one, SLOTQ_SETTLE_ACK, &work->acked, "acked");
    } else if (exit_code == EXIT_KILL) {
        decide(one, SLOTQ_SETTLE_KILL, &work->died, "died");
        one->verdict.reason = EXIT_KILL;
        one->verdict.note = last_words(work, one);
    } else if (work->interrupted_by != 0 && looks_stopped(one->status)) {
        decide(one, SLOTQ_SETTLE_RELEASE, &work->released, "released");
    } else if (exit_code > 0) { /* 255 is slotq's own reason */
        decide_failed(work, one, exit_code < 255 ? (unsigned)exit_code : 254);
    } else {
        decide_failed(work, one, EXIT_SIGNAL + ((unsigned)WTERMSIG(one->status) & 63u));
    }
}

/* A command that failed because nothing reads its output any more did nothing wrong. */
static void look_at_output(worker *work, job *one)
{
    const bool failed = !WIFEXITED(one->status) || WEXITSTATUS(one->status) != 0;
    one->unwritten = one->unwritten || relays_lost(&one->output) ||
                     !relays_are_written(&one->output); /* after the second signal */
    if (!one->timed_out && !one->unwritten && failed && work->outputs.mode == RELAY_NONE &&
        relays_reader_is_gone()) {
        one->unwritten = true;
        worker_lose_output(work, EPIPE);
    }
}

/* False: not yet. */
static bool make_verdict(worker *work, job *one)
{
    if (one->verdict.is_made) {
        return true;
    }
    if (work->end == END_NOT && !one->timed_out && looks_stopped(one->status)) {
        const uint64_t now_ms = clock_ms();
        if (one->settle_at_ms == 0) {
            one->settle_at_ms = now_ms + STOP_SIGNAL_MS;
        }
        if (now_ms < one->settle_at_ms) {
            return false;
        }
    }
    look_at_output(work, one);
    const bool done = WIFEXITED(one->status) && WEXITSTATUS(one->status) == 0;
    if (one->unwritten || (work->end == END_NOW && !done)) {
        decide(one, SLOTQ_SETTLE_RELEASE, &work->released, "released");
    } else {
        decide_by_status(work, one);
    }
    return true;
}

/* ---- what became of it ---- */

/* A call without an answer was repeated: what the second answer tells of the first. A message that
 * was acked or killed is GONE; STALE means that it was not, and that its lease is lost. A message
 * that was given back is STALE, or GONE after its last attempt or another worker's ack: it left
 * this worker either way. */
static bool was_done(const job_verdict *verdict, slotq_outcome outcome)
{
    const bool given_back =
        verdict->how == SLOTQ_SETTLE_NACK || verdict->how == SLOTQ_SETTLE_RELEASE;
    return outcome == SLOTQ_GONE || (given_back && outcome == SLOTQ_STALE);
}

static void count(worker *work, job *one, slotq_outcome outcome)
{
    const job_verdict *verdict = &one->verdict;
    if (outcome == SLOTQ_OK || (one->perhaps_settled && was_done(verdict, outcome))) {
        (*verdict->counter)++;
        note_settled(work, one);
        if (verdict->counter == &work->died) {
            worker_tell_dropped(work);
        }
    } else if (outcome == SLOTQ_DEADFULL) {
        work->failed++;
        if (!work->told_full) {
            complain("the dead section of %s is full: message %" PRIu64 " keeps its lease and "
                     "comes back; %s, or dead purge, makes room",
                     work->name, one->id,
                     shown_command(work->line, "dead redrive", work->name).text);
            work->told_full = true;
        }
    } else {
        work->lost++;
        note(work, one, "lease lost");
    }
}

/* Judge an answer; false: the call is to be repeated. */
static bool finish(worker *work, job *one, slotq_outcome outcome)
{
    if (outcome <= SLOTQ_DEADFULL) {
        worker_note_answer(work, &one->refused_at_ms);
        count(work, one, outcome);
        return true;
    }
    if (outcome == SLOTQ_REMADE) {
        worker_note_answer(work, &one->refused_at_ms);
        work->lost++;
        work->gone += one->lost ? 0 : 1;
        note(work, one, "gone with the queue");
        return true;
    }
    one->perhaps_settled = one->perhaps_settled || outcome == SLOTQ_OUTCOME_UNKNOWN;
    if (work->end != END_NOW && worker_may_repeat(work, outcome, &one->refused_at_ms)) {
        return false;
    }
    one->refused_at_ms = 0;
    work->lost++; /* it comes back when its lease ends */
    note(work, one, "not settled");
    worker_give_up(work);
    return true;
}

static bool try_verdict(worker *work, job *one)
{
    const job_verdict *verdict = &one->verdict;
    const settlement wanted = {verdict->how, verdict->delay_ms, verdict->reason, verdict->note};
    if (!finish(work, one, settle(work, one, &wanted))) {
        return false;
    }
    if (verdict->how == SLOTQ_SETTLE_NACK) {
        work->look_at_ms = 0; /* no wake-up comes for a delay */
    }
    return true;
}

/* The next messages came, though the ack failed: the one at hand is given back, so that the ack has
 * the place until it is done. */
static void give_back_next(worker *work, const slotq_message *next)
{
    if (slotq_settle_message(work->queue, SLOTQ_SETTLE_RELEASE, work->looked, next->id, 0, 0) !=
        SLOTQ_OK) {
        complain("message %" PRIu64 " comes back when its lease ends", next->id);
    }
}

/* Ack, and have the next message in the same round trip. True: the job is done with; *next is one
 * when *has_next. */
static bool ack_and_next(worker *work, job *one, slotq_message *next, bool *has_next)
{
    slotq_settled settled;
    slotq_message own;
    slotq_batch_rewind(one->batch);
    one->token = slotq_batch_next(one->batch, &own) ? own.token : 0;
    const slotq_outcome outcome =
        slotq_next(work->queue, work->group, 1, work->lease_ms, 0, one->batch, &settled);
    *has_next = outcome == SLOTQ_OK && slotq_batch_next(one->batch, next);
    if (settled.ok_count + settled.refused_count != 0) {
        return finish(work, one, settled.outcome);
    }
    if (outcome == SLOTQ_OK) { /* the batch is the next one's */
        slotq_batch *batch = one->batch;
        one->batch = work->looked;
        work->looked = batch;
        one->is_in_batch = false;
        if (*has_next) {
            give_back_next(work, next);
        }
        *has_next = false;
    }
    return finish(work, one, settled.outcome != SLOTQ_OK ? settled.outcome : outcome);
}

/* An ack whose outcome is sure takes the next message along. */
static bool takes_next(const worker *work, const job *one, uint64_t now_ms)
{
    return worker_has_message(work, one) && one->verdict.how == SLOTQ_SETTLE_ACK &&
           one->is_in_batch && !one->token_in_doubt && !one->perhaps_settled &&
           one->refused_at_ms == 0 && work->end == END_NOT && now_ms >= work->rest_until_ms &&
           now_ms >= work->look_at_ms;
}

void worker_settle(worker *work, job *one)
{
    slotq_message next;
    bool has_next = false;
    const uint64_t now_ms = clock_ms();
    if (one->lost) {
        work->lost++;
        note(work, one, "lease lost");
    } else {
        if (!make_verdict(work, one) || (work->end != END_NOW && now_ms < work->call_at_ms)) {
            return;
        }
        const bool settled = takes_next(work, one, now_ms)
                                 ? ack_and_next(work, one, &next, &has_next)
                                 : try_verdict(work, one);
        if (!settled) {
            return;
        }
    }
    worker_free_job(work, one);
    if (has_next) {
        worker_start_job(work, one, &next);
    }
}

static void settle_unrun(worker *work, job *one)
{
    one->state = JOB_ENDED;
    worker_settle(work, one);
}

void worker_release(worker *work, job *one)
{
    decide(one, SLOTQ_SETTLE_RELEASE, &work->released, "released");
    settle_unrun(work, one);
}

void worker_kill(worker *work, job *one, uint8_t reason, const char *note)
{
    decide(one, SLOTQ_SETTLE_KILL, &work->died, "died");
    one->verdict.reason = reason;
    one->verdict.note = (slotq_data){note, (uint32_t)strlen(note)};
    settle_unrun(work, one);
}
