/* sizes.h: the sizes of a queue in the words of the options that give them. */
#ifndef SLOTQ_TOOLS_VERBS_SIZES_H
#define SLOTQ_TOOLS_VERBS_SIZES_H

#include "../line/command_line.h"
#include "slotq.h"

/* Slots that --slots, --aside and, with keys, --later may have together: one more stays empty. */
enum { SIZES_TOGETHER_MOST = SLOTQ_RING_SLOTS_MAX - 1 };

/* EXIT_CODE_OK, or EXIT_CODE_USAGE after a message: sizes that do not go together. end: how the
 * message ends. */
int sizes_judge(const command_line *line, const slotq_geometry *sizes, const char *end);

/* A queue of that name is there with other sizes: say which, and the command that gives it those
 * that were wanted, if there is one. The exit code. */
int sizes_complain_other(const command_line *line, const char *name, const slotq_geometry *wanted,
                         const slotq_geometry *there);

#endif
