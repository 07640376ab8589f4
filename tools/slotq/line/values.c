/* values.c: numbers, sizes, times, ids and tokens read from text (values.h).
 */
#include "values.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Digits from text on into value; answers how many, 0 also when it does not fit. */
static size_t read_digits(const char *text, uint64_t *value)
{
    uint64_t sum = 0;
    size_t used = 0;
    for (; text[used] >= '0' && text[used] <= '9'; used++) {
        const uint64_t digit = (uint64_t)(text[used] - '0');
        if (sum > (UINT64_MAX - digit) / 10) {
            return 0;
        }
        sum = sum * 10 + digit;
    }
    *value = sum;
    return used;
}

bool parse_count(const char *text, uint64_t *value)
{
    const size_t used = read_digits(text, value);
    return used != 0 && text[used] == '\0';
}

bool parse_bytes(const char *text, uint64_t *value)
{
    static const struct {
        const char *unit;
        uint64_t factor;
    } units[] = {
        {"", 1},       {"b", 1},           {"B", 1},           {"k", 1024},         {"K", 1024},
        {"KiB", 1024}, {"m", 1024 * 1024}, {"M", 1024 * 1024}, {"MiB", 1024 * 1024}};
    uint64_t number;
    const size_t used = read_digits(text, &number);
    for (size_t i = 0; used != 0 && i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(text + used, units[i].unit) == 0) {
            *value = number * units[i].factor;
            return number <= UINT64_MAX / units[i].factor;
        }
    }
    return false;
}

static uint64_t unit_ms(const char *text, size_t *length)
{
    *length = 1;
    if (text[0] == 'm' && text[1] == 's') {
        *length = 2;
        return 1;
    }
    switch (text[0]) {
    case 's':
        return 1000;
    case 'm':
        return 60 * 1000;
    case 'h':
        return 60 * 60 * 1000;
    case 'd':
        return 24 * 60 * 60 * 1000;
    default:
        return 0;
    }
}

/* One number with its unit, at most three decimals that count. 0 = no such thing here. */
static size_t read_time_part(const char *text, uint64_t *part_ms)
{
    uint64_t number;
    size_t used = read_digits(text, &number);
    if (used == 0) {
        return 0;
    }
    uint64_t decimals = 0;
    uint64_t scale = 1;
    if (text[used] == '.' && text[used + 1] >= '0' && text[used + 1] <= '9') {
        for (used++; text[used] >= '0' && text[used] <= '9'; used++) {
            if (scale < 1000) {
                decimals = decimals * 10 + (uint64_t)(text[used] - '0');
                scale *= 10;
            }
        }
    }
    size_t length;
    const uint64_t unit = unit_ms(text + used, &length);
    if (unit == 0 || number > UINT64_C(1) << 50) {
        return 0;
    }
    *part_ms = number * unit + decimals * unit / scale;
    return used + length;
}

/* Times up to the end of the text or up to a "..". */
static size_t read_time(const char *text, uint64_t *value_ms)
{
    if (text[0] == '0' && (text[1] == '\0' || text[1] == '.')) {
        if (text[1] == '\0' || text[2] == '.') {
            *value_ms = 0;
            return 1;
        }
    }
    uint64_t sum = 0;
    size_t used = 0;
    while (text[used] != '\0' && text[used] != '.') {
        uint64_t part;
        const size_t length = read_time_part(text + used, &part);
        if (length == 0 || part > UINT64_MAX / 2 - sum) {
            return 0;
        }
        sum += part;
        used += length;
    }
    *value_ms = sum;
    return used;
}

bool parse_time(const char *text, uint64_t *value_ms)
{
    const size_t used = read_time(text, value_ms);
    return used != 0 && text[used] == '\0';
}

bool parse_times(const char *text, uint64_t *least_ms, uint64_t *most_ms)
{
    const size_t used = read_time(text, least_ms);
    if (used == 0) {
        return false;
    }
    if (text[used] == '\0') {
        *most_ms = *least_ms;
        return true;
    }
    return strncmp(text + used, "..", 2) == 0 && parse_time(text + used + 2, most_ms) &&
           *least_ms <= *most_ms;
}

bool parse_rate(const char *text, uint64_t *interval_us)
{
    uint64_t count;
    uint64_t period_ms;
    const size_t used = read_digits(text, &count);
    if (used == 0 || text[used] != '/' || count == 0) {
        return false;
    }
    const char *period = text + used + 1;
    size_t length;
    const uint64_t unit = unit_ms(period, &length);
    if (unit != 0 && period[length] == '\0') {
        period_ms = unit;
    } else if (!parse_time(period, &period_ms)) {
        return false;
    }
    if (period_ms == 0 || period_ms > SLOTQ_RATE_INTERVAL_US_MAX || count > period_ms * 1000) {
        return false;
    }
    *interval_us = (period_ms * 1000 + count - 1) / count;
    return *interval_us <= SLOTQ_RATE_INTERVAL_US_MAX;
}

bool parse_id(const char *text, uint64_t *id)
{
    return slotq_id_read(text, strlen(text), id);
}

bool parse_token(const char *text, slotq_run *run)
{
    uint64_t token;
    const size_t used = strcspn(text, ":");
    if (text[used] == '\0' || !parse_count(text + used + 1, &token) || token > UINT32_MAX ||
        !slotq_id_read(text, used, &run->id)) {
        return false;
    }
    run->token = (uint32_t)token;
    run->count = 1;
    return true;
}
