/* script_run.c: see script_run.h.
 */
#include "script_run.h"

#include "call/errors.h"
#include "call/script.h"
#include "calling.h"

enum { TRIES_MAX = 6 }; /* ways of calling a script; a server has no reason to refuse more */

/* SCRIPT LOAD, then the script; *reply is that of whichever was the last. */
static slotq_outcome load_and_run(redis_errand *on, const redis_request *request,
                                  const redis_script_source *source, redisReply **reply,
                                  store_fault *fault)
{
    const char *load[] = {"SCRIPT", "LOAD", source->text};
    const size_t load_lengths[] = {6, 4, source->length};
    const slotq_outcome outcome =
        redis_server_ask(&on->connection, false, 3, load, load_lengths, reply, fault);
    if (outcome != SLOTQ_OK || (*reply)->type == REDIS_REPLY_ERROR) {
        return outcome;
    }
    freeReplyObject(*reply);
    return redis_calling_ask(&on->connection, request, reply, fault);
}

slotq_outcome redis_script_run(redis_errand *on, redis_request *request,
                               const redis_settings *settings, redisReply **reply,
                               store_fault *fault)
{
    slotq_outcome outcome = SLOTQ_OK;
    redis_calling calling = redis_calling_begin(
        &(redis_ways){settings->functions, settings->no_module, false}, &on->facts);
    bool too_old = false;
    bool again = true;
    for (uint32_t tries = 0; again; tries++) {
        const bool redis7 = on->facts.redis7 && !too_old;
        const redis_script_source *source =
            redis_script((redis_script_index)request->script, redis7);
        redis_calling_put(&calling, request, redis7, false);
        outcome = redis_calling_ask(&on->connection, request, reply, fault);
        if (outcome == SLOTQ_OK && redis_error_is(*reply, "NOSCRIPT")) {
            freeReplyObject(*reply);
            outcome = load_and_run(on, request, source, reply, fault);
        }
        const bool learned = outcome == SLOTQ_OK && redis_calling_learn(&calling, *reply);
        const bool is_old = outcome == SLOTQ_OK && !learned && redis7 && !calling.by_functions &&
                            redis_error_is_of_age(*reply);
        too_old = too_old || is_old;
        again = (learned || is_old) && tries < TRIES_MAX;
        if (again) {
            freeReplyObject(*reply);
        }
    }
    return outcome;
}
