/* reply_due.h: the times in the replies of reserves that lease nothing: when it may help to look
 * again. Knows the two clocks; must not know messages.
 */
#ifndef SLOTQ_BACKEND_REDIS_REPLY_DUE_H
#define SLOTQ_BACKEND_REDIS_REPLY_DUE_H

#include <hiredis/hiredis.h>

#include "request.h"

/* Milliseconds by the server's clock as the caller's clock has them. */
uint64_t redis_our_ms(const redis_terms *terms, uint64_t server_ms);

/* AGAIN or LIMITED, or with the time when it may help, and behind it how the place was. */
bool redis_take_later(const redis_terms *terms, slotq_call *call, const redisReply *reply,
                      const char *word);

/* When it may help to look again, -1 is never. */
bool redis_take_due(const redis_terms *terms, slotq_call_reserve *reserve, long long due_ms);

/* The reply of a reserve that found nothing and waits at a place; *kept: that was set before. */
bool redis_reply_waits(const redisReply *reply, bool *kept);

/* What such a reply says of time and place. */
bool redis_take_waiting(const redis_terms *terms, slotq_call_reserve *reserve,
                        const redisReply *reply);

/* Nothing was leased, and no time and place is told. */
void redis_reserve_clear(slotq_call_reserve *reserve);

#endif
