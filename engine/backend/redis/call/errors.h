/* errors.h: what an error reply means: an answer of the queue, a refusal by the server (nothing
 * happened), or something raised inside a script (whether it happened is not known). Knows texts
 * of Redis and of our scripts; no connection.
 */
#ifndef SLOTQ_BACKEND_REDIS_CALL_ERRORS_H
#define SLOTQ_BACKEND_REDIS_CALL_ERRORS_H

#include <hiredis/hiredis.h>

#include "../../../slotq_core.h"
#include "../../fault.h"

/* What an error says besides its outcome. */
typedef struct redis_error {
    slotq_holder holder; /* FULL */
    slotq_damage damage; /* CORRUPT, VERSION: the offset */
} redis_error;

/* The outcome of an error reply; fault has a text in any case. writes: it answers a script that
 * may have changed something. */
slotq_outcome redis_error_take(const redisReply *reply, bool writes, redis_error *error,
                               store_fault *fault);

/* What a refusal means (refusals.def). */
typedef enum redis_fate {
    REDIS_FATE_PASSES,
    REDIS_FATE_MOVES,
    REDIS_FATE_ELSEWHERE,
    REDIS_FATE_STAYS
} redis_fate;

typedef struct redis_refusal {
    const char *words; /* its first */
    slotq_outcome outcome;
    slotq_cause cause;
    redis_fate fate;
    const char *remedy;
} redis_refusal;

/* The reply is a refusal by the server: nothing happened. NULL: it is anything else. */
const redis_refusal *redis_refusal_of(const redisReply *reply);

/* Fill fault with the refusal's remedy behind some words; returns the outcome. */
slotq_outcome redis_refusal_say(const redis_refusal *refusal, const char *before,
                                store_fault *fault);

/* The reply is an error that begins with this word. */
bool redis_error_is(const redisReply *reply, const char *word);

/* The server is older than was thought: it knows no shebang, or no EVALSHA_RO. */
bool redis_error_is_of_age(const redisReply *reply);

/* A reply that was not expected: IO. */
slotq_outcome redis_error_shape(bool writes, store_fault *fault);

#endif
