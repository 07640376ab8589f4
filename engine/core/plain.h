/* plain.h: the plain path: what nearly every call is, in as few instructions as it takes. It
 * makes the very patches that the verb's own steps make, or says no and leaves it to them.
 */
#ifndef SLOTQ_CORE_PLAIN_H
#define SLOTQ_CORE_PLAIN_H

#include "../slotq_core.h"

/* true: the call is answered, OK, by this one step. false: nothing was done. */
bool plain_step(const slotq_view *view, slotq_call *call, slotq_step *step);

#endif
