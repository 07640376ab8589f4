/* survival.h: what a push that was acknowledged survives, in one sentence. Knows how files sync and
 * what a server says of its disk and its replicas; no queue.
 */
#ifndef SLOTQ_TOOLS_VERBS_SURVIVAL_H
#define SLOTQ_TOOLS_VERBS_SURVIVAL_H

#include <stdbool.h>

#include "slotq_redis.h"

enum { SURVIVAL_BYTES = 480 };

typedef struct survival {
    char text[SURVIVAL_BYTES]; /* "an acknowledged push survives …", without a full stop */
} survival;

survival survival_in_file(bool syncs_always);
survival survival_on_server(slotq_redis_connection *server);

#endif
