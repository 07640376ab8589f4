/* store.h: a queue whose bytes are a string in Redis, as a store. Knows what an open one needs; no
 * URL's kind, no handle. Verbs are run on it by run.h.
 */
#ifndef SLOTQ_BACKEND_REDIS_STORE_H
#define SLOTQ_BACKEND_REDIS_STORE_H

#include "../../slotq_redis.h"
#include "../backend.h"
#include "call/request.h"
#include "calling.h"
#include "patience.h"
#include "pool.h"
#include "waiter.h"
#include "wire/route.h"

enum { REDIS_KEY_BYTES_MAX = 200 };

/* slotq_redis_options with their defaults filled in, and what else an open store needs to know. */
typedef struct redis_settings {
    uint32_t connect_timeout_ms;
    uint32_t timeout_ms;
    redis_limits limits;
    uint32_t wait_replicas;
    uint32_t wait_fsynced;
    uint32_t wait_ms;
    bool no_reconnect;
    bool force;
    bool read_only;
    bool read_replica; /* a read-only one asks a replica */
    bool own_clock; /* calls bring the time */
    bool hurries;   /* opening waits for no server that is known not to answer */
    slotq_functions functions;
    bool no_module;
} redis_settings;

typedef struct redis_store {
    store base;
    redis_route route; /* of an own connection */
    redis_connection connection;
    redis_pool *pool; /* its handle's: has the connection between calls; NULL = it is its own */
    redis_request request;
    redis_terms terms;
    redis_settings settings;
    redis_waiter waiter;
    uint8_t geometry[REDIS_GEOMETRY_BYTES]; /* as it was read; terms names it */
    uint32_t geometry_number; /* goes up with each other geometry; never 0 when open */
    bool is_remade;           /* a reply said so: the geometry is to be read anew */
    redis_address asked;      /* where the last call went by ASK, if asks */
    bool asks;
    bool in_cluster;          /* two keys may be on two nodes */
    bool redis7;              /* scripts with a shebang */
    redis_calling calling;
    uint64_t known_scripts; /* a bit a script that this connection has seen the server have */
    char key[REDIS_KEY_BYTES_MAX + 1];
} redis_store;

redis_settings redis_settings_of(const slotq_options *options, const redis_address *address);

/* OK, NOQUEUE, CORRUPT, VERSION, CONNECT, UNSUPPORTED, IO. */
slotq_outcome redis_store_open(const redis_route *route, const char *key,
                               const redis_settings *settings, store **opened, store_fault *fault);

/* The same for one of several stores of a handle, whose pool outlives it. */
slotq_outcome redis_store_open_pooled(const redis_route *route, const char *key,
                                      const redis_settings *settings, redis_pool *pool,
                                      store **opened, store_fault *fault);

/* The same over the caller's connection, which it must leave alone but for what is documented. */
slotq_outcome redis_store_attach(redisContext *context, const char *key,
                                 const redis_settings *settings, store **opened,
                                 store_fault *fault);

/* The socket of its wake-ups, as redis_waiter_listen. */
int redis_store_listen(redis_store *self);

/* The store as one of Redis, or NULL. */
redis_store *redis_store_of(store *base);
const redis_store *redis_store_of_const(const store *base);

#endif
