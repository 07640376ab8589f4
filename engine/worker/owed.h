/* owed.h: settlements and extensions that the keeper makes: of what lies in a hand behind a long
 * run, of hands whose own call failed, and of kept tasks. All with queue->lock.
 */
#ifndef SLOTQ_WORKER_OWED_H
#define SLOTQ_WORKER_OWED_H

#include "worker.h"

/* One message: an item of a hand, or a kept task. */
typedef struct owed_one {
    worker_hand *hand;
    hand_item *item;
    slotq_task *task; /* in extends also that of the hand */
    settlement plan;
    bool is_tried;
} owed_one;

/* Settle count of queue->ones, those with equal plans in one call. What was answered is told, and
 * its item is SETTLED, its task free; the rest stays as it was. True: all were answered. */
bool owed_settle(worker_queue *queue, uint32_t count);
/* Settle one message, once. */
slotq_outcome owed_settle_run(worker_queue *queue, uint32_t generation, uint64_t id, uint32_t token,
                              const settlement *plan);
/* Extend count of queue->extends in one call: new tokens, or LOST is told. */
void owed_extend(worker_queue *queue, uint32_t count, uint64_t now_ms);

/* Ids and tokens are of one generation of the queue: the queue was made anew since. Asks it if the
 * handles of the worker differ. */
bool owed_is_gone(worker_queue *queue, uint32_t generation);

/* SLOTQ_TOLD_… for the run of a task. */
void owed_tell_task(slotq_task *task, uint64_t run, uint32_t flag);
/* Its lease was extended: it is not DOUBTFUL any more. */
void owed_tell_renewed(slotq_task *task, uint64_t run);
/* The lease of this run in the hand, or of a kept task, is another's. */
void owed_lose(worker_queue *queue, worker_hand *hand, slotq_task *task, uint64_t run,
               slotq_outcome outcome);

/* If an extension was not answered, the queue may have given another token: it is asked for it. OK:
 * *token is the newest; an answer: the message is lost; else the queue does not say. */
slotq_outcome owed_find_token(worker_queue *queue, uint32_t generation,
                              const slotq_task_info *info, uint32_t *token, uint8_t *doubts);
/* The same, and extend the lease. */
slotq_outcome owed_extend_again(worker_queue *queue, uint32_t generation,
                                const slotq_task_info *info, uint32_t *token, uint8_t *doubts);

#endif
