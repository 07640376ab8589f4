/* no_ops.c: see no_ops.h. Both sides take messages with 1 or 4 threads, each with its handle, until
 * the queue is empty; the time is that of the middle eight tenths of the messages.
 */
#include "no_ops.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/report.h"
#include "../support/samples.h"
#include "../support/sure.h"
#include "slotq_redis.h"
#include "slotq_worker.h"

enum {
    THREADS_MOST = 4,
    MESSAGES = 64000,
    MESSAGES_ONE = 6400, /* with one message a trip */
    MESSAGES_SMALL = 1280,
    PUSH_AT_ONCE = 640,
    COUNT_AT_ONCE = 32, /* messages that a thread counts before it tells the others */
    LEASE_MS = 30 * 1000,
    IDLE_MS = 3000
};

#define QUEUE_NAME "no_ops"

typedef struct shape {
    uint32_t threads;
    uint32_t batch;
    uint32_t types;
    double aim; /* 0 = none */
} shape;

typedef struct progress {
    uint32_t all;
    atomic_uint done;
    _Atomic uint64_t begin_ns, end_ns; /* after a tenth, and after nine */
} progress;

static progress now;
static _Thread_local uint32_t untold;
static report_table table;

static void count_one(void)
{
    if (++untold < COUNT_AT_ONCE) {
        return;
    }
    const uint32_t before = atomic_fetch_add(&now.done, untold);
    const uint32_t after = before + untold;
    untold = 0;
    if (before < now.all / 10 && after >= now.all / 10) {
        atomic_store(&now.begin_ns, clock_ns());
    }
    if (before < now.all / 10 * 9 && after >= now.all / 10 * 9) {
        atomic_store(&now.end_ns, clock_ns());
    }
}

static slotq_result do_nothing(void *context, slotq_task *task)
{
    (void)context;
    (void)task;
    count_one();
    return slotq_result_done();
}

static void fill(slotq *queue, uint32_t count, uint32_t types)
{
    static const char one[32] = "email:deliver\0a body of a mail";
    static const char other[32] = "image:resize\0the body of a job";
    slotq_data messages[PUSH_AT_ONCE];
    for (uint32_t i = 0; i < PUSH_AT_ONCE; i++) {
        messages[i] = (slotq_data){types == 2 && i % 2 == 1 ? other : one, sizeof one};
    }
    for (uint32_t i = 0; i < count; i += PUSH_AT_ONCE) {
        bench_ok(slotq_push(queue, messages, PUSH_AT_ONCE, NULL), "push");
    }
    now.all = count;
    atomic_store(&now.done, 0);
}

static double ns_per_message(void)
{
    return (double)(atomic_load(&now.end_ns) - atomic_load(&now.begin_ns)) / (now.all * 0.8);
}

/* ---- bare batches ---- */

typedef struct consumer {
    pthread_t thread;
    slotq *queue;
    uint32_t batch;
} consumer;

static void *consume(void *context)
{
    const consumer *self = context;
    slotq_batch *batch = slotq_batch_new();
    slotq_message message;
    slotq_settled settled;
    bench_need(batch != NULL, "a batch");
    while (slotq_next(self->queue, 0, self->batch, LEASE_MS, 0, batch, &settled) == SLOTQ_OK) {
        while (slotq_batch_next(batch, &message)) {
            count_one();
        }
    }
    slotq_batch_free(batch);
    untold = 0;
    return NULL;
}

static double run_bare(slotq *queue, const shape *wanted)
{
    consumer consumers[THREADS_MOST];
    const slotq_clone_options options = {.copies = true};
    for (uint32_t i = 0; i < wanted->threads; i++) {
        consumers[i].batch = wanted->batch;
        bench_ok(slotq_clone_with(queue, &options, &consumers[i].queue, NULL), "clone");
    }
    for (uint32_t i = 0; i < wanted->threads; i++) {
        bench_need(pthread_create(&consumers[i].thread, NULL, consume, &consumers[i]) == 0,
                   "a thread");
    }
    for (uint32_t i = 0; i < wanted->threads; i++) {
        pthread_join(consumers[i].thread, NULL);
        slotq_close(consumers[i].queue);
    }
    return ns_per_message();
}

/* ---- the worker ---- */

static slotq_worker *new_worker(slotq *queue, slotq_mux *mux, uint32_t threads, uint32_t batch)
{
    slotq_worker *worker;
    slotq_error error;
    const slotq_handler handler = {.run = do_nothing};
    const slotq_worker_options options = {.threads = threads};
    const slotq_worker_queue how = {.prefetch_most = batch};
    bench_ok(slotq_mux_exact(mux, "email:deliver", &handler), "a handler");
    bench_ok(slotq_mux_exact(mux, "image:resize", &handler), "a handler");
    bench_ok(slotq_worker_new(mux, &options, &worker, &error), "a worker");
    bench_ok(slotq_worker_add_queue(worker, queue, "no_ops", &how), "add_queue");
    return worker;
}

static double run_worker(slotq *queue, const shape *wanted)
{
    slotq_mux *mux;
    slotq_worker_stats stats;
    bench_ok(slotq_mux_new(&mux), "a mux");
    slotq_worker *worker = new_worker(queue, mux, wanted->threads, wanted->batch);
    slotq_worker_drain(worker);
    bench_ok(slotq_worker_run(worker), "the worker");
    slotq_worker_get_stats(worker, &stats);
    bench_need(stats.done == now.all, "the worker: not all messages are done; that");
    bench_ok(slotq_worker_free(worker), "free");
    slotq_mux_free(mux);
    return ns_per_message();
}

/* ---- idle ---- */

/* Times that the threads of this process went to sleep. */
static uint64_t switches(void)
{
    static const char key[] = "voluntary_ctxt_switches:";
    char line[256];
    uint64_t sum = 0;
    DIR *tasks = opendir("/proc/self/task");
    bench_need(tasks != NULL, "/proc");
    for (const struct dirent *task = readdir(tasks); task != NULL; task = readdir(tasks)) {
        char path[320];
        snprintf(path, sizeof path, "/proc/self/task/%s/status", task->d_name);
        FILE *status = fopen(path, "re");
        while (status != NULL && fgets(line, sizeof line, status) != NULL) {
            if (strncmp(line, key, sizeof key - 1) == 0) {
                sum += strtoull(line + sizeof key - 1, NULL, 10);
            }
        }
        if (status != NULL) {
            fclose(status);
        }
    }
    closedir(tasks);
    return sum;
}

/* Wake-ups of an idle worker, a second and thread. */
static double count_idle(slotq *queue, uint32_t threads, bool is_small)
{
    slotq_mux *mux;
    bench_ok(slotq_mux_new(&mux), "a mux");
    slotq_worker *worker = new_worker(queue, mux, threads, 64);
    bench_ok(slotq_worker_start(worker), "start");
    const useconds_t ms = is_small ? 300 : IDLE_MS;
    usleep(ms * 1000);
    const uint64_t before = switches();
    usleep(ms * 1000);
    const uint64_t count = switches() - before;
    slotq_worker_stop(worker);
    bench_ok(slotq_worker_join(worker, UINT64_MAX, NULL), "join");
    bench_ok(slotq_worker_free(worker), "free");
    slotq_mux_free(mux);
    return (double)count / (ms / 1000.0) / threads;
}

/* ---- the table ---- */

void no_ops_open(void)
{
    static const char *const head[] = {"ns a message", "threads", "batch",   "types", "bare",
                                       "worker",       "ratio",   "min-max", "aim",   ""};
    memset(&table, 0, sizeof table);
    report_row(&table);
    for (size_t i = 0; i < sizeof head / sizeof *head; i++) {
        report_cell(&table, "%s", head[i]);
    }
}

static void put_row(const char *store, const shape *wanted, samples *bare, samples *worker,
                    samples *ratio)
{
    const double median = samples_median(ratio);
    report_row(&table);
    report_cell(&table, "%s", store);
    report_cell(&table, "%u", wanted->threads);
    report_cell(&table, "%u", wanted->batch);
    report_cell(&table, "%u", wanted->types);
    report_cell(&table, "%.0f", samples_median(bare));
    report_cell(&table, "%.0f", samples_median(worker));
    report_cell(&table, "%.2f", median);
    report_cell(&table, "%.2f-%.2f", samples_quantile(ratio, 0), samples_quantile(ratio, 1));
    if (wanted->aim > 0) {
        report_cell(&table, ">= %.1f", wanted->aim);
        report_cell(&table, "%s", median >= wanted->aim ? "met" : "MISSED");
    }
}

static slotq *open_queue(const char *url)
{
    slotq_geometry geometry = SLOTQ_GEOMETRY_DEFAULT;
    slotq_error error;
    slotq *queue;
    geometry.ring_slots = 65001;
    geometry.payload_bytes = 40;
    if (url == NULL) {
        bench_ok(slotq_create_memory(&geometry, NULL, &queue, &error), "a queue in memory");
        return queue;
    }
    bench_ok(slotq_create(url, QUEUE_NAME, &geometry, NULL, &error), "create");
    bench_ok(slotq_open(url, QUEUE_NAME, NULL, &queue, &error), "open");
    return queue;
}

void no_ops_measure(const char *store, const char *url, uint32_t rounds, bool is_small)
{
    const double aim = url != NULL && strstr(url, "://") != NULL ? 0.5 : 0.6;
    const shape shapes[] = {{1, 64, 1, aim}, {4, 64, 1, aim}, {4, 64, 2, aim}, {4, 1, 1, 0}};
    enum { SHAPES = sizeof shapes / sizeof *shapes };
    slotq *queue = open_queue(url);
    for (uint32_t i = 0; i < SHAPES; i++) {
        samples bare = {0};
        samples worker = {0};
        samples ratio = {0};
        const uint32_t count = is_small               ? MESSAGES_SMALL
                               : shapes[i].batch == 1 ? MESSAGES_ONE
                                                      : MESSAGES;
        for (uint32_t round = 0; round < rounds; round++) {
            fill(queue, count, shapes[i].types);
            const double bare_ns = run_bare(queue, &shapes[i]);
            fill(queue, count, shapes[i].types);
            const double worker_ns = run_worker(queue, &shapes[i]);
            samples_add(&bare, bare_ns);
            samples_add(&worker, worker_ns);
            samples_add(&ratio, bare_ns / worker_ns);
            report_progress("worker", i * rounds + round + 1, SHAPES * rounds);
        }
        put_row(store, &shapes[i], &bare, &worker, &ratio);
        samples_free(&bare);
        samples_free(&worker);
        samples_free(&ratio);
    }
    report_row(&table);
    report_cell(&table, "%s, idle", store);
    report_cell(&table, "%u", 8);
    for (int i = 0; i < 3; i++) {
        report_cell(&table, "%s", "");
    }
    const double wakes = count_idle(queue, 8, is_small);
    report_cell(&table, "%.2f", wakes);
    report_cell(&table, "%s", "");
    report_cell(&table, "%s", "");
    report_cell(&table, "%s", "<= 1");
    report_cell(&table, "%s", wakes <= 1 ? "met" : "MISSED");
    slotq_close(queue);
    if (url != NULL) {
        bench_ok(slotq_remove_queue(url, QUEUE_NAME, NULL), "remove");
    }
}

void no_ops_close(const char *name)
{
    report_text("## A worker with handlers that do nothing\n\nNanoseconds a message, beside bare "
                "batches of the same size by the same number of threads; a ratio is taken within a "
                "round. idle: wake-ups a second and thread of a worker that has nothing to do, its "
                "keeper's included.\n\n");
    report_table_print(&table);
    report_table_csv(&table, name);
}
