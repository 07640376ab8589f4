/* schemes.c: the kinds of URL of libslotq, which has no Redis. libslotq_redis has redis/schemes.c
 * in its place.
 */
#include "schemes.h"

static const scheme redis = {
    .missing = "this build has no Redis: link libslotq_redis, or give a folder, like \".\""};

const scheme *const scheme_table[] = {
    [SLOTQ_PLACE_FOLDER] = &scheme_folder,   [SLOTQ_PLACE_REDIS] = &redis,
    [SLOTQ_PLACE_REDIS_UNIX] = &redis,       [SLOTQ_PLACE_TLS] = &redis,
    [SLOTQ_PLACE_SENTINEL] = &redis,         [SLOTQ_PLACE_SENTINEL_TLS] = &redis,
    [SLOTQ_PLACE_UNKNOWN] = &scheme_unknown,
};
