/* known_nodes.c: see known_nodes.h.
 */
#include "known_nodes.h"

#include <string.h>

/* What a node means by an empty host. Of one that was met by its socket no host is known but this
 * machine. */
static const char *host_of(const redis_address *from)
{
    return from->is_unix ? "127.0.0.1" : from->host;
}

static redis_node resolve(const redis_node *node, const redis_address *from)
{
    redis_node whole = *node;
    const char *host = host_of(from);
    if (whole.host[0] == '\0' && strlen(host) < sizeof whole.host) {
        memcpy(whole.host, host, strlen(host) + 1);
    }
    return whole;
}

static bool is_same(const redis_node *one, const redis_node *other)
{
    return one->port == other->port && strcmp(one->host, other->host) == 0;
}

static void add(redis_known_nodes *known, const redis_node *node)
{
    for (uint32_t i = 0; i < known->count; i++) {
        if (is_same(&known->nodes[i], node)) {
            return;
        }
    }
    if (known->count < REDIS_NODES_MAX) {
        known->nodes[known->count++] = *node;
    }
}

void redis_known_nodes_redirect(redis_known_nodes *known, redis_redirect how, const redis_node *to,
                                const redis_address *from)
{
    const redis_node whole = resolve(to, from);
    add(known, &whole);
    if (how == REDIS_REDIRECT_ASK) {
        known->asked = whole;
    } else {
        known->target = whole;
    }
}

void redis_known_nodes_lose(redis_known_nodes *known)
{
    if (known->target.port != 0) {
        known->target.port = 0; /* the next one may still be the one that told of it */
        return;
    }
    known->next = (known->next + 1) % (known->count + 1);
}

void redis_known_nodes_learn(redis_known_nodes *known, const redis_nodes *map,
                             const redis_address *from)
{
    const redis_node target = known->target;
    if (map->count == 0) {
        return;
    }
    known->count = 0;
    for (uint32_t i = 0; i < map->count; i++) {
        const redis_node whole = resolve(&map->nodes[i], from);
        add(known, &whole);
    }
    known->target = target;
    known->next %= known->count + 1;
}

void redis_node_address(const redis_node *node, const redis_address *from, redis_address *address)
{
    const redis_node whole = resolve(node, from);
    *address = *from;
    memcpy(address->host, whole.host, strlen(whole.host) + 1);
    address->port = whole.port;
    address->is_unix = false;
}

bool redis_known_nodes_find(redis_known_nodes *known, const redis_address *of_url,
                            redis_address *address)
{
    const bool asks = known->asked.port != 0;
    const redis_node *to = asks                      ? &known->asked
                           : known->target.port != 0 ? &known->target
                           : known->next > 0         ? &known->nodes[known->next - 1]
                                                     : NULL;
    *address = *of_url;
    if (to != NULL) {
        redis_node_address(to, of_url, address);
    }
    known->asked.port = 0;
    return asks;
}
