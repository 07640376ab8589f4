/* work.c: the command work: reads its options, opens the queue, runs the worker, sums up. What a
 * worker does is in worker.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../clock/clock.h"
#include "../line/command_line.h"
#include "../say/texts.h"
#include "../say/output.h"
#include "../say/report.h"
#include "../verbs/open.h"
#include "worker.h"

static void summarise(const worker *work)
{
    const uint64_t took_ms = clock_ms() - work->started_at_ms;
    if (given(work->line, OPTION_JSON)) {
        output_json_merged(output_json_queue(work->name),
                           json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "acked",
                                     (json_int_t)work->acked, "failed", (json_int_t)work->failed,
                                     "died", (json_int_t)work->died, "lost", (json_int_t)work->lost,
                                     "released", (json_int_t)work->released, "took_ms",
                                     (json_int_t)took_ms));
        return;
    }
    remark("%s: %s acked, %s failed, %s died, %s leases lost, %s released in %s", work->name,
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
    work->program.killed_with_worker = given(line, OPTION_KILL_WITH_WORKER);
    work->program.queue = work->name;
    work->program.group = work->group;
    work->program.url = line->url;
    work->program.path = child_find(line->operands[1]);
    if (work->program.path != NULL) {
        return EXIT_CODE_OK;
    }
    complain("%s cannot be run: %s; no message was reserved", line->operands[1],
             errno == ENOENT ? "no such command" : strerror(errno));
    return EXIT_CODE_FAILURE;
}

static bool make_places(worker *work)
{
    work->jobs = calloc(work->job_count, sizeof *work->jobs);
    work->looked = slotq_batch_new();
    return work->jobs != NULL && work->looked != NULL;
}

static void free_places(worker *work)
{
    slotq_batch_free(work->looked);
    free(work->jobs);
}

/* A stdout that was closed cannot be written to (main.c): what commands write would be lost, and
 * their messages acked. Else a message was printed. */
static bool has_stdout(void)
{
    const int flags = fcntl(STDOUT_FILENO, F_GETFL);
    if (flags >= 0 && (flags & O_ACCMODE) != O_RDONLY) {
        return true;
    }
    complain("cannot write to stdout: %s; no message was reserved. To drop what commands write: "
             ">/dev/null",
             strerror(EBADF));
    return false;
}

/* Open the queue and look at the group, which may not exist. */
static slotq_outcome try_queue(worker *work, slotq_error *error)
{
    slotq_stats stats;
    slotq_outcome outcome = SLOTQ_OK;
    if (work->queue == NULL) {
        outcome = open_quietly(work->line, work->name, false, &work->queue, error);
    }
    if (outcome == SLOTQ_OK) {
        outcome = slotq_get_stats(work->queue, work->group, &stats);
        if (outcome == SLOTQ_REMADE) { /* since it was opened */
            outcome = slotq_get_stats(work->queue, work->group, &stats);
        }
        *error = outcome != SLOTQ_OK ? *slotq_error_of(work->queue) : *error;
        work->dead_dropped_before = outcome == SLOTQ_OK ? stats.dead_dropped : 0;
    }
    return outcome;
}

/* A server that refuses for a while, such as one that loads its data, is waited for. */
static int open_worker_queue(worker *work)
{
    enum { REPEAT_MS = 200 };
    const uint64_t since_ms = clock_ms();
    bool told = false;
    slotq_error error;
    for (;;) {
        if (try_queue(work, &error) == SLOTQ_OK) {
            return EXIT_CODE_OK;
        }
        const uint64_t passed_ms = clock_ms() - since_ms;
        if (!error.passes || passed_ms >= work->patience_ms) {
            return complain_open(work->line, work->name, &error);
        }
        if (!told) {
            complain_open(work->line, work->name, &error);
            complain("trying again for %s", time_text(work->patience_ms - passed_ms).text);
        }
        told = true;
        struct pollfd input = {.fd = work->signals, .events = POLLIN};
        poll(&input, 1, REPEAT_MS);
        worker_take_signals(work);
        if (work->end != END_NOT) {
            return report_interrupted();
        }
    }
}

static int prepare(worker *work)
{
    int code = worker_watch_signals(work);
    if (code == EXIT_CODE_OK) {
        code = find_program(work);
    }
    if (code == EXIT_CODE_OK) {
        code = open_worker_queue(work);
    }
    if (code != EXIT_CODE_OK) {
        return code;
    }
    code = task_judge_queue(work);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    work->generation = slotq_geometry_of(work->queue)->generation;
    const int why = make_places(work) ? relays_start(&work->outputs, work->outputs.mode) : ENOMEM;
    if (why != 0) {
        complain("cannot start: %s", strerror(why));
        return EXIT_CODE_FAILURE;
    }
    return task_start(work);
}

static bool read_output(const command_line *line, relay_mode *mode)
{
    static const struct {
        const char *name;
        relay_mode mode;
    } modes[] = {{"line", RELAY_LINE}, {"group", RELAY_GROUP}, {"none", RELAY_NONE}};
    const char *text = given(line, OPTION_OUTPUT) ? line->options[OPTION_OUTPUT].text : "line";
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if (strcmp(text, modes[i].name) == 0) {
            *mode = modes[i].mode;
            return true;
        }
    }
    complain("--output %s: must be line, group or none", text);
    return false;
}

/* A pipe that nothing reads is an error to be handled, not the end of the worker. By exec the
 * handler becomes the default again. */
static void pipe_broke(int number)
{
    (void)number;
}

static void survive_broken_pipes(void)
{
    struct sigaction before;
    if (sigaction(SIGPIPE, NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
        signal(SIGPIPE, pipe_broke);
    }
}

int run_work(const command_line *line)
{
    worker work = {.line = line, .name = line->operands[0], .signals = -1};
    if (!read_output(line, &work.outputs.mode)) {
        return EXIT_CODE_USAGE;
    }
    if (!has_stdout()) {
        return EXIT_CODE_FAILURE;
    }
    work.outputs.set = -1;
    work.far = open_is_server(line->url);
    work.job_count = (uint32_t)option_number(line, OPTION_JOBS, 1);
    work.group = option_group(line);
    work.lease_ms = option_number(line, OPTION_LEASE, 30000);
    work.timeout_ms = option_number(line, OPTION_TIMEOUT, UINT64_MAX);
    work.patience_ms = option_number(line, OPTION_PATIENCE, 30000);
    work.started_at_ms = clock_ms();
    survive_broken_pipes();
    int code = prepare(&work);
    if (code == EXIT_CODE_OK) {
        worker_run(&work);
        relays_end(&work.outputs);
        worker_tell_dropped(&work);
        summarise(&work);
        code = work.code;
        if (work.end == END_NOW || work.interrupted_by == SIGINT) {
            code = worse_exit(code, EXIT_CODE_INTERRUPTED);
        }
    }
    if (work.signals >= 0) {
        close(work.signals);
    }
    relays_end(&work.outputs);
    task_stop(&work);
    free(work.program.path);
    free_places(&work);
    slotq_close(work.queue);
    return code;
}
