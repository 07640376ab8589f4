/* keyed.h: one message with a key, from push. */
#ifndef SLOTQ_TOOLS_VERBS_KEYED_H
#define SLOTQ_TOOLS_VERBS_KEYED_H

#include "../line/command_line.h"

/* The exit code. */
int push_keyed(const command_line *line, bool from_stdin);

#endif
