/* reply_owes.c: see reply_owes.h.
 */
#include "reply_owes.h"

#include <string.h>

#include "reply_values.h"

/* RING, counter, group or all, need, reply */
enum { OWES_PARTS = 5, FILL_PARTS = 3, NEED_MOST = UINT16_MAX, COUNTER_MOST = (1 << 29) - 1 };

static bool is_word(const redisReply *reply, const char *word)
{
    return reply->type == REDIS_REPLY_STATUS && strcmp(reply->str, word) == 0;
}

const redisReply *redis_reply_owes(const redis_terms *terms, const redisReply *reply,
                                   slotq_nudge *nudge)
{
    slotq_nudge none = {0};
    uint64_t counter;
    uint64_t group = SLOTQ_ALL_GROUPS;
    uint64_t need;
    nudge = nudge != NULL ? nudge : &none;
    nudge->need = 0;
    if (!value_is_array(reply, OWES_PARTS) || !is_word(reply->element[0], "RING") ||
        !value_number(reply->element[1], COUNTER_MOST, &counter) ||
        (!is_word(reply->element[2], "all") &&
         !value_number(reply->element[2], terms->view->geometry.groups - 1, &group)) ||
        !value_number(reply->element[3], NEED_MOST, &need)) {
        return reply;
    }
    nudge->need = (uint32_t)need;
    nudge->counter = (uint32_t)counter;
    nudge->group = (uint8_t)group;
    return reply->element[4];
}

const redisReply *redis_reply_fill(const redisReply *reply, slotq_call_push *push)
{
    uint64_t used;
    uint64_t sleepers;
    push->used = 0;
    push->sleepers = false;
    if (!value_is_array(reply, FILL_PARTS) ||
        !value_number(reply->element[1], SLOTQ_RING_SLOTS_MAX - 1, &used) ||
        !value_number(reply->element[2], 1, &sleepers)) {
        return reply;
    }
    push->used = (uint32_t)used;
    push->sleepers = sleepers > 0;
    return reply->element[0];
}
