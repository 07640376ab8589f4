/* cron.c: the command cron: the next times of a spec, as the library finds them. Opens no queue.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "slotq_cron.h"

#include "../line/command_line.h"
#include "../line/moments.h"
#include "../say/output.h"
#include "../say/report.h"
#include "../say/texts.h"

enum { TIMES_USUALLY = 5 };

/* A time in UTC and in the zone that TZ names, RFC 3339. */
typedef struct zone_text {
    char utc[32];
    char there[48];
    char weekday[8];
} zone_text;

static zone_text text_of(uint64_t time_ms)
{
    const time_t seconds = (time_t)(time_ms / 1000);
    zone_text text;
    struct tm parts;
    gmtime_r(&seconds, &parts);
    strftime(text.utc, sizeof text.utc, "%Y-%m-%dT%H:%M:%SZ", &parts);
    localtime_r(&seconds, &parts);
    strftime(text.weekday, sizeof text.weekday, "%a", &parts);
    const size_t used = strftime(text.there, sizeof text.there, "%Y-%m-%dT%H:%M:%S", &parts);
    const long east_min = labs(parts.tm_gmtoff) / 60;
    snprintf(text.there + used, sizeof text.there - used, "%c%02ld:%02ld",
             parts.tm_gmtoff < 0 ? '-' : '+', east_min / 60, east_min % 60);
    return text;
}

static void print_time(const command_line *line, const char *zone, uint64_t time_ms,
                       uint64_t now_ms)
{
    const zone_text text = text_of(time_ms);
    if (given(line, OPTION_JSON)) {
        output_json(json_pack("{s:I, s:s, s:s, s:s}", "time_ms", (json_int_t)time_ms, "utc",
                              text.utc, "zone", zone, "local", text.there));
    } else if (output_is_terminal()) {
        printf("%-20s  %s %-25s  %s\n", text.utc, text.weekday, text.there,
               time_ms > now_ms ? time_text(time_ms - now_ms).text : "past");
    } else {
        printf("%s\t%s\n", text.utc, text.there);
    }
}

static int print_times(const command_line *line, const char *spec, const char *zone, uint64_t at_ms,
                       uint64_t now_ms)
{
    const uint64_t wanted = option_number(line, OPTION_NUMBER, TIMES_USUALLY);
    slotq_error error;
    for (uint64_t i = 0; i < wanted; i++) {
        const slotq_outcome outcome = slotq_cron_next(spec, zone, at_ms, &at_ms, &error);
        if (outcome == SLOTQ_EMPTY && i > 0) {
            break;
        }
        if (outcome != SLOTQ_OK) {
            return complain_error(NULL, &error);
        }
        if (i == 0) {
            /* The C library reads the same file for the zone of the process. */
            setenv("TZ", zone, 1);
            tzset();
            if (output_is_terminal() && !given(line, OPTION_JSON)) {
                printf("%s%-20s  %-29s  %s%s\n", output_bold(), "UTC", zone, "IN", output_plain());
            }
        }
        print_time(line, zone, at_ms, now_ms);
    }
    return EXIT_CODE_OK;
}

int run_cron(const command_line *line)
{
    const char *what = line->operands[0];
    const char *zone = given(line, OPTION_ZONE) ? line->options[OPTION_ZONE].text : "UTC";
    struct timespec clock;
    clock_gettime(CLOCK_REALTIME, &clock);
    const uint64_t now_ms = (uint64_t)clock.tv_sec * 1000 + (uint64_t)clock.tv_nsec / 1000000;
    uint64_t at_ms = now_ms;
    if (strcmp(what, "next") != 0) {
        complain("cron %s: must be next, then the spec", plain_word(what).text);
        return EXIT_CODE_USAGE;
    }
    if (line->count > 2) { /* perhaps the shell has put file names in place of the stars */
        complain("cron next takes one argument, not %d: quote the spec, as in '30 2 * * mon-fri'",
                 line->count - 1);
        return EXIT_CODE_USAGE;
    }
    if (given(line, OPTION_AT)) {
        bool is_local;
        const int code = read_moment(line, &at_ms, &is_local);
        if (code != EXIT_CODE_OK) {
            return code;
        }
    }
    return print_times(line, line->operands[1], zone, at_ms, now_ms);
}
