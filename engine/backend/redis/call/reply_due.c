/* reply_due.c: see reply_due.h.
 */
#include "reply_due.h"

#include <string.h>

#include "reply_values.h"

uint64_t redis_our_ms(const redis_terms *terms, uint64_t server_ms)
{
    const int64_t ms = (int64_t)server_ms - (terms->own_clock ? 0 : terms->server_ahead_ms);
    return ms < 0 ? 0 : (uint64_t)ms;
}

bool redis_take_later(const redis_terms *terms, slotq_call *call, const redisReply *reply,
                      const char *word)
{
    const size_t length = strlen(word);
    uint64_t due_ms;
    if (reply->len < length || memcmp(reply->str, word, length) != 0) {
        return false;
    }
    call->reserve.next_due_ms = call->now_ms;
    if (reply->len == length) {
        return true;
    }
    if (!value_digits(reply->str + length, reply->len - length, &due_ms)) {
        return false;
    }
    call->reserve.next_due_ms = redis_our_ms(terms, due_ms);
    return true;
}

bool redis_take_due(const redis_terms *terms, slotq_call_reserve *reserve, long long due_ms)
{
    if (due_ms < -1 || due_ms >= (long long)VALUE_MS_END) {
        return false;
    }
    if (due_ms >= 0) {
        reserve->next_due_ms = redis_our_ms(terms, (uint64_t)due_ms);
    }
    return true;
}

bool redis_reply_waits(const redisReply *reply, bool *kept)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        reply->element[0]->type != REDIS_REPLY_INTEGER ||
        reply->element[1]->type != REDIS_REPLY_INTEGER) {
        return false;
    }
    *kept = reply->element[1]->integer != 0;
    return true;
}
