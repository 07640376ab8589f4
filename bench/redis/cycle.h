/* cycle.h: the ways to put the commands of a subject in time, measured: a window of batches
 * in flight, one batch per round trip, single messages pipelined or not. Knows subjects; no
 * figure's target.
 */
#ifndef SLOTQ_BENCH_REDIS_CYCLE_H
#define SLOTQ_BENCH_REDIS_CYCLE_H

#include "subjects/subject.h"

typedef struct stretch {
    double message_ns; /* wall time per message */
    double server_ns;  /* CPU time of the server's main thread a message */
} stretch;

typedef struct cycle_task cycle_task;

/* One measured stretch of a task, on an empty queue; wire is the bench's connection. */
typedef stretch task_run(const cycle_task *task, connection *wire);

struct cycle_task {
    task_run *run;
    const subject *subject; /* where the run needs one */
    uint32_t batch;         /* messages per call */
    uint32_t in_flight;     /* batches, or calls in one pipeline */
    uint32_t messages;      /* in a stretch */
};

/* Push, take and ack in batches, in_flight of them at any time. */
task_run cycle_window;
/* Only push, on an empty queue; then only take and ack what it left there. */
task_run push_window;
task_run take_window;
/* Push, reserve and ack in batches, one call per round trip. */
task_run cycle_trips;
/* in_flight pushes in one pipeline, then their takes, then their acks; batch messages per call. */
task_run cycle_phases;
/* Take and ack alone: ack and the next take in one pipeline (_next), or a round trip each. */
task_run consume_next;
task_run consume_trips;
/* Push alone, in_flight calls in one pipeline. */
task_run push_alone;
/* The same bytes by SETRANGE, into a string of the image's size. */
task_run setrange_alone;

/* A clock over wall time and the server's CPU time, stopped while a queue is made empty. */
typedef struct stopwatch {
    connection *wire;
    uint64_t started_ns;
    double started_server;
    double wall_ns;
    double server_seconds;
} stopwatch;

void stopwatch_start(stopwatch *watch);
void stopwatch_stop(stopwatch *watch);
stretch stopwatch_read(const stopwatch *watch, uint32_t messages);

#endif
