/* cron_spec.h: the text of a cron entry, read into sets of minutes, hours and days. Pure: knows no
 * zone and no clock.
 */
#ifndef SLOTQ_WORKER_CRON_SPEC_H
#define SLOTQ_WORKER_CRON_SPEC_H

#include "../slotq.h"

enum { CRON_SPEC_BYTES_MAX = 256, CRON_EVERY_DAYS_MAX = 2922 };

/* Sets of bits: 1 << value. */
typedef struct cron_spec {
    uint64_t every_s; /* not 0: @every, and nothing else counts */
    uint64_t minutes;
    uint64_t hours;
    uint64_t month_days;
    uint64_t months;
    uint64_t weekdays;  /* 0 to 6, 0 = Sunday */
    bool any_month_day; /* the field is * */
    bool any_weekday;
    bool any_hour; /* * or a step over it: by real time, whatever the wall shows */
} cron_spec;

/* OK, or INVALID: error names the field, the value and the range. */
slotq_outcome cron_spec_read(const char *text, cron_spec *spec, slotq_error *error);

/* The day is one of the spec's. weekday 0 = Sunday. */
bool cron_spec_has_day(const cron_spec *spec, int32_t month, int32_t month_day, int32_t weekday);
/* The first minute of a day, from minute on (0 = midnight), that is one of the spec's; -1: none. */
int32_t cron_spec_minute_from(const cron_spec *spec, int32_t minute);

#endif
