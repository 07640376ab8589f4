/* cron_turn.c: the cron entries of a worker (cron_turn.h). Does not know what a spec means, or
 * which time is placed when.
 */
#include "cron_turn.h"

#include <stdlib.h>
#include <string.h>

#include "away.h"
#include "clock.h"
#include "cron.h"
#include "place.h"
#include "refuse.h"
#include "tell.h"

/* So that a jump of the queue's clock is noticed. */
enum {
    SLEEP_MOST_MS = 30000,
    LATER_SLOTS_EACH = 2,
    /* Of all entries in one turn: threads wait for the lock that it holds. */
    STEPS_MOST = 16,
    REST_MS = 1,  /* after so many */
    AWAY_MS = 100 /* when the queue did not answer: others find out how long to wait */
};

struct cron_entry {
    slotq_cron cron; /* with copies of the strings, in text */
    cron_plan *plan;
    place_entry place;
    uint64_t look_at_ms; /* by the queue's clock */
    uint64_t seen_ms;    /* what that was */
    uint32_t generation; /* of the queue in which it placed */
    struct cron_entry *next;
    char text[];
};

/* ---- adding ---- */

static const char *copy(char **at, const void *from, size_t bytes)
{
    char *to = *at;
    memcpy(to, from, bytes);
    to[bytes] = '\0';
    *at += bytes + 1;
    return to;
}

/* A copy of the entry; NULL: no memory. */
static struct cron_entry *copy_entry(const slotq_cron *from)
{
    const char *zone = from->zone != NULL ? from->zone : "UTC";
    const size_t bytes = strlen(from->name) + strlen(from->spec) + strlen(zone) +
                         strlen(from->type) + from->body_bytes + 5;
    struct cron_entry *new = calloc(1, sizeof *new + bytes);
    if (new == NULL) {
        return NULL;
    }
    char *at = new->text;
    new->cron = *from;
    new->cron.name = copy(&at, from->name, strlen(from->name));
    new->cron.spec = copy(&at, from->spec, strlen(from->spec));
    new->cron.zone = copy(&at, zone, strlen(zone));
    new->cron.type = copy(&at, from->type, strlen(from->type));
    new->cron.body = copy(&at, from->body_bytes != 0 ? from->body : "", from->body_bytes);
    return new;
}

static bool is_name(const char *name)
{
    const size_t bytes = strlen(name);
    const char *letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:/-";
    return bytes >= 1 && bytes <= SLOTQ_TYPE_BYTES_MAX && strspn(name, letters) == bytes;
}

static worker_queue *queue_of(const slotq_worker *worker, const slotq *queue)
{
    for (uint32_t i = 0; i < worker->queue_count; i++) {
        if (worker->queues[i]->given == queue) {
            return worker->queues[i];
        }
    }
    return NULL;
}

static slotq_outcome judge_texts(const slotq_cron *entry, slotq_error *error)
{
    if (entry->name == NULL || !is_name(entry->name)) {
        return refuse(error, SLOTQ_INVALID,
                      "the name of a cron entry must be 1 to %d of letters, digits and _ . : / -",
                      SLOTQ_TYPE_BYTES_MAX);
    }
    if (entry->spec == NULL) {
        return refuse(error, SLOTQ_INVALID, "%s: spec is NULL", entry->name);
    }
    if (entry->missed > SLOTQ_CRON_ONE || entry->reserved[0] != 0 || entry->reserved[1] != 0) {
        return refuse(error, SLOTQ_INVALID, "%s: missed is out of range, or reserved is not 0",
                      entry->name);
    }
    const slotq_task_spec task = {
        .type = entry->type, .body = entry->body, .body_bytes = entry->body_bytes};
    if (slotq_frame_write(&task, NULL, 0) == 0) {
        const bool has_type = slotq_frame_write(&(slotq_task_spec){.type = entry->type}, NULL, 0);
        return refuse(error, SLOTQ_INVALID, "%s: %s (slotq_frame.h)", entry->name,
                      has_type ? "body is NULL, or too large" : "type is NULL, or not a type");
    }
    return SLOTQ_OK;
}

/* The queue has keys, and room for what is scheduled. */
static slotq_outcome judge_room(const worker_queue *queue, const slotq_cron *entry,
                                slotq_error *error)
{
    const slotq_geometry *geometry = slotq_geometry_of(queue->given);
    const uint32_t least = LATER_SLOTS_EACH * (queue->cron_count + 1);
    if ((geometry->flags & SLOTQ_FLAG_KEYS) == 0) {
        return refuse(
            error, SLOTQ_UNSUPPORTED,
            "%s: %s has no keys, by which an occurrence is scheduled once: create it with "
            "SLOTQ_FLAG_KEYS (slotq create --keys)",
            entry->name, queue->name);
    }
    if (geometry->later_slots < least) {
        return refuse(error, SLOTQ_UNSUPPORTED,
                      "%s: %s has room for %u scheduled messages; %u entries need %u "
                      "(slotq resize --later %u)",
                      entry->name, queue->name, geometry->later_slots, queue->cron_count + 1, least,
                      least);
    }
    for (const struct cron_entry *other = queue->cron; other != NULL; other = other->next) {
        if (strcmp(other->cron.name, entry->name) == 0) {
            return refuse(error, SLOTQ_EXISTS, "%s has an entry %s already", queue->name,
                          entry->name);
        }
    }
    return SLOTQ_OK;
}

/* The entry has a time, and a message can hold it. */
static slotq_outcome judge_plan(slotq *queue, const slotq_cron *entry, const cron_plan *plan,
                                slotq_error *error)
{
    const uint32_t most_bytes = slotq_geometry_of(queue)->payload_bytes;
    uint64_t next_ms;
    if (!cron_plan_next(plan, slotq_now_ms(queue), &next_ms)) {
        return refuse(error, SLOTQ_INVALID, "%s: \"%s\" has no time in the next 8 years",
                      entry->name, entry->spec);
    }
    const uint32_t bytes = place_bytes(entry, next_ms);
    if (bytes == 0 || bytes > most_bytes) {
        return refuse(error, SLOTQ_TOOBIG,
                      "%s: its message has %u bytes, with the type and the headers due and cron; "
                      "the queue takes at most %u (fixed by create --payload)",
                      entry->name, bytes == 0 ? UINT32_MAX : bytes, most_bytes);
    }
    return SLOTQ_OK;
}

/* An error of the spec or the zone names the entry, in the place of "cron". */
static slotq_outcome make_plan(struct cron_entry *entry, slotq_error *error)
{
    slotq_error why;
    const slotq_outcome outcome =
        cron_plan_make(entry->cron.spec, entry->cron.zone, &entry->plan, &why);
    if (outcome == SLOTQ_OK) {
        return SLOTQ_OK;
    }
    static const char begin[] = "cron: ";
    const bool begins = strncmp(why.text, begin, sizeof begin - 1) == 0;
    return refuse(error, outcome, "%s: %s", entry->cron.name,
                  begins ? why.text + sizeof begin - 1 : why.text);
}

slotq_outcome slotq_worker_add_cron(slotq_worker *worker, slotq *queue, const slotq_cron *entry,
                                    slotq_error *error)
{
    if (worker == NULL || entry == NULL || worker_state(worker) != SLOTQ_WORKER_NEW) {
        return refuse(error, SLOTQ_INVALID, "worker or entry is NULL, or the worker has started");
    }
    worker_queue *place = queue_of(worker, queue);
    if (place == NULL) {
        return refuse(error, SLOTQ_INVALID,
                      "the queue was not given to slotq_worker_add_queue of this worker");
    }
    slotq_outcome outcome = judge_texts(entry, error);
    outcome = outcome == SLOTQ_OK ? judge_room(place, entry, error) : outcome;
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    struct cron_entry *new = copy_entry(entry);
    if (new == NULL) {
        return refuse(error, SLOTQ_NOMEMORY, "out of memory");
    }
    outcome = make_plan(new, error);
    if (outcome == SLOTQ_OK) {
        outcome = judge_plan(queue, &new->cron, new->plan, error);
    }
    if (outcome != SLOTQ_OK) {
        cron_plan_free(new->plan);
        free(new);
        return outcome;
    }
    place_begin(&new->place, &new->cron, new->plan);
    new->next = place->cron;
    place->cron = new;
    place->cron_count++;
    return SLOTQ_OK;
}

void cron_free_entries(worker_queue *queue)
{
    for (struct cron_entry *entry = queue->cron, *next; entry != NULL; entry = next) {
        next = entry->next;
        cron_plan_free(entry->plan);
        free(entry);
    }
}

/* ---- placing ---- */

static void tell_place(worker_queue *queue, const struct cron_entry *entry, const place_told *told)
{
    if (told->what == PLACE_NOTHING) {
        return;
    }
    const bool placed = told->what == PLACE_PLACED;
    const slotq_task_info info = {.queue = queue->name,
                                  .group = queue->options.group,
                                  .type = entry->cron.type,
                                  .type_bytes = (uint32_t)strlen(entry->cron.type),
                                  .due_ms = told->time_ms};
    const slotq_event event = {.kind = placed ? SLOTQ_EVENT_CRON : SLOTQ_EVENT_CRON_MISSED,
                               .task = &info,
                               .queue = queue->name,
                               .cron = entry->cron.name,
                               .outcome = told->outcome};
    atomic_fetch_add(placed ? &queue->worker->cron_pushed : &queue->worker->cron_missed, 1);
    tell(queue->worker, &event);
}

/* One look, which may be a trip. Without an answer no more are made in this pass: each takes long.
 */
static uint64_t step(worker_queue *queue, struct cron_entry *entry, uint64_t at_ms)
{
    place_told told;
    const uint64_t next_ms = place_step(&entry->place, queue->handle, at_ms, &told);
    if (told.answer >= SLOTQ_FAILURES) {
        away_note(queue, queue->handle, told.answer);
        queue->is_silent = true;
    } else if (told.answer == SLOTQ_REMADE) {
        away_note(queue, queue->handle, told.answer);
    }
    tell_place(queue, entry, &told);
    return next_ms;
}

/* The queue was made anew since the last turn. */
static void forget_old(worker_queue *queue)
{
    pthread_mutex_lock(&queue->worker->lock);
    const uint32_t generation = queue->generation;
    pthread_mutex_unlock(&queue->worker->lock);
    for (struct cron_entry *entry = queue->cron; entry != NULL; entry = entry->next) {
        if (entry->generation != generation) {
            entry->generation = generation;
            entry->look_at_ms = 0;
            place_forget(&entry->place);
        }
    }
}

/* When the queue may be asked again, if it is away: clock_run_ms. */
static uint64_t away_until_ms(worker_queue *queue)
{
    pthread_mutex_lock(&queue->worker->lock);
    const uint64_t until_ms = queue->away_until_ms;
    pthread_mutex_unlock(&queue->worker->lock);
    return until_ms;
}

static struct cron_entry *after(const worker_queue *queue, const struct cron_entry *entry)
{
    return entry->next != NULL ? entry->next : queue->cron;
}

uint64_t cron_turn(worker_queue *queue, uint64_t now_ms)
{
    uint64_t sleep_ms = SLEEP_MOST_MS;
    uint32_t steps = 0;
    if (queue->is_silent || away_until_ms(queue) > now_ms) {
        return clock_sooner(now_ms + AWAY_MS, away_until_ms(queue));
    }
    forget_old(queue);
    struct cron_entry *entry = queue->cron_first != NULL ? queue->cron_first : queue->cron;
    queue->cron_first = NULL;
    for (uint32_t i = 0; i < queue->cron_count; i++, entry = after(queue, entry)) {
        uint64_t at_ms = slotq_now_ms(queue->handle);
        uint64_t next_ms = at_ms < entry->seen_ms ? at_ms : entry->look_at_ms; /* it was set back */
        entry->seen_ms = at_ms;
        if (next_ms <= at_ms && steps == STEPS_MOST && queue->cron_first == NULL) {
            queue->cron_first = entry;
        }
        while (next_ms <= at_ms && steps < STEPS_MOST && !queue->is_silent &&
               worker_takes(queue->worker)) {
            next_ms = step(queue, entry, at_ms);
            at_ms = slotq_now_ms(queue->handle);
            steps++;
        }
        entry->look_at_ms = next_ms;
        /* Set back in this very turn: next_ms is by the clock as it was. */
        const bool may_sleep = next_ms > at_ms && at_ms >= entry->seen_ms;
        sleep_ms = clock_sooner(sleep_ms, may_sleep ? next_ms - at_ms : 0);
    }
    const uint64_t at_ms = clock_add(now_ms, queue->is_silent ? AWAY_MS : sleep_ms);
    /* A thread that waits for the lock would not get it, if the keeper took it at once. */
    const uint64_t least_ms = clock_run_ms() + REST_MS;
    return steps == STEPS_MOST && at_ms < least_ms ? least_ms : at_ms;
}

bool cron_is_too_late(const slotq_task *task)
{
    const void *name;
    uint32_t bytes;
    const worker_queue *queue = task->queue;
    if (task->info.due_ms == 0 || !slotq_task_header(task, "cron", &name, &bytes)) {
        return false;
    }
    for (const struct cron_entry *entry = queue->cron; entry != NULL; entry = entry->next) {
        const slotq_cron *cron = &entry->cron;
        if (strlen(cron->name) != bytes || memcmp(cron->name, name, bytes) != 0 ||
            cron->late_most_ms == 0) {
            continue;
        }
        const uint64_t now_ms = slotq_now_ms(task->in_hand->handle);
        if (now_ms > clock_add(task->info.due_ms, cron->late_most_ms)) {
            const slotq_event event = {.kind = SLOTQ_EVENT_CRON_MISSED,
                                       .task = &task->info,
                                       .queue = queue->name,
                                       .cron = cron->name,
                                       .text = "it came later than late_most_ms"};
            atomic_fetch_add(&task->worker->cron_missed, 1);
            tell(task->worker, &event);
            return true;
        }
    }
    return false;
}
