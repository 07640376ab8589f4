/* metrics.c: the command metrics: the figures of queues as Prometheus reads them (text format
 * 0.0.4). Knows names and units of metrics; where the figures come from is stats'.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../line/command_line.h"
#include "open.h"
#include "../say/output.h"
#include "../say/report.h"
#include "../line/values.h"

/* One group of one queue, as it was at one moment. */
typedef struct sample {
    char *name;
    bool up;    /* false: the queue could not be read; nothing else is known */
    bool first; /* the queue's first group: what all groups share is told once */
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

typedef struct metric {
    const char *name;
    const char *kind;
    const char *help;
    metric_per per;
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
FIGURE(dead)
FIGURE(dead_capacity)
FIGURE(dropped)
FIGURE(dead_dropped)
#undef FIGURE

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

static const metric metrics[] = {
    {"slotq_capacity_slots", "gauge", "Messages the ring can hold.", PER_QUEUE, capacity_of},
    {"slotq_used_slots", "gauge",
     "Slots in use: the oldest message that some group has not finished, and all behind it.",
     PER_QUEUE, used_of},
    {"slotq_bytes", "gauge", "Size of the queue, fixed when it was made.", PER_QUEUE, bytes_of},
    {"slotq_last_id", "counter", "Id of the newest message: how many were ever pushed.", PER_QUEUE,
     last_id_of},
    {"slotq_paused_in", "gauge", "1 while pushes are refused.", PER_QUEUE, paused_in_of},
    {"slotq_paused_out", "gauge", "1 while reserves are refused.", PER_QUEUE, paused_out_of},
    {"slotq_dead_messages", "gauge", "Messages in the dead section.", PER_QUEUE, dead_of},
    {"slotq_dead_capacity", "gauge", "Dead messages it can hold.", PER_QUEUE, dead_capacity_of},
    {"slotq_dropped_total", "counter", "Unfinished messages overwritten; wraps at 2^32.", PER_QUEUE,
     dropped_of},
    {"slotq_dead_dropped_total", "counter", "Dead messages that found no room; wraps at 2^32.",
     PER_QUEUE, dead_dropped_of},
    {"slotq_ready_messages", "gauge", "Messages that can be reserved now.", PER_GROUP, ready_of},
    {"slotq_undelivered_messages", "gauge", "Messages never delivered to the group.", PER_GROUP,
     undelivered_of},
    {"slotq_leased_messages", "gauge", "Messages leased to workers.", PER_GROUP, leased_of},
    {"slotq_waiting_messages", "gauge", "Messages that wait out a delay.", PER_GROUP, waiting_of},
    {"slotq_unfinished_messages", "gauge", "Ready, leased and waiting ones.", PER_GROUP,
     unfinished_of},
    {"slotq_oldest_age_seconds", "gauge",
     "Age of the group's oldest message; 0 = none, or no push times.", PER_GROUP, oldest_age_of},
    {"slotq_acked_total", "counter", "Messages finished; wraps at 2^32.", PER_GROUP, acked_of},
    {"slotq_redelivered_total", "counter", "Deliveries after the first; wraps at 2^32.", PER_GROUP,
     redelivered_of},
    {"slotq_died_total", "counter", "Messages that died; wraps at 2^32.", PER_GROUP, died_of},
};

/* ---- gathering ---- */

static sample *add_sample(gathering *all, const char *name)
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
    all->count += added->name != NULL;
    return added->name != NULL ? added : NULL;
}

/* A queue that could not be read to its end is down; half of its figures are forgotten. */
static bool fail(gathering *all, const char *name, int code, size_t begun_at)
{
    while (all->count > begun_at) {
        free(all->samples[--all->count].name);
    }
    sample *added = add_sample(all, name);
    all->code = worse_exit(all->code, code);
    if (added == NULL) {
        complain("out of memory");
        all->code = worse_exit(all->code, EXIT_CODE_FAILURE);
        return false;
    }
    added->first = true;
    return true;
}

static bool gather(void *context, const char *name)
{
    gathering *all = context;
    slotq *queue;
    slotq_error error;
    const size_t begun_at = all->count;
    for (size_t i = 0; i < begun_at; i++) {
        if (strcmp(all->samples[i].name, name) == 0) {
            return true; /* named twice */
        }
    }
    const slotq_outcome outcome = open_quietly(all->line, name, true, &queue, &error);
    if (outcome != SLOTQ_OK) {
        return fail(all, name, complain_open(all->line, name, &error), begun_at);
    }
    bool goes_on = true;
    const uint8_t groups = slotq_geometry_of(queue)->groups;
    for (uint8_t group = 0; group < groups && goes_on; group++) {
        slotq_stats stats;
        if (slotq_get_stats(queue, group, &stats) != SLOTQ_OK) {
            goes_on = fail(all, name, complain_queue(queue, name), begun_at);
            break;
        }
        sample *added = add_sample(all, name);
        if (added == NULL) {
            complain("out of memory");
            all->code = EXIT_CODE_FAILURE;
            goes_on = false;
        } else {
            added->up = true;
            added->first = group == 0;
            added->bytes = slotq_image_bytes(queue);
            added->now_ms = slotq_now_ms(queue);
            added->stats = stats;
        }
    }
    slotq_close(queue);
    return goes_on;
}

/* ---- printing ---- */

/* A label's value: backslash, quote and newline escaped, what is no UTF-8 as \xNN. */
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

static void print_metric(const gathering *all, const metric *shown)
{
    printf("# HELP %s %s\n# TYPE %s %s\n", shown->name, shown->help, shown->name, shown->kind);
    for (size_t i = 0; i < all->count; i++) {
        const sample *of = &all->samples[i];
        if (!of->up || (shown->per == PER_QUEUE && !of->first)) {
            continue;
        }
        printf("%s{queue=\"", shown->name);
        print_label(of->name);
        if (shown->per == PER_GROUP) {
            printf("\",group=\"%" PRIu32, of->stats.group);
        }
        printf("\"} %.15g\n", shown->value(of));
    }
}

static void print_all(const gathering *all)
{
    printf("# HELP slotq_up 1 when the queue could be read.\n# TYPE slotq_up gauge\n");
    for (size_t i = 0; i < all->count; i++) {
        if (all->samples[i].first) {
            fputs("slotq_up{queue=\"", stdout);
            print_label(all->samples[i].name);
            printf("\"} %d\n", all->samples[i].up ? 1 : 0);
        }
    }
    for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++) {
        print_metric(all, &metrics[i]);
    }
}

int run_metrics(const command_line *line)
{
    gathering all = {.line = line, .code = EXIT_CODE_OK};
    slotq_error error;
    if (given(line, OPTION_JSON)) {
        complain("metrics answers in the text format of Prometheus; for JSON: slotq ls --json");
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
