/* errand.c: see errand.h.
 */
#include "errand.h"

#include <string.h>

slotq_outcome redis_errand_begin(redis_errand *on, redis_route *route, const char *key,
                                 const redis_settings *settings, store_fault *fault)
{
    memset(&on->connection, 0, sizeof on->connection);
    on->route = route;
    on->connection.connect_timeout_ms = settings->connect_timeout_ms;
    on->connection.timeout_ms = settings->timeout_ms;
    slotq_outcome outcome = SLOTQ_OK;
    bool redirected = true;
    for (uint32_t hop = 0; hop < REDIS_HOPS_MAX && redirected; hop++) {
        redis_connection_drop(&on->connection, "");
        outcome = redis_route_connect(route, &on->connection, fault);
        if (outcome != SLOTQ_OK) {
            return outcome;
        }
        outcome = redis_server_greet(&on->connection, key, key == NULL ? 0 : strlen(key),
                                     &on->facts, fault);
        redirected = outcome != SLOTQ_OK && redis_route_follow(route, &on->connection);
    }
    if (outcome != SLOTQ_OK && !redirected && fault->passes) {
        redis_route_blame(route, NULL, 0);
    }
    return outcome;
}

slotq_outcome redis_errand_end(redis_errand *on, slotq_outcome outcome)
{
    if (outcome != SLOTQ_OK) { /* the next try goes where the key is */
        (void)redis_route_follow(on->route, &on->connection);
    }
    redis_connection_free(&on->connection);
    return outcome;
}

bool redis_errand_again(const redis_route *route, redis_patience *patience,
                        const store_fault *fault)
{
    patience->met = patience->met && !route->is_found;
    return redis_patience_wait(patience, fault);
}
