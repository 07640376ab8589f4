/* bench.c: the command bench: how fast a queue is in this folder or on this server, beside what
 * bounds it there. Knows the plan and its order; not how a store is worked.
 */
#include "bench.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "bound.h"
#include "queue.h"
#include "../verbs/open.h"
#include "../say/report.h"

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

/* EXIT_CODE_OK, or another after a message. */
static int make_plan(const command_line *line, bench_plan *plan)
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
        complain("--batch %s: a call takes 1 MiB, which is %s messages of %s bytes",
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

/* Everything that is made is removed again, however the measurement ends. */
static int measure(bench_plan *plan, bench_findings *findings)
{
    bench_queue queue;
    bench_bound bound;
    memset(&bound, 0, sizeof bound);
    bound.file = -1;
    int code = bench_queue_make(&queue, plan);
    if (code == EXIT_CODE_OK) {
        code = bench_bound_make(&bound, plan, findings->server, sizeof findings->server);
    }
    if (code == EXIT_CODE_OK) {
        const bench_subject ours = bench_queue_subject(&queue);
        const bench_subject least = bench_bound_subject(&bound);
        code = bench_measure(plan, &ours, &least, findings);
    }
    bench_bound_remove(&bound);
    const int removed = bench_queue_remove(&queue);
    if (report_signal() != 0 && removed == EXIT_CODE_OK) {
        remark("interrupted; nothing is left behind");
    }
    return report_signal() != 0 ? report_interrupted() : worse_exit(code, removed);
}

int run_bench(const command_line *line)
{
    bench_plan plan;
    open_settings settings;
    slotq_error error;
    int code = make_plan(line, &plan);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    if (open_options(line, &settings, &error) != EXIT_CODE_OK) {
        return complain_error(NULL, &error);
    }
    bench_findings *findings = calloc(1, sizeof *findings);
    if (findings == NULL) {
        complain("out of memory");
        return EXIT_CODE_FAILURE;
    }
    report_catch_all_signals();
    void (*before)(int) = signal(SIGPIPE, SIG_IGN); /* a lost server is an error with a text */
    code = measure(&plan, findings);
    signal(SIGPIPE, before);
    if (code == EXIT_CODE_OK) {
        bench_show(&plan, findings);
    }
    free(findings);
    return code;
}
