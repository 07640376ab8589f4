/* fetch.c: takes messages for free places (worker.h): from a file by waiting a little, from Redis
 * by wake-ups. Knows when a look at the queue is worth it; not what becomes of a message.
 */
#include <poll.h>

#include "../clock/clock.h"
#include "../say/report.h"
#include "../verbs/open.h"
#include "worker.h"

enum {
    IDLE_SLICE_MS = 250, /* nothing runs: longest wait for a message without looking about */
    BUSY_LOOK_MS = 20,   /* a lease or delay that is over, but not swept yet */
    PAUSED_LOOK_MS = 1000
};

static job *free_place(worker *work)
{
    for (uint32_t i = 0; i < work->job_count; i++) {
        if (work->jobs[i].state == JOB_NONE) {
            return &work->jobs[i];
        }
    }
    return NULL;
}

/* A refusal that passes is waited out; a lease that was perhaps given ends by its time. */
static void fetch_failed(worker *work, slotq_outcome outcome)
{
    if (outcome != SLOTQ_REMADE && !worker_may_repeat(work, outcome, &work->refused_at_ms)) {
        worker_give_up(work);
    }
}

static void look_whether_drained(worker *work)
{
    slotq_stats stats;
    const slotq_outcome outcome = slotq_get_stats(work->queue, work->group, &stats);
    if (outcome != SLOTQ_OK) {
        fetch_failed(work, outcome);
        return;
    }
    work->drained = given(work->line, OPTION_DRAIN) && stats.unfinished == 0;
    worker_look_whether_stuck(work, &stats);
}

/* When something may be there without a wake-up: a limit, a lease, a delay or a due time ends. */
static uint64_t next_at_ms(const slotq_stats *stats, slotq_outcome outcome, uint64_t now_ms)
{
    uint64_t at_ms = UINT64_MAX;
    if (outcome == SLOTQ_LIMITED) {
        at_ms = stats->limited_until_ms;
    } else if (stats->leased + stats->waiting > 0) {
        at_ms = stats->next_due_ms;
    }
    const bool is_promoted = stats->later > 0 && (stats->paused & SLOTQ_PAUSE_IN) == 0;
    if (is_promoted && stats->later_due_ms > now_ms && stats->later_due_ms < at_ms) {
        at_ms = stats->later_due_ms;
    }
    return at_ms;
}

/* From a queue in Redis. Asking to wait registers this worker for wake-ups; it sleeps in the loop,
 * because signals and commands end that sleep, too. */
static slotq_outcome ask_far(worker *work, slotq_batch *batch)
{
    enum {
        REGISTER_MS = 1,
        DRAIN_LOOK_MS = 1000,
        DEAF_LOOK_MS = 1000,
        UNFINISHED_LOOK_MS = 5000, /* other workers may set delays, for which no wake-up comes */
        NOTHING_LOOK_MS = 10000
    };
    slotq_stats stats;
    if (slotq_redis_listen(work->queue, &work->woken) != SLOTQ_OK) {
        work->woken = -1;
    }
    const slotq_outcome outcome =
        slotq_reserve(work->queue, work->group, 1, work->lease_ms, REGISTER_MS, batch);
    work->look_at_ms = 0;
    if (outcome != SLOTQ_EMPTY && outcome != SLOTQ_LIMITED) {
        return outcome;
    }
    const slotq_outcome told = slotq_get_stats(work->queue, work->group, &stats);
    if (told != SLOTQ_OK) {
        return told;
    }
    const bool drain = given(work->line, OPTION_DRAIN);
    const uint64_t now_ms = slotq_now_ms(work->queue);
    const uint64_t at_ms = next_at_ms(&stats, outcome, now_ms);
    const uint64_t due_ms = at_ms > now_ms ? at_ms - now_ms : BUSY_LOOK_MS;
    uint64_t rest_ms = work->woken < 0         ? DEAF_LOOK_MS
                       : stats.unfinished != 0 ? UNFINISHED_LOOK_MS
                                               : NOTHING_LOOK_MS;
    rest_ms = drain && rest_ms > DRAIN_LOOK_MS ? DRAIN_LOOK_MS : rest_ms;
    work->look_at_ms = clock_ms() + (due_ms < rest_ms ? due_ms : rest_ms);
    work->drained = drain && work->busy == 0 && stats.unfinished == 0;
    worker_look_whether_stuck(work, &stats);
    return SLOTQ_EMPTY;
}

/* From a queue in a file; waits a little when nothing runs. */
static slotq_outcome ask_near(worker *work, slotq_batch *batch)
{
    slotq_outcome outcome = slotq_reserve(work->queue, work->group, 1, work->lease_ms, 0, batch);
    if ((outcome != SLOTQ_EMPTY && outcome != SLOTQ_LIMITED) || work->busy != 0) {
        return outcome == SLOTQ_LIMITED ? SLOTQ_EMPTY : outcome;
    }
    if (given(work->line, OPTION_DRAIN) || !work->told_stuck) {
        look_whether_drained(work);
    }
    if (work->drained || work->end != END_NOT) {
        return SLOTQ_EMPTY;
    }
    outcome = slotq_reserve(work->queue, work->group, 1, work->lease_ms, IDLE_SLICE_MS, batch);
    return outcome == SLOTQ_LIMITED ? SLOTQ_EMPTY : outcome;
}

/* Nothing was there, or it could not be had. */
static void note_none(worker *work, slotq_outcome outcome)
{
    if (outcome == SLOTQ_PAUSED) {
        if (!work->told_paused) {
            remark("%s is paused; waiting for: %s out", work->name,
                   shown_command(work->line, "resume", work->name).text);
        }
        work->told_paused = true;
        if (work->far) {
            work->look_at_ms = clock_ms() + PAUSED_LOOK_MS;
        } else if (work->busy == 0) {
            struct pollfd input = {.fd = work->signals, .events = POLLIN};
            poll(&input, 1, IDLE_SLICE_MS);
        }
    } else if (outcome != SLOTQ_EMPTY && outcome != SLOTQ_AGAIN) {
        fetch_failed(work, outcome);
    }
}

/* This worker takes nothing more for a while: a message must wake another one. */
static void stop_listening(worker *work)
{
    if (work->far && work->woken >= 0) {
        (void)slotq_redis_unlisten(work->queue);
        work->woken = -1;
    }
}

void worker_fetch(worker *work)
{
    job *one = free_place(work);
    if (work->end != END_NOT || clock_ms() < work->rest_until_ms) {
        stop_listening(work);
    }
    while (one != NULL && work->end == END_NOT) {
        slotq_message message;
        const uint64_t now_ms = clock_ms();
        if (now_ms < work->rest_until_ms || now_ms < work->look_at_ms ||
            now_ms < work->call_at_ms) {
            return;
        }
        const slotq_outcome outcome =
            work->far ? ask_far(work, one->batch) : ask_near(work, one->batch);
        if (outcome < SLOTQ_FAILURES) {
            worker_note_answer(work, &work->refused_at_ms);
        }
        if (outcome != SLOTQ_OK || !slotq_batch_next(one->batch, &message)) {
            note_none(work, outcome);
            return;
        }
        worker_start_job(work, one, &message);
        one = free_place(work);
    }
}
