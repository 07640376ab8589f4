/* states.c: beanstalkd with much in it: what a job weighs, what a call costs then, how
 * a dead worker's jobs come back. Each has a private server, which ends with all in it.
 */
#include "beanstalkd.h"
#include "../../support/sure.h"

#include <string.h>
#include <unistd.h>

enum {
    WEIGHED_LEAST = 60000, /* jobs, so that pages do not matter: in so many tubes if need be */
    TOGETHER = 256,
    TURNS = 500,
    COMMAND_BYTES = 64,
    PAYLOAD_BYTES = 32
};

static private_server *start(const contender *self, line_wire *wire)
{
    private_server *server = beanstalkd_start(self);
    bench_need(server != NULL, "starting beanstalkd");
    line_wire_open(wire, private_server_socket(server));
    return server;
}

static void put_all(line_wire *wire, uint32_t count, uint32_t payload_bytes, uint32_t lease_s)
{
    for (uint32_t done = 0; done < count;) {
        const uint32_t now = count - done < TOGETHER ? count - done : TOGETHER;
        for (uint32_t i = 0; i < now; i++) {
            beanstalkd_put(wire, line_payload(), payload_bytes, lease_s);
        }
        for (uint32_t i = 0; i < now; i++) {
            const char *line = line_wire_line(wire);
            bench_need(line_after(line, "INSERTED ") != NULL, line);
        }
        done += now;
    }
}

static uint64_t read_job(line_wire *wire, uint32_t payload_bytes)
{
    uint8_t payload[LOAD_PAYLOAD_MOST];
    const uint64_t job = beanstalkd_reserved(wire, payload, payload_bytes);
    bench_need(job > 0 && payload[0] == line_payload()[0], "the job that was put");
    return job;
}

static void reserve_all(line_wire *wire, uint32_t count, uint32_t payload_bytes)
{
    for (uint32_t done = 0; done < count;) {
        const uint32_t now = count - done < TOGETHER ? count - done : TOGETHER;
        beanstalkd_peer.ask(wire, now);
        for (uint32_t i = 0; i < now; i++) {
            (void)read_job(wire, payload_bytes);
        }
        done += now;
    }
}

/* ---- weight ---- */

static void use_tube(line_wire *wire, uint32_t number)
{
    char command[COMMAND_BYTES];
    char wanted[COMMAND_BYTES];
    snprintf(command, sizeof command, "use t%u", (unsigned)number);
    snprintf(wanted, sizeof wanted, "USING t%u", (unsigned)number);
    beanstalkd_do(wire, command, wanted);
}

/* That tube alone. */
static void watch_tube(line_wire *wire, uint32_t number)
{
    char command[COMMAND_BYTES];
    snprintf(command, sizeof command, "watch t%u", (unsigned)number);
    beanstalkd_do(wire, command, "WATCHING 2");
    snprintf(command, sizeof command, number == 0 ? "ignore default" : "ignore t%u",
             (unsigned)number - 1);
    beanstalkd_do(wire, command, "WATCHING 1");
}

void beanstalkd_weigh(const contender *self, uint32_t messages, uint32_t payload_bytes,
                      weight *bytes)
{
    line_wire wire;
    const uint32_t tubes = messages < WEIGHED_LEAST ? WEIGHED_LEAST / messages : 1;
    private_server *server = start(self, &wire);
    const double begin_bytes = (double)private_server_resident_bytes(server);
    for (uint32_t i = 0; i < tubes; i++) {
        use_tube(&wire, i);
        put_all(&wire, messages, payload_bytes, BEANSTALKD_LEASE_S);
    }
    const double ready_bytes = (double)private_server_resident_bytes(server);
    for (uint32_t i = 0; i < tubes; i++) {
        watch_tube(&wire, i);
        reserve_all(&wire, messages, payload_bytes);
    }
    const double leased_bytes = (double)private_server_resident_bytes(server);
    bytes->ready_bytes = (ready_bytes - begin_bytes) / tubes / messages;
    bytes->leased_bytes = (leased_bytes - begin_bytes) / tubes / messages;
    line_wire_close(&wire);
    private_server_stop(server);
}

/* ---- growth ---- */

static void turn(line_wire *wire, samples *push_ns, samples *take_ns, samples *finish_ns)
{
    const uint64_t start_ns = clock_ns();
    put_all(wire, 1, PAYLOAD_BYTES, BEANSTALKD_LEASE_S);
    const uint64_t pushed_ns = clock_ns();
    beanstalkd_peer.ask(wire, 1);
    const uint64_t job = read_job(wire, PAYLOAD_BYTES);
    const uint64_t taken_ns = clock_ns();
    beanstalkd_delete(wire, job);
    line_need(line_wire_line(wire), "DELETED");
    samples_add(push_ns, (double)(pushed_ns - start_ns));
    samples_add(take_ns, (double)(taken_ns - pushed_ns));
    samples_add(finish_ns, (double)(clock_ns() - taken_ns));
}

void beanstalkd_grow(const contender *self, uint32_t length, uint32_t leased_percent,
                     growth_times *times)
{
    line_wire wire;
    line_wire worker;
    samples push_ns = {0};
    samples take_ns = {0};
    samples finish_ns = {0};
    private_server *server = start(self, &wire);
    line_wire_open(&worker, private_server_socket(server));
    put_all(&wire, length, PAYLOAD_BYTES, BEANSTALKD_LEASE_S);
    reserve_all(&worker, (uint32_t)((uint64_t)length * leased_percent / 100), PAYLOAD_BYTES);
    for (uint32_t i = 0; i < TURNS; i++) {
        turn(&wire, &push_ns, &take_ns, &finish_ns);
    }
    *times = (growth_times){samples_median(&push_ns), samples_median(&take_ns),
                            samples_median(&finish_ns), -1, -1};
    samples_free(&push_ns);
    samples_free(&take_ns);
    samples_free(&finish_ns);
    line_wire_close(&worker);
    line_wire_close(&wire);
    private_server_stop(server);
}

/* ---- recovery ---- */

/* The worker's process ends, and with it its connection, which gives its jobs back at once. Jobs of
 * a worker that hangs would come back by their time to run, were it not that 1.12 forgets the
 * connection when it looks in the very microsecond in which the first of them ends, and it looks
 * without a pause in the millisecond before: that is not measured.
 */
void beanstalkd_recover(const contender *self, uint32_t messages, recovery_times *times)
{
    line_wire worker;
    line_wire other;
    private_server *server = start(self, &worker);
    line_wire_open(&other, private_server_socket(server));
    put_all(&worker, messages, PAYLOAD_BYTES, BEANSTALKD_LEASE_S);
    reserve_all(&worker, messages, PAYLOAD_BYTES);
    const uint64_t lost_ns = clock_ns();
    line_wire_close(&worker);
    reserve_all(&other, 1, PAYLOAD_BYTES);
    const uint64_t first_ns = clock_ns();
    reserve_all(&other, messages - 1, PAYLOAD_BYTES);
    times->first_ms = (double)(first_ns - lost_ns) / 1e6;
    times->all_ms = (double)(clock_ns() - lost_ns) / 1e6;
    times->server_most_us = -1;
    line_wire_close(&other);
    private_server_stop(server);
}
