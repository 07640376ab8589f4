/* latency.h: one sender and some consumers, each a process with its own connections, and
 * the tray on which consumers lay down when each message came. Knows processes and arrivals; not
 * how a peer sends, waits and finishes: its own latency.c.
 */
#ifndef SLOTQ_BENCH_PEERS_LATENCY_H
#define SLOTQ_BENCH_PEERS_LATENCY_H

#include "contender.h"

enum {
    LATENCY_PAYLOAD_BYTES = 32,
    LATENCY_BATCH_MOST = 256, /* sent at once, and taken at once */
    LATENCY_LEASE_MS = 30000, /* where there are leases */
    LATENCY_WAIT_MS = 200     /* then a consumer looks whether all is over */
};

typedef struct latency_tray latency_tray;

/* A message has come: its payload is looked at, its age is kept. Once each. */
void latency_take(latency_tray *tray, const void *payload, uint64_t payload_bytes);
/* All have come. */
bool latency_is_over(const latency_tray *tray);

typedef struct latency_load {
    latency_tray *tray;
    const uint8_t (*payloads)[LATENCY_PAYLOAD_BYTES];
    uint32_t count; /* to LATENCY_BATCH_MOST */
} latency_load;

typedef struct latency_peer {
    /* The empty queue, made anew; and gone again, in which nothing is left unfinished. */
    void (*make)(const char *socket_path);
    void (*end)(const char *socket_path);
    /* In each process: its own connection. */
    void *(*open)(const char *socket_path);
    /* Push what is due; back when the server has said that it has it. */
    void (*push)(void *own, const latency_load *due);
    /* Take, look at, finish until all is over. NULL: push does all there is (a bound). */
    void (*consume)(void *own, latency_tray *tray);
} latency_peer;

/* One stretch of open load: where is what make, end and open of the peer get. Adds the ages of all
 * behind the first tenth. */
void latency_run(const latency_peer *peer, const char *where, const open_load *how, samples *ns);

#endif
