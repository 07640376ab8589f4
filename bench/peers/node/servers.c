/* servers.c: what the peers in Node leave in their server: memory, bytes on the wire and on
 * disk, what works when it is full, and what comes back from a dead worker. Knows INFO and the
 * requests to driver.js; each measurement has its own server and programs.
 */
#include "peers.h"
#include "../../support/private_server.h"
#include "../../support/sure.h"
#include "../../support/wire.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WARM_MESSAGES = 100, READY_MESSAGES = 300, HELD_MESSAGES = 100, TRY_LIMIT_MS = 1500 };

typedef struct own_server {
    private_server *server;
    connection wire;
} own_server;

static own_server start_server(const char *const *options)
{
    own_server self = {.server = private_redis_start(options)};
    bench_need(self.server != NULL, "starting redis-server");
    wire_open(&self.wire, private_server_socket(self.server));
    return self;
}

static void stop_server(own_server *self)
{
    wire_close(&self->wire);
    private_server_stop(self->server);
}

/* What is stored: without the buffers of connections, which INFO tells only now and then. */
static double stored_bytes(own_server *self)
{
    static const char field[] = " tot-mem=";
    double connections = 0;
    redisReply *clients = wire_ask(&self->wire, "CLIENT LIST");
    bench_need(clients->str != NULL, "CLIENT LIST");
    for (const char *at = clients->str; (at = strstr(at, field)) != NULL; at++) {
        connections += strtod(at + strlen(field), NULL);
    }
    freeReplyObject(clients);
    return wire_info(&self->wire, "memory", "used_memory") - connections;
}

void node_weigh(const contender *self, uint32_t messages, uint32_t payload_bytes, weight *bytes)
{
    own_server own = start_server(NULL);
    node_process *node = node_start(node_peer_of(self)->file);
    node_open_queue(node, private_server_socket(own.server), 0, false);
    node_warm(node, WARM_MESSAGES);
    const double empty = stored_bytes(&own);
    json_decref(node_ask_messages(node, "fill", messages, payload_bytes));
    bytes->ready_bytes = (stored_bytes(&own) - empty) / messages;
    json_decref(node_ask_messages(node, "hold", messages, payload_bytes));
    bytes->leased_bytes = (stored_bytes(&own) - empty) / messages;
    node_do(node, json_pack("{ss}", "op", "release"));
    node_kill(node);
    stop_server(&own);
}

void node_fill(const contender *self, full_answers *answers)
{
    own_server own = start_server(NULL);
    node_process *node = node_start(node_peer_of(self)->file);
    node_open_queue(node, private_server_socket(own.server), 0, false);
    json_decref(node_ask_messages(node, "fill", READY_MESSAGES, 32));
    json_decref(node_ask_messages(node, "hold", HELD_MESSAGES, 32));
    wire_do(&own.wire, "CONFIG SET maxmemory-policy noeviction");
    wire_do(&own.wire, "CONFIG SET maxmemory 1"); /* less than is in use: full */
    json_t *answer = node_ask(node, json_pack("{ss si si}", "op", "tries", "payload_bytes", 32,
                                              "limit_ms", TRY_LIMIT_MS));
    answers->pushes = json_is_true(json_object_get(answer, "pushes"));
    answers->takes = json_is_true(json_object_get(answer, "takes"));
    answers->finishes = json_is_true(json_object_get(answer, "finishes"));
    json_decref(answer);
    node_kill(node);
    stop_server(&own);
}

/* ---- recovery ---- */

/* Of all since the log was emptied; those that wait (BZPOPMIN, BRPOPLPUSH) are logged with their
 * waiting, so they do not count. */
static double longest_command_us(own_server *self)
{
    long long most = 0;
    redisReply *log = wire_ask(&self->wire, "SLOWLOG GET -1");
    for (size_t i = 0; i < log->elements; i++) {
        const redisReply *entry = log->element[i];
        const char first = entry->element[3]->element[0]->str[0];
        if (first != 'b' && first != 'B' && entry->element[2]->integer > most) {
            most = entry->element[2]->integer;
        }
    }
    freeReplyObject(log);
    bench_need(most > 0, "SLOWLOG");
    return (double)most;
}

static double answered(json_t *answer, const char *name)
{
    const json_t *value = json_object_get(answer, name);
    bench_need(json_is_number(value), name);
    return json_number_value(value);
}

void node_recover(const contender *self, uint32_t messages, recovery_times *times)
{
    static const char *const options[] = {"--slowlog-log-slower-than", "0", "--slowlog-max-len",
                                          "1000000", NULL};
    const node_peer *peer = node_peer_of(self);
    own_server own = start_server(options);
    node_process *victim = node_start(peer->file);
    node_process *other = node_start(peer->file);
    const char *socket_path = private_server_socket(own.server);
    node_open_queue(other, socket_path, NODE_LEASE_MS, false);
    node_open_queue(victim, socket_path, NODE_LEASE_MS, false);
    json_decref(node_ask_messages(victim, "fill", messages, 32));
    json_t *held = node_ask_messages(victim, "hold", messages, 32);
    wire_do(&own.wire, "SLOWLOG RESET");
    node_kill(victim);
    const double last_ns = peer->leases_by_clock ? answered(held, "held_ns") : (double)clock_ns();
    const double end_ns = last_ns + NODE_LEASE_MS * 1e6;
    json_t *came = node_ask_messages(other, "recover", messages, 32);
    /* Leases that began earlier run out earlier. */
    times->first_ms = fmax(answered(came, "first_ns") - end_ns, 0) / 1e6;
    times->all_ms = fmax(answered(came, "all_ns") - end_ns, 0) / 1e6;
    times->server_most_us = longest_command_us(&own);
    json_decref(held);
    json_decref(came);
    node_kill(other);
    stop_server(&own);
}

/* ---- wire ---- */

typedef struct traffic {
    double in;
    double out;
    double disk;
} traffic;

static traffic traffic_so_far(own_server *self)
{
    return (traffic){wire_info(&self->wire, "stats", "total_net_input_bytes"),
                     wire_info(&self->wire, "stats", "total_net_output_bytes"),
                     wire_info(&self->wire, "persistence", "aof_current_size")};
}

void node_wire(const contender *self, const load *how, wire_bytes *bytes)
{
    own_server own = start_server(private_redis_logging);
    node_process *node = node_start(node_peer_of(self)->file);
    node_open_queue(node, private_server_socket(own.server), 0, false);
    node_warm(node, WARM_MESSAGES);
    node_begin(node, how, how->messages);
    node_number(node, "push", "ns"); /* so that the consumer runs when it is measured */
    node_number(node, "take", "ns");
    (void)traffic_so_far(&own);
    const traffic before = traffic_so_far(&own);
    const traffic asking = traffic_so_far(&own); /* what asking itself adds */
    node_number(node, "cycle", "ns");
    const traffic after = traffic_so_far(&own);
    bytes->sent = (after.in - asking.in - (asking.in - before.in)) / how->messages;
    bytes->received = (after.out - asking.out - (asking.out - before.out)) / how->messages;
    bytes->disk = (after.disk - asking.disk) / how->messages;
    node_do(node, json_pack("{ss}", "op", "end"));
    node_kill(node);
    stop_server(&own);
}
