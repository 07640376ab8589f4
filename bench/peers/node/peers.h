/* peers.h: what the contenders that work in Node share. Knows their processes and the
 * requests of driver.js; not what is measured.
 */
#ifndef SLOTQ_BENCH_PEERS_NODE_PEERS_H
#define SLOTQ_BENCH_PEERS_NODE_PEERS_H

#include "../contender.h"
#include "node.h"

enum { NODE_ABOUT_BYTES = 320, NODE_LEASE_MS = 5000 };

typedef struct node_peer {
    const char *file;     /* peer_FILE.js */
    const char *how;      /* settings, behind the versions, which Node tells */
    bool leases_by_clock; /* else a lease runs on while its worker lives */
    char about[NODE_ABOUT_BYTES];
    node_process *worker; /* kept from stretch to stretch: start and warming up do not count */
    node_process *sender;
} node_peer;

node_peer *node_peer_of(const contender *self);

/* An empty queue on the server that listens there. lease_ms 0: the peer's own. */
void node_open_queue(node_process *node, const char *socket_path, uint32_t lease_ms, bool realtime);
/* A request of one word; its answer's number of that name. */
double node_number(node_process *node, const char *op, const char *name);
/* fill, hold and others that ask for so many messages. */
json_t *node_ask_messages(node_process *node, const char *op, uint32_t messages,
                          uint32_t payload_bytes);
/* A stretch of closed load is begun: push, take and cycle may be asked for. */
void node_begin(node_process *node, const load *how, uint32_t messages);
/* A stretch that does not count: the server has the scripts, Node has compiled what it runs. A
 * multiple of 100. */
void node_warm(node_process *node, uint32_t messages);

void node_weigh(const contender *self, uint32_t messages, uint32_t payload_bytes, weight *bytes);
void node_fill(const contender *self, full_answers *answers);
void node_recover(const contender *self, uint32_t messages, recovery_times *times);
void node_wire(const contender *self, const load *how, wire_bytes *bytes);

#endif
