/* worker.c: settles messages by how their command ended (worker.h).
 */
#include "worker.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>

#include "backoff.h"
#include "open.h"
#include "report.h"
#include "values.h"

enum { REASON_TIMEOUT = 124, EXIT_KILL = 100, EXIT_CANNOT_EXECUTE = 126, EXIT_NOT_FOUND = 127 };

uint64_t worker_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The queue itself fails: what runs is still finished. */
void worker_give_up(worker *work)
{
    work->code = worse_exit(work->code, complain_queue(work->queue, work->name));
    work->end = work->end == END_NOT ? END_DRAIN : work->end;
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
                     "comes back; slotq dead redrive %s or slotq dead purge %s makes room",
                     work->name, one->id, work->name, work->name);
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
    judge_settled(
        work, one,
        slotq_nack(work->queue, work->group, one->id, one->token, delay_ms, (uint8_t)reason),
        dies ? &work->died : &work->failed, what);
}

void worker_release(worker *work, const child *one)
{
    judge_settled(work, one, slotq_release(work->queue, work->group, one->id, one->token),
                  &work->released, "released");
}

void worker_kill(worker *work, const child *one, uint8_t reason)
{
    judge_settled(work, one, slotq_kill(work->queue, work->group, one->id, one->token, reason),
                  &work->died, "died");
}

void worker_stop(worker *work, const child *one, const char *why)
{
    complain("%s cannot be run (%s); message %" PRIu64 " is released, and the worker stops",
             work->program.arguments[0], why, one->id);
    worker_release(work, one);
    work->code = worse_exit(work->code, EXIT_CODE_FAILURE);
    work->end = work->end == END_NOT ? END_DRAIN : work->end;
}

/* Settle a message by how its command ended. */
void worker_settle(worker *work, const child *one, int status)
{
    const int exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (one->lost) {
        work->lost++;
        note(work, one, "lease lost");
    } else if (one->timed_out) {
        settle_failed(work, one, REASON_TIMEOUT);
    } else if (exit_code == 0) {
        judge_settled(work, one, slotq_ack(work->queue, work->group, one->id, one->token),
                      &work->acked, "acked");
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
}
