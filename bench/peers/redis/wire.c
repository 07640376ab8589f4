/* wire.c: what a message costs on the wire and in the append-only file, as the server counts
 * it. Knows INFO; not what is sent.
 */
#include "redis.h"
#include "../../support/private_server.h"
#include "../../support/sure.h"

#include <unistd.h>

/* A private server: others need no append-only file. */
static const char *logging_socket(void)
{
    static private_server *server;
    if (server == NULL) {
        server = private_redis_start(private_redis_logging);
        bench_need(server != NULL, "a redis-server with an append-only file");
    }
    return private_server_socket(server);
}

static wire_bytes read_counts(connection *wire)
{
    enum { LOOKS_MOST = 60000, LOOK_US = 1000 };
    for (int look = 0; wire_info(wire, "persistence", "aof_buffer_length") > 0; look++) {
        bench_need(look < LOOKS_MOST, "writing the append-only file");
        usleep(LOOK_US);
    }
    return (wire_bytes){wire_info(wire, "stats", "total_net_input_bytes"),
                        wire_info(wire, "stats", "total_net_output_bytes"),
                        wire_info(wire, "persistence", "aof_current_size")};
}

/* All that a run of so many messages adds: what surrounds it, too. */
static wire_bytes count_run(const contender *self, cycle_task task, uint32_t messages,
                            connection *wire)
{
    const wire_bytes before = read_counts(wire);
    task.messages = messages;
    redis_own_of(self)->cycle(&task, wire);
    const wire_bytes after = read_counts(wire);
    return (wire_bytes){after.sent - before.sent, after.received - before.received,
                        after.disk - before.disk};
}

void redis_wire(const contender *self, const load *how, wire_bytes *bytes)
{
    const cycle_task task = {NULL, redis_own_of(self)->subject, how->batch, how->in_flight, 0};
    connection wire;
    redis_connect(&wire, logging_socket(), task.subject);
    redis_shape(how->payload_bytes, 2 * how->messages);
    (void)count_run(self, task, how->batch * how->in_flight, &wire); /* what is done once is done */
    /* what surrounds a run is the same in both: the difference is the messages' alone */
    const wire_bytes once = count_run(self, task, how->messages, &wire);
    const wire_bytes twice = count_run(self, task, 2 * how->messages, &wire);
    bytes->sent = (twice.sent - once.sent) / how->messages;
    bytes->received = (twice.received - once.received) / how->messages;
    bytes->disk = (twice.disk - once.disk) / how->messages;
    redis_clear(&wire, task.subject);
    wire_close(&wire);
}
