/* email.c: a service that sends mail, on the worker of slotq_worker.h: tasks of several types, now
 * or later, once, by cron, in groups; and what becomes of them when the server or a worker is
 * killed, and when a worker is told to stop.
 *
 *     build/examples/email [--quick] [--scheduled N] [--over N] [--tasks N] [--kills N] …
 *
 * The files: this one is the story, tasks.c has the handlers, crew.c starts workers, times.c shows
 * the schedule, crashes.c the kills. stage.c is for the proof alone.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../server/commands.h"
#include "../server/private_server.h"
#include "../terminal/arguments.h"
#include "../terminal/report.h"
#include "crashes.h"
#include "crew.h"
#include "tasks.h"
#include "times.h"

enum {
    GREETED_USER = 42,
    PAUSED_TASKS = 10,
    LOOK_MS = 200,
    LINES = 12,
    STOPPED_TASKS = 60,
    LONG_MS = 60000
};

static struct {
    uint32_t quick, scheduled, over_ms, occurrences, tasks, kills;
} wanted = {.scheduled = 200, .over_ms = 5000, .occurrences = 6, .tasks = 1000, .kills = 4};

/* Keys for unique tasks and cron, room for scheduled ones, push times; leases and delays to 10 ms.
 */
static const slotq_geometry geometry = {
    .ring_slots = 20001,
    .payload_bytes = 120,
    .later_slots = STAGE_STARTS_MAX,
    .dead_slots = 100,
    .tick_ms = 10,
    .groups = 1,
    .flags = SLOTQ_FLAG_KEYS | SLOTQ_FLAG_STAMPS | SLOTQ_FLAG_DEAD_OVERWRITE,
    .max_attempts = 25,
    .aside_slots = 64,
    .places = 255,
};

/* What all parts have, and how many mails they asked for. */
typedef struct service {
    const char *url;
    slotq *queue;
    stage *shared;
    uint64_t mails;
} service;

/* ---- the parts of the story ---- */

static bool show_client_and_mux(service *mine)
{
    const crew_plan plan = {.threads = 1, .logs = true};
    const char *pictures[] = {"photo-1.png", "photo-2.png"};
    const char *templates[] = {"welcome", "receipt", "password"};
    char body[TASKS_BODY_BYTES];
    stage *shared = mine->shared;
    printf("\n1  a client, and a worker with a mux and a middleware\n");
    for (uint32_t i = 0; i < 3; i++) {
        const slotq_task_spec mail = tasks_mail(body, GREETED_USER, templates[i]);
        tasks_push(mine->queue, &mail);
        mine->mails++;
    }
    for (uint32_t i = 0; i < 2; i++) {
        const slotq_task_spec picture = {
            .type = TASKS_RESIZE, .body = pictures[i], .body_bytes = (uint32_t)strlen(pictures[i])};
        tasks_push(mine->queue, &picture);
    }
    crew *one = crew_start(mine->url, mine->queue, shared, &plan);
    crew_await_empty(mine->queue);
    crew_stop(one);
    return report_proof(atomic_load(&shared->sent) == 3 && atomic_load(&shared->resized) == 2 &&
                            atomic_load(&shared->logged) == 5,
                        "3 mails by the exact type, 2 pictures by the prefix; 5 logged");
}

/* A second welcome is refused while the first one waits; later it is welcome again. */
static bool show_unique(service *mine)
{
    const crew_plan plan = {.threads = 1};
    static const char name[] = "welcome-42";
    char body[TASKS_BODY_BYTES];
    uint64_t first = 0;
    uint64_t second = 0;
    uint64_t third = 0;
    slotq_task_spec task = tasks_mail(body, GREETED_USER, "welcome");
    task.key = name;
    task.key_bytes = sizeof name - 1;
    printf("\n3  a unique task\n");
    bool holds = slotq_task_push(mine->queue, &task, &first) == SLOTQ_OK;
    const slotq_outcome refused = slotq_task_push(mine->queue, &task, &second);
    holds = holds && refused == SLOTQ_DUPLICATE && second == first;
    printf("  task %" PRIu64 " has the key %s; the second push: %s, task %" PRIu64 " has it\n",
           first, name, slotq_outcome_name(refused), second);
    crew *one = crew_start(mine->url, mine->queue, mine->shared, &plan);
    crew_await_empty(mine->queue);
    holds = slotq_task_push(mine->queue, &task, &third) == SLOTQ_OK && third > first && holds;
    printf("  task %" PRIu64 " is done; pushed again: task %" PRIu64 "\n", first, third);
    crew_await_empty(mine->queue);
    crew_stop(one);
    mine->mails += 2;
    return report_proof(holds, "refused while it is unfinished, accepted afterwards");
}

static bool show_pause(service *mine)
{
    const crew_plan plan = {.threads = 2};
    char body[TASKS_BODY_BYTES];
    printf("\n6  pause and resume\n");
    const unsigned before = atomic_load(&mine->shared->sent);
    crew *two = crew_start(mine->url, mine->queue, mine->shared, &plan);
    bool holds = slotq_pause(mine->queue, SLOTQ_PAUSE_OUT) == SLOTQ_OK;
    for (uint32_t i = 0; i < PAUSED_TASKS; i++) {
        const slotq_task_spec task = tasks_mail(body, i, "offer");
        tasks_push(mine->queue, &task);
    }
    stage_sleep_ms(LOOK_MS);
    const unsigned paused = atomic_load(&mine->shared->sent) - before;
    holds = slotq_resume(mine->queue, SLOTQ_PAUSE_OUT) == SLOTQ_OK && holds;
    crew_await_empty(mine->queue);
    crew_stop(two);
    const unsigned resumed = atomic_load(&mine->shared->sent) - before;
    mine->mails += PAUSED_TASKS;
    printf("  %d tasks pushed; mails sent while paused: %u, after resume: %u\n", PAUSED_TASKS,
           paused, resumed);
    return report_proof(holds && paused == 0 && resumed == PAUSED_TASKS,
                        "no task starts in a paused queue, and all do after resume");
}

/* One thread asks for 1, 2, 4, 8 … messages, so that there are fewer mails than lines even if each
 * call took longer than the wait for more. */
static bool show_groups(service *mine)
{
    const crew_plan plan = {.threads = 1, .prefetch_ms = LONG_MS};
    char line[TASKS_BODY_BYTES];
    printf("\n7  tasks that are gathered\n");
    for (uint32_t i = 0; i < LINES; i++) {
        const int bytes = snprintf(line, sizeof line, "%" PRIu32 " new comments", i + 1);
        const slotq_task_spec task = {
            .type = TASKS_DIGEST, .body = line, .body_bytes = (uint32_t)bytes};
        tasks_push(mine->queue, &task);
    }
    crew *one = crew_start(mine->url, mine->queue, mine->shared, &plan);
    crew_await_empty(mine->queue);
    crew_stop(one);
    const unsigned lines = atomic_load(&mine->shared->digest_lines);
    const unsigned digests = atomic_load(&mine->shared->digests);
    return report_proof(lines == LINES && digests < LINES / 2, "%u tasks became %u %s", lines,
                        digests, digests == 1 ? "mail" : "mails");
}

/* ---- the proof ---- */

/* Over all parts: each task has its mail, and no mail was sent twice. */
static bool prove_mails(service *mine)
{
    uint64_t sum = 0;
    slotq_stats stats;
    slotq_redis_connection *connection = commands_connect(mine->url);
    redisContext *context = slotq_redis_context(connection);
    const long long ids = commands_ask_number(context, "HLEN %s", TASKS_SENT);
    redisReply *reply = commands_ask(context, "HVALS %s", TASKS_INBOXES);
    for (size_t i = 0; i < reply->elements; i++) {
        sum += strtoull(reply->element[i]->str, NULL, 10);
    }
    freeReplyObject(reply);
    slotq_redis_close(connection);
    const bool is_sound = slotq_check(mine->queue) == SLOTQ_OK &&
                          slotq_get_stats(mine->queue, 0, &stats) == SLOTQ_OK &&
                          stats.unfinished == 0 && stats.dead == 0;
    printf("\n");
    return report_proof(is_sound && (uint64_t)ids == mine->mails && sum == mine->mails,
                        "%" PRIu64 " mails were asked for, %" PRIu64 " are in the inboxes, once"
                        " each",
                        mine->mails, sum);
}

static void create(const char *url, const char *name)
{
    slotq_error error;
    if (slotq_create(url, name, &geometry, NULL, &error) != SLOTQ_OK) {
        report_failure("%s: %s", name, error.text);
    }
}

static bool play(const char *url)
{
    service mine = {.url = url, .shared = stage_new()};
    pid_t cron[TIMES_WORKERS];
    create(url, TASKS_QUEUE);
    create(url, TASKS_REPORTS);
    times_start_cron(url, mine.shared, cron); /* shown as part 4 */
    mine.queue = crew_open(url, TASKS_QUEUE);
    bool holds = show_client_and_mux(&mine);

    printf("\n2  scheduled tasks: %" PRIu32 " in random order over %" PRIu32 " ms\n",
           wanted.scheduled, wanted.over_ms);
    holds =
        times_scheduled(url, mine.queue, mine.shared, wanted.scheduled, wanted.over_ms) && holds;
    mine.mails += wanted.scheduled;
    holds = show_unique(&mine) && holds;

    printf("\n4  cron: @every 1s, in two processes since the beginning\n");
    holds = times_show_cron(mine.shared, cron, wanted.occurrences) && holds;

    printf("\n5  kills in the middle of tasks, while a client pushes\n");
    holds =
        crashes_survive(url, mine.queue, mine.shared, wanted.tasks, wanted.kills, &mine.mails) &&
        holds;
    holds = show_pause(&mine) && holds;
    holds = show_groups(&mine) && holds;

    printf("\n8  a stop in order\n");
    holds = crashes_stop(url, mine.queue, mine.shared, STOPPED_TASKS, &mine.mails) && holds;
    holds = prove_mails(&mine) && holds;
    slotq_close(mine.queue);
    return holds;
}

int main(int count, char **words)
{
    const arguments_option options[] = {
        {"--quick", "a form of a few seconds, in place of the options below", &wanted.quick, 0, 0},
        {"--scheduled", "tasks that are scheduled", &wanted.scheduled, 1, STAGE_STARTS_MAX},
        {"--over", "time over which they are, in ms", &wanted.over_ms, 1, 600000},
        {"--occurrences", "of the cron entry", &wanted.occurrences, 1, STAGE_SECONDS_MAX / 2},
        {"--tasks", "tasks that are pushed during the kills", &wanted.tasks, 1, 10000},
        {"--kills", "of the server, and of workers", &wanted.kills, 0, 20},
    };
    arguments_read(count, words, "a service that sends mail, its server and workers killed",
                   options, sizeof options / sizeof *options);
    if (wanted.quick != 0) {
        wanted.scheduled = 60;
        wanted.over_ms = 1500;
        wanted.occurrences = 2;
        wanted.tasks = 100;
        wanted.kills = 2;
    }
    return report_exit(play(private_server_start_durable()));
}
