/* place.h: which time of a cron entry is to be scheduled now, and what to tell of it. Time is an
 * argument, the outcomes of pushes decide. Knows no thread and no worker; INTERNALS.md has the
 * reasons.
 */
#ifndef SLOTQ_WORKER_PLACE_H
#define SLOTQ_WORKER_PLACE_H

#include "../slotq_cron.h"
#include "cron.h"

/* All fields but the first two are place.c's. */
typedef struct place_entry {
    const slotq_cron *cron; /* borrowed, with its strings */
    const cron_plan *plan;  /* borrowed */
    uint64_t due_ms;        /* the time that is dealt with; 0 = none is chosen */
    uint64_t last_ms;       /* the last that was: none up to here is placed again */
    uint64_t seen_ms;       /* the latest that the queue's clock was */
    uint64_t holder_id;     /* no_overlap: later id of the last that was placed */
    slotq_outcome refusal;  /* of due_ms; OK = it was not refused */
    bool is_placed;         /* due_ms is in the queue */
} place_entry;

typedef enum place_what {
    PLACE_NOTHING,
    PLACE_PLACED, /* time_ms was scheduled, by this call */
    PLACE_MISSED  /* time_ms will not run, and perhaps those between it and now */
} place_what;

typedef struct place_told {
    place_what what;
    uint64_t time_ms;
    slotq_outcome outcome; /* PLACED: OK. MISSED: DUPLICATE: the one before is unfinished
                              (no_overlap); EMPTY: no worker looked in time; else what the queue
                              refused it by */
    slotq_outcome answer;  /* of the last call of the queue in this look; OK = there was none */
} place_told;

/* Of the message of a time, frame included; 0: 4 GiB or more. name and type are good. */
uint32_t place_bytes(const slotq_cron *cron, uint64_t due_ms);

void place_begin(place_entry *entry, const slotq_cron *cron, const cron_plan *plan);

/* The queue was made anew: what was placed is gone, and its time may be placed again. */
void place_forget(place_entry *entry);

/* Look at the entry. now_ms is by the queue's clock. Returns the time of the next look; now_ms or
 * less: at once, as there may be more to do; UINT64_MAX: never. Calls slotq_task_push, and
 * slotq_find only if a time has passed or overlaps; after a refusal slotq_error_of(queue) has its
 * text. */
uint64_t place_step(place_entry *entry, slotq *queue, uint64_t now_ms, place_told *told);

#endif
