/* latency.c: open load: puts of all that is due, a reserve that waits, the deletes in
 * front of the next. While all was there that was asked for, more is asked for behind it, which
 * does not wait.
 */
#include "beanstalkd.h"
#include "../latency.h"
#include "../../support/sure.h"

/* Each process has one connection. */
static line_wire own_wire;

static void *open_wire(const char *where)
{
    line_wire_open(&own_wire, where);
    return &own_wire;
}

/* Nothing is left, before as behind. */
static void look_empty(const char *where)
{
    line_wire wire;
    line_wire_open(&wire, where);
    beanstalkd_peer.settle(&wire);
    line_wire_close(&wire);
}

static void push_due(void *own, const latency_load *due)
{
    for (uint32_t i = 0; i < due->count; i++) {
        beanstalkd_put(own, due->payloads[i], LATENCY_PAYLOAD_BYTES, BEANSTALKD_LEASE_S);
    }
    for (uint32_t i = 0; i < due->count; i++) {
        const char *line = line_wire_line(own);
        bench_need(line_after(line, "INSERTED ") != NULL, line);
    }
}

/* The first waits, to see now and then whether all is over; the least that can be waited is 1 s. */
static void ask(line_wire *wire, uint32_t count)
{
    line_wire_append_text(wire, "reserve-with-timeout 1\r\n");
    for (uint32_t i = 1; i < count; i++) {
        line_wire_append_text(wire, "reserve-with-timeout 0\r\n");
    }
}

/* How many came; their deletes are appended. */
static uint32_t take(line_wire *wire, uint32_t asked, latency_tray *tray)
{
    uint32_t came = 0;
    for (uint32_t i = 0; i < asked; i++) {
        uint8_t payload[LATENCY_PAYLOAD_BYTES];
        const uint64_t job = beanstalkd_reserved(wire, payload, sizeof payload);
        if (job > 0) {
            latency_take(tray, payload, sizeof payload);
            beanstalkd_delete(wire, job);
            came++;
        }
    }
    return came;
}

static void await_deleted(line_wire *wire, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        line_need(line_wire_line(wire), "DELETED");
    }
}

static void consume(void *own, latency_tray *tray)
{
    uint32_t asked = 1;
    uint32_t came = 0;
    while (!latency_is_over(tray)) {
        const uint32_t deletes = came;
        ask(own, asked);
        await_deleted(own, deletes);
        came = take(own, asked, tray);
        asked = came < asked ? 1 : 2 * asked;
        asked = asked < LATENCY_BATCH_MOST ? asked : LATENCY_BATCH_MOST;
    }
    await_deleted(own, came);
}

static const latency_peer latency_beanstalkd = {look_empty, look_empty, open_wire, push_due,
                                                consume};

void beanstalkd_latency(const contender *self, const open_load *how, samples *ns)
{
    latency_run(&latency_beanstalkd, beanstalkd_socket(self), how, ns);
}
