/* run.h: verbs run on a queue in Redis, several in one round trip where wanted, over a connection
 * that is made again where it was lost. Knows what may be sent again; no handle.
 */
#ifndef SLOTQ_BACKEND_REDIS_RUN_H
#define SLOTQ_BACKEND_REDIS_RUN_H

#include "call/errors.h"
#include "redis_script_names.h"
#include "store.h"

/* How far a job is. Its outcome is set in the last two. */
typedef enum redis_job_state {
    REDIS_JOB_WAITS,    /* its command is to be sent */
    REDIS_JOB_LACKS,    /* the same, behind its script, which the server does not know */
    REDIS_JOB_SENT,     /* its command was put this turn */
    REDIS_JOB_LOADING,  /* the same, behind its script */
    REDIS_JOB_ANSWERED, /* this turn */
    REDIS_JOB_DONE      /* in an earlier turn, or nothing was sent */
} redis_job_state;

/* A verb that is to be run. harvest may be NULL; fault is filled as store_ops.call says. */
typedef struct redis_job {
    slotq_call *call;
    store_move *move;          /* NULL, or what runs instead of the call, which is an ack */
    const redis_store *target; /* of the move */
    redis_bell_call *bell;     /* NULL, or what runs instead of the call, which is an ack */
    store_harvest *harvest;
    store_fault *fault;
    uint32_t geometry_number; /* of the store when the verb was put; 0 = the present one */
    bool in_order;         /* others follow, which a NOSCRIPT must not let pass */
    bool brings_script;    /* one that the server is not known to have; in_order does so too */
    bool comes_last;       /* it found nothing, and one before it comes later: it is asked again */
    slotq_outcome outcome; /* out */
    /* run.c's own */
    redis_job_state state;
    bool asks;  /* ASKING goes before its command */
    size_t end; /* of its command among those to be sent */
    redis_script_index script;
    bool registers;               /* at the handle's place, if it finds nothing */
    bool leaves;                  /* gives that place up */
    const redis_refusal *refusal; /* the newest answer was one that passes */
    uint32_t loads;
} redis_job;

/* What the server had a while ago may have been flushed: verbs in order load their scripts anew. */
void redis_store_forget_scripts(redis_store *self);

/* Run verbs in one round trip, in order, others perhaps between them. Each job has its outcome
 * then. None is repeated that may have happened, but those that only read; what a server refused
 * for now is sent again within reconnect_ms, jobs that are in_order only while nothing behind them
 * has happened. */
void redis_store_run(redis_store *self, redis_job *jobs, uint32_t count);

/* Append a job's command, after SCRIPT LOAD where it lacks its script. OK, or what is known
 * without asking. */
slotq_outcome redis_store_put(redis_store *self, redis_outbox *to, redis_job *job);
bool redis_store_put_load(const redis_store *self, redis_outbox *to, redis_script_index script);

#endif
