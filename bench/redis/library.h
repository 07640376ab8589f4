/* library.h: the queue in Redis as a program has it, through slotq.h: single messages by a
 * producer and slotq_next, batches, and one message per call. Knows the public calls alone.
 */
#ifndef SLOTQ_BENCH_REDIS_LIBRARY_H
#define SLOTQ_BENCH_REDIS_LIBRARY_H

#include "cycle.h"

/* The handle that is open since the first run of any of these, if one is. */
void cycle_library_close(void);

/* Each message pushed alone into a producer that gathers batches of them, and taken by
 * slotq_next with that limit. */
task_run library_singles;
/* slotq_push, slotq_reserve and slotq_ack_batch, batch messages per call. */
task_run library_trips;
/* slotq_push and slotq_next, batch messages per call. */
task_run library_push_next;
/* All three verbs with in_flight batches in one slotq_pipeline: so many are acked, pushed and
 * reserved in a round trip. */
task_run library_pipeline;
/* Pushing alone, into an empty queue, and then taking and acking alone: by slotq_pipeline, or with
 * nothing else in flight by slotq_push and slotq_next. */
task_run library_push;
task_run library_take;
/* Taking and acking alone: slotq_next, or slotq_reserve and slotq_ack_batch. */
task_run library_next;
task_run library_reserve_ack;

/* Commands per second, those inside of scripts too, while slotq_reserve waits in vain. */
double library_idle_commands(connection *wire, uint32_t wait_ms);

#endif
