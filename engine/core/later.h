/* later.h: promotion: scheduled messages that are due become messages of the ring (FORMAT.md,
 * "Promotion"). Shared by push and reserve. In a build with SLOTQ_NO_LATER the verbs of scheduled
 * messages are UNSUPPORTED, and messages that are scheduled stay so.
 */
#ifndef SLOTQ_CORE_LATER_H
#define SLOTQ_CORE_LATER_H

#include "frame.h"

#ifndef SLOTQ_NO_LATER

enum { PROMOTIONS_MAX = 16 }; /* per call */

/* One step of promotion, or one that makes room for it. MORE: apply it and call again; OK: there is
 * none, nothing was patched. CORRUPT. */
slotq_outcome later_promote(verb_frame *frame);

/* The time at which a message is promoted if nothing else happens, for a caller that found none;
 * UINT64_MAX = never. */
uint64_t later_next_ms(const verb_frame *frame);

/* A scheduled message is due, and there is room for it: the next push or reserve promotes it. */
bool later_waits_for_call(const verb_frame *frame);

/* Make the scheduled message with the later id due now. OK, NOTFOUND, CORRUPT. */
slotq_outcome later_kick(verb_frame *frame, uint64_t later_id);

#else

static inline slotq_outcome later_promote(verb_frame *frame)
{
    (void)frame;
    return SLOTQ_OK;
}

static inline uint64_t later_next_ms(const verb_frame *frame)
{
    (void)frame;
    return UINT64_MAX;
}

static inline bool later_waits_for_call(const verb_frame *frame)
{
    (void)frame;
    return false;
}

static inline slotq_outcome later_kick(verb_frame *frame, uint64_t later_id)
{
    (void)frame;
    (void)later_id;
    return SLOTQ_UNSUPPORTED;
}

#endif

#endif
