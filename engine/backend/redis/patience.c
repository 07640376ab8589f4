/* patience.c: see patience.h.
 */
#include "patience.h"

#include "../system/monotonic.h"

enum { PAUSE_FIRST_MS = 10, PAUSE_MOST_MS = 1000, FOLLOWED_MOST = 8 };

redis_patience redis_patience_begin(const redis_limits *limits)
{
    const redis_patience begun = {.limits = limits,
                                  .deadline_ms = monotonic_ms() + limits->reconnect_ms,
                                  .pause_ms = PAUSE_FIRST_MS};
    return begun;
}

redis_patience redis_patience_to_open(const redis_limits *limits)
{
    redis_patience begun = redis_patience_begin(limits);
    begun.met = true;
    return begun;
}

static bool goes_on(const redis_limits *limits)
{
    return limits->should_stop == NULL || !limits->should_stop(limits->stop_context);
}

bool redis_patience_follow(redis_patience *self)
{
    self->followed++;
    return self->followed <= FOLLOWED_MOST && goes_on(self->limits);
}

/* The fault comes from a server that was met, and is about its state. */
static bool is_of_state(const store_fault *fault)
{
    return fault->cause == SLOTQ_CAUSE_REFUSED || fault->cause == SLOTQ_CAUSE_NODE;
}

bool redis_patience_wait(redis_patience *self, const store_fault *fault)
{
    const redis_limits *limits = self->limits;
    if (!fault->passes || (self->met && !is_of_state(fault)) ||
        monotonic_ms() + self->pause_ms >= self->deadline_ms) {
        return false;
    }
    sleep_us(jittered(self->pause_ms * 1000));
    self->pause_ms = self->pause_ms * 2 < PAUSE_MOST_MS ? self->pause_ms * 2 : PAUSE_MOST_MS;
    return goes_on(limits);
}
