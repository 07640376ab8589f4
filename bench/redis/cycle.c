/* cycle.c: see cycle.h.
 */
#include "cycle.h"
#include "../core/cycle/cycle.h"
#include "../support/samples.h"
#include "../support/sure.h"

#include <stdio.h>
#include <string.h>

enum { LAP_MESSAGES = 4096 }; /* what an empty ring takes */

/* ---- time ---- */

void stopwatch_start(stopwatch *watch)
{
    watch->started_server = wire_server_seconds(watch->wire);
    watch->started_ns = clock_ns();
}

void stopwatch_stop(stopwatch *watch)
{
    watch->wall_ns += (double)(clock_ns() - watch->started_ns);
    watch->server_seconds += wire_server_seconds(watch->wire) - watch->started_server;
}

stretch stopwatch_read(const stopwatch *watch, uint32_t messages)
{
    return (stretch){watch->wall_ns / messages, watch->server_seconds * 1e9 / messages};
}

/* ---- push, take, ack ---- */

typedef enum owed_kind { OWED_PUSH, OWED_TAKE, OWED_ACK } owed_kind;

/* What replies are still to come, in the order of the commands. */
typedef struct owed {
    owed_kind kind;
    uint32_t replies;
} owed;

enum { OWED_MOST = 64 };

typedef struct owed_list {
    owed owed[OWED_MOST];
    uint32_t first;
    uint32_t last;
} owed_list;

static void owe(owed_list *list, owed_kind kind, uint32_t replies)
{
    bench_need(list->last - list->first < OWED_MOST, "so many commands in flight");
    list->owed[list->last++ % OWED_MOST] = (owed){kind, replies};
}

/* Reads what the oldest take brought, and appends its ack; the number of replies that it has. */
static uint32_t ack_taken(const cycle_task *task, connection *wire, uint32_t replies)
{
    static redisReply *taken[SUBJECT_BATCH_MOST];
    bench_need(replies > 0 && replies <= SUBJECT_BATCH_MOST, "so many replies to a take");
    for (uint32_t i = 0; i < replies; i++) {
        taken[i] = wire_reply(wire);
    }
    const uint32_t owed_replies = task->subject->ack(wire, taken, task->batch);
    for (uint32_t i = 0; i < replies; i++) {
        freeReplyObject(taken[i]);
    }
    return owed_replies;
}

static void end_ack(const cycle_task *task, connection *wire, uint32_t replies)
{
    for (uint32_t i = 0; i < replies; i++) {
        redisReply *reply = wire_reply(wire);
        bench_need(task->subject->is_acked(reply, task->batch), "an ack of all that was taken");
        freeReplyObject(reply);
    }
}

/* All batches of the task, in_flight at any time: each pushed, taken and acked, or one of it. */
static void play_window(const cycle_task *task, connection *wire, bool pushes, bool takes)
{
    owed_list waiting = {.first = 0};
    const uint32_t batches = task->messages / task->batch;
    uint32_t begun = 0;
    uint32_t done = 0;
    while (done < batches) {
        while (begun < batches && begun - done < task->in_flight) {
            if (pushes) {
                owe(&waiting, OWED_PUSH, task->subject->push(wire, task->batch));
            }
            if (takes) {
                owe(&waiting, OWED_TAKE, task->subject->take(wire, task->batch));
            }
            begun++;
        }
        const owed next = waiting.owed[waiting.first++ % OWED_MOST];
        if (next.kind == OWED_TAKE) {
            owe(&waiting, OWED_ACK, ack_taken(task, wire, next.replies));
        } else if (next.kind == OWED_ACK) {
            end_ack(task, wire, next.replies);
            done++;
        } else {
            wire_skip(wire, next.replies);
            done += !takes;
        }
    }
}

stretch cycle_window(const cycle_task *task, connection *wire)
{
    stopwatch watch = {.wire = wire};
    task->subject->reset(wire);
    stopwatch_start(&watch);
    play_window(task, wire, true, true);
    stopwatch_stop(&watch);
    return stopwatch_read(&watch, task->messages);
}

stretch push_window(const cycle_task *task, connection *wire)
{
    stopwatch watch = {.wire = wire};
    task->subject->reset(wire);
    stopwatch_start(&watch);
    play_window(task, wire, true, false);
    stopwatch_stop(&watch);
    return stopwatch_read(&watch, task->messages);
}

stretch take_window(const cycle_task *task, connection *wire)
{
    stopwatch watch = {.wire = wire};
    stopwatch_start(&watch);
    play_window(task, wire, false, true);
    stopwatch_stop(&watch);
    return stopwatch_read(&watch, task->messages);
}

stretch cycle_trips(const cycle_task *task, connection *wire)
{
    stopwatch watch = {.wire = wire};
    task->subject->reset(wire);
    stopwatch_start(&watch);
    for (uint32_t done = 0; done < task->messages; done += task->batch) {
        wire_skip(wire, task->subject->push(wire, task->batch));
        const uint32_t replies = task->subject->take(wire, task->batch);
        end_ack(task, wire, ack_taken(task, wire, replies));
    }
    stopwatch_stop(&watch);
    return stopwatch_read(&watch, task->messages);
}

stretch cycle_phases(const cycle_task *task, connection *wire)
{
    stopwatch watch = {.wire = wire};
    const uint32_t calls = task->in_flight;
    task->subject->reset(wire);
    stopwatch_start(&watch);
    for (uint32_t done = 0; done < task->messages; done += calls * task->batch) {
        uint32_t pushed = 0;
        uint32_t taken = 0;
        uint32_t acked = 0;
        for (uint32_t i = 0; i < calls; i++) {
            pushed += task->subject->push(wire, task->batch);
        }
        wire_skip(wire, pushed);
        for (uint32_t i = 0; i < calls; i++) {
            taken += task->subject->take(wire, task->batch);
        }
        for (uint32_t i = 0; i < calls; i++) {
            acked += ack_taken(task, wire, taken / calls);
        }
        end_ack(task, wire, acked);
    }
    stopwatch_stop(&watch);
    return stopwatch_read(&watch, task->messages);
}

/* ---- consuming ---- */

/* So many batches are there. */
static void fill(const cycle_task *task, connection *wire, uint32_t batches)
{
    task->subject->reset(wire);
    for (uint32_t i = 0; i < batches; i++) {
        wire_skip(wire, task->subject->push(wire, task->batch));
    }
}

static stretch consume(const cycle_task *task, connection *wire, bool together)
{
    stopwatch watch = {.wire = wire};
    uint32_t batches = LAP_MESSAGES / task->batch;
    batches = batches < 1024 ? batches : 1024;
    uint32_t done = 0;
    while (done < task->messages) {
        fill(task, wire, batches);
        stopwatch_start(&watch);
        uint32_t replies = task->subject->take(wire, task->batch);
        for (uint32_t i = 0; i < batches; i++) {
            const bool is_last = i + 1 == batches;
            const uint32_t acked = ack_taken(task, wire, replies);
            if (together && !is_last) {
                replies = task->subject->take(wire, task->batch);
            }
            end_ack(task, wire, acked);
            if (!together && !is_last) {
                replies = task->subject->take(wire, task->batch);
            }
        }
        stopwatch_stop(&watch);
        done += batches * task->batch;
    }
    return stopwatch_read(&watch, done);
}

stretch consume_next(const cycle_task *task, connection *wire)
{
    return consume(task, wire, true);
}

stretch consume_trips(const cycle_task *task, connection *wire)
{
    return consume(task, wire, false);
}

/* ---- pushing ---- */

stretch push_alone(const cycle_task *task, connection *wire)
{
    stopwatch watch = {.wire = wire};
    uint32_t done = 0;
    while (done < task->messages) {
        task->subject->reset(wire);
        stopwatch_start(&watch);
        for (uint32_t lap = 0; lap < LAP_MESSAGES; lap += task->in_flight * task->batch) {
            uint32_t replies = 0;
            for (uint32_t i = 0; i < task->in_flight; i++) {
                replies += task->subject->push(wire, task->batch);
            }
            wire_skip(wire, replies);
        }
        stopwatch_stop(&watch);
        done += LAP_MESSAGES;
    }
    return stopwatch_read(&watch, done);
}

enum { STRIDE = CYCLE_PAYLOAD_BYTES + 2, COMMAND_HEAD_BYTES = 128 };

static void append_setrange(connection *wire, uint32_t offset, uint32_t length)
{
    static char bytes[COMMAND_HEAD_BYTES + SUBJECT_BATCH_MOST * STRIDE + 2];
    char number[16];
    const int digits = snprintf(number, sizeof number, "%u", (unsigned)offset);
    const int head = snprintf(
        bytes, COMMAND_HEAD_BYTES, "*4\r\n$8\r\nSETRANGE\r\n$%zu\r\n%s\r\n$%d\r\n%s\r\n$%u\r\n",
        sizeof SUBJECT_QUEUE_KEY - 1, SUBJECT_QUEUE_KEY, digits, number, (unsigned)length);
    const slotq_data *messages = subject_messages();
    for (uint32_t i = 0; i < length / STRIDE; i++) { /* packed, as a push is */
        char *slot = bytes + head + (size_t)i * STRIDE;
        slot[0] = (char)messages[i].size;
        slot[1] = (char)(messages[i].size >> 8);
        memcpy(slot + 2, messages[i].bytes, messages[i].size);
    }
    bytes[(uint32_t)head + length] = '\r';
    bytes[(uint32_t)head + length + 1] = '\n';
    wire_append(wire, bytes, (size_t)head + length + 2);
}

stretch setrange_alone(const cycle_task *task, connection *wire)
{
    stopwatch watch = {.wire = wire};
    const uint32_t length = task->batch * STRIDE;
    const uint32_t ring = subject_image_bytes() - LAP_MESSAGES * STRIDE;
    uint32_t done = 0;
    subject_packed.reset(wire); /* a string of that size */
    while (done < task->messages) {
        stopwatch_start(&watch);
        for (uint32_t lap = 0; lap < LAP_MESSAGES / task->batch; lap += task->in_flight) {
            for (uint32_t i = 0; i < task->in_flight; i++) {
                append_setrange(wire, ring + (lap + i) * length, length);
            }
            wire_skip(wire, task->in_flight);
        }
        stopwatch_stop(&watch);
        done += LAP_MESSAGES;
    }
    return stopwatch_read(&watch, done);
}
