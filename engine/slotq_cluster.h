/* slotq_cluster.h: queues in a Redis Cluster, and the caller's commands there. slotq_redis.h
 * includes it.
 *
 * The URL of any node opens any queue; that URL is needed again only by the next program. A handle
 * is connected to the node that serves its queue's slot, and goes along when the slot moves (MOVED)
 * or is being moved (ASK), within the call: nothing had happened. If the node is lost, the handle
 * asks the other nodes that it knows, up to 64, until a replica was promoted, for at most
 * reconnect_ms; this holds for calls that open a queue too. What was sent and not answered is
 * OUTCOME_UNKNOWN, as on one server. slotq_list lists the queues of all primaries, or fails; a
 * queue whose slot moves meanwhile may be missing. slotq_move is one step between queues of one
 * slot ("{shop}jobs" and "{shop}failed"), else a push and an ack. slotq_redis_attach does not
 * follow.
 *
 * A node that is cut off from the others takes writes until cluster-node-timeout is over. What it
 * acknowledged and its replica did not get is lost; wait_replicas reports it as UNCONFIRMED. Set it
 * to the number of replicas of each primary.
 *
 * In addition to the rights in lua/README.md a user needs +asking while a slot moves, and should
 * have +cluster|slots, to know the other nodes (slotq_list needs it), and +readonly for replica=1.
 */
#ifndef SLOTQ_CLUSTER_H
#define SLOTQ_CLUSTER_H

#include "slotq.h"

#ifdef __cplusplus
extern "C" {
#endif

struct slotq_redis_connection;

/* As slotq_redis_connect, but to the node of the cluster that serves this key; to the server of the
 * URL if it is not a node. If another node serves the key later, commands get the error MOVED
 * (slotq_redis_judge: UNSUPPORTED, SLOTQ_CAUSE_NODE; nothing happened): close it, connect again. */
SLOTQ_API slotq_outcome slotq_redis_connect_for(const char *url, const char *key,
                                                const slotq_options *options,
                                                struct slotq_redis_connection **connection,
                                                slotq_error *error);

/* What slotq_redis_visit shows of a primary. Pointers are valid during the visit. */
typedef struct slotq_redis_primary {
    const char *address; /* host:port; of a server that is not a node as the URL has it, maybe a
                            socket's path */
    struct slotq_redis_connection *connection; /* NULL: it cannot be reached, and error says why */
    const slotq_error *error;
    uint32_t slots;         /* that it serves; 0: it is not a node of a cluster */
    uint32_t primaries;     /* of the whole cluster */
    uint32_t replicas;      /* the same */
    uint32_t slots_covered; /* of 16384: that some primary serves */
    uint64_t reserved[2];   /* 0 */
} slotq_redis_primary;

/* Visit every primary of the cluster of a URL, or its only server; visit ends it by returning
 * false. OK, INVALID (the URL), CONNECT, IO (no node could be asked), UNSUPPORTED (the user may not
 * ask CLUSTER SLOTS; or there are more primaries than the library can keep, 64), NOMEMORY. */
SLOTQ_API slotq_outcome slotq_redis_visit(const char *url, const slotq_options *options,
                                          bool (*visit)(void *context,
                                                        const slotq_redis_primary *primary),
                                          void *context, slotq_error *error);

#ifdef __cplusplus
}
#endif
#endif
