/* measure.h: carries out a plan: the callers of the verbs, the figures, and how they are shown.
 * Knows no store: it stands behind bench_subject.
 */
#ifndef SLOTQ_TOOLS_BENCH_MEASURE_H
#define SLOTQ_TOOLS_BENCH_MEASURE_H

#include "plan.h"
#include "times.h"

typedef enum bench_verb { BENCH_PUSH, BENCH_RESERVE, BENCH_ACK, BENCH_VERBS } bench_verb;

/* The caller of the verbs: the queue, or the bound of its store. */
typedef struct bench_subject {
    /* So many trips of one verb, from trip `at` of the stretch on: a stretch pushes all, then
     * reserves all, then acks all. Answers EXIT_CODE_OK, or another after a message. */
    int (*run)(void *context, bench_verb verb, const bench_way *way, uint32_t at, uint32_t trips);
    void *context;
    const char *names[BENCH_VERBS]; /* of a bound; NULL: nothing to do for this verb */
} bench_subject;

/* A way's figures: nanoseconds a message, round by round, and how long a trip took. */
typedef struct bench_figures {
    double ours_ns[BENCH_VERBS][BENCH_ROUNDS_MOST];
    double bound_ns[BENCH_VERBS][BENCH_ROUNDS_MOST];
    bench_times trips[BENCH_VERBS];
} bench_figures;

typedef struct bench_findings {
    uint32_t rounds;
    const char *bound_names[BENCH_VERBS];
    char server[160]; /* what the server says of itself; "" = nothing */
    bench_figures ways[BENCH_WAYS_MOST];
} bench_findings;

/* Both, way by way, in rounds until the plan's seconds are over. EXIT_CODE_OK,
 * EXIT_CODE_INTERRUPTED, or another after a message. */
int bench_measure(const bench_plan *plan, const bench_subject *queue, const bench_subject *bound,
                  bench_findings *findings);

/* On stdout: a table for people and what it means, or JSON. */
void bench_show(const bench_plan *plan, bench_findings *findings);

#endif
