/* longest_calls.h: how long a server is kept by the largest calls that slotq sends, by the server's
 * own clock (SLOWLOG): for that time it serves no other client. Knows slotq.h and redis-server.
 */
#ifndef SLOTQ_BENCH_REDIS_LONGEST_CALLS_H
#define SLOTQ_BENCH_REDIS_LONGEST_CALLS_H

#include "../support/private_server.h"

#include <stdbool.h>

/* Prints a table; fewer messages if it is small. Queues are made and removed on this server, whose
 * slow log is used. */
void longest_calls(private_server *server, uint32_t rounds, bool is_small);

#endif
