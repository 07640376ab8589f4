/* report.c: see report.h.
 */
#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void report_failure(const char *format, ...)
{
    va_list values;
    (void)fflush(stdout);
    (void)fprintf(stderr, "%s: ", program_invocation_short_name);
    va_start(values, format);
    (void)vfprintf(stderr, format, values);
    va_end(values);
    (void)fputc('\n', stderr);
    exit(1);
}

bool report_proof(bool holds, const char *format, ...)
{
    va_list values;
    printf("  %s  ", holds ? "holds" : "FAILS");
    va_start(values, format);
    (void)vprintf(format, values);
    va_end(values);
    (void)putchar('\n');
    return holds;
}

int report_exit(bool holds)
{
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        report_failure("cannot write to stdout: the proof is not complete");
    }
    return holds ? 0 : 1;
}

void report_progress(const char *what, uint64_t done, uint64_t all)
{
    static const char full[] = "##############################";
    static int shown = -1;
    const int most = (int)sizeof full - 1;
    const int filled = all == 0 || done >= all ? most : (int)(done * (uint64_t)most / all);
    if (filled == shown || !isatty(STDERR_FILENO)) {
        return;
    }
    shown = filled;
    if (filled < most) {
        (void)fprintf(stderr, "\r  %-30s [%-*.*s]", what, most, filled, full);
    } else {
        (void)fprintf(stderr, "\r%*s\r", most + 36, "");
    }
}

const char *report_number(uint64_t number, char text[REPORT_NUMBER_BYTES])
{
    char digits[REPORT_NUMBER_BYTES];
    const int count = snprintf(digits, sizeof digits, "%" PRIu64, number);
    char *to = text;
    for (int i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0) {
            *to++ = ',';
        }
        *to++ = digits[i];
    }
    *to = '\0';
    return text;
}
