/* worker.c: the loop of the command work (worker.h): commands are started, kept leased, timed out
 * and reaped; signals and refusals are waited out. Does not know how messages are taken or
 * settled.
 */
#include "worker.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "../clock/clock.h"
#include "../say/texts.h"
#include "../say/report.h"
#include "../verbs/open.h"
#include "slotq_frame.h"

enum {
    BUSY_SLICE_MS = 20,   /* of queues in files, while something runs and there is room for more */
    GRACE_MS = 5000,      /* from SIGTERM to SIGKILL */
    SPAWN_REST_MS = 1000, /* after the system refused a process */
    REPEAT_MS = 200,      /* from a refusal to the next call */
    LONGEST_MS = 60000,
    EXIT_CANNOT_EXECUTE = 126
};

/* ---- refusals ---- */

void worker_drain(worker *work, int code)
{
    work->code = worse_exit(work->code, code);
    work->end = work->end == END_NOT ? END_DRAIN : work->end;
}

void worker_give_up(worker *work)
{
    const int code = slotq_outcome_exit(slotq_error_of(work->queue)->outcome);
    if (!work->gave_up) {
        complain_queue(work->queue, work->name);
    }
    work->gave_up = true;
    worker_drain(work, code);
}

bool worker_may_repeat(worker *work, slotq_outcome outcome, uint64_t *since_ms)
{
    const uint64_t now_ms = clock_ms();
    const slotq_error *error = slotq_error_of(work->queue);
    const bool repeatable = error->passes || (work->far && outcome == SLOTQ_OUTCOME_UNKNOWN);
    if (!repeatable) {
        return false;
    }
    *since_ms = *since_ms == 0 ? now_ms : *since_ms;
    const uint64_t passed_ms = now_ms - *since_ms;
    if (passed_ms >= work->patience_ms) {
        return false;
    }
    if (!work->told_refused) {
        complain_queue(work->queue, work->name);
        complain("trying again for %s", time_text(work->patience_ms - passed_ms).text);
    }
    work->told_refused = true;
    work->call_at_ms = now_ms + REPEAT_MS;
    return true;
}

void worker_note_answer(worker *work, uint64_t *since_ms)
{
    *since_ms = 0;
    work->call_at_ms = 0;
    if (!work->told_refused || work->refused_at_ms != 0) {
        return;
    }
    for (uint32_t i = 0; i < work->job_count; i++) {
        if (work->jobs[i].refused_at_ms != 0) {
            return;
        }
    }
    remark("%s: the server works again", work->name);
    work->told_refused = false;
}

/* ---- the queue is made anew ---- */

bool worker_has_message(const worker *work, const job *one)
{
    return one->generation == slotq_geometry_of(work->queue)->generation;
}

int worker_judge_queue(const worker *work)
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

static void terminate(job *one, uint64_t now_ms)
{
    child_terminate(one->pid);
    one->kill_at_ms = now_ms + GRACE_MS;
    one->timeout_at_ms = UINT64_MAX;
}

/* Messages of the queue before are gone: their commands are ended, and nothing is settled. */
static void look_whether_remade(worker *work)
{
    const uint32_t generation = slotq_geometry_of(work->queue)->generation;
    if (work->generation == generation) {
        return;
    }
    uint32_t gone = work->gone;
    work->gone = 0;
    work->generation = generation;
    work->dead_dropped_before = 0;
    work->look_at_ms = 0;
    for (uint32_t i = 0; i < work->job_count; i++) {
        job *one = &work->jobs[i];
        if (one->state != JOB_NONE && !worker_has_message(work, one)) {
            gone++;
            if (one->state == JOB_RUNS && !one->lost) {
                terminate(one, clock_ms());
            }
            one->lost = true;
            one->extend_at_ms = UINT64_MAX;
        }
    }
    complain("%s was made anew; the worker goes on with the new queue. %" PRIu32
             " messages that it worked on are gone with the old one",
             work->name, gone);
    const int code = worker_judge_queue(work);
    if (code != EXIT_CODE_OK) {
        worker_drain(work, code);
    }
}

/* ---- signals ---- */

int worker_watch_signals(worker *work)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    sigset_t watched;
    sigemptyset(&watched);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction before;
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
            sigaddset(&watched, numbers[i]); /* under nohup SIGHUP stays ignored */
        }
    }
    sigaddset(&watched, SIGCHLD);
    signal(SIGCHLD, SIG_DFL); /* inherited as ignored, it would eat exit codes */
    sigprocmask(SIG_BLOCK, &watched, &work->program.mask);
    work->signals = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
    if (work->signals < 0) {
        complain("cannot watch signals: %s", strerror(errno));
        return EXIT_CODE_FAILURE;
    }
    return EXIT_CODE_OK;
}

void worker_take_signals(worker *work)
{
    struct signalfd_siginfo info;
    while (read(work->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD) {
            continue;
        }
        const bool first = work->interrupted_by == 0 && work->end != END_NOW;
        work->interrupted_by = (int)info.ssi_signo;
        if (!first) {
            work->end = END_NOW;
            continue;
        }
        work->end = END_DRAIN;
        if (work->busy != 0) {
            remark("finishing what runs (%u); a second signal ends it at once", work->busy);
        }
    }
}

/* ---- jobs ---- */

void worker_free_job(worker *work, job *one)
{
    relays_let_go(&work->outputs, &one->output);
    one->state = JOB_NONE;
    work->busy--;
}

void worker_lose_output(worker *work, int why)
{
    if (work->lost_output) {
        return;
    }
    work->lost_output = true;
    complain("cannot write the output of commands: %s; what runs is ended and released",
             strerror(why));
    worker_drain(work, EXIT_CODE_FAILURE);
    for (uint32_t i = 0; i < work->job_count; i++) {
        job *one = &work->jobs[i];
        if (one->state == JOB_RUNS) {
            one->unwritten = true;
            terminate(one, clock_ms());
        }
    }
}

/* The system has no room for a process now, or the program's file is being written: this passes. */
static bool start_passes(int why)
{
    return why == EAGAIN || why == ENOMEM || why == EMFILE || why == ENFILE || why == ETXTBSY;
}

static int start_command(worker *work, job *one, const slotq_message *message)
{
    int ends[RELAY_STREAMS];
    slotq_task_info task; /* payloads that are not tasks have the type "" */
    (void)slotq_frame_read(message->payload, message->payload_bytes, &task);
    const child_message wanted = {.id = one->id,
                                  .attempts = one->attempts,
                                  .payload = message->payload,
                                  .payload_bytes = message->payload_bytes,
                                  .type = task.type};
    int why = relays_open(&work->outputs, &one->output, ends);
    if (why != 0) {
        return why;
    }
    why = child_start(&work->program, &wanted, ends[0], ends[1], &one->pid);
    for (int i = 0; i < RELAY_STREAMS; i++) {
        if (ends[i] >= 0 && (i == 0 || ends[i] != ends[0])) {
            close(ends[i]);
        }
    }
    return why;
}

void worker_start_job(worker *work, job *one, const slotq_message *message)
{
    const uint64_t now_ms = clock_ms();
    *one = (job){.state = JOB_RUNS,
                 .id = message->id,
                 .attempts = message->attempts,
                 .generation = slotq_geometry_of(work->queue)->generation,
                 .batch = one->batch,
                 .is_in_batch = true,
                 .started_at_ms = now_ms,
                 .extend_at_ms = now_ms + work->lease_ms / 3,
                 .timeout_at_ms =
                     work->timeout_ms == UINT64_MAX ? UINT64_MAX : now_ms + work->timeout_ms,
                 .kill_at_ms = UINT64_MAX};
    work->busy++;
    if (work->end != END_NOT || now_ms < work->rest_until_ms) {
        worker_release(work, one);
        return;
    }
    if (work->program.payload_as_argument && message->payload_bytes != 0 &&
        memchr(message->payload, '\0', message->payload_bytes) != NULL) {
        complain("message %" PRIu64 " contains a NUL byte and cannot be an argument: it is dead",
                 one->id);
        worker_kill(work, one, EXIT_CANNOT_EXECUTE,
                    "contains a NUL byte and cannot be an argument");
        return;
    }
    const int why = start_command(work, one, message);
    if (why == 0) {
        return;
    }
    if (start_passes(why)) {
        complain("cannot start a process for message %" PRIu64 " (%s); it is released", one->id,
                 strerror(why));
        work->rest_until_ms = now_ms + SPAWN_REST_MS;
    } else {
        complain("%s cannot be run (%s); message %" PRIu64 " is released, and the worker stops",
                 work->program.arguments[0], strerror(why), one->id);
        worker_drain(work, EXIT_CODE_FAILURE);
    }
    worker_release(work, one);
}

static bool is_ours(const void *context, pid_t pid)
{
    const worker *work = context;
    for (uint32_t i = 0; i < work->job_count; i++) {
        if (work->jobs[i].state == JOB_RUNS && work->jobs[i].pid == pid) {
            return true;
        }
    }
    return false;
}

/* Commands that have ended; and as process 1, or where exec kept children, theirs. */
static void reap(worker *work, bool wait_for_them)
{
    for (uint32_t i = 0; i < work->job_count; i++) {
        job *one = &work->jobs[i];
        if (one->state == JOB_RUNS &&
            child_ended(one->pid, wait_for_them, one->timed_out || one->lost || one->unwritten,
                        &one->status)) {
            one->state = JOB_ENDED;
            relays_command_ended(&work->outputs, &one->output);
        }
    }
    while (child_reap_stranger(is_ours, work) != 0) {
    }
}

static void settle_ended(worker *work)
{
    for (uint32_t i = 0; i < work->job_count; i++) {
        job *one = &work->jobs[i];
        if (one->state != JOB_ENDED ||
            (work->end != END_NOW && !relays_are_written(&one->output))) {
            continue;
        }
        worker_settle(work, one);
        if (work->busy == 0 && given(work->line, OPTION_DRAIN)) {
            work->look_at_ms = 0; /* it may have been the last */
        }
    }
}

/* Leases and time-outs that are due. */
static void attend(worker *work, job *one, uint64_t now_ms)
{
    if (one->state == JOB_NONE) {
        return;
    }
    if (one->extend_at_ms <= now_ms && now_ms >= work->call_at_ms && !one->verdict.is_made) {
        worker_extend(work, one, now_ms);
        if (one->lost && one->state == JOB_RUNS) {
            terminate(one, now_ms);
        }
    }
    if (one->state != JOB_RUNS) {
        return;
    }
    if (one->timeout_at_ms <= now_ms) {
        one->timed_out = true;
        terminate(one, now_ms);
    }
    if (one->kill_at_ms <= now_ms) {
        child_signal(one->pid, SIGKILL);
        one->kill_at_ms = UINT64_MAX;
    }
}

static uint64_t sooner(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

static uint64_t later(uint64_t one, uint64_t other)
{
    return one > other ? one : other;
}

/* When a job is to be looked at again. */
static uint64_t next_of(const worker *work, const job *one)
{
    if (one->state == JOB_NONE) {
        return UINT64_MAX;
    }
    uint64_t next_ms = UINT64_MAX;
    if (!one->verdict.is_made && one->extend_at_ms != UINT64_MAX) {
        next_ms = later(one->extend_at_ms, work->call_at_ms);
    }
    if (one->state == JOB_RUNS) {
        return sooner(next_ms, sooner(one->timeout_at_ms, one->kill_at_ms));
    }
    const bool waits_for_output = !relays_are_written(&one->output);
    return waits_for_output ? next_ms : sooner(next_ms, later(one->settle_at_ms, work->call_at_ms));
}

/* ---- the loop ---- */

static void end_now(worker *work)
{
    for (uint32_t i = 0; i < work->job_count; i++) {
        if (work->jobs[i].state == JOB_RUNS) {
            child_signal(work->jobs[i].pid, SIGKILL);
        }
    }
    reap(work, true);
    relays_attend(&work->outputs);
    settle_ended(work);
}

/* Sleep until a command ends or writes, a signal comes, a push wakes the worker, or a time. */
static void rest(worker *work, uint64_t next_ms)
{
    const uint64_t now_ms = clock_ms();
    const bool has_room = work->busy < work->job_count && work->end == END_NOT;
    const uint64_t take_at_ms =
        later(later(work->look_at_ms, work->rest_until_ms), work->call_at_ms);
    if (work->busy == 0 && !work->far && now_ms >= take_at_ms) {
        return; /* fetch waits */
    }
    uint64_t until_ms = sooner(next_ms, now_ms + LONGEST_MS);
    if (has_room && work->far) {
        until_ms = sooner(until_ms, take_at_ms);
    } else if (has_room) {
        until_ms = sooner(until_ms, later(take_at_ms, now_ms + BUSY_SLICE_MS));
    }
    struct pollfd inputs[] = {
        {.fd = work->signals, .events = POLLIN},
        {.fd = has_room ? work->woken : -1, .events = POLLIN}, /* read only by fetch */
        {.fd = relays_input(&work->outputs), .events = POLLIN},
        {.fd = relays_wait_for(&work->outputs, 0) ? STDOUT_FILENO : -1, .events = POLLOUT},
        {.fd = relays_wait_for(&work->outputs, 1) ? STDERR_FILENO : -1, .events = POLLOUT}};
    const int wait_ms = until_ms > now_ms ? (int)(until_ms - now_ms) : 0;
    if (poll(inputs, sizeof inputs / sizeof inputs[0], wait_ms) > 0 && inputs[1].revents != 0) {
        work->look_at_ms = 0;
    }
}

void worker_run(worker *work)
{
    for (;;) {
        worker_take_signals(work);
        if (work->end == END_NOW) {
            end_now(work);
        }
        reap(work, false);
        relays_attend(&work->outputs);
        if (relays_fault(&work->outputs) != 0) {
            worker_lose_output(work, relays_fault(&work->outputs));
        }
        settle_ended(work);
        worker_fetch(work);
        look_whether_remade(work);
        if (work->busy == 0 && (work->end != END_NOT || work->drained)) {
            return;
        }
        uint64_t next_ms = UINT64_MAX;
        const uint64_t now_ms = clock_ms();
        for (uint32_t i = 0; i < work->job_count; i++) { /* those that fetch started, too */
            attend(work, &work->jobs[i], now_ms);
        }
        look_whether_remade(work); /* while what an extend lost is still counted */
        for (uint32_t i = 0; i < work->job_count; i++) {
            next_ms = sooner(next_ms, next_of(work, &work->jobs[i]));
        }
        rest(work, next_ms);
    }
}
