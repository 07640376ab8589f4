/* sentinel_peer.h: one Sentinel: where it is, the connections to it, and its answer to where the
 * primary is. Knows Sentinel's commands and replies; not which of several answers counts.
 */
#ifndef SLOTQ_BACKEND_REDIS_WIRE_SENTINEL_PEER_H
#define SLOTQ_BACKEND_REDIS_WIRE_SENTINEL_PEER_H

#include "connection.h"

enum {
    SENTINEL_HOST_BYTES = 256,
    SENTINEL_ID_BYTES = 64,
    SENTINEL_MASTER_BYTES = 256,
    SENTINELS_MAX = 32 /* that one handle knows */
};

/* Where a Sentinel is. */
typedef struct sentinel_place {
    char host[SENTINEL_HOST_BYTES];
    char id[SENTINEL_ID_BYTES]; /* its run id: one Sentinel may have two addresses; "" = not met */
    uint16_t port;
} sentinel_place;

typedef struct sentinel_peer {
    sentinel_place place;
    redis_connection *asked; /* NULL = none; the next too */
    redis_connection *news;  /* subscribed to what it says of primaries */
    uint64_t away_until_ms;  /* it was not there: monotonic; not tried before without need */
    uint64_t away_ms;        /* how long the next time */
    bool is_out;             /* it was asked, and has not answered yet */
    bool logs_in;            /* its first reply is to AUTH */
} sentinel_peer;

/* What one says of the primary. */
typedef struct sentinel_answer {
    char host[SENTINEL_HOST_BYTES];
    uint16_t port;
    uint64_t epoch;     /* of its configuration: a newer one was agreed on by a majority */
    uint32_t sentinels; /* how many watch the primary, as far as it knows; with itself */
    uint32_t quorum;
    bool is_moving; /* it promotes a replica now, and has not seen that done */
    uint32_t other_count;
    sentinel_place others[SENTINELS_MAX];
} sentinel_answer;

typedef enum sentinel_word {
    SENTINEL_ANSWERED,
    SENTINEL_IGNORANT, /* it knows no primary of this name */
    SENTINEL_REFUSED,  /* a login or a right is missing; fault says so */
    SENTINEL_AWAY
} sentinel_word;

/* Connect where needed, within connect_ms, log in as login says, and ask; no reply is awaited.
 * false: it cannot be reached, and fault says why. */
bool sentinel_peer_ask(sentinel_peer *peer, const redis_address *login, const char *master,
                       uint32_t connect_ms, store_fault *fault);

/* Something of the answer has come, or comes within wait_ms, or the connection ended. */
bool sentinel_peer_is_ready(sentinel_peer *peer, uint32_t wait_ms);

/* Read the answer to that, until a moment of the monotonic clock. */
sentinel_word sentinel_peer_read(sentinel_peer *peer, uint64_t deadline_ms, sentinel_answer *answer,
                                 store_fault *fault);

/* Something was heard since the last time: the primary may be another one. Never waits. */
bool sentinel_peer_has_news(sentinel_peer *peer);

/* It is connected to, and not known to be lost. */
bool sentinel_peer_is_near(sentinel_peer *peer);

/* Close its connections. */
void sentinel_peer_leave(sentinel_peer *peer);

#endif
