/* latency.c: open load: publishes of all that is due, two pulls on their way so that one is
 * always waiting, acks as the messages come.
 */
#include "nats.h"
#include "../latency.h"
#include "../../support/sure.h"

enum { WAITS_MOST = 10 };

/* Each process has one connection. */
static line_wire own_wire;

static void *open_wire(const char *where)
{
    nats_open(&own_wire, where);
    return &own_wire;
}

static void make(const char *where, bool in_memory)
{
    line_wire wire;
    nats_open(&wire, where);
    nats_make_queue(&wire, in_memory, 0, NATS_LEASE_S);
    line_wire_close(&wire);
}

static void make_in_file(const char *where)
{
    make(where, false);
}

static void make_in_memory(const char *where)
{
    make(where, true);
}

static void end(const char *where)
{
    line_wire wire;
    nats_open(&wire, where);
    nats_await_empty(&wire, 0);
    nats_delete_queue(&wire, 0);
    line_wire_close(&wire);
}

static void push_due(void *own, const latency_load *due)
{
    for (uint32_t i = 0; i < due->count; i++) {
        nats_publish(own, 0, due->payloads[i], LATENCY_PAYLOAD_BYTES);
    }
    for (uint32_t i = 0; i < due->count; i++) {
        nats_news news;
        nats_next(own, &news);
        bench_need(news.kind == NATS_PUBLISHED, "publishing");
    }
}

static void pull(void *own, uint32_t inbox, int32_t *left)
{
    nats_pull(own, 0, inbox, LATENCY_BATCH_MOST);
    left[inbox] = LATENCY_BATCH_MOST;
}

static void pull_all(void *own, int32_t *left)
{
    for (uint32_t i = 0; i < NATS_INBOXES; i++) {
        pull(own, i, left);
    }
}

/* Where nothing comes for long, a pull may have been lost; client libraries ask again, too. */
static void consume(void *own, latency_tray *tray)
{
    int32_t left[NATS_INBOXES] = {0, 0};
    uint32_t waits = 0;
    while (!latency_is_over(tray)) {
        nats_news news;
        if (waits % WAITS_MOST == 0) {
            pull_all(own, left);
        }
        if (!line_wire_await(own, LATENCY_WAIT_MS)) {
            waits++;
            continue;
        }
        nats_next(own, &news);
        bench_need(news.kind == NATS_MESSAGE, "pulling");
        latency_take(tray, news.bytes, news.count);
        nats_ack(own, news.reply);
        left[news.inbox]--;
        if (left[news.inbox] == 0) {
            pull(own, news.inbox, left);
        }
        waits = 1;
    }
    line_wire_flush(own);
}

static const latency_peer latency_in_file = {make_in_file, end, open_wire, push_due, consume};
static const latency_peer latency_in_memory = {make_in_memory, end, open_wire, push_due, consume};

void nats_latency(const contender *self, const open_load *how, samples *ns)
{
    const nats_kind *kind = self->own;
    latency_run(kind->in_memory ? &latency_in_memory : &latency_in_file, nats_standing(), how, ns);
}
