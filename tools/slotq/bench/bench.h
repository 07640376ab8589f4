/* bench.h: what the command bench measures and what it found: the plan, the ways of calling, the
 * figures. Knows no store: who does the verbs stands behind bench_subject.
 */
#ifndef SLOTQ_TOOLS_BENCH_BENCH_H
#define SLOTQ_TOOLS_BENCH_BENCH_H

#include "times.h"
#include "../line/command_line.h"
#include "../say/texts.h"

enum {
    BENCH_WAYS_MOST = 4,
    BENCH_ROUNDS_MOST = 64,
    BENCH_FLIGHT_MOST = 64,
    BENCH_SLOT_HEAD_BYTES = 6 /* length and push time, before each payload */
};

typedef enum bench_verb { BENCH_PUSH, BENCH_RESERVE, BENCH_ACK, BENCH_VERBS } bench_verb;

/* One round trip carries in_flight calls of batch messages each; without a server in_flight is 1,
 * and a trip is a call. */
typedef struct bench_way {
    uint32_t batch;
    uint32_t in_flight;
} bench_way;

typedef struct bench_plan {
    const command_line *line;
    bool in_redis;
    bool synced; /* a file under --sync always */
    uint32_t payload_bytes;
    uint32_t batch;
    uint32_t seconds;
    uint32_t capacity; /* messages that the queue holds, and that a stretch has at most */
    uint32_t way_count;
    bench_way ways[BENCH_WAYS_MOST];
    char name[64]; /* of the queue */
    char bare[72]; /* of the key or file that the bound works on */
} bench_plan;

static inline uint32_t bench_slot_bytes(const bench_plan *plan)
{
    return plan->payload_bytes + BENCH_SLOT_HEAD_BYTES;
}

/* Who does the verbs: the queue, or the bound of its store. */
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

/* "256 messages a call, each a round trip" */
value_text bench_way_text(const bench_plan *plan, const bench_way *way);

/* On stdout: a table for people and what it means, or JSON. */
void bench_show(const bench_plan *plan, bench_findings *findings);

#endif
