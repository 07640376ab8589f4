/* slotq_cluster.h: a Redis Cluster, for programs that send their own commands there. slotq_redis.h
 * includes it. Handles of queues need nothing of this: the URL of any node opens any queue.
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
