/* reply_bell.h: the replies of the scripts that have to do with the bell. Must not know when a
 * client calls them.
 */
#ifndef SLOTQ_BACKEND_REDIS_REPLY_BELL_H
#define SLOTQ_BACKEND_REDIS_REPLY_BELL_H

#include <hiredis/hiredis.h>

#include "../../fault.h"
#include "request.h"

slotq_outcome redis_reply_take_bell(const redis_terms *terms, redis_bell_call *call,
                                    const redisReply *reply, store_fault *fault);

#endif
