/* wait.c: waiting until a group may have a message, without leasing it. Knows no batches.
 */
#include "../slotq_wait.h"
#include "handle.h"

/* A reserve that leases nothing. */
static slotq_outcome look(slotq *queue, slotq_call *call, uint8_t group, bool may_wait)
{
    slotq_run none;
    slotq_core_begin(call, SLOTQ_RESERVE, STORE_TIME);
    call->progress.looks = true;
    call->reserve = (slotq_call_reserve){.lease_ms = queue->geometry.tick_ms,
                                         .runs = &none,
                                         .run_capacity = 1,
                                         .limit = 1,
                                         .group = group,
                                         .may_wait = may_wait};
    return queue_call(queue, call);
}

slotq_outcome slotq_wait(slotq *queue, uint8_t group, uint64_t wait_ms)
{
    slotq_call call;
    if (queue == NULL) {
        return queue_refuse_null(queue);
    }
    if (!queue_group_fits(queue, group)) {
        return SLOTQ_INVALID;
    }
#if defined(__OPTIMIZE_SIZE__) || defined(SLOTQ_NO_LOOK)
    return queue_refuse(queue, SLOTQ_UNSUPPORTED, "this build (-Os) leaves out slotq_wait");
#endif
    if (queue->store->has_trips) {
        return queue_refuse(queue, SLOTQ_UNSUPPORTED,
                            "a queue in Redis is waited for by reserving, or by "
                            "slotq_redis_listen");
    }
    queue_wait wait = queue_wait_begin(queue, wait_ms);
    queue_patience_begin(queue, &wait);
    bool over = wait_ms == 0;
    slotq_outcome outcome = look(queue, &call, group, wait_ms > 0);
    while (!over && (outcome == SLOTQ_EMPTY || outcome == SLOTQ_LIMITED)) {
        const slotq_outcome slept =
            queue_wait_sleep(queue, &wait, call.now_ms, call.reserve.next_due_ms);
        if (slept != SLOTQ_OK) {
            return queue_patience_end(queue, slept);
        }
        over = queue_wait_is_over(&wait);
        outcome = look(queue, &call, group, !over); /* once it is over, for others too */
    }
    if (over && wait_ms > 0) {
        queue_wait_end(queue);
    }
    return queue_patience_end(queue, outcome);
}
