/* patience.h: how long a call goes on trying while its server is away or refuses for now. Knows
 * time and a fault; no connection and no command.
 */
#ifndef SLOTQ_BACKEND_REDIS_PATIENCE_H
#define SLOTQ_BACKEND_REDIS_PATIENCE_H

#include "../fault.h"

/* What ends every wait of a handle: its time, and its caller. */
typedef struct redis_limits {
    uint32_t reconnect_ms;
    bool (*should_stop)(void *context); /* or NULL */
    void *stop_context;
} redis_limits;

/* One call's. */
typedef struct redis_patience {
    const redis_limits *limits;
    uint64_t deadline_ms; /* monotonic */
    uint64_t pause_ms;    /* the next */
    uint32_t followed;    /* redirections */
    bool met;             /* only for a server that was met: one that is away, or is a replica, is
                             reported at once */
} redis_patience;

redis_patience redis_patience_begin(const redis_limits *limits);

/* For a call that opens: a wrong URL must not take reconnect_ms to be found. */
redis_patience redis_patience_to_open(const redis_limits *limits);

/* Sleep before the next try: 10 ms at first, twice as long each time up to 1 s. false: the fault
 * does not pass, the time is over, or the caller wants to stop; then the fault is the answer. */
bool redis_patience_wait(redis_patience *self, const store_fault *fault);

/* A server redirected: try where it said, at once. false: it was so many times that it is better to
 * wait, or the caller wants to stop. */
bool redis_patience_follow(redis_patience *self);

#endif
