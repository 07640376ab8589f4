/* dump.h: the parts of the command dump: fields of the front, and what the sections hold.
 */
#ifndef SLOTQ_TOOLS_DUMP_DUMP_H
#define SLOTQ_TOOLS_DUMP_DUMP_H

#include "../verbs/image.h"

typedef struct dump {
    const command_line *line;
    const image *shown;
    bool json;
} dump;

/* Header, geometry, shared state, groups: a row a field. */
void dump_front(const dump *dumped);
/* Where the sections lie, and ranges of equal states, slots, dead. Only of an opened image. */
void dump_sections(const dump *dumped);
/* The descriptor of a sharded queue, instead of these two. */
void dump_descriptor(const dump *dumped);
/* All bytes as lines of sixteen, repeated lines left out. */
void dump_raw(const dump *dumped);
void dump_heading(const dump *dumped, const char *text);

#endif
