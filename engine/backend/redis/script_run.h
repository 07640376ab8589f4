/* script_run.h: a script that handles do not call, run for an errand. Knows how scripts
 * reach a server; not what one does.
 */
#ifndef SLOTQ_BACKEND_REDIS_SCRIPT_RUN_H
#define SLOTQ_BACKEND_REDIS_SCRIPT_RUN_H

#include "call/request.h"
#include "errand.h"

/* By the module where that has it; else by its sum; loaded where the server does not know it; plain
 * where it is too old for a shebang. With OK *reply is the last one, to be freed; it may be an
 * error. */
slotq_outcome redis_script_run(redis_errand *on, redis_request *request,
                               const redis_settings *settings, redisReply **reply,
                               store_fault *fault);

#endif
