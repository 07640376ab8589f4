/* cluster.c: see cluster.h.
 */
#define _GNU_SOURCE
#include "cluster.h"

#include <string.h>

/* ---- addresses ---- */

/* A host that can be dialled: printable, without a space, and not the "?" of a node whose name the
 * cluster does not know. */
static bool take_host(redis_node *node, const char *host, size_t bytes)
{
    if (bytes >= sizeof node->host || (bytes == 1 && host[0] == '?')) {
        return false;
    }
    for (size_t i = 0; i < bytes; i++) {
        if (host[i] <= ' ' || host[i] > '~') {
            return false;
        }
    }
    memcpy(node->host, host, bytes);
    node->host[bytes] = '\0';
    return true;
}

static bool take_port(redis_node *node, long long port)
{
    node->port = port > 0 && port <= UINT16_MAX ? (uint16_t)port : 0;
    return node->port != 0;
}

/* Digits, 5 at most; -1: it is something else. */
static long read_number(const char *digits, size_t count)
{
    long number = 0;
    if (count == 0 || count > 5) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        if (digits[i] < '0' || digits[i] > '9') {
            return -1;
        }
        number = number * 10 + (digits[i] - '0');
    }
    return number;
}

static bool begins(const char *said, size_t bytes, const char *word)
{
    return bytes > strlen(word) && memcmp(said, word, strlen(word)) == 0;
}

redis_redirect redis_redirect_read(const char *said, size_t bytes, redis_node *node)
{
    const char *end = said + bytes;
    const bool moved = begins(said, bytes, "MOVED ");
    if (!moved && !begins(said, bytes, "ASK ")) {
        return REDIS_REDIRECT_NONE;
    }
    const char *slot = said + strlen(moved ? "MOVED " : "ASK ");
    const char *space = memchr(slot, ' ', (size_t)(end - slot));
    /* the last colon: the host may be an IPv6 address */
    const char *colon = space != NULL ? memrchr(space, ':', (size_t)(end - space)) : NULL;
    if (colon == NULL) {
        return REDIS_REDIRECT_NONE;
    }
    const long number = read_number(slot, (size_t)(space - slot));
    if (number < 0 || number >= REDIS_SLOTS ||
        !take_host(node, space + 1, (size_t)(colon - space) - 1) ||
        !take_port(node, read_number(colon + 1, (size_t)(end - colon) - 1))) {
        return REDIS_REDIRECT_NONE;
    }
    return moved ? REDIS_REDIRECT_MOVED : REDIS_REDIRECT_ASK;
}

/* ---- CLUSTER SLOTS ---- */

/* Of all ranges together: a sound map has each slot once, and ranges may only overlap a little. */
enum { COUNTED_MAX = 2 * REDIS_SLOTS };

static bool is_string(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING;
}

/* The value of a name in the list of names and values that newer servers put behind a node. */
static const redisReply *named(const redisReply *list, const char *name)
{
    const redisReply *found = NULL;
    for (size_t i = 0; i + 1 < list->elements; i += 2) {
        const redisReply *at = list->element[i];
        if (is_string(at) && strcmp(at->str, name) == 0 && is_string(list->element[i + 1])) {
            found = list->element[i + 1];
        }
    }
    return found;
}

/* [host, port, id, [names and values]]: the host is nil where it is that of the node asked, and "?"
 * where the cluster prefers a name that it does not know. */
static bool read_node(const redisReply *told, redis_node *node)
{
    if (told->type != REDIS_REPLY_ARRAY || told->elements < 2 ||
        told->element[1]->type != REDIS_REPLY_INTEGER) {
        return false;
    }
    const redisReply *host = told->element[0];
    if (is_string(host) && strcmp(host->str, "?") == 0 && told->elements > 3 &&
        told->element[3]->type == REDIS_REPLY_ARRAY) {
        const redisReply *number = named(told->element[3], "ip");
        host = number != NULL ? number : host;
    }
    const bool is_nil = host->type == REDIS_REPLY_NIL;
    return (is_nil || is_string(host)) &&
           take_host(node, is_nil ? "" : host->str, is_nil ? 0 : host->len) &&
           take_port(node, told->element[1]->integer);
}

/* Its place in the table, made if need be; REDIS_NO_NODE where there is no room. */
static int32_t note_node(redis_nodes *nodes, const redis_node *node)
{
    for (uint32_t i = 0; i < nodes->count; i++) {
        if (nodes->nodes[i].port == node->port && strcmp(nodes->nodes[i].host, node->host) == 0) {
            return (int32_t)i;
        }
    }
    if (nodes->count == REDIS_NODES_MAX) {
        return REDIS_NO_NODE;
    }
    nodes->nodes[nodes->count] = *node;
    return (int32_t)nodes->count++;
}

/* The slots of a range that no range before it had. */
static uint32_t cover(uint8_t covered[REDIS_SLOTS / 8], long long from, long long to)
{
    uint32_t added = 0;
    for (uint32_t slot = (uint32_t)from; slot <= (uint32_t)to; slot++) {
        const uint8_t bit = (uint8_t)(1U << slot % 8);
        added += (covered[slot / 8] & bit) == 0;
        covered[slot / 8] |= bit;
    }
    return added;
}

/* [from, to, primary, replica …] */
static bool is_range(const redisReply *range)
{
    if (range->type != REDIS_REPLY_ARRAY || range->elements < 3 ||
        range->element[0]->type != REDIS_REPLY_INTEGER ||
        range->element[1]->type != REDIS_REPLY_INTEGER) {
        return false;
    }
    const long long from = range->element[0]->integer;
    const long long to = range->element[1]->integer;
    return from >= 0 && from <= to && to < REDIS_SLOTS;
}

static uint32_t slots_in(const redisReply *range)
{
    return (uint32_t)(range->element[1]->integer - range->element[0]->integer) + 1;
}

static bool has_slot(const redisReply *range, uint32_t slot)
{
    return range->element[0]->integer <= slot && slot <= range->element[1]->integer;
}

static int32_t take_node(const redisReply *told, redis_nodes *nodes)
{
    redis_node node;
    const int32_t at = read_node(told, &node) ? note_node(nodes, &node) : REDIS_NO_NODE;
    nodes->left_out += at == REDIS_NO_NODE;
    return at;
}

static void take_primary(const redisReply *range, uint32_t slot, uint8_t covered[REDIS_SLOTS / 8],
                         redis_nodes *nodes)
{
    const int32_t at = take_node(range->element[2], nodes);
    const uint32_t added = cover(covered, range->element[0]->integer, range->element[1]->integer);
    nodes->slots_covered += added;
    if (at == REDIS_NO_NODE) {
        nodes->primaries_left_out++;
        return;
    }
    nodes->slots_of[at] += added;
    nodes->primary = has_slot(range, slot) ? at : nodes->primary;
}

static void take_replicas(const redisReply *range, uint32_t slot, redis_nodes *nodes)
{
    for (size_t i = 3; i < range->elements && range->element[i]->type == REDIS_REPLY_ARRAY; i++) {
        const int32_t at = take_node(range->element[i], nodes);
        if (at != REDIS_NO_NODE && has_slot(range, slot)) {
            nodes->replicas |= UINT64_C(1) << at;
        }
    }
}

bool redis_nodes_read(const redisReply *reply, uint32_t slot, redis_nodes *nodes)
{
    uint8_t covered[REDIS_SLOTS / 8] = {0};
    uint32_t counted = 0;
    bool sound = reply->type == REDIS_REPLY_ARRAY && reply->elements <= REDIS_SLOTS;
    memset(nodes, 0, sizeof *nodes);
    nodes->primary = REDIS_NO_NODE;
    for (size_t i = 0; sound && i < reply->elements; i++) {
        sound = is_range(reply->element[i]);
        counted += sound ? slots_in(reply->element[i]) : 0;
        sound = sound && counted <= COUNTED_MAX;
    }
    for (size_t i = 0; sound && i < reply->elements; i++) {
        take_primary(reply->element[i], slot, covered, nodes);
    }
    for (size_t i = 0; sound && i < reply->elements; i++) {
        take_replicas(reply->element[i], slot, nodes);
    }
    return sound;
}
