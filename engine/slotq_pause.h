/* slotq_pause.h: a queue that refuses pushes or reserves for a while; one that is closed and only
 * empties, and its end. slotq.h includes it.
 */
#ifndef SLOTQ_PAUSE_H
#define SLOTQ_PAUSE_H

#include "slotq.h"

#ifdef __cplusplus
extern "C" {
#endif

/* what: a sum of SLOTQ_PAUSE_IN (pushes and redrive: PAUSED), SLOTQ_PAUSE_OUT (reserves: PAUSED)
 * and SLOTQ_PAUSE_CLOSED (pushes and schedules: CLOSED; scheduled messages become due, and dead
 * ones are redriven). resume opens a closed queue only if what has SLOTQ_PAUSE_CLOSED. OK, also if
 * the queue is in that state. */
SLOTQ_API slotq_outcome slotq_pause(slotq *queue, uint8_t what);
SLOTQ_API slotq_outcome slotq_resume(slotq *queue, uint8_t what);

/* Whether a closed queue has come to its end: all groups have finished all messages, and none is
 * scheduled or dead. OK: *last_id is its last id, 0 if there was no message; while it stays closed,
 * no message comes. UNFINISHED: it is not closed, or still has messages. */
SLOTQ_API slotq_outcome slotq_finish(slotq *queue, uint64_t *last_id);

#ifdef __cplusplus
}
#endif
#endif
