/* last_line.h: the last line of what a command writes, as it comes in pieces. Keeps the beginning
 * of a long line. Must not know where the bytes come from or what they are for.
 */
#ifndef SLOTQ_TOOLS_WORK_LAST_LINE_H
#define SLOTQ_TOOLS_WORK_LAST_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "slotq.h"

/* All zero: nothing was written. The fields are private. */
typedef struct last_line {
    char bytes[SLOTQ_NOTE_BYTES_MAX + 1]; /* one more, to see whether a cut splits a character */
    size_t size;
    bool is_over; /* its newline has come */
} last_line;

void last_line_add(last_line *line, const char *bytes, size_t size);

/* The last line that is not blank, without spaces at its ends, cut to most bytes at the edge of a
 * UTF-8 character. Valid until the next add. */
slotq_data last_line_text(const last_line *line, size_t most);

#endif
