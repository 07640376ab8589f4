/* create.h: what people are told of a queue's sizes. */
#ifndef SLOTQ_TOOLS_VERBS_CREATE_H
#define SLOTQ_TOOLS_VERBS_CREATE_H

#include "../line/command_line.h"
#include "slotq.h"

/* The sizes of the queue on stderr, with the sum of its bytes, or JSON on stdout. end: how the
 * first line ends; what, done: the field of the JSON that tells what the command did. */
void create_show(const command_line *line, const char *name, const char *end, const char *what,
                 bool done, const slotq_geometry *geometry);

/* Create a sharded queue of --shards queues of this geometry; the exit code, after a message. */
int create_sharded(const command_line *line, const slotq_geometry *geometry,
                   const slotq_options *options);

#endif
