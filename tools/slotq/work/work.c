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
#include "../line/command_line.h"
#include "../verbs/open.h"
#include "../say/output.h"
#include "../say/report.h"
#include "../say/texts.h"
#include "worker.h"

enum {
    IDLE_SLICE_MS = 250,  /* nothing runs: longest wait for a message without looking about */
    BUSY_SLICE_MS = 20,   /* something runs, and there is room for more */
    GRACE_MS = 5000,      /* from SIGTERM to SIGKILL */
    SPAWN_REST_MS = 1000, /* after the system refused a process */
    PAUSED_LOOK_MS = 1000,
    EXIT_CANNOT_EXECUTE = 126
};

/* ---- what runs ---- */

static void start(worker *work, child *one, const slotq_message *message)
{
    const uint64_t now_ms = worker_now_ms();
    *one = (child){.id = message->id,
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

/* What is done is settled, and the next message taken with it where there is one. */
static void reap(worker *work)
{
    for (uint32_t i = 0; i < work->job_count; i++) {
        int status;
        slotq_message next;
        child *one = &work->children[i];
        if (one->pid == 0 || !child_ended(one, false, &status)) {
            continue;
        }
        const uint64_t now_ms = worker_now_ms();
        const bool take_next =
            work->end == END_NOT && now_ms >= work->rest_until_ms && now_ms >= work->look_at_ms;
        work->running--;
        if (worker_settle(work, one, status, take_next, &next)) {
            start(work, one, &next);
        } else if (work->running == 0 && given(work->line, OPTION_DRAIN)) {
            work->look_at_ms = 0; /* it may have been the last */
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
    const slotq_outcome outcome = worker_extend(work, one);
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

static void look_whether_drained(worker *work)
{
    slotq_stats stats;
    if (slotq_get_stats(work->queue, work->group, &stats) != SLOTQ_OK) {
        worker_give_up(work);
    } else {
        work->drained = stats.unfinished == 0;
    }
}

/* From a queue in Redis. Asking to wait leaves the word there that has us woken; the sleep itself
 * is ours (rest), because signals and children end it too. */
static slotq_outcome ask_far(worker *work, slotq_batch *batch)
{
    enum {
        LEAVE_WORD_MS = 1,
        DRAIN_LOOK_MS = 1000,
        DEAF_LOOK_MS = 1000,
        UNFINISHED_LOOK_MS = 5000, /* others may set delays, of which nobody is told */
        NOTHING_LOOK_MS = 10000
    };
    slotq_stats stats;
    if (slotq_redis_listen(work->queue, &work->woken) != SLOTQ_OK) {
        work->woken = -1;
    }
    const slotq_outcome outcome =
        slotq_reserve(work->queue, work->group, 1, work->lease_ms, LEAVE_WORD_MS, batch);
    work->look_at_ms = 0;
    if (outcome != SLOTQ_EMPTY) {
        return outcome;
    }
    const slotq_outcome told = slotq_get_stats(work->queue, work->group, &stats);
    if (told != SLOTQ_OK) {
        return told;
    }
    const bool drain = given(work->line, OPTION_DRAIN);
    const uint64_t now_ms = slotq_now_ms(work->queue);
    const uint64_t due_ms = stats.leased + stats.waiting == 0 ? UINT64_MAX
                            : stats.next_due_ms > now_ms      ? stats.next_due_ms - now_ms
                                                              : BUSY_SLICE_MS;
    uint64_t rest_ms = work->woken < 0         ? DEAF_LOOK_MS
                       : stats.unfinished != 0 ? UNFINISHED_LOOK_MS
                                               : NOTHING_LOOK_MS;
    rest_ms = drain && rest_ms > DRAIN_LOOK_MS ? DRAIN_LOOK_MS : rest_ms;
    work->look_at_ms = worker_now_ms() + (due_ms < rest_ms ? due_ms : rest_ms);
    work->drained = drain && work->running == 0 && stats.unfinished == 0;
    return SLOTQ_EMPTY;
}

/* From a queue in a file; waits a little when nothing runs. */
static slotq_outcome ask_near(worker *work, slotq_batch *batch)
{
    const slotq_outcome outcome =
        slotq_reserve(work->queue, work->group, 1, work->lease_ms, 0, batch);
    if (outcome != SLOTQ_EMPTY || work->running != 0) {
        return outcome;
    }
    if (given(work->line, OPTION_DRAIN)) {
        look_whether_drained(work);
    }
    if (work->drained || work->end != END_NOT) {
        return SLOTQ_EMPTY;
    }
    return slotq_reserve(work->queue, work->group, 1, work->lease_ms, IDLE_SLICE_MS, batch);
}

/* A server that went away is waited for; what it perhaps leased to us comes back by itself. */
static void reserve_failed(worker *work, slotq_outcome outcome)
{
    if (worker_server_is_away(work, outcome) && !worker_is_cut_off(work)) {
        work->look_at_ms = worker_now_ms() + IDLE_SLICE_MS;
    } else {
        worker_give_up(work);
    }
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
            work->look_at_ms = worker_now_ms() + PAUSED_LOOK_MS;
        } else if (work->running == 0) {
            struct pollfd input = {.fd = work->signals, .events = POLLIN};
            poll(&input, 1, IDLE_SLICE_MS);
        }
    } else if (outcome != SLOTQ_EMPTY && outcome != SLOTQ_AGAIN) {
        reserve_failed(work, outcome);
    }
}

/* Fill the free places. */
static void fetch(worker *work)
{
    child *one = free_child(work);
    while (one != NULL && work->end == END_NOT) {
        slotq_message message;
        slotq_batch *batch = worker_batch_of(work, one);
        const uint64_t now_ms = worker_now_ms();
        if (now_ms < work->rest_until_ms || now_ms < work->look_at_ms) {
            return;
        }
        const slotq_outcome outcome = work->far ? ask_far(work, batch) : ask_near(work, batch);
        if (outcome < SLOTQ_FAILURES) {
            worker_note_there(work);
        }
        if (outcome != SLOTQ_OK || !slotq_batch_next(batch, &message)) {
            note_none(work, outcome);
            return;
        }
        start(work, one, &message);
        one = free_child(work);
    }
}

/* ---- signals and the loop ---- */

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

/* Sleep until a child ends, a signal comes, somebody wakes us, or a time. */
static void rest(worker *work, uint64_t next_ms)
{
    const uint64_t now_ms = worker_now_ms();
    const bool has_room = work->running < work->job_count && work->end == END_NOT;
    uint64_t wait_ms = next_ms <= now_ms ? 0 : next_ms - now_ms;
    uint64_t most_ms = 60000;
    if (has_room && work->far) {
        const uint64_t until_ms =
            work->look_at_ms > work->rest_until_ms ? work->look_at_ms : work->rest_until_ms;
        most_ms = until_ms > now_ms ? until_ms - now_ms : 0;
    } else if (has_room) {
        most_ms = BUSY_SLICE_MS;
    }
    wait_ms = wait_ms < most_ms ? wait_ms : most_ms;
    struct pollfd inputs[2] = {{.fd = work->signals, .events = POLLIN},
                               {.fd = work->woken, .events = POLLIN}};
    if (work->running == 0 && !work->far && now_ms >= work->rest_until_ms) {
        return; /* fetch waits */
    }
    if (poll(inputs, 2, (int)wait_ms) > 0 && inputs[1].revents != 0) {
        work->look_at_ms = 0;
    }
}

static void run(worker *work)
{
    for (;;) {
        worker_take_signals(work);
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
        output_json_merged(output_json_queue(work->name),
                           json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "acked",
                                     (json_int_t)work->acked, "failed", (json_int_t)work->failed,
                                     "died", (json_int_t)work->died, "lost", (json_int_t)work->lost,
                                     "released", (json_int_t)work->released, "took_ms",
                                     (json_int_t)took_ms));
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

static bool make_places(worker *work)
{
    work->children = calloc(work->job_count, sizeof *work->children);
    work->batches = calloc(work->job_count, sizeof(slotq_batch *));
    bool made = work->children != NULL && work->batches != NULL;
    for (uint32_t i = 0; made && i < work->job_count; i++) {
        work->batches[i] = slotq_batch_new();
        made = work->batches[i] != NULL;
    }
    return made;
}

static void free_places(worker *work)
{
    for (uint32_t i = 0; work->batches != NULL && i < work->job_count; i++) {
        slotq_batch_free(work->batches[i]);
    }
    free(work->batches);
    free(work->children);
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
    if (!make_places(work)) {
        complain("out of memory");
        return EXIT_CODE_FAILURE;
    }
    code = find_program(work);
    return code == EXIT_CODE_OK ? watch_signals(work) : code;
}

int run_work(const command_line *line)
{
    worker work = {.line = line, .name = line->operands[0], .signals = -1, .woken = -1};
    work.far = open_is_server(line->url);
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
    free_places(&work);
    slotq_close(work.queue);
    return code;
}
