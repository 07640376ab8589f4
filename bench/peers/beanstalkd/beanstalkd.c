/* beanstalkd.c: see beanstalkd.h. One put, reserve and delete per message, which is all its
 * protocol has; many of each in one write.
 */
#include "beanstalkd.h"
#include "../../support/sure.h"

#include <string.h>

/* Found by trial: deleting costs it time for each job that the connection has reserved. */
enum { KINDS = 2, WINDOW_MOST = 256, NAP_US = 100 };

/* ---- servers ---- */

private_server *beanstalkd_start(const contender *self)
{
    line_wire wire;
    static const char *const in_memory[] = {"beanstalkd", "-l", "unix:s", NULL};
    static const char *const with_binlog[] = {"beanstalkd", "-l", "unix:s", "-b", ".", NULL};
    const beanstalkd_kind *kind = self->own;
    private_server *server = private_server_start(kind->has_binlog ? with_binlog : in_memory, "s");
    if (server != NULL) { /* the first log file, all zeros, is written before the first answer */
        line_wire_open(&wire, private_server_socket(server));
        beanstalkd_do(&wire, "peek-ready", "NOT_FOUND");
        line_wire_close(&wire);
    }
    return server;
}

/* One of each kind for all closed loads, so that rounds meet the same process. */
static private_server *standing[KINDS];

static private_server **standing_of(const contender *self)
{
    const beanstalkd_kind *kind = self->own;
    return &standing[kind->has_binlog ? 1 : 0];
}

static const char *open_server(const contender *self)
{
    *standing_of(self) = beanstalkd_start(self);
    return *standing_of(self) == NULL ? "beanstalkd is not installed" : NULL;
}

const char *beanstalkd_socket(const contender *self)
{
    return private_server_socket(*standing_of(self));
}

static void close_server(const contender *self)
{
    private_server_stop(*standing_of(self));
    *standing_of(self) = NULL;
}

/* ---- commands ---- */

void beanstalkd_put(line_wire *wire, const uint8_t *payload, uint32_t payload_bytes,
                    uint32_t lease_s)
{
    line_wire_append_text(wire, "put 0 0 ");
    line_wire_append_number(wire, lease_s);
    line_wire_append_text(wire, " ");
    line_wire_append_number(wire, payload_bytes);
    line_wire_append_text(wire, "\r\n");
    line_wire_append(wire, payload, payload_bytes);
    line_wire_append_text(wire, "\r\n");
}

void beanstalkd_do(line_wire *wire, const char *command, const char *answer)
{
    line_wire_append_text(wire, command);
    line_wire_append_text(wire, "\r\n");
    line_need(line_wire_line(wire), answer);
}

/* What follows the word RESERVED. */
static uint64_t read_reserved(line_wire *wire, const char *numbers, uint8_t *payload,
                              uint32_t payload_bytes)
{
    const uint64_t job = line_number(&numbers);
    numbers++;
    bench_need(line_number(&numbers) == payload_bytes, "a job of the size that was put");
    memcpy(payload, line_wire_body(wire, payload_bytes), payload_bytes);
    return job;
}

uint64_t beanstalkd_reserved(line_wire *wire, uint8_t *payload, uint32_t payload_bytes)
{
    const char *line = line_wire_line(wire);
    const char *numbers = line_after(line, "RESERVED ");
    if (numbers == NULL) {
        line_need(line, "TIMED_OUT");
        return 0;
    }
    return read_reserved(wire, numbers, payload, payload_bytes);
}

void beanstalkd_delete(line_wire *wire, uint64_t job)
{
    line_wire_append_text(wire, "delete ");
    line_wire_append_number(wire, job);
    line_wire_append_text(wire, "\r\n");
}

/* ---- closed load ---- */

static void push(line_wire *wire, const uint8_t *payload, uint32_t payload_bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        beanstalkd_put(wire, payload, payload_bytes, BEANSTALKD_LEASE_S);
    }
}

static void ask(line_wire *wire, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        line_wire_append_text(wire, "reserve\r\n");
    }
}

static line_answer answer(line_wire *wire, const uint8_t *payload, uint32_t payload_bytes)
{
    const char *line = line_wire_line(wire);
    const char *numbers = line_after(line, "RESERVED ");
    if (numbers != NULL) {
        uint8_t taken[LOAD_PAYLOAD_MOST];
        beanstalkd_delete(wire, read_reserved(wire, numbers, taken, payload_bytes));
        bench_need(taken[0] == payload[0], "the job that was put");
        return LINE_TAKEN;
    }
    if (line_after(line, "INSERTED ") != NULL) {
        return LINE_PUSHED;
    }
    line_need(line, "DELETED");
    return LINE_FINISHED;
}

/* Each delete was answered; what is left would be ready. */
static void settle(line_wire *wire)
{
    beanstalkd_do(wire, "peek-ready", "NOT_FOUND");
}

const line_peer beanstalkd_peer = {push, ask, answer, true, WINDOW_MOST, NAP_US, settle};

static void cycle(const contender *self, const load *how, cycle_times *times)
{
    line_wire wire;
    line_wire_open(&wire, beanstalkd_socket(self));
    line_cycle(&beanstalkd_peer, &wire, how, times);
    line_wire_close(&wire);
}

/* ---- bytes ---- */

/* A separate server, so that all that it writes is ours. The load fits into its first log
 * file. */
static void count_wire(const contender *self, const load *how, wire_bytes *bytes)
{
    const beanstalkd_kind *kind = self->own;
    line_wire wire;
    private_server *server = beanstalkd_start(self);
    bench_need(server != NULL, "starting beanstalkd");
    line_wire_open(&wire, private_server_socket(server));
    const uint64_t written_bytes = private_server_written_bytes(server);
    line_turn(&beanstalkd_peer, &wire, how);
    bytes->sent = (double)wire.sent_bytes / how->messages;
    bytes->received = (double)wire.received_bytes / how->messages;
    bytes->disk = -1;
    if (kind->has_binlog) {
        const uint64_t written = private_server_written_bytes(server) - written_bytes;
        bytes->disk = (double)(written - wire.received_bytes) / how->messages;
    }
    line_wire_close(&wire);
    private_server_stop(server);
}

/* ---- contenders ---- */

#define BY_BEANSTALKD                                                                              \
    .open = open_server, .close = close_server, .cycle = cycle, .latency = beanstalkd_latency,     \
    .weigh = beanstalkd_weigh, .grow = beanstalkd_grow, .recover = beanstalkd_recover,             \
    .wire = count_wire

static const beanstalkd_kind kind_in_memory = {false};
static const beanstalkd_kind kind_with_binlog = {true};

const contender contender_beanstalkd = {
    .settings =
        "in memory; put, reserve and delete of a batch pipelined over a unix socket; at most "
        "256 jobs in flight; a pause of 100 µs before replies are read, which makes it "
        "faster; our own client code; memory: RSS of the server; recovery: the worker's "
        "connection ends, which returns its jobs",
    BY_BEANSTALKD,
    .own = &kind_in_memory,
};

const contender contender_beanstalkd_binlog = {
    .settings = "with -b and an fsync at most every 50 ms (the default); otherwise as beanstalkd",
    BY_BEANSTALKD,
    .own = &kind_with_binlog,
};
