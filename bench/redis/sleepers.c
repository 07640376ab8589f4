/* sleepers.c: see sleepers.h. Each consumer is a thread with its own connections. A message
 * carries the time at which it was pushed; the next one comes when all consumers wait again.
 */
#include "sleepers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../support/report.h"
#include "../support/samples.h"
#include "../support/sure.h"
#include "../support/wire.h"
#include "slotq_redis.h"

enum {
    CONSUMERS_MOST = 100,
    MESSAGES = 600,
    MESSAGES_SMALL = 20,
    BETWEEN_US = 3000,        /* from one message to the next: all wait again */
    AT_FIRST_US = 500 * 1000, /* until all wait at first */
    LEASE_MS = 30 * 1000,
    WAIT_MS = 60 * 60 * 1000
};

#define QUEUE_NAME "sleepers"

typedef struct way way;

typedef struct sleeper {
    const way *of;
    pthread_t thread;
    slotq *queue;
    slotq_batch *batch;
    redisContext *stream;
    samples latency_ns;
    uint32_t number;
    uint32_t taken;
} sleeper;

struct way {
    const char *name;
    int places; /* of a queue; -1: a stream */
    void (*open)(sleeper *self, const char *socket_path);
    void (*close)(sleeper *self);
    void (*end)(sleeper *self); /* its wait, from the bench's thread */
    void *(*consume)(void *self);
};

typedef struct figures {
    samples latency_ns;
    samples server_ns; /* CPU of the server's main thread a message, all of the cycle */
    samples calls;     /* of clients, a message, all of the cycle */
    samples most;      /* messages of the consumer with the most, as a multiple of the mean */
} figures;

static atomic_bool is_over;
static atomic_uint received;

static void take(sleeper *self, const void *payload)
{
    uint64_t pushed_ns;
    memcpy(&pushed_ns, payload, sizeof pushed_ns);
    samples_add(&self->latency_ns, (double)(clock_ns() - pushed_ns));
    self->taken++;
}

/* ---- queues ---- */

static void url_of(const char *socket_path, char *url, size_t size)
{
    snprintf(url, size, "unix://%s", socket_path);
}

static void open_queue(sleeper *self, const char *socket_path)
{
    char url[128];
    url_of(socket_path, url, sizeof url);
    bench_ok(slotq_open(url, QUEUE_NAME, NULL, &self->queue, NULL), "slotq_open");
    self->batch = slotq_batch_new();
    bench_need(self->batch != NULL, "slotq_batch_new");
}

static void close_queue(sleeper *self)
{
    slotq_batch_free(self->batch);
    slotq_close(self->queue);
}

static void end_queue(sleeper *self)
{
    slotq_interrupt(self->queue);
}

static void *consume_queue(void *context)
{
    sleeper *self = context;
    while (!is_over) {
        slotq_message message;
        const slotq_outcome outcome =
            slotq_reserve(self->queue, 0, 1, LEASE_MS, WAIT_MS, self->batch);
        if (outcome == SLOTQ_EMPTY) { /* interrupted */
            continue;
        }
        bench_ok(outcome, "slotq_reserve");
        bench_need(slotq_batch_next(self->batch, &message), "a message");
        take(self, message.payload);
        bench_ok(slotq_ack_batch(self->queue, self->batch), "slotq_ack_batch");
        received++;
    }
    return NULL;
}

static void make_queue(const char *socket_path, int places)
{
    slotq_geometry geometry = SLOTQ_GEOMETRY_DEFAULT;
    char url[128];
    url_of(socket_path, url, sizeof url);
    geometry.places = (uint8_t)places;
    bench_ok(slotq_create(url, QUEUE_NAME, &geometry, NULL, NULL), "slotq_create");
}

/* ---- streams ---- */

static void open_stream(sleeper *self, const char *socket_path)
{
    self->stream = redisConnectUnix(socket_path);
    bench_need(self->stream != NULL && self->stream->err == 0, "connecting");
}

static void close_stream(sleeper *self)
{
    redisFree(self->stream);
}

static void end_stream(sleeper *self)
{
    (void)shutdown(self->stream->fd, SHUT_RDWR);
}

static void *consume_stream(void *context)
{
    sleeper *self = context;
    for (;;) {
        redisReply *reply = redisCommand(
            self->stream, "XREADGROUP GROUP g c%u COUNT 1 BLOCK 0 STREAMS s >", self->number);
        if (reply == NULL && is_over) {
            return NULL;
        }
        bench_need(reply != NULL && reply->type == REDIS_REPLY_ARRAY, "XREADGROUP");
        const redisReply *entry = reply->element[0]->element[1]->element[0];
        take(self, entry->element[1]->element[1]->str);
        redisReply *acked = redisCommand(self->stream, "XACK s g %s", entry->element[0]->str);
        bench_need(acked != NULL && acked->integer == 1, "XACK");
        freeReplyObject(acked);
        freeReplyObject(reply);
        received++;
    }
}

static const way ways[] = {
    {"XREADGROUP BLOCK", -1, open_stream, close_stream, end_stream, consume_stream},
    {"slotq, wakes one", 255, open_queue, close_queue, end_queue, consume_queue},
    {"slotq, wakes all", 0, open_queue, close_queue, end_queue, consume_queue}};
enum { WAYS = sizeof ways / sizeof *ways };

/* ---- a round ---- */

/* Commands that clients have sent; those in scripts are not theirs. */
static double calls_of_clients(connection *wire)
{
    static const char *const names[] = {"evalsha", "evalsha_ro", "xadd", "xreadgroup", "xack"};
    redisReply *reply = wire_ask(wire, "INFO commandstats");
    double sum = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char words[48];
        snprintf(words, sizeof words, "\ncmdstat_%s:calls=", names[i]);
        const char *found = strstr(reply->str, words);
        sum += found != NULL ? strtod(found + strlen(words), NULL) : 0;
    }
    freeReplyObject(reply);
    return sum;
}

static void push(connection *wire, slotq *queue)
{
    const uint64_t now_ns = clock_ns();
    if (queue != NULL) {
        const slotq_data data = {&now_ns, sizeof now_ns};
        bench_ok(slotq_push(queue, &data, 1, NULL), "slotq_push");
        return;
    }
    redisReply *reply = redisCommand(wire->context, "XADD s * f %b", &now_ns, sizeof now_ns);
    bench_need(reply != NULL && reply->type == REDIS_REPLY_STRING, "XADD");
    freeReplyObject(reply);
}

static void push_all(connection *wire, slotq *queue, uint32_t messages)
{
    for (uint32_t i = 0; i < messages; i++) {
        push(wire, queue);
        while (received <= i) {
            usleep(100);
        }
        usleep(BETWEEN_US);
    }
}

static void gather(sleeper *all, uint32_t consumers, uint32_t messages, figures *to)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < consumers; i++) {
        for (uint32_t k = 0; k < all[i].latency_ns.count; k++) {
            samples_add(&to->latency_ns, all[i].latency_ns.values[k]);
        }
        samples_free(&all[i].latency_ns);
        most = all[i].taken > most ? all[i].taken : most;
    }
    samples_add(&to->most, (double)most * consumers / messages);
}

static void play(const way *played, const char *socket_path, uint32_t consumers, uint32_t messages,
                 figures *to)
{
    static sleeper all[CONSUMERS_MOST + 1]; /* the last is the producer */
    sleeper *producer = &all[consumers];
    connection wire;
    memset(all, 0, sizeof all);
    wire_open(&wire, socket_path);
    wire_do(&wire, "FLUSHALL");
    if (played->places < 0) {
        wire_do(&wire, "XGROUP CREATE s g $ MKSTREAM");
    } else {
        make_queue(socket_path, played->places);
    }
    is_over = false;
    received = 0;
    played->open(producer, socket_path);
    for (uint32_t i = 0; i < consumers; i++) {
        all[i].number = i;
        played->open(&all[i], socket_path);
        bench_need(pthread_create(&all[i].thread, NULL, played->consume, &all[i]) == 0,
                   "pthread_create");
    }
    usleep(AT_FIRST_US);
    const double calls = calls_of_clients(&wire);
    const double seconds = wire_server_seconds(&wire);
    push_all(&wire, producer->queue, messages);
    samples_add(&to->server_ns, (wire_server_seconds(&wire) - seconds) / messages * 1e9);
    samples_add(&to->calls, (calls_of_clients(&wire) - calls) / messages);
    is_over = true;
    for (uint32_t i = 0; i < consumers; i++) {
        played->end(&all[i]);
        pthread_join(all[i].thread, NULL);
        played->close(&all[i]);
    }
    played->close(producer);
    gather(all, consumers, messages, to);
    wire_close(&wire);
}

/* ---- the table ---- */

static void put_row(report_table *table, const way *played, uint32_t consumers, figures *own,
                    figures *stream)
{
    const double p50 = samples_median(&own->latency_ns);
    const double server_ns = samples_median(&own->server_ns);
    report_row(table);
    report_cell(table, "%s", played->name);
    report_cell(table, "%u", consumers);
    report_cell(table, "%.0f", p50 / 1000);
    report_cell(table, "%.0f", samples_quantile(&own->latency_ns, 0.99) / 1000);
    report_cell(table, "%.2f", p50 / samples_median(&stream->latency_ns));
    report_cell(table, "%.0f", server_ns / 1000);
    report_cell(table, "%.2f", server_ns / samples_median(&stream->server_ns));
    report_cell(table, "%.1f", samples_median(&own->calls));
    report_cell(table, "%.1f", samples_median(&own->most));
}

/* The aims of the queue that wakes one. */
static void judge(figures (*all)[WAYS], uint32_t last)
{
    figures *stream = &all[last][0];
    figures *one = &all[last][1];
    const bool met =
        samples_median(&one->calls) <= 5 && samples_median(&one->most) <= 3 &&
        samples_median(&one->latency_ns) <= 1.6 * samples_median(&stream->latency_ns) &&
        samples_median(&one->server_ns) <= 1.6 * samples_median(&stream->server_ns);
    const double lone =
        samples_median(&all[0][1].latency_ns) / samples_median(&all[0][2].latency_ns);
    report_text("Aims of the queue that wakes one, with the most consumers: at most 5 calls a "
                "message, p50 and CPU at most 1.6 times those of XREADGROUP, no consumer with "
                "more than 3 times the mean: %s. One consumer: p50 at most 1.1 times that of the "
                "queue that wakes all: %.2f, %s.\n\n",
                met ? "met" : "MISSED", lone, lone <= 1.1 ? "met" : "MISSED");
}

void sleepers_compare(const char *socket_path, uint32_t rounds, bool is_small)
{
    static const uint32_t consumers[] = {1, 10, CONSUMERS_MOST};
    enum { SIZES = sizeof consumers / sizeof *consumers };
    static figures all[SIZES][WAYS];
    static const char *const head[] = {"microseconds", "consumers",  "p50",
                                       "p99",          "p50, ratio", "server CPU",
                                       "CPU, ratio",   "calls",      "most of a consumer"};
    static report_table table;
    const uint32_t sizes = is_small ? 2 : SIZES;
    for (uint32_t i = 0; i < rounds * sizes * WAYS; i++) {
        const uint32_t size = i / WAYS % sizes;
        play(&ways[i % WAYS], socket_path, consumers[size], is_small ? MESSAGES_SMALL : MESSAGES,
             &all[size][i % WAYS]);
        report_progress("sleepers", i + 1, rounds * sizes * WAYS);
    }
    report_row(&table);
    for (size_t i = 0; i < sizeof head / sizeof *head; i++) {
        report_cell(&table, "%s", head[i]);
    }
    for (uint32_t i = 0; i < sizes * WAYS; i++) {
        figures *of_size = all[i / WAYS];
        put_row(&table, &ways[i % WAYS], consumers[i / WAYS], &of_size[i % WAYS], &of_size[0]);
    }
    report_text("## Many consumers wait for one message\n\nFrom before the push until a consumer "
                "has it; all of them wait again before the next. Server CPU and calls of clients: "
                "push, take and ack of a message, and what the others do. Ratios to XREADGROUP "
                "with as many consumers. The last column: messages of the consumer that got the "
                "most, over the mean.\n\n");
    report_table_print(&table);
    report_table_csv(&table, "redis-sleepers");
    judge(all, sizes - 1);
}
