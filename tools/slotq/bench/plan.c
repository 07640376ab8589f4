/* plan.c: see plan.h.
 */
#include "plan.h"

#include <stdio.h>
#include <string.h>

#include "../say/report.h"
#include "../verbs/open.h"

enum {
    DEFAULT_SECONDS = 10,
    DEFAULT_PAYLOAD_BYTES = 32,
    DEFAULT_BATCH = 256,
    CALLS_A_TRIP = 8,
    SINGLE_CALLS_A_TRIP = BENCH_FLIGHT_MOST,
    USUAL_MESSAGES = 4096, /* in the queue, where they are not too large for that */
    USUAL_BYTES = 8 * 1024 * 1024
};

static uint32_t larger(uint32_t one, uint32_t other)
{
    return one > other ? one : other;
}

static void add_way(bench_plan *plan, uint32_t batch, uint32_t in_flight)
{
    plan->ways[plan->way_count++] = (bench_way){.batch = batch, .in_flight = in_flight};
}

static void add_ways(bench_plan *plan)
{
    add_way(plan, 1, 1);
    if (plan->in_redis) {
        add_way(plan, 1, SINGLE_CALLS_A_TRIP);
    }
    if (plan->batch > 1) {
        add_way(plan, plan->batch, 1);
        if (plan->in_redis) {
            add_way(plan, plan->batch, CALLS_A_TRIP);
        }
    }
}

int bench_plan_make(const command_line *line, bench_plan *plan)
{
    memset(plan, 0, sizeof *plan);
    plan->line = line;
    plan->in_redis = open_is_server(line->url);
    plan->synced = given(line, OPTION_SYNC) && !plan->in_redis &&
                   strcmp(line->options[OPTION_SYNC].text, "always") == 0;
    plan->seconds = (uint32_t)option_number(line, OPTION_SECONDS, DEFAULT_SECONDS);
    plan->payload_bytes = (uint32_t)option_number(line, OPTION_PAYLOAD, DEFAULT_PAYLOAD_BYTES);
    const uint32_t fit = SLOTQ_CALL_BYTES_MAX / bench_slot_bytes(plan);
    plan->batch =
        (uint32_t)option_number(line, OPTION_BATCH, fit < DEFAULT_BATCH ? fit : DEFAULT_BATCH);
    if (plan->batch > fit) {
        complain("--batch %s: a call takes at most 1 MiB, which is %s messages of %s bytes",
                 count_text(plan->batch).text, count_text(fit).text,
                 count_text(plan->payload_bytes).text);
        return EXIT_CODE_USAGE;
    }
    const uint32_t usual = USUAL_BYTES / bench_slot_bytes(plan);
    plan->capacity = larger(usual < USUAL_MESSAGES ? usual : USUAL_MESSAGES,
                            larger(SINGLE_CALLS_A_TRIP, CALLS_A_TRIP * plan->batch));
    add_ways(plan);
    return EXIT_CODE_OK;
}

value_text bench_way_text(const bench_plan *plan, const bench_way *way)
{
    value_text text;
    const char *plural = way->batch == 1 ? "" : "s";
    if (!plan->in_redis) {
        snprintf(text.text, sizeof text.text, "%u message%s per call", way->batch, plural);
    } else if (way->in_flight == 1) {
        snprintf(text.text, sizeof text.text, "%u message%s per call, one call per round trip",
                 way->batch, plural);
    } else {
        snprintf(text.text, sizeof text.text, "%u message%s per call, %u calls per round trip",
                 way->batch, plural, way->in_flight);
    }
    return text;
}
