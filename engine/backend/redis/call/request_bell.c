/* request_bell.c: the arguments of the scripts that have to do with the bell (request.h).
 */
#include "arguments.h"
#include "redis_script_names.h"

slotq_outcome redis_request_bell(redis_request *request, const redis_terms *terms,
                                 const redis_bell_call *call)
{
    if (call->script == REDIS_SCRIPT_unwait) {
        return redis_request_unwait(request, terms, call->rows, call->place);
    }
    if (!arguments_begin(request, terms, NULL, (redis_script_index)call->script, 0)) {
        return SLOTQ_NOMEMORY;
    }
    if (call->script == REDIS_SCRIPT_hush) {
        arguments_put_number(request, call->nudge.counter);
        return SLOTQ_OK;
    }
    if (call->nudge.group == SLOTQ_ALL_GROUPS) {
        arguments_put_text(request, "all");
    } else {
        arguments_put_number(request, call->nudge.group);
    }
    arguments_put_number(request, call->nudge.need);
    if (call->shard < 0) {
        arguments_put_text(request, "round");
    } else {
        arguments_put_number(request, (uint64_t)call->shard);
    }
    return SLOTQ_OK;
}
