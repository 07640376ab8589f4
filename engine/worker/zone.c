/* zone.c: time zones (zone.h). Every count and time of the bytes is checked before it is used; all
 * loops are bounded by the size of the bytes or by a few years.
 */
#include "zone.h"

#include <string.h>

enum {
    DAY_S = 86400,
    OFFSET_MOST_S = 26 * 3600, /* what RFC 9636 lets zones have, and a little more */
    HEADER_BYTES = 44,
    TYPE_BYTES = 6,
    RULE_HOURS_MOST = 167
};

/* ---- the calendar ---- */

/* Years from 1 on begin with March here, so that February is last and leap days are at an end. */
static int64_t days_before_year(int64_t year)
{
    return year * 365 + year / 4 - year / 100 + year / 400;
}

enum { DAYS_TO_1970 = 719468, DAYS_OF_400_YEARS = 146097 };

int64_t zone_days_of(int64_t year, int32_t month, int32_t day)
{
    const int64_t shifted_year = month > 2 ? year : year - 1;
    const int32_t shifted_month = month > 2 ? month - 3 : month + 9;
    return days_before_year(shifted_year) + (153 * shifted_month + 2) / 5 + day - 1 - DAYS_TO_1970;
}

zone_day zone_day_of(int64_t days)
{
    const int64_t since = days + DAYS_TO_1970;
    /* A year too many at most, because leap days are spread evenly enough. */
    int64_t year = since * 400 / DAYS_OF_400_YEARS + 1;
    while (days_before_year(year) > since) {
        year--;
    }
    const int32_t of_year = (int32_t)(since - days_before_year(year));
    const int32_t month = (5 * of_year + 2) / 153;
    const zone_day day = {.year = month < 10 ? year : year + 1,
                          .month = month < 10 ? month + 3 : month - 9,
                          .day = of_year - (153 * month + 2) / 5 + 1};
    return day;
}

int32_t zone_weekday_of(int64_t days)
{
    const int64_t remainder = (days + 4) % 7; /* 1970-01-01 was a Thursday */
    return (int32_t)(remainder < 0 ? remainder + 7 : remainder);
}

static bool is_leap_year(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int32_t zone_month_days(int64_t year, int32_t month)
{
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap_year(year) ? 29 : days[month - 1];
}

int64_t zone_days_of_s(int64_t seconds)
{
    return seconds >= 0 ? seconds / DAY_S : -((-(seconds + 1)) / DAY_S) - 1;
}

/* ---- numbers in the bytes ---- */

static uint32_t read_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static int32_t read_i32(const uint8_t *bytes)
{
    const uint32_t value = read_u32(bytes);
    return value <= INT32_MAX ? (int32_t)value : -(int32_t)(UINT32_MAX - value) - 1;
}

static int64_t read_i64(const uint8_t *bytes)
{
    const uint64_t value = (uint64_t)read_u32(bytes) << 32 | read_u32(bytes + 4);
    return value <= INT64_MAX ? (int64_t)value : -(int64_t)(UINT64_MAX - value) - 1;
}

static int64_t change_s(const time_zone *zone, uint32_t index)
{
    const uint8_t *time = zone->times + (size_t)index * zone->time_bytes;
    return zone->time_bytes == 4 ? read_i32(time) : read_i64(time);
}

static int32_t type_offset_s(const time_zone *zone, uint32_t type)
{
    return read_i32(zone->offsets + (size_t)type * TYPE_BYTES);
}

/* ---- the tail: a POSIX TZ string ---- */

typedef struct cursor {
    const uint8_t *at;
    const uint8_t *end;
} cursor;

static bool take(cursor *text, char byte)
{
    if (text->at == text->end || *text->at != (uint8_t)byte) {
        return false;
    }
    text->at++;
    return true;
}

/* One to three digits. */
static bool take_number(cursor *text, int32_t least, int32_t most, int32_t *number)
{
    enum { DIGITS_MOST = 3 };
    const uint8_t *first = text->at;
    int32_t value = 0;
    while (text->at < text->end && text->at - first < DIGITS_MOST && *text->at >= '0' &&
           *text->at <= '9') {
        value = value * 10 + (*text->at++ - '0');
    }
    *number = value;
    return text->at != first && value >= least && value <= most;
}

static bool is_letter(uint8_t byte)
{
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

/* Three letters or more, or in angles also digits and signs. */
static bool take_abbreviation(cursor *text)
{
    const bool is_quoted = take(text, '<');
    const uint8_t *first = text->at;
    while (text->at < text->end &&
           (is_letter(*text->at) || (is_quoted && ((*text->at >= '0' && *text->at <= '9') ||
                                                   *text->at == '+' || *text->at == '-')))) {
        text->at++;
    }
    return text->at - first >= 3 && (!is_quoted || take(text, '>'));
}

/* [+-]H[:MM[:SS]] */
static bool take_time(cursor *text, int32_t hours_most, int32_t *time_s)
{
    const bool is_negative = take(text, '-');
    int32_t hours;
    int32_t minutes = 0;
    int32_t seconds = 0;
    if (!is_negative) {
        take(text, '+');
    }
    if (!take_number(text, 0, hours_most, &hours)) {
        return false;
    }
    if (take(text, ':')) {
        if (!take_number(text, 0, 59, &minutes) ||
            (take(text, ':') && !take_number(text, 0, 59, &seconds))) {
            return false;
        }
    }
    *time_s = (hours * 60 + minutes) * 60 + seconds;
    *time_s = is_negative ? -*time_s : *time_s;
    return true;
}

/* POSIX counts west of UTC. */
static bool take_offset(cursor *text, int32_t *offset_s)
{
    enum { HOURS_MOST = 24 };
    const bool good = take_time(text, HOURS_MOST, offset_s);
    *offset_s = good ? -*offset_s : 0;
    return good;
}

static bool take_rule(cursor *text, zone_rule *rule)
{
    bool good;
    rule->kind = 'N';
    if (take(text, 'M')) {
        rule->kind = 'M';
        good = take_number(text, 1, 12, &rule->month) && take(text, '.') &&
               take_number(text, 1, 5, &rule->week) && take(text, '.') &&
               take_number(text, 0, 6, &rule->day);
    } else if (take(text, 'J')) {
        rule->kind = 'J';
        good = take_number(text, 1, 365, &rule->day);
    } else {
        good = take_number(text, 0, 365, &rule->day);
    }
    rule->at_s = 2 * 3600;
    return good && (!take(text, '/') || take_time(text, RULE_HOURS_MOST, &rule->at_s));
}

static bool read_tail(zone_tail *tail, cursor text)
{
    if (text.at == text.end) {
        return true; /* the file does not know what comes after it */
    }
    tail->is_there = true;
    if (!take_abbreviation(&text) || !take_offset(&text, &tail->offset_s)) {
        return false;
    }
    if (text.at == text.end) {
        return true;
    }
    tail->has_summer = true;
    tail->summer_offset_s = tail->offset_s + 3600;
    if (!take_abbreviation(&text) ||
        (text.at < text.end && *text.at != ',' && !take_offset(&text, &tail->summer_offset_s))) {
        return false;
    }
    return take(&text, ',') && take_rule(&text, &tail->begin) && take(&text, ',') &&
           take_rule(&text, &tail->end) && text.at == text.end;
}

/* ---- the file ---- */

/* What the header of a block counts. */
typedef struct block {
    uint64_t ut_count;
    uint64_t standard_count;
    uint64_t leap_count;
    uint64_t time_count;
    uint64_t type_count;
    uint64_t char_count;
} block;

/* Counts are below 2^32, so that the sum cannot overflow. */
static uint64_t block_bytes(const block *counts, uint64_t time_bytes)
{
    return counts->time_count * (time_bytes + 1) + counts->type_count * TYPE_BYTES +
           counts->char_count + counts->leap_count * (time_bytes + 4) + counts->standard_count +
           counts->ut_count;
}

static bool read_header(const uint8_t *bytes, size_t size, block *counts)
{
    if (size < HEADER_BYTES || memcmp(bytes, "TZif", 4) != 0 ||
        (bytes[4] != 0 && (bytes[4] < '2' || bytes[4] > '4'))) {
        return false;
    }
    uint64_t *all[] = {&counts->ut_count,   &counts->standard_count, &counts->leap_count,
                       &counts->time_count, &counts->type_count,     &counts->char_count};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        *all[i] = read_u32(bytes + 20 + 4 * i);
    }
    return true;
}

static const char *check_changes(const time_zone *zone, uint64_t type_count)
{
    for (uint32_t i = 0; i < type_count; i++) {
        const int32_t offset_s = type_offset_s(zone, i);
        if (offset_s < -OFFSET_MOST_S || offset_s > OFFSET_MOST_S) {
            return "has an offset of more than 26 hours";
        }
    }
    for (uint32_t i = 0; i < zone->change_count; i++) {
        if (zone->types[i] >= type_count) {
            return "has a change to an offset that it does not list";
        }
        if (i > 0 && change_s(zone, i) <= change_s(zone, i - 1)) {
            return "has changes that are not in order";
        }
    }
    return NULL;
}

/* A block whose bytes are all there. */
static const char *read_block(time_zone *zone, const uint8_t *bytes, const block *counts,
                              uint32_t time_bytes)
{
    if (counts->leap_count != 0) {
        return "counts leap seconds";
    }
    if (counts->type_count == 0 || counts->type_count > 256) {
        return "does not have 1 to 256 offsets";
    }
    zone->time_bytes = time_bytes;
    zone->change_count = (uint32_t)counts->time_count;
    zone->times = bytes;
    zone->types = zone->times + counts->time_count * time_bytes;
    zone->offsets = zone->types + counts->time_count;
    return check_changes(zone, counts->type_count);
}

static const char *read_file(time_zone *zone, const uint8_t *bytes, size_t size)
{
    block counts;
    if (size > ZONE_BYTES_MAX) {
        return "is larger than 65,536 bytes";
    }
    if (!read_header(bytes, size, &counts)) {
        return "does not have the header of a zone (TZif, version 1 to 4)";
    }
    const bool is_short = bytes[4] == 0; /* version 1 has 4-byte times, and no second block */
    uint64_t begin = HEADER_BYTES;
    if (block_bytes(&counts, 4) > size - begin) {
        return "is cut";
    }
    if (is_short) {
        return read_block(zone, bytes + begin, &counts, 4);
    }
    begin += block_bytes(&counts, 4);
    if (!read_header(bytes + begin, size - begin, &counts)) {
        return "does not have the second header of a zone";
    }
    begin += HEADER_BYTES;
    const uint64_t body_bytes = block_bytes(&counts, 8);
    if (body_bytes > size - begin) {
        return "is cut";
    }
    const char *why = read_block(zone, bytes + begin, &counts, 8);
    if (why != NULL) {
        return why;
    }
    begin += body_bytes;
    const uint8_t *end = begin < size && bytes[begin] == '\n'
                             ? memchr(bytes + begin + 1, '\n', size - begin - 1)
                             : NULL;
    if (end == NULL) {
        return "is cut";
    }
    const cursor text = {bytes + begin + 1, end};
    return read_tail(&zone->tail, text) ? NULL : "has a rule for later years that is not POSIX";
}

void zone_utc(time_zone *zone)
{
    memset(zone, 0, sizeof *zone);
    zone->tail.is_there = true;
}

bool zone_read(time_zone *zone, const uint8_t *bytes, size_t size, const char **why)
{
    memset(zone, 0, sizeof *zone);
    *why = read_file(zone, bytes, size);
    return *why == NULL;
}

bool zone_name_is_good(const char *name)
{
    const size_t bytes = strnlen(name, ZONE_NAME_BYTES_MAX + 1);
    char before = '/';
    for (size_t i = 0; i < bytes; i++) {
        const char byte = name[i];
        const bool is_plain = is_letter((uint8_t)byte) || (byte >= '0' && byte <= '9') ||
                              byte == '_' || byte == '+' || byte == '-';
        if (!is_plain && (byte != '/' || before == '/')) {
            return false;
        }
        before = byte;
    }
    return bytes > 0 && bytes <= ZONE_NAME_BYTES_MAX && before != '/';
}

/* ---- offsets ---- */

static int64_t rule_days(const zone_rule *rule, int64_t year)
{
    const int64_t first = zone_days_of(year, 1, 1);
    if (rule->kind == 'N') {
        return first + rule->day;
    }
    if (rule->kind == 'J') {
        return first + rule->day - 1 + (is_leap_year(year) && rule->day >= 60 ? 1 : 0);
    }
    const int64_t month_first = zone_days_of(year, rule->month, 1);
    const int32_t to_day = (rule->day - zone_weekday_of(month_first) + 7) % 7;
    int32_t of_month = to_day + (rule->week - 1) * 7;
    if (of_month >= zone_month_days(year, rule->month)) {
        of_month -= 7;
    }
    return month_first + of_month;
}

/* The instants of a year at which the summer begins and ends. */
static void tail_changes(const zone_tail *tail, int64_t year, int64_t *begin_s, int64_t *end_s)
{
    *begin_s = rule_days(&tail->begin, year) * DAY_S + tail->begin.at_s - tail->offset_s;
    *end_s = rule_days(&tail->end, year) * DAY_S + tail->end.at_s - tail->summer_offset_s;
}

enum { YEARS_AROUND = 2 }; /* a rule's time moves its change by a week at most */

/* The years 68 to 35 million: before and after them the tail has the offset of that moment. */
#define TAIL_FIRST_S (-INT64_C(60000000000))
#define TAIL_LAST_S (INT64_C(1) << 50)

static int64_t cut_s(int64_t utc_s)
{
    const int64_t least_s = utc_s > TAIL_FIRST_S ? utc_s : TAIL_FIRST_S;
    return least_s < TAIL_LAST_S ? least_s : TAIL_LAST_S;
}

static int32_t tail_offset_s(const zone_tail *tail, int64_t utc_s)
{
    int64_t latest_s = INT64_MIN;
    bool is_summer = false;
    if (!tail->has_summer) {
        return tail->offset_s;
    }
    const int64_t now_s = cut_s(utc_s);
    const int64_t year = zone_day_of(zone_days_of_s(now_s)).year;
    for (int64_t i = year - YEARS_AROUND; i <= year + YEARS_AROUND; i++) {
        int64_t begin_s;
        int64_t end_s;
        tail_changes(tail, i, &begin_s, &end_s);
        if (end_s <= now_s && end_s > latest_s) {
            latest_s = end_s;
            is_summer = false;
        }
        /* Where a summer begins as one ends, summer is all the year. */
        if (begin_s <= now_s && begin_s >= latest_s) {
            latest_s = begin_s;
            is_summer = true;
        }
    }
    return is_summer ? tail->summer_offset_s : tail->offset_s;
}

static int64_t tail_next_change_s(const zone_tail *tail, int64_t utc_s)
{
    int64_t next_s = INT64_MAX;
    const int64_t now_s = cut_s(utc_s);
    if (!tail->has_summer || now_s < utc_s) {
        return INT64_MAX;
    }
    if (now_s > utc_s) {
        return now_s;
    }
    const int64_t year = zone_day_of(zone_days_of_s(now_s)).year;
    for (int64_t i = year - YEARS_AROUND; i <= year + YEARS_AROUND; i++) {
        int64_t begin_s;
        int64_t end_s;
        tail_changes(tail, i, &begin_s, &end_s);
        next_s = begin_s > now_s && begin_s < next_s ? begin_s : next_s;
        next_s = end_s > now_s && end_s < next_s ? end_s : next_s;
    }
    return next_s;
}

/* How many listed changes are at utc_s or before. */
static uint32_t changes_until(const time_zone *zone, int64_t utc_s)
{
    uint32_t low = 0;
    uint32_t high = zone->change_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (change_s(zone, middle) <= utc_s) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

int32_t zone_offset_s(const time_zone *zone, int64_t utc_s)
{
    const uint32_t count = changes_until(zone, utc_s);
    if (count == zone->change_count && zone->tail.is_there) {
        return tail_offset_s(&zone->tail, utc_s);
    }
    return type_offset_s(zone, count == 0 ? 0 : zone->types[count - 1]);
}

int64_t zone_next_change_s(const time_zone *zone, int64_t utc_s)
{
    const uint32_t count = changes_until(zone, utc_s);
    if (count < zone->change_count) {
        return change_s(zone, count);
    }
    return zone->tail.is_there ? tail_next_change_s(&zone->tail, utc_s) : INT64_MAX;
}
