/* latency.c: see latency.h. Sender and consumers are processes, as workers are, so that none waits
 * for a lock of another; the parent only watches.
 */
#define _GNU_SOURCE
#include "latency.h"
#include "../support/pace.h"
#include "../support/sure.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CONSUMERS_MOST = 64, WATCH_US = 10000, PATIENCE_S = 120, NUMBER_AT = PACE_STAMP_BYTES };

/* Shared by all processes. The consumer that reserved a message writes its age here. */
struct latency_tray {
    atomic_uint_fast64_t taken;
    atomic_uint ready; /* consumers */
    uint64_t total;
    double ages_ns[]; /* by number; < 0: it has not come */
};

/* ---- the tray ---- */

static size_t tray_bytes(uint64_t total)
{
    return sizeof(latency_tray) + total * sizeof(double);
}

static latency_tray *make_tray(uint64_t total)
{
    latency_tray *tray =
        mmap(NULL, tray_bytes(total), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bench_need(tray != MAP_FAILED, "mmap");
    tray->total = total;
    for (uint64_t i = 0; i < total; i++) {
        tray->ages_ns[i] = -1;
    }
    return tray;
}

void latency_take(latency_tray *tray, const void *payload, uint64_t payload_bytes)
{
    uint64_t number;
    bench_need(payload_bytes == LATENCY_PAYLOAD_BYTES, "a payload of the size that was sent");
    const double age_ns = pace_age_ns(payload);
    memcpy(&number, (const uint8_t *)payload + NUMBER_AT, sizeof number);
    bench_need(number < tray->total && tray->ages_ns[number] < 0, "a message that comes once");
    tray->ages_ns[number] = age_ns;
    atomic_fetch_add(&tray->taken, 1);
}

bool latency_is_over(const latency_tray *tray)
{
    return atomic_load(&tray->taken) == tray->total;
}

/* ---- processes ---- */

static void send_all(const latency_peer *peer, const char *socket_path, latency_tray *tray,
                     const open_load *how)
{
    static uint8_t payloads[LATENCY_BATCH_MOST][LATENCY_PAYLOAD_BYTES];
    void *own = peer->open(socket_path);
    pace when = pace_begin(how->rate_per_s, how->messages);
    uint64_t first = 0;
    for (;;) {
        const uint32_t count = pace_next(&when, LATENCY_BATCH_MOST);
        if (count == 0) {
            return;
        }
        for (uint64_t i = 0; i < count; i++) {
            const uint64_t number = first + i;
            pace_stamp(payloads[i], pace_due_ns(&when, number));
            memcpy(payloads[i] + NUMBER_AT, &number, sizeof number);
        }
        const latency_load due = {tray, (const uint8_t(*)[LATENCY_PAYLOAD_BYTES])payloads, count};
        peer->push(own, &due);
        first += count;
    }
}

static void consume_all(const latency_peer *peer, const char *socket_path, latency_tray *tray)
{
    void *own = peer->open(socket_path);
    atomic_fetch_add(&tray->ready, 1);
    peer->consume(own, tray);
}

/* A child, which ends with us; how NULL: a consumer. */
static pid_t begin(const latency_peer *peer, const char *socket_path, latency_tray *tray,
                   const open_load *how)
{
    const pid_t parent = getpid();
    fflush(NULL);
    const pid_t child = fork();
    bench_need(child >= 0, "fork");
    if (child > 0) {
        return child;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(1);
    }
    if (how != NULL) {
        send_all(peer, socket_path, tray, how);
    } else {
        consume_all(peer, socket_path, tray);
    }
    _exit(0);
}

/* Looks now and then until they have all ended well. */
static void await_all(pid_t *children, uint32_t count, uint64_t until_ns)
{
    uint32_t left = count;
    while (left > 0) {
        usleep(WATCH_US);
        bench_need(clock_ns() < until_ns, "waiting for all messages");
        for (uint32_t i = 0; i < count; i++) {
            int status = 0;
            if (children[i] > 0 && waitpid(children[i], &status, WNOHANG) == children[i]) {
                bench_need(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a process");
                children[i] = 0;
                left--;
            }
        }
    }
}

static void await_ready(const latency_tray *tray, uint32_t consumers)
{
    const uint64_t until_ns = clock_ns() + (uint64_t)PATIENCE_S * 1000000000;
    while (atomic_load(&tray->ready) < consumers) {
        usleep(WATCH_US);
        bench_need(clock_ns() < until_ns, "connecting consumers");
    }
}

static void run(const latency_peer *peer, const char *socket_path, const open_load *how,
                latency_tray *tray)
{
    pid_t children[CONSUMERS_MOST + 1];
    const uint32_t consumers = peer->consume != NULL ? how->consumers : 0;
    bench_need(consumers <= CONSUMERS_MOST, "so many consumers");
    for (uint32_t i = 0; i < consumers; i++) {
        children[i] = begin(peer, socket_path, tray, NULL);
    }
    await_ready(tray, consumers);
    children[consumers] = begin(peer, socket_path, tray, how);
    const double seconds = (double)how->messages / how->rate_per_s + PATIENCE_S;
    await_all(children, consumers + 1, clock_ns() + (uint64_t)(seconds * 1e9));
    bench_need(latency_is_over(tray), "taking every message");
}

void latency_run(const latency_peer *peer, const char *where, const open_load *how, samples *ns)
{
    latency_tray *tray = make_tray(how->messages);
    peer->make(where);
    run(peer, where, how, tray);
    peer->end(where);
    for (uint64_t i = how->messages / 10; i < how->messages; i++) {
        samples_add(ns, tray->ages_ns[i]);
    }
    munmap(tray, tray_bytes(how->messages));
}
