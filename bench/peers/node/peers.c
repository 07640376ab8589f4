/* peers.c: BullMQ, bee-queue and RSMQ as contenders: settings, closed and open load.
 * Knows requests to driver.js; what they do in Redis is theirs. See servers.c for the rest.
 */
#include "peers.h"
#include "../../support/pace.h"
#include "../../support/sure.h"

#include <stdio.h>
#include <string.h>

enum {
    LATENCY_PAYLOAD_BYTES = 32,
    LATENCY_WARM_MESSAGES = 2000,
    TOGETHER_MOST = 256,
    MESSAGES_LEAST = 512, /* a stretch is short beside making its connections */
    LINE_BYTES = 96
};

node_peer *node_peer_of(const contender *self)
{
    return (node_peer *)(uintptr_t)self->own;
}

void node_open_queue(node_process *node, const char *socket_path, uint32_t lease_ms, bool realtime)
{
    json_t *request =
        json_pack("{ss ss sb}", "op", "open", "socket", socket_path, "realtime", (int)realtime);
    if (lease_ms > 0) {
        json_object_set_new(request, "lease_ms", json_integer(lease_ms));
    }
    node_do(node, request);
}

double node_number(node_process *node, const char *op, const char *name)
{
    json_t *answer = node_ask(node, json_pack("{ss}", "op", op));
    json_t *value = json_object_get(answer, name);
    bench_need(json_is_number(value), op);
    const double number = json_number_value(value);
    json_decref(answer);
    return number;
}

json_t *node_ask_messages(node_process *node, const char *op, uint32_t messages,
                          uint32_t payload_bytes)
{
    return node_ask(node, json_pack("{ss si si}", "op", op, "messages", (int)messages,
                                    "payload_bytes", (int)payload_bytes));
}

void node_begin(node_process *node, const load *how, uint32_t messages)
{
    node_do(node, json_pack("{ss si si si si}", "op", "begin", "payload_bytes",
                            (int)how->payload_bytes, "batch", (int)how->batch, "in_flight",
                            (int)how->in_flight, "messages", (int)messages));
}

void node_warm(node_process *node, uint32_t messages)
{
    const load how = {32, 50, 2, messages};
    node_begin(node, &how, messages);
    node_number(node, "push", "ns");
    node_number(node, "take", "ns");
    node_do(node, json_pack("{ss}", "op", "end"));
}

/* ---- closed load ---- */

static void node_cycle(const contender *self, const load *how, cycle_times *times)
{
    node_process *node = node_peer_of(self)->worker;
    const uint32_t step = how->batch * how->in_flight;
    const uint32_t least = (MESSAGES_LEAST + step - 1) / step * step;
    const uint32_t messages = how->messages > least ? how->messages : least;
    node_open_queue(node, contender_redis_socket(), 0, false);
    node_begin(node, how, messages);
    times->push_ns = node_number(node, "push", "ns") / messages;
    times->take_ns = node_number(node, "take", "ns") / messages;
    times->cycle_ns = node_number(node, "cycle", "ns") / messages;
    node_do(node, json_pack("{ss}", "op", "end"));
}

/* ---- open load ---- */

/* A line on its stdin is to the sender in Node what a request is to a server in Node. */
static void send_all(node_process *sender, pace *times)
{
    uint64_t first = 0;
    for (uint32_t count; (count = pace_next(times, TOGETHER_MOST)) > 0; first += count) {
        char line[LINE_BYTES];
        snprintf(line, sizeof line, "{\"op\":\"due\",\"first\":%llu,\"count\":%u}",
                 (unsigned long long)first, (unsigned)count);
        node_tell(sender, line);
    }
    node_do(sender, json_pack("{ss}", "op", "sent"));
}

static void node_latency(const contender *self, const open_load *how, samples *ns)
{
    node_peer *peer = node_peer_of(self);
    const json_int_t messages = (json_int_t)how->messages;
    if (peer->sender == NULL) {
        peer->sender = node_start(peer->file);
    }
    node_open_queue(peer->sender, contender_redis_socket(), 0, true);
    node_warm(peer->sender, LATENCY_WARM_MESSAGES);
    node_open_queue(peer->worker, contender_redis_socket(), 0, true);
    node_warm(peer->worker, LATENCY_WARM_MESSAGES);
    node_do(peer->worker,
            json_pack("{ss si sI si}", "op", "listen", "consumers", (int)how->consumers, "messages",
                      messages, "payload_bytes", LATENCY_PAYLOAD_BYTES));
    pace times = pace_begin(how->rate_per_s, how->messages);
    node_do(peer->sender,
            json_pack("{ss sI sf si}", "op", "pace", "start_ns", (json_int_t)times.start_ns,
                      "rate_per_s", how->rate_per_s, "payload_bytes", LATENCY_PAYLOAD_BYTES));
    send_all(peer->sender, &times);
    json_t *answer = node_ask(peer->worker, json_pack("{ss sI sf sI}", "op", "ages", "start_ns",
                                                      (json_int_t)times.start_ns, "rate_per_s",
                                                      how->rate_per_s, "first", messages / 10));
    const json_t *ages = json_object_get(answer, "ages");
    size_t i;
    json_t *age;
    bench_need(json_array_size(ages) == how->messages - how->messages / 10, "latency in Node");
    json_array_foreach(ages, i, age)
    {
        samples_add(ns, json_number_value(age));
    }
    json_decref(answer);
}

/* ---- the contenders ---- */

static const char *node_open(const contender *self)
{
    node_peer *peer = node_peer_of(self);
    if (contender_redis_socket() == NULL) {
        return "redis-server is not installed";
    }
    if (node_absent()[0] != '\0') {
        return node_absent();
    }
    peer->worker = node_start(peer->file);
    json_t *answer = node_try(peer->worker, json_pack("{ss}", "op", "about"));
    if (answer == NULL) {
        const bool started = node_kill(peer->worker);
        peer->worker = NULL;
        return started ? "its packages are not installed: make bench-packages"
                       : "node is not installed";
    }
    snprintf(peer->about, sizeof peer->about, "%s; %s",
             json_string_value(json_object_get(answer, "about")), peer->how);
    json_decref(answer);
    return NULL;
}

static void node_close(const contender *self)
{
    node_peer *peer = node_peer_of(self);
    (void)node_kill(peer->worker);
    (void)node_kill(peer->sender);
    peer->worker = NULL;
    peer->sender = NULL;
}

static node_peer bullmq = {
    .file = "bullmq",
    .how = "addBulk; a Worker with concurrency <= 100; removeOnComplete count 0; 100 events kept; "
           "latency: the same Workers with a connection each in one process; recovery: "
           "lockDuration and stalledInterval 5 s (default 30 s)",
    .about = "BullMQ",
};

static node_peer bee_queue = {
    .file = "bee_queue",
    .how = "saveAll; process with concurrency <= 100; removeOnSuccess; no events; storeJobs off; "
           "recovery: stallInterval 5 s (the default), checked every 5 s",
    .about = "bee-queue",
};

static node_peer rsmq = {
    .file = "rsmq",
    .how = "sendMessage, receiveMessage, deleteMessage, up to 300 at once (pipelined by its "
           "client); latency: realtime with one listener; recovery: vt 5 s, polled every "
           "millisecond",
    .about = "RSMQ",
    .leases_by_clock = true,
};

#define NODE_FUNCTIONS                                                                             \
    .open = node_open, .close = node_close, .cycle = node_cycle, .latency = node_latency,          \
    .weigh = node_weigh, .fill = node_fill, .recover = node_recover, .wire = node_wire

const contender contender_bullmq = {.settings = bullmq.about, NODE_FUNCTIONS, .own = &bullmq};

const contender contender_bee_queue = {
    .settings = bee_queue.about, NODE_FUNCTIONS, .own = &bee_queue};

const contender contender_rsmq = {.settings = rsmq.about, NODE_FUNCTIONS, .own = &rsmq};
