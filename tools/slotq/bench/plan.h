/* plan.h: what the command bench is to measure: the ways of calling, sizes, and for how long. Knows
 * options; no store, no figure.
 */
#ifndef SLOTQ_TOOLS_BENCH_PLAN_H
#define SLOTQ_TOOLS_BENCH_PLAN_H

#include "../line/command_line.h"
#include "../say/texts.h"

enum {
    BENCH_WAYS_MOST = 4,
    BENCH_ROUNDS_MOST = 64,
    BENCH_FLIGHT_MOST = 64,
    BENCH_SLOT_HEAD_BYTES = 6 /* length and push time, before each payload */
};

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

/* The plan that the options ask for. EXIT_CODE_OK, or another after a message. */
int bench_plan_make(const command_line *line, bench_plan *plan);

/* "256 messages a call, each a round trip" */
value_text bench_way_text(const bench_plan *plan, const bench_way *way);

#endif
