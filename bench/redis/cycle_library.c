/* cycle_library.c: see cycle_library.h.
 */
#include "cycle_library.h"
#include "../core/cycle.h"
#include "slotq_redis.h"
#include "../support/sure.h"

#include <stdio.h>

enum { FILL_MESSAGES = 4096, IN_FLIGHT_MOST = 8 };

static slotq *queue;
static slotq_batch *batch;

void cycle_library_open(connection *wire, const char *socket_path)
{
    char url[128];
    slotq_error error = {.text = ""};
    snprintf(url, sizeof url, "unix://%s", socket_path);
    subject_packed.reset(wire);
    const slotq_outcome outcome = slotq_open(url, SUBJECT_QUEUE_KEY, NULL, &queue, &error);
    if (outcome != SLOTQ_OK) {
        fprintf(stderr, "bench: %s\n", error.text);
    }
    bench_ok(outcome, "slotq_open");
    batch = slotq_batch_new();
    bench_need(batch != NULL, "slotq_batch_new");
}

void cycle_library_close(void)
{
    slotq_batch_free(batch);
    slotq_close(queue);
}

/* Look at every message; their number. */
static uint32_t walk(slotq_batch *taken)
{
    slotq_message message;
    uint32_t seen = 0;
    uint32_t count = 0;
    while (slotq_batch_next(taken, &message)) {
        seen += message.payload_bytes + *(const uint8_t *)message.payload;
        count++;
    }
    __asm__ volatile("" : : "r"(seen));
    return count;
}

static void next(uint32_t limit)
{
    slotq_settled settled;
    bench_ok(slotq_next(queue, 0, limit, CYCLE_LEASE_MS, 0, batch, &settled), "slotq_next");
    bench_ok(settled.outcome, "slotq_next, of its acks,");
    bench_need(walk(batch) == limit, "slotq_next of all that was asked for");
}

static void reserve(uint32_t limit)
{
    bench_ok(slotq_reserve(queue, 0, limit, CYCLE_LEASE_MS, 0, batch), "slotq_reserve");
    bench_need(walk(batch) == limit, "slotq_reserve of all that was asked for");
}

stretch library_singles(const cycle_task *task, connection *wire)
{
    const slotq_producer_options options = {.max_messages = task->batch};
    const slotq_data *messages = subject_messages();
    slotq_producer *producer;
    stopwatch watch = {.wire = wire};
    subject_packed.reset(wire);
    bench_ok(slotq_producer_new(queue, &options, &producer), "slotq_producer_new");
    stopwatch_start(&watch);
    for (uint32_t done = 0; done < task->messages; done += task->batch) {
        for (uint32_t i = 0; i < task->batch; i++) {
            bench_ok(slotq_producer_push(producer, messages[i].bytes, messages[i].size, 0),
                     "slotq_producer_push");
        }
        bench_ok(slotq_producer_flush(producer), "slotq_producer_flush");
        next(task->batch);
    }
    bench_ok(slotq_ack_batch(queue, batch), "slotq_ack_batch");
    stopwatch_stop(&watch);
    bench_ok(slotq_producer_close(producer), "slotq_producer_close");
    return stopwatch_read(&watch, task->messages);
}

stretch library_trips(const cycle_task *task, connection *wire)
{
    stopwatch watch = {.wire = wire};
    subject_packed.reset(wire);
    stopwatch_start(&watch);
    for (uint32_t done = 0; done < task->messages; done += task->batch) {
        bench_ok(slotq_push(queue, subject_messages(), task->batch, NULL), "slotq_push");
        reserve(task->batch);
        bench_ok(slotq_ack_batch(queue, batch), "slotq_ack_batch");
    }
    stopwatch_stop(&watch);
    return stopwatch_read(&watch, task->messages);
}

stretch library_push_next(const cycle_task *task, connection *wire)
{
    stopwatch watch = {.wire = wire};
    subject_packed.reset(wire);
    stopwatch_start(&watch);
    for (uint32_t done = 0; done < task->messages; done += task->batch) {
        bench_ok(slotq_push(queue, subject_messages(), task->batch, NULL), "slotq_push");
        next(task->batch);
    }
    bench_ok(slotq_ack_batch(queue, batch), "slotq_ack_batch");
    stopwatch_stop(&watch);
    return stopwatch_read(&watch, task->messages);
}

static void put_round(slotq_pipeline *pipeline, const cycle_task *task, slotq_batch *const *batches,
                      bool more)
{
    for (uint32_t i = 0; i < task->in_flight; i++) {
        if (slotq_batch_count(batches[i]) > 0) {
            bench_ok(
                slotq_pipeline_settle_batch(pipeline, SLOTQ_SETTLE_ACK, batches[i], 0, 0, NULL),
                "slotq_pipeline_settle_batch");
        }
        if (more) {
            bench_ok(slotq_pipeline_push(pipeline, subject_messages(), task->batch, NULL),
                     "slotq_pipeline_push");
            bench_ok(
                slotq_pipeline_reserve(pipeline, 0, task->batch, CYCLE_LEASE_MS, batches[i], NULL),
                "slotq_pipeline_reserve");
        }
    }
}

stretch library_pipeline(const cycle_task *task, connection *wire)
{
    static slotq_batch *batches[IN_FLIGHT_MOST];
    slotq_pipeline *pipeline;
    stopwatch watch = {.wire = wire};
    bench_need(task->in_flight <= IN_FLIGHT_MOST, "so many batches in flight");
    for (uint32_t i = 0; i < task->in_flight && batches[i] == NULL; i++) {
        batches[i] = slotq_batch_new();
        bench_need(batches[i] != NULL, "slotq_batch_new");
    }
    subject_packed.reset(wire);
    bench_ok(slotq_pipeline_new(queue, &pipeline, NULL), "slotq_pipeline_new");
    stopwatch_start(&watch);
    for (uint32_t done = 0; done < task->messages; done += task->batch * task->in_flight) {
        put_round(pipeline, task, batches, true);
        bench_ok(slotq_pipeline_run(pipeline), "slotq_pipeline_run");
        for (uint32_t i = 0; i < task->in_flight; i++) {
            bench_need(walk(batches[i]) == task->batch, "a reserve of all that was asked for");
        }
    }
    put_round(pipeline, task, batches, false);
    bench_ok(slotq_pipeline_run(pipeline), "slotq_pipeline_run");
    stopwatch_stop(&watch);
    slotq_pipeline_free(pipeline);
    return stopwatch_read(&watch, task->messages);
}

static stretch consume(const cycle_task *task, connection *wire, void (*take)(uint32_t limit))
{
    stopwatch watch = {.wire = wire};
    uint32_t done = 0;
    while (done < task->messages) {
        subject_packed.reset(wire);
        for (uint32_t pushed = 0; pushed < FILL_MESSAGES; pushed += task->batch) {
            bench_ok(slotq_push(queue, subject_messages(), task->batch, NULL), "slotq_push");
        }
        stopwatch_start(&watch);
        for (uint32_t lap = 0; lap < FILL_MESSAGES; lap += task->batch) {
            take(task->batch);
        }
        bench_ok(slotq_ack_batch(queue, batch), "slotq_ack_batch");
        stopwatch_stop(&watch);
        done += FILL_MESSAGES;
    }
    return stopwatch_read(&watch, done);
}

static void reserve_ack(uint32_t limit)
{
    reserve(limit);
    bench_ok(slotq_ack_batch(queue, batch), "slotq_ack_batch");
}

stretch library_next(const cycle_task *task, connection *wire)
{
    return consume(task, wire, next);
}

stretch library_reserve_ack(const cycle_task *task, connection *wire)
{
    return consume(task, wire, reserve_ack);
}

static double commands_while_waiting(connection *wire, uint32_t wait_ms)
{
    const double before = wire_server_commands(wire);
    const slotq_outcome outcome = slotq_reserve(queue, 0, 1, CYCLE_LEASE_MS, wait_ms, batch);
    bench_need(outcome == SLOTQ_EMPTY, "waiting in vain");
    return wire_server_commands(wire) - before;
}

double library_idle_commands(connection *wire, uint32_t wait_ms)
{
    enum { BEGINNING_MS = 300 }; /* to go to sleep, and to end, is not to be idle */
    subject_packed.reset(wire);
    commands_while_waiting(wire, BEGINNING_MS); /* connects */
    const double begun = commands_while_waiting(wire, BEGINNING_MS);
    const double all = commands_while_waiting(wire, BEGINNING_MS + wait_ms);
    return (all - begun) * 1000 / wait_ms;
}
