/* route.h: where the server with a queue's key is now. A URL leads to a route, and the route to one
 * address after another. Knows addresses and connections; no key's bytes, no verb, no script.
 *
 * Kinds:
 *   FIXED  the server of the URL, always. find returns that address; nothing is asked, blame does
 *          nothing, and a connection to it is always current.
 *   SENTINEL  the primary of a name, as a majority of its Sentinels say (sentinel.h). find asks
 *          them each time. A connection is current until one of them has news, or for a second;
 *          then they are asked again before the next command.
 *   CLUSTER  what a fixed one becomes when its server turns out to be a node of a cluster: the node
 *          with the key, by the newest redirection. When that node is lost, the other known nodes
 *          are found in turn: each serves the key or redirects to the node that does.
 */
#ifndef SLOTQ_BACKEND_REDIS_WIRE_ROUTE_H
#define SLOTQ_BACKEND_REDIS_WIRE_ROUTE_H

#include "known_nodes.h"
#include "sentinel.h"

typedef enum redis_route_kind {
    REDIS_ROUTE_FIXED,
    REDIS_ROUTE_SENTINEL,
    REDIS_ROUTE_CLUSTER
} redis_route_kind;

enum { REDIS_HOPS_MAX = 5 }; /* redirections that one try to connect follows */

/* Used by one thread, as the connection that it is for. All 0: a route to nowhere, which may be
 * freed. */
typedef struct redis_route {
    redis_address address; /* of the URL; login, database and times hold for every server */
    redis_route_kind kind;
    redis_sentinel *sentinel; /* SENTINEL */
    redis_known_nodes *known; /* CLUSTER */
    bool only_reads;          /* the user's: a server that may be an old one will do */
    bool is_found; /* not FIXED: the last find met those that know, so the URL is right; a
                      server that is away, a replica or being chosen is waited for, also
                      by calls that open */
} redis_route;

/* The route of a URL and the caller's options (may be NULL); nothing is asked yet. OK, INVALID,
 * UNSUPPORTED, NOMEMORY; to be freed in any case. */
slotq_outcome redis_route_parse(const char *url, const slotq_options *options, redis_route *route,
                                store_fault *fault);

/* Another route of the same URL, for another connection; it knows what this one has learnt. OK,
 * NOMEMORY. */
slotq_outcome redis_route_copy(redis_route *to, const redis_route *from, store_fault *fault);
void redis_route_free(redis_route *route);

/* A number mixed from what tells the routes of two URLs apart, wherever they lead now. */
uint64_t redis_route_identity(const redis_route *route, uint64_t mixed);

/* Set connection->address to that of the server now. Takes at most connect_timeout_ms. OK, CONNECT
 * (it is not known now), UNSUPPORTED, NOMEMORY. */
slotq_outcome redis_route_find(redis_route *route, redis_connection *connection,
                               store_fault *fault);

/* Find and open it. */
slotq_outcome redis_route_connect(redis_route *route, redis_connection *connection,
                                  store_fault *fault);

/* The server found was lost (said NULL), or refused with this reply of length bytes: the next find
 * asks anew. */
void redis_route_blame(redis_route *route, const char *said, size_t length);

/* A reply on this connection was a redirection (MOVED, ASK): take it, so that the next find leads
 * there. false: there was none since the last time, or it cannot be followed. */
bool redis_route_follow(redis_route *route, redis_connection *connection);

/* The server of this connection is a node of a cluster, and told which others there are. */
void redis_route_learn(redis_route *route, const redis_connection *connection,
                       const redis_nodes *map);

/* In a cluster: the node has the key, as the server at from told. The next find leads there. */
void redis_route_aim(redis_route *route, const redis_node *node, const redis_address *from);

/* The sound connection leads to the right server still, as far as is known; now and then this asks.
 * false: leave it and connect again. Called before each command. */
bool redis_route_is_current(redis_route *route, const redis_connection *connection);

/* How much of a sleep may pass before is_current is to be asked again. */
uint64_t redis_route_nap_ms(const redis_route *route, uint64_t sleep_ms);

#endif
