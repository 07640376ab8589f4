/* verdict.c: judges a run by how its command ended, and says what became of it (worker.h). Knows
 * exit codes and signals; not the queue.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "../clock/clock.h"
#include "../say/report.h"
#include "../say/texts.h"
#include "worker.h"

enum {
    EXIT_KILL = 100,
    EXIT_SIGNAL = 128,
    /* A service manager signals the worker and its commands one after the other: a command that
     * ended by such a signal is judged when the worker's own would have come. */
    STOP_SIGNAL_MS = 1000
};

/* ---- what is said ---- */

void verdict_tell(const worker *work, const job *one, const char *what)
{
    void (*const say)(const char *, ...) = given(work->line, OPTION_VERBOSE) ? complain : remark;
    say("%s: message %s, attempt %u: %s after %s", work->name, id_text(one->id).text, one->attempts,
        what, time_text(clock_ms() - one->started_at_ms).text);
}

/* -v tells what went well; what failed is told without it. */
void verdict_tell_settled(const worker *work, const job *one)
{
    const uint8_t how = one->verdict.result.how;
    const bool failed = how == SLOTQ_RESULT_RETRY || how == SLOTQ_RESULT_DEAD;
    if (failed || given(work->line, OPTION_VERBOSE)) {
        verdict_tell(work, one, one->verdict.text);
    }
    if (one->verdict.counter == &work->died) {
        worker_tell_dropped((worker *)work);
    }
}

/* ---- what is to be done ---- */

void verdict_decide(job *one, slotq_result result, uint64_t *counter, const char *text)
{
    one->verdict = (job_verdict){.result = result, .counter = counter};
    snprintf(one->verdict.text, sizeof one->verdict.text, "%s", text);
}

/* What people may want to know of a message that dies: the last line of its command's stderr. */
static void note_last_words(const worker *work, const job *one)
{
    const slotq_data words =
        relays_last_line(&one->output, slotq_geometry_of(work->queue)->note_bytes);
    slotq_task_note(one->task, words.bytes, (uint32_t)words.size);
}

static void decide_failed(worker *work, job *one, unsigned reason)
{
    const unsigned limit = slotq_geometry_of(work->queue)->max_attempts;
    const bool dies = limit != 0 && one->attempts >= limit;
    const char *kind = one->timed_out ? "timeout" : WIFSIGNALED(one->status) ? "signal" : "exit";
    char text[sizeof one->verdict.text];
    snprintf(text, sizeof text, "%s (%s %u)", dies ? "died" : "failed", kind,
             WIFSIGNALED(one->status) && !one->timed_out ? (unsigned)WTERMSIG(one->status)
                                                         : reason);
    verdict_decide(one, slotq_result_retry((uint8_t)reason), dies ? &work->died : &work->failed,
                   text);
    note_last_words(work, one);
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
        decide_failed(work, one, SLOTQ_REASON_TIME_LIMIT);
    } else if (exit_code == 0) {
        verdict_decide(one, slotq_result_done(), &work->acked, "acked");
    } else if (exit_code == EXIT_KILL) {
        verdict_decide(one, slotq_result_dead(EXIT_KILL), &work->died, "died");
        note_last_words(work, one);
    } else if (work->interrupted_by != 0 && looks_stopped(one->status)) {
        verdict_decide(one, slotq_result_release(), &work->released, "released");
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

bool verdict_make(worker *work, job *one)
{
    if (one->lost) { /* the library drops it */
        verdict_decide(one, slotq_result_release(), &work->released, "released");
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
        verdict_decide(one, slotq_result_release(), &work->released, "released");
    } else {
        decide_by_status(work, one);
    }
    return true;
}
