/* sentinel.h: where the primary of a name is, by what its Sentinels say. Knows the rule by which
 * several answers are judged; no key, no verb.
 *
 * The rule: an address counts only if a majority of all Sentinels that watch the primary has
 * answered, and of their answers the one with the newest configuration epoch, as among Sentinels
 * themselves. A failover after a crash needs the votes of a majority, and two majorities share a
 * Sentinel. A client beside an isolated old primary reaches a minority at most, so it stops writing
 * there. The price: where half of the Sentinels are down, nothing is written until one is back; no
 * failover is possible then either. While a Sentinel promotes a replica, nothing is written for up
 * to 10 s: what the old primary took would be lost. A handle that only reads takes the best answer
 * there is.
 */
#ifndef SLOTQ_BACKEND_REDIS_WIRE_SENTINEL_H
#define SLOTQ_BACKEND_REDIS_WIRE_SENTINEL_H

#include "sentinel_peer.h"

/* What the newest look found, for people. */
typedef struct sentinel_sight {
    uint32_t reached;
    uint32_t sentinels; /* that there are */
    uint32_t quorum;    /* of them must find the primary down before a failover */
} sentinel_sight;

typedef struct redis_sentinel {
    char master[SENTINEL_MASTER_BYTES]; /* the name */
    redis_address login;                /* login and TLS of the Sentinels; no host */
    sentinel_peer peers[SENTINELS_MAX];
    uint32_t count;
    sentinel_answer newest; /* what is being read */
    sentinel_answer best;   /* of the look that is under way, or of the last one */
    uint64_t epoch;         /* the newest that was ever believed */
    uint64_t epoch_until_ms;
    uint64_t moving_ms; /* since when a failover is under way; 0 = none is */
    sentinel_sight sight;
    uint64_t looked_ms;
    uint64_t listened_ms;
    bool only_reads; /* the best answer will do */
} redis_sentinel;

/* Ask, within wait_ms, and set host and port of an address. OK, CONNECT, NOMEMORY. */
slotq_outcome redis_sentinel_find(redis_sentinel *self, uint32_t wait_ms, redis_address *address,
                                  store_fault *fault);

/* In the last look a majority answered, whatever it said. */
bool redis_sentinel_has_majority(const redis_sentinel *self);

/* A Sentinel had news, or the newest look is a second old: find again. Cheap otherwise. */
bool redis_sentinel_is_due(redis_sentinel *self);

/* Add a Sentinel unless it is known. */
void redis_sentinel_add(redis_sentinel *self, const sentinel_place *place);

/* The same Sentinels, as far as known, and no connection. */
void redis_sentinel_copy(redis_sentinel *to, const redis_sentinel *from);

/* Close all connections. */
void redis_sentinel_leave(redis_sentinel *self);

#endif
