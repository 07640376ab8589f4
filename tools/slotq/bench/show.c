/* show.c: what the command bench found, as a table within 80 columns and a line that says
 * what it means, or as JSON (bench.h).
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"
#include "../verbs/open.h"
#include "../say/output.h"

enum { ROWS = BENCH_VERBS + 1, ALL_THREE = BENCH_VERBS };

static const char *const row_names[ROWS] = {"push", "reserve", "ack", "all three"};

/* Least, median and most of a row's rounds. */
typedef struct spread {
    double least;
    double median;
    double most;
} spread;

static int compare(const void *one, const void *other)
{
    const double left = *(const double *)one;
    const double right = *(const double *)other;
    return (left > right) - (left < right);
}

static spread spread_of(double *values, uint32_t count)
{
    qsort(values, count, sizeof *values, compare);
    const double middle = values[count / 2];
    return (spread){.least = values[0],
                    .median = count % 2 != 0 ? middle : (values[count / 2 - 1] + middle) / 2,
                    .most = values[count - 1]};
}

static double of_round(double (*ns)[BENCH_ROUNDS_MOST], int row, uint32_t round)
{
    return row != ALL_THREE
               ? ns[row][round]
               : ns[BENCH_PUSH][round] + ns[BENCH_RESERVE][round] + ns[BENCH_ACK][round];
}

/* A row of the table: a verb, or all three, in a way. Quantiles < 0: too few to tell. */
typedef struct figure_row {
    spread ours_ns;
    const char *bound_name; /* NULL: no bound */
    double bound_ns;
    double share; /* of the bound's speed */
    double p50_ns;
    double p99_ns;
} figure_row;

static figure_row row_of(bench_findings *findings, uint32_t way, int row)
{
    bench_figures *figures = &findings->ways[way];
    double ours[BENCH_ROUNDS_MOST] = {0};
    double bound[BENCH_ROUNDS_MOST] = {0};
    double share[BENCH_ROUNDS_MOST] = {0};
    for (uint32_t i = 0; i < findings->rounds; i++) {
        ours[i] = of_round(figures->ours_ns, row, i);
        bound[i] = of_round(figures->bound_ns, row, i);
        share[i] = bound[i] / ours[i];
    }
    figure_row found = {.ours_ns = spread_of(ours, findings->rounds),
                        .bound_name = row == ALL_THREE ? "their sum" : findings->bound_names[row],
                        .bound_ns = spread_of(bound, findings->rounds).median,
                        .share = spread_of(share, findings->rounds).median,
                        .p50_ns = -1,
                        .p99_ns = -1};
    if (row != ALL_THREE) {
        found.p50_ns = bench_times_quantile(&figures->trips[row], 0.5);
        found.p99_ns = bench_times_quantile(&figures->trips[row], 0.99);
    }
    return found;
}

static double per_second(double ns)
{
    return ns > 0 ? 1e9 / ns : 0;
}

/* The URL without its password and without bytes that a terminal would take for more. */
static word_text shown_place(const bench_plan *plan)
{
    return plain_word(shown_url(plan->line->url).text);
}

/* ---- for people ---- */

static value_text time_cell(double ns)
{
    const value_text none = {"-"};
    return ns < 0 ? none : fine_time_text(ns);
}

static value_text share_text(double share)
{
    value_text text;
    snprintf(text.text, sizeof text.text, share < 0.1 ? "%.1f%%" : "%.0f%%", share * 100);
    return text;
}

static void print_row(bench_findings *findings, uint32_t way, int row)
{
    const figure_row found = row_of(findings, way, row);
    printf("  %-9s %12s %8s %8s %8s", row_names[row],
           count_text((uint64_t)llround(per_second(found.ours_ns.median))).text,
           fine_time_text(found.ours_ns.median).text, time_cell(found.p50_ns).text,
           time_cell(found.p99_ns).text);
    if (found.bound_name != NULL) {
        printf("  %-10s %8s %6s", found.bound_name, fine_time_text(found.bound_ns).text,
               share_text(found.share).text);
    }
    putchar('\n');
}

static void print_head(const bench_plan *plan, const bench_findings *findings)
{
    printf("%s%s%s%s\n", output_bold(), plan->in_redis ? "" : "folder ", shown_place(plan).text,
           output_plain());
    if (findings->server[0] != '\0') {
        puts(plain_word(findings->server).text);
    }
    printf("messages of %s byte%s, %u s in %u rounds, medians%s\n\n",
           count_text(plan->payload_bytes).text, plan->payload_bytes == 1 ? "" : "s", plan->seconds,
           findings->rounds, plan->synced ? "; each call waits for the disk" : "");
    printf("%s  %-9s %12s %8s %8s %8s  %-10s %8s %6s%s\n", output_bold(), "", "MESSAGES/S", "EACH",
           "P50", "P99", "BOUND", "EACH", "SHARE", output_plain());
}

/* What to call the way that carries most. */
static command_text best_way_text(const bench_plan *plan)
{
    const bench_way *way = &plan->ways[plan->way_count - 1];
    command_text text = {"A message"};
    if (way->batch > 1 && way->in_flight > 1) {
        snprintf(text.text, sizeof text.text, "In batches of %u, %u at a time, a message",
                 way->batch, way->in_flight);
    } else if (way->batch > 1) {
        snprintf(text.text, sizeof text.text, "In batches of %u, a message", way->batch);
    } else if (way->in_flight > 1) {
        snprintf(text.text, sizeof text.text, "With %u calls per round trip, a message",
                 way->in_flight);
    }
    return text;
}

static void print_meaning(const bench_plan *plan, bench_findings *findings)
{
    const figure_row single = row_of(findings, 0, ALL_THREE);
    const figure_row best = row_of(findings, plan->way_count - 1, ALL_THREE);
    const double waited_ns = row_of(findings, 0, BENCH_ACK).bound_ns;
    const double times = single.ours_ns.median / best.ours_ns.median;
    char text[320];
    size_t used =
        (size_t)snprintf(text, sizeof text, "%s costs %s in all", best_way_text(plan).text,
                         fine_time_text(best.ours_ns.median).text);
    if (plan->way_count > 1) {
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 ", %.*f x less than one at a time (%s)", times < 10 ? 1 : 0, times,
                                 fine_time_text(single.ours_ns.median).text);
    }
    if (plan->in_redis) {
        snprintf(text + used, sizeof text - used,
                 ", where each verb waits for a round trip (PING: %s): use batches.",
                 fine_time_text(waited_ns).text);
    } else if (plan->synced) {
        snprintf(text + used, sizeof text - used,
                 "; each call waits for the disk (a write and its sync: %s): use batches.",
                 fine_time_text(waited_ns).text);
    } else {
        snprintf(text + used, sizeof text - used, "; copying it in and out costs %s.",
                 fine_time_text(best.bound_ns).text);
    }
    putchar('\n');
    output_wrapped(text, 0, 0);
}

static void print_table(const bench_plan *plan, bench_findings *findings)
{
    print_head(plan, findings);
    for (uint32_t way = 0; way < plan->way_count; way++) {
        printf("%s%s%s\n", output_bold(), bench_way_text(plan, &plan->ways[way]).text,
               output_plain());
        for (int row = 0; row < ROWS; row++) {
            print_row(findings, way, row);
        }
    }
    printf("\n%sP50, P99: of a %s. SHARE: of the bound's speed, same bytes%s.%s\n", output_dim(),
           plan->in_redis ? "round trip" : "call", plan->in_redis ? " (PING: none)" : "",
           output_plain());
    print_meaning(plan, findings);
}

/* ---- for programs ---- */

static json_t *whole_or_null(double ns)
{
    return ns < 0 ? json_null() : json_integer((json_int_t)llround(ns));
}

static json_t *row_object(const bench_way *way, bench_findings *findings, uint32_t index, int row)
{
    static const char *const words[ROWS] = {"push", "reserve", "ack", "all"};
    const figure_row found = row_of(findings, index, row);
    json_t *object =
        json_pack("{s:i, s:i, s:s, s:I, s:f, s:f, s:f, s:o, s:o}", "batch", (int)way->batch,
                  "in_flight", (int)way->in_flight, "verb", words[row], "messages_per_s",
                  (json_int_t)llround(per_second(found.ours_ns.median)), "ns", found.ours_ns.median,
                  "ns_least", found.ours_ns.least, "ns_most", found.ours_ns.most, "trip_p50_ns",
                  whole_or_null(found.p50_ns), "trip_p99_ns", whole_or_null(found.p99_ns));
    if (found.bound_name != NULL) {
        json_object_update_new(object,
                               json_pack("{s:s, s:f, s:f}", "bound",
                                         row == ALL_THREE ? "sum" : found.bound_name, "bound_ns",
                                         found.bound_ns, "share_of_bound", found.share));
    }
    return object;
}

static void print_object(const bench_plan *plan, bench_findings *findings)
{
    json_t *rows = json_array();
    for (uint32_t way = 0; way < plan->way_count; way++) {
        for (int row = 0; row < ROWS; row++) {
            json_array_append_new(rows, row_object(&plan->ways[way], findings, way, row));
        }
    }
    output_json(json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:o}", "url", shown_place(plan).text,
                          "store", plan->in_redis ? "redis" : "file", "server",
                          plain_word(findings->server).text, "payload_bytes",
                          (int)plan->payload_bytes, "batch", (int)plan->batch, "seconds",
                          (int)plan->seconds, "rounds", (int)findings->rounds, "figures", rows));
}

void bench_show(const bench_plan *plan, bench_findings *findings)
{
    if (given(plan->line, OPTION_JSON)) {
        print_object(plan, findings);
    } else {
        print_table(plan, findings);
    }
}
