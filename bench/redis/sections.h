/* sections.h: what scheduled messages and keys cost: schedule, promotion and cancel beside a sorted
 * set, a keyed push beside a plain one, in short and long queues.
 */
#ifndef SLOTQ_BENCH_REDIS_SECTIONS_H
#define SLOTQ_BENCH_REDIS_SECTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* Print the table; is_small: few messages, only to see that it runs. The scripts are loaded. */
void sections_compare(const char *socket_path, uint32_t rounds, bool is_small);

#endif
