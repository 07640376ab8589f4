/* waiter.h: sleeping until a script wakes the waiters of a queue: a second connection that
 * is subscribed to slotq:KEY. Knows PUBLISH's other end; no verb.
 */
#ifndef SLOTQ_BACKEND_REDIS_WAITER_H
#define SLOTQ_BACKEND_REDIS_WAITER_H

#include "../system/bell.h"
#include "wire/connection.h"

typedef struct redis_waiter {
    redis_connection connection;
    bell bell; /* rung by redis_interrupt: ends a sleep */
    bool subscribed;
    bool refused; /* the server will not have it: only looking now and then is left */
} redis_waiter;

/* Sleep up to sleep_ms or until woken. The first call subscribes and comes back at once, as
 * what was published before it is not heard: look again, then sleep. Where there can be no
 * subscription (address NULL, refused, the server gone) it sleeps a second at most. */
void redis_waiter_sleep(redis_waiter *waiter, const redis_connection *model, const char *key,
                        size_t key_bytes, uint64_t sleep_ms);

/* The socket that becomes readable when a script wakes the waiters, subscribed if need be; what has
 * come is taken. -1: there can be no subscription now. */
int redis_waiter_listen(redis_waiter *waiter, const redis_connection *model, const char *key,
                        size_t key_bytes);

/* Leave the server where it listens: the next sleep subscribes anew. */
void redis_waiter_leave(redis_waiter *waiter);

void redis_waiter_free(redis_waiter *waiter);

#endif
