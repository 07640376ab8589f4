/* hand.c: what one thread has leased (hand.h). Does not know how messages are fetched.
 */
#include "hand.h"

#include <stdlib.h>
#include <string.h>

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
    new->others = calloc(most, sizeof *new->others);
    pace_prefetch_reset(&new->prefetch);
    if (new->batch == NULL || new->items == NULL || new->others == NULL) {
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
    free(hand->others);
    slotq_close(hand->handle);
    free(hand);
}

void hand_fill(worker_hand *hand, uint64_t leased_ms)
{
    uint32_t count = 0;
    const uint32_t most = hand->queue->options.prefetch_most;
    const uint8_t alone = hand->queue->worker->options.alone_attempts;
    hand->suspect = UINT32_MAX;
    while (count < most && slotq_batch_next(hand->batch, &hand->items[count].message)) {
        hand_item *item = &hand->items[count];
        item->token = item->message.token;
        item->state = ITEM_HELD;
        item->is_doubtful = false;
        item->is_plain = false;
        item->type_bytes = 0;
        item->type[0] = '\0';
        item->entry = NULL;
        if (item->message.attempts >= alone && hand->suspect == UINT32_MAX) {
            hand->suspect = count;
        }
        count++;
    }
    hand->count = count;
    hand->failures = 0;
    hand->is_mixed = false;
    hand->leased_ms = leased_ms;
}

void hand_begin(worker_hand *hand)
{
    hand->began_ns = clock_run_ns();
    hand->epoch = (hand->epoch + 1) & 0x7fffffff;
    atomic_store(&hand->place, (uint64_t)hand->epoch << 32 | hand->count);
}

bool hand_end(worker_hand *hand)
{
    const uint64_t place = atomic_exchange(&hand->place, (uint64_t)hand->epoch << 32);
    if ((place & PLACE_TAKEN) == 0) {
        return false;
    }
    pthread_mutex_lock(&hand->queue->lock); /* its trip is over */
    pthread_mutex_unlock(&hand->queue->lock);
    return true;
}

bool hand_take(worker_hand *hand, uint64_t place)
{
    const uint64_t next = place_next(place);
    const uint64_t taken = (place & ~UINT64_C(0xffff)) | next | PLACE_TAKEN;
    return atomic_compare_exchange_strong(&hand->place, &place, taken);
}

void hand_keep_type(hand_item *item, const slotq_task_info *info)
{
    const uint32_t bytes =
        info->type_bytes < SLOTQ_TYPE_BYTES_MAX ? info->type_bytes : SLOTQ_TYPE_BYTES_MAX;
    if (bytes != 0) {
        memcpy(item->type, info->type, bytes);
    }
    item->type[bytes] = '\0';
    item->type_bytes = bytes;
    item->due_ms = info->due_ms;
}

/* A plain ack keeps no type: its handler's name is the same, or begins so. */
slotq_task_info hand_info_of(const worker_hand *hand, const hand_item *item)
{
    const bool has_type = item->type_bytes != 0 || item->entry == NULL || !item->is_plain;
    const char *type = has_type ? item->type : item->entry->label;
    return (slotq_task_info){.id = item->message.id,
                             .queue = hand->queue->name,
                             .group = hand->queue->options.group,
                             .attempts = item->message.attempts,
                             .attempts_most = atomic_load(&hand->queue->max_attempts),
                             .type = type,
                             .type_bytes = has_type ? item->type_bytes : (uint32_t)strlen(type),
                             .pushed_ms = item->message.pushed_ms,
                             .due_ms = item->due_ms};
}
