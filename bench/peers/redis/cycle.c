/* cycle.c: closed load in Redis. Knows the runs a contender has; not its commands.
 */
#include "redis.h"

void redis_cycle(const contender *self, const load *how, cycle_times *times)
{
    const redis_own *own = redis_own_of(self);
    connection *wire = redis_wire_to_shared();
    const cycle_task task = {NULL, own->subject, how->batch, how->in_flight, how->messages};
    redis_shape(how->payload_bytes, how->messages);
    times->push_ns = own->push(&task, wire).message_ns;
    times->take_ns = own->take(&task, wire).message_ns;
    times->cycle_ns = own->cycle(&task, wire).message_ns;
    redis_clear(wire, own->subject);
}
