/* latency.c: see latency.h.
 */
#include "latency.h"
#include "../redis.h"
#include "../../../support/sure.h"
#include "../../../support/wire.h"

void *latency_open_wire(const char *socket_path)
{
    connection *wire = calloc(1, sizeof *wire);
    bench_need(wire != NULL, "calloc");
    wire_open(wire, socket_path);
    return wire;
}

void redis_latency(const contender *self, const open_load *how, samples *ns)
{
    latency_run(redis_own_of(self)->latency, contender_redis_socket(), how, ns);
}
