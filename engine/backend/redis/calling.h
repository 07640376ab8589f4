/* calling.h: whether verbs are called as scripts (EVALSHA) or as functions (FCALL), and what a
 * refusal says of that. Knows the four commands and one reply; not what a verb does.
 */
#ifndef SLOTQ_BACKEND_REDIS_CALLING_H
#define SLOTQ_BACKEND_REDIS_CALLING_H

#include "../../slotq_redis.h"
#include "call/request.h"
#include "server.h"

/* What one connection may do, as far as it has found out. */
typedef struct redis_calling {
    bool by_functions;
    bool may_functions;
    bool is_fixed;   /* scripts are no way back: they are not wanted, or not there */
    bool no_monitor; /* EVALSHA_RO or FCALL_RO is refused: a reader calls as a worker does */
} redis_calling;

redis_calling redis_calling_begin(slotq_functions wanted, const redis_facts *facts);

/* Put in what stands before the key: the command, the script or function, the number of keys. */
void redis_calling_put(const redis_calling *calling, redis_request *request, bool redis7,
                       bool only_reads);

/* true: the reply refuses the command, nothing happened, and there is another way to call. */
bool redis_calling_learn(redis_calling *calling, const redisReply *reply);

/* Where functions are called: OK, or UNSUPPORTED, because the server lacks this library. */
slotq_outcome redis_calling_judge(const redis_calling *calling, redis_connection *connection,
                                  store_fault *fault);

#endif
