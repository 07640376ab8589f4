/* verbs.c: which function is which verb, and what holds for all: now in range.
 */
#include "verbs.h"

#include "plain.h"

static verb_step *const steps[SLOTQ_VERB_COUNT] = {
    [SLOTQ_PUSH] = push_step,
    [SLOTQ_RESERVE] = reserve_step,
    [SLOTQ_ACK] = settle_step,
    [SLOTQ_NACK] = settle_step,
    [SLOTQ_RELEASE] = settle_step,
    [SLOTQ_EXTEND] = settle_step,
    [SLOTQ_KILL] = settle_step,
    [SLOTQ_REMOVE] = remove_step,
    [SLOTQ_RECLAIM] = reclaim_step,
    [SLOTQ_REDRIVE] = redrive_step,
    [SLOTQ_DEAD_PURGE] = dead_purge_step,
    [SLOTQ_PAUSE] = pause_step,
    [SLOTQ_RESUME] = pause_step,
    [SLOTQ_PURGE] = purge_step,
    [SLOTQ_STATUS] = status_step,
    [SLOTQ_PEEK] = peek_step,
    [SLOTQ_DEAD_LIST] = dead_list_step,
    [SLOTQ_STATS] = stats_step,
};

slotq_outcome slotq_core_step(const slotq_view *view, slotq_call *call, slotq_step *step)
{
    if ((uint32_t)call->verb >= SLOTQ_VERB_COUNT || call->now_ms > SLOTQ_NOW_MS_MAX) {
        step_begin(step);
        return SLOTQ_INVALID;
    }
    if (call->progress.phase == 0 && plain_step(view, call, step)) {
        return SLOTQ_OK;
    }
    return steps[call->verb](view, call, step);
}
