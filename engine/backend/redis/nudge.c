/* nudge.c: see nudge.h.
 */
#include "nudge.h"

#include <string.h>

#include "run.h"

static slotq_outcome run(redis_store *self, redis_bell_call *says, store_fault *fault)
{
    slotq_call call;
    slotq_core_begin(&call, SLOTQ_ACK, 0); /* what writes, and is not sent twice */
    redis_job job = {.call = &call, .bell = says, .fault = fault, .brings_script = true};
    redis_store_run(self, &job, 1);
    return job.outcome;
}

slotq_outcome redis_store_nudge(redis_store *self, const slotq_nudge *nudge, int32_t shard,
                                uint32_t *told, bool *may_sleep, store_fault *fault)
{
    redis_bell_call says = {.script = REDIS_SCRIPT_nudge, .nudge = *nudge, .shard = shard};
    const slotq_outcome outcome = run(self, &says, fault);
    *told = says.told;
    *may_sleep = says.yes;
    return outcome;
}

slotq_outcome redis_store_hush(redis_store *self, uint32_t counter, store_fault *fault)
{
    redis_bell_call says = {.script = REDIS_SCRIPT_hush, .nudge = {.counter = counter}};
    return run(self, &says, fault);
}

slotq_outcome redis_store_unwait(redis_store *self, uint32_t group, bool *was_set,
                                 store_fault *fault)
{
    redis_waiter *waiter = &self->waiter;
    const uint32_t row = UINT32_C(1) << group;
    *was_set = false;
    (void)redis_waiter_hears(waiter); /* a child of a fork forgets its parent's place */
    if (!(waiter->rows & row) || waiter->place == REDIS_NO_PLACE) {
        return SLOTQ_OK;
    }
    redis_bell_call says = {.script = REDIS_SCRIPT_unwait, .rows = row, .place = waiter->place};
    const slotq_outcome outcome = run(self, &says, fault);
    waiter->rows &= outcome == SLOTQ_OK ? ~row : UINT32_MAX;
    *was_set = says.yes;
    return outcome;
}

bool redis_store_told(redis_store *self, uint32_t group, bool asks, redis_told *told)
{
    const bool hears = redis_waiter_read(&self->waiter, asks);
    *told = self->waiter.told[group];
    memset(&self->waiter.told[group], 0, sizeof *told);
    return hears;
}
