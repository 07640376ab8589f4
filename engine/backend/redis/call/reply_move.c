/* reply_move.c: see reply_move.h.
 */
#include "reply_move.h"

#include <string.h>

#include "errors.h"
#include "reply_values.h"

static const char of_source[] = " [source]";
static const char of_target[] = " [target]";

static slotq_outcome take_answer(store_move *move, const redisReply *reply, store_fault *fault)
{
    static const slotq_outcome lost[] = {SLOTQ_STALE, SLOTQ_GONE, SLOTQ_NOTFOUND};
    slotq_outcome outcome;
    uint64_t id = 0;
    if (value_number(reply, SLOTQ_ID_MAX, &id) && id > 0) {
        move->new_id = id;
        return SLOTQ_OK;
    }
    return value_outcome(reply, lost, 3, &outcome) ? outcome : redis_error_shape(true, fault);
}

static bool ends_with(const redisReply *reply, const char *end)
{
    const size_t length = strlen(end);
    return reply->str != NULL && reply->len >= length &&
           memcmp(reply->str + reply->len - length, end, length) == 0;
}

slotq_outcome redis_reply_take_move(store_move *move, const redisReply *reply, store_fault *fault)
{
    redis_error error;
    move->target_refused = false;
    move->new_id = 0;
    if (reply->type != REDIS_REPLY_ERROR) {
        return take_answer(move, reply, fault);
    }
    redisReply unnamed = *reply; /* without the name of the queue */
    move->target_refused = ends_with(reply, of_target);
    if (move->target_refused || ends_with(reply, of_source)) {
        unnamed.len -= sizeof of_source - 1;
    }
    const slotq_outcome outcome = redis_error_take(&unnamed, true, &error, fault);
    move->holder = error.holder;
    return outcome;
}
