/* latency.h: open load inside Redis: how each contender sends, waits and finishes. Knows
 * connections; the processes are ../../latency.h's.
 */
#ifndef SLOTQ_BENCH_PEERS_REDIS_LATENCY_LATENCY_H
#define SLOTQ_BENCH_PEERS_REDIS_LATENCY_LATENCY_H

#include "../../latency.h"

/* An open that gives a connection of ../../../support/wire.h. */
void *latency_open_wire(const char *socket_path);

extern const latency_peer latency_slotq;
extern const latency_peer latency_streams;
extern const latency_peer latency_lists;
extern const latency_peer latency_leases;
extern const latency_peer latency_ping;

#endif
