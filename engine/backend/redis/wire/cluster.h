/* cluster.h: what a Redis Cluster says of where keys are: redirections, and which nodes serve
 * which slots. Knows the shape of its replies, which are not trusted; no connection.
 */
#ifndef SLOTQ_BACKEND_REDIS_WIRE_CLUSTER_H
#define SLOTQ_BACKEND_REDIS_WIRE_CLUSTER_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../key_slot.h"

enum {
    REDIS_SLOTS = KEY_SLOTS,
    REDIS_NODES_MAX = 64, /* that are remembered; a cluster may have more */
    REDIS_NODE_HOST_BYTES = 256,
    REDIS_NO_NODE = -1
};

/* A node's address, as its cluster announces it. */
typedef struct redis_node {
    char host[REDIS_NODE_HOST_BYTES]; /* "" = that of the node which was asked */
    uint16_t port;
} redis_node;

typedef enum redis_redirect {
    REDIS_REDIRECT_NONE,
    REDIS_REDIRECT_MOVED,
    REDIS_REDIRECT_ASK
} redis_redirect;

typedef struct redis_nodes {
    redis_node nodes[REDIS_NODES_MAX];
    uint32_t slots_of[REDIS_NODES_MAX]; /* that it serves as their primary; 0 = a replica */
    uint32_t count;
    uint32_t left_out; /* of which this table has no room, or no address; replicas come last */
    uint32_t primaries_left_out;
    uint32_t slots_covered; /* that have a primary */
    int32_t primary;        /* of the slot that was asked for, or REDIS_NO_NODE */
    uint64_t replicas;      /* of that slot, a bit a node */
} redis_nodes;

/* The text of an error, "MOVED slot host:port" or "ASK slot host:port": where to, in *node. NONE:
 * it is another error, or names no address that can be dialled. */
redis_redirect redis_redirect_read(const char *said, size_t bytes, redis_node *node);

/* The reply to CLUSTER SLOTS. false: it is another reply, such as an error, or its ranges have more
 * than twice the slots of a cluster; *nodes is empty then. */
bool redis_nodes_read(const redisReply *reply, uint32_t slot, redis_nodes *nodes);

#endif
