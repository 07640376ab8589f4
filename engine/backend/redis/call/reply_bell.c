/* reply_bell.c: see reply_bell.h.
 */
#include "reply_bell.h"

#include "errors.h"
#include "redis_script_names.h"
#include "reply_owes.h"
#include "reply_values.h"

slotq_outcome redis_reply_take_bell(const redis_terms *terms, redis_bell_call *call,
                                    const redisReply *reply, store_fault *fault)
{
    redis_error error;
    uint64_t told = 0;
    uint64_t yes;
    call->told = 0;
    call->yes = false;
    reply = redis_reply_owes(terms, reply, NULL);
    if (reply->type == REDIS_REPLY_ERROR) {
        return redis_error_take(reply, true, &error, fault);
    }
    if (call->script == REDIS_SCRIPT_nudge) {
        if (!value_is_array(reply, 2) || !value_number(reply->element[0], UINT16_MAX, &told)) {
            return redis_error_shape(true, fault);
        }
        reply = reply->element[1];
    }
    if (!value_number(reply, 1, &yes)) {
        return redis_error_shape(true, fault);
    }
    call->told = (uint32_t)told;
    call->yes = yes == 1;
    return SLOTQ_OK;
}
