/* look.h: words for states and reasons, shared by the commands that show messages.
 */
#ifndef SLOTQ_TOOLS_VERBS_LOOK_H
#define SLOTQ_TOOLS_VERBS_LOOK_H

#include "slotq.h"

/* "ready", "leased", "waiting", "done". */
const char *state_word(slotq_state state);
/* "acked", "dead", "removed", "other group". */
const char *why_word(slotq_why why);

#endif
