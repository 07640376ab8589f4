/* queue.h: the queue that the command bench measures: a temporary one under a name that is not in
 * use, gone afterwards. Knows how it is called; no clock.
 */
#ifndef SLOTQ_TOOLS_BENCH_QUEUE_H
#define SLOTQ_TOOLS_BENCH_QUEUE_H

#include "measure.h"
#include "slotq_redis.h"

typedef struct bench_queue {
    const bench_plan *plan;
    slotq *queue;
    slotq_pipeline *pipeline; /* in Redis */
    slotq_batch *batches[BENCH_FLIGHT_MOST];
    slotq_data *messages; /* as many as a call takes */
    slotq_run *runs;      /* what a stretch has reserved */
    uint32_t *first_run;  /* of each call of the stretch; one more, where the last one ends */
    bool created;
} bench_queue;

/* Choose names that are not in use and create the queue. EXIT_CODE_OK, or another after a message;
 * in either case bench_queue_remove follows. */
int bench_queue_make(bench_queue *self, bench_plan *plan);

/* Close it, delete it and look that nothing is left of it, nor of the bound; EXIT_CODE_OK, or
 * another after a message. */
int bench_queue_remove(bench_queue *self);

bench_subject bench_queue_subject(bench_queue *self);

#endif
