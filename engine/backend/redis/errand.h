/* errand.h: a server met for one errand about a key, such as to create a queue, and left again.
 * Knows no script.
 */
#ifndef SLOTQ_BACKEND_REDIS_ERRAND_H
#define SLOTQ_BACKEND_REDIS_ERRAND_H

#include "server.h"
#include "store.h"

typedef struct redis_errand {
    redis_route *route; /* the caller's: it learns from what is met */
    redis_connection connection;
    redis_facts facts;
} redis_errand;

/* Connect, log in, and ask about the server and the key (NULL: none). To be ended in any case. */
slotq_outcome redis_errand_begin(redis_errand *on, redis_route *route, const char *key,
                                 const redis_settings *settings, store_fault *fault);

/* After a failure: sleep before the whole errand is tried again. false: the fault is the answer. */
bool redis_errand_again(const redis_route *route, redis_patience *patience,
                        const store_fault *fault);

/* Returns outcome. */
slotq_outcome redis_errand_end(redis_errand *on, slotq_outcome outcome);

#endif
