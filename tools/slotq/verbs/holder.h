/* holder.h: why the oldest unfinished message of a queue is not finished yet, and which command
 * ends that; for stats, doctor and push. Prints nothing.
 */
#ifndef SLOTQ_TOOLS_VERBS_HOLDER_H
#define SLOTQ_TOOLS_VERBS_HOLDER_H

#include <stdbool.h>

#include "../line/command_line.h"
#include "slotq.h"

typedef struct holder_text {
    char text[2560];
} holder_text;

/* The dead section takes no more, and drops nothing to make room. */
bool dead_is_full(const slotq *queue, const slotq_stats *stats);

/* The cause and the cure for stats->holder, whose id is not 0: one or two sentences. */
holder_text holder_remedy(const command_line *line, const char *name, slotq *queue,
                          const slotq_stats *stats);

/* Say that the queue is full, which message holds it and what to do; rest, if not "", tells what
 * became of what was to go in. False: nothing was said, because there is room by now. */
bool complain_full(const command_line *line, const char *name, slotq *queue, const char *rest);

#endif
