/* hand.h: what one thread has leased: which message is next, and the handshake with the keeper that
 * settles or gives back the others while one runs long.
 *
 * place is one word: whether the keeper has taken the rest, an epoch, and next and end, indexes of
 * items. The thread claims item `next` by a compare-and-swap. The keeper takes all but the message
 * that runs, next - 1, by setting end to next and the flag. From then on the thread claims nothing,
 * and waits for queue->lock before it settles.
 */
#ifndef SLOTQ_WORKER_HAND_H
#define SLOTQ_WORKER_HAND_H

#include "worker.h"

#define PLACE_TAKEN (UINT64_C(1) << 63)

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
    return (place & ~PLACE_TAKEN) >> 16;
}

/* The next item, if there is one that the keeper has not taken. */
static inline bool hand_claim(worker_hand *hand, uint32_t *item, uint64_t *run)
{
    uint64_t place = atomic_load_explicit(&hand->place, memory_order_relaxed);
    do {
        if (place_next(place) >= place_end(place)) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&hand->place, &place, place + (1u << 16),
                                                    memory_order_acq_rel, memory_order_relaxed));
    *item = place_next(place);
    *run = place_run(place + (1u << 16));
    return true;
}

/* Hands and their memory. NULL: no memory. */
worker_hand *hand_new(worker_queue *queue);
void hand_free(worker_hand *hand);

/* The batch was filled: its messages become the items. */
void hand_fill(worker_hand *hand, uint64_t leased_ms);
/* From now on they may be claimed, and the keeper looks after them. */
void hand_begin(worker_hand *hand);
/* The thread claims no more. After it the keeper leaves the hand alone; true: it had taken what
 * does not run, and its results are in the items. */
bool hand_end(worker_hand *hand);
/* The keeper: takes all but the message that runs. False: the thread is elsewhere by now. */
bool hand_take(worker_hand *hand, uint64_t place);

hand_detail *hand_detail_of(worker_hand *hand, const hand_item *item);
/* How a finished item is settled. */
const settlement *hand_plan(worker_hand *hand, const hand_item *item);
/* What is told of an item after its payload is gone. */
void hand_keep_type(worker_hand *hand, const hand_item *item, const slotq_task_info *info);
slotq_task_info hand_info_of(worker_hand *hand, const hand_item *item);

#endif
