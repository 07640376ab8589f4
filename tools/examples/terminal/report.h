/* report.h: what an example shows: failures, a progress bar, numbers for people. Knows the
 * terminal; must not know queues.
 */
#ifndef EXAMPLES_TERMINAL_REPORT_H
#define EXAMPLES_TERMINAL_REPORT_H

#include <stdbool.h>
#include <stdint.h>

/* Print "PROGRAM: text" on stderr, and exit with 1. */
__attribute__((format(printf, 1, 2), noreturn)) void report_failure(const char *format, ...);

/* One line of the proof: "  holds   text", or "  FAILS   text". Returns `holds`. */
__attribute__((format(printf, 2, 3))) bool report_proof(bool holds, const char *format, ...);

/* The exit code of the whole proof. A proof that cannot be printed is a failure. */
int report_exit(bool holds);

/* A bar on stderr, if that is a terminal. It disappears when done reaches all. */
void report_progress(const char *what, uint64_t done, uint64_t all);

enum { REPORT_NUMBER_BYTES = 32 };

/* 100,000 for 100000, written into text. Returns text. */
const char *report_number(uint64_t number, char text[REPORT_NUMBER_BYTES]);

#endif
