/* report.h: messages on stderr, the progress line there, and exit codes. Knows no queue.
 */
#ifndef SLOTQ_TOOLS_SAY_REPORT_H
#define SLOTQ_TOOLS_SAY_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "slotq.h"

/* Exit codes, from errors.def. */
enum {
#define SLOTQ_EXIT(name, number, text) EXIT_CODE_##name = (number),
#include "errors.def"
#undef SLOTQ_EXIT
};

/* "slotq: …" and a newline on stderr; the progress line gives way. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, but not under --quiet: summaries and hints. */
void remark(const char *format, ...) __attribute__((format(printf, 1, 2)));
void report_be_quiet(void);

/* complain about an error with its text; returns the exit code. about: the queue, folder or server
 * that it concerns, put in front unless the text names it; or NULL. */
int complain_error(const char *about, const slotq_error *error);

/* The worse of two exit codes: failures before refusals, refusals before finding nothing. */
int worse_exit(int one, int other);

/* A line that is drawn over on a terminal (nothing elsewhere or under --quiet). total 0 =
 * not known. Draws at most a few times a second. */
void progress_show(const char *what, uint64_t done, uint64_t total);
/* Progress may be visible to a person. */
bool progress_wanted(void);
void progress_end(void);

/* After SIGINT, SIGTERM or SIGHUP once report_catch_signals was called: which, else 0. */
void report_catch_signals(void);
/* The same for a command that must clean up: a second signal does not end it. */
void report_catch_all_signals(void);
int report_signal(void);
/* Exit code for an interrupted command. */
int report_interrupted(void);

#endif
