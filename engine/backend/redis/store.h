/* store.h: a queue whose bytes are a string in Redis: its store, and verbs run on it, several in
 * one round trip where wanted. Knows connection, request and reply; no URL's kind, no handle.
 */
#ifndef SLOTQ_BACKEND_REDIS_STORE_H
#define SLOTQ_BACKEND_REDIS_STORE_H

#include "../../slotq_redis.h"
#include "../backend.h"
#include "wire/connection.h"
#include "redis_script_names.h"
#include "call/request.h"
#include "call/errors.h"
#include "patience.h"
#include "server.h"
#include "waiter.h"

enum { REDIS_KEY_BYTES_MAX = 200 };

/* slotq_redis_options with their defaults filled in, and what else an open store needs to know. */
typedef struct redis_settings {
    uint32_t connect_timeout_ms;
    uint32_t timeout_ms;
    redis_limits limits;
    uint32_t wait_replicas;
    uint32_t wait_ms;
    bool no_reconnect;
    bool force;
    bool read_only;
    bool own_clock; /* calls bring the time */
} redis_settings;

typedef struct redis_store {
    store base;
    redis_connection connection;
    redis_request request;
    redis_terms terms;
    redis_settings settings;
    redis_waiter waiter;
    bool redis7;     /* scripts with a shebang */
    bool no_monitor; /* EVALSHA_RO is not allowed: who only reads asks by EVALSHA, as workers do */
    uint64_t known_scripts; /* a bit a script that this connection has seen the server have */
    char key[REDIS_KEY_BYTES_MAX + 1];
} redis_store;

/* A verb that is to be run. harvest may be NULL; fault is filled as store_ops.call says. */
typedef struct redis_job {
    slotq_call *call;
    store_harvest *harvest;
    store_fault *fault;
    slotq_outcome outcome; /* out */
    /* redis_store_run's own */
    size_t end; /* of its command among those to be sent */
    redis_script_index script;
    bool done;
    bool sent;                    /* this time */
    bool asks_to_load;            /* the server knows the script no more */
    const redis_refusal *refusal; /* the newest answer was one that passes */
    bool in_order;                /* others follow, which a NOSCRIPT must not let pass */
    uint32_t loads;
} redis_job;

/* What the server had a while ago may have been flushed: verbs in order load their scripts anew. */
void redis_store_forget_scripts(redis_store *self);

/* Run verbs in one round trip, in order, others perhaps between them. Each job has its outcome
 * then. None is repeated that may have happened, but those that only read; what a server refused
 * for now is sent again within reconnect_ms, jobs that are in_order only while nothing behind them
 * has happened. */
void redis_store_run(redis_store *self, redis_job *jobs, uint32_t count);

/* Append a job's command, after SCRIPT LOAD where it asks to load. OK, or what is known without
 * asking. */
slotq_outcome redis_store_put(redis_store *self, redis_outbox *to, redis_job *job);
bool redis_store_put_load(const redis_store *self, redis_outbox *to, redis_script_index script);

/* A new connection, tried again while the patience lasts. OK, or why not. */
slotq_outcome redis_store_connect(redis_store *self, redis_patience *patience, store_fault *fault);

/* A connection that can be used, made again where it was lost. */
slotq_outcome redis_store_reconnect(redis_store *self, redis_patience *patience,
                                    store_fault *fault);

/* After a refusal that passes: sleep, and leave the server where another may have taken over.
 * false: the refusal is the answer. */
bool redis_store_outlasts(redis_store *self, const redis_refusal *refusal, redis_patience *patience,
                          store_fault *fault);

redis_settings redis_settings_of(const slotq_options *options, const redis_address *address);

/* OK, NOQUEUE, CORRUPT, VERSION, CONNECT, UNSUPPORTED, IO. */
slotq_outcome redis_store_open(const redis_address *address, const char *key,
                               const redis_settings *settings, store **opened, store_fault *fault);

/* The same over the caller's connection, which it must leave alone but for what is documented. */
slotq_outcome redis_store_attach(redisContext *context, const char *key,
                                 const redis_settings *settings, store **opened,
                                 store_fault *fault);

/* The store as one of Redis, or NULL. */
redis_store *redis_store_of(store *base);

#endif
