/* look.h: words for states and reasons, and the status of a message, shared by the commands that
 * show messages.
 */
#ifndef SLOTQ_TOOLS_VERBS_LOOK_H
#define SLOTQ_TOOLS_VERBS_LOOK_H

#include "../line/command_line.h"
#include "slotq.h"

/* "ready", "leased", "waiting", "done". */
const char *state_word(slotq_state state);
/* "acked", "dead", "removed", "other group". */
const char *why_word(slotq_why why);
/* "finished"; a queue that overwrites cannot tell whether a message was, or was dropped. */
const char *finished_words(const slotq *queue);

/* What status prints of one message. EXIT_CODE_OK, whatever its state, or another after a
 * message. */
int print_status_of(const command_line *line, slotq *queue, uint64_t id);

#endif
