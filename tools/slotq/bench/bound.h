/* bound.h: a bound that no queue with the same bytes in the same store can exceed: bare commands of
 * a server, a copy in memory, a write that waits for the disk. No queue.
 */
#ifndef SLOTQ_TOOLS_BENCH_BOUND_H
#define SLOTQ_TOOLS_BENCH_BOUND_H

#include "measure.h"
#include "slotq_redis.h"

typedef struct bench_bound {
    const bench_plan *plan;
    slotq_redis_connection *server; /* the key plan->bare, in Redis */
    bool over_tls;
    int file;                       /* the file plan->bare, where the disk is waited for; or -1 */
    uint8_t *bytes;                 /* what a stretch holds */
    uint8_t *call;                  /* what one call gives or takes, or over TLS one trip */
} bench_bound;

/* EXIT_CODE_OK, or another after a message; in either case bench_bound_remove follows. What the
 * server says of itself goes to told. */
int bench_bound_make(bench_bound *self, const bench_plan *plan, char *told, size_t told_bytes);
/* Its key or file is deleted; a failure is seen by bench_queue_remove. */
void bench_bound_remove(bench_bound *self);

bench_subject bench_bound_subject(bench_bound *self);

#endif
