/* cron.h: a cron entry's times: its spec in its zone. Knows no queue and no clock.
 */
#ifndef SLOTQ_WORKER_CRON_H
#define SLOTQ_WORKER_CRON_H

#include "../slotq_cron.h"

typedef struct cron_plan cron_plan;

/* Spec and zone (NULL or "UTC": no file is read) of an entry. OK: *plan is for cron_plan_free;
 * INVALID: error (may be NULL) has the field, the value and the range, or the zone and its path;
 * IO, NOMEMORY. */
slotq_outcome cron_plan_make(const char *spec, const char *zone, cron_plan **plan,
                             slotq_error *error);
/* The same with the bytes of a zone's file, which must outlive the plan. */
slotq_outcome cron_plan_make_of(const char *spec, const uint8_t *zone_bytes, size_t size,
                                cron_plan **plan, slotq_error *error);
void cron_plan_free(cron_plan *plan);

/* The first time after after_ms. False: there is none in the next 8 years, or none that a queue can
 * hold (SLOTQ_NOW_MS_MAX). Takes microseconds at most times, never more than a few milliseconds. */
bool cron_plan_next(const cron_plan *plan, uint64_t after_ms, uint64_t *next_ms);

#endif
