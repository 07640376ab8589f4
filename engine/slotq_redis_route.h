/* slotq_redis_route.h: which server a connection of slotq_redis_connect went to, and by whose word.
 *
 *     redis+sentinel://[user:password@]host[:port][,host[:port]...]/PRIMARY[/db][?...]
 *     rediss+sentinel://...   with TLS to Sentinels and servers (slotq_redis_tls.h)
 *
 * name a primary and some of its Sentinels (port 26379 by default); the others are learnt from
 * them. user and password are those of the primary; the parameters sentinel_user and
 * sentinel_password those of the Sentinels. valkey and valkeys are the same as redis and rediss.
 *
 * The Sentinels are asked before each connecting, when one of them reports a failover, and once a
 * second while calls are made. An address counts if a majority of all Sentinels that watch the
 * primary has answered; of their answers the one with the newest configuration epoch. Without a
 * majority calls return CONNECT, which passes, and nothing is written: so a program beside an
 * isolated old primary stops within seconds. Handles that were opened for reading only take the
 * best answer there is. While a replica is promoted, calls wait for it within reconnect_ms.
 *
 * What an old primary acknowledged after its replicas were cut off from it, and before another one
 * was chosen, is lost. wait_replicas of slotq_redis_options reports such pushes as UNCONFIRMED: set
 * it to the number of all replicas. With fewer, a replica that is not promoted may confirm. The
 * server's min-replicas-to-write makes an isolated primary refuse them.
 */
#ifndef SLOTQ_REDIS_ROUTE_H
#define SLOTQ_REDIS_ROUTE_H

#include "slotq_redis.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Pointers are valid until slotq_redis_close. */
typedef struct slotq_redis_route {
    const char *host;     /* of the server, or the path of its unix socket */
    const char *primary;  /* the name that its Sentinels know it by; NULL = no Sentinel was asked */
    uint32_t port;        /* 0 = a unix socket */
    uint32_t sentinels;   /* that watch the primary */
    uint32_t reached;     /* of these; a majority at least */
    uint32_t quorum;      /* of these must find the primary down before a failover */
    uint64_t reserved[4]; /* 0 */
} slotq_redis_route;

/* Where the connection went. OK, INVALID (NULL). */
SLOTQ_API slotq_outcome slotq_redis_route_of(const slotq_redis_connection *connection,
                                             slotq_redis_route *route);

#ifdef __cplusplus
}
#endif
#endif
