/* hand.h: what one thread has leased: which message is next, and the handshake with the keeper that
 * settles or gives back the others while one runs long.
 *
 * place is the thread's: an epoch, and next and end, indexes of items. The thread claims item
 * `next` by storing place with next + 1, and then looks at is_taken. The keeper takes all but the
 * message that runs, next - 1, by storing is_taken, and then looks at place. So that one of the two
 * sees the other, there must be a barrier between each store and look: the keeper makes both by
 * membarrier, and the thread has none to pay for at each message; without that call it uses an
 * exchange. A thread that sees is_taken waits for queue->lock, and with it for the end of the
 * keeper's trip.
 */
#ifndef SLOTQ_WORKER_HAND_H
#define SLOTQ_WORKER_HAND_H

#include "worker.h"

static inline uint32_t place_next(uint64_t place)
{
    return (uint32_t)(place >> 16 & 0xffff);
}

static inline uint32_t place_end(uint64_t place)
{
    return (uint32_t)(place & 0xffff);
}

/* Of the run of item next - 1. */
static inline uint64_t place_run(uint64_t place)
{
    return place >> 16;
}

/* The claim stands, although the keeper takes or took: its trip is waited for. */
bool hand_claim_stands(worker_hand *hand, uint64_t before);

/* The next item, if there is one that the keeper has not taken. */
static inline bool hand_claim(worker_hand *hand, uint32_t *item, uint64_t *run)
{
    const uint64_t before = atomic_load_explicit(&hand->place, memory_order_relaxed);
    const uint64_t place = before + (1u << 16);
    bool taken;
    if (place_next(before) >= place_end(before)) {
        return false;
    }
    if (hand->queue->worker->has_membarrier) {
        atomic_store_explicit(&hand->place, place, memory_order_release);
        atomic_signal_fence(memory_order_seq_cst);
        taken = atomic_load_explicit(&hand->is_taken, memory_order_relaxed);
    } else {
        atomic_exchange(&hand->place, place);
        taken = atomic_load(&hand->is_taken);
    }
    *item = place_next(before);
    *run = place_run(place);
    return !taken || hand_claim_stands(hand, before);
}

/* Before the first hand. False: this system has no membarrier. */
bool hand_use_membarrier(void);

/* Hands and their memory. NULL: no memory. */
worker_hand *hand_new(worker_queue *queue);
void hand_free(worker_hand *hand);

/* The batch was filled: its messages become the items. */
void hand_fill(worker_hand *hand, uint64_t leased_ms);
/* What all runs of the hand have in common goes into its task. */
void hand_dress_task(worker_hand *hand);
/* From now on they may be claimed, and the keeper looks after them. */
void hand_begin(worker_hand *hand);
/* The thread claims no more. After it the keeper leaves the hand alone; true: it had taken what
 * does not run, and its results are in the items. */
bool hand_end(worker_hand *hand);
/* The keeper, with queue->lock: takes all but the message that runs. False: the thread is elsewhere
 * by now. */
bool hand_take(worker_hand *hand, uint64_t place);

hand_detail *hand_detail_of(worker_hand *hand, const hand_item *item);
/* How a finished item is settled. */
const settlement *hand_plan(worker_hand *hand, const hand_item *item);
/* What is told of an item after its payload is gone. */
void hand_keep_type(worker_hand *hand, const hand_item *item, const slotq_task_info *info);
slotq_task_info hand_info_of(worker_hand *hand, const hand_item *item);

#endif
