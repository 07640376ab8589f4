/* nats.c: NATS JetStream as a contender, in a file and in memory: its server, the closed load and
 * the bytes of that. Knows nats.h; what it does with much in it stands in states.c.
 */
#include "nats.h"
#include "../../support/sure.h"

#include <string.h>
#include <unistd.h>

enum { FLUSH_US = 500000, PORT_BYTES = 8, PATH_BYTES = 128 };

/* ---- servers ---- */

/* It leaves a file that tells its port: {"nats":["nats://127.0.0.1:4222"]}. */
static bool read_port(const private_server *server, char *port)
{
    static const char before[] = "nats://127.0.0.1:";
    char path[PATH_BYTES];
    char text[PATH_BYTES];
    snprintf(path, sizeof path, "%s/nats-server_%d.ports", private_server_folder(server),
             private_server_pid(server));
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return false;
    }
    const char *url = fgets(text, sizeof text, file) != NULL ? strstr(text, before) : NULL;
    fclose(file);
    const char *end = url != NULL ? strchr(url, '"') : NULL; /* else it is not whole yet */
    if (end != NULL) {
        snprintf(port, PORT_BYTES, "%lu", strtoul(url + sizeof before - 1, NULL, 10));
    }
    return end != NULL;
}

static bool is_there(const private_server *server)
{
    char port[PORT_BYTES];
    return read_port(server, port);
}

private_server *nats_start(const char *configuration)
{
    char path[] = "/tmp/slotq-bench-XXXXXX";
    const char *const words[] = {"nats-server",      "--config", path,  "--addr",      "127.0.0.1",
                                 "--port",           "-1",       "-js", "--store_dir", "store",
                                 "--ports_file_dir", ".",        NULL};
    const int file = mkstemp(path);
    bench_need(file >= 0, "a temporary file");
    const size_t length = strlen(configuration);
    bench_need(write(file, configuration, length) == (ssize_t)length, "writing a file");
    close(file);
    private_server *server = private_server_start_until(words, is_there);
    unlink(path);
    return server;
}

const char *nats_where(const private_server *server)
{
    static char port[PORT_BYTES];
    bench_need(read_port(server, port), "finding the port of NATS");
    return port;
}

/* One for all kinds and all closed loads. */
static private_server *standing;
static uint32_t standing_users;

static const char *open_server(const contender *self)
{
    (void)self;
    if (standing == NULL) {
        standing = nats_start("");
    }
    if (standing == NULL) {
        return "nats-server is not installed";
    }
    standing_users++;
    return NULL;
}

static void close_server(const contender *self)
{
    (void)self;
    standing_users--;
    if (standing_users == 0) {
        private_server_stop(standing);
        standing = NULL;
    }
}

const char *nats_standing(void)
{
    return nats_where(standing);
}

/* ---- closed load ---- */

static void push(line_wire *wire, const uint8_t *payload, uint32_t payload_bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        nats_publish(wire, 0, payload, payload_bytes);
    }
}

static void pull(line_wire *wire, uint32_t count)
{
    nats_pull(wire, 0, 0, count);
}

static line_answer answer(line_wire *wire, const uint8_t *payload, uint32_t payload_bytes)
{
    nats_news news;
    nats_next(wire, &news);
    if (news.kind == NATS_PUBLISHED) {
        return LINE_PUSHED;
    }
    bench_need(news.kind == NATS_MESSAGE && news.count == payload_bytes &&
                   news.bytes[0] == payload[0],
               "the message that was published");
    nats_ack(wire, news.reply);
    return LINE_TAKEN;
}

static void settle(line_wire *wire)
{
    nats_await_empty(wire, 0);
}

const line_peer nats_peer = {push, pull, answer, false, 0, 0, settle};

static bool is_in_memory(const contender *self)
{
    return ((const nats_kind *)self->own)->in_memory;
}

static void cycle(const contender *self, const load *how, cycle_times *times)
{
    line_wire wire;
    nats_open(&wire, nats_standing());
    nats_make_queue(&wire, is_in_memory(self), 0, NATS_LEASE_S);
    line_cycle(&nats_peer, &wire, how, times);
    nats_delete_queue(&wire, 0);
    line_wire_close(&wire);
}

/* ---- bytes ---- */

/* A separate server, so that all that it writes is ours; some of it is written a while later. */
static void count_wire(const contender *self, const load *how, wire_bytes *bytes)
{
    line_wire wire;
    private_server *server = nats_start("");
    bench_need(server != NULL, "starting NATS");
    nats_open(&wire, nats_where(server));
    nats_make_queue(&wire, is_in_memory(self), 0, NATS_LEASE_S);
    const uint64_t sent_bytes = wire.sent_bytes;
    const uint64_t received_bytes = wire.received_bytes;
    const uint64_t written_bytes = private_server_written_bytes(server);
    line_turn(&nats_peer, &wire, how);
    usleep(FLUSH_US);
    const uint64_t received = wire.received_bytes - received_bytes;
    const uint64_t written = private_server_written_bytes(server) - written_bytes;
    bytes->sent = (double)(wire.sent_bytes - sent_bytes) / how->messages;
    bytes->received = (double)received / how->messages;
    bytes->disk = is_in_memory(self) ? -1 : (double)(written - received) / how->messages;
    line_wire_close(&wire);
    private_server_stop(server);
}

/* ---- contenders ---- */

#define BY_NATS                                                                                    \
    .open = open_server, .close = close_server, .cycle = cycle, .latency = nats_latency,           \
    .weigh = nats_weigh, .grow = nats_grow, .fill = nats_fill, .recover = nats_recover,            \
    .wire = count_wire

static const nats_kind kind_in_file = {false};
static const nats_kind kind_in_memory = {true};

const contender contender_nats = {
    .settings =
        "stream in a file, synced every 2 minutes (the default); work-queue retention, pull "
        "consumer, explicit acks; publishes, pulls and acks of a batch pipelined over "
        "loopback TCP; our own client code; acks get no reply (the default), except in "
        "growth; memory: RSS and files of the server",
    BY_NATS,
    .own = &kind_in_file,
};

const contender contender_nats_memory = {
    .settings = "stream in memory; otherwise as NATS JetStream",
    BY_NATS,
    .own = &kind_in_memory,
};
