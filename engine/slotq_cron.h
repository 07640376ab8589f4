/* slotq_cron.h: tasks that a worker (slotq_worker.h) pushes at times. slotq_worker.h includes it.
 *
 *     slotq_cron nightly = {.name = "report", .spec = "30 2 * * mon-fri",
 *                           .zone = "Europe/Berlin", .type = "report:make"};
 *     slotq_worker_add_cron(worker, queue, &nightly, &error);
 *
 * Spec: five fields, minute hour day-of-month month day-of-week, with blanks between; each *, n,
 * a-b, a step over all (* and /s) or over a range (a-b/s), or a list of these with commas. Ranges
 * 0-59, 0-23, 1-31, 1-12, 0-7 (0 and 7: Sunday); a step is 1 to the end of its field's range. Also
 * jan-dec and sun-sat in any case. If both day fields are other than *, a day that either matches
 * is meant. Or @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually; or "@every 90s"
 * (also m, h, d, and 1h30m; 1s to 2922d): at multiples of that period since 1970 UTC. A spec has at
 * most 256 bytes.
 *
 * Daylight saving: if the hour field is * or a step over it, the entry runs by real time, 23 or 25
 * times on such a day. Otherwise, times of the day that a gap of at most 3 hours skips run once, at
 * the end of the gap (those of a longer gap do not run); a time that comes twice runs the first
 * time only.
 *
 * Each occurrence runs at most once, whatever number of workers have the entry: a worker schedules
 * it before it is due, under a key of the entry's name and its time. So the queue needs keys
 * (SLOTQ_FLAG_KEYS) and later_slots, two for each entry: `slotq create NAME --keys --later 100`, or
 *
 *     slotq_geometry geometry = SLOTQ_GEOMETRY_DEFAULT;
 *     geometry.flags |= SLOTQ_FLAG_KEYS;
 *     geometry.later_slots = 100;
 *
 * If the queue's clock goes back, no occurrence up to the last that was placed is placed again: an
 * entry rests until the clock is there again, for an hour at most. A clock that goes back by more
 * than an hour was wrong before, and the entry begins anew. If the queue is made anew, an
 * occurrence that was placed and is not due yet is placed again.
 */
#ifndef SLOTQ_CRON_H
#define SLOTQ_CRON_H

#include "slotq.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What becomes of occurrences while no worker ran. */
typedef enum slotq_cron_missed {
    SLOTQ_CRON_SKIP, /* they are gone. An occurrence is placed up to 60 s ahead */
    SLOTQ_CRON_ONE   /* the first of them runs, late; the others are gone. It is placed as soon as
                        the one before is due */
} slotq_cron_missed;

/* An entry. Strings are copied. */
typedef struct slotq_cron {
    const char *name; /* 1 to 64 of a type's characters (slotq_frame.h); the entry's identity */
    const char *spec;
    const char *zone; /* NULL = "UTC", or an IANA name, "Europe/Berlin" */
    const char *type; /* of the task */
    const void *body;
    uint32_t body_bytes;
    slotq_cron_missed missed;
    bool no_overlap; /* an occurrence is skipped while the one before is unfinished */
    uint64_t
        late_most_ms; /* a run that would start later is acked without being run; 0 = no bound */
    uint64_t reserved[2]; /* 0 */
} slotq_cron;

/* The first occurrence of a spec after after_ms (milliseconds since 1970 UTC, at most
 * SLOTQ_NOW_MS_MAX). For a zone other than NULL and "UTC" the call reads the zone's file (in TZDIR,
 * or else in /usr/share/zoneinfo); files with leap seconds (right/…) are refused. OK; INVALID:
 * error names the field, the value and the range, or the zone and its path; EMPTY: there is none in
 * the next 8 years; IO: the file cannot be read; NOMEMORY. *next_ms is set only by OK. error may be
 * NULL. Any thread. */
SLOTQ_API slotq_outcome slotq_cron_next(const char *spec, const char *zone, uint64_t after_ms,
                                        uint64_t *next_ms, slotq_error *error);

#ifdef __cplusplus
}
#endif
#endif
