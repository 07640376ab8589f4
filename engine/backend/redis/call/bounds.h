/* bounds.h: how many messages one script call is to carry. Knows the geometry; no arguments, no
 * reply.
 */
#ifndef SLOTQ_BACKEND_REDIS_CALL_BOUNDS_H
#define SLOTQ_BACKEND_REDIS_CALL_BOUNDS_H

#include "../../../slotq_core.h"

/* Messages that a reserve asks for: no more than a script call is to carry. */
uint32_t redis_reserve_limit(const slotq_view *view, const slotq_call_reserve *reserve);

/* Messages that one call is to let die, or to redrive: what else it would keep a server busy for is
 * in INTERNALS.md, "The scripts". At least 1. */
uint32_t redis_dying_most(const slotq_view *view);
uint32_t redis_redrive_most(const slotq_view *view);

#endif
