/* tell.c: events of a worker, its numbers and its metrics. Does not change anything.
 */
#include "tell.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "hand.h"

void tell(slotq_worker *worker, const slotq_event *event)
{
    if ((worker->event_mask & 1u << event->kind) != 0) {
        worker->options.on_event(worker->options.event_context, event);
    }
}

void tell_queue(worker_queue *queue, slotq_event_kind kind, slotq_outcome outcome, const char *text)
{
    const slotq_event event = {
        .kind = kind, .queue = queue->name, .outcome = outcome, .text = text};
    tell(queue->worker, &event);
}

const char *slotq_event_name(slotq_event_kind kind)
{
    static const char *const names[] = {
        [SLOTQ_EVENT_START] = "START",
        [SLOTQ_EVENT_DONE] = "DONE",
        [SLOTQ_EVENT_RETRY] = "RETRY",
        [SLOTQ_EVENT_DEAD] = "DEAD",
        [SLOTQ_EVENT_RELEASE] = "RELEASE",
        [SLOTQ_EVENT_SNOOZE] = "SNOOZE",
        [SLOTQ_EVENT_LOST] = "LOST",
        [SLOTQ_EVENT_UNKNOWN] = "UNKNOWN",
        [SLOTQ_EVENT_LIMIT] = "LIMIT",
        [SLOTQ_EVENT_STUCK] = "STUCK",
        [SLOTQ_EVENT_THREAD_ENDED] = "THREAD_ENDED",
        [SLOTQ_EVENT_AWAY] = "AWAY",
        [SLOTQ_EVENT_BACK] = "BACK",
        [SLOTQ_EVENT_QUEUE_FAILED] = "QUEUE_FAILED",
        [SLOTQ_EVENT_REMADE] = "REMADE",
        [SLOTQ_EVENT_CRON] = "CRON",
        [SLOTQ_EVENT_CRON_MISSED] = "CRON_MISSED",
        [SLOTQ_EVENT_STATE] = "STATE",
    };
    return (size_t)kind < sizeof names / sizeof names[0] ? names[kind] : "?";
}

const char *slotq_worker_state_name(slotq_worker_state state)
{
    static const char *const names[] = {
        [SLOTQ_WORKER_NEW] = "NEW",           [SLOTQ_WORKER_RUNNING] = "RUNNING",
        [SLOTQ_WORKER_QUIET] = "QUIET",       [SLOTQ_WORKER_DRAINING] = "DRAINING",
        [SLOTQ_WORKER_STOPPING] = "STOPPING", [SLOTQ_WORKER_ENDED] = "ENDED",
    };
    return (size_t)state < sizeof names / sizeof names[0] ? names[state] : "?";
}

void tell_state(slotq_worker *worker)
{
    const slotq_event event = {.kind = SLOTQ_EVENT_STATE,
                               .text = slotq_worker_state_name(worker_state(worker))};
    tell(worker, &event);
}

void tell_error(slotq_worker *worker, const slotq_error *error)
{
    pthread_mutex_lock(&worker->lock);
    worker->error = *error;
    pthread_mutex_unlock(&worker->lock);
}

slotq_outcome slotq_worker_error(slotq_worker *worker, slotq_error *error)
{
    if (worker == NULL) {
        return SLOTQ_INVALID;
    }
    pthread_mutex_lock(&worker->lock);
    const slotq_outcome outcome = worker->error.outcome;
    if (error != NULL) {
        *error = worker->error;
    }
    pthread_mutex_unlock(&worker->lock);
    return outcome;
}

/* ---- numbers ---- */

static uint64_t count_in(const worker_queue *queue, uint32_t row, worker_count kind)
{
    return atomic_load_explicit(&queue->counts[row * COUNT_KINDS + kind], memory_order_relaxed);
}

static void add_counts(const worker_queue *queue, slotq_worker_stats *stats)
{
    for (uint32_t row = 0; row <= mux_count(queue->worker->mux); row++) {
        stats->done += count_in(queue, row, COUNT_DONE);
        stats->retried += count_in(queue, row, COUNT_RETRIED);
        stats->died += count_in(queue, row, COUNT_DIED);
        stats->released += count_in(queue, row, COUNT_RELEASED);
        stats->snoozed += count_in(queue, row, COUNT_SNOOZED);
        stats->lost += count_in(queue, row, COUNT_LOST);
        stats->unknown += count_in(queue, row, COUNT_UNKNOWN);
        stats->given_back += count_in(queue, row, COUNT_GIVEN_BACK);
        stats->limits += count_in(queue, row, COUNT_LIMITS);
    }
}

/* What a hand has: without what the keeper took. */
static uint32_t held_in(const worker_hand *hand)
{
    const uint64_t place = atomic_load_explicit(&hand->place, memory_order_relaxed);
    const uint32_t begun = place_next(place) == 0 ? 0 : place_next(place) - 1;
    if (place_end(place) == 0) {
        return 0;
    }
    return atomic_load(&hand->is_taken) ? 1 : place_end(place) - begun;
}

void slotq_worker_get_stats(slotq_worker *worker, slotq_worker_stats *stats)
{
    if (stats == NULL) {
        return;
    }
    *stats = (slotq_worker_stats){0};
    if (worker == NULL) {
        return;
    }
    stats->state = worker_state(worker);
    pthread_mutex_lock(&worker->lock);
    stats->running = worker->running;
    stats->stuck = worker->stuck;
    for (uint32_t i = 0; i < worker->queue_count; i++) {
        const worker_queue *queue = worker->queues[i];
        stats->away = stats->away || queue->away;
        for (const worker_hand *hand = queue->hands; hand != NULL; hand = hand->next) {
            stats->held += held_in(hand);
        }
        if (queue->counts != NULL) {
            add_counts(queue, stats);
        }
    }
    pthread_mutex_unlock(&worker->lock);
    stats->pending = atomic_load(&worker->kept_count);
    stats->held += stats->pending;
    stats->threads_ended = atomic_load(&worker->threads_ended);
    stats->cron_pushed = atomic_load(&worker->cron_pushed);
    stats->cron_missed = atomic_load(&worker->cron_missed);
}

/* ---- metrics ---- */

typedef struct writer {
    bool (*write)(void *context, const char *text, size_t bytes);
    void *context;
    bool failed;
} writer;

__attribute__((format(printf, 2, 3))) static void put(writer *out, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    const int bytes = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (!out->failed && bytes > 0) {
        const size_t size = (size_t)bytes < sizeof text ? (size_t)bytes : sizeof text - 1;
        out->failed = !out->write(out->context, text, size);
    }
}

/* A label's value: '\', '"' and line ends are escaped. out has twice the room and one. */
static const char *escaped(const char *text, char *out)
{
    char *at = out;
    for (; *text != '\0'; text++) {
        if (*text == '\\' || *text == '"' || *text == '\n') {
            *at++ = '\\';
        }
        *at++ = *text == '\n' ? 'n' : *text;
    }
    *at = '\0';
    return out;
}

static void put_family(writer *out, const char *name, const char *type, const char *help)
{
    put(out, "# TYPE slotq_worker_%s %s\n# HELP slotq_worker_%s %s\n", name, type, name, help);
}

static void put_counter(writer *out, const slotq_worker *worker, const char *name,
                        worker_count kind, const char *help)
{
    char shown[2 * sizeof worker->queues[0]->name + 1];
    char label[2 * SLOTQ_TYPE_BYTES_MAX + 8];
    put_family(out, name, "counter", help);
    for (uint32_t i = 0; i < worker->queue_count; i++) {
        const worker_queue *queue = worker->queues[i];
        escaped(queue->name, shown);
        for (uint32_t row = 0; row < mux_count(worker->mux); row++) {
            const uint64_t count = count_in(queue, row, kind);
            put(out, "slotq_worker_%s_total{queue=\"%s\",handler=\"%s\"} ", name, shown,
                escaped(mux_at(worker->mux, row)->label, label));
            if (kind == COUNT_RUN_NS) {
                put(out, "%.6f\n", (double)count / 1e9);
            } else {
                put(out, "%" PRIu64 "\n", count);
            }
        }
    }
}

bool slotq_worker_metrics(slotq_worker *worker,
                          bool (*write)(void *context, const char *text, size_t bytes),
                          void *context)
{
    static const struct {
        const char *name;
        worker_count kind;
        const char *help;
    } families[] = {
        {"tasks_done", COUNT_DONE, "Tasks that were acked."},
        {"tasks_retried", COUNT_RETRIED, "Runs that failed and are tried again."},
        {"tasks_died", COUNT_DIED, "Tasks that went to the dead section."},
        {"tasks_released", COUNT_RELEASED, "Tasks given back after their run."},
        {"tasks_snoozed", COUNT_SNOOZED, "Tasks put off."},
        {"tasks_lost", COUNT_LOST, "Runs whose lease was lost."},
        {"tasks_unknown", COUNT_UNKNOWN, "Runs whose settlement was never answered."},
        {"run_limits", COUNT_LIMITS, "Runs over their time limit."},
        {"run_seconds", COUNT_RUN_NS, "Time in handlers."},
    };
    writer out = {write, context, false};
    if (worker == NULL || write == NULL || worker_state(worker) == SLOTQ_WORKER_NEW) {
        return false;
    }
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        put_counter(&out, worker, families[i].name, families[i].kind, families[i].help);
    }
    slotq_worker_stats stats;
    slotq_worker_get_stats(worker, &stats);
    const struct {
        const char *name;
        uint64_t value;
        const char *help;
    } gauges[] = {{"running", stats.running, "Handlers that run."},
                  {"held", stats.held, "Messages leased."},
                  {"pending", stats.pending, "Tasks that wait for others, or for their end."},
                  {"stuck", stats.stuck, "Handlers that were given up and do not return."},
                  {"away", stats.away, "1 while a queue cannot be reached."}};
    for (size_t i = 0; i < sizeof gauges / sizeof gauges[0]; i++) {
        put_family(&out, gauges[i].name, "gauge", gauges[i].help);
        put(&out, "slotq_worker_%s %" PRIu64 "\n", gauges[i].name, gauges[i].value);
    }
    put_family(&out, "given_back", "counter", "Messages given back before they were begun.");
    put(&out, "slotq_worker_given_back_total %" PRIu64 "\n", stats.given_back);
    put_family(&out, "threads_ended", "counter", "Handlers that ended their thread.");
    put(&out, "slotq_worker_threads_ended_total %" PRIu64 "\n", stats.threads_ended);
    put_family(&out, "cron_placed", "counter", "Occurrences placed.");
    put(&out, "slotq_worker_cron_placed_total %" PRIu64 "\n", stats.cron_pushed);
    put_family(&out, "cron_missed", "counter", "Occurrences skipped, or too late.");
    put(&out, "slotq_worker_cron_missed_total %" PRIu64 "\n", stats.cron_missed);
    put(&out, "# EOF\n");
    return !out.failed;
}
