/* tasks.c: see tasks.h.
 */
#include "tasks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <hiredis/hiredis.h>

#include "../terminal/report.h"

enum { MANY_WAIT_MS = 200, AWAY_MS = 50, LINE_BYTES = 64 };

/* ---- connections for handlers ---- */

void tasks_open_office(office *opened, const char *url, stage *shared)
{
    *opened = (office){.url = url, .shared = shared};
    pthread_mutex_init(&opened->lock, NULL);
}

void tasks_close_office(office *opened)
{
    for (uint32_t i = 0; i < TASKS_OFFICES_MAX; i++) {
        slotq_redis_close(opened->connections[i]);
    }
    pthread_mutex_destroy(&opened->lock);
}

/* NULL: the server is away. */
static slotq_redis_connection *borrow(office *from)
{
    slotq_redis_connection *found = NULL;
    pthread_mutex_lock(&from->lock);
    for (uint32_t i = 0; i < TASKS_OFFICES_MAX && found == NULL; i++) {
        found = from->connections[i];
        from->connections[i] = NULL;
    }
    pthread_mutex_unlock(&from->lock);
    if (found == NULL) {
        slotq_redis_connect(from->url, NULL, &found, NULL);
    }
    return found;
}

static void give_back(office *to, slotq_redis_connection *connection, bool is_broken)
{
    pthread_mutex_lock(&to->lock);
    for (uint32_t i = 0; i < TASKS_OFFICES_MAX && !is_broken && connection != NULL; i++) {
        if (to->connections[i] == NULL) {
            to->connections[i] = connection;
            connection = NULL;
        }
    }
    pthread_mutex_unlock(&to->lock);
    slotq_redis_close(connection);
}

/* ---- sending a mail ---- */

typedef enum sending { SENT, SENT_BEFORE, SERVER_AWAY } sending;

/* Idempotent: one mail for one message id, however often the message is delivered. In one script,
 * so that no crash comes between the two. */
static const char send_text[] = "if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 0 then\n"
                                "    return 0\n"
                                "end\n"
                                "redis.call('HINCRBY', KEYS[2], ARGV[2], 1)\n"
                                "return 1\n";

static sending send_mail(office *from, uint64_t id, const char *user)
{
    slotq_redis_connection *connection = borrow(from);
    if (connection == NULL) {
        return SERVER_AWAY;
    }
    char number[24];
    const int digits = snprintf(number, sizeof number, "%" PRIu64, id);
    const slotq_data keys[] = {{TASKS_SENT, sizeof TASKS_SENT - 1},
                               {TASKS_INBOXES, sizeof TASKS_INBOXES - 1}};
    const slotq_data arguments[] = {{number, (uint32_t)digits}, {user, (uint32_t)strlen(user)}};
    slotq_error error;
    redisReply *reply = NULL;
    slotq_script *script = slotq_script_new(send_text, sizeof send_text - 1);
    slotq_outcome outcome = slotq_script_run(script, slotq_redis_context(connection), 2, keys, 2,
                                             arguments, &reply, &error);
    if (outcome == SLOTQ_OK) {
        outcome = slotq_redis_judge(reply, &error);
    }
    const bool is_first = outcome == SLOTQ_OK && reply->integer == 1;
    freeReplyObject(reply);
    slotq_script_free(script);
    give_back(from, connection, outcome != SLOTQ_OK);
    return outcome != SLOTQ_OK ? SERVER_AWAY : is_first ? SENT : SENT_BEFORE;
}

/* ---- handlers ---- */

/* The body as a string, cut where it is too long. */
static const char *text_of(const slotq_task_info *info, char text[LINE_BYTES])
{
    (void)snprintf(text, LINE_BYTES, "%.*s", (int)info->body_bytes, (const char *)info->body);
    return text;
}

/* A task at the gate goes on when its worker stops, or when its lease is lost. */
static bool is_told_to_leave(void *context)
{
    return (slotq_task_told(context) & (SLOTQ_TOLD_STOPPING | SLOTQ_TOLD_LOST)) != 0;
}

/* When a scheduled task starts, the server's clock is asked: the same that keeps the schedule. */
static void note_start(office *context, uint64_t due_ms)
{
    stage *shared = context->shared;
    slotq_redis_connection *connection = borrow(context);
    redisReply *reply =
        connection == NULL ? NULL : redisCommand(slotq_redis_context(connection), "TIME");
    const unsigned index = atomic_fetch_add(&shared->start_count, 1);
    if (reply == NULL || reply->elements != 2 || index >= STAGE_STARTS_MAX) {
        report_failure("TIME: no reply of the server");
    }
    shared->starts[index].due_ms = due_ms;
    shared->starts[index].at_us = strtoull(reply->element[0]->str, NULL, 10) * 1000000 +
                                  strtoull(reply->element[1]->str, NULL, 10);
    freeReplyObject(reply);
    give_back(context, connection, false);
}

static slotq_result deliver(void *user, slotq_task *task)
{
    office *context = user;
    stage *shared = context->shared;
    const slotq_task_info *info = slotq_task_info_of(task);
    char recipient[LINE_BYTES];
    text_of(info, recipient);
    recipient[strcspn(recipient, " ")] = '\0';
    atomic_fetch_add(&shared->runs[info->id % STAGE_IDS_MAX], 1);
    if (info->due_ms != 0) {
        note_start(context, info->due_ms);
    }
    stage_wait_at(shared, STAGE_BEFORE, info->id, is_told_to_leave, task);
    stage_sleep_ms(context->work_ms);
    const sending outcome = send_mail(context, info->id, recipient);
    if (outcome == SERVER_AWAY) { /* perhaps it was sent: the next run finds out */
        return slotq_result_retry_after(AWAY_MS, SLOTQ_REASON_FAILED);
    }
    atomic_fetch_add(outcome == SENT ? &shared->sent : &shared->repeats, 1);
    stage_wait_at(shared, STAGE_AFTER, info->id, is_told_to_leave, task);
    return slotq_result_done();
}

static slotq_result resize(void *user, slotq_task *task)
{
    office *context = user;
    (void)task;
    atomic_fetch_add(&context->shared->resized, 1);
    return slotq_result_done();
}

/* One mail of many tasks. */
static void send_digest(void *user, slotq_task **tasks, uint32_t count, slotq_result *results)
{
    office *context = user;
    char first[LINE_BYTES];
    char last[LINE_BYTES];
    printf("  one mail of %" PRIu32 " lines: \"%s\" to \"%s\"\n", count,
           text_of(slotq_task_info_of(tasks[0]), first),
           text_of(slotq_task_info_of(tasks[count - 1]), last));
    for (uint32_t i = 0; i < count; i++) {
        atomic_fetch_add(&context->shared->runs[slotq_task_info_of(tasks[i])->id % STAGE_IDS_MAX],
                         1);
        results[i] = slotq_result_done();
    }
    atomic_fetch_add(&context->shared->digest_lines, count);
    atomic_fetch_add(&context->shared->digests, 1);
}

static slotq_result make_report(void *user, slotq_task *task)
{
    office *context = user;
    stage *shared = context->shared;
    const slotq_task_info *info = slotq_task_info_of(task);
    const uint64_t index = info->due_ms / 1000 - shared->first_second;
    if (index >= STAGE_SECONDS_MAX) {
        report_failure("a report is due at %" PRIu64 " ms, which no entry asks for", info->due_ms);
    }
    stage_second *second = &shared->seconds[index];
    unsigned long long id = 0;
    if (atomic_compare_exchange_strong(&second->id, &id, info->id)) {
        atomic_store(&second->worker, getpid());
        atomic_fetch_add(&shared->second_count, 1);
    } else if (id != info->id) {
        atomic_fetch_add(&second->more, 1);
    }
    return slotq_result_done();
}

/* ---- the mux ---- */

/* Around each handler's run: count the task, and print it with its time, where that is wanted. */
static slotq_result log_task(void *user, slotq_task *task, slotq_chain *rest)
{
    office *context = user;
    const slotq_task_info *info = slotq_task_info_of(task);
    char text[LINE_BYTES];
    struct timespec began;
    struct timespec ended;
    clock_gettime(CLOCK_MONOTONIC, &began);
    const slotq_result result = slotq_chain_run(rest, task);
    clock_gettime(CLOCK_MONOTONIC, &ended);
    if (context->logs) {
        atomic_fetch_add(&context->shared->logged, 1);
        printf("  %-14s %-24s %6.2f ms\n", info->type, text_of(info, text),
               (double)(ended.tv_sec - began.tv_sec) * 1e3 +
                   (double)(ended.tv_nsec - began.tv_nsec) / 1e6);
    }
    return result;
}

slotq_mux *tasks_mux(office *context)
{
    const slotq_handler delivering = {.run = deliver, .context = context};
    const slotq_handler resizing = {.run = resize, .context = context};
    const slotq_handler reporting = {.run = make_report, .context = context};
    const slotq_handler gathering = {
        .run_many = send_digest, .many_wait_ms = MANY_WAIT_MS, .context = context};
    slotq_mux *mux = NULL;
    if (slotq_mux_new(&mux) != SLOTQ_OK ||
        slotq_mux_exact(mux, TASKS_DELIVER, &delivering) != SLOTQ_OK ||
        slotq_mux_prefix(mux, "image:", &resizing) != SLOTQ_OK ||
        slotq_mux_exact(mux, TASKS_DIGEST, &gathering) != SLOTQ_OK ||
        slotq_mux_exact(mux, TASKS_REPORT, &reporting) != SLOTQ_OK ||
        slotq_mux_use(mux, log_task, context) != SLOTQ_OK) {
        report_failure("no memory for the mux");
    }
    return mux;
}

/* ---- pushing ---- */

slotq_task_spec tasks_mail(char body[TASKS_BODY_BYTES], uint32_t user, const char *template_name)
{
    const int bytes = snprintf(body, TASKS_BODY_BYTES, "%" PRIu32 " %s", user, template_name);
    return (slotq_task_spec){.type = TASKS_DELIVER, .body = body, .body_bytes = (uint32_t)bytes};
}

uint64_t tasks_push(slotq *queue, const slotq_task_spec *task)
{
    uint64_t id = 0;
    if (slotq_task_push(queue, task, &id) != SLOTQ_OK) {
        report_failure("push %s: %s", task->type, slotq_error_of(queue)->text);
    }
    return id;
}
