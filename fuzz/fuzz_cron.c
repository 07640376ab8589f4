/* fuzz_cron.c: any text as a spec, and any bytes as the file of a zone: refused with a text, or
 * times that are in order, that the spec and the zone have, and that are the same from wherever
 * they are asked for. Input: a time (6 bytes), the spec and a NUL, the file; an empty file is UTC.
 */
#include <stdlib.h>
#include <string.h>

#include "../engine/worker/cron.h"
#include "../engine/worker/cron_spec.h"
#include "../engine/worker/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TIME_BYTES = 6, TIMES = 16, SPEC_ROOM = CRON_SPEC_BYTES_MAX + 8 };

static void require(bool rule)
{
    if (!rule) {
        abort();
    }
}

static void judge_zone(const time_zone *zone, int64_t utc_s)
{
    enum { HOURS_MOST = 26 };
    const int64_t moments[] = {utc_s, INT64_MIN, INT64_MAX, 0, -utc_s};
    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
        int64_t at_s = moments[i];
        for (int changes = 0; changes < TIMES && at_s != INT64_MAX; changes++) {
            const int32_t offset_s = zone_offset_s(zone, at_s);
            const int64_t next_s = zone_next_change_s(zone, at_s);
            require(offset_s >= -HOURS_MOST * 3600 && offset_s <= HOURS_MOST * 3600);
            require(next_s > at_s);
            require(zone_offset_s(zone, next_s - 1) == offset_s);
            at_s = next_s;
        }
    }
}

static bool is_on_wall(const cron_spec *spec, int64_t wall_s)
{
    const int64_t days = zone_days_of_s(wall_s);
    const zone_day date = zone_day_of(days);
    const int64_t of_day_s = wall_s - days * 86400;
    const int32_t minute = (int32_t)(of_day_s / 60);
    return of_day_s % 60 == 0 &&
           cron_spec_has_day(spec, date.month, date.day, zone_weekday_of(days)) &&
           cron_spec_minute_from(spec, minute) == minute;
}

/* The spec has this time, or a gap ends with it. */
static void judge_time(const cron_spec *spec, const time_zone *zone, uint64_t time_ms)
{
    const int64_t time_s = (int64_t)(time_ms / 1000);
    require(time_ms % 1000 == 0 && time_ms <= SLOTQ_NOW_MS_MAX);
    if (spec->every_s != 0) {
        require(time_ms / 1000 % spec->every_s == 0);
        return;
    }
    const int32_t offset_s = zone_offset_s(zone, time_s);
    const bool ends_gap = !spec->any_hour && zone_next_change_s(zone, time_s - 1) == time_s &&
                          zone_offset_s(zone, time_s - 1) < offset_s;
    require(ends_gap || is_on_wall(spec, time_s + offset_s));
}

/* Asked from a moment between two times of the plan, it is the later one. */
static void judge_from(const cron_plan *plan, uint64_t from_ms, uint64_t next_ms)
{
    uint64_t again_ms = 0;
    require(from_ms >= next_ms ||
            (cron_plan_next(plan, from_ms, &again_ms) && again_ms == next_ms));
}

static void judge_plan(const cron_plan *plan, const cron_spec *spec, const time_zone *zone,
                       uint64_t after_ms)
{
    uint64_t next_ms;
    for (int i = 0; i < TIMES && cron_plan_next(plan, after_ms, &next_ms); i++) {
        require(next_ms > after_ms);
        judge_time(spec, zone, next_ms);
        judge_from(plan, after_ms + (next_ms - after_ms) / 2, next_ms);
        judge_from(plan, next_ms - 1, next_ms);
        /* The wall may have gone back in between. */
        const int64_t change_s = zone_next_change_s(zone, (int64_t)(after_ms / 1000));
        if (change_s <= (int64_t)(next_ms / 1000)) {
            judge_from(plan, (uint64_t)change_s * 1000, next_ms);
            judge_from(plan, (uint64_t)change_s * 1000 + 25 * 60000, next_ms);
        }
        after_ms = next_ms;
    }
}

static void judge_refusal(const char *spec, const uint8_t *file, size_t size)
{
    slotq_error error;
    cron_plan *plan;
    memset(&error, 0xFF, sizeof error);
    require(cron_plan_make_of(spec, file, size, &plan, &error) == SLOTQ_INVALID && plan == NULL);
    require(error.outcome == SLOTQ_INVALID && error.text[0] != '\0');
    const char *end = memchr(error.text, '\0', sizeof error.text);
    require(end != NULL);
    for (const char *at = error.text; at < end; at++) {
        require(*at >= ' ' && *at <= '~');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[SPEC_ROOM];
    uint64_t after_ms = 0;
    cron_spec spec;
    time_zone zone;
    const char *why;
    if (size < TIME_BYTES) {
        return 0;
    }
    for (int i = 0; i < TIME_BYTES; i++) {
        after_ms = after_ms << 8 | data[i];
    }
    after_ms &= SLOTQ_NOW_MS_MAX;
    const uint8_t *file = data + TIME_BYTES;
    size_t bytes = 0;
    size -= TIME_BYTES;
    while (bytes < size && bytes < sizeof text - 1 && file[bytes] != 0) {
        text[bytes] = (char)file[bytes];
        bytes++;
    }
    text[bytes] = '\0';
    bytes += bytes < size;
    file += bytes;
    size -= bytes;

    zone_utc(&zone);
    const bool has_zone = size == 0 || zone_read(&zone, file, size, &why);
    if (has_zone) {
        judge_zone(&zone, (int64_t)(after_ms / 1000));
    }
    if (!has_zone || cron_spec_read(text, &spec, NULL) != SLOTQ_OK) {
        judge_refusal(text, file, size);
        return 0;
    }
    cron_plan *plan;
    require((size == 0 ? cron_plan_make(text, NULL, &plan, NULL)
                       : cron_plan_make_of(text, file, size, &plan, NULL)) == SLOTQ_OK);
    judge_plan(plan, &spec, &zone, after_ms);
    cron_plan_free(plan);
    return 0;
}
