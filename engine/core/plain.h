/* plain.h: the plain path: the common case of push, reserve and ack, in as few instructions as
 * possible. It makes the same patches as the general steps of the verb, or declines.
 */
#ifndef SLOTQ_CORE_PLAIN_H
#define SLOTQ_CORE_PLAIN_H

#include "../slotq_core.h"

/* True: this one step completes the call, the outcome is OK. False: nothing was done. */
bool plain_step(const slotq_view *view, slotq_call *call, slotq_step *step);

#endif
