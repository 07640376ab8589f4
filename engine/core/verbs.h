/* verbs.h: one function per verb, all with the same signature: the next step of a call, in a frame
 * whose front is loaded.
 */
#ifndef SLOTQ_CORE_VERBS_H
#define SLOTQ_CORE_VERBS_H

#include "frame.h"

typedef slotq_outcome verb_step(verb_frame *frame);

verb_step push_step;
verb_step reserve_step;
verb_step settle_step;
verb_step remove_step;
verb_step reclaim_step;
verb_step redrive_step;
verb_step dead_remove_step;
verb_step dead_purge_step;
verb_step pause_step;
verb_step purge_step;
verb_step status_step;
verb_step peek_step;
verb_step dead_list_step;
verb_step stats_step;
verb_step limit_step;
verb_step schedule_step;
verb_step cancel_step;
verb_step kick_step;
verb_step later_list_step;
verb_step find_step;
verb_step finish_step;

/* The next step of a call by its verb's function, where the plain path does not answer. */
slotq_outcome verbs_whole_step(const slotq_view *view, slotq_call *call, slotq_step *step);

/* The message that keeps the ring full. False: CORRUPT. Loads that message's group. */
bool find_holder(verb_frame *frame, slotq_holder *holder);

/* Whether call.progress.looks has an effect: a device has no thread that waits. */
#if defined(__OPTIMIZE_SIZE__) || defined(SLOTQ_NO_LOOK)
enum { VERBS_LOOK = 0 };
#else
enum { VERBS_LOOK = 1 };
#endif

#endif
