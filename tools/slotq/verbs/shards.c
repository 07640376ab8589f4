/* shards.c: the command shards: the shards of a sharded queue listed, added, drained, taken back,
 * and found again.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../line/command_line.h"
#include "../line/values.h"
#include "look.h"
#include "open.h"
#include "sharded.h"
#include "../say/output.h"
#include "../say/report.h"
#include "../say/texts.h"

enum { NAME_AT = 1, NUMBER_AT = 2 }; /* operands: what, queue, shard */

/* A library's text about a name, with what this command can do about it. */
static int complain_shards(const command_line *line, const char *name, const slotq_error *error)
{
    if (error->outcome == SLOTQ_NOQUEUE) {
        return complain_open(line, name, error);
    }
    return complain_at(line->url, name, error);
}

/* ---- ls ---- */

static void set_figures(json_t *object, const slotq_stats *stats)
{
    const struct {
        const char *name;
        uint64_t value;
    } figures[] = {{"capacity", stats->capacity}, {"used", stats->used},
                   {"ready", stats->ready},       {"leased", stats->leased},
                   {"waiting", stats->waiting},   {"aside", stats->aside},
                   {"later", stats->later},       {"dead", stats->dead}};
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        json_object_set_new(object, figures[i].name, json_integer((json_int_t)figures[i].value));
    }
    json_object_set_new(object, "paused", json_string(paused_text(stats->paused)));
    if (stats->holder.id != 0) {
        json_object_set_new(object, "holder",
                            json_pack("{s:o, s:i, s:s}", "id", output_json_id(stats->holder.id),
                                      "group", stats->holder.group, "state",
                                      state_word(stats->holder.state)));
    }
}

static void print_row_json(const char *name, const shard_row *row)
{
    json_t *object = output_json_queue(name);
    json_object_set_new(object, "shard", json_integer(row->number));
    json_object_set_new(object, "state", json_string(shard_state_word(row->state)));
    output_json_bytes(object, "key", "key_base64", row->key, strlen(row->key));
    if (row->node[0] != '\0') {
        json_object_set_new(object, "node", json_string(row->node));
    }
    if (row->state == SLOTQ_SHARD_OPEN) {
        json_object_set_new(object, "from_ms", json_integer((json_int_t)row->from_ms));
    }
    if (row->state == SLOTQ_SHARD_GONE) {
        json_object_set_new(object, "last_id", json_integer((json_int_t)row->last_id));
    }
    if (row->has_stats) {
        set_figures(object, &row->stats);
    }
    if (row->error != NULL) {
        json_object_set_new(object, "outcome", json_string(slotq_outcome_name(row->outcome)));
        json_object_set_new(object, "error", json_string(plain_word(row->error).text));
    }
    output_json(object);
}

/* What a person must know of a row beside its figures. */
static void print_remarks(const shard_row *row, uint64_t now_ms)
{
    enum { INDENT = 7 };
    char text[1200] = "";
    const shard_text holdup = shard_holdup(row);
    if (row->error != NULL) {
        snprintf(text, sizeof text, "%s: %s", slotq_outcome_name(row->outcome), row->error);
    } else if (row->state == SLOTQ_SHARD_DRAINING && holdup.text[0] != '\0') {
        snprintf(text, sizeof text, "not empty yet: %s", holdup.text);
    } else if (row->state == SLOTQ_SHARD_DRAINING) {
        snprintf(text, sizeof text, "empty: shards drain ends it");
    } else if (row->state == SLOTQ_SHARD_MAKING) {
        snprintf(text, sizeof text, "shards add has not ended: it goes on when called again");
    } else if (row->state == SLOTQ_SHARD_OPEN && row->from_ms > now_ms) {
        snprintf(text, sizeof text, "producers use it from %s on", moment_text(row->from_ms).text);
    }
    if (text[0] != '\0') {
        printf("%*s", INDENT, "");
        output_wrapped(plain_word(text).text, INDENT, INDENT);
    }
}

static void print_row(const shard_row *row, int node_columns)
{
    const slotq_stats *stats = &row->stats;
    const uint32_t figures[] = {stats->used, stats->ready, stats->leased, stats->later,
                                stats->dead};
    printf("%5" PRIu32 "  %-8s", row->number, shard_state_word(row->state));
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        printf(" %6s", row->has_stats ? count_text(figures[i]).text : "-");
    }
    if (node_columns != 0) {
        printf("  %-*s", node_columns, row->node[0] != '\0' ? row->node : "-");
    }
    printf("  %s\n", plain_word(row->key).text);
}

static void print_table(const sharded *all, uint64_t now_ms)
{
    int node_columns = 0; /* one server: no column */
    for (uint32_t i = 0; i < all->count; i++) {
        const int columns = (int)strlen(all->rows[i].node);
        node_columns = columns > node_columns ? columns : node_columns;
    }
    printf("%s%5s  %-8s %6s %6s %6s %6s %6s", output_bold(), "SHARD", "STATE", "USED", "READY",
           "LEASED", "LATER", "DEAD");
    if (node_columns != 0) {
        printf("  %-*s", node_columns, "NODE");
    }
    printf("  %s%s\n", "KEY", output_plain());
    for (uint32_t i = 0; i < all->count; i++) {
        print_row(&all->rows[i], node_columns);
        print_remarks(&all->rows[i], now_ms);
    }
}

/* The whole in a line, and what was begun and not ended. */
static int summarise(const command_line *line, const char *name, const sharded *all)
{
    uint64_t used = 0;
    uint64_t capacity = 0;
    int code = EXIT_CODE_OK;
    for (uint32_t i = 0; i < all->count; i++) {
        used += all->rows[i].has_stats ? all->rows[i].stats.used : 0;
        capacity += all->rows[i].has_stats ? all->rows[i].stats.capacity : 0;
        if (all->rows[i].error != NULL) {
            code = worse_exit(code, slotq_outcome_exit(all->rows[i].outcome));
        }
    }
    remark("%s: %" PRIu32 " of %" PRIu32 " shards open%s, %s of %s slots in use", name,
           all->whole.open, all->whole.count, all->whole.keyed ? ", keyed" : "",
           count_text(used).text, count_text(capacity).text);
    if (all->whole.making) {
        complain("%s is being made, and cannot be used yet; if no create is running, call it again "
                 "as before: %s --shards %" PRIu32,
                 name, shown_command(line, "create", name).text, all->whole.count);
    } else if (all->whole.removing) {
        complain("%s is being removed; if no rm is running, call it again: %s", name,
                 shown_command(line, "rm", name).text);
    }
    return all->whole.making || all->whole.removing ? worse_exit(code, EXIT_CODE_REFUSED) : code;
}

static uint64_t wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int shards_ls(const command_line *line, const char *name)
{
    sharded all;
    slotq_error error;
    if (sharded_read(line, name, &all, &error) != SLOTQ_OK) {
        return complain_shards(line, name, &error);
    }
    if (given(line, OPTION_JSON)) {
        for (uint32_t i = 0; i < all.count; i++) {
            print_row_json(name, &all.rows[i]);
        }
    } else {
        print_table(&all, wall_ms());
        fflush(stdout);
    }
    const int code = summarise(line, name, &all);
    sharded_free(&all);
    return code;
}

/* ---- changes ---- */

/* false after a message: the library gets no options. */
static bool read_options(const command_line *line, open_settings *settings)
{
    slotq_error error;
    if (open_options(line, settings, &error) != EXIT_CODE_OK) {
        complain_error(NULL, &error);
        return false;
    }
    return true;
}

static void tell_changed(const command_line *line, const char *name, uint32_t number,
                         slotq_shard_state state)
{
    if (given(line, OPTION_JSON)) {
        output_done(NULL);
        output_json_merged(
            output_json_queue(name),
            json_pack("{s:I, s:s}", "shard", (json_int_t)number, "state", shard_state_word(state)));
    }
}

static int shards_add(const command_line *line, const char *name)
{
    open_settings settings;
    slotq_error error;
    uint32_t number = 0;
    if (!read_options(line, &settings)) {
        return EXIT_CODE_USAGE;
    }
    if (slotq_shards_add(line->url, name, &settings.options, &number, &error) != SLOTQ_OK) {
        return complain_shards(line, name, &error);
    }
    tell_changed(line, name, number, SLOTQ_SHARD_OPEN);
    if (!given(line, OPTION_JSON)) {
        printf("%" PRIu32 "\n", number);
        remark("%s: shard %" PRIu32 " was added; producers use it after 15 s, when every consumer "
               "knows it",
               name, number);
    }
    return EXIT_CODE_OK;
}

/* What a drain waits for, said when it changes in kind: nothing may consume those messages. */
typedef struct draining {
    const command_line *line;
    const char *name;
    uint32_t number;
    bool told_messages;
    bool told_dead;
    shard_text left; /* what is in the way */
} draining;

static void tell_dead(draining *drain, const shard_row *row)
{
    const bool only_dead = row->stats.dead != 0 && shard_left(row) == row->stats.dead;
    if (only_dead && !drain->told_dead) {
        remark("%s: only dead messages (%s) are left in shard %" PRIu32
               ": push them again or delete them: %s, dead purge",
               drain->name, count_text(row->stats.dead).text, drain->number,
               shown_command(drain->line, "dead redrive", drain->name).text);
        drain->told_dead = true;
    }
}

/* Look at what is left in it, and show it. */
static void watch_drain(draining *drain)
{
    sharded all;
    slotq_error error;
    if (sharded_read(drain->line, drain->name, &all, &error) != SLOTQ_OK) {
        return;
    }
    const shard_row *row = sharded_find(&all, drain->number);
    if (row != NULL && row->has_stats) {
        char what[64];
        drain->left = shard_holdup(row);
        if (!drain->told_messages) {
            remark("%s: shard %" PRIu32 " takes no new messages; waiting for %s", drain->name,
                   drain->number,
                   drain->left.text[0] != '\0' ? drain->left.text : "clients that have it open");
            drain->told_messages = true;
        }
        tell_dead(drain, row);
        snprintf(what, sizeof what, "messages left in shard %" PRIu32, drain->number);
        progress_show(what, shard_left(row), 0);
    }
    sharded_free(&all);
}

static int stop_waiting(const draining *drain)
{
    const char *left = drain->left.text;
    progress_end();
    complain("%s: shard %" PRIu32 " takes no new messages, and is not gone yet%s%s; to go on: %s "
             "%" PRIu32 "; to take it back: %s %" PRIu32,
             drain->name, drain->number, left[0] != '\0' ? ": " : "", left,
             shown_command(drain->line, "shards drain", drain->name).text, drain->number,
             shown_command(drain->line, "shards undrain", drain->name).text, drain->number);
    tell_changed(drain->line, drain->name, drain->number, SLOTQ_SHARD_DRAINING);
    return report_signal() != 0 ? report_interrupted() : slotq_outcome_exit(SLOTQ_AGAIN);
}

static int shards_drain(const command_line *line, const char *name, uint32_t number)
{
    enum { FIRST_MS = 50, LAST_MS = 1000 };
    draining drain = {.line = line, .name = name, .number = number};
    drain.told_messages = given(line, OPTION_NO_WAIT);
    drain.told_dead = drain.told_messages;
    open_settings settings;
    slotq_error error;
    if (!read_options(line, &settings)) {
        return EXIT_CODE_USAGE;
    }
    report_catch_signals();
    for (int pause_ms = FIRST_MS;; pause_ms = pause_ms * 2 < LAST_MS ? pause_ms * 2 : LAST_MS) {
        const slotq_outcome outcome =
            slotq_shards_drain(line->url, name, number, &settings.options, &error);
        if (outcome == SLOTQ_OK) {
            break;
        }
        if (outcome != SLOTQ_AGAIN) {
            progress_end();
            return complain_shards(line, name, &error);
        }
        watch_drain(&drain);
        if (given(line, OPTION_NO_WAIT) || report_signal() != 0) {
            return stop_waiting(&drain);
        }
        poll(NULL, 0, pause_ms);
    }
    progress_end();
    tell_changed(line, name, number, SLOTQ_SHARD_GONE);
    remark("%s: shard %" PRIu32 " is empty and gone", name, number);
    return EXIT_CODE_OK;
}

static int shards_undrain(const command_line *line, const char *name, uint32_t number)
{
    open_settings settings;
    slotq_error error;
    if (!read_options(line, &settings)) {
        return EXIT_CODE_USAGE;
    }
    const slotq_outcome outcome =
        slotq_shards_undrain(line->url, name, number, &settings.options, &error);
    if (outcome != SLOTQ_OK) {
        return complain_shards(line, name, &error);
    }
    tell_changed(line, name, number, SLOTQ_SHARD_OPEN);
    remark("%s: shard %" PRIu32 " is open again", name, number);
    return EXIT_CODE_OK;
}

static int shards_repair(const command_line *line, const char *name)
{
    open_settings settings;
    slotq_error error;
    uint32_t found = 0;
    if (!read_options(line, &settings)) {
        return EXIT_CODE_USAGE;
    }
    if (slotq_shards_repair(line->url, name, &settings.options, &found, &error) != SLOTQ_OK) {
        return complain_shards(line, name, &error);
    }
    if (given(line, OPTION_JSON)) {
        output_done(NULL);
        output_json_merged(output_json_queue(name), json_pack("{s:I}", "found", (json_int_t)found));
    }
    if (found == 0) {
        remark("%s: nothing to repair: its descriptor agrees with its shards", name);
    } else {
        remark("%s: repaired %" PRIu32 " %s of its descriptor", name, found,
               found == 1 ? "entry" : "entries");
    }
    return EXIT_CODE_OK;
}

/* ---- the command ---- */

int run_shards(const command_line *line)
{
    static const struct {
        const char *what;
        int (*whole)(const command_line *line, const char *name);
        int (*one)(const command_line *line, const char *name, uint32_t number);
    } all[] = {{"ls", shards_ls, NULL},
               {"add", shards_add, NULL},
               {"drain", NULL, shards_drain},
               {"undrain", NULL, shards_undrain},
               {"repair", shards_repair, NULL}};
    const char *what = line->operands[0];
    const char *name = line->operands[NAME_AT];
    const bool has_number = line->count > NUMBER_AT;
    uint64_t number = 0;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strcmp(what, all[i].what) != 0) {
            continue;
        }
        if (given(line, OPTION_NO_WAIT) && all[i].one != shards_drain) {
            complain("--no-wait is for shards drain");
        } else if (all[i].whole != NULL && has_number) {
            complain("shards %s does not take the number of a shard%s", what,
                     all[i].whole == shards_add ? ": a new shard has the next number" : "");
        } else if (all[i].whole != NULL) {
            return output_finish(all[i].whole(line, name));
        } else if (!has_number) {
            complain("shards %s needs the number of a shard: %s lists them", what,
                     shown_command(line, "shards ls", name).text);
        } else if (!parse_count(line->operands[NUMBER_AT], &number) || number >= SLOTQ_SHARDS_MAX) {
            complain("%s: not the number of a shard (0 to %d)", line->operands[NUMBER_AT],
                     SLOTQ_SHARDS_MAX - 1);
        } else {
            return output_finish(all[i].one(line, name, (uint32_t)number));
        }
        return EXIT_CODE_USAGE;
    }
    complain("shards %s: must be ls, add, drain, undrain or repair, then the queue", what);
    return EXIT_CODE_USAGE;
}
