/* measure.c: the rounds of the command bench: the queue and the bound of its store by turns,
 * so that what else the machine does meets both (bench.h). Knows the clock; no store.
 */
#include <string.h>

#include "measure.h"
#include "../clock/clock.h"
#include "../say/report.h"

enum {
    ROUNDS_A_SECOND = 2,
    ROUNDS_LEAST = 5,
    QUARTERS_OF_OURS = 3,   /* of a way's time; the bound has the rest */
    MESSAGES_A_SAMPLE = 32, /* where a call is short beside a look at the clock */
    COPIES_A_LOOK = 1024
};

/* A subject's turn in a way. */
typedef struct turn {
    const bench_plan *plan;
    const bench_subject *subject;
    const bench_way *way;
    bench_times *trips; /* one a verb, or NULL: trips are not timed */
    uint32_t every;     /* trips between looks at the clock */
    uint64_t ns[BENCH_VERBS];
    uint64_t messages[BENCH_VERBS];
} turn;

/* Trips of one verb: most of them, or fewer where until_ns comes before; *done at least 1. */
static int run_verb(turn *now, bench_verb verb, uint32_t most, uint64_t until_ns, uint32_t *done)
{
    const bench_subject *subject = now->subject;
    const uint64_t begun_ns = clock_ns();
    uint64_t at_ns = begun_ns;
    int code = EXIT_CODE_OK;
    *done = 0;
    while (code == EXIT_CODE_OK && *done < most && (*done == 0 || at_ns < until_ns)) {
        uint32_t trips = now->every < most - *done ? now->every : most - *done;
        if (now->trips != NULL) {
            code = subject->run(subject->context, verb, now->way, *done, 1);
            bench_times_add(&now->trips[verb], clock_ns() - at_ns);
            ++*done;
            trips--;
        }
        if (code == EXIT_CODE_OK && trips != 0) {
            code = subject->run(subject->context, verb, now->way, *done, trips);
            *done += trips;
        }
        at_ns = clock_ns();
        if (code == EXIT_CODE_OK && report_signal() != 0) {
            code = EXIT_CODE_INTERRUPTED;
        }
    }
    now->ns[verb] += at_ns - begun_ns;
    now->messages[verb] += (uint64_t)*done * now->way->batch * now->way->in_flight;
    return code;
}

/* All pushed, all reserved, all acked: what fits the queue, and about until the time is over. */
static int run_stretch(turn *now, uint64_t until_ns)
{
    const uint64_t begun_ns = clock_ns();
    const uint64_t left_ns = until_ns > begun_ns ? until_ns - begun_ns : 0;
    const uint32_t most = now->plan->capacity / (now->way->batch * now->way->in_flight);
    uint32_t trips = most;
    uint32_t done;
    int code = EXIT_CODE_OK;
    for (bench_verb verb = BENCH_PUSH; verb < BENCH_VERBS && code == EXIT_CODE_OK; verb++) {
        if (now->subject->names[verb] != NULL) {
            code =
                run_verb(now, verb, trips,
                         verb == BENCH_PUSH ? begun_ns + left_ns / BENCH_VERBS : UINT64_MAX, &done);
            trips = done;
        }
    }
    return code;
}

/* The whole of a measurement, and where it is. */
typedef struct course {
    const bench_plan *plan;
    const bench_subject *queue;
    const bench_subject *bound;
    bench_findings *findings;
    uint64_t begun_ns;
    uint64_t end_ns;
} course;

static void show_progress(const course *self, const bench_way *way)
{
    if (progress_wanted() && self->begun_ns != 0) {
        progress_show(bench_way_text(self->plan, way).text, clock_ns() - self->begun_ns,
                      self->end_ns - self->begun_ns);
    }
}

static int run_turn(const course *self, turn *now, uint64_t until_ns,
                    double (*ns)[BENCH_ROUNDS_MOST], uint32_t round)
{
    int code;
    do {
        show_progress(self, now->way);
        code = run_stretch(now, until_ns);
    } while (code == EXIT_CODE_OK && clock_ns() < until_ns);
    for (int verb = 0; verb < BENCH_VERBS; verb++) {
        if (now->messages[verb] != 0) {
            ns[verb][round] = (double)now->ns[verb] / (double)now->messages[verb];
        }
    }
    return code;
}

static uint32_t trips_a_sample(const bench_plan *plan, const bench_way *way)
{
    const bool long_calls = plan->in_redis || plan->synced || way->batch >= MESSAGES_A_SAMPLE;
    return long_calls ? 1 : MESSAGES_A_SAMPLE / way->batch;
}

/* One way, the queue first and then the bound, in so much time. */
static int run_way(const course *self, uint32_t way_index, uint32_t round, uint64_t budget_ns)
{
    const bench_plan *plan = self->plan;
    const bench_way *way = &plan->ways[way_index];
    bench_figures *figures = &self->findings->ways[way_index];
    const uint64_t begun_ns = clock_ns();
    turn ours = {.plan = plan,
                 .subject = self->queue,
                 .way = way,
                 .trips = figures->trips,
                 .every = trips_a_sample(plan, way)};
    turn bound = {.plan = plan,
                  .subject = self->bound,
                  .way = way,
                  .every = plan->in_redis || plan->synced ? 1 : COPIES_A_LOOK};
    const int code =
        run_turn(self, &ours, begun_ns + budget_ns / 4 * QUARTERS_OF_OURS, figures->ours_ns, round);
    return code != EXIT_CODE_OK
               ? code
               : run_turn(self, &bound, begun_ns + budget_ns, figures->bound_ns, round);
}

static uint32_t rounds_wanted(const bench_plan *plan)
{
    const uint32_t rounds = plan->seconds * ROUNDS_A_SECOND;
    return rounds < ROUNDS_LEAST        ? ROUNDS_LEAST
           : rounds > BENCH_ROUNDS_MOST ? BENCH_ROUNDS_MOST
                                        : rounds;
}

/* Each way once, shortly: scripts are loaded and memory is touched before the clock counts. */
static int warm_up(course *self)
{
    int code = EXIT_CODE_OK;
    for (uint32_t i = 0; i < self->plan->way_count && code == EXIT_CODE_OK; i++) {
        code = run_way(self, i, 0, 0);
    }
    memset(self->findings->ways, 0, sizeof self->findings->ways);
    return code;
}

int bench_measure(const bench_plan *plan, const bench_subject *queue, const bench_subject *bound,
                  bench_findings *findings)
{
    course self = {.plan = plan, .queue = queue, .bound = bound, .findings = findings};
    const uint32_t rounds = rounds_wanted(plan);
    int code = warm_up(&self);
    memcpy(findings->bound_names, bound->names, sizeof findings->bound_names);
    self.begun_ns = clock_ns();
    self.end_ns = self.begun_ns + plan->seconds * UINT64_C(1000000000);
    uint32_t turns_left = rounds * plan->way_count;
    while (code == EXIT_CODE_OK && findings->rounds < rounds &&
           (findings->rounds == 0 || clock_ns() < self.end_ns)) {
        for (uint32_t i = 0; i < plan->way_count && code == EXIT_CODE_OK; i++) {
            const uint64_t now_ns = clock_ns();
            const uint64_t left_ns = now_ns < self.end_ns ? self.end_ns - now_ns : 0;
            code = run_way(&self, i, findings->rounds, left_ns / turns_left--);
        }
        findings->rounds += code == EXIT_CODE_OK;
    }
    progress_end();
    return code;
}
