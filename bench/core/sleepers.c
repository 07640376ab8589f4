/* sleepers.c: see sleepers.h. Each consumer is a thread with its own handle. A message carries the
 * time at which it was pushed; the next one comes when all consumers wait again.
 */
#include "sleepers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../support/report.h"
#include "../support/samples.h"
#include "../support/sure.h"
#include "slotq.h"

enum {
    CONSUMERS_MOST = 100,
    MESSAGES = 300,
    ROUNDS = 2,
    BETWEEN_US = 2000,        /* from one message to the next: all wait again */
    AT_FIRST_US = 200 * 1000, /* until all wait at first */
    LEASE_MS = 30 * 1000,
    WAIT_MS = 60 * 60 * 1000
};

#define QUEUE_NAME "sleepers"

typedef enum store { STORE_CONDITION, STORE_MEMORY, STORE_FILE, STORES } store;

static const char *const store_names[STORES] = {"condition variable", "queue in memory",
                                                "queue in a file"};

typedef struct sleeper {
    pthread_t thread;
    slotq *queue; /* NULL: waits on the condition */
    slotq_batch *batch;
    samples latency_ns;
} sleeper;

typedef struct figures {
    samples latency_ns;
    samples cpu_ns; /* of the process, a message */
} figures;

static atomic_bool is_over;
static atomic_uint received;

/* The bound: one value that one of the threads takes. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static uint64_t value_ns; /* 0: none is there */

static void take(sleeper *self, uint64_t pushed_ns)
{
    samples_add(&self->latency_ns, (double)(clock_ns() - pushed_ns));
}

static void *wait_on_condition(void *context)
{
    sleeper *self = context;
    pthread_mutex_lock(&mutex);
    while (!is_over) {
        if (value_ns == 0) {
            pthread_cond_wait(&condition, &mutex);
            continue;
        }
        take(self, value_ns);
        value_ns = 0;
        received++;
    }
    pthread_mutex_unlock(&mutex);
    return NULL;
}

static void *wait_on_queue(void *context)
{
    sleeper *self = context;
    while (!is_over) {
        slotq_message message;
        uint64_t pushed_ns;
        const slotq_outcome outcome =
            slotq_reserve(self->queue, 0, 1, LEASE_MS, WAIT_MS, self->batch);
        if (outcome == SLOTQ_EMPTY) { /* interrupted */
            continue;
        }
        bench_ok(outcome, "slotq_reserve");
        bench_need(slotq_batch_next(self->batch, &message), "a message");
        memcpy(&pushed_ns, message.payload, sizeof pushed_ns);
        take(self, pushed_ns);
        bench_ok(slotq_ack_batch(self->queue, self->batch), "slotq_ack_batch");
        received++;
    }
    return NULL;
}

static void push(slotq *queue)
{
    const uint64_t now_ns = clock_ns();
    const slotq_data data = {&now_ns, sizeof now_ns};
    if (queue != NULL) {
        bench_ok(slotq_push(queue, &data, 1, NULL), "slotq_push");
        return;
    }
    pthread_mutex_lock(&mutex);
    value_ns = now_ns;
    pthread_cond_signal(&condition);
    pthread_mutex_unlock(&mutex);
}

/* The producer's handle; NULL for the condition. */
static slotq *open_first(store where, const char *folder)
{
    slotq *queue = NULL;
    const slotq_geometry geometry = SLOTQ_GEOMETRY_DEFAULT;
    if (where == STORE_MEMORY) {
        bench_ok(slotq_create_memory(&geometry, NULL, &queue, NULL), "slotq_create_memory");
    } else if (where == STORE_FILE) {
        slotq_remove_queue(folder, QUEUE_NAME, NULL); /* what an interrupted run left */
        bench_ok(slotq_create(folder, QUEUE_NAME, &geometry, NULL, NULL), "slotq_create");
        bench_ok(slotq_open(folder, QUEUE_NAME, NULL, &queue, NULL), "slotq_open");
    }
    return queue;
}

static void start(sleeper *self, slotq *first)
{
    if (first != NULL) {
        bench_ok(slotq_clone(first, &self->queue, NULL), "slotq_clone");
        self->batch = slotq_batch_new();
        bench_need(self->batch != NULL, "slotq_batch_new");
    }
    bench_need(
        pthread_create(&self->thread, NULL, first ? wait_on_queue : wait_on_condition, self) == 0,
        "pthread_create");
}

static void end(sleeper *self, figures *to)
{
    if (self->queue != NULL) {
        slotq_interrupt(self->queue);
    }
    pthread_join(self->thread, NULL);
    slotq_batch_free(self->batch);
    slotq_close(self->queue);
    for (uint32_t i = 0; i < self->latency_ns.count; i++) {
        samples_add(&to->latency_ns, self->latency_ns.values[i]);
    }
    samples_free(&self->latency_ns);
}

static double cpu_ns(void)
{
    struct rusage used;
    bench_need(getrusage(RUSAGE_SELF, &used) == 0, "getrusage");
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e9 +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e3;
}

static void play(store where, const char *folder, uint32_t consumers, figures *to)
{
    static sleeper all[CONSUMERS_MOST];
    slotq *queue = open_first(where, folder);
    memset(all, 0, sizeof all);
    is_over = false;
    received = 0;
    for (uint32_t i = 0; i < consumers; i++) {
        start(&all[i], queue);
    }
    usleep(AT_FIRST_US);
    const double before_ns = cpu_ns();
    for (uint32_t i = 0; i < MESSAGES; i++) {
        push(queue);
        while (received <= i) {
            usleep(100);
        }
        usleep(BETWEEN_US);
    }
    samples_add(&to->cpu_ns, (cpu_ns() - before_ns) / MESSAGES);
    pthread_mutex_lock(&mutex);
    is_over = true;
    pthread_cond_broadcast(&condition);
    pthread_mutex_unlock(&mutex);
    for (uint32_t i = 0; i < consumers; i++) {
        end(&all[i], to);
    }
    slotq_close(queue);
    if (where == STORE_FILE) {
        bench_ok(slotq_remove_queue(folder, QUEUE_NAME, NULL), "slotq_remove_queue");
    }
}

static void put_row(report_table *table, store where, uint32_t consumers, figures *own)
{
    report_row(table);
    report_cell(table, "%s", store_names[where]);
    report_cell(table, "%u", (unsigned)consumers);
    report_cell(table, "%.0f", samples_median(&own->latency_ns) / 1000);
    report_cell(table, "%.0f", samples_quantile(&own->latency_ns, 0.9) / 1000);
    report_cell(table, "%.0f", samples_quantile(&own->latency_ns, 0.98) / 1000);
    report_cell(table, "%.0f", samples_median(&own->cpu_ns) / 1000);
}

void sleepers_compare_stores(const char *folder)
{
    static const uint32_t consumers[] = {1, 10, CONSUMERS_MOST};
    enum { SIZES = sizeof consumers / sizeof *consumers };
    static const char *const head[] = {"microseconds", "consumers", "p50", "p90", "p98", "CPU"};
    static figures all[SIZES][STORES];
    static report_table table;
    for (uint32_t i = 0; i < ROUNDS * SIZES * STORES; i++) {
        const uint32_t size = i / STORES % SIZES;
        play((store)(i % STORES), folder, consumers[size], &all[size][i % STORES]);
        report_progress("sleepers", i + 1, ROUNDS * SIZES * STORES);
    }
    report_row(&table);
    for (size_t i = 0; i < sizeof head / sizeof *head; i++) {
        report_cell(&table, "%s", head[i]);
    }
    for (uint32_t i = 0; i < SIZES * STORES; i++) {
        put_row(&table, (store)(i % STORES), consumers[i / STORES], &all[i / STORES][i % STORES]);
    }
    report_text("## Many consumers wait for one message, without a server\n\nFrom before the push "
                "until a consumer has it; all of them wait again before the next. Each consumer "
                "is a thread. CPU: of all threads for a message, the polling of the bench "
                "included. Beside them, as a bound: one value under a mutex, and a condition "
                "variable that wakes one.\n\n");
    report_table_print(&table);
    report_table_csv(&table, "sleepers");
}
