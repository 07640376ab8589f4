/* confirm.h: pushes that count only when replicas (WAIT) or disks (WAITAOF) have them. Knows which
 * verbs need it, and those two commands; not how a turn is sent.
 */
#ifndef SLOTQ_BACKEND_REDIS_CONFIRM_H
#define SLOTQ_BACKEND_REDIS_CONFIRM_H

#include "run.h"

/* What the server said of all earlier writes of this connection. */
typedef struct redis_confirmed {
    bool waits; /* WAIT was put, and its reply is to be read; likewise fsyncs for WAITAOF */
    bool fsyncs;
    long long replicas;
    long long disks;   /* the server's own and its replicas' */
    char refused[160]; /* what the server said instead, or "" */
} redis_confirmed;

/* The verb brings messages in from outside: a push, or a schedule. What only moves messages
 * on one server is lost together with its own undoing, so it needs no confirmation. */
bool redis_confirms(const redis_store *self, const redis_job *job);

/* Put WAIT and WAITAOF behind the commands of a turn: they cover all earlier writes. */
void redis_confirm_put(redis_store *self, redis_confirmed *confirmed);

/* Read their replies. false: the connection broke. */
bool redis_confirm_take(redis_store *self, redis_confirmed *confirmed, store_fault *fault);

/* Make the successful pushes of this turn UNCONFIRMED if too few confirmed. */
void redis_confirm_doubt(const redis_store *self, redis_job *jobs, uint32_t count,
                         const redis_confirmed *confirmed);

/* When connected: OK, or UNSUPPORTED, because this server cannot say what its disk has. */
slotq_outcome redis_confirm_judge(redis_store *self, store_fault *fault);

#endif
