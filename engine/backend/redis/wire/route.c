/* route.c: see route.h.
 */
#include "route.h"

#include <string.h>

#include "../../system/identity.h"

slotq_outcome redis_route_parse(const char *url, const slotq_options *options, redis_route *route,
                                store_fault *fault)
{
    memset(route, 0, sizeof *route);
    return redis_address_of(url, options, &route->address, fault);
}

slotq_outcome redis_route_copy(redis_route *to, const redis_route *from, store_fault *fault)
{
    (void)fault;
    *to = *from;
    return SLOTQ_OK;
}

void redis_route_free(redis_route *route)
{
    (void)route;
}

uint64_t redis_route_identity(const redis_route *route, uint64_t mixed)
{
    const redis_address *address = &route->address;
    const uint64_t parts[] = {address->port, address->database};
    mixed = identity_mix(mixed, address->host, strlen(address->host));
    return identity_mix(mixed, parts, sizeof parts);
}

slotq_outcome redis_route_find(redis_route *route, redis_connection *connection, store_fault *fault)
{
    (void)fault;
    connection->address = route->address;
    return SLOTQ_OK;
}

slotq_outcome redis_route_connect(redis_route *route, redis_connection *connection,
                                  store_fault *fault)
{
    slotq_outcome outcome = redis_route_find(route, connection, fault);
    if (outcome == SLOTQ_OK) {
        outcome = redis_connection_open(connection, fault);
        if (outcome != SLOTQ_OK) {
            redis_route_blame(route, NULL, 0);
        }
    }
    return outcome;
}

void redis_route_blame(redis_route *route, const char *said, size_t length)
{
    (void)route;
    (void)said;
    (void)length;
}

bool redis_route_is_current(redis_route *route, const redis_connection *connection)
{
    (void)route;
    (void)connection;
    return true;
}
