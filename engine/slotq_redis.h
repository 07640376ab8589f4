/* slotq_redis.h: what libslotq_redis adds to slotq.h. The calls of slotq.h take URLs of a Redis
 * server then, and give handles like any other:
 *
 *     redis://[user:password@]host[:port][/db]     [::1] for IPv6; port 6379, db 0 by default
 *     unix:///path/to.sock[?db=n&user=…&password=…]
 *
 * both with ?connect_timeout_ms=n&timeout_ms=n; other characters are percent-encoded; without a
 * password that of the environment's REDISCLI_AUTH is used. TLS (rediss://) is not built.
 */
#ifndef SLOTQ_REDIS_H
#define SLOTQ_REDIS_H

#include "slotq.h"

#ifdef __cplusplus
extern "C" {
#endif

/* For slotq_options.redis. 0 and false everywhere are the defaults. What the URL names comes
 * before what stands here. */
typedef struct slotq_redis_options {
    uint32_t connect_timeout_ms; /* 0 = 5000 */
    uint32_t timeout_ms;    /* longest silence of the server while an answer is due; 0 = 10000 */
    uint32_t reconnect_ms;  /* how long a call tries to get a lost connection again, at growing
                               intervals; 0 = timeout_ms */
    bool no_reconnect;      /* a lost connection stays lost: every call answers CONNECT */
    bool force;             /* work on a server whose maxmemory-policy could evict the queue */
    uint32_t wait_replicas; /* a push asks that so many replicas have it (WAIT); fewer within
                               wait_ms: UNCONFIRMED. 0 = does not ask */
    uint32_t wait_ms;       /* 0 = 1000 */
} slotq_redis_options;

struct redisContext; /* hiredis/hiredis.h */
struct redisReply;

/* ---- over the caller's connection ---- */

/* Open the queue `name` over a connected hiredis context (without TLS, logged in, database chosen,
 * nothing on its way, RESP2). It is lent until the handle is closed, which leaves it open; the
 * caller may use it between calls of the handle, never during one, and not from another thread.
 * A broken one is marked so (err), and the handle answers CONNECT from then on: it is not made
 * again. A waiting call cannot listen on it, so it looks every second. slotq_clone answers
 * UNSUPPORTED. Else as slotq_open. */
SLOTQ_API slotq_outcome slotq_redis_attach(struct redisContext *borrowed, const char *name,
                                           const slotq_options *options, slotq **queue,
                                           slotq_error *error);

/* For a poll loop of one's own: *fd becomes readable when messages may be ready or room may be
 * there again, once a slotq_reserve or slotq_push_wait with a wait_ms has found none. What was
 * readable is taken by this call: call it again each time, then look at the queue, then poll. The
 * descriptor is the handle's. UNSUPPORTED: nobody can be heard (a lent connection, an ACL without
 * the channel, the server is gone, no Redis): look every second. */
SLOTQ_API slotq_outcome slotq_redis_listen(slotq *queue, int *fd);

/* ---- a plain connection, for commands of one's own ---- */

typedef struct slotq_redis_connection slotq_redis_connection;

/* Connect, log in and choose the database as the URL says. OK, INVALID (the URL), CONNECT, IO. On
 * OK *connection is to be closed by slotq_redis_close, else it is NULL. */
SLOTQ_API slotq_outcome slotq_redis_connect(const char *url, const slotq_options *options,
                                            slotq_redis_connection **connection,
                                            slotq_error *error);
SLOTQ_API void slotq_redis_close(slotq_redis_connection *connection);

/* One command of count arguments; lengths may be NULL where all end with a NUL. OK with *reply,
 * also when that is an error reply, to be freed by freeReplyObject; else *reply is NULL: CONNECT
 * (nothing was sent), OUTCOME_UNKNOWN (it was sent, and no answer came). */
SLOTQ_API slotq_outcome slotq_redis_command(slotq_redis_connection *connection, int count,
                                            const char **arguments, const size_t *lengths,
                                            struct redisReply **reply, slotq_error *error);

/* The hiredis context of it, for slotq_redis_attach, slotq_script_run or hiredis's own calls;
 * NULL when the connection is lost. Once given it stays until slotq_redis_close; when the
 * connection is lost it is marked so (err). */
SLOTQ_API struct redisContext *slotq_redis_context(slotq_redis_connection *connection);

/* ---- scripts of one's own ---- */

typedef struct slotq_script slotq_script;

/* A Lua script of length bytes, copied; NULL without memory. It may be run on any server; one
 * thread at a time. */
SLOTQ_API slotq_script *slotq_script_new(const char *text, size_t length);
SLOTQ_API void slotq_script_free(slotq_script *script);

/* Run it by its sum, loading it where the server does not know it. keys and arguments are count
 * strings with their lengths; borrowed. Answers as slotq_redis_command; an error reply of the
 * script is a reply. */
SLOTQ_API slotq_outcome slotq_script_run(slotq_script *script, struct redisContext *context,
                                         uint32_t key_count, const slotq_data *keys,
                                         uint32_t argument_count, const slotq_data *arguments,
                                         struct redisReply **reply, slotq_error *error);

/* The SHA-1 sum, 40 digits, of the index-th script that the library brings, in the variant with a
 * shebang (Redis 7 and later) or without; NULL beyond the last. Static. For SCRIPT EXISTS. */
SLOTQ_API const char *slotq_redis_script_sum(uint32_t index, bool redis7);

/* ---- many verbs in one round trip ---- */

typedef struct slotq_pipeline slotq_pipeline;

/* What became of a verb. */
typedef struct slotq_pipeline_result {
    slotq_outcome outcome;
    uint64_t first_id; /* push: OK and UNCONFIRMED */
    uint32_t count;    /* reserve: messages it got; settle: messages settled OK */
    const char *text;  /* for people; valid until the next call on the pipeline */
} slotq_pipeline_result;

/* A pipeline on a queue in Redis, for its thread; it must not outlive the handle. OK, UNSUPPORTED
 * (the queue is elsewhere), NOMEMORY. */
SLOTQ_API slotq_outcome slotq_pipeline_new(slotq *queue, slotq_pipeline **pipeline,
                                           slotq_error *error);
SLOTQ_API void slotq_pipeline_free(slotq_pipeline *pipeline);

/* Put a verb behind the others; *index (may be NULL) names it in slotq_pipeline_get. Arguments are
 * judged as by slotq_push, slotq_reserve, slotq_settle: OK, INVALID, NOMEMORY; nothing is sent.
 * The first one put after a run or parse begins the pipeline anew. messages, batches, outcomes
 * and new_tokens are borrowed until the verbs were run; runs are copied. Each reserve needs a batch
 * of its own. */
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
/* A whole reserved batch, which is empty from now on (not EXTEND), so that a reserve of the same
 * pipeline may fill it again. */
SLOTQ_API slotq_outcome slotq_pipeline_settle_batch(slotq_pipeline *pipeline, slotq_settle_how how,
                                                    slotq_batch *batch, uint64_t ms, uint8_t reason,
                                                    uint32_t *index);

/* Send them all, take all answers. Verbs happen in their order, others' perhaps between them; each
 * is whole in itself. Only where somebody flushes the server's scripts meanwhile, or a moment
 * before, may one be overtaken by those behind it. OK: every verb has its outcome, which may be any
 * that the queue gives; else the first failure (slotq_error_of of the queue), others may have
 * happened. */
SLOTQ_API slotq_outcome slotq_pipeline_run(slotq_pipeline *pipeline);

/* The result of a verb that was run. */
SLOTQ_API slotq_outcome slotq_pipeline_get(const slotq_pipeline *pipeline, uint32_t index,
                                           slotq_pipeline_result *result);

/* ---- the same for event loops: bytes out, replies in ---- */

/* What slotq_pipeline_run would send, to be sent over any connection to the same server: *bytes
 * are the pipeline's, valid until its next call. *replies says how many will come back: 0 where
 * every verb has its outcome already, which slotq_pipeline_get tells. With load_scripts the scripts
 * go before: say so the first time on a connection, and after AGAIN. The WAIT of wait_replicas is
 * left to the loop. */
SLOTQ_API slotq_outcome slotq_pipeline_build(slotq_pipeline *pipeline, bool load_scripts,
                                             const void **bytes, size_t *size, uint32_t *replies);

/* Take the next reply, in the order in which they come; it stays the caller's. *done is set when
 * all have come: then slotq_pipeline_get tells, a verb whose script the server did not know
 * answering AGAIN (nothing happened: put it again, build with load_scripts). Where the connection
 * breaks, give NULL for each reply that is missing: those verbs answer OUTCOME_UNKNOWN. */
SLOTQ_API slotq_outcome slotq_pipeline_parse(slotq_pipeline *pipeline,
                                             const struct redisReply *reply, bool *done);

#ifdef __cplusplus
}
#endif
#endif
