/* cron.c: the times of a cron entry. A zone is walked stretch by stretch, each with one offset; in
 * a stretch wall time is UTC and that offset, so that days are skipped without looking at the zone.
 */
#include "cron.h"

#include <stdlib.h>
#include <string.h>

#include "cron_spec.h"
#include "refuse.h"
#include "zone.h"
#include "zone_file.h"

enum {
    DAY_S = 86400,
    MINUTE_S = 60,
    GAP_MOST_S = 3 * 3600,
    /* Offsets are at most 26 hours to both sides: what was on the wall before cannot come again. */
    LOOK_BACK_S = 3 * DAY_S,
    LOOK_AHEAD_DAYS = 8 * 365 + 2
};

struct cron_plan {
    cron_spec spec;
    time_zone zone;
    uint8_t *zone_bytes; /* owned, or NULL */
};

/* ---- plans ---- */

void cron_plan_free(cron_plan *plan)
{
    if (plan != NULL) {
        free(plan->zone_bytes);
        free(plan);
    }
}

/* Give a plan out, or free it. */
static slotq_outcome give(cron_plan *made, slotq_outcome outcome, cron_plan **plan)
{
    if (outcome == SLOTQ_OK) {
        *plan = made;
    } else {
        cron_plan_free(made);
    }
    return outcome;
}

static slotq_outcome refuse_memory(slotq_error *error)
{
    refuse(error, SLOTQ_NOMEMORY, "cron: no memory for an entry");
    return SLOTQ_NOMEMORY;
}

static slotq_outcome read_zone(cron_plan *plan, const char *name, slotq_error *error)
{
    char path[ZONE_PATH_BYTES];
    const char *why;
    size_t size = 0;
    if (name == NULL || strcmp(name, "UTC") == 0) {
        zone_utc(&plan->zone);
        return SLOTQ_OK;
    }
    const slotq_outcome outcome = zone_file_read(name, path, &plan->zone_bytes, &size, error);
    if (outcome == SLOTQ_OK && !zone_read(&plan->zone, plan->zone_bytes, size, &why)) {
        return refuse(error, SLOTQ_INVALID, "zone %s: the file %s %s", name, path, why);
    }
    return outcome;
}

slotq_outcome cron_plan_make(const char *spec, const char *zone, cron_plan **plan,
                             slotq_error *error)
{
    cron_plan *made = calloc(1, sizeof *made);
    *plan = NULL;
    if (made == NULL) {
        return refuse_memory(error);
    }
    slotq_outcome outcome = cron_spec_read(spec, &made->spec, error);
    if (outcome == SLOTQ_OK) {
        outcome = read_zone(made, zone, error);
    }
    return give(made, outcome, plan);
}

slotq_outcome cron_plan_make_of(const char *spec, const uint8_t *zone_bytes, size_t size,
                                cron_plan **plan, slotq_error *error)
{
    const char *why;
    cron_plan *made = calloc(1, sizeof *made);
    *plan = NULL;
    if (made == NULL) {
        return refuse_memory(error);
    }
    slotq_outcome outcome = cron_spec_read(spec, &made->spec, error);
    if (outcome == SLOTQ_OK && !zone_read(&made->zone, zone_bytes, size, &why)) {
        outcome = refuse(error, SLOTQ_INVALID, "the file of the zone %s", why);
    }
    return give(made, outcome, plan);
}

/* ---- times ---- */

/* The first minute of the spec on the wall, from from_s on and before limit_s. */
static bool find_on_wall(const cron_spec *spec, int64_t from_s, int64_t limit_s, int64_t *wall_s)
{
    int64_t day = zone_days_of_s(from_s);
    int32_t minute = (int32_t)((from_s - day * DAY_S + MINUTE_S - 1) / MINUTE_S);
    while (day * DAY_S < limit_s) {
        const zone_day date = zone_day_of(day);
        if ((spec->months >> date.month & 1) == 0) {
            day += zone_month_days(date.year, date.month) - date.day + 1;
            minute = 0;
            continue;
        }
        const int32_t found = cron_spec_has_day(spec, date.month, date.day, zone_weekday_of(day))
                                  ? cron_spec_minute_from(spec, minute)
                                  : -1;
        if (found >= 0) {
            *wall_s = day * DAY_S + (int64_t)found * MINUTE_S;
            return *wall_s < limit_s;
        }
        day++;
        minute = 0;
    }
    return false;
}

/* seen_s: how far the wall has come before a stretch. What it shows again, in a fold, does not
 * count; what it leaves out, in a gap, counts once at the first instant behind the gap. By real
 * time (any_hour) a wall is only looked at. */
static bool find_by_fields(const cron_plan *plan, int64_t after_s, int64_t *next_s)
{
    const cron_spec *spec = &plan->spec;
    const int64_t until_s = after_s + (int64_t)LOOK_AHEAD_DAYS * DAY_S;
    int64_t begin_s = after_s - LOOK_BACK_S;
    int64_t seen_s = INT64_MIN;
    int64_t wall_s;
    while (begin_s <= until_s) {
        const int64_t offset_s = zone_offset_s(&plan->zone, begin_s);
        const int64_t change_s = zone_next_change_s(&plan->zone, begin_s);
        const int64_t end_s = change_s < until_s + 1 ? change_s : until_s + 1;
        int64_t from_s = (begin_s > after_s ? begin_s : after_s + 1) + offset_s;
        if (!spec->any_hour && seen_s != INT64_MIN) {
            const int64_t gap_s = begin_s + offset_s - seen_s;
            if (begin_s > after_s && gap_s > 0 && gap_s <= GAP_MOST_S &&
                find_on_wall(spec, seen_s, begin_s + offset_s, &wall_s)) {
                *next_s = begin_s;
                return true;
            }
            from_s = from_s > seen_s ? from_s : seen_s;
        }
        if (find_on_wall(spec, from_s, end_s + offset_s, &wall_s)) {
            *next_s = wall_s - offset_s;
            return true;
        }
        seen_s = seen_s > end_s + offset_s ? seen_s : end_s + offset_s;
        begin_s = end_s;
    }
    return false;
}

bool cron_plan_next(const cron_plan *plan, uint64_t after_ms, uint64_t *next_ms)
{
    const uint64_t after_s = after_ms / 1000;
    const uint64_t every_s = plan->spec.every_s;
    int64_t found_s;
    uint64_t next_s;
    if (after_ms > SLOTQ_NOW_MS_MAX) {
        return false;
    }
    if (every_s != 0) {
        next_s = (after_s / every_s + 1) * every_s;
    } else if (find_by_fields(plan, (int64_t)after_s, &found_s)) {
        next_s = (uint64_t)found_s;
    } else {
        return false;
    }
    if (next_s > SLOTQ_NOW_MS_MAX / 1000) {
        return false;
    }
    *next_ms = next_s * 1000;
    return true;
}

slotq_outcome slotq_cron_next(const char *spec, const char *zone, uint64_t after_ms,
                              uint64_t *next_ms, slotq_error *error)
{
    cron_plan *plan;
    if (spec == NULL || next_ms == NULL) {
        return refuse(error, SLOTQ_INVALID, "cron: spec or next_ms is NULL");
    }
    if (after_ms > SLOTQ_NOW_MS_MAX) {
        return refuse(error, SLOTQ_INVALID, "cron: after_ms is out of range: 0 to 2^47 - 1");
    }
    slotq_outcome outcome = cron_plan_make(spec, zone, &plan, error);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    if (!cron_plan_next(plan, after_ms, next_ms)) {
        outcome = refuse(error, SLOTQ_EMPTY, "cron: the spec has no time in the next 8 years");
    }
    cron_plan_free(plan);
    return outcome;
}
