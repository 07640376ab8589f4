/* sleepers.h: what one message costs while many consumers wait for it: a queue that wakes one, a
 * queue that wakes all, and a stream's group.
 */
#ifndef SLOTQ_BENCH_REDIS_SLEEPERS_H
#define SLOTQ_BENCH_REDIS_SLEEPERS_H

#include <stdbool.h>
#include <stdint.h>

/* Print the table; is_small: few messages and consumers, only to see that it runs. */
void sleepers_compare(const char *socket_path, uint32_t rounds, bool is_small);

#endif
