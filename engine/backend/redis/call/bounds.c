/* bounds.c: see bounds.h.
 */
#include "bounds.h"

enum {
    DYING_MOST = 1024,         /* each is copied by a separate command */
    REDRIVE_GROUPS_MOST = 2048 /* times the groups in which each is finished or pushed, and 1 */
};

uint32_t redis_reserve_limit(const slotq_view *view, const slotq_call_reserve *reserve)
{
    const uint32_t fit = SLOTQ_CALL_BYTES_MAX / view->stride;
    uint32_t limit = reserve->limit;
    limit = limit < reserve->run_capacity ? limit : reserve->run_capacity;
    return limit < fit ? limit : fit;
}

static uint32_t least_of(uint32_t most, uint32_t fit)
{
    const uint32_t least = most < fit ? most : fit;
    return least > 0 ? least : 1;
}

uint32_t redis_dying_most(const slotq_view *view)
{
    return least_of(DYING_MOST, SLOTQ_CALL_BYTES_MAX / view->stride);
}

uint32_t redis_redrive_most(const slotq_view *view)
{
    return least_of(REDRIVE_GROUPS_MOST / (view->geometry.groups + 1u),
                    SLOTQ_CALL_BYTES_MAX / view->stride);
}
