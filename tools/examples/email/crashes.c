/* crashes.c: see crashes.h.
 */
#include "crashes.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../server/private_server.h"
#include "../terminal/report.h"

enum { WORKERS = 2, THREADS = 2, LEASE_MS = 400, WORK_MS = 2, RUNS_SHOWN = 3 };

/* ---- a client that pushes meanwhile ---- */

/* A push whose reply is lost may be in the queue or not. With a key and RESEND it may be pushed
 * again: if it is there, it is not pushed twice. */
static void push_until_it_is_there(slotq *queue, uint32_t number)
{
    char body[TASKS_BODY_BYTES];
    char name[TASKS_BODY_BYTES];
    slotq_task_spec task = tasks_mail(body, number % 10, "invoice");
    task.key_bytes = (uint32_t)snprintf(name, sizeof name, "invoice-%" PRIu32, number);
    task.key = name;
    task.key_mode = SLOTQ_KEY_RESEND;
    for (;;) {
        const slotq_outcome outcome = slotq_task_push(queue, &task, NULL);
        if (outcome == SLOTQ_OK || outcome == SLOTQ_DUPLICATE) {
            return;
        }
        if (!slotq_error_of(queue)->passes && outcome != SLOTQ_OUTCOME_UNKNOWN) {
            report_failure("push: %s", slotq_error_of(queue)->text);
        }
    }
}

/* At least so many, and until the kills are over. */
static pid_t fork_client(const char *url, stage *shared, uint32_t tasks)
{
    const pid_t child = private_server_fork();
    if (child == 0) {
        slotq *queue = crew_open(url, TASKS_QUEUE);
        for (uint32_t i = 0; i < tasks || !atomic_load(&shared->are_kills_over); i++) {
            push_until_it_is_there(queue, i);
            atomic_fetch_add(&shared->pushed, 1);
            stage_sleep_ms(i < tasks ? 1 : 10);
        }
        slotq_close(queue);
        _exit(0);
    }
    return child;
}

/* ---- kills ---- */

static void kill_server(stage *shared, stage_place place)
{
    stage_close_gate(shared, place, 1, 0);
    stage_await_gate(shared, 1);
    private_server_kill();
    private_server_restart();
    stage_open_gate(shared);
    printf("  server killed: a mail %s; restarted from its file\n",
           place == STAGE_BEFORE ? "was not sent yet" : "was sent, its task not acked");
}

static void kill_worker(const char *url, stage *shared, const crew_plan *plan, stage_place place,
                        pid_t workers[WORKERS])
{
    stage_close_gate(shared, place, 1, 0);
    stage_await_gate(shared, 1);
    const pid_t victim = atomic_load(&shared->victim);
    crew_end(victim, SIGKILL);
    stage_open_gate(shared);
    for (uint32_t i = 0; i < WORKERS; i++) {
        workers[i] = workers[i] == victim ? crew_fork(url, shared, plan) : workers[i];
    }
    printf("  worker killed: its mail %s; another one started\n",
           place == STAGE_BEFORE ? "was not sent yet" : "was sent, its task not acked");
}

/* ---- what became of the tasks ---- */

/* Print how many tasks had how many runs. Returns the number of tasks that ran, of those that were
 * pushed behind the id. */
static uint32_t show_runs(const stage *shared, uint64_t behind_id)
{
    uint32_t tasks_with[RUNS_SHOWN + 1] = {0};
    uint32_t ran = 0;
    for (uint64_t id = behind_id + 1; id < STAGE_IDS_MAX; id++) {
        const uint32_t runs = atomic_load(&shared->runs[id]);
        tasks_with[runs < RUNS_SHOWN ? runs : RUNS_SHOWN]++;
        ran += runs > 0 ? 1 : 0;
    }
    printf("  runs:");
    for (uint32_t runs = 1; runs <= RUNS_SHOWN; runs++) {
        if (tasks_with[runs] > 0) {
            printf(" %" PRIu32 " ran %" PRIu32 "%s x;", tasks_with[runs], runs,
                   runs == RUNS_SHOWN ? " or more" : "");
        }
    }
    printf(" %u found their mail sent\n", atomic_load(&shared->repeats));
    return ran;
}

static slotq_stats stats_of(slotq *queue)
{
    slotq_stats stats;
    if (slotq_get_stats(queue, 0, &stats) != SLOTQ_OK) {
        report_failure("stats: %s", slotq_error_of(queue)->text);
    }
    return stats;
}

bool crashes_survive(const char *url, slotq *queue, stage *shared, uint32_t tasks, uint32_t kills,
                     uint64_t *mails)
{
    const crew_plan plan = {.threads = THREADS, .lease_ms = LEASE_MS, .work_ms = WORK_MS};
    const uint64_t last_id = stats_of(queue).last_id;
    const unsigned repeats = atomic_load(&shared->repeats);
    pid_t workers[WORKERS];
    const pid_t client = fork_client(url, shared, tasks);
    for (uint32_t i = 0; i < WORKERS; i++) {
        workers[i] = crew_fork(url, shared, &plan);
    }
    for (uint32_t i = 0; i < kills; i++) {
        kill_server(shared, i % STAGE_PLACES);
        kill_worker(url, shared, &plan, (i + 1) % STAGE_PLACES, workers);
    }
    atomic_store(&shared->are_kills_over, true);
    bool in_order = crew_end(client, 0);
    crew_await_empty(queue);
    for (uint32_t i = 0; i < WORKERS; i++) {
        in_order = crew_end(workers[i], SIGTERM) && in_order;
    }
    const uint32_t pushed = atomic_load(&shared->pushed);
    *mails += pushed;
    const slotq_stats stats = stats_of(queue);
    const uint32_t ran = show_runs(shared, last_id);
    /* A worker that was killed between mail and ack left a task whose next run finds the mail. */
    const bool were_repeated =
        atomic_load(&shared->repeats) - repeats >= (kills + 1) / STAGE_PLACES;
    const bool are_there =
        report_proof(ran == pushed && stats.last_id == last_id + pushed && stats.dead == 0,
                     "%" PRIu32 " tasks were pushed once, and none was lost", ran);
    return report_proof(in_order && were_repeated,
                        "%" PRIu32 " kills of the server, %" PRIu32 " of workers", kills, kills) &&
           are_there;
}

/* ---- SIGTERM ---- */

/* What a stopped worker must leave: nothing leased, and no attempt counted. */
static bool is_untouched(slotq *queue, uint32_t *left)
{
    slotq_message message;
    slotq_batch *batch = slotq_batch_new();
    bool holds = batch != NULL && stats_of(queue).leased == 0;
    *left = stats_of(queue).unfinished;
    uint32_t seen = 0;
    uint64_t from = 0;
    while (holds && slotq_peek(queue, 0, from, SLOTQ_CALL_MESSAGES_MAX, batch) == SLOTQ_OK) {
        while (slotq_batch_next(batch, &message)) {
            from = message.id + 1;
            if (message.state != SLOTQ_STATE_DONE) {
                holds = holds && message.state == SLOTQ_STATE_READY && message.attempts == 0;
                seen++;
            }
        }
    }
    slotq_batch_free(batch);
    return holds && seen == *left;
}

bool crashes_stop(const char *url, slotq *queue, stage *shared, uint32_t tasks, uint64_t *mails)
{
    enum { STOP_THREADS = 4, LONG_MS = 60000 };
    const crew_plan plan = {
        .threads = STOP_THREADS, .give_back_ms = LONG_MS, .prefetch_ms = LONG_MS, .work_ms = 1};
    const crew_plan rest = {.threads = STOP_THREADS};
    char body[TASKS_BODY_BYTES];
    uint32_t left = 0;
    const unsigned sent = atomic_load(&shared->sent);
    const uint64_t waits_from = stats_of(queue).last_id + tasks / 5;
    const unsigned given_back = atomic_load(&shared->given_back);
    for (uint32_t i = 0; i < tasks; i++) {
        const slotq_task_spec task = tasks_mail(body, i % 10, "newsletter");
        tasks_push(queue, &task);
    }
    /* Each thread asks for at most twice as many as before, so there are enough for all four. */
    stage_close_gate(shared, STAGE_BEFORE, STOP_THREADS, waits_from);
    const pid_t worker = crew_fork(url, shared, &plan);
    stage_await_gate(shared, STOP_THREADS);
    const bool in_order = crew_end(worker, SIGTERM);
    const bool untouched = is_untouched(queue, &left);
    const unsigned finished = atomic_load(&shared->sent) - sent;
    printf("  SIGTERM: %d mails are on their way and are finished, %u behind them are\n"
           "  given back; exit %s; %u sent, %" PRIu32 " left\n",
           STOP_THREADS, atomic_load(&shared->given_back) - given_back, in_order ? "0" : "not 0",
           finished, left);
    crew *others = crew_start(url, queue, shared, &rest);
    crew_await_empty(queue);
    crew_stop(others);
    *mails += tasks;
    return report_proof(in_order && untouched && finished + left == tasks &&
                            atomic_load(&shared->sent) - sent == tasks,
                        "what ran was finished, nothing stays leased, no attempt is counted");
}
