/* sharded.c: see sharded.h.
 */
#include "sharded.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "look.h"
#include "open.h"
#include "../say/report.h"

/* The id of a message of a shard in the whole queue; 0 stays 0. */
static uint64_t whole_id(uint32_t number, uint64_t id)
{
    char text[SLOTQ_ID_TEXT_BYTES + 16];
    uint64_t whole = id;
    const int length = snprintf(text, sizeof text, "%" PRIu32 "-%" PRIu64, number, id);
    (void)slotq_id_read(text, (size_t)length, &whole);
    return whole;
}

static bool add_row(sharded *all, const slotq_shard *shard)
{
    if (all->count == all->room) {
        const uint32_t room = all->room == 0 ? 16 : all->room * 2;
        shard_row *larger = realloc(all->rows, room * sizeof *larger);
        if (larger == NULL) {
            return false;
        }
        all->rows = larger;
        all->room = room;
    }
    shard_row *row = &all->rows[all->count];
    *row = (shard_row){.number = shard->number,
                       .state = shard->state,
                       .key = strdup(shard->key),
                       .node = strdup(shard->node),
                       .from_ms = shard->from_ms,
                       .last_id = shard->last_id,
                       .bytes = shard->bytes,
                       .has_stats = shard->stats != NULL};
    all->count++; /* so that it is freed */
    if (row->has_stats) {
        row->stats = *shard->stats;
        row->stats.holder.id = whole_id(shard->number, row->stats.holder.id);
    }
    if (shard->error != NULL) {
        row->outcome = shard->error->outcome;
        row->error = strdup(shard->error->text);
    }
    return row->key != NULL && row->node != NULL && (shard->error == NULL || row->error != NULL);
}

typedef struct reading {
    sharded *all;
    bool failed;
} reading;

static bool keep_row(void *context, const slotq_shard *shard)
{
    reading *now = context;
    now->failed = !add_row(now->all, shard);
    return !now->failed;
}

slotq_outcome sharded_read(const command_line *line, const char *name, sharded *all,
                           slotq_error *error)
{
    open_settings settings;
    reading now = {.all = all};
    memset(all, 0, sizeof *all);
    if (open_options(line, &settings, error) != EXIT_CODE_OK) {
        return error->outcome;
    }
    settings.options.read_only = true;
    slotq_outcome outcome =
        slotq_shards_visit(line->url, name, &settings.options, &all->whole, keep_row, &now, error);
    if (outcome == SLOTQ_OK && now.failed) {
        outcome = SLOTQ_NOMEMORY;
        *error = (slotq_error){.outcome = outcome, .text = "out of memory"};
    }
    if (outcome != SLOTQ_OK) {
        sharded_free(all);
    }
    return outcome;
}

void sharded_free(sharded *all)
{
    for (uint32_t i = 0; i < all->count; i++) {
        free(all->rows[i].key);
        free(all->rows[i].node);
        free(all->rows[i].error);
    }
    free(all->rows);
    memset(all, 0, sizeof *all);
}

const shard_row *sharded_find(const sharded *all, uint32_t number)
{
    for (uint32_t i = 0; i < all->count; i++) {
        if (all->rows[i].number == number) {
            return &all->rows[i];
        }
    }
    return NULL;
}

slotq_outcome sharded_look(const command_line *line, const char *name, slotq_error *error)
{
    open_settings settings;
    if (open_options(line, &settings, error) != EXIT_CODE_OK) {
        return error->outcome;
    }
    settings.options.read_only = true;
    return slotq_shards_visit(line->url, name, &settings.options, NULL, NULL, NULL, error);
}

sharded_extent sharded_extent_of(const command_line *line, const char *name, slotq *queue)
{
    sharded_extent extent = {.bytes = slotq_image_bytes(queue)};
    sharded all;
    slotq_error error;
    if (!sharded_is_whole(queue) || sharded_read(line, name, &all, &error) != SLOTQ_OK) {
        return extent;
    }
    extent.whole = all.whole;
    extent.bytes = 0;
    for (uint32_t i = 0; i < all.count; i++) {
        const shard_row *row = &all.rows[i];
        const uint64_t last_id = row->has_stats ? row->stats.last_id : row->last_id;
        extent.bytes += row->bytes;
        extent.pushed += last_id & SLOTQ_ID_MAX; /* without the shard's number */
    }
    sharded_free(&all);
    return extent;
}

bool sharded_is_whole(slotq *queue)
{
    slotq_shards_view view;
    return slotq_geometry_of(queue)->set != 0 && slotq_shards_seen(queue, &view) == SLOTQ_OK;
}

void sharded_tell_missing(const command_line *line, const char *name, slotq *queue)
{
    slotq_shards_view view;
    if (sharded_is_whole(queue) && slotq_shards_seen(queue, &view) == SLOTQ_OK &&
        view.missing > 0) {
        complain("%s: shards that are missing (%" PRIu32 " of %" PRIu32
                 ") are left out; to see which: %s",
                 name, view.missing, view.shards.count,
                 shown_command(line, "shards ls", name).text);
    }
}

bool sharded_is_part(slotq *queue)
{
    return slotq_geometry_of(queue)->set != 0 && !sharded_is_whole(queue);
}

int sharded_judge_push(const command_line *line, const char *name, slotq *queue)
{
    const slotq_geometry *geometry = slotq_geometry_of(queue);
    const bool is_wanted = given(line, OPTION_SHARD);
    if (sharded_is_part(queue) == is_wanted) {
        return EXIT_CODE_OK;
    }
    if (is_wanted) {
        complain("--shard is for the key of a single shard, and %s is not one; nothing was pushed",
                 name);
        return EXIT_CODE_USAGE;
    }
    const char *brace = strrchr(name, '{');
    complain("%s is shard %u of a sharded queue%s%.*s; use that name, which spreads the "
             "messages%s; nothing was pushed",
             name, geometry->shard, brace != NULL ? ", " : "",
             brace != NULL ? (int)(brace - name) : 0, name,
             strcmp(line->command->name, "push") == 0
                 ? ", or confirm with --shard that they go into this shard alone"
                 : "");
    return EXIT_CODE_REFUSED;
}

const char *shard_state_word(slotq_shard_state state)
{
    switch (state) {
    case SLOTQ_SHARD_OPEN:
        return "open";
    case SLOTQ_SHARD_DRAINING:
        return "draining";
    case SLOTQ_SHARD_GONE:
        return "gone";
    case SLOTQ_SHARD_MAKING:
        return "making";
    }
    return "?";
}

uint64_t shard_left(const shard_row *row)
{
    const slotq_stats *stats = &row->stats;
    return row->has_stats ? (uint64_t)stats->used + stats->aside + stats->later + stats->dead : 0;
}

shard_text shard_holdup(const shard_row *row)
{
    const slotq_stats *stats = &row->stats;
    shard_text all = {""};
    size_t used = 0;
    if (!row->has_stats) {
        return all;
    }
    if (stats->holder.id != 0) {
        used += (size_t)snprintf(
            all.text, sizeof all.text, "message %s (%s in group %u), the oldest of %s",
            id_text(stats->holder.id).text, state_word(stats->holder.state), stats->holder.group,
            count_text((uint64_t)stats->used + stats->aside).text);
    } else if (stats->aside != 0) {
        used += (size_t)snprintf(all.text, sizeof all.text, "%s unfinished aside",
                                 count_text(stats->aside).text);
    }
    if (stats->later != 0) {
        used += (size_t)snprintf(all.text + used, sizeof all.text - used,
                                 "%s%s scheduled, the next due %s", used != 0 ? "; " : "",
                                 count_text(stats->later).text,
                                 any_moment_text(stats->later_due_ms).text);
    }
    if (stats->dead != 0) {
        snprintf(all.text + used, sizeof all.text - used, "%s%s dead", used != 0 ? "; " : "",
                 count_text(stats->dead).text);
    }
    return all;
}
