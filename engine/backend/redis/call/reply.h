/* reply.h: a script's reply as the outputs of its call. Every length, count, id, token and sum is
 * held against what was asked; what does not fit is refused whole. Knows no connection.
 */
#ifndef SLOTQ_BACKEND_REDIS_CALL_REPLY_H
#define SLOTQ_BACKEND_REDIS_CALL_REPLY_H

#include <hiredis/hiredis.h>

#include "../../backend.h"
#include "request.h"

/* Fill the call's outputs, and harvest where the verb has payloads (NULL: they are left out).
 * Answers the verb's outcome; fault is filled for failures and NOQUEUE. OUTCOME_UNKNOWN or, for a
 * verb that only reads, IO: the reply is not one that the script can give. */
slotq_outcome redis_reply_take(const redis_terms *terms, slotq_call *call, const redisReply *reply,
                               store_harvest *harvest, store_fault *fault);

#endif
