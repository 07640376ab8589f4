/* crew.c: see crew.h.
 */
#include "crew.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../server/private_server.h"
#include "../terminal/report.h"

enum { LOOK_MS = 5, PATIENCE_S = 300 };

struct crew {
    office handlers;
    slotq_mux *mux;
    slotq_worker *worker;
};

/* ---- a worker ---- */

/* What the worker tells, from the thread in which it happened. */
static void note_event(void *user, const slotq_event *event)
{
    stage *shared = user;
    if (event->kind == SLOTQ_EVENT_AWAY) {
        atomic_fetch_add(&shared->aways, 1);
    } else if (event->kind == SLOTQ_EVENT_QUEUE_FAILED) {
        report_failure("queue %s: %s", event->queue, event->text);
    }
}

static crew *make_crew(const char *url, slotq *queue, stage *shared, const crew_plan *plan)
{
    const slotq_worker_options options = {
        .threads = plan->threads,
        .lease_ms = plan->lease_ms,
        .give_back_ms = plan->give_back_ms,
        .on_event = note_event,
        .event_context = shared,
    };
    const slotq_worker_queue how = {.prefetch_ms = plan->prefetch_ms, .frame = SLOTQ_FRAME_TYPED};
    slotq_error error = {.text = "a name, or an option, of the queue"};
    crew *made = calloc(1, sizeof *made);
    if (made == NULL) {
        report_failure("no memory");
    }
    tasks_open_office(&made->handlers, url, shared);
    made->handlers.logs = plan->logs;
    made->handlers.work_ms = plan->work_ms;
    made->mux = tasks_mux(&made->handlers);
    slotq_outcome outcome = slotq_worker_new(made->mux, &options, &made->worker, &error);
    if (outcome == SLOTQ_OK) {
        outcome = slotq_worker_add_queue(made->worker, queue,
                                         plan->cron == NULL ? TASKS_QUEUE : TASKS_REPORTS, &how);
    }
    if (outcome == SLOTQ_OK && plan->cron != NULL) {
        outcome = slotq_worker_add_cron(made->worker, queue, plan->cron, &error);
    }
    if (outcome != SLOTQ_OK) {
        report_failure("a worker: %s: %s", slotq_outcome_name(outcome), error.text);
    }
    return made;
}

static void free_crew(crew *made)
{
    if (slotq_worker_free(made->worker) != SLOTQ_OK) {
        report_failure("a worker has not ended");
    }
    slotq_mux_free(made->mux);
    tasks_close_office(&made->handlers);
    free(made);
}

crew *crew_start(const char *url, slotq *queue, stage *shared, const crew_plan *plan)
{
    crew *made = make_crew(url, queue, shared, plan);
    if (slotq_worker_start(made->worker) != SLOTQ_OK) {
        slotq_error error;
        slotq_worker_error(made->worker, &error);
        report_failure("a worker does not start: %s", error.text);
    }
    return made;
}

void crew_stop(crew *started)
{
    slotq_worker_stop(started->worker);
    if (slotq_worker_join(started->worker, UINT64_MAX, NULL) != SLOTQ_OK) {
        report_failure("a worker did not stop in order");
    }
    free_crew(started);
}

/* ---- a worker as a process ---- */

/* The whole process: all that a program with a worker needs. */
__attribute__((noreturn)) static void run_process(const char *url, stage *shared,
                                                  const crew_plan *plan)
{
    slotq_worker_stats stats;
    slotq *queue = crew_open(url, plan->cron == NULL ? TASKS_QUEUE : TASKS_REPORTS);
    crew *made = make_crew(url, queue, shared, plan);
    slotq_worker_catch_signals(made->worker);
    slotq_outcome outcome = slotq_worker_start(made->worker);
    atomic_fetch_add(&shared->ready, 1);
    if (outcome == SLOTQ_OK) {
        outcome = slotq_worker_join(made->worker, UINT64_MAX, NULL);
    }
    if (outcome == SLOTQ_LEASED) {
        _exit(1); /* a handler does not return */
    }
    slotq_worker_get_stats(made->worker, &stats);
    atomic_fetch_add(&shared->given_back, (unsigned)stats.given_back);
    free_crew(made);
    slotq_close(queue);
    (void)fflush(stdout);
    _exit(outcome == SLOTQ_OK ? 0 : 1);
}

pid_t crew_fork(const char *url, stage *shared, const crew_plan *plan)
{
    const unsigned ready = atomic_load(&shared->ready);
    const pid_t child = private_server_fork();
    if (child == 0) {
        run_process(url, shared, plan);
    }
    stage_await(&shared->ready, ready + 1, "workers have started");
    return child;
}

bool crew_end(pid_t worker, int number)
{
    int status = 0;
    kill(worker, number);
    while (waitpid(worker, &status, 0) < 0 && errno == EINTR) {
    }
    if (number != SIGKILL && status != 0) {
        printf("  process %d ended with %s %d\n", (int)worker,
               WIFEXITED(status) ? "exit code" : "signal",
               WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    }
    return status == 0;
}

/* ---- the queue ---- */

slotq *crew_open(const char *url, const char *name)
{
    slotq *queue = NULL;
    slotq_error error;
    if (slotq_open(url, name, NULL, &queue, &error) != SLOTQ_OK) {
        report_failure("%s: %s", name, error.text);
    }
    return queue;
}

void crew_await_empty(slotq *queue)
{
    slotq_stats stats;
    const time_t end = time(NULL) + PATIENCE_S;
    for (;;) {
        if (slotq_get_stats(queue, 0, &stats) != SLOTQ_OK) {
            report_failure("stats: %s", slotq_error_of(queue)->text);
        }
        if (stats.unfinished == 0 && stats.later == 0) {
            return;
        }
        if (time(NULL) > end) {
            report_failure("%" PRIu32 " tasks are not finished after %d s",
                           stats.unfinished + stats.later, PATIENCE_S);
        }
        stage_sleep_ms(LOOK_MS);
    }
}
