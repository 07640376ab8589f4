/* slotq_redis.h: the additions of libslotq_redis to slotq.h. With it the calls of slotq.h accept
 * URLs of a Redis server, and open handles like any other:
 *
 *     redis://[user:password@]host[:port][/db]     [::1] for IPv6; port 6379, db 0 by default
 *     rediss://…                                   the same over TLS; see slotq_redis_tls.h
 *     redis+sentinel://[user:password@]host[:port][,host[:port]...]/PRIMARY[/db]   the primary that
 *                                                  Sentinels name; see slotq_redis_route.h
 *     unix:///path/to.sock[?db=n&user=…&password=…]
 *
 * A server may be any node of a Redis Cluster; see slotq_cluster.h. All accept
 * ?connect_timeout_ms=n&timeout_ms=n&replica=1 (read_replica). Other characters are
 * percent-encoded. Without a password in the URL, the environment variable REDISCLI_AUTH is used.
 * valkey:// and valkeys:// are other names of redis:// and rediss://.
 *
 * Made anew: a queue has a generation, a random number in its geometry. If a queue in Redis is
 * deleted and created again, or restored by slotq_import, while handles have it open, the next call
 * of each handle returns REMADE: nothing happened. The handle has read the new geometry
 * (slotq_geometry_of) and works on the new queue from then on. Ids, tokens and batches from before
 * are void: drop them. Calls by id or token do not detect this and would act on the new queue.
 * Batches, and verbs that were put into a pipeline before, do: they return REMADE again, the batch
 * is empty then, and nothing happens. A producer keeps its messages and pushes
 * them to the new queue at the next try; TOOBIG: one is too large for it. After slotq_next and the
 * calls that settle a batch it is empty, and nothing was settled: go on by reserving. If the bytes
 * are damaged (a changed byte of the geometry) or the queue is gone again, the call returns CORRUPT
 * or NOQUEUE instead. If a queue file is replaced, open handles keep the old file and return IO
 * within a second. If another queue was written into a
 * file that is open, all calls return REMADE until the handle is closed. A queue in memory belongs
 * to its handles and cannot be made anew under them. slotq_resize keeps the generation: handles in
 * Redis go on by themselves, and ids, tokens and batches stay valid.
 */
#ifndef SLOTQ_REDIS_H
#define SLOTQ_REDIS_H

#include "slotq.h"

#ifdef __cplusplus
extern "C" {
#endif

struct slotq_redis_tls; /* slotq_redis_tls.h */

/* How a handle calls the scripts of slotq. */
typedef enum slotq_functions {
    SLOTQ_FUNCTIONS_IF_NEEDED = 0, /* by EVALSHA; by FCALL where the server refuses that */
    SLOTQ_FUNCTIONS_ALWAYS = 1,    /* by FCALL: no command of scripts is sent */
    SLOTQ_FUNCTIONS_NEVER = 2
} slotq_functions;

/* For slotq_options.redis. All 0 and false are the defaults. Values in the URL override these. */
typedef struct slotq_redis_options {
    uint32_t connect_timeout_ms; /* 0 = 5000 */
    uint32_t timeout_ms;         /* max wait for a reply of the server; 0 = 10000 */
    uint32_t reconnect_ms;       /* max time in which a call tries again, at growing intervals of
                                    10 ms to 1 s: to restore a lost connection, and after a refusal
                                    that passes (slotq_error). Where the server's role may have
                                    changed (READONLY, MASTERDOWN, LOADING, NOREPLICAS, a replica)
                                    the handle connects again each time. Calls that open, create,
                                    import, remove or list wait for refusals only; they report a
                                    server that cannot be reached, and a replica, at once.
                                    should_stop of slotq_options ends the wait. 0 = timeout_ms */
    bool no_reconnect;           /* do not restore a lost connection: every call returns CONNECT */
    bool force;                  /* work on a server whose maxmemory-policy could evict the queue */
    bool read_replica;           /* a read_only handle reads from a replica of its queue's node of a
                                    cluster, if one can be reached that has the queue: what has
                                    arrived there. The same: replica=1 in the URL */
    bool no_module;              /* do not use the module of slotq where a server has it. The same:
                                    module=no in the URL */
    uint32_t wait_replicas;      /* a push or schedule waits until this number of replicas have it
                                    (WAIT); fewer within wait_ms: UNCONFIRMED. 0 = does not wait */
    uint32_t wait_ms;            /* timeout of both; 0 = 1000, with wait_fsynced 5000 */
    const struct slotq_redis_tls *tls; /* or NULL; borrowed for the call */
    uint32_t wait_fsynced; /* it waits until it is on the disks of this number of servers: the
                              first is the server itself, others are its replicas (WAITAOF).
                              Fewer: UNCONFIRMED. 0 = does not wait. A server before Redis
                              7.2, or without an append-only file: UNSUPPORTED at opening */
    uint32_t functions;          /* a slotq_functions; in the URL functions=always or never. FCALL
                                    needs Redis 7 and the library of slotq_redis_functions_text */
    uint64_t reserved[2];  /* 0 */
} slotq_redis_options;

struct redisContext; /* hiredis/hiredis.h */
struct redisReply;

/* ---- over the caller's connection ---- */

/* Open the queue `name` over a connected hiredis context (without TLS, logged in, database
 * selected, no reply pending, RESP2). The handle borrows it until slotq_close, which leaves it
 * open. The caller may use it between calls of the handle, never during one, and only in the same
 * thread. It does not follow a queue to another node of a cluster: UNSUPPORTED, SLOTQ_CAUSE_NODE
 * (slotq_redis_connect_for finds the node). If the connection breaks, its err is set, and the
 * handle returns CONNECT from then on; it does not reconnect. A waiting call cannot listen on it
 * and polls once a second. slotq_clone returns UNSUPPORTED. Otherwise as slotq_open. */
SLOTQ_API slotq_outcome slotq_redis_attach(struct redisContext *borrowed, const char *name,
                                           const slotq_options *options, slotq **queue,
                                           slotq_error *error);

/* For the caller's poll loop: *fd becomes readable when messages may be ready, or room may be free,
 * after a slotq_reserve or slotq_push_wait with a wait_ms found none. This call reads what has
 * arrived: call it again each time, then try the queue, then poll. The handle owns the descriptor.
 * UNSUPPORTED: wake-ups cannot be received (a borrowed connection, an ACL without the channel, the
 * server is gone, not Redis): poll the queue once a second. In a cluster *fd may be another one
 * than before. */
SLOTQ_API slotq_outcome slotq_redis_listen(slotq *queue, int *fd);

/* Stop listening; call it before you stop reserving. Another waiting client is then woken if
 * messages are ready, or room is free. slotq_close does the same. OK. */
SLOTQ_API slotq_outcome slotq_redis_unlisten(slotq *queue);

/* ---- how verbs reach the server ---- */

typedef enum slotq_redis_way {
    SLOTQ_WAY_SCRIPTS = 0,   /* EVALSHA */
    SLOTQ_WAY_FUNCTIONS = 1, /* FCALL */
    SLOTQ_WAY_MODULE = 2     /* the module's commands; what it lacks, in one of the other ways */
} slotq_redis_way;

typedef struct slotq_redis_calls {
    slotq_redis_way way;
    uint32_t module_commands; /* that are called in place of scripts */
    char module_version[32];  /* of the module that the server has, used or not; "" = none */
    uint64_t reserved[2];     /* 0 */
} slotq_redis_calls;

/* How the handle calls now. A module is used if the server has one whose commands have the words of
 * this version's scripts, the user may call it, and no_module is not set; without it, or when it is
 * gone, the same calls run as scripts. OK; UNSUPPORTED: the queue is not one value in Redis. */
SLOTQ_API slotq_outcome slotq_redis_calls_of(const slotq *queue, slotq_redis_calls *calls);

/* ---- a plain connection, for the caller's commands ---- */

typedef struct slotq_redis_connection slotq_redis_connection;

/* Connect, log in and select the database of the URL; waits for a refusal that passes, as
 * slotq_open does. OK, INVALID (the URL), CONNECT, IO. After OK the caller must close *connection
 * by slotq_redis_close; otherwise it is NULL. */
SLOTQ_API slotq_outcome slotq_redis_connect(const char *url, const slotq_options *options,
                                            slotq_redis_connection **connection,
                                            slotq_error *error);
SLOTQ_API void slotq_redis_close(slotq_redis_connection *connection);
/* To the node of a cluster that has a key, and to all of them: slotq_cluster.h. */

/* Send one command of count arguments; lengths may be NULL if all end with a NUL. OK with *reply,
 * also if that is an error reply; the caller frees it by freeReplyObject. Otherwise *reply is NULL:
 * CONNECT (nothing was sent), OUTCOME_UNKNOWN (it was sent, and no reply came). If the options of
 * slotq_redis_connect had a reconnect_ms, the command is sent again on this connection for that
 * long while the server refuses it for a reason that passes. */
SLOTQ_API slotq_outcome slotq_redis_command(slotq_redis_connection *connection, int count,
                                            const char **arguments, const size_t *lengths,
                                            struct redisReply **reply, slotq_error *error);

/* What a reply means if it is an error of the server, judged as the library judges replies to its
 * own commands. OK: it is not an error. UNSUPPORTED, SLOTQ_CAUSE_NODE: MOVED or ASK. Otherwise
 * error has the outcome, the cause, whether it passes, and a text with the remedy; OUTCOME_UNKNOWN:
 * a script failed before its end. error may be NULL. */
SLOTQ_API slotq_outcome slotq_redis_judge(const struct redisReply *reply, slotq_error *error);

/* The hiredis context of a connection, for slotq_redis_attach, slotq_script_run or calls of
 * hiredis (not over TLS: hiredis would not encrypt them, and they fail); NULL if the connection is
 * lost. It stays valid until slotq_redis_close; if the
 * connection is lost later, its err is set. */
SLOTQ_API struct redisContext *slotq_redis_context(slotq_redis_connection *connection);

/* ---- the caller's scripts ---- */

typedef struct slotq_script slotq_script;

/* A Lua script of length bytes, copied; NULL if memory is out. It may run on any server, in one
 * thread at a time. */
SLOTQ_API slotq_script *slotq_script_new(const char *text, size_t length);
SLOTQ_API void slotq_script_free(slotq_script *script);

/* Run a script by its SHA-1; load it first if the server does not know it. keys and arguments are
 * borrowed for the call. Returns as slotq_redis_command; an error reply of the script is a reply.
 */
SLOTQ_API slotq_outcome slotq_script_run(slotq_script *script, struct redisContext *context,
                                         uint32_t key_count, const slotq_data *keys,
                                         uint32_t argument_count, const slotq_data *arguments,
                                         struct redisReply **reply, slotq_error *error);

/* The SHA-1, 40 digits, of the index-th script of the library, in the variant with a shebang (Redis
 * 7 and later) or without; NULL after the last. Static. For SCRIPT EXISTS. */
SLOTQ_API const char *slotq_redis_script_sum(uint32_t index, bool redis7);

/* The text of the library's script `name` ("push"; lua/README.md lists them), in either variant, or
 * NULL if no script has this name. Static. Without the shebang it is the body of a Lua function of
 * KEYS and ARGV: with it a script of the caller pushes in the same step as it does something else
 * (lua/README.md, "In your own script"). */
SLOTQ_API const char *slotq_redis_script_text(const char *name, bool redis7);

/* ---- the same scripts as functions (FUNCTION LOAD, FCALL), for Redis 7 and newer ---- */

/* The name of the library, slotq_ and 8 digits that change with each version of the scripts: a
 * server can have several. A script's function is this, _ and its name. Static. */
SLOTQ_API const char *slotq_redis_functions_name(void);

/* The text of the library for FUNCTION LOAD, *length bytes, for the caller to free(); NULL if
 * memory is out. */
SLOTQ_API char *slotq_redis_functions_text(size_t *length);

/* ---- many verbs in one round trip ---- */

typedef struct slotq_pipeline slotq_pipeline;

/* The result of a verb. */
typedef struct slotq_pipeline_result {
    slotq_outcome outcome;
    uint64_t first_id; /* push: OK and UNCONFIRMED */
    uint32_t count;    /* reserve: messages leased; settle: messages settled OK */
    const char *text;  /* for people; valid until the next call on the pipeline */
    bool passes;       /* as in slotq_error: nothing happened, put the verb again */
    uint64_t reserved[2]; /* 0 */
} slotq_pipeline_result;

/* A pipeline on a queue in Redis, for the thread of the handle, which must outlive it. OK,
 * UNSUPPORTED (the queue is not in Redis), NOMEMORY. */
SLOTQ_API slotq_outcome slotq_pipeline_new(slotq *queue, slotq_pipeline **pipeline,
                                           slotq_error *error);
SLOTQ_API void slotq_pipeline_free(slotq_pipeline *pipeline);

/* Append a verb; *index (may be NULL) names it in slotq_pipeline_get. Arguments are checked as by
 * slotq_push, slotq_reserve, slotq_settle: OK, INVALID, NOMEMORY; nothing is sent. The first append
 * after a run or parse empties the pipeline. messages, batches, outcomes and new_tokens are
 * borrowed until the verbs have run; runs are copied. Each reserve needs a separate batch. A settle
 * is one command here, whatever its size: slotq_settle sends a large kill in parts. */
SLOTQ_API slotq_outcome slotq_pipeline_push(slotq_pipeline *pipeline, const slotq_data *messages,
                                            uint32_t count, uint32_t *index);
SLOTQ_API slotq_outcome slotq_pipeline_reserve(slotq_pipeline *pipeline, uint8_t group,
                                               uint32_t limit, uint64_t lease_ms,
                                               slotq_batch *batch, uint32_t *index);
SLOTQ_API slotq_outcome slotq_pipeline_settle(slotq_pipeline *pipeline, slotq_settle_how how,
                                              uint8_t group, const slotq_run *runs,
                                              uint32_t run_count, uint64_t ms, uint8_t reason,
                                              uint8_t *outcomes, uint32_t *new_tokens,
                                              uint32_t *index);
/* Settle a whole reserved batch, not with EXTEND. The batch is empty after this call, so that a
 * reserve of the same pipeline may fill it again. */
SLOTQ_API slotq_outcome slotq_pipeline_settle_batch(slotq_pipeline *pipeline, slotq_settle_how how,
                                                    slotq_batch *batch, uint64_t ms, uint8_t reason,
                                                    uint32_t *index);

/* Send all verbs and read all replies. The verbs run in their order; each is atomic, and verbs of
 * other clients may run between them. One exception: if a client flushes the server's scripts at
 * that time, later verbs may overtake one. OK: every verb has its outcome, which may be any outcome
 * of the queue. Otherwise the first failure (see slotq_error_of); other verbs may have happened. */
SLOTQ_API slotq_outcome slotq_pipeline_run(slotq_pipeline *pipeline);

/* The result of a verb that has run. REMADE (slotq.h, "Made anew"): the queue was made anew since
 * the verb was put; nothing happened, or it happened to a queue that is gone. */
SLOTQ_API slotq_outcome slotq_pipeline_get(const slotq_pipeline *pipeline, uint32_t index,
                                           slotq_pipeline_result *result);

/* ---- the same for event loops: bytes out, replies in ---- */

/* The bytes that slotq_pipeline_run would send, for any connection to the same server. The pipeline
 * owns *bytes, which are valid until its next call. *replies is the number of replies that will
 * come: 0 if every verb has its outcome already (see slotq_pipeline_get). load_scripts puts the
 * scripts before the verbs: set it the first time on a connection, and after AGAIN. The loop must
 * send the WAIT of wait_replicas. */
SLOTQ_API slotq_outcome slotq_pipeline_build(slotq_pipeline *pipeline, bool load_scripts,
                                             const void **bytes, size_t *size, uint32_t *replies);

/* Read the next reply, in the order in which they come; the caller still owns it. *done is set
 * after the last one: then slotq_pipeline_get has the results. AGAIN: the server did not know the
 * script, and nothing happened: append the verb again, and build with load_scripts. If the
 * connection breaks, pass NULL for each missing reply: the outcome of those verbs is
 * OUTCOME_UNKNOWN. */
SLOTQ_API slotq_outcome slotq_pipeline_parse(slotq_pipeline *pipeline,
                                             const struct redisReply *reply, bool *done);

#ifdef __cplusplus
}
#endif

#include "slotq_cluster.h"
#endif
