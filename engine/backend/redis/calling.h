/* calling.h: whether verbs are called as scripts (EVALSHA), as functions (FCALL) or as commands of
 * the module, and what a refusal says of that. Knows these commands and one reply; not what a verb
 * does.
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
    uint64_t by_module; /* a bit for each script whose command is called instead */
    char module_version[REDIS_WORD_BYTES]; /* of the one that is there; "" = none */
    bool no_monitor; /* EVALSHA_RO or FCALL_RO is refused: a reader calls as a worker does */
} redis_calling;

/* What the caller wants. */
typedef struct redis_ways {
    slotq_functions functions;
    bool no_module;
    bool is_shard; /* the queue is one: its scripts ring a bell */
} redis_ways;

redis_calling redis_calling_begin(const redis_ways *ways, const redis_facts *facts);

/* It is called as a command of the module: no script is to be loaded. */
bool redis_calling_is_module(const redis_calling *calling, uint32_t script);

/* Put in what stands before the key: the command, the script or function, the number of keys; or
 * the module's command alone. */
void redis_calling_put(const redis_calling *calling, redis_request *request, bool redis7,
                       bool only_reads);

/* A request that is complete: appended (false: no memory), or asked, as redis_server_ask. */
bool redis_calling_add(const redis_request *request, redis_outbox *to);
slotq_outcome redis_calling_ask(redis_connection *connection, const redis_request *request,
                                redisReply **reply, store_fault *fault);

/* true: the reply refuses the command, nothing happened, and there is another way to call. */
bool redis_calling_learn(redis_calling *calling, const redisReply *reply);

/* Where functions are called, and no module: OK, or UNSUPPORTED, because the server lacks this
 * library. */
slotq_outcome redis_calling_judge(const redis_calling *calling, redis_connection *connection,
                                  store_fault *fault);

#endif
