/* metrics.c: the command metrics: the figures of queues in the text format of Prometheus (0.0.4)
 * or in OpenMetrics 1.0. Knows names and units of metrics; the figures come from slotq_get_stats.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../line/command_line.h"
#include "open.h"
#include "sharded.h"
#include "../say/output.h"
#include "../say/report.h"
#include "../say/texts.h"

/* One group of one queue, as it was at one moment. */
typedef struct sample {
    char *name;
    char shard[12]; /* a label, of --each-shard; "": none */
    bool up;        /* false: the queue could not be read; nothing else is known */
    bool first;     /* the queue's first group: what all groups share is told once */
    uint64_t bytes;
    uint64_t now_ms;
    slotq_stats stats;
} sample;

typedef struct gathering {
    const command_line *line;
    sample *samples;
    size_t count;
    size_t room;
    int code;
} gathering;

typedef enum metric_per { PER_QUEUE, PER_GROUP } metric_per;

typedef enum metric_kind { GAUGE, COUNTER } metric_kind;

typedef struct metric {
    const char *name;
    metric_kind kind;
    metric_per per;
    const char *unit; /* NULL: none that OpenMetrics knows */
    const char *help;
    double (*value)(const sample *of);
} metric;

/* ---- values ---- */

#define FIGURE(field)                                                                              \
    static double field##_of(const sample *of)                                                     \
    {                                                                                              \
        return (double)of->stats.field;                                                            \
    }
FIGURE(capacity)
FIGURE(used)
FIGURE(last_id)
FIGURE(ready)
FIGURE(undelivered)
FIGURE(leased)
FIGURE(waiting)
FIGURE(unfinished)
FIGURE(acked)
FIGURE(redelivered)
FIGURE(died)
FIGURE(aside)
FIGURE(aside_capacity)
FIGURE(later)
FIGURE(later_capacity)
FIGURE(dead)
FIGURE(dead_capacity)
FIGURE(dropped)
FIGURE(dead_dropped)
#undef FIGURE

static double up_of(const sample *of)
{
    return of->up ? 1 : 0;
}

static double bytes_of(const sample *of)
{
    return (double)of->bytes;
}

static double paused_in_of(const sample *of)
{
    return (of->stats.paused & SLOTQ_PAUSE_IN) != 0 ? 1 : 0;
}

static double paused_out_of(const sample *of)
{
    return (of->stats.paused & SLOTQ_PAUSE_OUT) != 0 ? 1 : 0;
}

static double oldest_age_of(const sample *of)
{
    const uint64_t oldest_ms = of->stats.oldest_ms;
    const bool known = of->stats.unfinished != 0 && oldest_ms != 0 && oldest_ms < of->now_ms;
    return known ? (double)(of->now_ms - oldest_ms) / 1000 : 0;
}

static double later_due_of(const sample *of)
{
    return of->stats.later != 0 ? (double)of->stats.later_due_ms / 1000 : 0;
}

static double limit_leased_of(const sample *of)
{
    return of->stats.limits.max_leased;
}

static double limit_interval_of(const sample *of)
{
    return (double)of->stats.limits.rate_interval_us / 1e6;
}

static double limited_of(const sample *of)
{
    return of->stats.ready != 0 && of->stats.limited_until_ms != 0 ? 1 : 0;
}

/* Names end with the unit; a counter's name gets _total behind it where it is printed. */
static const metric metrics[] = {
    {"slotq_up", GAUGE, PER_QUEUE, NULL, "1 when the queue could be read, else 0.", up_of},
    {"slotq_capacity_slots", GAUGE, PER_QUEUE, NULL, "Messages that the queue can hold.",
     capacity_of},
    {"slotq_used_slots", GAUGE, PER_QUEUE, NULL,
     "Slots in use: the oldest message that a group has not finished, and all behind it.", used_of},
    {"slotq_size_bytes", GAUGE, PER_QUEUE, "bytes", "Size of the queue, fixed when it was created.",
     bytes_of},
    {"slotq_pushed", COUNTER, PER_QUEUE, NULL,
     "Messages pushed since creation; of a queue that is alone the id of the newest one.",
     last_id_of},
    {"slotq_paused_in", GAUGE, PER_QUEUE, NULL, "1 while pushes are refused, else 0.",
     paused_in_of},
    {"slotq_paused_out", GAUGE, PER_QUEUE, NULL, "1 while reserves are refused, else 0.",
     paused_out_of},
    {"slotq_aside_messages", GAUGE, PER_QUEUE, NULL, "Unfinished messages in the aside section.",
     aside_of},
    {"slotq_aside_capacity_messages", GAUGE, PER_QUEUE, NULL, "Messages that can leave the ring.",
     aside_capacity_of},
    {"slotq_later_messages", GAUGE, PER_QUEUE, NULL, "Scheduled messages.", later_of},
    {"slotq_later_capacity_messages", GAUGE, PER_QUEUE, NULL,
     "Scheduled messages that the queue can hold.", later_capacity_of},
    {"slotq_later_due_seconds", GAUGE, PER_QUEUE, "seconds",
     "When the next scheduled message is due, in seconds since 1970; 0 = none.", later_due_of},
    {"slotq_dead_messages", GAUGE, PER_QUEUE, NULL, "Messages in the dead section.", dead_of},
    {"slotq_dead_capacity_messages", GAUGE, PER_QUEUE, NULL,
     "Messages that the dead section can hold.", dead_capacity_of},
    {"slotq_dropped", COUNTER, PER_QUEUE, NULL, "Unfinished messages overwritten; wraps at 2^32.",
     dropped_of},
    {"slotq_dead_dropped", COUNTER, PER_QUEUE, NULL,
     "Dead messages dropped for lack of room; wraps at 2^32.", dead_dropped_of},
    {"slotq_ready_messages", GAUGE, PER_GROUP, NULL, "Messages that can be reserved now.",
     ready_of},
    {"slotq_undelivered_messages", GAUGE, PER_GROUP, NULL, "Messages never delivered to the group.",
     undelivered_of},
    {"slotq_leased_messages", GAUGE, PER_GROUP, NULL, "Messages leased to workers.", leased_of},
    {"slotq_waiting_messages", GAUGE, PER_GROUP, NULL, "Messages that wait for the end of a delay.",
     waiting_of},
    {"slotq_unfinished_messages", GAUGE, PER_GROUP, NULL, "Ready, leased and waiting messages.",
     unfinished_of},
    {"slotq_limit_leased_messages", GAUGE, PER_GROUP, NULL,
     "Messages that may be leased at a time; 0 = no such limit.", limit_leased_of},
    {"slotq_limit_interval_seconds", GAUGE, PER_GROUP, "seconds",
     "Time between two messages at the limit of the rate; 0 = no such limit.", limit_interval_of},
    {"slotq_limited", GAUGE, PER_GROUP, NULL,
     "1 while messages are ready and a limit lets none go, else 0.", limited_of},
    {"slotq_oldest_age_seconds", GAUGE, PER_GROUP, "seconds",
     "Age of the group's oldest message; 0 = no message, or no push times.", oldest_age_of},
    {"slotq_acked", COUNTER, PER_GROUP, NULL, "Messages acked; wraps at 2^32.", acked_of},
    {"slotq_redelivered", COUNTER, PER_GROUP, NULL, "Deliveries after the first; wraps at 2^32.",
     redelivered_of},
    {"slotq_died", COUNTER, PER_GROUP, NULL, "Messages that died; wraps at 2^32.", died_of},
};

/* ---- gathering ---- */

static sample *add_sample(gathering *all, const char *name, const char *shard)
{
    if (all->count == all->room) {
        const size_t room = all->room == 0 ? 16 : all->room * 2;
        sample *larger = realloc(all->samples, room * sizeof *larger);
        if (larger == NULL) {
            return NULL;
        }
        all->samples = larger;
        all->room = room;
    }
    sample *added = &all->samples[all->count];
    memset(added, 0, sizeof *added);
    added->name = strdup(name);
    snprintf(added->shard, sizeof added->shard, "%s", shard);
    all->count += added->name != NULL;
    return added->name != NULL ? added : NULL;
}

/* A queue that could not be read to its end is down; half of its figures are forgotten. */
static bool fail(gathering *all, const char *name, const char *shard, int code, size_t begun_at)
{
    while (all->count > begun_at) {
        free(all->samples[--all->count].name);
    }
    sample *added = add_sample(all, name, shard);
    all->code = worse_exit(all->code, code);
    if (added == NULL) {
        complain("out of memory");
        all->code = worse_exit(all->code, EXIT_CODE_FAILURE);
        return false;
    }
    added->first = true;
    return true;
}

/* All groups of an open queue, under this name; shard: a label, or "". */
static bool gather_groups(gathering *all, const char *name, const char *shard, slotq *queue,
                          const sharded_extent *extent)
{
    const size_t begun_at = all->count;
    const uint8_t groups = slotq_geometry_of(queue)->groups;
    for (uint8_t group = 0; group < groups; group++) {
        slotq_stats stats;
        if (slotq_get_stats(queue, group, &stats) != SLOTQ_OK) {
            return fail(all, name, shard, complain_queue(queue, name), begun_at);
        }
        sample *added = add_sample(all, name, shard);
        if (added == NULL) {
            complain("out of memory");
            all->code = EXIT_CODE_FAILURE;
            return false;
        }
        added->up = true;
        added->first = group == 0;
        added->bytes = extent->bytes;
        added->now_ms = slotq_now_ms(queue);
        added->stats = stats;
        if (extent->whole.count != 0) {
            added->stats.last_id = extent->pushed;
        }
    }
    return true;
}

static bool gather_shard(gathering *all, const char *name, const shard_row *row)
{
    slotq *queue;
    slotq_error error;
    char shard[sizeof((sample *)0)->shard];
    snprintf(shard, sizeof shard, "%" PRIu32, row->number);
    if (row->state == SLOTQ_SHARD_GONE || row->state == SLOTQ_SHARD_MAKING) {
        return true;
    }
    if (open_quietly(all->line, row->key, true, &queue, &error) != SLOTQ_OK) {
        return fail(all, name, shard, complain_open(all->line, row->key, &error), all->count);
    }
    const sharded_extent extent = sharded_extent_of(all->line, row->key, queue);
    const bool goes_on = gather_groups(all, name, shard, queue, &extent);
    slotq_close(queue);
    return goes_on;
}

/* Each shard of a sharded queue. false: it is not one, and nothing was gathered. */
static bool gather_shards(gathering *all, const char *name, bool *goes_on)
{
    sharded shards;
    slotq_error error;
    if (sharded_read(all->line, name, &shards, &error) != SLOTQ_OK) {
        return false;
    }
    *goes_on = true;
    for (uint32_t i = 0; i < shards.count && *goes_on; i++) {
        *goes_on = gather_shard(all, name, &shards.rows[i]);
    }
    sharded_free(&shards);
    return true;
}

static bool gather(void *context, const char *name)
{
    gathering *all = context;
    slotq *queue;
    slotq_error error;
    bool goes_on;
    for (size_t i = 0; i < all->count; i++) {
        if (strcmp(all->samples[i].name, name) == 0) {
            return true; /* named twice */
        }
    }
    if (given(all->line, OPTION_EACH_SHARD) && gather_shards(all, name, &goes_on)) {
        return goes_on;
    }
    const slotq_outcome outcome = open_quietly(all->line, name, true, &queue, &error);
    if (outcome != SLOTQ_OK) {
        return fail(all, name, "", complain_open(all->line, name, &error), all->count);
    }
    const sharded_extent extent = sharded_extent_of(all->line, name, queue);
    goes_on = gather_groups(all, name, "", queue, &extent);
    slotq_close(queue);
    return goes_on;
}

/* ---- printing ---- */

/* A label's value: backslash, quote and newline escaped, bytes that are not UTF-8 as \xNN. */
static void print_label(const char *text)
{
    for (size_t left = strlen(text); left != 0;) {
        size_t taken = visible_bytes((const uint8_t *)text, left);
        if (text[0] == '\\' || text[0] == '"') {
            putchar('\\');
        }
        if (text[0] == '\n') {
            fputs("\\n", stdout);
            taken = 1;
        } else if (taken == 0) {
            printf("\\\\x%02x", (unsigned)(uint8_t)text[0]);
            taken = 1;
        } else {
            fwrite(text, 1, taken, stdout);
        }
        text += taken;
        left -= taken;
    }
}

/* The two formats differ in the heads of counters: there _total is a part of the family's name, or
 * it is not; and only OpenMetrics has units, and an end. */
static void print_head(const metric *shown, bool open)
{
    const char *ending = shown->kind == COUNTER && !open ? "_total" : "";
    printf("# HELP %s%s %s\n", shown->name, ending, shown->help);
    printf("# TYPE %s%s %s\n", shown->name, ending, shown->kind == COUNTER ? "counter" : "gauge");
    if (open && shown->unit != NULL) {
        printf("# UNIT %s %s\n", shown->name, shown->unit);
    }
}

static void print_metric(const gathering *all, const metric *shown, bool open)
{
    print_head(shown, open);
    for (size_t i = 0; i < all->count; i++) {
        const sample *of = &all->samples[i];
        const bool known = of->up || shown->value == up_of;
        if (!known || (shown->per == PER_QUEUE && !of->first)) {
            continue;
        }
        printf("%s%s{queue=\"", shown->name, shown->kind == COUNTER ? "_total" : "");
        print_label(of->name);
        if (of->shard[0] != '\0') {
            printf("\",shard=\"%s", of->shard);
        }
        if (shown->per == PER_GROUP) {
            printf("\",group=\"%" PRIu32, of->stats.group);
        }
        printf("\"} %.15g\n", shown->value(of));
    }
}

static void print_all(const gathering *all)
{
    const bool open = given(all->line, OPTION_OPENMETRICS);
    for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++) {
        print_metric(all, &metrics[i], open);
    }
    if (open) {
        puts("# EOF");
    }
}

int run_metrics(const command_line *line)
{
    gathering all = {.line = line, .code = EXIT_CODE_OK};
    slotq_error error;
    if (given(line, OPTION_JSON)) {
        complain("metrics prints the text format of Prometheus or OpenMetrics; for JSON: slotq ls "
                 "--json");
        return EXIT_CODE_USAGE;
    }
    for (int i = 0; i < line->count; i++) {
        if (!gather(&all, line->operands[i])) {
            break;
        }
    }
    if (line->count == 0 && slotq_list(line->url, gather, &all, &error) != SLOTQ_OK) {
        all.code = complain_at(line->url, NULL, &error);
    } else {
        print_all(&all);
    }
    for (size_t i = 0; i < all.count; i++) {
        free(all.samples[i].name);
    }
    free(all.samples);
    return all.code;
}
