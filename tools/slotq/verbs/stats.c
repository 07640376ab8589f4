/* stats.c: the commands stats and ls: numbers of queues, and what holds a full one up.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../line/command_line.h"
#include "holder.h"
#include "look.h"
#include "open.h"
#include "sharded.h"
#include "../say/output.h"
#include "../say/report.h"
#include "../say/texts.h"
#include "limit.h"

/* What a queue is beside its figures: alone, a shard, or sharded. */
static void set_extent(json_t *object, slotq *queue, const slotq_shards *whole)
{
    const slotq_geometry *geometry = slotq_geometry_of(queue);
    if (whole->count != 0) {
        json_object_set_new(object, "set", json_integer((json_int_t)whole->set));
        json_object_set_new(object, "shards", json_integer((json_int_t)whole->count));
        json_object_set_new(object, "shards_open", json_integer((json_int_t)whole->open));
        slotq_shards_view view;
        if (slotq_shards_seen(queue, &view) == SLOTQ_OK) {
            json_object_set_new(object, "shards_missing", json_integer((json_int_t)view.missing));
        }
        return;
    }
    json_object_set_new(object, "generation", json_integer((json_int_t)geometry->generation));
    if (geometry->set != 0) {
        json_object_set_new(object, "set", json_integer((json_int_t)geometry->set));
        json_object_set_new(object, "shard", json_integer((json_int_t)geometry->shard));
    }
}

static json_t *stats_object(slotq *queue, const char *name, const slotq_stats *stats,
                            const slotq_shards *whole)
{
    json_t *object = output_json_queue(name);
    json_t *first =
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "group",
                  (json_int_t)stats->group, "last_id", (json_int_t)stats->last_id, "capacity",
                  (json_int_t)stats->capacity, "used", (json_int_t)stats->used, "ready",
                  (json_int_t)stats->ready, "undelivered", (json_int_t)stats->undelivered, "leased",
                  (json_int_t)stats->leased, "waiting", (json_int_t)stats->waiting, "unfinished",
                  (json_int_t)stats->unfinished, "acked", (json_int_t)stats->acked, "redelivered",
                  (json_int_t)stats->redelivered, "died", (json_int_t)stats->died);
    json_t *more = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "next_due_ms",
        (json_int_t)stats->next_due_ms, "oldest_ms", (json_int_t)stats->oldest_ms, "aside",
        (json_int_t)stats->aside, "aside_capacity", (json_int_t)stats->aside_capacity, "dead",
        (json_int_t)stats->dead, "dead_capacity", (json_int_t)stats->dead_capacity, "dropped",
        (json_int_t)stats->dropped, "dead_dropped", (json_int_t)stats->dead_dropped, "paused",
        paused_text(stats->paused));
    json_t *later = json_pack("{s:I, s:I, s:I}", "later", (json_int_t)stats->later,
                              "later_capacity", (json_int_t)stats->later_capacity, "later_due_ms",
                              (json_int_t)stats->later_due_ms);
    json_object_update(object, first);
    json_object_update(object, later);
    json_decref(later);
    json_object_update(object, more);
    json_t *limits = limits_object(stats);
    json_object_update(object, limits);
    json_decref(first);
    json_decref(more);
    json_decref(limits);
    if (whole->count != 0) {
        json_object_del(object, "last_id"); /* each shard has one */
    }
    set_extent(object, queue, whole);
    if (stats->holder.id != 0) {
        json_object_set_new(
            object, "holder",
            json_pack("{s:o, s:I, s:I, s:i, s:s, s:b}", "id", output_json_id(stats->holder.id),
                      "held", (json_int_t)stats->holder.held, "unfinished",
                      (json_int_t)stats->holder.unfinished, "group", stats->holder.group, "state",
                      state_word(stats->holder.state), "steps_aside", stats->holder.steps_aside));
    }
    return object;
}

static void print_shared(const slotq *queue, const char *name, const slotq_stats *stats,
                         const sharded_extent *extent)
{
    const slotq_shards *whole = &extent->whole;
    const unsigned percent = (unsigned)(stats->used * UINT64_C(100) / stats->capacity);
    printf("%s%s%s  %s bytes, paused: %s\n", output_bold(), plain_word(name).text, output_plain(),
           count_text(extent->bytes).text, paused_text(stats->paused));
    const slotq_geometry *geometry = slotq_geometry_of(queue);
    if (whole->count != 0) {
        printf("  shards      %10" PRIu32 " of %" PRIu32 " open%s\n", whole->open, whole->count,
               whole->keyed ? ", keyed" : "");
    } else if (geometry->set != 0) {
        printf("  shard       %10u of the set %" PRIu32 "\n", geometry->shard, geometry->set);
    }
    printf("  slots       %10s of %s in use (%u%%)\n", count_text(stats->used).text,
           count_text(stats->capacity).text, percent);
    if (whole->count == 0) {
        printf("  newest id   %10s\n", id_text(stats->last_id).text);
    }
    if (stats->aside_capacity != 0) {
        printf("  aside       %10s of %s\n", count_text(stats->aside).text,
               count_text(stats->aside_capacity).text);
    }
    if (stats->later_capacity != 0) {
        const uint64_t now_ms = slotq_now_ms(queue);
        const uint64_t due_ms = stats->later_due_ms;
        printf("  scheduled   %10s of %s", count_text(stats->later).text,
               count_text(stats->later_capacity).text);
        if (stats->later != 0) {
            printf(", the next due %s%s", due_ms > now_ms ? "in " : "now",
                   due_ms > now_ms ? time_text(due_ms - now_ms).text : "");
        }
        putchar('\n');
    }
    printf("  dead        %10s of %s\n", count_text(stats->dead).text,
           count_text(stats->dead_capacity).text);
    if (stats->dropped != 0 || stats->dead_dropped != 0) {
        printf("  dropped     %10s by overwriting, %s dead\n", count_text(stats->dropped).text,
               count_text(stats->dead_dropped).text);
    }
}

/* Of each group that has limits. */
static void print_limits(const slotq *queue, const slotq_stats *stats)
{
    const limits_words words = limits_text(stats, slotq_now_ms(queue));
    if (words.text[0] != '\0') {
        printf("  limits of group %" PRIu32 ": %s\n", stats->group, words.text);
    }
}

static void print_group_heading(void)
{
    printf("\n%s  GROUP    READY   LEASED  WAITING       ACKED  RETRIED     DIED      OLDEST%s\n",
           output_bold(), output_plain());
}

static void print_group(const slotq *queue, const slotq_stats *stats)
{
    const uint64_t now_ms = slotq_now_ms(queue);
    const bool has_age = stats->oldest_ms != 0 && stats->unfinished != 0;
    const uint64_t age_ms = stats->oldest_ms < now_ms ? now_ms - stats->oldest_ms : 0;
    printf("  %5" PRIu32 " %8s %8s %8s %11s %8s %8s %11s\n", stats->group,
           count_text(stats->ready).text, count_text(stats->leased).text,
           count_text(stats->waiting).text, count_text(stats->acked).text,
           count_text(stats->redelivered).text, count_text(stats->died).text,
           has_age ? time_text(age_ms).text : "-");
}

/* A full queue: which message holds it, why, and what to do. */
static void print_holder(const command_line *line, const char *name, slotq *queue,
                         const slotq_stats *stats)
{
    const slotq_holder *holder = &stats->holder;
    if (holder->id == 0 || stats->used < stats->capacity) {
        return;
    }
    if (slotq_geometry_of(queue)->flags & SLOTQ_FLAG_OVERWRITE) {
        printf("\nfull: the next push drops message %s (%s in group %u), the oldest.\n",
               id_text(holder->id).text, state_word(holder->state), holder->group);
        return;
    }
    if (holder->steps_aside) {
        printf("\nfull: the next push moves message %s (%s in group %u) aside.\n",
               id_text(holder->id).text, state_word(holder->state), holder->group);
        return;
    }
    printf("\n%sfull:%s message %s (%s in group %u) holds %s slots; the group has %s "
           "unfinished.\nA slot is used again when all messages before it are finished.\n",
           output_red(), output_plain(), id_text(holder->id).text, state_word(holder->state),
           holder->group, count_text(holder->held).text, count_text(holder->unfinished).text);
    output_wrapped(holder_remedy(line, name, queue, stats).text, 0, 0);
}

/* A look is at the queue that has the name now, also if that was made anew meanwhile. */
static slotq_outcome look(slotq *queue, uint8_t group, slotq_stats *stats)
{
    const slotq_outcome outcome = slotq_get_stats(queue, group, stats);
    return outcome == SLOTQ_REMADE ? slotq_get_stats(queue, group, stats) : outcome;
}

/* One look: all groups, or the one asked for. */
static int print_stats(const command_line *line, const char *name, slotq *queue,
                       const sharded_extent *extent)
{
    const uint8_t groups = slotq_geometry_of(queue)->groups;
    const uint8_t first = option_group(line);
    const uint8_t end = given(line, OPTION_GROUP) ? (uint8_t)(first + 1) : groups;
    slotq_stats stats = {0};
    for (uint8_t group = first; group < end; group++) {
        if (look(queue, group, &stats) != SLOTQ_OK) {
            return complain_queue(queue, name);
        }
        if (given(line, OPTION_JSON)) {
            output_json(stats_object(queue, name, &stats, &extent->whole));
            continue;
        }
        if (group == first) {
            print_shared(queue, name, &stats, extent);
            print_group_heading();
        }
        print_group(queue, &stats);
        print_limits(queue, &stats);
    }
    if (!given(line, OPTION_JSON)) {
        print_holder(line, name, queue, &stats);
    }
    return EXIT_CODE_OK;
}

/* A line for logs: what changes, nothing else. */
static int print_stats_line(const command_line *line, const char *name, slotq *queue)
{
    slotq_stats stats = {0};
    if (look(queue, option_group(line), &stats) != SLOTQ_OK) {
        return complain_queue(queue, name);
    }
    printf("%s %s used=%" PRIu32 " ready=%" PRIu32 " leased=%" PRIu32 " waiting=%" PRIu32
           " acked=%" PRIu32 " redelivered=%" PRIu32 " died=%" PRIu32 " dead=%" PRIu32 "\n",
           moment_text(slotq_now_ms(queue)).text, plain_word(name).text, stats.used, stats.ready,
           stats.leased, stats.waiting, stats.acked, stats.redelivered, stats.died, stats.dead);
    return EXIT_CODE_OK;
}

static int watch(const command_line *line, const char *name, slotq *queue)
{
    const int every_ms = (int)option_number(line, OPTION_EVERY, 1000);
    const bool redraw = output_is_terminal() && !given(line, OPTION_JSON);
    const bool plain = !output_is_terminal() && !given(line, OPTION_JSON);
    const sharded_extent extent = sharded_extent_of(line, name, queue);
    int code = EXIT_CODE_OK;
    report_catch_signals();
    while (report_signal() == 0 && code == EXIT_CODE_OK) {
        if (redraw) {
            fputs("\033[H\033[J", stdout);
        }
        code =
            plain ? print_stats_line(line, name, queue) : print_stats(line, name, queue, &extent);
        if (redraw) {
            printf("\n%severy %s; Ctrl-C ends%s\n", output_dim(),
                   time_text((uint64_t)every_ms).text, output_plain());
        }
        code = output_finish(code);
        poll(NULL, 0, every_ms);
    }
    return code != EXIT_CODE_OK ? code : report_interrupted();
}

static int show_one(const command_line *line, const char *name)
{
    slotq *queue;
    int code = open_to_look(line, name, &queue);
    if (code == EXIT_CODE_OK) {
        const sharded_extent extent = sharded_extent_of(line, name, queue);
        code = print_stats(line, name, queue, &extent);
        sharded_tell_missing(line, name, queue);
        slotq_close(queue);
    }
    return code;
}

static int show_each_shard(const command_line *line, const char *name)
{
    sharded all;
    slotq_error error;
    int code = EXIT_CODE_OK;
    bool is_first = true;
    if (sharded_read(line, name, &all, &error) != SLOTQ_OK) {
        return complain_open(line, name, &error);
    }
    for (uint32_t i = 0; i < all.count; i++) {
        const shard_row *row = &all.rows[i];
        if (row->state == SLOTQ_SHARD_GONE || row->state == SLOTQ_SHARD_MAKING) {
            continue;
        }
        if (!is_first && !given(line, OPTION_JSON)) {
            putchar('\n');
        }
        is_first = false;
        code = worse_exit(code, show_one(line, row->key));
    }
    sharded_free(&all);
    return code;
}

int run_stats(const command_line *line)
{
    const char *name = line->operands[0];
    slotq *queue;
    if (given(line, OPTION_EACH_SHARD) && given(line, OPTION_WATCH)) {
        complain("--each-shard is not for --watch; to watch one shard give its key: %s",
                 shown_command(line, "shards ls", name).text);
        return EXIT_CODE_USAGE;
    }
    if (given(line, OPTION_EACH_SHARD)) {
        return show_each_shard(line, name);
    }
    if (!given(line, OPTION_WATCH)) {
        return show_one(line, name);
    }
    int code = open_to_look(line, name, &queue);
    if (code == EXIT_CODE_OK) {
        code = watch(line, name, queue);
        slotq_close(queue);
    }
    return code;
}

/* The names that ls goes through, and how wide the longest of them makes the table. */
typedef struct listing {
    const command_line *line;
    char **names;
    size_t count;
    int name_columns;
    int code;
} listing;

static bool note_name(void *context, const char *name)
{
    listing *list = context;
    const int columns = columns_of(plain_word(name).text);
    char **names = realloc(list->names, (list->count + 1) * sizeof *names);
    if (names != NULL) {
        list->names = names;
        names[list->count] = strdup(name);
    }
    if (names == NULL || names[list->count] == NULL) {
        complain("out of memory");
        list->code = EXIT_CODE_FAILURE;
        return false;
    }
    list->count++;
    list->name_columns = columns > list->name_columns ? columns : list->name_columns;
    return true;
}

/* On a terminal the figures stay on the line; a program that reads a pipe gets one line per row. */
static void choose_columns(listing *list)
{
    enum { NAME_COLUMNS = 10, FIGURE_COLUMNS = 69 };
    const int columns = (int)output_columns() - FIGURE_COLUMNS;
    if (output_is_terminal() && list->name_columns > columns) {
        list->name_columns = columns;
    }
    if (list->name_columns < NAME_COLUMNS) {
        list->name_columns = NAME_COLUMNS;
    }
}

/* A name that is too wide has a separate line, and its figures are under it. */
static void print_name(const listing *list, const char *name)
{
    const word_text word = plain_word(name);
    const int left = list->name_columns - columns_of(word.text);
    printf("%s%s%*s", word.text, left < 0 ? "\n" : "", left < 0 ? list->name_columns : left, "");
}

static void list_failed(listing *list, const char *name, const slotq_error *error)
{
    if (given(list->line, OPTION_JSON)) {
        output_json_merged(output_json_queue(name),
                           json_pack("{s:s, s:s}", "outcome", slotq_outcome_name(error->outcome),
                                     "error", plain_word(error->text).text));
    } else {
        print_name(list, name);
        printf(" %s%s%s\n", output_red(), slotq_outcome_name(error->outcome), output_plain());
        fflush(stdout);
        complain_error(NULL, error);
    }
    list->code = worse_exit(list->code, slotq_outcome_exit(error->outcome));
}

static void list_group(const listing *list, const char *name, const slotq_stats *stats,
                       uint64_t bytes)
{
    print_name(list, name);
    printf(" %5" PRIu32 " %6s %6s %6s %6s %7s %6s %6s %11s\n", stats->group,
           count_text(stats->capacity).text, count_text(stats->used).text,
           count_text(stats->ready).text, count_text(stats->leased).text,
           count_text(stats->waiting).text, count_text(stats->later).text,
           count_text(stats->dead).text, count_text(bytes).text);
}

static void list_one(listing *list, const char *name)
{
    slotq *queue;
    slotq_error error;
    slotq_stats stats = {0};
    slotq_outcome outcome = open_quietly(list->line, name, true, &queue, &error);
    if (outcome != SLOTQ_OK) {
        list_failed(list, name, &error);
        return;
    }
    const uint8_t groups = slotq_geometry_of(queue)->groups;
    const sharded_extent extent = sharded_extent_of(list->line, name, queue);
    for (uint8_t group = 0; group < groups && outcome == SLOTQ_OK; group++) {
        outcome = slotq_get_stats(queue, group, &stats);
        if (outcome != SLOTQ_OK) {
            list_failed(list, name, slotq_error_of(queue));
        } else if (given(list->line, OPTION_JSON)) {
            output_json(stats_object(queue, name, &stats, &extent.whole));
        } else {
            list_group(list, name, &stats, extent.bytes);
        }
    }
    slotq_close(queue);
}

int run_ls(const command_line *line)
{
    listing list = {.line = line, .code = EXIT_CODE_OK};
    slotq_error error;
    const slotq_outcome outcome = slotq_list(line->url, note_name, &list, &error);
    choose_columns(&list);
    if (list.count != 0 && !given(line, OPTION_JSON)) {
        printf("%s%-*s %5s %6s %6s %6s %6s %7s %6s %6s %11s%s\n", output_bold(), list.name_columns,
               "QUEUE", "GROUP", "SLOTS", "USED", "READY", "LEASED", "WAITING", "LATER", "DEAD",
               "BYTES", output_plain());
    }
    for (size_t i = 0; i < list.count; i++) {
        list_one(&list, list.names[i]);
        free(list.names[i]);
    }
    free(list.names);
    if (outcome != SLOTQ_OK) {
        return worse_exit(list.code, complain_at(line->url, NULL, &error));
    }
    if (list.count == 0 && list.code == EXIT_CODE_OK) {
        remark("no queue in %s; create one: %s NAME", shown_url(line->url).text,
               shown_command(line, "create", NULL).text);
    }
    return list.code;
}
