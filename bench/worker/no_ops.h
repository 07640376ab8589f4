/* no_ops.h: what a worker adds to a message: handlers that do nothing, beside bare batches of the
 * same size; and how often an idle worker wakes.
 */
#ifndef SLOTQ_BENCH_WORKER_NO_OPS_H
#define SLOTQ_BENCH_WORKER_NO_OPS_H

#include <stdbool.h>
#include <stdint.h>

/* Queues in a folder and in memory, and those in Redis: url NULL = in memory. */
void no_ops_open(void);
void no_ops_measure(const char *store, const char *url, uint32_t rounds, bool is_small);
/* Print what was measured, also as NAME.csv. */
void no_ops_close(const char *name);

#endif
