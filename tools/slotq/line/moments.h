/* moments.h: a moment of the calendar read from text. Knows the local time zone; no queue.
 */
#ifndef SLOTQ_TOOLS_LINE_MOMENTS_H
#define SLOTQ_TOOLS_LINE_MOMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "command_line.h"

typedef enum moment_answer {
    MOMENT_NONE, /* not such a moment, or no such day or hour */
    MOMENT_READ,
    MOMENT_BEYOND /* before 1970, or after the last one */
} moment_answer;

/* In milliseconds since 1970, up to 2^47 - 1: RFC 3339 (2026-12-01T10:00:00Z, or with +01:00), also
 * with a space for the T and without seconds; or seconds since 1970 (1796119200, or @ and any
 * number). *is_local: it had no zone, and was read in the local one. */
moment_answer parse_moment(const char *text, uint64_t *moment_ms, bool *is_local);

/* The moment of --at, which was given. EXIT_CODE_OK, or EXIT_CODE_USAGE after a message. */
int read_moment(const command_line *line, uint64_t *moment_ms, bool *is_local);

#endif
