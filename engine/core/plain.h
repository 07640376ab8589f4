/* plain.h: the plain path: the common case of push, reserve and ack, in as few instructions as
 * possible. It makes the same patches as the general steps of the verb, or declines. A build with
 * SLOTQ_NO_PLAIN leaves it out; -Os does, because it takes 3 KiB.
 */
#ifndef SLOTQ_CORE_PLAIN_H
#define SLOTQ_CORE_PLAIN_H

#include "../slotq_core.h"

#if defined(__OPTIMIZE_SIZE__) && !defined(SLOTQ_NO_PLAIN)
#define SLOTQ_NO_PLAIN
#endif

/* True: this one step completes the call, the outcome is OK. False: nothing was done. */
#ifndef SLOTQ_NO_PLAIN
bool plain_step(const slotq_view *view, slotq_call *call, slotq_step *step);
#else
static inline bool plain_step(const slotq_view *view, slotq_call *call, slotq_step *step)
{
    (void)view;
    (void)call;
    (void)step;
    return false;
}
#endif

#endif
