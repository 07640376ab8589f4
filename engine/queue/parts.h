/* parts.h: settles messages in several calls where one call would keep a server from its other
 * clients for too long: a message that dies is copied. Knows runs and outcomes; no store's kind.
 */
#ifndef SLOTQ_QUEUE_PARTS_H
#define SLOTQ_QUEUE_PARTS_H

#include "handle.h"

/* It is an outcome that a settle has for a message, and not for the call. */
bool parts_is_of_messages(slotq_outcome outcome);

/* The verb lets the message die that has this token, if that is valid. */
bool parts_kills(const slotq *queue, slotq_verb verb, uint32_t token);
/* Runs of a settle whose messages die, if their tokens are valid. */
uint32_t parts_killed(const slotq *queue, const slotq_call *call);

/* Run call, a settle with its runs in place, as as many calls as the store asks for. Returns what
 * one call would: the first outcome that is not OK. Another outcome than those of messages ends it:
 * *settled messages, in the order of the runs, were settled before (or refused),
 * and the rest has that outcome. */
slotq_outcome parts_settle(slotq *queue, const slotq_call *call, uint32_t *settled);

#endif
