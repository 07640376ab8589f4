/* states.c: NATS JetStream with much in it: what a message weighs, what a call costs then, how
 * a dead worker's messages come back.
 */
#include "nats.h"
#include "../../support/folder.h"
#include "../../support/sure.h"

#include <unistd.h>

enum {
    WEIGHED_LEAST = 60000, /* messages, so that pages do not matter: in several queues if need be */
    QUEUES_MOST = 50,
    TOGETHER = 256,
    TURNS = 500,
    FILLING_MOST = 100000,
    PAYLOAD_BYTES = 32,
    FLUSH_US = 300000,
    SHORT_LEASE_S = 5 /* longer than all are taken, on a busy machine too */
};

static bool is_in_memory(const contender *self)
{
    return ((const nats_kind *)self->own)->in_memory;
}

static void publish_all(line_wire *wire, uint32_t number, uint32_t count, uint32_t payload_bytes)
{
    for (uint32_t done = 0; done < count;) {
        const uint32_t now = count - done < TOGETHER ? count - done : TOGETHER;
        for (uint32_t i = 0; i < now; i++) {
            nats_publish(wire, number, line_payload(), payload_bytes);
        }
        for (uint32_t i = 0; i < now; i++) {
            nats_news news;
            nats_next(wire, &news);
            bench_need(news.kind == NATS_PUBLISHED, "publishing");
        }
        done += now;
    }
}

/* Those of the last are left in news. */
static void take_all(line_wire *wire, uint32_t number, uint32_t count, uint32_t payload_bytes,
                     nats_news *news)
{
    for (uint32_t done = 0; done < count;) {
        const uint32_t now = count - done < TOGETHER ? count - done : TOGETHER;
        nats_pull(wire, number, 0, now);
        for (uint32_t i = 0; i < now; i++) {
            nats_take(wire, payload_bytes, news);
        }
        done += now;
    }
}

/* ---- weight ---- */

/* Its memory, and the files in which a stream lies; some is written a while later. */
static double measure(const private_server *server)
{
    usleep(FLUSH_US);
    return (double)(private_server_resident_bytes(server) +
                    folder_disk_bytes(private_server_folder(server)));
}

/* What the server needs once is there before. */
static void warm_up(line_wire *wire, bool in_memory)
{
    const load how = {
        .payload_bytes = PAYLOAD_BYTES, .batch = 64, .in_flight = 8, .messages = 4096};
    nats_make_queue(wire, in_memory, 0, NATS_LEASE_S);
    line_turn(&nats_peer, wire, &how);
    nats_delete_queue(wire, 0);
}

void nats_weigh(const contender *self, uint32_t messages, uint32_t payload_bytes, weight *bytes)
{
    line_wire wire;
    nats_news news;
    const uint32_t wanted = messages < WEIGHED_LEAST ? WEIGHED_LEAST / messages : 1;
    const uint32_t queues = wanted < QUEUES_MOST ? wanted : QUEUES_MOST;
    private_server *server = nats_start("");
    bench_need(server != NULL, "starting NATS");
    nats_open(&wire, nats_where(server));
    warm_up(&wire, is_in_memory(self));
    const double begin_bytes = measure(server);
    for (uint32_t i = 0; i < queues; i++) {
        nats_make_queue(&wire, is_in_memory(self), i, NATS_LEASE_S);
        publish_all(&wire, i, messages, payload_bytes);
    }
    const double ready_bytes = measure(server);
    for (uint32_t i = 0; i < queues; i++) {
        take_all(&wire, i, messages, payload_bytes, &news);
    }
    const double leased_bytes = measure(server);
    bytes->ready_bytes = (ready_bytes - begin_bytes) / queues / messages;
    bytes->leased_bytes = (leased_bytes - begin_bytes) / queues / messages;
    line_wire_close(&wire);
    private_server_stop(server);
}

/* ---- growth ---- */

static void turn(line_wire *wire, samples *push_ns, samples *take_ns, samples *finish_ns)
{
    nats_news news;
    const uint64_t start_ns = clock_ns();
    publish_all(wire, 0, 1, PAYLOAD_BYTES);
    const uint64_t pushed_ns = clock_ns();
    take_all(wire, 0, 1, PAYLOAD_BYTES, &news);
    const uint64_t taken_ns = clock_ns();
    nats_ack_surely(wire, news.reply);
    samples_add(push_ns, (double)(pushed_ns - start_ns));
    samples_add(take_ns, (double)(taken_ns - pushed_ns));
    samples_add(finish_ns, (double)(clock_ns() - taken_ns));
}

void nats_grow(const contender *self, uint32_t length, uint32_t leased_percent, growth_times *times)
{
    line_wire wire;
    line_wire worker;
    nats_news news;
    samples push_ns = {0};
    samples take_ns = {0};
    samples finish_ns = {0};
    nats_open(&wire, nats_standing());
    nats_open(&worker, nats_standing());
    nats_make_queue(&wire, is_in_memory(self), 0, NATS_LEASE_S);
    publish_all(&wire, 0, length, PAYLOAD_BYTES);
    take_all(&worker, 0, (uint32_t)((uint64_t)length * leased_percent / 100), PAYLOAD_BYTES, &news);
    for (uint32_t i = 0; i < TURNS; i++) {
        turn(&wire, &push_ns, &take_ns, &finish_ns);
    }
    bench_need(nats_count(&wire, 0) == length, "leaving the queue as long as it was");
    *times = (growth_times){samples_median(&push_ns), samples_median(&take_ns),
                            samples_median(&finish_ns), -1, -1};
    samples_free(&push_ns);
    samples_free(&take_ns);
    samples_free(&finish_ns);
    nats_delete_queue(&wire, 0);
    line_wire_close(&worker);
    line_wire_close(&wire);
}

/* ---- at the limit ---- */

static bool publish_one(line_wire *wire)
{
    nats_news news;
    nats_publish(wire, 0, line_payload(), PAYLOAD_BYTES);
    nats_next(wire, &news);
    return news.kind == NATS_PUBLISHED;
}

/* The server's limit for all streams; the stream has none. */
void nats_fill(const contender *self, full_answers *answers)
{
    line_wire wire;
    nats_news news;
    private_server *server = nats_start("jetstream { max_mem: 1MB, max_file: 1MB }");
    bench_need(server != NULL, "starting NATS");
    nats_open(&wire, nats_where(server));
    nats_make_queue(&wire, is_in_memory(self), 0, NATS_LEASE_S);
    publish_all(&wire, 0, TOGETHER, PAYLOAD_BYTES);
    take_all(&wire, 0, TOGETHER / 2, PAYLOAD_BYTES, &news);
    for (uint32_t i = 0; publish_one(&wire); i++) {
        bench_need(i < FILLING_MOST, "reaching the limit");
    }
    const uint64_t count = nats_count(&wire, 0);
    answers->pushes = publish_one(&wire);
    nats_ack_surely(&wire, news.reply);
    answers->finishes = nats_count(&wire, 0) == count - 1;
    take_all(&wire, 0, 1, PAYLOAD_BYTES, &news);
    answers->takes = true; /* or the bench has ended */
    line_wire_close(&wire);
    private_server_stop(server);
}

/* ---- recovery ---- */

/* The worker's connection ends, too; that tells the server nothing. */
void nats_recover(const contender *self, uint32_t messages, recovery_times *times)
{
    line_wire worker;
    line_wire other;
    nats_news news;
    nats_open(&worker, nats_standing());
    nats_open(&other, nats_standing());
    nats_make_queue(&other, is_in_memory(self), 0, SHORT_LEASE_S);
    publish_all(&other, 0, messages, PAYLOAD_BYTES);
    take_all(&worker, 0, messages, PAYLOAD_BYTES, &news);
    line_wire_close(&worker);
    sleep(SHORT_LEASE_S);
    const uint64_t over_ns = clock_ns();
    for (uint32_t i = 0; i < messages; i++) {
        if (i % TOGETHER == 0) {
            nats_pull(&other, 0, 0, messages - i < TOGETHER ? messages - i : TOGETHER);
        }
        nats_take(&other, PAYLOAD_BYTES, &news);
        nats_ack(&other, news.reply); /* lest it comes a third time */
        times->first_ms = i == 0 ? (double)(clock_ns() - over_ns) / 1e6 : times->first_ms;
    }
    times->all_ms = (double)(clock_ns() - over_ns) / 1e6;
    times->server_most_us = -1;
    nats_await_empty(&other, 0);
    nats_delete_queue(&other, 0);
    line_wire_close(&other);
}
