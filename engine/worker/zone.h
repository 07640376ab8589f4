/* zone.h: a time zone read from the bytes of a TZif file (RFC 9636, versions 1 to 4): UTC to wall
 * time and back, with gaps and folds. Pure over bytes: knows no file, no clock, and not the zone of
 * the process. Only offsets are read; whether a time is "daylight saving" is not asked.
 *
 * Times are seconds since 1970: utc_s of UTC, wall_s as a clock on the wall there shows it.
 */
#ifndef SLOTQ_WORKER_ZONE_H
#define SLOTQ_WORKER_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ZONE_BYTES_MAX = 65536, ZONE_NAME_BYTES_MAX = 64 };

/* A day of the year on which the tail changes the offset. */
typedef struct zone_rule {
    char kind; /* 'M': a day of the week in a week of a month; 'J': 1 to 365, never February 29;
                  'N': 0 to 365, February 29 counts */
    int32_t month;
    int32_t week; /* 5 = the last */
    int32_t day;
    int32_t at_s; /* wall time of that day, may be negative or beyond the day */
} zone_rule;

/* Changes of years after those that the file lists. */
typedef struct zone_tail {
    bool is_there;
    bool has_summer;
    int32_t offset_s; /* east of UTC */
    int32_t summer_offset_s;
    zone_rule begin;
    zone_rule end;
} zone_tail;

/* Points into the bytes that it was read from. */
typedef struct time_zone {
    const uint8_t *times; /* of change_count changes, time_bytes each, ascending */
    const uint8_t *types; /* a byte each: into offsets */
    const uint8_t *offsets;
    uint32_t change_count;
    uint32_t time_bytes;
    zone_tail tail;
} time_zone;

/* UTC, without a file. */
void zone_utc(time_zone *zone);
/* Check all of a file. False: why is a static text, for behind "the file …". bytes must outlive
 * zone. */
bool zone_read(time_zone *zone, const uint8_t *bytes, size_t size, const char **why);

/* Seconds east of UTC: wall_s = utc_s + this. At most 26 hours to both sides. */
int32_t zone_offset_s(const time_zone *zone, int64_t utc_s);
/* The first instant after utc_s at which the offset may change; INT64_MAX: none. */
int64_t zone_next_change_s(const time_zone *zone, int64_t utc_s);

/* 1 to ZONE_NAME_BYTES_MAX bytes of A-Z a-z 0-9 _ + - and '/' between two of them: no dots, so no
 * way out of the folder. */
bool zone_name_is_good(const char *name);

/* The calendar, Gregorian, from year 1 on. Days since 1970-01-01; months are 1 to 12, days 1 to
 * 31. */
typedef struct zone_day {
    int64_t year;
    int32_t month;
    int32_t day;
} zone_day;

int64_t zone_days_of(int64_t year, int32_t month, int32_t day);
zone_day zone_day_of(int64_t days);
/* 0 = Sunday. */
int32_t zone_weekday_of(int64_t days);
int32_t zone_month_days(int64_t year, int32_t month);
/* Whole days of seconds, rounded down. */
int64_t zone_days_of_s(int64_t seconds);

#endif
