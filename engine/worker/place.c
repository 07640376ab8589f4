/* place.c: see place.h. A time is pushed before it is due and never behind it (not_past), with a
 * key of the entry and the time, so that any number of workers may do the same.
 */
#include "place.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../slotq_frame.h"
#include "../slotq_keys.h"

enum {
    AHEAD_MS = 60000,
    RETRY_LEAST_MS = 50,
    RETRY_MOST_MS = 30000,
    /* A clock that goes back by more was wrong before: what was placed by it does not count. */
    BACK_MOST_MS = 3600000,
    KEY_BYTES = 128,
    TIME_TEXT_BYTES = 24
};

typedef struct place_key {
    char bytes[KEY_BYTES];
    uint32_t size;
} place_key;

/* "cron" 00 NAME 00 T; without T where times must not overlap. */
static place_key key_of(const place_entry *entry)
{
    place_key key;
    const int size =
        entry->cron->no_overlap
            ? snprintf(key.bytes, sizeof key.bytes, "cron%c%.64s%c", 0, entry->cron->name, 0)
            : snprintf(key.bytes, sizeof key.bytes, "cron%c%.64s%c%" PRIu64, 0, entry->cron->name,
                       0, entry->due_ms);
    key.size = (uint32_t)size;
    return key;
}

/* A time as a task. It points into itself. */
typedef struct place_task {
    char due[TIME_TEXT_BYTES];
    slotq_header headers[2];
    slotq_task_spec spec;
} place_task;

static void make_task(const slotq_cron *cron, uint64_t due_ms, place_task *made)
{
    const int due_bytes = snprintf(made->due, sizeof made->due, "%" PRIu64, due_ms);
    made->headers[0] =
        (slotq_header){.name = "due", .value = made->due, .bytes = (uint32_t)due_bytes};
    made->headers[1] =
        (slotq_header){.name = "cron", .value = cron->name, .bytes = (uint32_t)strlen(cron->name)};
    made->spec = (slotq_task_spec){.type = cron->type,
                                   .body = cron->body,
                                   .body_bytes = cron->body_bytes,
                                   .headers = made->headers,
                                   .header_count = sizeof made->headers / sizeof made->headers[0],
                                   .at_ms = due_ms,
                                   .not_past = true};
}

uint32_t place_bytes(const slotq_cron *cron, uint64_t due_ms)
{
    place_task made;
    make_task(cron, due_ms, &made);
    return slotq_frame_write(&made.spec, NULL, 0);
}

static slotq_outcome push(const place_entry *entry, slotq *queue, uint64_t *id)
{
    const place_key key = key_of(entry);
    place_task made;
    make_task(entry->cron, entry->due_ms, &made);
    made.spec.key = key.bytes;
    made.spec.key_bytes = key.size;
    made.spec.key_mode = entry->cron->no_overlap ? SLOTQ_KEY_UNIQUE : SLOTQ_KEY_ONCE;
    return slotq_task_push(queue, &made.spec, id);
}

static slotq_outcome find(const place_entry *entry, slotq *queue, slotq_key_holder *holder)
{
    const place_key key = key_of(entry);
    return slotq_find(queue, slotq_key(key.bytes, key.size), holder);
}

void place_begin(place_entry *entry, const slotq_cron *cron, const cron_plan *plan)
{
    *entry = (place_entry){.cron = cron, .plan = plan};
}

void place_forget(place_entry *entry)
{
    entry->is_placed = false;
    entry->due_ms = 0;
    entry->holder_id = 0;
}

/* The first time after both. False: there is none. */
static bool choose(place_entry *entry, uint64_t after_ms)
{
    const uint64_t from_ms = after_ms > entry->last_ms ? after_ms : entry->last_ms;
    entry->is_placed = false;
    entry->refusal = SLOTQ_OK;
    if (!cron_plan_next(entry->plan, from_ms, &entry->due_ms)) {
        entry->due_ms = 0;
        return false;
    }
    return true;
}

static uint64_t look_ms(const place_entry *entry)
{
    const bool waits = entry->cron->missed == SLOTQ_CRON_SKIP && entry->due_ms > AHEAD_MS;
    return waits ? entry->due_ms - AHEAD_MS : 0;
}

/* Nearer and nearer to the time, so that a refusal that ends before it does no harm. */
static uint64_t retry_ms(const place_entry *entry, uint64_t now_ms)
{
    const uint64_t left_ms = entry->due_ms > now_ms ? entry->due_ms - now_ms : 0;
    const uint64_t rest_ms = left_ms / 4;
    return now_ms + (rest_ms < RETRY_LEAST_MS  ? RETRY_LEAST_MS
                     : rest_ms > RETRY_MOST_MS ? RETRY_MOST_MS
                                               : rest_ms);
}

/* due_ms is over, and this worker did not place it: another one may have. Not known of entries that
 * must not overlap, whose key is free again when a run is done: told if this worker tried. */
static uint64_t pass(place_entry *entry, slotq *queue, uint64_t now_ms, place_told *told)
{
    bool is_missed = entry->refusal != SLOTQ_OK;
    if (!entry->cron->no_overlap) {
        slotq_key_holder holder;
        const slotq_outcome found = find(entry, queue, &holder);
        told->answer = found;
        if (found != SLOTQ_OK && found != SLOTQ_NOTFOUND) {
            entry->refusal = found;
            return retry_ms(entry, now_ms);
        }
        is_missed = found == SLOTQ_NOTFOUND;
    }
    if (is_missed) {
        told->what = PLACE_MISSED;
        told->time_ms = entry->due_ms;
        told->outcome = entry->refusal == SLOTQ_OK ? SLOTQ_EMPTY : entry->refusal;
    }
    entry->last_ms = entry->due_ms;
    return choose(entry, now_ms) ? now_ms : UINT64_MAX;
}

/* The key is taken: by this very time, or, if times must not overlap, by the one before. */
static slotq_outcome judge_duplicate(place_entry *entry, slotq *queue)
{
    slotq_key_holder holder;
    if (!entry->cron->no_overlap) {
        return SLOTQ_OK;
    }
    const slotq_outcome found = find(entry, queue, &holder);
    if (found != SLOTQ_OK) {
        return found == SLOTQ_NOTFOUND ? SLOTQ_DUPLICATE : found; /* finished since */
    }
    if (holder.place != SLOTQ_KEY_SCHEDULED || holder.id == entry->holder_id) {
        return SLOTQ_DUPLICATE;
    }
    entry->holder_id = holder.id;
    return SLOTQ_OK;
}

static uint64_t try_to_place(place_entry *entry, slotq *queue, uint64_t now_ms, place_told *told)
{
    uint64_t id = 0;
    slotq_outcome outcome = push(entry, queue, &id);
    if (outcome == SLOTQ_UNCONFIRMED) {
        outcome = SLOTQ_OK; /* it is in the queue */
    }
    if (outcome == SLOTQ_OK) {
        *told = (place_told){.what = PLACE_PLACED, .time_ms = entry->due_ms};
        entry->holder_id = id;
    } else if (outcome == SLOTQ_DUPLICATE) {
        outcome = judge_duplicate(entry, queue);
    }
    told->answer = outcome;
    if (outcome == SLOTQ_OK) {
        entry->is_placed = true;
        return entry->due_ms;
    }
    if (outcome == SLOTQ_EMPTY) {
        return pass(entry, queue, now_ms, told);
    }
    if (outcome == SLOTQ_REMADE) {
        return now_ms + RETRY_LEAST_MS; /* the next push goes to the new queue */
    }
    entry->refusal = outcome;
    return now_ms < entry->due_ms ? retry_ms(entry, now_ms) : pass(entry, queue, now_ms, told);
}

uint64_t place_step(place_entry *entry, slotq *queue, uint64_t now_ms, place_told *told)
{
    *told = (place_told){.what = PLACE_NOTHING};
    if (entry->seen_ms > now_ms && entry->seen_ms - now_ms > BACK_MOST_MS) {
        place_begin(entry, entry->cron, entry->plan);
    }
    entry->seen_ms = entry->seen_ms > now_ms ? entry->seen_ms : now_ms;
    if (entry->due_ms == 0 && !choose(entry, now_ms)) {
        return UINT64_MAX;
    }
    if (entry->is_placed) {
        if (now_ms < entry->due_ms) {
            return entry->due_ms;
        }
        entry->last_ms = entry->due_ms;
        if (!choose(entry, entry->due_ms)) {
            return UINT64_MAX;
        }
    }
    if (now_ms < look_ms(entry)) {
        return look_ms(entry);
    }
    return try_to_place(entry, queue, now_ms, told);
}
