/* worker.c: the loop of the command work (worker.h): commands are timed out and reaped, their
 * output is written, signals come, and the library's worker is stepped. Does not know how messages
 * are taken or settled.
 */
#include "worker.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "../clock/clock.h"
#include "../say/report.h"
#include "../say/texts.h"
#include "../verbs/open.h"

enum {
    GRACE_MS = 5000, /* from SIGTERM to SIGKILL */
    LOOK_MS = 1000,  /* at an idle queue in a file */
    FAR_LOOK_MS = 5000,
    LONGEST_MS = 60000
};

void worker_drain(worker *work, int code)
{
    work->code = worse_exit(work->code, code);
    work->end = work->end == END_NOT ? END_DRAIN : work->end;
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

job *worker_new_job(worker *work, slotq_task *task)
{
    const slotq_task_info *info = slotq_task_info_of(task);
    const uint64_t now_ms = clock_ms();
    for (uint32_t i = 0; i < work->job_count; i++) {
        job *one = &work->jobs[i];
        if (one->state == JOB_NONE) {
            *one =
                (job){.state = JOB_RUNS,
                      .task = task,
                      .id = info->id,
                      .attempts = info->attempts,
                      .started_at_ms = now_ms,
                      .timeout_at_ms =
                          work->timeout_ms == UINT64_MAX ? UINT64_MAX : now_ms + work->timeout_ms,
                      .kill_at_ms = UINT64_MAX};
            work->busy++;
            return one;
        }
    }
    return NULL;
}

job *worker_find_job(worker *work, uint64_t id)
{
    for (uint32_t i = 0; i < work->job_count; i++) {
        if (work->jobs[i].state != JOB_NONE && work->jobs[i].id == id) {
            return &work->jobs[i];
        }
    }
    return NULL;
}

void worker_free_job(worker *work, job *one)
{
    relays_let_go(&work->outputs, &one->output);
    one->state = JOB_NONE;
    work->busy--;
}

void worker_terminate(job *one)
{
    child_terminate(one->pid);
    one->kill_at_ms = clock_ms() + GRACE_MS;
    one->timeout_at_ms = UINT64_MAX;
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
            worker_terminate(one);
        }
    }
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

static void finish_ended(worker *work)
{
    for (uint32_t i = 0; i < work->job_count; i++) {
        job *one = &work->jobs[i];
        if (one->state == JOB_ENDED && (work->end == END_NOW || relays_are_written(&one->output)) &&
            verdict_make(work, one)) {
            task_finish(work, one);
        }
    }
}

/* Time-outs that are due. */
static void attend(job *one, uint64_t now_ms)
{
    if (one->state != JOB_RUNS) {
        return;
    }
    if (one->timeout_at_ms <= now_ms) {
        one->timed_out = true;
        worker_terminate(one);
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

/* When a job is to be looked at again. */
static uint64_t next_of(const job *one)
{
    if (one->state == JOB_RUNS) {
        return sooner(one->timeout_at_ms, one->kill_at_ms);
    }
    return one->state == JOB_ENDED && one->settle_at_ms != 0 ? one->settle_at_ms : UINT64_MAX;
}

/* ---- the end ---- */

static void end_now(worker *work)
{
    for (uint32_t i = 0; i < work->job_count; i++) {
        if (work->jobs[i].state == JOB_RUNS) {
            child_signal(work->jobs[i].pid, SIGKILL);
        }
    }
    reap(work, true);
    relays_attend(&work->outputs);
}

/* Nothing more is taken; and when no command runs any more, the library ends: it waits for a queue
 * that is away no longer. */
static void look_at_end(worker *work)
{
    if (work->end == END_NOT || work->is_over) {
        return;
    }
    slotq_worker_quiet(work->runtime);
    bool may_stop = work->end == END_NOW || work->gave_up || work->busy == 0;
    for (uint32_t i = 0; i < work->job_count; i++) {
        const job_state state = work->jobs[i].state;
        may_stop = may_stop && (state == JOB_NONE || state == JOB_FINISHED);
    }
    if (may_stop) {
        slotq_worker_stop(work->runtime);
    }
}

/* ---- the loop ---- */

static bool may_look_at_queue(const worker *work)
{
    return work->end == END_NOT && !work->is_over && work->busy < work->job_count &&
           work->away_since_ms == 0;
}

/* Shards that are missing, or a list of them that is old or cannot be read: the others go on. */
static void look_at_shards(worker *work)
{
    slotq_shards_view view;
    if (slotq_geometry_of(work->queue)->set == 0 ||
        slotq_shards_seen(work->queue, &view) != SLOTQ_OK) {
        return;
    }
    const bool has_trouble = view.missing > 0 || view.older || view.unread;
    if (has_trouble && !work->told_trouble && view.missing > 0) {
        complain("%s: shards that are missing (%" PRIu32 " of %" PRIu32
                 ") are passed over; to see which: %s",
                 work->name, view.missing, view.shards.count,
                 shown_command(work->line, "shards ls", work->name).text);
    } else if (has_trouble && !work->told_trouble) {
        complain("%s: %s", work->name, view.trouble);
    }
    work->told_trouble = has_trouble;
}

/* A queue that gives nothing may be paused, or what is left in it cannot die. */
static void look_at_queue(worker *work)
{
    slotq_stats stats;
    const uint64_t now_ms = clock_ms();
    if (!may_look_at_queue(work) || now_ms < work->look_at_ms) {
        return;
    }
    work->look_at_ms = now_ms + (work->far ? FAR_LOOK_MS : LOOK_MS);
    if (slotq_get_stats(work->queue, work->group, &stats) != SLOTQ_OK) {
        return; /* the library will find out */
    }
    if ((stats.paused & SLOTQ_PAUSE_OUT) != 0 && !work->told_paused) {
        remark("%s is paused; waiting for: %s out", work->name,
               shown_command(work->line, "resume", work->name).text);
        work->told_paused = true;
    }
    look_at_shards(work);
    worker_look_whether_stuck(work, &stats);
}

/* Sleep until a command ends or writes, a signal comes, the library has something to do, or a
 * time. */
static void rest(worker *work)
{
    const uint64_t now_ms = clock_ms();
    uint64_t until_ms = now_ms + LONGEST_MS;
    for (uint32_t i = 0; i < work->job_count; i++) {
        until_ms = sooner(until_ms, next_of(&work->jobs[i]));
    }
    if (!work->is_over) {
        const uint64_t due_ms = slotq_worker_due_ms(work->runtime);
        until_ms = sooner(until_ms, due_ms < LONGEST_MS ? now_ms + due_ms : until_ms);
    }
    if (may_look_at_queue(work)) {
        until_ms = sooner(until_ms, work->look_at_ms);
    }
    if (work->away_since_ms != 0 && !work->gave_up) {
        until_ms = sooner(until_ms, work->away_since_ms + work->patience_ms);
    }
    if (work->tell_remade != 0) {
        until_ms = now_ms;
    }
    struct pollfd inputs[] = {
        {.fd = work->signals, .events = POLLIN},
        {.fd = work->is_over ? -1 : slotq_worker_fd(work->runtime), .events = POLLIN},
        {.fd = relays_input(&work->outputs), .events = POLLIN},
        {.fd = relays_wait_for(&work->outputs, 0) ? STDOUT_FILENO : -1, .events = POLLOUT},
        {.fd = relays_wait_for(&work->outputs, 1) ? STDERR_FILENO : -1, .events = POLLOUT}};
    const int wait_ms = until_ms > now_ms ? (int)(until_ms - now_ms) : 0;
    poll(inputs, sizeof inputs / sizeof inputs[0], wait_ms);
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
        finish_ended(work);
        look_at_end(work);
        task_step(work);
        task_look_at_patience(work);
        look_at_end(work); /* the last message may be settled now */
        if (work->is_over && work->busy == 0) {
            return;
        }
        look_at_queue(work);
        const uint64_t now_ms = clock_ms();
        for (uint32_t i = 0; i < work->job_count; i++) {
            attend(&work->jobs[i], now_ms);
        }
        rest(work);
    }
}
