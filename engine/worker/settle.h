/* settle.h: from a handler's result to a settlement, and from the queue's answer to what is counted
 * and told.
 */
#ifndef SLOTQ_WORKER_SETTLE_H
#define SLOTQ_WORKER_SETTLE_H

#include "worker.h"

/* What a result means for a message. entry may be NULL: the worker's own result. */
settlement settle_plan(const worker_queue *queue, const mux_entry *entry,
                       const slotq_task_info *info, slotq_result result);
/* If it kills or nacks, it does so with this note, which is copied into kept. */
void settle_note(settlement *plan, task_note *kept, const void *text, size_t bytes);
/* The message is given back, not begun or not to be finished. */
settlement settle_release(void);

/* True if nothing is to be told but the count: the answer of the queue is OK. */
static inline bool settle_is_plain(const slotq_worker *worker, const mux_entry *entry,
                                   slotq_result result)
{
    return result.how == SLOTQ_RESULT_DONE && entry->handler.settled == NULL &&
           (worker->event_mask & 1u << SLOTQ_EVENT_DONE) == 0;
}

/* The answer is a result, not a failure: nothing is to be repeated. */
static inline bool settle_is_answer(slotq_outcome outcome)
{
    return outcome <= SLOTQ_DEADFULL || outcome == SLOTQ_REMADE;
}

/* The call as a whole was refused or failed: there is no outcome for each message. */
static inline bool settle_has_failed(slotq_outcome outcome)
{
    return outcome >= SLOTQ_FAILURES || outcome == SLOTQ_INVALID || outcome == SLOTQ_NOQUEUE ||
           outcome == SLOTQ_REMADE;
}

/* Count and tell the queue's answer to a settlement. is_doubtful: it had been sent before without
 * an answer, and handle (of the calling thread, idle) may be asked what became of it. Outcomes that
 * are failures mean that it is not tried any more. */
void settle_told(worker_queue *queue, slotq *handle, const mux_entry *entry,
                 const slotq_task_info *info, const settlement *plan, slotq_outcome outcome,
                 bool is_doubtful, uint64_t ran_ns);

/* The newest token of a leased message whose extension was not answered. False: it is lost, or the
 * queue does not say: *outcome. */
bool settle_find_token(worker_queue *queue, slotq *handle, slotq_batch *looked,
                       const slotq_task_info *info, uint32_t *token, slotq_outcome *outcome);

void settle_count(worker_queue *queue, const mux_entry *entry, worker_count kind, uint64_t count);

#endif
