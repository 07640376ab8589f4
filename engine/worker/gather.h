/* gather.h: tasks that outlive the call of their handler: those that answered LATER, and those that
 * wait for others of their type (run_many). Their payloads are copied; their leases are kept by the
 * keeper of their queue.
 */
#ifndef SLOTQ_WORKER_GATHER_H
#define SLOTQ_WORKER_GATHER_H

#include "worker.h"

/* For each entry of the mux: the tasks that wait. With worker->lock. */
typedef struct gather {
    slotq_task *first, *last; /* by gathered */
    uint32_t count;
    uint64_t oldest_ms; /* clock_run_ms */
} gather;

/* The task of the hand is kept from now on, in this state, with its message; the hand gets another
 * one. With queue->lock. */
void gather_keep(worker_hand *hand, hand_item *item, task_state state);
/* It joins those of its type. With queue->lock, so that no keeper gives it back before. */
void gather_join(slotq_task *task);
/* Tasks of a type that are due, up to many_most, in self->many; their number, 0 in a stop. With
 * worker->lock. */
uint32_t gather_take(worker_thread *self, uint64_t now_ms);
/* A result of a kept task; false: it was lost. With queue->lock. The keeper is to be rung. */
bool gather_finish(slotq_task *task, slotq_result result);
/* A kept task that no handler has seen: its message is given back. With queue->lock. */
void gather_give_back(slotq_task *task);
/* LATER tasks that were not finished. */
uint32_t gather_count_later(const slotq_worker *worker);
/* It is settled, or lost: out of queue->kept and free. With queue->lock. */
void gather_free(slotq_task *task);

/* A task for a hand. With worker->lock. There is one for each hand and each kept task. */
slotq_task *gather_new_task(slotq_worker *worker);
void gather_put_task(slotq_worker *worker, slotq_task *task);
/* For a larger payload than those that the worker began with. False: no memory. */
bool gather_make_room(slotq_task *task, uint32_t bytes);

#endif
