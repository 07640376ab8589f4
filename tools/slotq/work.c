/* work.c: the command work: a child a message, as many at a time as told, leases kept up while
 * they run, and an orderly end. What a child is: child.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "child.h"
#include "command_line.h"
#include "open.h"
#include "output.h"
#include "report.h"
#include "values.h"
#include "worker.h"

enum {
    IDLE_SLICE_MS = 250,  /* nothing runs: longest wait for a message without looking about */
    BUSY_SLICE_MS = 20,   /* something runs, and there is room for more */
    GRACE_MS = 5000,      /* from SIGTERM to SIGKILL */
    SPAWN_REST_MS = 1000, /* after the system refused a process */
    EXIT_CANNOT_EXECUTE = 126
};

/* ---- what runs ---- */

static void reap(worker *work)
{
    for (uint32_t i = 0; i < work->job_count; i++) {
        int status;
        child *one = &work->children[i];
        if (one->pid != 0 && child_ended(one, false, &status)) {
            work->running--;
            worker_settle(work, one, status);
        }
    }
}

static void terminate(child *one, uint64_t now_ms)
{
    child_signal(one, SIGTERM);
    one->kill_at_ms = now_ms + GRACE_MS;
    one->timeout_at_ms = UINT64_MAX;
}

static void extend(worker *work, child *one, uint64_t now_ms)
{
    const slotq_outcome outcome =
        slotq_extend(work->queue, work->group, one->id, one->token, work->lease_ms, &one->token);
    one->extend_at_ms = now_ms + work->lease_ms / 3;
    if (outcome == SLOTQ_OK) {
        return;
    }
    one->extend_at_ms = UINT64_MAX;
    if (outcome < SLOTQ_DEADFULL) {
        one->lost = true;
        terminate(one, now_ms);
    } else {
        worker_give_up(work);
    }
}

/* Leases and time-outs that are due; answers when to look again. */
static uint64_t attend(worker *work, uint64_t now_ms)
{
    uint64_t next_ms = UINT64_MAX;
    for (uint32_t i = 0; i < work->job_count; i++) {
        child *one = &work->children[i];
        if (one->pid == 0) {
            continue;
        }
        if (one->extend_at_ms <= now_ms) {
            extend(work, one, now_ms);
        }
        if (one->timeout_at_ms <= now_ms) {
            one->timed_out = true;
            terminate(one, now_ms);
        }
        if (one->kill_at_ms <= now_ms) {
            child_signal(one, SIGKILL);
            one->kill_at_ms = UINT64_MAX;
        }
        next_ms = one->extend_at_ms < next_ms ? one->extend_at_ms : next_ms;
        next_ms = one->timeout_at_ms < next_ms ? one->timeout_at_ms : next_ms;
        next_ms = one->kill_at_ms < next_ms ? one->kill_at_ms : next_ms;
    }
    return next_ms;
}

/* ---- taking messages ---- */

static child *free_child(worker *work)
{
    for (uint32_t i = 0; i < work->job_count; i++) {
        if (work->children[i].pid == 0) {
            return &work->children[i];
        }
    }
    return NULL;
}

static void start(worker *work, const slotq_message *message)
{
    child *one = free_child(work);
    const uint64_t now_ms = worker_now_ms();
    *one = (child){.id = message->id,
                   .token = message->token,
                   .attempts = message->attempts,
                   .started_at_ms = now_ms,
                   .extend_at_ms = now_ms + work->lease_ms / 3,
                   .timeout_at_ms =
                       work->timeout_ms == UINT64_MAX ? UINT64_MAX : now_ms + work->timeout_ms,
                   .kill_at_ms = UINT64_MAX};
    if (work->end != END_NOT || now_ms < work->rest_until_ms) {
        worker_release(work, one);
        return;
    }
    if (work->program.payload_as_argument && message->payload_bytes != 0 &&
        memchr(message->payload, '\0', message->payload_bytes) != NULL) {
        complain("message %" PRIu64 " has a NUL in it and cannot be an argument: it is dead",
                 one->id);
        worker_kill(work, one, EXIT_CANNOT_EXECUTE);
        return;
    }
    const int why = child_start(one, &work->program, message->payload, message->payload_bytes);
    if (why == 0) {
        work->running++;
    } else if (why == EAGAIN || why == ENOMEM || why == EMFILE || why == ENFILE) {
        complain("no process for message %" PRIu64 " (%s); it is released", one->id, strerror(why));
        worker_release(work, one);
        work->rest_until_ms = now_ms + SPAWN_REST_MS;
    } else {
        worker_stop(work, one, strerror(why));
    }
}

static void look_whether_drained(worker *work)
{
    slotq_stats stats;
    if (slotq_get_stats(work->queue, work->group, &stats) != SLOTQ_OK) {
        worker_give_up(work);
    } else {
        work->drained = stats.unfinished == 0;
    }
}

/* Fill the free places; waits a little when nothing runs. */
static void fetch(worker *work)
{
    const uint32_t room = work->job_count - work->running;
    if (room == 0 || work->end != END_NOT || worker_now_ms() < work->rest_until_ms) {
        return;
    }
    const bool drain = given(work->line, OPTION_DRAIN);
    slotq_outcome outcome =
        slotq_reserve(work->queue, work->group, room, work->lease_ms, 0, work->batch);
    if (outcome == SLOTQ_EMPTY && work->running == 0) {
        if (drain) {
            look_whether_drained(work);
        }
        if (!work->drained && work->end == END_NOT) {
            outcome = slotq_reserve(work->queue, work->group, room, work->lease_ms, IDLE_SLICE_MS,
                                    work->batch);
        }
    }
    if (outcome == SLOTQ_OK) {
        slotq_message message;
        while (slotq_batch_next(work->batch, &message)) {
            start(work, &message);
        }
    } else if (outcome == SLOTQ_PAUSED) {
        if (!work->told_paused) {
            remark("%s is paused; waiting for: slotq resume %s out", work->name, work->name);
        }
        work->told_paused = true;
        if (work->running == 0) {
            struct pollfd input = {.fd = work->signals, .events = POLLIN};
            poll(&input, 1, IDLE_SLICE_MS);
        }
    } else if (outcome != SLOTQ_EMPTY && outcome != SLOTQ_AGAIN) {
        worker_give_up(work);
    }
}

/* ---- signals and the loop ---- */

static void take_signals(worker *work)
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

static void end_now(worker *work)
{
    for (uint32_t i = 0; i < work->job_count; i++) {
        int status;
        child *one = &work->children[i];
        if (one->pid == 0) {
            continue;
        }
        child_signal(one, SIGKILL);
        child_ended(one, true, &status);
        work->running--;
        if (one->lost) {
            work->lost++;
        } else {
            worker_release(work, one);
        }
    }
}

/* Sleep until a child ends, a signal comes, or a time. */
static void rest(worker *work, uint64_t next_ms)
{
    const uint64_t now_ms = worker_now_ms();
    const bool has_room = work->running < work->job_count && work->end == END_NOT;
    uint64_t wait_ms = next_ms <= now_ms ? 0 : next_ms - now_ms;
    const uint64_t most_ms = has_room ? BUSY_SLICE_MS : 60000;
    wait_ms = wait_ms < most_ms ? wait_ms : most_ms;
    struct pollfd input = {.fd = work->signals, .events = POLLIN};
    if (work->running != 0 || now_ms < work->rest_until_ms) {
        poll(&input, 1, (int)wait_ms);
    }
}

static void run(worker *work)
{
    for (;;) {
        take_signals(work);
        if (work->end == END_NOW) {
            end_now(work);
        }
        reap(work);
        fetch(work);
        if (work->running == 0 && (work->end != END_NOT || work->drained)) {
            return;
        }
        rest(work, attend(work, worker_now_ms())); /* of what fetch started too */
    }
}

/* Signals come by descriptor from here on; children get the mask that we were given. */
static int watch_signals(worker *work)
{
    sigset_t watched;
    sigemptyset(&watched);
    sigaddset(&watched, SIGINT);
    sigaddset(&watched, SIGTERM);
    sigaddset(&watched, SIGHUP);
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

static void summarise(const worker *work)
{
    const uint64_t took_ms = worker_now_ms() - work->started_at_ms;
    if (given(work->line, OPTION_JSON)) {
        output_json(json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "queue", work->name, "acked",
                              (json_int_t)work->acked, "failed", (json_int_t)work->failed, "died",
                              (json_int_t)work->died, "lost", (json_int_t)work->lost, "released",
                              (json_int_t)work->released, "took_ms", (json_int_t)took_ms));
        return;
    }
    remark("%s: %s acked, %s failed, %s died, %s lost, %s released in %s", work->name,
           count_text(work->acked).text, count_text(work->failed).text, count_text(work->died).text,
           count_text(work->lost).text, count_text(work->released).text, time_text(took_ms).text);
}

/* Look for the command before a message is touched. */
static int find_program(worker *work)
{
    const command_line *line = work->line;
    work->program.arguments = line->operands + 1;
    work->program.argument_count = line->count - 1;
    work->program.payload_as_argument = given(line, OPTION_ARGUMENT);
    work->program.queue = work->name;
    work->program.group = work->group;
    work->program.url = line->url;
    work->program.path = child_find(line->operands[1]);
    if (work->program.path != NULL) {
        return EXIT_CODE_OK;
    }
    complain("%s cannot be run: %s; no message was touched", line->operands[1],
             errno == ENOENT ? "there is no such command" : strerror(errno));
    return EXIT_CODE_FAILURE;
}

static int prepare(worker *work)
{
    int code = open_queue(work->line, work->name, &work->queue);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    slotq_stats stats; /* a group that does not exist is found out here */
    if (slotq_get_stats(work->queue, work->group, &stats) != SLOTQ_OK) {
        return complain_queue(work->queue, work->name);
    }
    const uint64_t least_ms = UINT64_C(3) * slotq_geometry_of(work->queue)->tick_ms;
    if (work->lease_ms < least_ms) {
        complain("--lease must be at least %s in %s (three ticks): it is extended at a third",
                 time_text(least_ms).text, work->name);
        return EXIT_CODE_USAGE;
    }
    work->children = calloc(work->job_count, sizeof *work->children);
    work->batch = slotq_batch_new();
    if (work->children == NULL || work->batch == NULL) {
        complain("out of memory");
        return EXIT_CODE_FAILURE;
    }
    code = find_program(work);
    return code == EXIT_CODE_OK ? watch_signals(work) : code;
}

int run_work(const command_line *line)
{
    worker work = {.line = line, .name = line->operands[0], .signals = -1};
    work.job_count = (uint32_t)option_number(line, OPTION_JOBS, 1);
    work.group = option_group(line);
    work.lease_ms = option_number(line, OPTION_LEASE, 30000);
    work.timeout_ms = option_number(line, OPTION_TIMEOUT, UINT64_MAX);
    work.started_at_ms = worker_now_ms();
    int code = prepare(&work);
    if (code == EXIT_CODE_OK) {
        run(&work);
        summarise(&work);
        code = work.code;
        if (work.end == END_NOW || work.interrupted_by == SIGINT) {
            code = worse_exit(code, EXIT_CODE_INTERRUPTED);
        }
    }
    if (work.signals >= 0) {
        close(work.signals);
    }
    free(work.program.path);
    free(work.children);
    slotq_batch_free(work.batch);
    slotq_close(work.queue);
    return code;
}
