/* times.c: see times.h.
 */
#include "times.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../terminal/report.h"

enum { BEGIN_MS = 50, BURST = 8, DIGITS = 24 };

/* ---- scheduled tasks ---- */

static void shuffle(uint32_t *numbers, uint32_t count)
{
    for (uint32_t i = count; i > 1; i--) {
        const uint32_t other = (uint32_t)random() % i;
        const uint32_t moved = numbers[i - 1];
        numbers[i - 1] = numbers[other];
        numbers[other] = moved;
    }
}

static uint64_t time_of(uint32_t number, uint32_t count, uint32_t over_ms)
{
    const uint32_t burst = number / BURST * BURST; /* eight at a time, 1 ms after one another */
    return (uint64_t)burst * over_ms / count + number % BURST;
}

/* The handler learns the time from the header `due`: the queue itself forgets it with the
 * schedule. */
static void schedule(slotq *queue, uint32_t user, uint64_t due_ms)
{
    char body[TASKS_BODY_BYTES];
    char digits[DIGITS];
    const int bytes = snprintf(digits, sizeof digits, "%" PRIu64, due_ms);
    const slotq_header due = {"due", digits, (uint32_t)bytes};
    slotq_task_spec task = tasks_mail(body, user, "reminder");
    task.at_ms = due_ms;
    task.headers = &due;
    task.header_count = 1;
    tasks_push(queue, &task);
}

static int by_number(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left;
    const uint64_t b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

/* Not a part of the proof: how late a task starts is the machine's business, too. */
static void print_lateness(const stage *shared, uint32_t count)
{
    static uint64_t late_us[STAGE_STARTS_MAX];
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t due_us = shared->starts[i].due_ms * 1000;
        late_us[i] = shared->starts[i].at_us < due_us ? 0 : shared->starts[i].at_us - due_us;
    }
    qsort(late_us, count, sizeof *late_us, by_number);
    const uint64_t half_us = late_us[count / 2];
    const uint64_t most_of_them_us = late_us[(count - 1) * 99 / 100];
    printf("  late by: p50 %.1f ms, p99 %.1f ms, most %.1f ms\n", (double)half_us / 1e3,
           (double)most_of_them_us / 1e3, (double)late_us[count - 1] / 1e3);
}

/* What the queue promises: a scheduled task enters the ring when it is due by the queue's clock, in
 * the order of due times, and first deliveries leave in the order in which messages entered. So one
 * thread starts them in order, whatever it prefetches; several threads would take them in order,
 * and start them side by side. All are scheduled before a worker asks for the first: a task that is
 * scheduled when others have entered cannot go before them. */
bool times_scheduled(const char *url, slotq *queue, stage *shared, uint32_t count, uint32_t over_ms)
{
    const crew_plan plan = {.threads = 1};
    uint32_t order[STAGE_STARTS_MAX];
    bool in_order = true;
    bool is_early = false;
    for (uint32_t i = 0; i < count; i++) {
        order[i] = i;
    }
    srandom((unsigned)time(NULL));
    shuffle(order, count);
    const uint64_t from_ms = slotq_now_ms(queue) + BEGIN_MS;
    for (uint32_t i = 0; i < count; i++) {
        schedule(queue, order[i], from_ms + time_of(order[i], count, over_ms));
    }
    crew *one = crew_start(url, queue, shared, &plan);
    stage_await(&shared->start_count, count, "scheduled tasks started");
    crew_await_empty(queue);
    crew_stop(one);
    for (uint32_t i = 0; i < count; i++) {
        const stage_start *start = &shared->starts[i];
        in_order = in_order && (i == 0 || shared->starts[i - 1].due_ms <= start->due_ms);
        is_early = is_early || start->at_us < start->due_ms * 1000;
    }
    print_lateness(shared, count);
    const bool each_once = atomic_load(&shared->start_count) == count;
    return report_proof(in_order && !is_early && each_once,
                        "%" PRIu32 " tasks started in the order of their times, none early", count);
}

/* ---- cron ---- */

static const slotq_cron entry = {.name = "report", .spec = "@every 1s", .type = TASKS_REPORT};

void times_start_cron(const char *url, stage *shared, pid_t workers[TIMES_WORKERS])
{
    const crew_plan plan = {.threads = 1, .cron = &entry};
    shared->first_second = (uint64_t)time(NULL);
    for (uint32_t i = 0; i < TIMES_WORKERS; i++) {
        workers[i] = crew_fork(url, shared, &plan);
    }
}

/* What the format promises is that none runs twice. One is skipped if no worker looks before it is
 * due, for example because the machine stands still: printed, and not a part of the proof. */
bool times_show_cron(stage *shared, const pid_t workers[TIMES_WORKERS], uint32_t count)
{
    uint32_t ran_by[TIMES_WORKERS] = {0};
    bool holds = true;
    uint32_t runs = 0;
    uint32_t first = 0;
    uint32_t last = 0;
    stage_await(&shared->second_count, count, "occurrences ran");
    for (uint32_t i = 0; i < TIMES_WORKERS; i++) {
        holds = crew_end(workers[i], SIGTERM) && holds;
    }
    for (uint32_t i = 0; i < STAGE_SECONDS_MAX; i++) {
        const stage_second *second = &shared->seconds[i];
        if (atomic_load(&second->id) == 0) {
            continue;
        }
        holds = holds && atomic_load(&second->more) == 0;
        first = runs == 0 ? i : first;
        last = i;
        runs++;
        for (uint32_t j = 0; j < TIMES_WORKERS; j++) {
            ran_by[j] += atomic_load(&second->worker) == workers[j] ? 1 : 0;
        }
    }
    printf("  process 1 ran %" PRIu32 ", process 2 ran %" PRIu32 ", %" PRIu32 " were skipped\n",
           ran_by[0], ran_by[1], last - first + 1 - runs);
    return report_proof(holds && runs >= count && ran_by[0] + ran_by[1] == runs,
                        "each of %" PRIu32 " occurrences ran once, in one of two processes", runs);
}
