/* library.c: see library.h.
 */
#include "library.h"
#include "../core/cycle/cycle.h"
#include "slotq_redis.h"
#include "../support/sure.h"

#include <stdio.h>
#include <string.h>

enum { FILL_MESSAGES = 4096, BATCHES_MOST = 16, LENGTH_BYTES = 2 };

static slotq *queue; /* as reset makes it, on this server with this shape */
static slotq_batch *batch;
static char queue_url[128];
static uint32_t queue_shape;

void cycle_library_close(void)
{
    slotq_batch_free(batch);
    slotq_close(queue);
    batch = NULL;
    queue = NULL;
}

/* An empty queue; opened anew where the handle is another server's or another shape's. */
static void reset(connection *wire)
{
    char url[sizeof queue_url];
    slotq_error error = {.text = ""};
    subject_packed.reset(wire);
    snprintf(url, sizeof url, "unix://%s", wire->context->unix_sock.path);
    if (queue != NULL && queue_shape == subject_shape_number() && strcmp(url, queue_url) == 0) {
        return;
    }
    cycle_library_close();
    const slotq_outcome outcome = slotq_open(url, SUBJECT_QUEUE_KEY, NULL, &queue, &error);
    if (outcome != SLOTQ_OK) {
        fprintf(stderr, "bench: %s\n", error.text);
    }
    bench_ok(outcome, "slotq_open");
    batch = slotq_batch_new();
    bench_need(batch != NULL, "slotq_batch_new");
    memcpy(queue_url, url, sizeof url);
    queue_shape = subject_shape_number();
}

/* Look at every message: there are limit of them. */
static void walk(slotq_batch *taken, uint32_t limit, const char *what)
{
    slotq_message message;
    subject_sight seen = {0};
    while (slotq_batch_next(taken, &message)) {
        subject_look(&seen, message.payload, message.payload_bytes);
    }
    subject_sight_end(&seen, limit, what);
}

/* Of a batch, as many as the bound of a reply lets one call take. */
static uint32_t part_of(uint32_t left)
{
    const uint32_t most = SLOTQ_CALL_BYTES_MAX / (LENGTH_BYTES + subject_payload_bytes());
    return left < most ? left : most;
}

static void next(uint32_t limit)
{
    slotq_settled settled;
    bench_ok(slotq_next(queue, 0, limit, CYCLE_LEASE_MS, 0, batch, &settled), "slotq_next");
    bench_ok(settled.outcome, "slotq_next, of its acks,");
    walk(batch, limit, "slotq_next of all that was asked for");
}

static void next_all(uint32_t limit)
{
    for (uint32_t left = limit; left > 0; left -= part_of(left)) {
        next(part_of(left));
    }
}

static void reserve(uint32_t limit)
{
    bench_ok(slotq_reserve(queue, 0, limit, CYCLE_LEASE_MS, 0, batch), "slotq_reserve");
    walk(batch, limit, "slotq_reserve of all that was asked for");
}

stretch library_singles(const cycle_task *task, connection *wire)
{
    const slotq_producer_options options = {.max_messages = task->batch};
    const slotq_data *messages = subject_messages();
    slotq_producer *producer;
    stopwatch watch = {.wire = wire};
    reset(wire);
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
    reset(wire);
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
    reset(wire);
    stopwatch_start(&watch);
    for (uint32_t done = 0; done < task->messages; done += task->batch) {
        bench_ok(slotq_push(queue, subject_messages(), task->batch, NULL), "slotq_push");
        next_all(task->batch);
    }
    bench_ok(slotq_ack_batch(queue, batch), "slotq_ack_batch");
    stopwatch_stop(&watch);
    return stopwatch_read(&watch, task->messages);
}

/* ---- pipelines ---- */

/* What goes in one slotq_pipeline: in_flight batches, each taken by so many calls as the bound of
 * a reply makes of it. */
typedef struct flight {
    slotq_pipeline *pipeline;
    const cycle_task *task;
    uint32_t takes; /* calls to reserve one batch */
    uint32_t take_most;
} flight;

static slotq_batch *batches[BATCHES_MOST];

static flight flight_begin(const cycle_task *task)
{
    const uint32_t most = part_of(task->batch);
    flight self = {NULL, task, (task->batch + most - 1) / most, most};
    bench_need(task->in_flight * self.takes <= BATCHES_MOST, "so many batches in flight");
    for (uint32_t i = 0; i < BATCHES_MOST && batches[i] == NULL; i++) {
        batches[i] = slotq_batch_new();
        bench_need(batches[i] != NULL, "slotq_batch_new");
    }
    bench_ok(slotq_pipeline_new(queue, &self.pipeline, NULL), "slotq_pipeline_new");
    return self;
}

/* How many messages the i-th reserve asks for. */
static uint32_t take_limit(const flight *self, uint32_t i)
{
    const uint32_t before = i % self->takes * self->take_most;
    const uint32_t left = self->task->batch - before;
    return left < self->take_most ? left : self->take_most;
}

static void put_acks(const flight *self, uint32_t i)
{
    if (slotq_batch_count(batches[i]) > 0) {
        bench_ok(
            slotq_pipeline_settle_batch(self->pipeline, SLOTQ_SETTLE_ACK, batches[i], 0, 0, NULL),
            "slotq_pipeline_settle_batch");
    }
}

/* Acks of what was taken before; then pushes, takes, or both. */
static void put_round(const flight *self, bool pushes, bool takes)
{
    for (uint32_t i = 0; i < self->task->in_flight; i++) {
        for (uint32_t k = i * self->takes; k < (i + 1) * self->takes; k++) {
            put_acks(self, k);
        }
        if (pushes) {
            bench_ok(
                slotq_pipeline_push(self->pipeline, subject_messages(), self->task->batch, NULL),
                "slotq_pipeline_push");
        }
        for (uint32_t k = i * self->takes; takes && k < (i + 1) * self->takes; k++) {
            bench_ok(slotq_pipeline_reserve(self->pipeline, 0, take_limit(self, k), CYCLE_LEASE_MS,
                                            batches[k], NULL),
                     "slotq_pipeline_reserve");
        }
    }
}

static void run_round(const flight *self, bool takes)
{
    slotq_pipeline_result result;
    bench_ok(slotq_pipeline_run(self->pipeline), "slotq_pipeline_run");
    for (uint32_t i = 0; slotq_pipeline_get(self->pipeline, i, &result) == SLOTQ_OK; i++) {
        bench_ok(result.outcome, "a verb of a pipeline");
    }
    for (uint32_t i = 0; takes && i < self->task->in_flight * self->takes; i++) {
        walk(batches[i], take_limit(self, i), "a reserve of all that was asked for");
    }
}

static stretch play_pipeline(const cycle_task *task, connection *wire, bool pushes, bool takes)
{
    stopwatch watch = {.wire = wire};
    const flight self = flight_begin(task);
    stopwatch_start(&watch);
    for (uint32_t done = 0; done < task->messages; done += task->batch * task->in_flight) {
        put_round(&self, pushes, takes);
        run_round(&self, takes);
    }
    if (takes) {
        put_round(&self, false, false);
        run_round(&self, false);
    }
    stopwatch_stop(&watch);
    slotq_pipeline_free(self.pipeline);
    return stopwatch_read(&watch, task->messages);
}

stretch library_pipeline(const cycle_task *task, connection *wire)
{
    reset(wire);
    return play_pipeline(task, wire, true, true);
}

/* ---- pushing and taking alone ---- */

stretch library_push(const cycle_task *task, connection *wire)
{
    stopwatch watch = {.wire = wire};
    reset(wire);
    if (task->in_flight > 1) {
        return play_pipeline(task, wire, true, false);
    }
    stopwatch_start(&watch);
    for (uint32_t done = 0; done < task->messages; done += task->batch) {
        bench_ok(slotq_push(queue, subject_messages(), task->batch, NULL), "slotq_push");
    }
    stopwatch_stop(&watch);
    return stopwatch_read(&watch, task->messages);
}

stretch library_take(const cycle_task *task, connection *wire)
{
    stopwatch watch = {.wire = wire};
    if (task->in_flight > 1) {
        return play_pipeline(task, wire, false, true);
    }
    stopwatch_start(&watch);
    for (uint32_t done = 0; done < task->messages; done += task->batch) {
        next_all(task->batch);
    }
    bench_ok(slotq_ack_batch(queue, batch), "slotq_ack_batch");
    stopwatch_stop(&watch);
    return stopwatch_read(&watch, task->messages);
}

static stretch consume(const cycle_task *task, connection *wire, void (*take)(uint32_t limit))
{
    stopwatch watch = {.wire = wire};
    uint32_t done = 0;
    while (done < task->messages) {
        reset(wire);
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
    reset(wire);
    commands_while_waiting(wire, BEGINNING_MS); /* connects */
    const double begun = commands_while_waiting(wire, BEGINNING_MS);
    const double all = commands_while_waiting(wire, BEGINNING_MS + wait_ms);
    return (all - begun) * 1000 / wait_ms;
}
