/* hand.c: what one thread has leased (hand.h). Does not know how messages are fetched.
 */
#include "hand.h"

#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"

worker_hand *hand_new(worker_queue *queue)
{
    worker_hand *new = calloc(1, sizeof *new);
    if (new == NULL) {
        return NULL;
    }
    const uint32_t most = queue->options.prefetch_most;
    new->queue = queue;
    new->batch = slotq_batch_new();
    new->items = calloc(most, sizeof *new->items);
    new->details = calloc(most, sizeof *new->details);
    pace_prefetch_reset(&new->prefetch);
    if (new->batch == NULL || new->items == NULL || new->details == NULL) {
        hand_free(new);
        return NULL;
    }
    return new;
}

void hand_free(worker_hand *hand)
{
    if (hand == NULL) {
        return;
    }
    slotq_batch_free(hand->batch);
    free(hand->items);
    free(hand->details);
    slotq_close(hand->handle);
    free(hand);
}

void hand_fill(worker_hand *hand, uint64_t leased_ms)
{
    uint32_t count = 0;
    slotq_message message;
    const uint32_t most = hand->queue->options.prefetch_most;
    const uint8_t alone = hand->queue->worker->options.alone_attempts;
    hand->suspect = UINT32_MAX;
    while (count < most && slotq_batch_next(hand->batch, &message)) {
        hand->items[count] = (hand_item){.id = message.id,
                                         .payload = message.payload,
                                         .pushed_ms = message.pushed_ms,
                                         .payload_bytes = message.payload_bytes,
                                         .token = message.token,
                                         .batch_token = message.token,
                                         .attempts = message.attempts,
                                         .state = ITEM_HELD};
        if (message.attempts >= alone && hand->suspect == UINT32_MAX) {
            hand->suspect = count;
        }
        count++;
    }
    hand->count = count;
    hand->generation = slotq_geometry_of(hand->handle)->generation;
    hand->failures = 0;
    hand->is_mixed = false;
    hand->leased_ms = leased_ms;
}

void hand_dress_task(worker_hand *hand)
{
    slotq_task *task = hand->task;
    task->in_hand = hand;
    task->queue = hand->queue;
    task->info.queue = hand->queue->name;
    task->info.group = hand->queue->options.group;
}

void hand_begin(worker_hand *hand)
{
    hand_dress_task(hand);
    hand->epoch++;
    atomic_store_explicit(&hand->is_taken, false, memory_order_relaxed);
    atomic_store(&hand->place, (uint64_t)hand->epoch << 32 | hand->count);
}

static void wait_for_keeper(worker_hand *hand)
{
    pthread_mutex_lock(&hand->queue->lock); /* its trip is over */
    pthread_mutex_unlock(&hand->queue->lock);
}

bool hand_end(worker_hand *hand)
{
    atomic_exchange(&hand->place, (uint64_t)hand->epoch << 32);
    if (!atomic_load(&hand->is_taken)) {
        return false;
    }
    wait_for_keeper(hand);
    return atomic_load(&hand->is_taken); /* false: it came too late */
}

bool hand_claim_stands(worker_hand *hand, uint64_t before)
{
    wait_for_keeper(hand);
    if (!atomic_load(&hand->is_taken)) {
        return true; /* it came too late */
    }
    const uint64_t next = place_next(before);
    atomic_store(&hand->place, (before & ~UINT64_C(0xffff)) | next);
    return false;
}

/* ---- the keeper ---- */

#ifdef __SANITIZE_THREAD__
/* Checkers of threads do not know it. */
bool hand_use_membarrier(void)
{
    return false;
}

static void make_barriers(void)
{
}
#else
bool hand_use_membarrier(void)
{
    const long known = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
    return known > 0 && (known & MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0 &&
           syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

/* In all threads of the process. */
static void make_barriers(void)
{
    syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}
#endif

bool hand_take(worker_hand *hand, uint64_t place)
{
    atomic_store(&hand->is_taken, true);
    if (hand->queue->worker->has_membarrier) {
        make_barriers();
    }
    if (atomic_load(&hand->place) == place) {
        return true;
    }
    atomic_store(&hand->is_taken, false);
    return false;
}

hand_detail *hand_detail_of(worker_hand *hand, const hand_item *item)
{
    return &hand->details[item - hand->items];
}

const settlement *hand_plan(worker_hand *hand, const hand_item *item)
{
    hand_detail *detail = hand_detail_of(hand, item);
    if (item->is_plain) {
        detail->plan = (settlement){
            .how = SLOTQ_SETTLE_ACK, .kind = SLOTQ_EVENT_DONE, .result = slotq_result_done()};
    }
    return &detail->plan;
}

void hand_keep_type(worker_hand *hand, const hand_item *item, const slotq_task_info *info)
{
    hand_detail *detail = hand_detail_of(hand, item);
    const uint32_t bytes =
        info->type_bytes < SLOTQ_TYPE_BYTES_MAX ? info->type_bytes : SLOTQ_TYPE_BYTES_MAX;
    if (bytes != 0) {
        memcpy(detail->type, info->type, bytes);
    }
    detail->type[bytes] = '\0';
    detail->type_bytes = bytes;
    detail->due_ms = info->due_ms;
}

/* A plain ack keeps no type: its handler's name is the same, or begins so. */
slotq_task_info hand_info_of(worker_hand *hand, const hand_item *item)
{
    const hand_detail *detail = hand_detail_of(hand, item);
    const bool has_detail = item->state == ITEM_FINISHED && !item->is_plain;
    const char *type = has_detail ? detail->type : item->entry != NULL ? item->entry->label : "";
    return (slotq_task_info){.id = item->id,
                             .queue = hand->queue->name,
                             .group = hand->queue->options.group,
                             .attempts = item->attempts,
                             .attempts_most = atomic_load(&hand->queue->max_attempts),
                             .type = type,
                             .type_bytes = has_detail ? detail->type_bytes : (uint32_t)strlen(type),
                             .pushed_ms = item->pushed_ms,
                             .due_ms = has_detail ? detail->due_ms : 0};
}
