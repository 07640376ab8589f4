/* known_nodes.h: the nodes of a cluster that a route has heard of, and which of them to dial next.
 * Knows addresses and redirections; no connection and no key.
 */
#ifndef SLOTQ_BACKEND_REDIS_WIRE_KNOWN_NODES_H
#define SLOTQ_BACKEND_REDIS_WIRE_KNOWN_NODES_H

#include "address.h"
#include "cluster.h"

/* All 0: none is known but the address of the URL, which is dialled first. */
typedef struct redis_known_nodes {
    redis_node nodes[REDIS_NODES_MAX];
    uint32_t count;
    uint32_t next;     /* dialled while there is no target; 0: the URL's, i: nodes[i - 1] */
    redis_node target; /* the key is there, as a node said last; port 0: no node said so */
    redis_node asked;  /* ASK: the next find leads there, once; port 0: to the target */
} redis_known_nodes;

/* The node at from redirects; an empty host is that of from. */
void redis_known_nodes_redirect(redis_known_nodes *known, redis_redirect how, const redis_node *to,
                                const redis_address *from);

/* The node that the last find led to is of no use: the next one leads to another, which knows
 * better. */
void redis_known_nodes_lose(redis_known_nodes *known);

/* Keep the nodes of a map that the node at from told. */
void redis_known_nodes_learn(redis_known_nodes *known, const redis_nodes *map,
                             const redis_address *from);

/* The address to dial, with the login and times of the URL's. true: say ASKING there before each
 * command of a key. */
bool redis_known_nodes_find(redis_known_nodes *known, const redis_address *of_url,
                            redis_address *address);

/* The address of a node that the one at from has named. */
void redis_node_address(const redis_node *node, const redis_address *from, redis_address *address);

#endif
