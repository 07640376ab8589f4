/* worker.c: settles messages by how their command ended (worker.h).
 */
#include "worker.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backoff.h"
#include "../clock/clock.h"
#include "../verbs/open.h"
#include "../say/report.h"
#include "../say/texts.h"

enum { REASON_TIMEOUT = 124, EXIT_KILL = 100, EXIT_CANNOT_EXECUTE = 126, EXIT_NOT_FOUND = 127 };

uint64_t worker_now_ms(void)
{
    return clock_ms();
}

/* The queue itself fails: what runs is still finished. */
void worker_give_up(worker *work)
{
    work->code = worse_exit(work->code, complain_queue(work->queue, work->name));
    work->end = work->end == END_NOT ? END_DRAIN : work->end;
}

bool worker_server_is_away(const worker *work, slotq_outcome outcome)
{
    return work->far && (outcome == SLOTQ_CONNECT || outcome == SLOTQ_OUTCOME_UNKNOWN);
}

void worker_note_there(worker *work)
{
    if (work->lost_at_ms != 0) {
        remark("%s: the server is there again", work->name);
    }
    work->lost_at_ms = 0;
}

bool worker_is_cut_off(worker *work)
{
    enum { PATIENCE_MS = 30000 };
    const uint64_t now_ms = worker_now_ms();
    if (work->lost_at_ms == 0) {
        work->lost_at_ms = now_ms;
        complain_queue(work->queue, work->name);
        complain("trying again for %s", time_text(PATIENCE_MS).text);
    }
    return now_ms - work->lost_at_ms >= PATIENCE_MS;
}

void worker_take_signals(worker *work)
{
    struct signalfd_siginfo info;
    while (read(work->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD) {
            continue;
        }
        work->interrupted_by = (int)info.ssi_signo;
        if (work->end == END_NOT) {
            work->end = END_DRAIN;
            if (work->running != 0) {
                remark("finishing what runs (%u); a second signal ends it at once", work->running);
            }
        } else {
            work->end = END_NOW;
        }
    }
}

/* Settle one message. A server that went away is waited for: what was perhaps done is asked for
 * again, and a token that is no more good then tells that it was. */
static slotq_outcome settle(worker *work, const child *one, slotq_settle_how how, uint64_t ms,
                            uint8_t reason)
{
    enum { PAUSE_MS = 200 };
    bool perhaps_done = false;
    for (;;) {
        const slotq_outcome outcome =
            slotq_settle_message(work->queue, how, worker_batch_of(work, one), one->id, ms, reason);
        const bool is_away = worker_server_is_away(work, outcome);
        if (!is_away || worker_is_cut_off(work) || work->end == END_NOW) {
            const bool was_done = perhaps_done && (outcome == SLOTQ_STALE || outcome == SLOTQ_GONE);
            if (!is_away) {
                worker_note_there(work);
            }
            return was_done && how != SLOTQ_SETTLE_EXTEND ? SLOTQ_OK : outcome;
        }
        perhaps_done = perhaps_done || outcome == SLOTQ_OUTCOME_UNKNOWN;
        poll(NULL, 0, PAUSE_MS);
        worker_take_signals(work); /* a second one ends this wait, too */
    }
}

slotq_outcome worker_extend(worker *work, const child *one)
{
    return settle(work, one, SLOTQ_SETTLE_EXTEND, work->lease_ms, 0);
}

slotq_batch *worker_batch_of(const worker *work, const child *one)
{
    return work->batches[one - work->children];
}

static void note(const worker *work, const child *one, const char *what)
{
    if (given(work->line, OPTION_VERBOSE)) {
        complain("%" PRIu64 ": attempt %u: %s after %s", one->id, one->attempts, what,
                 time_text(worker_now_ms() - one->started_at_ms).text);
    }
}

/* What a settle call answered, counted in counter when it did what was wanted. */
static void judge_settled(worker *work, const child *one, slotq_outcome outcome, uint64_t *counter,
                          const char *what)
{
    if (outcome == SLOTQ_OK) {
        (*counter)++;
        note(work, one, what);
    } else if (outcome == SLOTQ_DEADFULL) {
        work->failed++;
        if (!work->told_full) {
            complain("the dead section of %s is full: message %" PRIu64 " keeps its lease and "
                     "comes back; %s, or dead purge, makes room",
                     work->name, one->id,
                     shown_command(work->line, "dead redrive", work->name).text);
            work->told_full = true;
        }
    } else if (outcome < SLOTQ_DEADFULL) {
        work->lost++;
        note(work, one, "lease lost");
    } else {
        worker_give_up(work);
    }
}

static void settle_failed(worker *work, const child *one, unsigned reason)
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
    uint64_t delay_ms = backoff_ms(least_ms, most_ms, one->attempts, chance);
    delay_ms = delay_ms < limit_ms ? delay_ms : limit_ms;
    const unsigned limit = slotq_geometry_of(work->queue)->max_attempts;
    const bool dies = limit != 0 && one->attempts >= limit;
    char what[64];
    snprintf(what, sizeof what, "%s (%u)", dies ? "died" : "failed", reason);
    judge_settled(work, one, settle(work, one, SLOTQ_SETTLE_NACK, delay_ms, (uint8_t)reason),
                  dies ? &work->died : &work->failed, what);
    work->look_at_ms = 0; /* nobody is told of a delay */
}

void worker_release(worker *work, const child *one)
{
    judge_settled(work, one, settle(work, one, SLOTQ_SETTLE_RELEASE, 0, 0), &work->released,
                  "released");
}

void worker_kill(worker *work, const child *one, uint8_t reason)
{
    judge_settled(work, one, settle(work, one, SLOTQ_SETTLE_KILL, 0, reason), &work->died, "died");
}

void worker_stop(worker *work, const child *one, const char *why)
{
    complain("%s cannot be run (%s); message %" PRIu64 " is released, and the worker stops",
             work->program.arguments[0], why, one->id);
    worker_release(work, one);
    work->code = worse_exit(work->code, EXIT_CODE_FAILURE);
    work->end = work->end == END_NOT ? END_DRAIN : work->end;
}

/* Ack it, and have the next one where one is there; true when *next is it. */
static bool ack_and_next(worker *work, const child *one, slotq_message *next)
{
    slotq_settled settled;
    slotq_batch *batch = worker_batch_of(work, one);
    const slotq_outcome outcome =
        slotq_next(work->queue, work->group, 1, work->lease_ms, 0, batch, &settled);
    if (settled.outcome >= SLOTQ_FAILURES && outcome != SLOTQ_OK) { /* it is still in the batch */
        settled.outcome = settle(work, one, SLOTQ_SETTLE_ACK, 0, 0);
    }
    judge_settled(work, one, settled.outcome, &work->acked, "acked");
    return outcome == SLOTQ_OK && slotq_batch_next(batch, next);
}

bool worker_settle(worker *work, const child *one, int status, bool take_next, slotq_message *next)
{
    const int exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (one->lost) {
        work->lost++;
        note(work, one, "lease lost");
    } else if (one->timed_out) {
        settle_failed(work, one, REASON_TIMEOUT);
    } else if (exit_code == 0 && take_next) {
        return ack_and_next(work, one, next);
    } else if (exit_code == 0) {
        judge_settled(work, one, settle(work, one, SLOTQ_SETTLE_ACK, 0, 0), &work->acked, "acked");
    } else if (exit_code == EXIT_KILL) {
        worker_kill(work, one, EXIT_KILL);
    } else if (exit_code == EXIT_CANNOT_EXECUTE || exit_code == EXIT_NOT_FOUND) {
        worker_stop(work, one,
                    exit_code == EXIT_NOT_FOUND ? "exit 127: a command was not found"
                                                : "exit 126: a command is not executable");
    } else if (exit_code > 0) { /* 255 is slotq's own reason */
        settle_failed(work, one, exit_code < 255 ? (unsigned)exit_code : 254);
    } else if (WTERMSIG(status) == work->interrupted_by) { /* it was meant for us all */
        worker_release(work, one);
    } else {
        settle_failed(work, one, 128u + ((unsigned)WTERMSIG(status) & 63u));
    }
    return false;
}
