/* list.c: which keys of a database are queues: SCAN for strings, then the first bytes of each; in a
 * cluster on every primary. Knows of a queue its magic, and its set if it is a shard.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "../../layout/bytes.h"
#include "../../layout/descriptor.h"
#include "../../layout/fields.h"
#include "../shards/names.h"
#include "call/errors.h"
#include "errand.h"
#include "keys.h"
#include "server.h"

enum { AT_DESCRIPTOR_SET = 16 }; /* SHARDS.md, rule 9 */
enum { NAMES_MAX = 1 << 20, ROUNDS_MAX_OF_SCAN = 1 << 24, CURSOR_BYTES = 24 };

typedef struct named {
    char *name;
    uint32_t set;       /* of a shard, or a descriptor; 0: it is alone */
    bool is_descriptor; /* the name of a sharded queue */
} named;

typedef struct names {
    named *names;
    size_t count;
    size_t room;
} names;

static void names_free(names *found)
{
    for (size_t i = 0; i < found->count; i++) {
        free(found->names[i].name);
    }
    free(found->names);
}

/* The reply has the magic of a queue or a descriptor. */
static named named_of(char *name, const redisReply *front)
{
    const uint8_t *bytes = (const uint8_t *)front->str;
    const bool is_descriptor = bytes_begin_descriptor(bytes, front->len);
    const size_t at = is_descriptor ? AT_DESCRIPTOR_SET : AT_geometry_set;
    return (named){.name = name,
                   .set = front->len >= at + sizeof(uint32_t) ? load_u32(bytes + at) : 0,
                   .is_descriptor = is_descriptor};
}

static bool names_add(names *found, const redisReply *key, const redisReply *front)
{
    if (found->count == found->room) {
        const size_t room = found->room == 0 ? 64 : found->room * 2;
        named *grown = room > NAMES_MAX ? NULL : realloc(found->names, room * sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        found->names = grown;
        found->room = room;
    }
    char *name = malloc(key->len + 1);
    if (name != NULL) {
        memcpy(name, key->str, key->len);
        name[key->len] = '\0';
        found->names[found->count++] = named_of(name, front);
    }
    return name != NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const named *)a)->name, ((const named *)b)->name);
}

/* A name that slotq could have given. */
static bool is_name(const redisReply *key)
{
    return key->type == REDIS_REPLY_STRING && key->len >= 1 && key->len <= REDIS_KEY_BYTES_MAX &&
           memchr(key->str, '\0', key->len) == NULL;
}

static bool is_magic(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING &&
           reply->len >= AT_geometry_magic + BYTES_geometry_magic &&
           (load_u32((const uint8_t *)reply->str + AT_geometry_magic) & MAGIC_FAMILY_MASK) ==
               (MAGIC_VERSION_1 & MAGIC_FAMILY_MASK);
}

/* In a cluster behind ASKING: a key that is being moved is where the scan found it. */
static bool add_question(redis_connection *connection, const redisReply *key)
{
    const char *asking[] = {"ASKING"};
    const size_t asking_length[] = {6};
    const char *words[] = {"GETRANGE", key->str, "0", "43"}; /* up to the end of the geometry */
    const size_t lengths[] = {8, key->len, 1, 2};
    return (!connection->asking ||
            redis_outbox_add(&connection->outbox, 1, asking, asking_length)) &&
           redis_outbox_add(&connection->outbox, 4, words, lengths);
}

/* Of the keys of one round, those that are queues. */
static slotq_outcome take_keys(redis_connection *connection, const redisReply *keys, names *found,
                               store_fault *fault)
{
    slotq_outcome outcome = SLOTQ_OK;
    redis_outbox_clear(&connection->outbox);
    for (size_t i = 0; i < keys->elements; i++) {
        const redisReply *key = keys->element[i];
        if (is_name(key) && !add_question(connection, key)) {
            redis_outbox_clear(&connection->outbox);
            return fault_say(fault, SLOTQ_NOMEMORY, "no memory for a command");
        }
    }
    if (!redis_connection_send(connection, fault)) {
        return fault->outcome;
    }
    redis_outbox_clear(&connection->outbox);
    for (size_t i = 0; i < keys->elements; i++) {
        redisReply *reply;
        if (!is_name(keys->element[i])) {
            continue;
        }
        if ((connection->asking && !redis_server_skip(connection, fault)) ||
            !redis_connection_next(connection, 0, &reply, fault)) {
            return fault->outcome;
        }
        const redis_refusal *refusal = redis_refusal_of(reply);
        if (redis_error_is(reply, "MOVED")) {
            /* left behind by a move that broke off: no client can reach it */
        } else if (refusal != NULL && refusal->fate != REDIS_FATE_STAYS) {
            redis_error error;
            outcome = redis_error_take(reply, false, &error, fault);
        } else if (is_magic(reply) && !names_add(found, keys->element[i], reply)) {
            outcome = fault_say(fault, SLOTQ_NOMEMORY, "no memory for the names of %zu queues",
                                found->count);
        }
        freeReplyObject(reply);
    }
    return outcome;
}

static bool is_scanned(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
           reply->element[0]->type == REDIS_REPLY_STRING && reply->element[0]->len < CURSOR_BYTES &&
           reply->element[1]->type == REDIS_REPLY_ARRAY;
}

/* One SCAN; *by_type goes off where the server does not know TYPE (before 6). */
static slotq_outcome scan_round(redis_connection *connection, char cursor[CURSOR_BYTES],
                                bool *by_type, names *found, store_fault *fault)
{
    const char *words[] = {"SCAN", cursor, "COUNT", "1000", "TYPE", "string"};
    const size_t lengths[] = {4, strlen(cursor), 5, 4, 4, 6};
    redisReply *reply;
    slotq_outcome outcome =
        redis_server_ask(connection, false, *by_type ? 6 : 4, words, lengths, &reply, fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    if (*by_type && redis_error_is(reply, "ERR syntax error")) {
        *by_type = false;
    } else if (reply->type == REDIS_REPLY_ERROR) {
        redis_error error;
        outcome = redis_error_take(reply, false, &error, fault);
    } else if (!is_scanned(reply)) {
        outcome = redis_error_shape(false, fault);
    } else {
        memcpy(cursor, reply->element[0]->str, reply->element[0]->len + 1);
        outcome = take_keys(connection, reply->element[1], found, fault);
    }
    freeReplyObject(reply);
    return outcome;
}

static slotq_outcome scan(redis_connection *connection, names *found, store_fault *fault)
{
    char cursor[CURSOR_BYTES] = "0";
    bool by_type = true;
    slotq_outcome outcome = SLOTQ_OK;
    for (uint32_t round = 0; round < ROUNDS_MAX_OF_SCAN && outcome == SLOTQ_OK; round++) {
        const bool asked_by_type = by_type;
        outcome = scan_round(connection, cursor, &by_type, found, fault);
        if (asked_by_type == by_type && strcmp(cursor, "0") == 0) {
            break;
        }
    }
    return outcome;
}

/* ---- in a cluster ---- */

static slotq_outcome scan_node(const redis_connection *first, const redis_node *node, names *found,
                               store_fault *fault)
{
    redis_facts facts;
    redis_connection connection = {.connect_timeout_ms = first->connect_timeout_ms,
                                   .timeout_ms = first->timeout_ms};
    redis_node_address(node, &first->address, &connection.address);
    slotq_outcome outcome = redis_connection_open(&connection, fault);
    if (outcome == SLOTQ_OK) {
        outcome = redis_server_greet(&connection, NULL, 0, &facts, fault);
    }
    if (outcome == SLOTQ_OK) {
        connection.asking = true;
        outcome = scan(&connection, found, fault);
    }
    redis_connection_free(&connection);
    return outcome;
}

/* Every primary has other queues. Half a list would look like a whole one: all must answer. */
static slotq_outcome scan_cluster(redis_connection *first, names *found, store_fault *fault)
{
    redis_nodes map;
    slotq_outcome outcome = redis_server_ask_nodes(first, 0, &map, fault);
    if (outcome == SLOTQ_OK && map.primaries_left_out > 0) {
        return fault_say(fault, SLOTQ_UNSUPPORTED,
                         "the cluster has more primaries than the %d that can be listed, or some "
                         "without a known address: list the nodes one by one (redis-cli --scan)",
                         REDIS_NODES_MAX);
    }
    for (uint32_t i = 0; i < map.count && outcome == SLOTQ_OK; i++) {
        if (map.slots_of[i] > 0) {
            outcome = scan_node(first, &map.nodes[i], found, fault);
        }
    }
    return outcome;
}

/* All names, in any order; the caller frees them. */
static slotq_outcome find(redis_route *route, const redis_settings *settings, names *found,
                          store_fault *fault)
{
    redis_facts facts;
    redis_connection connection = {.connect_timeout_ms = settings->connect_timeout_ms,
                                   .timeout_ms = settings->timeout_ms};
    memset(found, 0, sizeof *found);
    slotq_outcome outcome = redis_route_connect(route, &connection, fault);
    if (outcome == SLOTQ_OK) {
        outcome = redis_server_greet(&connection, NULL, 0, &facts, fault);
    }
    if (outcome == SLOTQ_OK) {
        outcome = strcmp(facts.mode, "cluster") == 0 ? scan_cluster(&connection, found, fault)
                                                     : scan(&connection, found, fault);
    }
    redis_connection_free(&connection);
    return outcome;
}

/* The sharded queue that it is a shard of is there: without it, or with one of another set, the
 * shard is shown. The names are sorted. */
static bool is_folded(const names *found, const named *one)
{
    char name[SHARDS_NAME_BYTES_MAX + 1];
    const size_t bytes =
        one->set == 0 || one->is_descriptor ? 0 : shards_name_of_key(one->name, strlen(one->name));
    if (bytes == 0) {
        return false;
    }
    memcpy(name, one->name, bytes);
    name[bytes] = '\0';
    const named wanted = {.name = name};
    const named *whole =
        bsearch(&wanted, found->names, found->count, sizeof *found->names, by_name);
    return whole != NULL && whole->is_descriptor && whole->set == one->set;
}

slotq_outcome redis_keys_list(redis_route *route, const redis_settings *settings, bool with_shards,
                              bool (*visit)(void *context, const char *name), void *context,
                              store_fault *fault)
{
    names found;
    redis_patience patience = redis_patience_to_open(&settings->limits);
    slotq_outcome outcome = find(route, settings, &found, fault);
    while (outcome != SLOTQ_OK && redis_errand_again(route, &patience, fault)) {
        names_free(&found);
        outcome = find(route, settings, &found, fault);
    }
    bool more = outcome == SLOTQ_OK;
    if (more && found.count > 0) {
        qsort(found.names, found.count, sizeof *found.names, by_name);
    }
    for (size_t i = 0; i < found.count && more; i++) {
        const named *one = &found.names[i];
        /* a key may be scanned twice */
        if ((i == 0 || strcmp(one->name, one[-1].name) != 0) &&
            (with_shards || !is_folded(&found, one))) {
            more = visit(context, one->name);
        }
    }
    names_free(&found);
    return outcome;
}
