/* slotq_wait.h: waiting for a message without leasing it: for a thread that tells another one, such
 * as an event loop. slotq.h includes it.
 */
#ifndef SLOTQ_WAIT_H
#define SLOTQ_WAIT_H

#include "slotq.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Wait up to wait_ms (0 = only look) until a reserve of the group may find a message. Nothing is
 * leased, no attempt and no rate counts. OK: reserve now. Another caller may be faster: the reserve
 * then returns EMPTY. A caller that got OK from a wait and will not reserve calls slotq_wait with
 * 0, which wakes another one in its place. EMPTY and LIMITED: none came, as slotq_reserve; PAUSED;
 * UNSUPPORTED: the queue is in Redis (slotq_redis_listen). */
SLOTQ_API slotq_outcome slotq_wait(slotq *queue, uint8_t group, uint64_t wait_ms);

#ifdef __cplusplus
}
#endif
#endif
