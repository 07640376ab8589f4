/* bench.c: the command bench: how fast a queue is in this folder or on this server, beside what
 * bounds it there. Knows the order of things; not how a store is worked.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "bound.h"
#include "measure.h"
#include "queue.h"
#include "../verbs/open.h"
#include "../say/report.h"

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
    int code = bench_plan_make(line, &plan);
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
