/* task.c: the worker of the library runs this command's handler, which starts a child for each
 * message and answers LATER (worker.h). Knows what the library tells; not how children end.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "../clock/clock.h"
#include "../say/report.h"
#include "../say/texts.h"
#include "../verbs/open.h"
#include "worker.h"

enum {
    STOP_MS = 1000,  /* when it is stopped, no command runs any more */
    REMADE_STEPS = 2 /* until all messages of the old queue are known to be gone */
};

/* ---- refusals ---- */

/* The queue failed: say so, and drain. */
static void give_up(worker *work)
{
    slotq_error error;
    if (slotq_worker_error(work->runtime, &error) == SLOTQ_OK || work->gave_up) {
        return;
    }
    complain_error(work->name, &error);
    work->gave_up = true;
    worker_drain(work, slotq_outcome_exit(error.outcome));
}

static void note_away(worker *work)
{
    slotq_error error;
    work->away_since_ms = clock_ms();
    if (work->patience_ms == 0 || work->told_refused) {
        return;
    }
    slotq_worker_error(work->runtime, &error);
    complain_error(work->name, &error);
    complain("trying again for %s", time_text(work->patience_ms).text);
    work->told_refused = true;
}

static void note_back(worker *work)
{
    work->away_since_ms = 0;
    if (work->told_refused) {
        remark("%s: the server works again", work->name);
    }
    work->told_refused = false;
}

void task_look_at_patience(worker *work)
{
    const uint64_t since_ms = work->away_since_ms;
    if (since_ms != 0 && clock_ms() - since_ms >= work->patience_ms) {
        give_up(work);
    }
}

/* ---- the queue is made anew ---- */

int task_judge_queue(const worker *work)
{
    const slotq_geometry *geometry = slotq_geometry_of(work->queue);
    const uint64_t least_ms = UINT64_C(3) * geometry->tick_ms;
    if (work->group >= geometry->groups) {
        complain("%s has no group %u: it has %u", work->name, work->group, geometry->groups);
        return EXIT_CODE_USAGE;
    }
    if (work->lease_ms < least_ms) {
        complain("--lease must be at least %s in %s (three ticks): it is extended at a third",
                 time_text(least_ms).text, work->name);
        return EXIT_CODE_USAGE;
    }
    return judge_time(work->line, work->queue, OPTION_LEASE);
}

static void tell_remade(worker *work)
{
    slotq_stats stats;
    (void)slotq_get_stats(work->queue, work->group, &stats); /* it reads the new geometry */
    work->generation = slotq_geometry_of(work->queue)->generation;
    work->dead_dropped_before = 0;
    complain("%s was made anew; the worker goes on with the new queue. %" PRIu32
             " messages that it worked on are gone with the old one",
             work->name, work->gone);
    work->gone = 0;
    const int code = task_judge_queue(work);
    if (code != EXIT_CODE_OK) {
        work->gave_up = true; /* this was said */
        worker_drain(work, code);
    }
}

/* ---- what the library tells ---- */

static void note_lost(worker *work, const slotq_event *event)
{
    job *one = event->task != NULL ? worker_find_job(work, event->task->id) : NULL;
    if (one == NULL || one->state == JOB_FINISHED) {
        return; /* it is told when it is settled */
    }
    work->gone += event->outcome == SLOTQ_REMADE ? 1 : 0;
    if (one->state == JOB_RUNS && !one->lost) {
        worker_terminate(one);
    }
    one->lost = true;
}

static void on_event(void *context, const slotq_event *event)
{
    worker *work = context;
    switch (event->kind) {
    case SLOTQ_EVENT_AWAY:
        note_away(work);
        break;
    case SLOTQ_EVENT_BACK:
        note_back(work);
        break;
    case SLOTQ_EVENT_LOST:
        note_lost(work, event);
        break;
    case SLOTQ_EVENT_REMADE:
        work->tell_remade = REMADE_STEPS;
        break;
    case SLOTQ_EVENT_QUEUE_FAILED:
        if (work->tell_remade == 0) {
            give_up(work);
        }
        break;
    default:
        break;
    }
}

static void note_full(worker *work, uint64_t id)
{
    work->failed++;
    if (!work->told_full) {
        complain("the dead section of %s is full: message %s keeps its lease and comes back; "
                 "%s, or dead purge, makes room",
                 work->name, id_text(id).text,
                 shown_command(work->line, "dead redrive", work->name).text);
        work->told_full = true;
    }
}

/* Its outcome was never learnt; or it was given back by a call without an answer, and what the
 * queue answers now does not say whether by that call. It left this worker either way. */
static bool was_given_back(const worker *work, slotq_result result)
{
    slotq_worker_stats stats;
    slotq_worker_get_stats(work->runtime, &stats);
    return !stats.away && !work->gave_up &&
           (result.how == SLOTQ_RESULT_RETRY || result.how == SLOTQ_RESULT_RELEASE);
}

static void count(worker *work, const job *one, slotq_outcome outcome)
{
    const job_verdict *verdict = &one->verdict;
    if (outcome == SLOTQ_OUTCOME_UNKNOWN && was_given_back(work, verdict->result)) {
        outcome = SLOTQ_OK;
    }
    if (outcome == SLOTQ_OK) {
        (*verdict->counter)++;
        verdict_tell_settled(work, one);
        return;
    }
    if (outcome == SLOTQ_DEADFULL) {
        note_full(work, one->id);
        return;
    }
    work->lost++;
    if (outcome == SLOTQ_REMADE) {
        work->gone++;
        verdict_tell(work, one, "gone with the queue");
    } else if (outcome == SLOTQ_OUTCOME_UNKNOWN) { /* it comes back when its lease ends */
        verdict_tell(work, one, "not settled");
        give_up(work);
    } else {
        verdict_tell(work, one, "lease lost");
    }
}

/* Messages that were not run have no job. */
static void on_settled(void *context, const slotq_task_info *task, slotq_result result,
                       slotq_outcome outcome)
{
    worker *work = context;
    job unrun = {.id = task->id, .attempts = task->attempts, .started_at_ms = clock_ms()};
    job *one = worker_find_job(work, task->id);
    if (one == NULL) {
        const bool dies = result.how == SLOTQ_RESULT_DEAD;
        verdict_decide(&unrun, result, dies ? &work->died : &work->released,
                       dies ? "died" : "released");
        count(work, &unrun, outcome);
    } else if (one->state == JOB_FINISHED) {
        count(work, one, outcome);
        worker_free_job(work, one);
        if (work->busy == 0) {
            work->look_at_ms = 0;
        }
    }
}

/* ---- the handler ---- */

/* The system has no room for a process now, or the program's file is being written: this passes. */
static bool start_passes(int why)
{
    return why == EAGAIN || why == ENOMEM || why == EMFILE || why == ENFILE || why == ETXTBSY;
}

/* What the command gets of a message. Payloads that are not tasks have the type "", and are their
 * body. */
static child_message message_of(const worker *work, const slotq_task_info *info)
{
    slotq_task_info task;
    const slotq_outcome outcome = slotq_frame_read(info->payload, info->payload_bytes, &task);
    const bool is_task = outcome == SLOTQ_OK;
    const bool has_headers = is_task && *(const char *)info->payload == 1;
    const bool is_body = is_task && given(work->line, OPTION_BODY);
    return (child_message){.id = info->id,
                           .attempts = info->attempts,
                           .payload = is_body ? task.body : info->payload,
                           .payload_bytes = is_body ? task.body_bytes : info->payload_bytes,
                           .type = task.type,
                           .headers = has_headers ? task.type + task.type_bytes + 1 : ""};
}

static int start_command(worker *work, job *one, const child_message *wanted)
{
    int ends[RELAY_STREAMS];
    int why = relays_open(&work->outputs, &one->output, ends);
    if (why != 0) {
        return why;
    }
    why = child_start(&work->program, wanted, ends[0], ends[1], &one->pid);
    for (int i = 0; i < RELAY_STREAMS; i++) {
        if (ends[i] >= 0 && (i == 0 || ends[i] != ends[0])) {
            close(ends[i]);
        }
    }
    return why;
}

/* After a release the library leaves the queue alone for a second. */
static slotq_result not_started(worker *work, const slotq_task_info *info, int why)
{
    if (start_passes(why)) {
        complain("cannot start a process for message %s (%s); it is released",
                 id_text(info->id).text, strerror(why));
    } else {
        complain("%s cannot be run (%s); message %s is released, and the worker stops",
                 work->program.arguments[0], strerror(why), id_text(info->id).text);
        worker_drain(work, EXIT_CODE_FAILURE);
    }
    return slotq_result_release();
}

static slotq_result on_task(void *context, slotq_task *task)
{
    static const char why_dead[] = "contains a NUL byte and cannot be an argument";
    worker *work = context;
    const slotq_task_info *info = slotq_task_info_of(task);
    const child_message wanted = message_of(work, info);
    if (work->program.payload_as_argument && wanted.payload_bytes != 0 &&
        memchr(wanted.payload, '\0', wanted.payload_bytes) != NULL) {
        const bool may_help = wanted.type[0] != '\0' && !given(work->line, OPTION_BODY);
        complain("message %s %s: it is dead%s", id_text(info->id).text, why_dead,
                 may_help ? "; it is a task: --body passes its body alone" : "");
        slotq_task_note(task, why_dead, sizeof why_dead - 1);
        return slotq_result_dead(SLOTQ_REASON_BAD_FRAME);
    }
    job *one = work->end == END_NOT ? worker_new_job(work, task) : NULL;
    if (one == NULL) {
        return slotq_result_release();
    }
    const int why = start_command(work, one, &wanted);
    if (why != 0) {
        worker_free_job(work, one);
        return not_started(work, info, why);
    }
    return slotq_result_later();
}

/* --backoff 0: for the library 0 is its default. */
static uint64_t no_backoff(void *context, const slotq_task_info *task, slotq_result result)
{
    (void)context;
    (void)task;
    (void)result;
    return 0;
}

/* ---- start, step, stop ---- */

static slotq_outcome begin(worker *work, slotq_error *error)
{
    const option_value *backoff = &work->line->options[OPTION_BACKOFF];
    const slotq_handler handler = {.run = on_task,
                                   .context = work,
                                   .limit_ms = SLOTQ_NO_LIMIT,
                                   .backoff_least_ms = backoff->given ? backoff->number : 0,
                                   .backoff_most_ms = backoff->given ? backoff->number_most : 0,
                                   .backoff =
                                       backoff->given && backoff->number == 0 ? no_backoff : NULL,
                                   .settled = on_settled};
    const slotq_worker_options options = {.loop = true,
                                          .lease_ms = work->lease_ms,
                                          .stop_ms = STOP_MS,
                                          .alone_attempts = UINT8_MAX,
                                          .pending_most = work->job_count,
                                          .on_event = on_event,
                                          .event_context = work};
    const slotq_worker_queue how = {
        .group = work->group, .prefetch_most = 1, .frame = SLOTQ_FRAME_PLAIN};
    slotq_outcome outcome = slotq_mux_new(&work->mux);
    if (outcome == SLOTQ_OK) {
        outcome = slotq_mux_plain(work->mux, &handler);
    }
    if (outcome == SLOTQ_OK) {
        outcome = slotq_worker_new(work->mux, &options, &work->runtime, error);
    }
    if (outcome == SLOTQ_OK) {
        outcome = slotq_worker_add_queue(work->runtime, work->queue, work->name, &how);
    }
    if (outcome == SLOTQ_OK && given(work->line, OPTION_DRAIN)) {
        slotq_worker_drain(work->runtime);
    }
    if (outcome == SLOTQ_OK) {
        outcome = slotq_worker_start(work->runtime);
        slotq_worker_error(work->runtime, error);
    }
    return outcome;
}

int task_start(worker *work)
{
    slotq_error error = {.outcome = SLOTQ_NOMEMORY, .text = "out of memory"};
    const slotq_outcome outcome = begin(work, &error);
    return outcome == SLOTQ_OK ? EXIT_CODE_OK : complain_error(work->name, &error);
}

void task_stop(worker *work)
{
    slotq_worker_free(work->runtime);
    slotq_mux_free(work->mux);
}

void task_step(worker *work)
{
    if (work->is_over) {
        return;
    }
    work->is_over = slotq_worker_step(work->runtime, work->job_count, NULL) == SLOTQ_GONE;
    for (uint32_t i = 0; work->is_over && i < work->job_count; i++) {
        job *one = &work->jobs[i];
        if (one->state == JOB_FINISHED) { /* in the last moment of a stop */
            count(work, one, SLOTQ_OUTCOME_UNKNOWN);
            worker_free_job(work, one);
        }
    }
    if (work->tell_remade != 0 && (--work->tell_remade == 0 || work->is_over)) {
        work->tell_remade = 0;
        tell_remade(work);
    }
}

void task_finish(worker *work, job *one)
{
    one->state = JOB_FINISHED;
    if (work->is_over || slotq_task_finish(one->task, one->verdict.result) == SLOTQ_INVALID) {
        count(work, one, work->gave_up ? SLOTQ_OUTCOME_UNKNOWN : SLOTQ_STALE);
        worker_free_job(work, one);
    }
}
