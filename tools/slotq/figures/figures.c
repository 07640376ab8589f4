/* figures.c: see figures.h.
 */
#include "figures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../clock/clock.h"
#include "../say/texts.h"
#include "../verbs/open.h"
#include "../verbs/sharded.h"

/* Handles that stay open between looks: each has a connection. A file that is open could not be
 * removed or resized meanwhile, and is quick to open. */
enum { KEPT_MOST = 100 };

void figures_begin(figures *all, const command_line *line)
{
    *all = (figures){.line = line};
}

static void let_go(figures *all, figures_queue *queue)
{
    if (queue->kept != NULL) {
        slotq_close(queue->kept);
        queue->kept = NULL;
        all->kept--;
    }
}

void figures_end(figures *all)
{
    for (size_t i = 0; i < all->count; i++) {
        let_go(all, &all->queues[i]);
        free(all->queues[i].name);
    }
    free(all->queues);
    all->queues = NULL;
    all->count = 0;
}

/* The place of a name, or the one where it belongs. */
static size_t place_of(const figures *all, const char *name)
{
    size_t from = 0;
    for (size_t end = all->count; from < end;) {
        const size_t middle = from + (end - from) / 2;
        if (strcmp(all->queues[middle].name, name) < 0) {
            from = middle + 1;
        } else {
            end = middle;
        }
    }
    return from;
}

figures_queue *figures_find(figures *all, const char *name)
{
    const size_t at = place_of(all, name);
    return at < all->count && strcmp(all->queues[at].name, name) == 0 ? &all->queues[at] : NULL;
}

static figures_queue *add(figures *all, const char *name)
{
    const size_t at = place_of(all, name);
    if (all->count == all->room) {
        const size_t room = all->room == 0 ? 16 : all->room * 2;
        figures_queue *larger = realloc(all->queues, room * sizeof *larger);
        if (larger == NULL) {
            return NULL;
        }
        all->queues = larger;
        all->room = room;
    }
    char *own = strdup(name);
    if (own == NULL) {
        return NULL;
    }
    memmove(&all->queues[at + 1], &all->queues[at], (all->count - at) * sizeof *all->queues);
    all->queues[at] = (figures_queue){.name = own};
    all->count++;
    return &all->queues[at];
}

/* ---- a look ---- */

static void keep_trouble(figures_text *trouble, const slotq_error *error)
{
    snprintf(trouble->text, sizeof trouble->text, "%.239s",
             error->text[0] != '\0' ? error->text : slotq_outcome_text(error->outcome));
}

static void fail(figures *all, figures_queue *queue, const slotq_error *error)
{
    queue->is_live = false;
    queue->has_rates = false;
    keep_trouble(&queue->trouble, error);
    let_go(all, queue);
}

/* Per second, of counters that wrap at 2^32. */
static double rate(uint32_t now, uint32_t before, double seconds)
{
    return (double)(uint32_t)(now - before) / seconds;
}

/* What a group took out of the queue: all that is finished in it. */
static uint32_t finished(const slotq_stats *stats)
{
    return stats->acked + stats->died;
}

static void find_rates(figures_queue *queue, const slotq_stats *before, double seconds)
{
    for (uint8_t group = 0; group < queue->geometry.groups; group++) {
        queue->out_per_s[group] =
            rate(finished(&queue->groups[group]), finished(&before[group]), seconds);
    }
    /* what came is what went and what there is more of: a sharded queue has no newest id */
    const uint32_t had = before[0].unfinished + finished(&before[0]);
    const uint32_t has = queue->groups[0].unfinished + finished(&queue->groups[0]);
    queue->in_per_s = (int32_t)(has - had) > 0 ? rate(has, had, seconds) : 0;
    queue->has_rates = true;
}

static void find_worst(figures_queue *queue)
{
    queue->worst = 0;
    for (uint8_t group = 1; group < queue->geometry.groups; group++) {
        if (queue->groups[group].unfinished > figures_worst(queue)->unfinished) {
            queue->worst = group;
        }
    }
}

static bool is_the_same(const slotq_geometry *one, const slotq_geometry *other)
{
    return one->generation == other->generation && one->groups == other->groups;
}

/* All groups by one handle. */
static slotq_outcome read_groups(slotq *handle, slotq_stats *groups)
{
    slotq_outcome outcome = SLOTQ_OK;
    for (uint8_t group = 0; outcome == SLOTQ_OK && group < slotq_geometry_of(handle)->groups;
         group++) {
        outcome = slotq_get_stats(handle, group, &groups[group]);
    }
    return outcome;
}

static void take(figures *all, figures_queue *queue, slotq *handle)
{
    slotq_stats before[SLOTQ_GROUPS_MAX];
    slotq_stats groups[SLOTQ_GROUPS_MAX];
    memcpy(before, queue->groups, sizeof before);
    slotq_outcome outcome = read_groups(handle, groups);
    if (outcome == SLOTQ_REMADE) { /* the name has another queue: look at that */
        outcome = read_groups(handle, groups);
    }
    if (outcome != SLOTQ_OK) {
        fail(all, queue, slotq_error_of(handle));
        return;
    }
    const uint64_t now_ms = clock_ms();
    const double seconds = (double)(now_ms - queue->looked_at_ms) / 1000;
    const bool known = queue->is_live && is_the_same(&queue->geometry, slotq_geometry_of(handle));
    queue->geometry = *slotq_geometry_of(handle);
    memcpy(queue->groups, groups, sizeof groups);
    queue->has_rates = false;
    if (known && seconds > 0) {
        find_rates(queue, before, seconds);
    }
    find_worst(queue);
    queue->looked_at_ms = now_ms;
    queue->read_ms = slotq_now_ms(handle);
    queue->is_live = true;
    queue->trouble.text[0] = '\0';
}

static void look_at(figures *all, figures_queue *queue)
{
    slotq_error error = {0};
    slotq *handle = queue->kept;
    queue->was_seen = true;
    if (handle == NULL) {
        if (open_quietly(all->line, queue->name, true, &handle, &error) != SLOTQ_OK) {
            fail(all, queue, &error);
            return;
        }
        const sharded_extent extent = sharded_extent_of(all->line, queue->name, handle);
        queue->bytes = extent.bytes;
        queue->shards = extent.whole.open;
    }
    const bool was_kept = queue->kept != NULL;
    take(all, queue, handle);
    const bool keeps = all->kept < KEPT_MOST && open_is_server(all->line->url);
    if (!was_kept && queue->is_live && keeps) {
        queue->kept = handle;
        all->kept++;
    } else if (!was_kept) {
        slotq_close(handle);
    }
}

typedef struct names {
    char **list;
    size_t count;
    bool is_short_of_memory;
} names;

static bool note(void *context, const char *name)
{
    names *all = context;
    char **list = realloc(all->list, (all->count + 1) * sizeof *list);
    if (list != NULL) {
        all->list = list;
        list[all->count] = strdup(name);
    }
    all->is_short_of_memory = list == NULL || list[all->count] == NULL;
    all->count += !all->is_short_of_memory;
    return !all->is_short_of_memory;
}

/* Queues that the listing did not name any more. */
static void forget_gone(figures *all)
{
    size_t left = 0;
    for (size_t i = 0; i < all->count; i++) {
        if (all->queues[i].was_seen) {
            all->queues[left++] = all->queues[i];
        } else {
            let_go(all, &all->queues[i]);
            free(all->queues[i].name);
        }
    }
    all->count = left;
}

static void store_is_away(figures *all, const slotq_error *error)
{
    all->is_live = false;
    keep_trouble(&all->trouble, error);
    for (size_t i = 0; i < all->count; i++) {
        fail(all, &all->queues[i], error);
    }
}

slotq *figures_borrow(figures *all, figures_queue *queue)
{
    slotq_error error = {0};
    slotq *handle = queue->kept;
    if (handle == NULL && open_quietly(all->line, queue->name, true, &handle, &error) != SLOTQ_OK) {
        fail(all, queue, &error);
        return NULL;
    }
    return handle;
}

void figures_return(const figures_queue *queue, slotq *handle)
{
    if (handle != queue->kept) {
        slotq_close(handle);
    }
}

bool figures_look(figures *all, const char *only)
{
    slotq_error error = {0};
    names found = {0};
    bool good = true;
    figures_queue *one = only != NULL ? figures_find(all, only) : NULL;
    if (one != NULL && one->is_live) {
        look_at(all, one);
        if (one->is_live) {
            return true;
        }
    }
    const slotq_outcome outcome = slotq_list(all->line->url, note, &found, &error);
    if (outcome != SLOTQ_OK) {
        store_is_away(all, &error);
    } else {
        all->is_live = true;
        for (size_t i = 0; i < all->count; i++) {
            all->queues[i].was_seen = false;
        }
        for (size_t i = 0; good && i < found.count; i++) {
            figures_queue *queue = figures_find(all, found.list[i]);
            queue = queue != NULL ? queue : add(all, found.list[i]);
            good = queue != NULL;
            if (good) {
                look_at(all, queue);
            }
        }
        forget_gone(all);
    }
    for (size_t i = 0; i < found.count; i++) {
        free(found.list[i]);
    }
    free(found.list);
    return good && !found.is_short_of_memory;
}

/* ---- of one queue ---- */

uint64_t figures_age_ms(const figures_queue *queue, uint8_t group)
{
    const slotq_stats *stats = &queue->groups[group];
    const bool known = stats->unfinished != 0 && stats->oldest_ms != 0;
    return known && stats->oldest_ms < queue->read_ms ? queue->read_ms - stats->oldest_ms : 0;
}

bool figures_is_full(const figures_queue *queue)
{
    const slotq_stats *stats = figures_worst(queue);
    return stats->used >= stats->capacity && stats->holder.id != 0 && !stats->holder.steps_aside &&
           (queue->geometry.flags & SLOTQ_FLAG_OVERWRITE) == 0;
}
