/* reach.h: a queue behind TLS, on a node of a cluster, and over many values on three nodes, beside
 * the same on one plain server.
 */
#ifndef SLOTQ_BENCH_REDIS_REACH_H
#define SLOTQ_BENCH_REDIS_REACH_H

#include <stdbool.h>
#include <stdint.h>

/* Print the table; is_small: few messages, only to see that it runs. Starts its own servers. */
void reach_compare(uint32_t rounds, bool is_small);

#endif
