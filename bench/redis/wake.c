/* wake.c: see wake.h. One thread plays both sides: the push is sent, and the sleeper's
 * connection read, so that what counts is the server's way and not the scheduler's.
 */
#include "wake.h"
#include "cycle.h"
#include "../support/sure.h"

#include <poll.h>
#include <string.h>

/* worker calls scripts, told receives the wake-up, producer pushes. */
typedef struct sides {
    connection worker;
    connection told;
    connection producer;
} sides;

static void open_sides(sides *all, const char *socket_path)
{
    wire_open(&all->worker, socket_path);
    wire_open(&all->told, socket_path);
    wire_open(&all->producer, socket_path);
    subject_packed.reset(&all->worker);
}

static void close_sides(sides *all)
{
    wire_close(&all->worker);
    wire_close(&all->told);
    wire_close(&all->producer);
}

/* Messages that lie in a connection now, thrown away. */
static uint32_t drain(connection *wire)
{
    struct pollfd readable = {.fd = wire->context->fd, .events = POLLIN};
    uint32_t count = 0;
    for (;;) {
        void *reply = NULL;
        bench_need(redisGetReplyFromReader(wire->context, &reply) == REDIS_OK, "a reply");
        if (reply != NULL) {
            freeReplyObject(reply);
            count++;
        } else if (poll(&readable, 1, 1) > 0) {
            bench_need(redisBufferRead(wire->context) == REDIS_OK, "reading");
        } else {
            return count;
        }
    }
}

/* The reserve that was sent was in vain: the worker is going to sleep. */
static void find_nothing(connection *wire)
{
    redisReply *reply = wire_reply(wire);
    bench_need(reply->type == REDIS_REPLY_INTEGER ||
                   (reply->type == REDIS_REPLY_ARRAY && reply->elements == 0),
               "finding an empty queue");
    freeReplyObject(reply);
}

/* What is read on demand is told of when others write it; then the last look, in one pipeline. */
static void fall_asleep_tracked(connection *wire)
{
    static const char arm[] = "*3\r\n$6\r\nCLIENT\r\n$7\r\nCACHING\r\n$3\r\nYES\r\n*4\r\n$8\r\n"
                              "GETRANGE\r\n$11\r\n" SUBJECT_QUEUE_KEY "\r\n$1\r\n0\r\n$1\r\n7\r\n";
    wire_append(wire, arm, sizeof arm - 1);
    subject_call(wire, "reserve_packed", "0 1 30000");
    wire_skip(wire, 2);
    find_nothing(wire);
}

static void fall_asleep_by_bit(connection *wire)
{
    subject_call(wire, "reserve_packed", "0 1 30000 1");
    find_nothing(wire);
}

/* The sleeper was told, looks, and is too late. */
static uint32_t woken_in_vain(sides *all, void (*fall_asleep)(connection *wire))
{
    if (drain(&all->told) == 0) {
        return 0;
    }
    fall_asleep(&all->worker);
    return 1;
}

/* Another consumer is faster each time: how often the sleeper is woken a message. */
static double count_wakes(sides *all, void (*fall_asleep)(connection *wire))
{
    enum { MESSAGES = WAKE_REDIS_MESSAGES / 4 };
    uint32_t wakes = 0;
    fall_asleep(&all->worker);
    for (uint32_t i = 0; i < MESSAGES; i++) {
        wire_skip(&all->producer, subject_packed.push(&all->producer, 1));
        subject_packed.take(&all->producer, 1);
        redisReply *taken = wire_reply(&all->producer);
        wakes += woken_in_vain(all, fall_asleep);
        subject_packed.ack(&all->producer, &taken, 1);
        freeReplyObject(taken);
        wire_skip(&all->producer, 1);
        wakes += woken_in_vain(all, fall_asleep);
    }
    return (double)wakes / MESSAGES;
}

/* What a worker that always finds something pays for being able to sleep. */
static void work_busily(sides *all, wake_figures *figures)
{
    static const cycle_task busy = {NULL, &subject_packed, 1, 1, WAKE_REDIS_MESSAGES};
    samples_add(&figures->busy_ns, cycle_trips(&busy, &all->worker).message_ns);
    drain(&all->told);
}

static void measure(sides *all, void (*fall_asleep)(connection *wire), wake_figures *figures)
{
    stopwatch watch = {.wire = &all->producer};
    for (uint32_t i = 0; i < WAKE_REDIS_MESSAGES; i++) {
        drain(&all->told); /* of the ack before */
        stopwatch_start(&watch);
        fall_asleep(&all->worker);
        const uint64_t start = clock_ns();
        const uint32_t replies = subject_packed.push(&all->producer, 1);
        int done = 0;
        while (done == 0) {
            bench_need(redisBufferWrite(all->producer.context, &done) == REDIS_OK, "writing");
        }
        wire_skip(&all->told, 1);
        subject_packed.take(&all->worker, 1);
        redisReply *taken = wire_reply(&all->worker);
        samples_add(&figures->latency_ns, (double)(clock_ns() - start));
        wire_skip(&all->producer, replies);
        stopwatch_stop(&watch);
        subject_packed.ack(&all->worker, &taken, 1);
        freeReplyObject(taken);
        wire_skip(&all->worker, 1);
    }
    samples_add(&figures->server_ns, stopwatch_read(&watch, WAKE_REDIS_MESSAGES).server_ns);
    drain(&all->told);
    figures->wakes = count_wakes(all, fall_asleep);
    work_busily(all, figures);
}

void wake_by_publish(const char *socket_path, wake_figures *figures)
{
    sides all;
    open_sides(&all, socket_path);
    wire_do(&all.told, "SUBSCRIBE slotq:" SUBJECT_QUEUE_KEY);
    measure(&all, fall_asleep_by_bit, figures);
    close_sides(&all);
}

void wake_by_tracking(const char *socket_path, wake_figures *figures)
{
    sides all;
    char line[80];
    open_sides(&all, socket_path);
    redisReply *id = wire_ask(&all.told, "CLIENT ID");
    snprintf(line, sizeof line, "CLIENT TRACKING ON REDIRECT %lld OPTIN NOLOOP", id->integer);
    freeReplyObject(id);
    wire_do(&all.told, "SUBSCRIBE __redis__:invalidate");
    wire_do(&all.worker, line);
    measure(&all, fall_asleep_tracked, figures);
    close_sides(&all);
}

void wake_by_blpop(const char *socket_path, wake_figures *figures)
{
    static const char pop[] = "*3\r\n$5\r\nBLPOP\r\n$1\r\nl\r\n$1\r\n0\r\n";
    static const char push[] = "*3\r\n$5\r\nRPUSH\r\n$1\r\nl\r\n$1\r\nx\r\n";
    sides all;
    open_sides(&all, socket_path);
    stopwatch watch = {.wire = &all.producer};
    for (uint32_t i = 0; i < WAKE_REDIS_MESSAGES; i++) {
        int done = 0;
        stopwatch_start(&watch);
        wire_append(&all.worker, pop, sizeof pop - 1);
        while (done == 0) {
            bench_need(redisBufferWrite(all.worker.context, &done) == REDIS_OK, "writing");
        }
        wire_do(&all.told, "PING"); /* the server has seen the wait */
        const uint64_t start = clock_ns();
        wire_append(&all.producer, push, sizeof push - 1);
        wire_skip(&all.producer, 1);
        wire_skip(&all.worker, 1);
        samples_add(&figures->latency_ns, (double)(clock_ns() - start));
        stopwatch_stop(&watch);
    }
    samples_add(&figures->server_ns, stopwatch_read(&watch, WAKE_REDIS_MESSAGES).server_ns);
    figures->wakes = 0;
    samples_add(&figures->busy_ns, 0);
    close_sides(&all);
}
