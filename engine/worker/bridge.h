/* bridge.h: a thread that waits for messages of a queue in memory or a file, and takes none: it
 * rings the queue's bell, so that the caller's loop wakes.
 */
#ifndef SLOTQ_WORKER_BRIDGE_H
#define SLOTQ_WORKER_BRIDGE_H

#include "worker.h"

typedef struct loop_bridge loop_bridge;

slotq_outcome bridge_new(worker_queue *queue, slotq_error *error);
/* Ends its thread. NULL is allowed. */
void bridge_free(loop_bridge *bridge);

/* The loop found nothing: wait, and ring once. */
void bridge_arm(loop_bridge *bridge);
/* The loop takes nothing from the queue any more. True: it had waited. */
bool bridge_disarm(loop_bridge *bridge);
/* It has rung since the last call. */
bool bridge_take_news(loop_bridge *bridge);

#endif
