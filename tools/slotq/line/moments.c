/* moments.c: see moments.h. The calendar is the C library's.
 */
#define _GNU_SOURCE
#include "moments.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

#include "../say/report.h"
#include "../say/texts.h"
#include "slotq.h"

enum { EPOCH_DIGITS_LEAST = 9 }; /* fewer are more likely a day or a time written together */

/* The number of so many digits at *text, which moves behind them; -1: there are not so many. */
static int take_digits(const char **text, size_t digits)
{
    int number = 0;
    for (size_t i = 0; i < digits; i++, (*text)++) {
        if (**text < '0' || **text > '9') {
            return -1;
        }
        number = number * 10 + (**text - '0');
    }
    return number;
}

static bool take(const char **text, const char *one_of)
{
    if (**text == '\0' || strchr(one_of, **text) == NULL) {
        return false;
    }
    (*text)++;
    return true;
}

/* A dot and digits, of which three count; nothing there is 0. */
static bool take_fraction(const char **text, unsigned *ms)
{
    *ms = 0;
    if (!take(text, ".")) {
        return true;
    }
    unsigned scale = 100;
    const char *first = *text;
    for (; **text >= '0' && **text <= '9'; (*text)++) {
        *ms += scale * (unsigned)(**text - '0');
        scale /= 10;
    }
    return *text != first;
}

/* Z or an offset; neither is the local zone. */
static bool take_zone(const char **text, bool *is_local, long *east_s)
{
    *is_local = **text == '\0';
    *east_s = 0;
    if (*is_local || take(text, "Zz")) {
        return true;
    }
    const bool is_east = **text == '+';
    if (!take(text, "+-")) {
        return false;
    }
    const int hours = take_digits(text, 2);
    const bool has_colon = take(text, ":");
    const int minutes = take_digits(text, 2);
    *east_s = (hours * 60L + minutes) * 60 * (is_east ? 1 : -1);
    return has_colon && hours >= 0 && hours < 24 && minutes >= 0 && minutes < 60;
}

static bool take_day_and_time(const char **text, struct tm *parts)
{
    parts->tm_year = take_digits(text, 4) - 1900;
    bool good = parts->tm_year >= -1900 && take(text, "-");
    parts->tm_mon = good ? take_digits(text, 2) - 1 : -1;
    good = parts->tm_mon >= 0 && take(text, "-");
    parts->tm_mday = good ? take_digits(text, 2) : -1;
    good = parts->tm_mday > 0 && take(text, "Tt ");
    parts->tm_hour = good ? take_digits(text, 2) : -1;
    good = parts->tm_hour >= 0 && take(text, ":");
    parts->tm_min = good ? take_digits(text, 2) : -1;
    if (parts->tm_min >= 0 && take(text, ":")) {
        parts->tm_sec = take_digits(text, 2);
    }
    return parts->tm_min >= 0 && parts->tm_sec >= 0;
}

/* A day or an hour that does not exist becomes another one, and is refused. */
static bool seconds_of(const struct tm *wanted, bool is_local, time_t *seconds)
{
    struct tm parts = *wanted;
    parts.tm_isdst = -1;
    *seconds = is_local ? mktime(&parts) : timegm(&parts);
    return parts.tm_mon == wanted->tm_mon && parts.tm_mday == wanted->tm_mday &&
           parts.tm_hour == wanted->tm_hour && parts.tm_min == wanted->tm_min &&
           parts.tm_sec == wanted->tm_sec;
}

static moment_answer within(uint64_t seconds, unsigned ms, uint64_t *moment_ms)
{
    if (seconds > SLOTQ_NOW_MS_MAX / 1000) {
        return MOMENT_BEYOND;
    }
    *moment_ms = seconds * 1000 + ms;
    return *moment_ms <= SLOTQ_NOW_MS_MAX ? MOMENT_READ : MOMENT_BEYOND;
}

static moment_answer parse_epoch(const char *text, uint64_t *moment_ms)
{
    const bool is_marked = take(&text, "@");
    uint64_t seconds = 0;
    size_t digits = 0;
    unsigned ms;
    for (; *text >= '0' && *text <= '9'; text++, digits++) {
        if (seconds <= SLOTQ_NOW_MS_MAX) { /* a larger one is out of range already */
            seconds = seconds * 10 + (uint64_t)(*text - '0');
        }
    }
    if (digits < (is_marked ? 1 : EPOCH_DIGITS_LEAST) || !take_fraction(&text, &ms) ||
        *text != '\0') {
        return MOMENT_NONE;
    }
    return within(seconds, ms, moment_ms);
}

moment_answer parse_moment(const char *text, uint64_t *moment_ms, bool *is_local)
{
    struct tm parts = {0};
    unsigned ms;
    long east_s;
    time_t seconds;
    *is_local = false;
    const moment_answer epoch = parse_epoch(text, moment_ms);
    if (epoch != MOMENT_NONE) {
        return epoch;
    }
    if (!take_day_and_time(&text, &parts) || !take_fraction(&text, &ms) ||
        !take_zone(&text, is_local, &east_s) || *text != '\0' ||
        !seconds_of(&parts, *is_local, &seconds)) {
        return MOMENT_NONE;
    }
    return seconds < east_s ? MOMENT_BEYOND : within((uint64_t)(seconds - east_s), ms, moment_ms);
}

int read_moment(const command_line *line, uint64_t *moment_ms, bool *is_local)
{
    const char *text = line->options[OPTION_AT].text;
    switch (parse_moment(text, moment_ms, is_local)) {
    case MOMENT_READ:
        return EXIT_CODE_OK;
    case MOMENT_BEYOND:
        complain("--at %.60s: out of range: must be from %s to %s", plain_word(text).text,
                 any_moment_text(0).text, any_moment_text(SLOTQ_NOW_MS_MAX).text);
        break;
    default:
        complain("--at %.60s: must be a time such as 2026-12-31T18:00:00Z, 2026-12-31T18:00+01:00, "
                 "2026-12-31T18:00 (local time), or seconds since 1970 (@1798740000)",
                 plain_word(text).text);
        break;
    }
    return EXIT_CODE_USAGE;
}
