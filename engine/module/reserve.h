/* reserve.h: what a reserve asks for, for a client that waits with it.
 */
#ifndef SLOTQ_MODULE_RESERVE_H
#define SLOTQ_MODULE_RESERVE_H

#include "call.h"

typedef struct module_reserve {
    uint64_t group;
    uint64_t limit;
    uint64_t lease_ms;
    bool waits;
    bool rounds; /* one of a round of a client that sleeps at the bell */
    bool packed; /* the reply has slots */
} module_reserve;

/* Lease in the open queue, and reply with the messages: OK. Without messages there is no reply, and
 * due_ms says when one may go without a call. */
slotq_outcome reserve_and_reply(module_call *call, const module_reserve *asked, uint64_t *due_ms);

/* What the last one leased; valid until the next one. How many. */
uint32_t reserve_runs(const slotq_run **runs);

/* The outcome of a reserve that cannot wait for messages, as a refusal. False: it can. */
bool reserve_refused(module_call *call, slotq_outcome outcome);

#endif
