/* mixed.h: the messages of a batch that were set aside, each settled in its own way, by one list of
 * verbs with perhaps a reserve behind them. Knows marks and runs; no store's kind.
 */
#ifndef SLOTQ_QUEUE_MIXED_H
#define SLOTQ_QUEUE_MIXED_H

#include "batch.h"
#include "handle.h"

/* How messages without a mark are settled. */
typedef struct settle_way {
    uint64_t ms;
    slotq_settle_how how;
    uint8_t reason;
} settle_way;

/* Nothing is settled yet of what was set aside. */
void mixed_begin(slotq_batch *batch);

/* Settle what is not settled yet, and run reserve (or NULL) behind that in any case where the store
 * can: its outcome is returned, OK if there is none. *failed: of the first verb that failed, or
 * OK; queue->fault is as store_ops.list says. */
slotq_outcome mixed_run(slotq *queue, const settle_way *otherwise, slotq_batch *batch,
                        slotq_call *reserve, slotq_outcome *failed);

/* What failed because the queue was resized is not settled yet: it may be run again. */
void mixed_run_again(slotq_batch *batch);

/* The failure of mixed_run becomes the answer of the call, and is returned. */
slotq_outcome mixed_answer(slotq *queue, slotq_outcome failed);

#endif
